/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pings. A poll gets the echoes that were decided since the last one; where there are none it is answered with the next. The last answer
 * says that it is the last. [T: so does the window of IP ping; I: that this one does]
 */
#include "agent/pings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/agent.h"
#include "agent/call.h"
#include "agent/rows.h"
#include "agent/session.h"
#include "winbox/fields.h"
#include "winbox/users.h"

#define ECHOES_MAX 64 /* kept for one that does not poll; older ones are lost */
#define RECORD_MAX 256
#define INTERVAL_MIN_MS 10
#define SIZE_MIN 4

struct ping {
	struct ping *next;
	struct session *session;
	uint32_t id;
	struct call *call;
	uint8_t target[USERS_ID];
	bool over;
	bool failed;
	char text[64]; /* why */
	bool held;     /* a poll waits */
	struct reply_to poll;
	uint32_t sent, received;
	size_t count;
	struct rows_echo echoes[ECHOES_MAX];
};

/* Answers a poll with all echoes that there are. */
static void tell(struct ping *ping, const struct reply_to *to)
{
	static uint8_t page[ECHOES_MAX * (RECORD_MAX + 2)], record[RECORD_MAX];
	struct m2_writer elements = {.data = page, .max = sizeof(page)}, writer = reply_begin(to);

	for (size_t i = 0; i < ping->count; i++) {
		struct m2_writer one = m2_writer_make(record, sizeof(record));

		rows_echo(&one, &ping->echoes[i]);
		m2_put_element_bytes(&elements, record, one.len);
	}
	if (ping->count > 0)
		m2_put_elements(&writer, M2_RECORDS, M2_MESSAGES, ping->count, page, elements.len);
	if (ping->over)
		m2_put_bool(&writer, M2_FINISHED, true);
	else
		m2_put_u32(&writer, M2_NEXT, 1);
	ping->count = 0;
	reply_send(ping->session, to, &writer);
}

static void tell_held(struct ping *ping)
{
	if (!ping->held || (ping->count == 0 && !ping->over))
		return;
	ping->held = false;
	if (ping->failed)
		reply_error(ping->session, &ping->poll, M2_ERROR_FAILED, ping->text);
	else
		tell(ping, &ping->poll);
}

static void note(struct ping *ping, const json_t *reply)
{
	double seconds = json_number_value(json_object_get(reply, "time"));
	const char *status = json_string_value(json_object_get(reply, "status"));
	struct rows_echo echo = {.seq = (uint32_t)json_integer_value(json_object_get(reply, "seq"))};

	echo.answered = status != NULL && strcmp(status, "ok") == 0;
	echo.milliseconds = (uint32_t)(seconds * 1000 + 0.5);
	echo.sent = ++ping->sent;
	echo.received = ping->received += echo.answered;
	memcpy(echo.id, ping->target, USERS_ID);
	if (ping->count == ECHOES_MAX)
		memmove(ping->echoes, ping->echoes + 1, --ping->count * sizeof(*ping->echoes));
	ping->echoes[ping->count++] = echo;
}

/* romond is asked no more. */
static void stop(struct ping *ping)
{
	if (ping->call == NULL)
		return;
	session_agent(ping->session)->ping_count--;
	call_free(ping->call);
	ping->call = NULL;
}

/* What to say of a ping that romond does not do, or not any more. */
static const char *why(const struct message_reply *reply)
{
	const char *reason = reply != NULL ? json_string_value(json_object_get(reply->parameters, "reason")) : NULL;

	if (reply == NULL || call_failed_with(reply, "NotRunning"))
		return REPLY_NOT_RUNNING;
	if (call_failed_with(reply, "Invalid"))
		return "bad destination or port";
	return reason != NULL ? reason : "bad value";
}

static void answered(void *ctx, const struct message_reply *reply)
{
	struct ping *ping = ctx;
	const json_t *echo = reply != NULL && reply->error == NULL ? json_object_get(reply->parameters, "reply") : NULL;

	if (json_is_object(echo)) {
		note(ping, echo);
	} else {
		ping->over = true;
		ping->failed = reply == NULL || reply->error != NULL;
		if (ping->failed)
			snprintf(ping->text, sizeof(ping->text), "%s", why(reply));
		stop(ping);
	}
	tell_held(ping);
}

