/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sessions, from the connection to its end. Before the login a stranger gets a place for ten seconds, and one source gets few of them.
 */
#include "agent/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/conn.h"
#include "agent/discovery.h"
#include "agent/handlers.h"
#include "agent/links.h"
#include "agent/pings.h"
#include "agent/random.h"
#include "agent/settings.h"
#include "daemon/log.h"

#define WRITE_SECONDS 30 /* in which a client has to take something */
#define NAME_SHOWN 200   /* bytes of a name in the log, with a NUL */

struct session {
	struct session *next;
	struct agent *agent;
	struct conn *conn;
	struct source *source;
	char address[ADDRESS_TEXT];
	char name[NAME_SHOWN + ADDRESS_TEXT + 4];
	struct event *deadline;
	bool logged_in, over, restricted;
	struct user user;
	uint32_t last_number;
	unsigned errors;
	struct query queries[QUERIES_MAX];
	struct ping *pings;
	struct link *links;
	struct question *questions;
};

struct session *session_next(const struct session *session)
{
	return session->next;
}

struct agent *session_agent(const struct session *session)
{
	return session->agent;
}

const struct user *session_user(const struct session *session)
{
	return &session->user;
}

const char *session_name(const struct session *session)
{
	return session->name;
}

bool session_restricted(const struct session *session)
{
	return session->restricted;
}

uint32_t session_number(struct session *session)
{
	return ++session->last_number;
}

struct query *session_queries(struct session *session)
{
	return session->queries;
}

struct ping **session_pings(struct session *session)
{
	return &session->pings;
}

struct link **session_links(struct session *session)
{
	return &session->links;
}

struct question **session_questions(struct session *session)
{
	return &session->questions;
}

unsigned session_errors(struct session *session)
{
	return ++session->errors;
}

size_t session_shown(const char *text, char *shown, size_t size)
{
	size_t len = 0;

	for (; *text != '\0' && len + sizeof("\\x00...") <= size; text++) {
		unsigned char c = (unsigned char)*text;

		len += (size_t)snprintf(shown + len, size - len, c > ' ' && c < 0x7f && c != '\\' ? "%c" : "\\x%02x", c);
	}
	return len + (size_t)snprintf(shown + len, size - len, "%s", *text != '\0' ? "..." : "");
}

/* A line of the log has an end: whatever the name is, the address stands before that. */
static void set_name(struct session *session, const char *login)
{
	size_t len = session_shown(login, session->name, NAME_SHOWN);

	snprintf(session->name + len, sizeof(session->name) - len, " at %s", session->address);
}

static void logged_in(void *owner)
{
	struct session *session = owner;
	struct agent *agent = session->agent;
	size_t name_len;
	const char *login = channel_login(conn_channel(session->conn), &name_len);
	const struct user *user = accounts_user(&agent->accounts, login, name_len);

	if (user == NULL) {
		session->over = true;
		return;
	}
	session->user = *user;
	session->restricted = strchr(login + name_len, 'r') != NULL;
	session->logged_in = true;
	agent->open_count--;
	sources_login(session->source);
	event_del(session->deadline);
	set_name(session, login);
	log_info("%s logged in", session->name);
}

static void heard(void *owner, uint8_t *message, size_t len)
{
	struct session *session = owner;
	struct request request;

	if (session->over)
		return;
	request_read(&request, message, len);
	/* What only passes has to make sense to its target. */
	if ((request.reply.path_count < 2 || request.reply.path[1] < LINK_ID_MIN) && !m2_valid(message, len)) {
		log_warning("%s sent what is no message", session->name);
		session->over = true;
		return;
	}
	handlers_dispatch(session, &request);
	/* It may have held a password. */
	explicit_bzero(message, len);
}

static void drained(void *owner)
{
	session_flow(owner);
}

static void ended(void *owner, enum conn_end end)
{
	struct session *session = owner;
	size_t name_len;

	session->over = true;
	if (!session->logged_in && end == CONN_REFUSED) {
		sources_refused(session->source);
		set_name(session, channel_login(conn_channel(session->conn), &name_len));
		log_warning("login refused: %s", session->name);
	} else if (session->logged_in) {
		log_info("%s left%s", session->name, end == CONN_CLOSED ? "" : ": the connection broke");
	}
}

static const struct conn_ops session_ops = {logged_in, heard, drained, ended};

