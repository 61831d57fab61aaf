/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The table of routers, as romond tells it to all sessions at once, and their queries: who looks at it. While nobody does, nobody asks
 * romond.
 */
#ifndef AGENT_DISCOVERY_H
#define AGENT_DISCOVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "agent/request.h"

#define QUERIES_MAX 8 /* of one session */

struct agent;
struct call;

struct discovery {
	struct call *call; /* NULL: nobody looks, or romond does not tell */
	bool told;         /* at least once: `routers` is the table */
	bool failed;       /* romond said no, and has told nothing since */
	size_t queries;
	json_t *routers;
	json_t *numbers; /* by address: the number of that router's record, as long as anybody looks */
	uint32_t last_number;
};

/* A session's look at the table. id 0: a free place. */
struct query {
	uint32_t id;
	bool starting;
	struct reply_to start; /* to be answered when romond has told, or refused */
};

/* The commands of the handler. */
void query_start(struct session *session, const struct request *request);
void query_poll(struct session *session, const struct request *request);
void query_cancel(struct session *session, const struct request *request);
/* Ends all queries of a session. */
void queries_end(struct session *session);

#endif
