/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One direction of an emulated wire, as arithmetic: frames go in with the time, and come out when they are due, if they do. No sockets, no
 * clock. What happens to the n-th frame (jitter aside) depends on the seed, on n and on the options of that moment alone, so a run with the
 * same seed loses the same frames. The order of frames changes only by `reorder`: jitter keeps it.
 */
#ifndef EMULATOR_WAY_H
#define EMULATOR_WAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#define WAY_NEVER INT64_MAX
#define WAY_HOLD_MAX 5000000              /* ns that a frame waits to be overtaken */
#define WAY_BYTES_MAX ((size_t)256 << 20) /* that may wait, whatever the options are */

struct way_options {
	double loss, duplicate, corrupt, reorder; /* of how many frames: 0 to 1 */
	uint32_t depth;                           /* a reordered frame is overtaken by 1 to so many */
	int64_t delay, jitter;                    /* ns; the time on the way wanders between delay - jitter and delay + jitter */
	uint64_t rate;                            /* bits a second; 0: as fast as it goes */
	uint64_t limit;                           /* bytes that may wait for that rate */
	uint32_t mtu;                             /* bytes after the Ethernet header; 0: any */
};

struct way_counters {
	uint64_t frames, bytes;           /* that came */
	uint64_t passed;                  /* that went out, copies included */
	uint64_t lost, cut, long_, queue; /* that did not, by what stopped them: chance, a cut, the MTU, a full queue */
	uint64_t duplicated, corrupted, reordered;
};

struct way_frame {
	STAILQ_ENTRY(way_frame) link;
	int64_t due;   /* ns; of one that is held: when it goes on at the latest */
	uint32_t hold; /* by how many it is still to be overtaken */
	uint32_t len;
	uint8_t data[];
};
STAILQ_HEAD(way_frames, way_frame);

struct way {
	struct way_options options;
	struct way_counters counters;
	bool cut;
	uint64_t seed;
	uint64_t number;               /* of the frame that is looked at, from 1 */
	struct way_frames queue, held; /* on their way, by due; to be overtaken, by due */
	size_t waiting;                /* bytes in both */
	int64_t free_at, last_due;     /* when the rate lets the next one start; when the newest in the queue is due */
};

void way_init(struct way *way, uint64_t seed);
/* Drops all that is in it. */
void way_clear(struct way *way);
/* From now on nothing passes, and what was on its way is lost; or it passes again. */
void way_cut(struct way *way, bool cut);
/* Takes a whole Ethernet frame, which is copied. */
void way_put(struct way *way, const uint8_t *data, size_t len, int64_t now);
/* The next frame that is due, which the caller frees; NULL: none is. */
struct way_frame *way_take(struct way *way, int64_t now);
/* When way_take() will have something to do; WAY_NEVER. */
int64_t way_due(const struct way *way);

#endif
