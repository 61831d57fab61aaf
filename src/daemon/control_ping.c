/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The method Ping, and how a router is found by its identity.
 */
#include "daemon/client.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#define PING_COUNT_MAX UINT32_MAX
#define PING_SIZE_MAX 65000
#define PING_INTERVAL_MAX (3600 * ROMON_SECOND)

/* One call of Ping. It looks for the router first where it was given an identity, which `resolve` waits for. */
struct pinging {
	struct romon_ping ping;
	uint32_t handle;       /* 0: not started yet */
	struct event *resolve; /* not NULL: discovery runs for this call */
	char *identity;
	uint64_t sent, received;
	int64_t min, sum, max; /* round trip times, nanoseconds */
};

static json_t *optional_seconds(bool present, double ns)
{
	return present ? json_real(ns / 1e9) : json_null();
}

static json_t *summary_json(const struct pinging *pinging)
{
	bool any = pinging->received > 0;
	uint64_t lost = pinging->sent - pinging->received;

	return json_pack("{sI sI sI so so so}", "sent", (json_int_t)pinging->sent, "received", (json_int_t)pinging->received,
		"packet_loss", (json_int_t)(pinging->sent == 0 ? 0 : lost * 100 / pinging->sent), "min_rtt",
		optional_seconds(any, (double)pinging->min), "avg_rtt",
		optional_seconds(any, any ? (double)pinging->sum / (double)pinging->received : 0), "max_rtt",
		optional_seconds(any, (double)pinging->max));
}

static json_t *reply_json(const struct romon_event *event)
{
	bool ok = event->type == ROMON_EVENT_PING_REPLY;
	char host[ROMON_MAC_TEXT];

	return json_pack("{sI ss so si ss}", "seq", (json_int_t)event->seq, "host", romon_mac_text(event->id, host), "time",
		optional_seconds(ok, (double)event->rtt), "size", (int)event->size, "status", ok ? "ok" : "timeout");
}

static void count(struct pinging *pinging, const struct romon_event *event)
{
	pinging->sent++;
	if (event->type != ROMON_EVENT_PING_REPLY)
		return;
	if (pinging->received++ == 0 || event->rtt < pinging->min)
		pinging->min = event->rtt;
	if (event->rtt > pinging->max)
		pinging->max = event->rtt;
	pinging->sum += event->rtt;
}

static void ping_event(struct client *client, const struct romon_event *event)
{
	struct pinging *pinging = client->state;

	if (pinging->handle == 0 || event->ping != pinging->handle)
		return;
	if (event->type == ROMON_EVENT_PING_DONE) {
		pinging->handle = 0;
		client_reply(client, json_pack("{sn so}", "reply", "summary", summary_json(pinging)));
		return;
	}
	count(pinging, event);
	if (client->call.more)
		client_update(client, json_pack("{so sn}", "reply", reply_json(event), "summary"));
}

static void stop_resolving(struct client *client, struct pinging *pinging)
{
	if (pinging->resolve == NULL)
		return;
	event_free(pinging->resolve);
	pinging->resolve = NULL;
	asking_stop(&client->worker->asking, client->worker->engine);
}

static void ping_end(struct client *client)
{
	struct pinging *pinging = client->state;

	stop_resolving(client, pinging);
	if (pinging->handle != 0)
		romon_engine_ping_stop(client->worker->engine, pinging->handle);
	free(pinging->identity);
	free(pinging);
}

static const struct job ping_job = {.event = ping_event, .end = ping_end};

static void ping_begin(struct client *client)
{
	struct pinging *pinging = client->state;

	pinging->handle = romon_engine_ping_start(client->worker->engine, &pinging->ping, worker_now());
	if (pinging->handle == 0)
		client_fail(client, "Failed", "reason", "too many pings run already");
}

