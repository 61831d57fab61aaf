/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The agent as a whole: what all its sessions share. One thread, one loop; what is over is freed at the end of a turn, so that nothing in
 * the middle of one finds it gone.
 */
#ifndef AGENT_AGENT_H
#define AGENT_AGENT_H

#include <event2/event.h>

#include "agent/accounts.h"
#include "agent/discovery.h"
#include "agent/sources.h"
#include "winbox/address.h"

#define AGENT_SESSIONS_MAX 256
#define AGENT_OPEN_MAX 64 /* logins under way */
#define AGENT_LINKS_MAX 256
#define AGENT_PINGS_MAX 64 /* of all windows: romond does 256, and links and others need some */
#define AGENT_LOGIN_SECONDS 10

/* The RouterOS that we answer like [T]: WinBox looks at it to know what it may ask. */
#define AGENT_ROUTEROS "7.24.5"

struct agent {
	struct event_base *base;
	const char *socket_path; /* of romond */
	struct curve *curve;
	struct accounts accounts;
	struct sources sources;
	struct discovery discovery;
	struct network allowed[ADDRESS_LIST_MAX]; /* who may connect; none: everybody */
	size_t allowed_count;
	struct session *sessions; /* the newest first */
	size_t session_count;
	size_t open_count; /* of them, not logged in */
	size_t link_count;
	size_t ping_count; /* those that go on */
	uint32_t next_link;
	struct target *targets; /* of links */
};

/* Frees what is over. To be called after every turn of the loop. */
void agent_settle(struct agent *agent);
/* Nanoseconds of a clock that only goes forward. */
int64_t agent_now(void);

#endif
