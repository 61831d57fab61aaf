/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Links. To open one: a stream to the target's port 4 by romond, the login there with the name and password that the client gave, and only
 * then the answer. Passwords are wiped as soon as they are used, and never logged.
 */
#include "agent/links.h"

#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/call.h"
#include "agent/conn.h"
#include "agent/random.h"
#include "agent/session.h"
#include "agent/targets.h"
#include "daemon/log.h"

#define WINBOX_PORT 4  /* of RoMON */
#define OPEN_SECONDS 9 /* clients wait 10 for the answer [T] */
#define ATTEMPTS_MAX 3 /* RouterOS refuses every hundredth good login [T] */
#define ATTEMPT_PAUSE_MS 100
#define WRITE_SECONDS 10      /* in which a target has to take something */
#define PUSH_ORIGIN 0xff0003u /* what the end of a link comes from, with the link's id [T] */

enum { KEY_TARGET = 0x4, KEY_SIX = 0x6, KEY_USER = 0x7, KEY_PASSWORD = 0x8 };

enum link_state { LINK_OPENING, LINK_UP, LINK_OVER };

struct link {
	struct link *next;
	struct session *session;
	uint32_t id;
	uint8_t target_id[USERS_ID];
	struct target *target;
	enum link_state state;
	struct call *call; /* to open the stream */
	struct conn *conn;
	struct event *deadline, *pause;
	unsigned attempts;
	char *user, *password;
	struct reply_to reply;
	bool six; /* what the request had under key 6: mirrored, whatever it means [T] */
};

static void wipe(char **text)
{
	if (*text != NULL)
		explicit_bzero(*text, strlen(*text));
	free(*text);
	*text = NULL;
}

static const char *target_text(const struct link *link)
{
	static char text[USERS_ID_TEXT];

	return users_id_text(link->target_id, text);
}

/* It is not to be. */
static void fail(struct link *link, uint32_t error, const char *text, const char *why)
{
	if (link->state == LINK_OVER)
		return;
	link->state = LINK_OVER;
	log_info("%s does not get to %s: %s", session_name(link->session), target_text(link), why);
	reply_error(link->session, &link->reply, error, text);
}

/* A link that was there ends: the client hears of it, once [T]. */
static void push_end(struct link *link)
{
	const uint32_t from[] = {PUSH_ORIGIN, link->id};
	uint8_t message[64];
	struct m2_writer writer = m2_writer_make(message, sizeof(message));

	m2_put_u32s(&writer, M2_TO, NULL, 0);
	m2_put_u32s(&writer, M2_FROM, from, 2);
	m2_put_u32(&writer, M2_COMMAND, M2_CMD_ENDED);
	session_send(link->session, message, writer.len);
}

static void end(struct link *link, const char *why)
{
	if (link->state == LINK_OVER)
		return;
	link->state = LINK_OVER;
	log_info("the link of %s to %s ended: %s", session_name(link->session), target_text(link), why);
	push_end(link);
}

static void logged_in(void *owner)
{
	struct link *link = owner;
	struct m2_writer writer = reply_begin(&link->reply);
	char user[CHANNEL_NAME_MAX * 4 + 1];

	link->state = LINK_UP;
	event_del(link->deadline);
	wipe(&link->password);
	session_shown(link->user, user, sizeof(user));
	log_info("%s is connected to %s as %s", session_name(link->session), target_text(link), user);
	link->target = target_join(session_agent(link->session), link->target_id);
	m2_put_bool(&writer, KEY_SIX, link->six);
	m2_put_u32(&writer, M2_ID, link->id);
	reply_send(link->session, &link->reply, &writer);
	session_flow(link->session);
}

/* What the target sent did not fit any more with the link's path before it. */
static void too_big(struct link *link, const uint8_t *message, size_t len)
{
	const uint32_t from[] = {2, link->id};
	struct request request;
	uint8_t answer[512];
	struct m2_writer writer = m2_writer_make(answer, sizeof(answer));
	struct m2_field to;

	log_warning("an answer of %s was too big for WinBox's format, and is left out", target_text(link));
	request_read(&request, message, len);
	if (!request.answer || !request.reply.has_id || !m2_find(message, len, M2_TO, M2_U32S, &to))
		return;
	m2_put_field(&writer, M2_TO, message, &to);
	m2_put_u32s(&writer, M2_FROM, from, 2);
	m2_put_u32(&writer, M2_TYPE, M2_TYPE_REPLY);
	m2_put_u32(&writer, M2_REQUEST, request.reply.id);
	m2_put_u32(&writer, M2_STATUS, M2_STATUS_ERROR);
	m2_put_u32(&writer, M2_ERROR, M2_ERROR_TOO_BIG);
	if (!writer.failed)
		session_send(link->session, answer, writer.len);
}

