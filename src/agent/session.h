/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One connection of a WinBox: its login, and what it has going on here.
 */
#ifndef AGENT_SESSION_H
#define AGENT_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "winbox/address.h"
#include "winbox/users.h"

#define SESSION_PINGS_MAX 8
#define SESSION_LINKS_MAX 16

struct agent;
struct link;
struct ping;
struct query;
struct question;
struct session;

/* Takes a connection, which it takes over in any case: refuses it, or begins with the login. */
void session_accept(struct agent *agent, int fd, const struct address *address, uint16_t port);
/* Frees those that are over, and links that are, of all others. */
void sessions_settle(struct agent *agent);
void sessions_free(struct agent *agent);

struct session *session_next(const struct session *session);
struct agent *session_agent(const struct session *session);
const struct user *session_user(const struct session *session);
/* "noc at 192.0.2.7:50123", for the log. */
const char *session_name(const struct session *session);
/* A text that somebody sent, fit for the log: what is not a plain character stands in hex, and where not all of it finds room it
 * ends with "...". Returns its length. */
size_t session_shown(const char *text, char *shown, size_t size);
/* It logged in with the option r, for RoMON alone. */
bool session_restricted(const struct session *session);
/* A number that no other query or ping of this session has or had. */
uint32_t session_number(struct session *session);
struct query *session_queries(struct session *session);
struct ping **session_pings(struct session *session);
struct link **session_links(struct session *session);
struct question **session_questions(struct session *session);

/* Sends a message. */
void session_send(struct session *session, const uint8_t *message, size_t len);
/* How many requests were answered with an error so far, this one included: so that a log is not flooded. */
unsigned session_errors(struct session *session);
/* Whether the client is read from, and its links: looks at what waits everywhere. To be called when that has changed. */
void session_flow(struct session *session);

#endif
