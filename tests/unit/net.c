/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A network in memory.
 */
#include "net.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "craft.h"
#include "signer.h"

#define ID_BASE 0x0a0000000001ULL
#define BATCH 32

struct net_flight {
	int64_t at;
	uint64_t order;
	unsigned from, segment;
	uint32_t link;
	size_t len;
	uint8_t *frame;
};

/* splitmix64 */
static uint64_t net_random(struct net *net)
{
	uint64_t z = net->seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static uint64_t next_random(void *ctx)
{
	struct net_router *router = ctx;

	return net_random(router->net);
}

static void keep_line(void *ctx, enum romon_log_level level, const char *line)
{
	struct net_router *router = ctx;

	(void)level;
	snprintf(router->log, sizeof(router->log), "%s", line);
	router->logs++;
}

struct net *net_new(uint64_t seed)
{
	struct net *net = calloc(1, sizeof(*net));

	assert_non_null(net);
	net->seed = seed;
	net->now.ns = 1000 * ROMON_SECOND;
	return net;
}

void net_free(struct net *net)
{
	for (unsigned r = 0; r < net->router_count; r++)
		romon_engine_free(net->routers[r].engine);
	while (net->flight_count > 0)
		free(net->flights[--net->flight_count].frame);
	free(net->flights);
	free(net);
}

struct romon_mac net_id(unsigned router)
{
	return craft_address(ID_BASE + router);
}

unsigned net_index(struct romon_mac id)
{
	return (unsigned)(craft_number(id.b, 6) - ID_BASE);
}

struct romon_mac net_mac(unsigned router, uint32_t link)
{
	return craft_address(0x020000000000ULL + (router + 1ULL) * 256 + link);
}

static struct romon_engine *engine_new(struct net *net, unsigned router)
{
	struct romon_env env = {.ctx = &net->routers[router], .random = next_random, .log = keep_line};
	char identity[16];
	struct romon_router self = {.id = net_id(router),
		.identity = identity,
		.board = "net",
		.version = {7, 13, 'f', 0},
		.started = net->now,
		.send_uptime = true,
		.unicast = true};
	struct romon_engine *engine;

	snprintf(identity, sizeof(identity), "r%u", router);
	engine = romon_engine_new(&env, &self);
	assert_non_null(engine);
	return engine;
}

unsigned net_router(struct net *net)
{
	struct net_router *router = &net->routers[net->router_count];

	assert_in_range(net->router_count, 0, NET_ROUTERS_MAX - 1);
	router->net = net;
	router->engine = engine_new(net, net->router_count);
	return net->router_count++;
}

unsigned net_segment(struct net *net)
{
	assert_in_range(net->segment_count, 0, NET_SEGMENTS_MAX - 1);
	net->delay[net->segment_count] = NET_DELAY;
	return net->segment_count++;
}

static void add_port(struct net *net, unsigned router, uint32_t link)
{
	const struct net_port *port = &net->routers[router].ports[link - 1];
	struct romon_port conf = {.link = link, .mac = net_mac(router, link), .mtu = port->mtu, .cost = port->cost};

	assert_true(romon_engine_set_port(net->routers[router].engine, &conf, net->now));
}

uint32_t net_join(struct net *net, unsigned router, unsigned segment, uint16_t mtu, uint16_t cost)
{
	struct net_router *r = &net->routers[router];

	assert_in_range(r->port_count, 0, NET_PORTS_MAX - 1);
	r->ports[r->port_count++] = (struct net_port){.segment = segment, .mtu = mtu, .cost = cost};
	add_port(net, router, r->port_count);
	net_flush(net, router);
	return r->port_count;
}

void net_restart(struct net *net, unsigned router, const char *const *secrets)
{
	struct net_router *r = &net->routers[router];

	romon_engine_free(r->engine);
	r->engine = engine_new(net, router);
	for (uint32_t link = 1; link <= r->port_count; link++) {
		add_port(net, router, link);
		signer_list(r->engine, link, secrets, net->now);
	}
	net_flush(net, router);
}

void net_secrets(struct net *net, unsigned router, const char *const *secrets)
{
	for (uint32_t link = 1; link <= net->routers[router].port_count; link++)
		signer_list(net->routers[router].engine, link, secrets, net->now);
	net_flush(net, router);
}

unsigned net_wire(struct net *net, unsigned a, unsigned b)
{
	unsigned segment = net_segment(net);

	net_join(net, a, segment, 1500, 100);
	net_join(net, b, segment, 1500, 100);
	return segment;
}

/* ---- frames on their way ---- */

static bool before(const struct net_flight *a, const struct net_flight *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void flight_add(struct net *net, const struct net_flight *flight)
{
	size_t i = net->flight_count++;

	if (i == net->flight_cap) {
		net->flight_cap = net->flight_cap * 2 + 64;
		net->flights = realloc(net->flights, net->flight_cap * sizeof(*net->flights));
		assert_non_null(net->flights);
	}
	for (; i > 0 && before(flight, &net->flights[(i - 1) / 2]); i = (i - 1) / 2)
		net->flights[i] = net->flights[(i - 1) / 2];
	net->flights[i] = *flight;
}

static struct net_flight flight_take(struct net *net)
{
	struct net_flight top = net->flights[0], last = net->flights[--net->flight_count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < net->flight_count) {
		if (child + 1 < net->flight_count && before(&net->flights[child + 1], &net->flights[child]))
			child++;
		if (!before(&net->flights[child], &last))
			break;
		net->flights[i] = net->flights[child];
		i = child;
	}
	net->flights[i] = last;
	return top;
}

static bool chance(struct net *net, unsigned of_ten_thousand)
{
	return of_ten_thousand != 0 && net_random(net) % 10000 < of_ten_thousand;
}

static void fly(struct net *net, const struct net_wire *wire, int64_t at)
{
	struct net_flight flight = {.at = at,
		.order = net->flight_order++,
		.from = wire->from,
		.segment = wire->segment,
		.link = wire->from_link,
		.len = wire->len,
		.frame = malloc(wire->len)};

	assert_non_null(flight.frame);
	memcpy(flight.frame, wire->frame, wire->len);
	flight_add(net, &flight);
}

/* When the port has sent a frame of len bytes. False: too many wait before it. */
static bool leaves(struct net *net, struct net_port *port, size_t len, int64_t *at)
{
	int64_t rate = net->rate[port->segment], start = port->busy > net->now.ns ? port->busy : net->now.ns;

	*at = start;
	if (rate == 0)
		return true;
	if ((start - net->now.ns) * rate / ROMON_SECOND > net->queue[port->segment]) {
		net->overflows++;
		return false;
	}
	*at = port->busy = start + (int64_t)len * ROMON_SECOND / rate;
	return true;
}

static void launch(struct net *net, unsigned router, const struct romon_frame *frame)
{
	struct net_router *r = &net->routers[router];
	struct net_wire wire = {
		.from = router, .to = net->router_count, .from_link = frame->link, .frame = frame->data, .len = frame->len};
	const struct net_weather *weather;
	int64_t at;

	assert_in_range(frame->link, 1, r->port_count);
	wire.segment = r->ports[frame->link - 1].segment;
	assert_in_range(frame->data[14], 1, 5);
	r->sent[frame->data[14]]++;
	net->crossings[wire.segment]++;
	if (net->tap != NULL)
		net->tap(net->ctx, &wire);
	weather = &net->weather[wire.segment];
	if (!leaves(net, &r->ports[frame->link - 1], frame->len, &at) || chance(net, weather->loss))
		return;
	at += net->delay[wire.segment];
	if (chance(net, weather->duplicate))
		fly(net, &wire, at);
	if (chance(net, weather->reorder))
		at += (int64_t)(net_random(net) % (uint64_t)(10 * net->delay[wire.segment] + 1));
	fly(net, &wire, at);
}

static void take_sent(struct net *net, unsigned router)
{
	struct romon_frame frames[BATCH];
	size_t count;

	do {
		count = romon_engine_send(net->routers[router].engine, frames, BATCH, net->now);
		for (size_t i = 0; i < count; i++)
			launch(net, router, &frames[i]);
	} while (count == BATCH);
}

void net_flush(struct net *net, unsigned router)
{
	take_sent(net, router);
	if (net->user != NULL) {
		net->user(net->user_ctx, router);
		take_sent(net, router);
	}
}

static void land_at(struct net *net, const struct net_flight *flight, unsigned router, uint32_t link)
{
	struct net_wire wire = {flight->from, router, flight->link, link, flight->segment, flight->frame, flight->len};
	struct romon_frame frame = {.link = link, .len = flight->len};

	if (net->cut[flight->segment] || (net->lose != NULL && net->lose(net->ctx, &wire)))
		return;
	frame.data = malloc(flight->len); /* of its exact size, and its own: the engine may change it */
	assert_non_null(frame.data);
	memcpy(frame.data, flight->frame, flight->len);
	romon_engine_receive(net->routers[router].engine, &frame, 1, net->now);
	free(frame.data);
	net_flush(net, router);
}

static void land(struct net *net, const struct net_flight *flight)
{
	for (unsigned r = 0; r < net->router_count; r++)
		for (uint32_t link = 1; link <= net->routers[r].port_count; link++)
			if (net->routers[r].ports[link - 1].segment == flight->segment &&
				(r != flight->from || link != flight->link))
				land_at(net, flight, r, link);
	free(flight->frame);
}

/* ---- time ---- */

/* The router that wants to be called first, and when. False: none. */
static bool first_wake(const struct net *net, unsigned *router, int64_t *at)
{
	bool any = false;

	for (unsigned r = 0; r < net->router_count; r++) {
		struct romon_time when;

		if (romon_engine_wake(net->routers[r].engine, &when) && (!any || when.ns < *at)) {
			*router = r;
			*at = when.ns;
			any = true;
		}
	}
	return any;
}

bool net_run_until(struct net *net, int64_t ns, bool (*done)(void *ctx), void *ctx)
{
	int64_t end = net->now.ns + ns, at = 0;
	unsigned router = 0, stuck = 0;

	while (done == NULL || !done(ctx)) {
		int64_t was = net->now.ns;
		bool wakes = first_wake(net, &router, &at), flies = net->flight_count > 0;

		if (flies && (!wakes || net->flights[0].at <= at)) {
			struct net_flight flight;

			if (net->flights[0].at > end) {
				net->now.ns = end;
				return false;
			}
			flight = flight_take(net);
			net->now.ns = flight.at;
			land(net, &flight);
		} else {
			if (!wakes || at > end) {
				net->now.ns = end;
				return false;
			}
			if (at > net->now.ns)
				net->now.ns = at;
			net->routers[router].calls++;
			net_flush(net, router);
		}
		stuck = net->now.ns == was ? stuck + 1 : 0;
		assert_in_range(
			stuck, 0, 1000000); /* somebody wants to be woken for nothing, or a frame runs in a circle of no delay */
	}
	return true;
}

void net_run(struct net *net, int64_t ns)
{
	net_run_until(net, ns, NULL, NULL);
}

/* ---- what a test does and asks ---- */

void net_reset(struct net *net)
{
	for (unsigned r = 0; r < net->router_count; r++) {
		memset(net->routers[r].sent, 0, sizeof(net->routers[r].sent));
		net->routers[r].calls = 0;
	}
	memset(net->crossings, 0, sizeof(net->crossings));
}

void net_discover(struct net *net, unsigned router)
{
	romon_engine_discover_start(net->routers[router].engine, net->now);
	net_flush(net, router);
}

void net_stop(struct net *net, unsigned router)
{
	romon_engine_discover_stop(net->routers[router].engine);
}

bool net_seen(struct net *net, unsigned viewer, unsigned target, struct romon_seen *seen)
{
	struct romon_engine *engine = net->routers[viewer].engine;

	for (size_t i = 0; romon_engine_router(engine, i, seen); i++)
		if (romon_mac_equal(seen->id, net_id(target)))
			return true;
	return false;
}

uint64_t net_sent(const struct net *net)
{
	uint64_t sent = 0;

	for (unsigned r = 0; r < net->router_count; r++)
		for (size_t type = 0; type < 6; type++)
			sent += net->routers[r].sent[type];
	return sent;
}

uint64_t net_drops(const struct net *net, unsigned router, enum romon_drop reason)
{
	struct romon_port_stats stats;
	uint64_t drops = 0;

	for (uint32_t link = 1; link <= net->routers[router].port_count; link++)
		if (romon_engine_port_stats(net->routers[router].engine, link, &stats))
			drops += stats.drops[reason];
	return drops;
}