/* From the target to the client: [2, link] before the path that it comes from. */
static void from_target(void *owner, uint8_t *message, size_t len)
{
	static uint8_t out[CIPHER_MESSAGE_MAX];
	struct link *link = owner;
	const uint32_t prefix[] = {2, link->id};
	size_t routed;

	target_heard(link->target);
	if (link->state != LINK_UP)
		return;
	routed = m2_reroute(message, len, M2_FROM, 0, prefix, 2, out, sizeof(out));
	if (routed == 0)
		too_big(link, message, len);
	else
		session_send(link->session, out, routed);
}

static void drained(void *owner)
{
	struct link *link = owner;

	session_flow(link->session);
}

static void start(struct link *link);

static void pause_is_over(evutil_socket_t fd, short what, void *arg)
{
	struct link *link = arg;

	(void)fd;
	(void)what;
	if (link->state != LINK_OPENING)
		return;
	conn_free(link->conn);
	link->conn = NULL;
	start(link);
}

static void refused(struct link *link)
{
	const struct timeval pause = {.tv_usec = ATTEMPT_PAUSE_MS * 1000};

	if (link->attempts < ATTEMPTS_MAX)
		event_add(link->pause, &pause);
	else
		fail(link, M2_ERROR_DENIED, NULL, "it refuses the login");
}

static void conn_ended(void *owner, enum conn_end reason)
{
	static const char *const why[] = {
		[CONN_CLOSED] = "the other side closed it",
		[CONN_BROKEN] = "the connection broke",
		[CONN_NONSENSE] = "the other side sent what is no WinBox",
		[CONN_STUCK] = "the other side takes nothing any more",
		[CONN_REFUSED] = "the other side refuses the login",
	};
	struct link *link = owner;

	if (link->state == LINK_UP) {
		end(link, why[reason]);
		session_flow(link->session);
	} else if (link->state == LINK_OPENING && reason == CONN_REFUSED) {
		refused(link);
	} else {
		fail(link, M2_ERROR_FAILED, "connection refused", why[reason]);
	}
}

static const struct conn_ops link_ops = {logged_in, from_target, drained, conn_ended};

/* romond has answered: the stream is open, or not. */
static void stream_opened(void *ctx, const struct message_reply *reply)
{
	struct link *link = ctx;
	struct agent *agent = session_agent(link->session);

	if (reply == NULL || reply->error != NULL) {
		const char *reason = reply != NULL ? json_string_value(json_object_get(reply->parameters, "reason")) : NULL;

		if (reply == NULL || call_failed_with(reply, "NotRunning"))
			fail(link, M2_ERROR_FAILED, REPLY_NOT_RUNNING, "RoMON is not running");
		else if (call_failed_with(reply, "Invalid"))
			fail(link, M2_ERROR_FAILED, "bad destination or port", "it is no ID of a router");
		else if (call_failed_with(reply, "Failed"))
			fail(link, M2_ERROR_FAILED, reason, reason != NULL ? reason : "it failed");
		else if (call_failed_with(reply, "Refused") || call_failed_with(reply, "NoSuchService"))
			fail(link, M2_ERROR_FAILED, "connection refused", "there is no WinBox service");
		else
			fail(link, M2_ERROR_FAILED, "timeout", reason != NULL ? reason : "no answer");
	} else if (link->state == LINK_OPENING) {
		link->conn = conn_new(agent->base, call_detach(link->call),
			channel_client(agent->curve, link->user, link->password, random_fill), WRITE_SECONDS, &link_ops, link);
		if (link->conn == NULL)
			fail(link, M2_ERROR_DENIED, NULL, "such a login name there cannot be");
	}
	call_free(link->call);
	link->call = NULL;
}

static void start(struct link *link)
{
	struct agent *agent = session_agent(link->session);

	link->attempts++;
	link->call = call_new(agent->base, agent->socket_path, "Connect",
		json_pack("{ss si}", "id", target_text(link), "port", WINBOX_PORT), MESSAGE_UPGRADE, stream_opened, link);
	if (link->call == NULL)
		fail(link, M2_ERROR_FAILED, REPLY_NOT_RUNNING, "romond cannot be reached");
}

static void time_is_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	fail(arg, M2_ERROR_FAILED, "timeout", "it does not answer in time");
}

/* A copy of a text of the request, "" if there is none. */
static char *text_of(const struct request *request, uint32_t key)
{
	struct m2_field field;

	if (!m2_find(request->message, request->len, key, M2_STRING, &field))
		return strdup("");
	return strndup((const char *)field.data, field.len);
}

