/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The method Ping.
 */
#include "daemon/resolve.h"

#include <stdlib.h>

#define PING_COUNT_MAX UINT32_MAX
#define PING_SIZE_MAX 65000
#define PING_INTERVAL_MAX (3600 * ROMON_SECOND)

/* One call of Ping. */
struct pinging {
	struct romon_ping ping;
	uint32_t handle; /* 0: not started yet */
	struct resolve resolve;
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

static void ping_end(struct client *client)
{
	struct pinging *pinging = client->state;

	resolve_stop(&pinging->resolve);
	if (pinging->handle != 0)
		romon_engine_ping_stop(client->worker->engine, pinging->handle);
	free(pinging);
}

static const struct job ping_job = {.event = ping_event, .end = ping_end};

static void ping_begin(struct client *client, struct romon_mac id)
{
	struct pinging *pinging = client->state;

	/* No frame of one's own comes back: silence would look like a broken network. */
	if (romon_mac_equal(id, client->worker->id)) {
		client_fail(client, "Failed", "reason", "this is the ID of this machine");
		return;
	}
	pinging->ping.id = id;
	pinging->handle = romon_engine_ping_start(client->worker->engine, &pinging->ping, worker_now());
	if (pinging->handle == 0)
		client_fail(client, "Failed", "reason", "too many pings run already");
}

static void ping(struct client *client, struct args *args)
{
	const char *id = args_text(args, "id");
	int64_t number = 0, size = ROMON_PING_DEFAULT, interval = ROMON_SECOND;
	struct pinging *pinging;

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
	pinging->ping.count = (uint32_t)number;
	pinging->ping.size = (uint16_t)size;
	pinging->ping.interval = interval;
	client->job = &ping_job;
	client->state = pinging;
	resolve_start(&pinging->resolve, client, id, ping_begin);
}

const struct method ping_methods[] = {
	{"io.openromon.Ping", ping, (const char *const[]){"id", "count", "size", "interval", NULL}, false, true, false},
	{0},
};
