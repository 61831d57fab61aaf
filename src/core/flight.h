/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a sender has on the way: its segments in the order of their bytes, and what became of each. A segment has arrived when the peer
 * says so, by acknowledging what lies before it or, selectively, it alone; it is lost when one that was sent after it has arrived for
 * long enough (RACK, RFC 8985). What is neither is in the path, and congestion control bounds that (the "pipe" of RFC 6675). It knows
 * nothing of streams.
 */
#ifndef ROMON_FLIGHT_H
#define ROMON_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#define FLIGHT_SEGMENTS_MAX 2048 /* of one sender; it waits when so many are on the way */

enum flight_state { FLIGHT_WAITING, FLIGHT_ARRIVED, FLIGHT_LOST };

struct flight_segment {
	struct romon_time at; /* when it was sent last */
	uint32_t end;         /* behind its last byte; it begins where the one before it ends */
	uint8_t state;        /* enum flight_state */
	bool again;           /* it was sent more than once */
};

struct flight {
	struct flight_segment *list; /* from first on */
	uint32_t cap, first, count;
	uint32_t una;           /* where the oldest begins: everything before it is acknowledged */
	uint32_t arrived, lost; /* bytes that have arrived out of order; that are lost and not yet sent again */
	uint32_t highest;       /* behind the last byte that arrived */
	unsigned arrivals;      /* segments behind arrived */
	/* The segment sent last of those that arrived: when, where it ends, how long it took. */
	struct romon_time newest;
	uint32_t newest_end;
	int64_t newest_rtt; /* 0: none has arrived yet */
	bool reordered;     /* segments have overtaken each other on this path */
	unsigned patience;  /* quarters of a round-trip time that a segment may come later than its successors */
};

/* What an acknowledgement told. */
struct flight_news {
	uint32_t bytes; /* that were not known to have arrived */
	int64_t rtt;    /* of the youngest segment among them that was sent once; 0: there is none */
};

void flight_init(struct flight *flight, uint32_t seq);
void flight_free(struct flight *flight);
/* The next segment, which ends here, is sent. False: no room. */
bool flight_add(struct flight *flight, uint32_t end, struct romon_time now);
/* Everything before ack, which is in flight or the end of it, has arrived. shortest: of all round-trip times of the path, or 0. */
void flight_acknowledge(struct flight *flight, uint32_t ack, int64_t shortest, struct romon_time now, struct flight_news *news);
/* The segments that lie within [from, to) have arrived; whatever the two are. */
void flight_arrive(
	struct flight *flight, uint32_t from, uint32_t to, int64_t shortest, struct romon_time now, struct flight_news *news);
/* Marks as lost what was overtaken for long enough. Returns how many bytes, and in *again_at when to look again (INT64_MAX: no need).
 * hurry: no more patience than experience demands, since something was lost already. */
uint32_t flight_detect(
	struct flight *flight, int64_t shortest, int64_t smoothed, bool hurry, struct romon_time now, int64_t *again_at);
/* The oldest one is lost. */
void flight_lose_first(struct flight *flight);
/* Everything that has not arrived is lost. */
void flight_lose_all(struct flight *flight);
/* Nothing is lost: what seemed so has only waited. */
void flight_spare(struct flight *flight);
/* A segment came twice: what seemed lost had only been overtaken. */
void flight_overtaken(struct flight *flight);
/* The first run of lost bytes, at most max of it; false: there is none. */
bool flight_next_lost(const struct flight *flight, uint32_t max, uint32_t *seq, uint32_t *len);
/* That run is sent again, as one segment however it was cut before. */
void flight_resend(struct flight *flight, uint32_t seq, uint32_t len, struct romon_time now);
/* The last segment on the way is sent again, though nobody knows that it is lost. False: it has arrived, or is lost. */
bool flight_repeat_last(struct flight *flight, uint32_t *seq, uint32_t *len, struct romon_time now);
/* Behind the last byte on the way. */
uint32_t flight_end(const struct flight *flight);
/* Bytes in the path. */
uint32_t flight_pipe(const struct flight *flight);

#endif
