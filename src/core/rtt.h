/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The round-trip time of a path and the retransmission timeout that follows from it (RFC 6298), between 200 ms and 5 s. Nanoseconds.
 */
#ifndef ROMON_RTT_H
#define ROMON_RTT_H

#include <stdint.h>

#include <romon/romon.h>

#define RTT_TIMEOUT_FIRST ROMON_SECOND /* before anything was measured */
#define RTT_TIMEOUT_MIN (200 * ROMON_MILLISECOND)
#define RTT_TIMEOUT_MAX (5 * ROMON_SECOND)

struct rtt {
	int64_t smoothed, variation; /* smoothed 0: nothing measured yet */
};

/* A segment that was sent once (Karn) was acknowledged after this long. */
void rtt_sample(struct rtt *rtt, int64_t measured);
/* The timeout after so many timeouts in a row: it doubles with each. */
int64_t rtt_timeout(const struct rtt *rtt, unsigned timeouts);

#endif
