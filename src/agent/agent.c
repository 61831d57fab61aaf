/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What all of the agent shares: the time, and the end of a turn.
 */
#include "agent/agent.h"

#include <time.h>

#include "agent/session.h"

int64_t agent_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void agent_settle(struct agent *agent)
{
	sessions_settle(agent);
}
