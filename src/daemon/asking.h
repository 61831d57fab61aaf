/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who wants discovery: counts those who do for the engine, and remembers for how long somebody has, which tells whether the table
 * is complete enough to name a router by its identity.
 */
#ifndef ROMON_ASKING_H
#define ROMON_ASKING_H

#include <stdbool.h>
#include <stddef.h>

#include <romon/romon.h>

#define ASKING_SETTLED (1500 * ROMON_MILLISECOND) /* after this, whoever is there has answered */

struct asking {
	size_t users;
	struct romon_time since; /* the first of them began */
	struct romon_time until; /* the last of them ended; valid while there are none */
	bool complete;           /* that last time was long enough; valid while there are none */
};

void asking_start(struct asking *asking, struct romon_engine *engine);
void asking_stop(struct asking *asking, struct romon_engine *engine);
/* Is the table what it is now, or was it within the last 5 s? */
bool asking_settled(const struct asking *asking);
/* The engine and its table are gone. */
void asking_forget(struct asking *asking);

#endif