static void link_free(struct link *link)
{
	struct agent *agent = session_agent(link->session);

	call_free(link->call);
	conn_free(link->conn);
	if (link->deadline != NULL)
		event_free(link->deadline);
	if (link->pause != NULL)
		event_free(link->pause);
	target_leave(agent, link->target);
	wipe(&link->user);
	wipe(&link->password);
	agent->link_count--;
	free(link);
}

/* Never one that was there before, as long as the process lives. */
static uint32_t next_id(struct agent *agent)
{
	if (agent->next_link < LINK_ID_MIN || agent->next_link >= LINK_ID_MAX)
		agent->next_link = LINK_ID_MIN;
	return agent->next_link++;
}

/* Makes a link that is part of its session. NULL: no memory. */
static struct link *link_new(struct session *session, const struct request *request, const struct m2_field *target)
{
	struct agent *agent = session_agent(session);
	const struct timeval deadline = {.tv_sec = OPEN_SECONDS};
	struct link *link = calloc(1, sizeof(*link));

	if (link == NULL)
		return NULL;
	agent->link_count++;
	link->session = session;
	link->id = next_id(agent);
	link->reply = request->reply;
	link->six = m2_bool(request->message, request->len, KEY_SIX, true);
	memcpy(link->target_id, target->data, USERS_ID);
	link->user = text_of(request, KEY_USER);
	link->password = text_of(request, KEY_PASSWORD);
	link->deadline = evtimer_new(agent->base, time_is_over, link);
	link->pause = evtimer_new(agent->base, pause_is_over, link);
	if (link->user == NULL || link->password == NULL || link->deadline == NULL || link->pause == NULL ||
		event_add(link->deadline, &deadline) != 0) {
		link_free(link);
		return NULL;
	}
	link->next = *session_links(session);
	*session_links(session) = link;
	return link;
}

static size_t count(struct session *session)
{
	size_t n = 0;

	for (struct link *link = *session_links(session); link != NULL; link = link->next)
		n += link->state != LINK_OVER;
	return n;
}

void link_connect(struct session *session, const struct request *request)
{
	struct agent *agent = session_agent(session);
	struct m2_field target;
	struct link *link;

	if (!m2_find(request->message, request->len, KEY_TARGET, M2_RAW, &target) || target.len != USERS_ID) {
		reply_error(session, &request->reply, M2_ERROR_FAILED, "bad destination or port");
		return;
	}
	if (!users_allows(session_user(session), target.data)) {
		char id[USERS_ID_TEXT];

		log_warning("%s may not connect to %s", session_name(session), users_id_text(target.data, id));
		reply_error(session, &request->reply, M2_ERROR_DENIED, NULL);
		return;
	}
	link = count(session) < SESSION_LINKS_MAX && agent->link_count < AGENT_LINKS_MAX ? link_new(session, request, &target)
											 : NULL;
	if (link == NULL)
		reply_error(session, &request->reply, M2_ERROR_BUSY, NULL);
	else
		start(link);
}

bool link_forward(struct session *session, const struct request *request)
{
	static uint8_t out[CIPHER_MESSAGE_MAX];
	struct link *link = *session_links(session);
	size_t len;

	while (link != NULL && (link->id != request->reply.path[1] || link->state != LINK_UP))
		link = link->next;
	if (link == NULL)
		return false;
	len = m2_reroute(request->message, request->len, M2_TO, 2, NULL, 0, out, sizeof(out));
	if (len == 0 || !conn_send(link->conn, out, len))
		end(link, "no memory");
	else if (conn_backlog(link->conn) >= CONN_FULL)
		session_flow(session);
	return true;
}

void links_settle(struct session *session)
{
	struct link **at = session_links(session);

	while (*at != NULL) {
		struct link *link = *at;

		if (link->state != LINK_OVER) {
			at = &link->next;
			continue;
		}
		*at = link->next;
		link_free(link);
	}
}

void links_end(struct session *session)
{
	while (*session_links(session) != NULL) {
		struct link *link = *session_links(session);

		*session_links(session) = link->next;
		link_free(link);
	}
}

bool links_full(struct session *session)
{
	for (struct link *link = *session_links(session); link != NULL; link = link->next)
		if (link->state == LINK_UP && conn_backlog(link->conn) >= CONN_FULL)
			return true;
	return false;
}

void links_pause(struct session *session, bool paused)
{
	for (struct link *link = *session_links(session); link != NULL; link = link->next)
		if (link->state == LINK_UP)
			conn_pause(link->conn, paused);
}

void links_lost(struct agent *agent, const struct target *target)
{
	for (struct session *session = agent->sessions; session != NULL; session = session_next(session)) {
		for (struct link *link = *session_links(session); link != NULL; link = link->next)
			if (link->state == LINK_UP && link->target == target)
				end(link, "it does not answer any more");
		session_flow(session);
	}
}