static void too_late(evutil_socket_t fd, short what, void *arg)
{
	struct session *session = arg;

	(void)fd;
	(void)what;
	session->over = true;
}

static void session_free(struct session *session)
{
	struct agent *agent = session->agent;

	links_end(session);
	pings_end(session);
	queries_end(session);
	questions_end(session);
	/* The attempt is paid for: whoever leaves in the middle, or was too late, has made us compute. */
	if (!session->logged_in) {
		agent->open_count--;
		if (session->conn != NULL && channel_challenged(conn_channel(session->conn)))
			sources_attempt(session->source);
	}
	sources_close(session->source, session->logged_in);
	conn_free(session->conn);
	if (session->deadline != NULL)
		event_free(session->deadline);
	agent->session_count--;
	free(session);
}

/* May it connect at all? Says why not in the log, but not for every connection of who floods. */
static bool welcome(struct agent *agent, const struct address *address, uint16_t port, struct source **source)
{
	char text[ADDRESS_TEXT];
	enum sources_verdict verdict;
	bool allowed = agent->allowed_count == 0;

	for (size_t i = 0; i < agent->allowed_count; i++)
		allowed |= network_has(&agent->allowed[i], address);
	if (!allowed) {
		log_debug("%s is in none of the networks that may connect", address_text(address, port, text));
		return false;
	}
	verdict = sources_open(&agent->sources, address, agent_now(), source);
	if (verdict != SOURCES_WELCOME && *source != NULL && sources_tell(*source, agent_now()))
		log_warning("%s %s", address_text(address, port, text),
			verdict == SOURCES_BLOCKED ? "failed to log in too often: it is kept out for a while"
						   : "has too many connections: the next ones are refused");
	return verdict == SOURCES_WELCOME;
}

/* Makes room for another login: who has been at it longest goes. */
static void drop_oldest(struct agent *agent)
{
	struct session *oldest = NULL;

	for (struct session *session = agent->sessions; session != NULL; session = session->next)
		if (!session->logged_in && !session->over)
			oldest = session;
	if (oldest != NULL)
		oldest->over = true;
	sessions_settle(agent);
}

void session_accept(struct agent *agent, int fd, const struct address *address, uint16_t port)
{
	const struct timeval deadline = {.tv_sec = AGENT_LOGIN_SECONDS};
	struct session *session;
	struct source *source;

	if (!welcome(agent, address, port, &source)) {
		close(fd);
		return;
	}
	if (agent->open_count >= AGENT_OPEN_MAX || agent->session_count >= AGENT_SESSIONS_MAX)
		drop_oldest(agent);
	session = agent->session_count < AGENT_SESSIONS_MAX ? calloc(1, sizeof(*session)) : NULL;
	if (session == NULL) {
		sources_close(source, false);
		close(fd);
		return;
	}
	accounts_refresh(&agent->accounts);
	session->agent = agent;
	session->source = source;
	address_text(address, port, session->address);
	agent->session_count++;
	agent->open_count++;
	session->next = agent->sessions;
	agent->sessions = session;
	session->conn = conn_new(agent->base, fd, channel_server(agent->curve, &agent->accounts.lookup, random_fill),
		WRITE_SECONDS, &session_ops, session);
	session->deadline = evtimer_new(agent->base, too_late, session);
	session->over = session->conn == NULL || session->deadline == NULL || event_add(session->deadline, &deadline) != 0;
}

void session_send(struct session *session, const uint8_t *message, size_t len)
{
	if (session->over)
		return;
	if (!conn_send(session->conn, message, len))
		session->over = true;
	else if (conn_backlog(session->conn) >= CONN_FULL)
		session_flow(session);
}

void session_flow(struct session *session)
{
	bool full;

	if (session->over)
		return;
	full = conn_backlog(session->conn) >= CONN_FULL;
	/* A target that takes nothing is given ten seconds; so long it holds up its own client, and nobody else's. */
	conn_pause(session->conn, full || links_full(session));
	links_pause(session, full);
}

void sessions_settle(struct agent *agent)
{
	struct session **at = &agent->sessions;

	while (*at != NULL) {
		struct session *session = *at;

		if (session->over) {
			*at = session->next;
			session_free(session);
			continue;
		}
		links_settle(session);
		at = &session->next;
	}
}

void sessions_free(struct agent *agent)
{
	for (struct session *session = agent->sessions; session != NULL; session = session->next)
		session->over = true;
	sessions_settle(agent);
}
