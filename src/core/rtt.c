/* SPDX-License-Identifier: BSD-2-Clause
 *
 * RFC 6298 with alpha = 1/8, beta = 1/4, K = 4.
 */
#include "core/rtt.h"

void rtt_sample(struct rtt *rtt, int64_t measured)
{
	int64_t error;

	if (measured <= 0)
		measured = 1;
	if (rtt->smoothed == 0) {
		rtt->smoothed = measured;
		rtt->variation = measured / 2;
		return;
	}
	error = rtt->smoothed > measured ? rtt->smoothed - measured : measured - rtt->smoothed;
	rtt->variation += (error - rtt->variation) / 4;
	rtt->smoothed += (measured - rtt->smoothed) / 8;
	if (rtt->smoothed <= 0)
		rtt->smoothed = 1;
}

int64_t rtt_timeout(const struct rtt *rtt, unsigned timeouts)
{
	int64_t timeout = rtt->smoothed == 0 ? RTT_TIMEOUT_FIRST : rtt->smoothed + 4 * rtt->variation;

	if (timeout < RTT_TIMEOUT_MIN)
		timeout = RTT_TIMEOUT_MIN;
	while (timeouts-- > 0 && timeout < RTT_TIMEOUT_MAX)
		timeout *= 2;
	return timeout < RTT_TIMEOUT_MAX ? timeout : RTT_TIMEOUT_MAX;
}
