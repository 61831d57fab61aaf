/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The methods Connect, whose connection becomes a stream, AwaitEnd, GetStreams and GetEnds.
 */
#include "daemon/resolve.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/pump.h"

#define WINBOX_PORT 4
#define PORT_MIN 2 /* 0 is not used, 1 is discovery's and pings' */
#define ENDS_SHOWN 64

/* The services that every router has on the same port, if it has them. */
static const struct {
	const char *name;
	uint16_t port;
} well_known[] = {{"ssh", 3}, {"winbox", WINBOX_PORT}};

/* One call of Connect, until it is answered. */
struct connecting {
	uint16_t port;
	struct romon_mac id;
	uint32_t stream; /* 0: not begun yet */
	struct resolve resolve;
};

static void connect_end(struct client *client)
{
	struct connecting *connecting = client->state;

	resolve_stop(&connecting->resolve);
	if (connecting->stream != 0)
		romon_stream_reset(client->worker->engine, connecting->stream, ROMON_STREAM_RESET);
	free(connecting);
}

/* The stream is open: the client hears that, and then its connection is the stream. */
static void opened(struct client *client)
{
	struct connecting *connecting = client->state;
	struct worker *worker = client->worker;
	const struct pump_about about = {.id = connecting->id, .port = connecting->port, .number = pumps_number(worker)};
	uint32_t stream = connecting->stream;
	int fd;

	connecting->stream = 0;
	fd = client_upgrade(client, json_pack("{sI}", "stream", (json_int_t)about.number));
	if (fd >= 0)
		pump_start(worker, &about, stream, fd);
	else
		romon_stream_reset(worker->engine, stream, ROMON_STREAM_RESET);
}

/* It did not come to be. */
static void failed(struct client *client, enum romon_stream_end reason)
{
	static const char *const errors[] = {
		[ROMON_STREAM_DONE] = "Reset",
		[ROMON_STREAM_RESET] = "Reset",
		[ROMON_STREAM_REFUSED] = "Refused",
		[ROMON_STREAM_NO_SERVICE] = "NoSuchService",
		[ROMON_STREAM_TIMEOUT] = "Timeout",
		[ROMON_STREAM_NO_PATH] = "NoPath",
	};
	struct connecting *connecting = client->state;

	connecting->stream = 0;
	client_fail(client, errors[reason], "reason", romon_stream_end_text(reason));
}

static void connect_event(struct client *client, const struct romon_event *event)
{
	const struct connecting *connecting = client->state;

	if (connecting->stream == 0 || event->stream != connecting->stream)
		return;
	if (event->type == ROMON_EVENT_STREAM_OPEN)
		opened(client);
	else if (event->type == ROMON_EVENT_STREAM_CLOSED)
		failed(client, event->reason);
}

static const struct job connect_job = {.event = connect_event, .end = connect_end};

static void connect_begin(struct client *client, struct romon_mac id)
{
	struct connecting *connecting = client->state;

	connecting->id = id;
	connecting->stream = romon_engine_stream_connect(client->worker->engine, id, connecting->port, worker_now());
	if (connecting->stream == 0)
		client_fail(client, "Failed", "reason",
			romon_mac_equal(id, client->worker->id) ? "this is the ID of this machine"
								: "too many streams are open already");
}

/* The port of a service that is called by its name; 0 if nobody knows that. */
static uint16_t port_of(const struct worker *worker, const char *name)
{
	const struct config_service *services;
	size_t i, count;

	for (i = 0; i < sizeof(well_known) / sizeof(well_known[0]); i++) {
		if (strcmp(well_known[i].name, name) == 0)
			return well_known[i].port;
	}
	services = config_services(worker->config, &count);
	for (i = 0; i < count; i++) {
		if (strcmp(services[i].name, name) == 0)
			return services[i].port;
	}
	return 0;
}

static void connect_stream(struct client *client, struct args *args)
{
	const char *id = args_text(args, "id"), *service = args_optional_text(args, "service");
	struct connecting *connecting;
	int64_t port = 0;
	bool by_port = args_integer(args, "port", PORT_MIN, UINT16_MAX, &port);

	args_flag(args, "fdpass");
	if (args->bad == NULL && by_port == (service != NULL))
		args->bad = "port";
	if (!client_args_ok(client, args))
		return;
	if (!by_port)
		port = port_of(client->worker, service);
	if (port == 0) {
		client_fail(client, "NoSuchService", "reason", "unknown name of a service: give its port");
		return;
	}
	if (client->agent && port != WINBOX_PORT) {
		client_fail(client, "PermissionDenied", "reason", "the WinBox agent may connect to WinBox only");
		return;
	}
	connecting = calloc(1, sizeof(*connecting));
	if (connecting == NULL) {
		client_fail(client, "Failed", "reason", "no memory");
		return;
	}
	connecting->port = (uint16_t)port;
	client->job = &connect_job;
	client->state = connecting;
	resolve_start(&connecting->resolve, client, id, connect_begin);
}

/* One call of AwaitEnd. */
struct awaiting {
	uint64_t number;
	uint32_t stream;
};

static void await_free(struct client *client)
{
	free(client->state);
}

static void end_answer(struct client *client, uint64_t number)
{
	const struct pump_end *end = pumps_end(client->worker, number);

	client_reply(client, json_pack("{ss?}", "reason", end != NULL ? end->reason : NULL));
}