static struct ping **find(struct session *session, uint32_t id)
{
	struct ping **at = session_pings(session);

	while (*at != NULL && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static void ping_free(struct ping *ping)
{
	stop(ping);
	free(ping);
}

/* Is there a place for another one? A client stops polling when it was told that a ping is over, and need not cancel it: the oldest of
 * those makes room. */
static bool room(struct session *session)
{
	struct ping **over = NULL, *ping;
	size_t n = 0;

	for (struct ping **at = session_pings(session); *at != NULL; at = &(*at)->next, n++)
		if ((*at)->over)
			over = at;
	if (n < SESSION_PINGS_MAX)
		return true;
	if (over == NULL)
		return false;
	ping = *over;
	*over = ping->next;
	ping_free(ping);
	return true;
}

/* What romond is asked for. */
static json_t *parameters(const struct request *request, const struct ping *ping)
{
	uint32_t number = m2_u32(request->message, request->len, PING_COUNT, 0),
		 size = m2_u32(request->message, request->len, PING_SIZE, 0),
		 interval = m2_u32(request->message, request->len, PING_INTERVAL, 1000);
	char id[USERS_ID_TEXT];
	json_t *object = json_pack("{ss sf}", "id", users_id_text(ping->target, id), "interval",
		(interval < INTERVAL_MIN_MS ? INTERVAL_MIN_MS : interval) / 1000.0);

	if (number > 0)
		json_object_set_new(object, "count", json_integer(number));
	if (size >= SIZE_MIN)
		json_object_set_new(object, "size", json_integer(size));
	return object;
}

void ping_start(struct session *session, const struct request *request)
{
	struct agent *agent = session_agent(session);
	struct m2_writer writer;
	struct m2_field target;
	struct ping *ping;

	if (!m2_find(request->message, request->len, PING_TARGET, M2_RAW, &target) || target.len != USERS_ID) {
		reply_error(session, &request->reply, M2_ERROR_FAILED, "bad destination or port");
		return;
	}
	ping = room(session) && agent->ping_count < AGENT_PINGS_MAX ? calloc(1, sizeof(*ping)) : NULL;
	if (ping == NULL) {
		reply_error(session, &request->reply, M2_ERROR_BUSY, NULL);
		return;
	}
	ping->session = session;
	ping->id = session_number(session);
	memcpy(ping->target, target.data, USERS_ID);
	ping->call = call_new(agent->base, agent->socket_path, "Ping", parameters(request, ping), MESSAGE_MORE, answered, ping);
	if (ping->call == NULL) {
		ping_free(ping);
		reply_error(session, &request->reply, M2_ERROR_FAILED, REPLY_NOT_RUNNING);
		return;
	}
	agent->ping_count++;
	ping->next = *session_pings(session);
	*session_pings(session) = ping;
	writer = reply_begin(&request->reply);
	m2_put_u32(&writer, M2_ID, ping->id);
	reply_send(session, &request->reply, &writer);
}

void ping_poll(struct session *session, const struct request *request)
{
	struct ping *ping = *find(session, m2_u32(request->message, request->len, M2_ID, 0));

	if (ping == NULL) {
		reply_error(session, &request->reply, M2_ERROR_ID, NULL);
		return;
	}
	/* One waits; who asks twice at once has the first one answered by what there is. */
	if (ping->held)
		tell(ping, &ping->poll);
	ping->held = true;
	ping->poll = request->reply;
	tell_held(ping);
}

void ping_cancel(struct session *session, const struct request *request)
{
	struct ping **at = find(session, m2_u32(request->message, request->len, M2_ID, 0)), *ping = *at;

	if (ping == NULL) {
		reply_error(session, &request->reply, M2_ERROR_ID, NULL);
		return;
	}
	*at = ping->next;
	ping->over = true;
	tell_held(ping);
	ping_free(ping);
	reply_done(session, &request->reply);
}

void pings_end(struct session *session)
{
	while (*session_pings(session) != NULL) {
		struct ping *ping = *session_pings(session);

		*session_pings(session) = ping->next;
		ping_free(ping);
	}
}
