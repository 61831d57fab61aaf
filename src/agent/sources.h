/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where connections come from, and how much each source may cost: a place for so many logins under way, and so many attempts. An IPv6
 * source is its /64, since one machine has all of that. Nothing here knows a clock or a socket.
 */
#ifndef AGENT_SOURCES_H
#define AGENT_SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "winbox/address.h"

#define SOURCES_MAX 1024
#define SOURCES_OPEN_MAX 8      /* logins of one source under way */
#define SOURCES_SESSIONS_MAX 64 /* sessions of one source */
#define SOURCES_ATTEMPTS 60     /* what a failed login costs is taken from this */
#define SOURCES_ATTEMPT_COST 1  /* one that was given up after its hello: we have computed for it */
#define SOURCES_FAILURE_COST 5  /* and for one that was refused, besides: ten wrong passwords in a row, then one in six seconds */
#define SOURCES_ATTEMPT_NS 1000000000LL /* one is given back in this time */

struct source {
	struct address address; /* family 0: a free place */
	unsigned open;          /* logins under way */
	unsigned sessions;
	int attempts; /* left, at the time `seen` */
	int64_t seen;
	int64_t told; /* when somebody was last told that it is kept out; 0: never */
};

struct sources {
	struct source list[SOURCES_MAX];
};

enum sources_verdict {
	SOURCES_WELCOME,
	SOURCES_BUSY,    /* as many logins or sessions as it may have */
	SOURCES_BLOCKED, /* too many failed attempts */
	SOURCES_FULL,    /* so many sources have something open that there is no place for another one */
};

/* May this address open another connection? Then it counts as a login under way, of the source *source. */
enum sources_verdict sources_open(struct sources *sources, const struct address *address, int64_t now, struct source **source);
/* Is it time to tell somebody that this one is kept out? Then it will not be for a minute. */
bool sources_tell(struct source *source, int64_t now);
/* A login became a session. */
void sources_login(struct source *source);
/* A login ended otherwise, after its hello. */
void sources_attempt(struct source *source);
/* The same, by a refusal: this costs more. */
void sources_refused(struct source *source);
/* The connection closes: it was a login, or a session. */
void sources_close(struct source *source, bool session);

#endif
