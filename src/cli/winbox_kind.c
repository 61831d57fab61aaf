/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An agent for WinBox as an agent of romon's: a small romond that knows four methods, each of which is a talk with the agent, MikroTik's or
 * ours.
 */
#include "cli/winbox_kind.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/secrets.h"
#include "cli/stand_in.h"
#include "cli/winbox_client.h"
#include "winbox/fields.h"
#include "winbox/users.h"

#define POLL_SECONDS 1.0 /* between two looks at the table, as WinBox does */
#define RESOLVE_SECONDS 3.0
#define PAGES_MAX 64
#define USER_DEFAULT "admin"

static const uint32_t settings_path[] = {FIELDS_ROMON, FIELDS_ROMON_SETTINGS};
static const uint32_t discovery_path[] = {FIELDS_ROMON, FIELDS_ROMON_DISCOVERY};
static const uint32_t ports_path[] = {FIELDS_ROMON, FIELDS_ROMON_PORTS};

struct kind {
	const struct agent *agent;
	struct stand_in asker;
	struct winbox winbox;
};

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* ---- what is said ---- */

/* The connection is over, and why. */
static bool lost(struct kind *kind)
{
	stand_in_error(&kind->asker, "Unreachable", json_pack("{ss}", "reason", kind->winbox.problem));
	kind->asker.over = true;
	return false;
}

/* An error that the agent answered with. */
static bool refused(struct kind *kind, uint32_t error, const char *text)
{
	char reason[256];

	if (strcmp(text, "RoMON not running") == 0) {
		stand_in_error(&kind->asker, "NotRunning", NULL);
		return false;
	}
	snprintf(reason, sizeof(reason), "the agent says: %s%s(error %x)",
		*text                       ? text
		: error == M2_ERROR_DENIED  ? "not permitted"
		: error == M2_ERROR_COMMAND ? "not implemented"
		: error == M2_ERROR_PATH    ? "not implemented"
					    : "no",
		" ", (unsigned)error);
	stand_in_error(&kind->asker, "Failed", json_pack("{ss}", "reason", reason));
	return false;
}

/* Asks; false, and said why, if there is no good answer. */
static bool ask(struct kind *kind, const struct m2_writer *request, double seconds)
{
	char text[128];
	uint32_t error;

	if (!winbox_ask(&kind->winbox, request, seconds, kind->asker.fd))
		return lost(kind);
	error = winbox_error(&kind->winbox, text);
	return error == 0 || refused(kind, error, text);
}

/* ---- tables ---- */

static json_t *id_json(const struct m2_field *field)
{
	char text[USERS_ID_TEXT];

	return field->len == USERS_ID ? json_string(users_id_text(field->data, text)) : json_null();
}

static json_t *ids_json(const struct m2_field *field)
{
	struct m2_field element;
	json_t *list = json_array();
	size_t at = 0;

	while (m2_element(field, &at, &element))
		json_array_append_new(list, id_json(&element));
	return list;
}

/* A value of a stranger's; what is no text is not known. */
static json_t *value_json(const struct m2_field *field)
{
	json_t *text;

	switch (field->kind) {
	case M2_BOOL:
		return json_boolean(field->number != 0);
	case M2_U32:
		return json_integer((json_int_t)field->number);
	case M2_RAW:
		return id_json(field);
	case M2_RAWS:
		return ids_json(field);
	default:
		text = json_stringn((const char *)field->data, field->len);
		return text ? text : json_null();
	}
}

/* A row as Discover has it. Of a row that does not even have an address NULL: its keys are others than those we know. */
static json_t *router_json(const struct m2_field *row)
{
	json_t *router = json_pack("{sb sf s[]}", "active", 1, "last_seen", 0.0, "path");
	struct m2_field field;

	for (size_t i = 0; i < FIELDS_ROUTER; i++) {
		const struct fields_router *known = &fields_router[i];
		bool found = m2_find(row->data, row->len, known->key, known->kind, &field);

		if (found)
			json_object_set_new(router, known->name, value_json(&field));
		else if (!json_object_get(router, known->name))
			json_object_set_new(router, known->name, json_null());
	}
	if (json_is_string(json_object_get(router, "address")))
		return router;
	json_decref(router);
	return NULL;
}