/* A stream can end in many ways, some of which make no event. */
static void await_settle(struct client *client)
{
	const struct awaiting *awaiting = client->state;
	const struct pump_about *about = pumps_about(client->worker, awaiting->stream);

	if (about == NULL || about->number != awaiting->number)
		end_answer(client, awaiting->number);
}

static const struct job await_job = {.settle = await_settle, .end = await_free};

static void await_end(struct client *client, struct args *args)
{
	struct awaiting *awaiting;
	int64_t number = 0;
	uint32_t stream;

	if (!args_integer(args, "stream", 1, INT64_MAX, &number) && args->bad == NULL)
		args->bad = "stream";
	if (!client_args_ok(client, args))
		return;
	stream = pumps_stream(client->worker, (uint64_t)number);
	if (!pumps_numbered(client->worker, (uint64_t)number)) {
		client_fail(client, "NoSuchStream", NULL, NULL);
	} else if (stream == 0) {
		end_answer(client, (uint64_t)number);
	} else if ((awaiting = malloc(sizeof(*awaiting))) == NULL) {
		client_fail(client, "Failed", "reason", "no memory");
	} else {
		*awaiting = (struct awaiting){(uint64_t)number, stream};
		client->state = awaiting;
		client->job = &await_job;
	}
}

/* The identity under which this router was seen, or NULL. */
static const char *identity_of(const struct worker *worker, struct romon_mac id, struct romon_seen *seen)
{
	size_t i;

	for (i = 0; romon_engine_router(worker->engine, i, seen); i++) {
		if (romon_mac_equal(seen->id, id))
			return seen->identity[0] != '\0' ? seen->identity : NULL;
	}
	return NULL;
}

static const char *service_of(const struct worker *worker, uint32_t stream, const struct romon_stream_info *info)
{
	const struct pump_about *about = pumps_about(worker, stream);
	size_t i;

	if (!info->connector)
		return about != NULL ? about->service : NULL;
	for (i = 0; i < sizeof(well_known) / sizeof(well_known[0]); i++) {
		if (well_known[i].port == info->remote_port)
			return well_known[i].name;
	}
	return NULL;
}

static json_t *path_json(const struct romon_stream_info *info)
{
	json_t *path = json_array();
	char text[ROMON_MAC_TEXT];
	unsigned i;

	for (i = 0; info->path_known && i < info->hops; i++)
		json_array_append_new(path, json_string(romon_mac_text(info->path[i], text)));
	return path;
}

static json_t *stream_json(const struct worker *worker, uint32_t stream, const struct romon_stream_info *info)
{
	static const char *const states[] = {
		[ROMON_STREAM_CONNECTING] = "connecting",
		[ROMON_STREAM_OPEN] = "open",
		[ROMON_STREAM_CLOSING] = "closing",
	};
	struct romon_seen seen;
	char id[ROMON_MAC_TEXT];

	return json_pack("{ss ss? si ss? sb ss sI sI sI sI sI so so so sf}", "address", romon_mac_text(info->id, id), "identity",
		identity_of(worker, info->id, &seen), "port", (int)(info->connector ? info->remote_port : info->local_port),
		"service", service_of(worker, stream, info), "outgoing", info->connector, "state", states[info->state],
		"received", (json_int_t)info->received, "sent", (json_int_t)info->sent, "unread", (json_int_t)info->unread,
		"unsent", (json_int_t)info->unsent, "resent", (json_int_t)info->resent, "rtt",
		info->rtt > 0 ? json_real((double)info->rtt / 1e9) : json_null(), "hops",
		info->hops > 0 ? json_integer(info->hops) : json_null(), "path", path_json(info), "age",
		(double)(worker_now().ns - info->began.ns) / 1e9);
}

static void get_streams(struct client *client, struct args *args)
{
	struct romon_engine *engine = client->worker->engine;
	struct romon_stream_info info;
	json_t *list = json_array();
	uint32_t stream = 0;

	(void)args;
	while ((stream = romon_stream_next(engine, stream)) != 0) {
		if (romon_stream_info(engine, stream, &info))
			json_array_append_new(list, stream_json(client->worker, stream, &info));
	}
	client_reply(client, json_pack("{so}", "streams", list));
}

static void get_ends(struct client *client, struct args *args)
{
	const struct pumps *pumps = &client->worker->pumps;
	json_t *list = json_array();
	size_t i, count = pumps->end_count < PUMPS_ENDS ? pumps->end_count : PUMPS_ENDS;

	(void)args;
	for (i = 1; i <= count && json_array_size(list) < ENDS_SHOWN; i++) {
		const struct pump_end *end = &pumps->ends[(pumps->end_count - i) % PUMPS_ENDS];
		char id[ROMON_MAC_TEXT];

		if (end->here)
			continue;
		json_array_append_new(
			list, json_pack("{ss si ss sf}", "address", romon_mac_text(end->id, id), "port", (int)end->port, "reason",
				      end->reason, "age", (double)(worker_now().ns - end->when.ns) / 1e9));
	}
	client_reply(client, json_pack("{so}", "ends", list));
}

const struct method stream_methods[] = {
	{"io.openromon.Connect", connect_stream, (const char *const[]){"id", "port", "service", "fdpass", NULL}, false, true,
		true},
	{"io.openromon.AwaitEnd", await_end, (const char *const[]){"stream", NULL}, false, false, false},
	{"io.openromon.GetStreams", get_streams, (const char *const[]){NULL}, false, true, false},
	{"io.openromon.GetEnds", get_ends, (const char *const[]){NULL}, false, false, false},
	{0},
};
