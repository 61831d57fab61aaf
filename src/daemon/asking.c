/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who wants discovery.
 */
#include "daemon/asking.h"

#include <string.h>

#include "daemon/worker.h"

#define ASKING_FRESH (5 * ROMON_SECOND)

void asking_start(struct asking *asking, struct romon_engine *engine)
{
	struct romon_time now = worker_now();

	if (asking->users++ == 0)
		asking->since = now;
	romon_engine_discover_start(engine, now);
}

void asking_stop(struct asking *asking, struct romon_engine *engine)
{
	romon_engine_discover_stop(engine);
	if (--asking->users == 0) {
		asking->until = worker_now();
		asking->complete = asking->until.ns - asking->since.ns >= ASKING_SETTLED;
	}
}

bool asking_settled(const struct asking *asking)
{
	struct romon_time now = worker_now();

	if (asking->users > 0)
		return now.ns - asking->since.ns >= ASKING_SETTLED;
	return asking->complete && now.ns - asking->until.ns <= ASKING_FRESH;
}

void asking_forget(struct asking *asking)
{
	memset(asking, 0, sizeof(*asking));
}