/* Appends the rows of an answer. False: there are some that we cannot read. */
static bool rows_take(const struct winbox *winbox, json_t *routers)
{
	struct m2_field rows, row;
	bool good = true;
	size_t at = 0;

	if (!m2_find(winbox->answer, winbox->answer_len, M2_RECORDS, M2_MESSAGES, &rows))
		return true;
	while (m2_element(&rows, &at, &row)) {
		json_t *router = router_json(&row);

		good &= router != NULL;
		if (router)
			json_array_append_new(routers, router);
	}
	return good;
}

/* One look at the table, all its pages: a new reference. NULL: said why not. */
static json_t *table_read(struct kind *kind, uint32_t query)
{
	json_t *routers = json_array();
	uint32_t next = 0;

	for (int page = 0; page < PAGES_MAX; page++) {
		struct m2_writer request = winbox_begin(&kind->winbox, discovery_path, 2, M2_CMD_GETALL);

		m2_put_u32(&request, M2_ID, query);
		m2_put_u32(&request, 0xfe000c, 0x10000005); /* as other clients do [T] */
		if (next)
			m2_put_u32(&request, M2_NEXT, next);
		if (!ask(kind, &request, WINBOX_SECONDS)) {
			json_decref(routers);
			return NULL;
		}
		if (!rows_take(&kind->winbox, routers)) {
			stand_in_error(&kind->asker, "Failed",
				json_pack("{ss}", "reason",
					"the agent's table has other keys than those that we know: `romon winbox-probe` "
					"shows them, please report that"));
			json_decref(routers);
			return NULL;
		}
		next = m2_u32(kind->winbox.answer, kind->winbox.answer_len, M2_NEXT, 0);
		if (!next)
			break;
	}
	return routers;
}

/* Waits for a moment; ends it if whoever asks is gone. */
static void rest(struct kind *kind, double seconds)
{
	struct pollfd asker = {.fd = kind->asker.fd, .events = POLLRDHUP};

	if (seconds > 0 && poll(&asker, 1, (int)(seconds * 1000) + 1) > 0)
		kind->asker.over = true;
}

/* Discovers for so many seconds, 0: until nobody asks any more. The last table, a new reference; NULL: said why not. */
static json_t *discover_all(struct kind *kind, double seconds, bool more)
{
	struct m2_writer request = winbox_begin(&kind->winbox, discovery_path, 2, M2_CMD_START);
	double end = now() + seconds;
	json_t *routers = NULL;
	uint32_t query;

	if (!ask(kind, &request, WINBOX_SECONDS))
		return NULL;
	query = m2_u32(kind->winbox.answer, kind->winbox.answer_len, M2_ID, 0);
	for (bool last = false; !last && !kind->asker.over;) {
		double left = seconds > 0 ? end - now() : POLL_SECONDS;

		rest(kind, left < POLL_SECONDS ? left : POLL_SECONDS);
		last = seconds > 0 && now() >= end;
		json_decref(routers);
		routers = kind->asker.over ? NULL : table_read(kind, query);
		if (!routers)
			return NULL;
		if (more)
			stand_in_reply(&kind->asker, json_pack("{sO}", "routers", routers), true);
	}
	return routers;
}

static void discover(struct kind *kind, const struct message_call *call)
{
	double seconds = json_number_value(json_object_get(call->parameters, "duration"));
	json_t *routers = discover_all(kind, seconds, call->more);

	if (routers)
		stand_in_reply(&kind->asker, json_pack("{so}", "routers", routers), false);
}

