/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The methods Discover and Map: what the engine's table says, once or whenever it has changed.
 */
#include "daemon/client.h"

#include <stdlib.h>

#include <event2/event.h>

#define DURATION_MAX (366LL * 24 * 3600 * ROMON_SECOND)
#define UPDATE_MS 200 /* between two updates at least */

/* Somebody who looks at the table. */
struct watch {
	struct event *end;   /* the time is over; NULL: it never is */
	struct event *pause; /* pending: too soon for another update */
	bool more;           /* whenever it has changed, not only at the end */
	bool told;           /* at least once */
	uint64_t generation; /* what was told last */
	void (*finish)(struct client *client);
};

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

/* Texts come clean from the engine; an empty one means unknown. */
static const char *known(const char *text)
{
	return text[0] != '\0' ? text : NULL;
}

static json_t *optional_int(bool present, int64_t value)
{
	return present ? json_integer(value) : json_null();
}

static json_t *router_json(const struct romon_seen *seen, struct romon_time now)
{
	char text[ROMON_MAC_TEXT];
	json_t *path = json_array();
	size_t i;

	for (i = 0; seen->reachable && i < seen->hops; i++)
		json_array_append_new(path, json_string(romon_mac_text(seen->path[i], text)));
	return json_pack("{ss sb so so so so ss? ss? ss? so sf}", "address", romon_mac_text(seen->id, text), "active",
		seen->active, "cost", optional_int(seen->reachable, seen->cost), "hops",
		optional_int(seen->reachable, seen->hops), "path", path, "l2mtu", optional_int(seen->reachable, seen->l2mtu),
		"identity", known(seen->identity), "version", known(seen->version), "board", known(seen->board), "uptime",
		optional_int(seen->has_uptime, seen->uptime), "last_seen", seconds(now.ns - seen->last_seen.ns));
}

static json_t *routers_json(struct romon_engine *engine)
{
	struct romon_time now = worker_now();
	json_t *list = json_array();
	struct romon_seen seen;
	size_t i;

	for (i = 0; romon_engine_router(engine, i, &seen); i++)
		json_array_append_new(list, router_json(&seen, now));
	return list;
}

/* A link's L2MTU is what both ends can carry. */
static json_t *link_json(const struct romon_edge *edge)
{
	char a[ROMON_MAC_TEXT], b[ROMON_MAC_TEXT], mac_a[ROMON_MAC_TEXT], mac_b[ROMON_MAC_TEXT];

	return json_pack("{ss ss si si si ss ss}", "a", romon_mac_text(edge->a.id, a), "b", romon_mac_text(edge->b.id, b),
		"cost_a", (int)edge->a.cost, "cost_b", (int)edge->b.cost, "l2mtu",
		(int)(edge->a.l2mtu < edge->b.l2mtu ? edge->a.l2mtu : edge->b.l2mtu), "mac_a", romon_mac_text(edge->a.mac, mac_a),
		"mac_b", romon_mac_text(edge->b.mac, mac_b));
}

/* Links that were not heard of lately are not part of the network as it is. */
static json_t *links_json(struct romon_engine *engine)
{
	json_t *list = json_array();
	struct romon_edge edge;
	size_t i;

	for (i = 0; romon_engine_edge(engine, i, &edge); i++) {
		if (edge.active)
			json_array_append_new(list, link_json(&edge));
	}
	return list;
}

static void finish_discover(struct client *client)
{
	client_reply(client, json_pack("{so}", "routers", routers_json(client->worker->engine)));
}

static void finish_map(struct client *client)
{
	struct romon_engine *engine = client->worker->engine;
	char id[ROMON_MAC_TEXT];

	if (romon_mac_is_zero(client->worker->id))
		client_fail(client, "Failed", "reason", "there is no RoMON ID yet: no interface takes part");
	else
		client_reply(client, json_pack("{ss so so}", "id", romon_mac_text(client->worker->id, id), "routers",
					     routers_json(engine), "links", links_json(engine)));
}

/* Tells what is news, if it is time to and the client has taken what it got before. */
static void watch_settle(struct client *client)
{
	const struct timeval pause = {.tv_usec = UPDATE_MS * 1000};
	struct watch *watch = client->state;
	struct romon_engine *engine = client->worker->engine;
	uint64_t generation = romon_engine_generation(engine);

	if (!watch->more || evtimer_pending(watch->pause, NULL) || (watch->told && watch->generation == generation))
		return;
	evtimer_add(watch->pause, &pause);
	if (client_backlog(client) > 0)
		return;
	client_update(client, json_pack("{so}", "routers", routers_json(engine)));
	watch->generation = generation;
	watch->told = true;
}

static void watch_end(struct client *client)
{
	struct watch *watch = client->state;

	asking_stop(&client->worker->asking, client->worker->engine);
	if (watch->end != NULL)
		event_free(watch->end);
	if (watch->pause != NULL)
		event_free(watch->pause);
	free(watch);
}

static const struct job watch_job = {.settle = watch_settle, .end = watch_end};

static void time_is_over(evutil_socket_t fd, short what, void *arg)
{
	struct client *client = arg;
	struct watch *watch = client->state;

	(void)fd;
	(void)what;
	if (!client->doomed)
		watch->finish(client);
}

/* Only ends the wait: the client's settle() does the rest. */
static void pause_is_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

/* Starts a watch; duration in nanoseconds, negative: until the client goes. */
static void watch_start(struct client *client, int64_t duration, bool more, void (*finish)(struct client *))
{
	struct watch *watch = calloc(1, sizeof(*watch));
	const struct timeval wait = {
		.tv_sec = (time_t)(duration / ROMON_SECOND), .tv_usec = (suseconds_t)(duration % ROMON_SECOND / 1000)};

	if (watch == NULL) {
		client_fail(client, "Failed", "reason", "no memory");
		return;
	}
	watch->more = more;
	watch->finish = finish;
	client->job = &watch_job;
	client->state = watch;
	asking_start(&client->worker->asking, client->worker->engine);
	watch->pause = evtimer_new(client->worker->base, pause_is_over, NULL);
	if (duration >= 0)
		watch->end = evtimer_new(client->worker->base, time_is_over, client);
	if (watch->pause == NULL || (duration >= 0 && (watch->end == NULL || evtimer_add(watch->end, &wait) != 0)))
		client_fail(client, "Failed", "reason", "no memory");
}

static void discover(struct client *client, struct args *args)
{
	int64_t duration = -1;
	bool limited = args_time(args, "duration", 0, DURATION_MAX, &duration);

	if (args->bad == NULL && !limited && !client->call.more)
		args->bad = "duration";
	if (client_args_ok(client, args))
		watch_start(client, duration, client->call.more, finish_discover);
}

static void map(struct client *client, struct args *args)
{
	int64_t duration = 0;

	if (!args_time(args, "duration", 0, DURATION_MAX, &duration) && args->bad == NULL)
		args->bad = "duration";
	if (client_args_ok(client, args))
		watch_start(client, duration, false, finish_map);
}

const struct method discover_methods[] = {
	{"io.openromon.Discover", discover, (const char *const[]){"duration", NULL}, false, true, false},
	{"io.openromon.Map", map, (const char *const[]){"duration", NULL}, false, true, false},
	{0},
};
