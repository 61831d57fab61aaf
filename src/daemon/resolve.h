/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From what a client calls a router, its RoMON ID or its identity, to the ID.
 */
#ifndef ROMON_RESOLVE_H
#define ROMON_RESOLVE_H

#include <romon/romon.h>

#include "daemon/client.h"

struct event;

/* One question, part of the state of a job. Zeroed: there is none. */
struct resolve {
	struct client *client;
	struct event *timer; /* not NULL: discovery runs for this */
	char *identity;
	void (*found)(struct client *client, struct romon_mac id);
};

/* Calls found(), at once or when everybody had time to answer; the client's job must be set by now. Where there is no such router or more
 * than one, answers the call with an error, which ends the job. */
void resolve_start(struct resolve *resolve, struct client *client, const char *text,
	void (*found)(struct client *client, struct romon_mac id));
/* To be called by the job's end(). */
void resolve_stop(struct resolve *resolve);

#endif