/* The IDs of the active routers with this identity, the last of which becomes the one to ping. A new reference. */
static json_t *find_identity(struct client *client)
{
	struct pinging *pinging = client->state;
	json_t *ids = json_array();
	char text[ROMON_MAC_TEXT];
	struct romon_seen seen;
	size_t i;

	for (i = 0; romon_engine_router(client->worker->engine, i, &seen); i++) {
		if (seen.active && strcmp(seen.identity, pinging->identity) == 0) {
			pinging->ping.id = seen.id;
			json_array_append_new(ids, json_string(romon_mac_text(seen.id, text)));
		}
	}
	return ids;
}

/* Everybody had time to answer: pings the only one of that identity, or says why not. */
static void ping_by_identity(struct client *client)
{
	struct pinging *pinging = client->state;
	json_t *ids = find_identity(client);

	if (json_array_size(ids) == 0)
		client_fail(client, "NoSuchRouter", "identity", pinging->identity);
	else if (json_array_size(ids) > 1)
		client_error(client, MESSAGE_INTERFACE ".AmbiguousRouter",
			json_pack("{ss sO}", "identity", pinging->identity, "ids", ids));
	else
		ping_begin(client);
	json_decref(ids);
}

static void resolved(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;

	(void)fd;
	(void)what;
	if (client->doomed)
		return;
	ping_by_identity(client);
	if (client->job == &ping_job)
		stop_resolving(client, client->state);
}

/* Is there just one router of that identity, by a table that is as good as new? */
static bool known_already(struct client *client)
{
	json_t *ids = find_identity(client);
	bool known = asking_settled(&client->worker->asking) && json_array_size(ids) == 1;

	json_decref(ids);
	return known;
}

/* Asks around until whoever has this identity must have answered, unless it is known already. */
static void resolve(struct client *client, const char *identity)
{
	const struct timeval wait = {.tv_sec = ASKING_SETTLED / ROMON_SECOND, .tv_usec = ASKING_SETTLED % ROMON_SECOND / 1000};
	struct pinging *pinging = client->state;

	pinging->identity = strdup(identity);
	if (pinging->identity != NULL && known_already(client)) {
		ping_begin(client);
		return;
	}
	pinging->resolve = evtimer_new(client->worker->base, resolved, client);
	if (pinging->resolve != NULL)
		asking_start(&client->worker->asking, client->worker->engine);
	if (pinging->identity == NULL || pinging->resolve == NULL || evtimer_add(pinging->resolve, &wait) != 0)
		client_fail(client, "Failed", "reason", "no memory");
}

static void ping(struct client *client, struct args *args)
{
	const char *id = args_text(args, "id");
	int64_t number = 0, size = ROMON_PING_DEFAULT, interval = ROMON_SECOND;
	struct pinging *pinging;
	bool by_id;

	/* Without "more" only the summary is told, so there must be an end. */
	if (!args_integer(args, "count", 1, PING_COUNT_MAX, &number) && !client->call.more && args->bad == NULL)
		args->bad = "count";
	args_integer(args, "size", ROMON_PING_MIN, PING_SIZE_MAX, &size);
	args_time(args, "interval", ROMON_MILLISECOND, PING_INTERVAL_MAX, &interval);
	if (!client_args_ok(client, args))
		return;
	pinging = calloc(1, sizeof(*pinging));
	if (pinging == NULL) {
		client_fail(client, "Failed", "reason", "no memory");
		return;
	}
	by_id = romon_mac_parse(id, &pinging->ping.id);
	if (by_id && !romon_id_valid(pinging->ping.id)) {
		free(pinging);
		client_fail(client, "Invalid", "reason", "neither zero nor a group address can be the ID of a router");
		return;
	}
	pinging->ping.count = (uint32_t)number;
	pinging->ping.size = (uint16_t)size;
	pinging->ping.interval = interval;
	client->job = &ping_job;
	client->state = pinging;
	if (by_id)
		ping_begin(client);
	else
		resolve(client, id);
}

const struct method ping_methods[] = {
	{"io.openromon.Ping", ping, (const char *const[]){"id", "count", "size", "interval", NULL}, false, true},
	{0},
};