/* The ports of a router have keys that nobody has published: it can only be said that there are some. */
static void ports(struct kind *kind, const struct message_call *call)
{
	struct m2_writer request = winbox_begin(&kind->winbox, ports_path, 2, M2_CMD_GETALL);
	struct m2_field rows;

	(void)call;
	if (!ask(kind, &request, WINBOX_SECONDS))
		return;
	if (m2_find(kind->winbox.answer, kind->winbox.answer_len, M2_RECORDS, M2_MESSAGES, &rows) && rows.count > 0)
		stand_in_error(&kind->asker, "Failed",
			json_pack("{ss}", "reason",
				"the agent has a list of ports, whose keys are not known: `romon winbox-probe` shows "
				"them, please report "
				"that"));
	else
		stand_in_reply(&kind->asker, json_pack("{s[]}", "ports"), false);
}

/* ---- identities ---- */

/* The RoMON ID of the router that is called so. False: there is none, which was said. */
static bool resolve_name(struct kind *kind, const char *name, char id[PROXY_ID_MAX])
{
	json_t *routers;
	bool picked;

	if (proxy_id_read(name, id))
		return true;
	routers = discover_all(kind, RESOLVE_SECONDS, false);
	if (!routers)
		return false;
	picked = stand_in_pick(&kind->asker, routers, name, id);
	json_decref(routers);
	return picked;
}

static void resolve(struct kind *kind, const struct message_call *call)
{
	const char *name = json_string_value(json_object_get(call->parameters, "id"));
	char id[PROXY_ID_MAX];

	if (resolve_name(kind, name ? name : "", id))
		stand_in_reply(&kind->asker, json_pack("{ss}", "id", id), false);
}

/* ---- ping ---- */

struct summary {
	json_int_t sent, received;
	double min, max, sum;
};

static json_t *echo_json(const struct m2_field *row, const char *id, json_int_t size, struct summary *summary)
{
	struct m2_field status;
	bool answered = !m2_find(row->data, row->len, PING_STATUS, M2_STRING, &status);
	double seconds = (double)m2_u32(row->data, row->len, PING_TIME, 0) / 1000;

	summary->sent++;
	if (answered) {
		summary->min = summary->received == 0 || seconds < summary->min ? seconds : summary->min;
		summary->max = seconds > summary->max ? seconds : summary->max;
		summary->sum += seconds;
		summary->received++;
	}
	return json_pack("{sI ss so sI ss}", "seq", (json_int_t)m2_u32(row->data, row->len, PING_SEQ, 0), "host", id, "time",
		answered ? json_real(seconds) : json_null(), "size", size, "status", answered ? "ok" : "timeout");
}

static void say_summary(struct kind *kind, const struct summary *summary)
{
	bool any = summary->received > 0;

	stand_in_reply(&kind->asker,
		json_pack("{sn s{sI sI sI so so so}}", "reply", "summary", "sent", summary->sent, "received", summary->received,
			"packet_loss", summary->sent == 0 ? 0 : (summary->sent - summary->received) * 100 / summary->sent,
			"min_rtt", any ? json_real(summary->min) : json_null(), "avg_rtt",
			any ? json_real(summary->sum / (double)summary->received) : json_null(), "max_rtt",
			any ? json_real(summary->max) : json_null()),
		false);
}

/* Reads the echoes of an answer. False: there will be no more. */
static bool echoes_take(struct kind *kind, const char *id, json_int_t size, bool more, struct summary *summary)
{
	const struct winbox *winbox = &kind->winbox;
	struct m2_field rows, row;
	size_t at = 0;

	if (m2_find(winbox->answer, winbox->answer_len, M2_RECORDS, M2_MESSAGES, &rows)) {
		while (m2_element(&rows, &at, &row)) {
			json_t *reply = echo_json(&row, id, size, summary);

			if (more)
				stand_in_reply(&kind->asker, json_pack("{so sn}", "reply", reply, "summary"), true);
			else
				json_decref(reply);
		}
	}
	return !m2_bool(winbox->answer, winbox->answer_len, M2_FINISHED, false);
}

