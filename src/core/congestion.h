/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Congestion control: how many bytes a sender may have on the way. CUBIC (RFC 9438), which is never slower than Reno would be, and slow
 * start that ends when the round-trip time grows (HyStart++, RFC 9406), before the queue on the
 * way overflows. It knows nothing of streams.
 */
#ifndef ROMON_CONGESTION_H
#define ROMON_CONGESTION_H

#include <stdbool.h>
#include <stdint.h>

#include <romon/romon.h>

#define CONGESTION_SEGMENTS_FIRST 10 /* RFC 6928 */

struct congestion {
	uint32_t window, threshold; /* bytes */
	uint32_t max;               /* the window never grows beyond */
	uint32_t segment;           /* bytes of a full one */
	/* CUBIC; windows in segments, times in seconds. */
	double peak;   /* W_max: window at the last loss */
	double origin; /* K: how long after the loss the window is back at it */
	double reno;   /* W_est: what Reno would have */
	bool begun;    /* the time of this epoch runs */
	struct romon_time epoch;
	int64_t shortest; /* round-trip time, nanoseconds; 0: none yet */
	/* The end of slow start: rounds, each of one round-trip time. */
	struct romon_time round;     /* when this one began */
	int64_t round_rtt, last_rtt; /* the shortest time of this one, and of the one before; 0: none */
	unsigned measured;           /* in this one */
	int64_t cautious;            /* the time that had risen, since when the window grows less; 0: it does not */
	unsigned cautious_rounds;
	/* Before the last loss, or timeout. */
	uint32_t saved_window, saved_threshold;
	double saved_peak;
};

void congestion_init(struct congestion *c, uint32_t segment, uint32_t max);
/* Full segments have another size from now on; the window in bytes stays. */
void congestion_segment(struct congestion *c, uint32_t segment);
/* Bytes were acknowledged that the window held back: one that the sender did not fill does not grow. rtt: smoothed, nanoseconds. */
void congestion_acked(struct congestion *c, uint32_t bytes, int64_t rtt, struct romon_time now);
/* A round-trip time was measured, by an acknowledgement. */
void congestion_measured(struct congestion *c, int64_t rtt, struct romon_time now);
/* A segment was lost while others arrived (fast retransmit). */
void congestion_lost(struct congestion *c);
/* Nothing arrives any more. */
void congestion_timeout(struct congestion *c, bool first);
/* It was no loss: back to what was before it, or before the timeouts, if that is more. */
void congestion_restore(struct congestion *c);
/* Nothing was sent for a while, and the window must not be filled by one burst. */
void congestion_idle(struct congestion *c);
/* What was lost has been repaired and so many bytes are on the way: likewise. */
void congestion_recovered(struct congestion *c, uint32_t flight);

#endif
