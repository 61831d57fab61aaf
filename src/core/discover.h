/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The asker: sends Discovers while somebody wants them, and takes the answers into the topology.
 */
#ifndef ROMON_DISCOVER_H
#define ROMON_DISCOVER_H

#include <stdbool.h>

#include <romon/romon.h>

#include "core/wire.h"

#define DISCOVER_INTERVAL ROMON_SECOND         /* RouterOS refreshes each second [R] */
#define DISCOVER_EAGER_ROUNDS 10               /* so many at least, whatever they cost [O] */
#define DISCOVER_ANSWERS_PER_SECOND 500        /* then it asks so rarely that no more come on average [O] */
#define DISCOVER_INTERVAL_MAX (5 * ROMON_SECOND) /* but as often as this [O] */
#define DISCOVER_ANSWER_TIME (2 * ROMON_SECOND) /* answers that come later are not believed [O] */

struct port;

struct discover {
	unsigned users;          /* how many want discovery */
	unsigned eager;          /* rounds that come each second, whatever they cost */
	uint32_t answers;        /* to the present round */
	int64_t interval;        /* from the last round to the next one, nanoseconds */
	bool ever, stranger;     /* there was a round; a duplicate of our ID was reported */
	struct romon_time round; /* the last one began */
	struct romon_time warned; /* of a duplicate ID */
};

/* Per port. */
struct discover_port {
	bool wanted; /* a Discover is due, as soon as the port may */
	bool asked;
	struct romon_time at; /* last Discover sent */
};

void discover_start(struct romon_engine *engine, struct romon_time now);
void discover_stop(struct romon_engine *engine);
/* A port has appeared: it asks at the next run while somebody wants discovery. One without carrier waits for that. */
void discover_port_ready(struct port *port);
/* Sends what is due. */
void discover_run(struct romon_engine *engine, struct romon_time now);
void discover_wake(const struct romon_engine *engine, bool *set, struct romon_time *when);

/* A Discover that names us as the asker: our own copy come back, or somebody has our ID. */
void discover_own(struct romon_engine *engine, struct port *port, const struct wire_message *message, struct romon_time now);
/* A DiscoverResp whose source is our ID. */
void discover_answer(struct romon_engine *engine, struct port *port, const struct wire_message *message, struct romon_time now);

#endif