static void ping(struct kind *kind, const struct message_call *call)
{
	const json_t *given = call->parameters;
	const char *name = json_string_value(json_object_get(given, "id"));
	json_int_t count = json_integer_value(json_object_get(given, "count")),
		   size = json_integer_value(json_object_get(given, "size"));
	double interval = json_number_value(json_object_get(given, "interval"));
	struct summary summary = {0};
	struct m2_writer request;
	char id[PROXY_ID_MAX];
	uint8_t bytes[USERS_ID];
	uint32_t query, next = 0;

	if (!resolve_name(kind, name ? name : "", id) || !users_id_parse(id, bytes))
		return;
	interval = interval > 0 ? interval : 1;
	request = winbox_begin(&kind->winbox, settings_path, 2, FIELDS_PING_START);
	m2_put_bytes(&request, PING_TARGET, M2_RAW, bytes, sizeof(bytes));
	if (count > 0)
		m2_put_u32(&request, PING_COUNT, (uint32_t)count);
	if (size > 0)
		m2_put_u32(&request, PING_SIZE, (uint32_t)size);
	m2_put_u32(&request, PING_INTERVAL, (uint32_t)(interval * 1000 + 0.5));
	if (!ask(kind, &request, WINBOX_SECONDS))
		return;
	query = m2_u32(kind->winbox.answer, kind->winbox.answer_len, M2_ID, 0);
	do {
		request = winbox_begin(&kind->winbox, settings_path, 2, M2_CMD_GETALL);
		m2_put_u32(&request, M2_ID, query);
		if (next)
			m2_put_u32(&request, M2_NEXT, next);
		/* A poll is answered when the next echo is decided. */
		if (!ask(kind, &request, interval + WINBOX_SECONDS))
			return;
		next = m2_u32(kind->winbox.answer, kind->winbox.answer_len, M2_NEXT, 0);
	} while (echoes_take(kind, id, size > 0 ? size : 32, call->more, &summary) && !kind->asker.over &&
		 (count == 0 || summary.sent < count));
	say_summary(kind, &summary);
}

/* ---- whoever asks ---- */

static void call_serve(struct kind *kind, const struct message_call *call)
{
	static const struct {
		const char *name;
		void (*run)(struct kind *kind, const struct message_call *call);
	} methods[] = {{MESSAGE_INTERFACE ".Discover", discover}, {MESSAGE_INTERFACE ".Ping", ping},
		{MESSAGE_INTERFACE ".Resolve", resolve}, {MESSAGE_INTERFACE ".GetPorts", ports}};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (strcmp(call->method, methods[i].name) == 0) {
			methods[i].run(kind, call);
			return;
		}
	}
	stand_in_error(
		&kind->asker, "PermissionDenied", json_pack("{ss}", "reason", "an agent for WinBox can discover and ping"));
}

int winbox_kind_serve(const struct agent *agent, int fd)
{
	static struct kind kind;
	const char *user = agent->user ? agent->user : USER_DEFAULT;
	const char *problem;
	char *password = winbox_password(user, agent->host, &problem);
	struct message_call call = {0};

	kind.agent = agent;
	kind.asker.fd = fd;
	kind.winbox.fd = -1;
	if (!password) {
		snprintf(kind.winbox.problem, sizeof(kind.winbox.problem), "%s", problem);
		if (stand_in_read(&kind.asker, &call))
			lost(&kind);
	} else if (!winbox_open(&kind.winbox, agent->host, agent->port ? agent->port : WINBOX_PORT, user, password) &&
		   stand_in_read(&kind.asker, &call))
		lost(&kind);
	secrets_wipe(password);
	while (stand_in_read(&kind.asker, &call)) {
		call_serve(&kind, &call);
		message_call_free(&call);
	}
	message_call_free(&call);
	winbox_close(&kind.winbox);
	return CLI_DONE;
}
