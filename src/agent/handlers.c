/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The handlers of an agent, by path and command. What a router has and we do not is answered as one that does not want to: nothing is
 * answered with silence.
 */
#include "agent/handlers.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "agent/agent.h"
#include "agent/discovery.h"
#include "agent/links.h"
#include "agent/pings.h"
#include "agent/session.h"
#include "agent/settings.h"
#include "daemon/log.h"
#include "winbox/fields.h"

#define ROMON FIELDS_ROMON
#define LINKS FIELDS_LINKS
#define REPORTS_MAX 32 /* of one session */

static void denied(struct session *session, const struct request *request)
{
	reply_error(session, &request->reply, M2_ERROR_DENIED, NULL);
}

/* The keys of a port are not known: an empty list [O]. */
static void no_ports(struct session *session, const struct request *request)
{
	struct m2_writer writer = reply_begin(&request->reply);

	m2_put_u32(&writer, M2_COUNT, 0);
	reply_send(session, &request->reply, &writer);
}

/* System information: the first request of an ordinary session. Keys and kinds as real routers have them [P][K]; the policies are those
 * of a full user, since what he may is decided where he goes. */
static void system_information(struct session *session, const struct request *request)
{
	struct m2_writer writer = reply_begin(&request->reply);
	struct utsname self;

	uname(&self);
	m2_put_u32(&writer, 0xb, 0x5fffe);
	m2_put_u32(&writer, 0xf, 0);
	m2_put_u32(&writer, 0x10, 0);
	m2_put_text(&writer, 0x11, self.machine);
	m2_put_bool(&writer, 0x13, false);
	m2_put_text(&writer, 0x15, "OpenRoMON");
	m2_put_text(&writer, 0x16, AGENT_ROUTEROS);
	m2_put_text(&writer, 0x17, "OpenRoMON");
	m2_put_text(&writer, 0x18, "default");
	m2_put_bool(&writer, 0x26, false);
	reply_send(session, &request->reply, &writer);
}

/* open: also for a session of RoMON alone (login option r), which may little else [T]. */
static const struct handler {
	uint32_t path[2];
	size_t path_count;
	uint32_t command;
	bool open;
	void (*handle)(struct session *session, const struct request *request);
} handlers[] = {
	{{ROMON, FIELDS_ROMON_SETTINGS}, 2, FIELDS_CHECK, true, settings_check},
	{{ROMON, FIELDS_ROMON_SETTINGS}, 2, M2_CMD_GET, false, settings_get},
	{{ROMON, FIELDS_ROMON_SETTINGS}, 2, M2_CMD_SET, false, denied},
	{{ROMON, FIELDS_ROMON_SETTINGS}, 2, FIELDS_PING_START, false, ping_start},
	{{ROMON, FIELDS_ROMON_SETTINGS}, 2, M2_CMD_GETALL, false, ping_poll},
	{{ROMON, FIELDS_ROMON_SETTINGS}, 2, M2_CMD_POLL, false, ping_poll},
	{{ROMON, FIELDS_ROMON_SETTINGS}, 2, FIELDS_PING_CANCEL, false, ping_cancel},
	{{ROMON, FIELDS_ROMON_SETTINGS}, 2, M2_CMD_CANCEL, false, ping_cancel},
	{{ROMON, FIELDS_ROMON_PORTS}, 2, M2_CMD_GETALL, false, no_ports},
	{{ROMON, FIELDS_ROMON_DISCOVERY}, 2, M2_CMD_START, true, query_start},
	{{ROMON, FIELDS_ROMON_DISCOVERY}, 2, M2_CMD_GETALL, true, query_poll},
	{{ROMON, FIELDS_ROMON_DISCOVERY}, 2, M2_CMD_POLL, true, query_poll},
	{{ROMON, FIELDS_ROMON_DISCOVERY}, 2, M2_CMD_CANCEL, true, query_cancel},
	{{13, 4}, 2, FIELDS_SYSTEM_INFORMATION, true, system_information},
	{{LINKS}, 1, FIELDS_CONNECT, true, link_connect},
};

/* Tells the log of a request that was not understood: where it went and what kinds of values it had, never these. So a WinBox that wants
 * more than is known can be learned from. */
static void report(struct session *session, const struct request *request)
{
	char path[REQUEST_PATH_MAX * 12] = "", keys[256] = "";
	struct m2_field field;
	size_t at = M2_MARK;

	if (session_errors(session) > REPORTS_MAX)
		return;
	for (size_t i = 0; i < request->reply.path_count; i++)
		snprintf(path + strlen(path), sizeof(path) - strlen(path), "%s%u", i > 0 ? "," : "",
			(unsigned)request->reply.path[i]);
	while (m2_next(request->message, request->len, &at, &field) && strlen(keys) < sizeof(keys) - 16)
		snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), " %x/%u", (unsigned)field.key, (unsigned)field.kind);
	log_info("%s asks for what is not here: path [%s] command %x, keys and kinds%s", session_name(session), path,
		(unsigned)request->command, keys);
}

static bool is_path(const struct request *request, const struct handler *handler)
{
	return request->reply.path_count == handler->path_count &&
	       memcmp(request->reply.path, handler->path, handler->path_count * sizeof(*handler->path)) == 0;
}

/* Nobody is there, or knows the command. */
static void not_handled(struct session *session, const struct request *request, bool path_known)
{
	const struct reply_to *reply = &request->reply;

	report(session, request);
	if (reply->path_count == 0)
		reply_no_path(session, reply, 0);
	else if (reply->path[0] == LINKS)
		denied(session, request); /* [T] */
	else if (path_known)
		reply_error(session, reply, M2_ERROR_COMMAND, NULL);
	else if (reply->path[0] == ROMON && (reply->path_count < 2 || reply->path[1] != 3))
		reply_no_path(session, reply, 1); /* [T] */
	else
		denied(session, request); /* [O] */
}

void handlers_dispatch(struct session *session, const struct request *request)
{
	const uint32_t *path = request->reply.path;
	bool path_known = false;

	if (request->reply.path_count >= 2 && path[0] == LINKS && path[1] >= LINK_ID_MIN) {
		if (!link_forward(session, request))
			reply_no_path(session, &request->reply, 1);
		return;
	}
	if (request->answer)
		return;
	for (size_t i = 0; i < sizeof(handlers) / sizeof(*handlers); i++) {
		if (!is_path(request, &handlers[i]))
			continue;
		path_known = true;
		if (handlers[i].command != request->command)
			continue;
		if (session_restricted(session) && !handlers[i].open)
			denied(session, request);
		else
			handlers[i].handle(session, request);
		return;
	}
	not_handled(session, request, path_known);
}
