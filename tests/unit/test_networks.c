/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Discovery in whole networks: everybody is seen by the cheapest path, a cut leads to the detour, a segment of many does not storm. What
 * to expect is computed here by another algorithm, from the network as it was laid out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net.h"

#define S ROMON_SECOND

/* ---- what to expect ---- */

#define LINKS_MAX 1024

struct layout {
	struct net *net;
	struct link {
		unsigned router, segment;
		uint16_t mtu, cost;
	} links[LINKS_MAX];
	unsigned count;
};

static void join(struct layout *layout, unsigned router, unsigned segment, uint16_t mtu, uint16_t cost)
{
	assert_in_range(layout->count, 0, LINKS_MAX - 1);
	layout->links[layout->count++] = (struct link){router, segment, mtu, cost};
	net_join(layout->net, router, segment, mtu, cost);
}

static void wire(struct layout *layout, unsigned a, unsigned b)
{
	unsigned segment = net_segment(layout->net);

	join(layout, a, segment, 1500, 100);
	join(layout, b, segment, 1500, 100);
}

struct best {
	bool reached;
	uint32_t cost, hops;
	uint16_t l2mtu;
};

static bool better(const struct best *a, const struct best *b)
{
	if (!b->reached)
		return true;
	if (a->cost != b->cost)
		return a->cost < b->cost;
	if (a->hops != b->hops)
		return a->hops < b->hops;
	return a->l2mtu > b->l2mtu;
}

/* Bellman and Ford: over all pairs of ports of one segment, until nothing improves. */
static void expect(const struct layout *layout, unsigned viewer, struct best best[NET_ROUTERS_MAX])
{
	bool improved = true;

	for (unsigned r = 0; r < NET_ROUTERS_MAX; r++)
		best[r] = (struct best){.reached = r == viewer, .l2mtu = UINT16_MAX};
	while (improved) {
		improved = false;
		for (const struct link *a = layout->links; a < layout->links + layout->count; a++) {
			for (const struct link *b = layout->links; b < layout->links + layout->count; b++) {
				struct best way = best[a->router];

				if (a->segment != b->segment || a->router == b->router || !way.reached ||
					layout->net->cut[a->segment])
					continue;
				way.cost += (uint32_t)a->cost + b->cost;
				way.hops++;
				way.l2mtu = a->mtu < way.l2mtu ? a->mtu : way.l2mtu;
				way.l2mtu = b->mtu < way.l2mtu ? b->mtu : way.l2mtu;
				if (better(&way, &best[b->router])) {
					best[b->router] = way;
					improved = true;
				}
			}
		}
	}
}

/* Do the two share a segment that is not cut? */
static bool adjacent(const struct layout *layout, unsigned a, unsigned b)
{
	for (unsigned i = 0; i < layout->count; i++)
		for (unsigned j = 0; j < layout->count; j++)
			if (layout->links[i].router == a && layout->links[j].router == b &&
				layout->links[i].segment == layout->links[j].segment &&
				!layout->net->cut[layout->links[i].segment])
				return true;
	return false;
}

/* The viewer sees every router there is as it should. l2mtu: is it compared too? */
static void assert_all_seen(const struct layout *layout, unsigned viewer, bool l2mtu)
{
	struct best best[NET_ROUTERS_MAX];
	struct romon_seen seen;
	unsigned reached = 0;

	expect(layout, viewer, best);
	for (unsigned r = 0; r < layout->net->router_count; r++) {
		unsigned from = viewer;

		if (r == viewer || !best[r].reached)
			continue;
		reached++;
		if (!net_seen(layout->net, viewer, r, &seen))
			fail_msg("%u does not see %u", viewer, r);
		assert_true(seen.active && seen.reachable);
		assert_int_equal(seen.cost, best[r].cost);
		assert_int_equal(seen.hops, best[r].hops);
		if (l2mtu)
			assert_int_equal(seen.l2mtu, best[r].l2mtu);
		for (unsigned i = 0; i < seen.hops; i++) {
			assert_true(adjacent(layout, from, net_index(seen.path[i])));
			from = net_index(seen.path[i]);
		}
		assert_int_equal(from, r);
	}
	assert_int_equal(romon_engine_router_count(layout->net->routers[viewer].engine), reached);
}

/* Pings the target: it is the frames, not the table, that show that a path leads there. */
static void assert_pings(const struct layout *layout, unsigned viewer, unsigned target)
{
	struct romon_ping ping = {.id = net_id(target), .count = 1, .size = 32, .interval = S};
	struct romon_engine *engine = layout->net->routers[viewer].engine;
	struct romon_event event;

	assert_true(romon_engine_ping_start(engine, &ping, layout->net->now) != 0);
	net_flush(layout->net, viewer);
	net_run(layout->net, S / 2);
	assert_true(romon_engine_event(engine, &event));
	assert_int_equal(event.type, ROMON_EVENT_PING_REPLY);
	assert_true(romon_engine_event(engine, &event) && event.type == ROMON_EVENT_PING_DONE);
}

/* ---- networks ---- */

static struct layout layout;

static int set_up(void **state)
{
	(void)state;
	layout = (struct layout){.net = net_new(42)};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	net_free(layout.net);
	return 0;
}

static void routers(unsigned count)
{
	while (count-- > 0)
		net_router(layout.net);
}

static void line_of_64(void **state)
{
	(void)state;
	routers(64);
	for (unsigned i = 0; i + 1 < 64; i++) {
		unsigned segment = net_segment(layout.net);

		join(&layout, i, segment, i == 30 ? 1280 : 1500, (uint16_t)(100 + i));
		join(&layout, i + 1, segment, 1500, 100);
	}
	net_discover(layout.net, 0);
	net_run(layout.net, S - 1);
	assert_all_seen(&layout, 0, true);
	assert_pings(&layout, 0, 63);
	net_stop(layout.net, 0);
}

static void ring_of_9_survives_any_cut(void **state)
{
	(void)state;
	routers(9);
	for (unsigned i = 0; i < 9; i++)
		wire(&layout, i, (i + 1) % 9);
	net_discover(layout.net, 0);
	net_run(layout.net, S / 2);
	assert_all_seen(&layout, 0, true);
	assert_int_equal(layout.net->routers[0].logs, 0); /* our own copies come round */
	for (unsigned cut = 0; cut < 9; cut++) {
		layout.net->cut[cut] = true;
		net_run(layout.net, 6 * S); /* what was reported over it is stale now */
		assert_all_seen(&layout, 0, true);
		assert_pings(&layout, 0, cut == 0 ? 8 : cut);
		assert_pings(&layout, 0, cut == 8 ? 1 : cut + 1);
		layout.net->cut[cut] = false;
		net_run(layout.net, 2 * S);
		assert_all_seen(&layout, 0, true);
	}
}

static void ping_returns_by_the_detour_before_discovery_notices(void **state)
{
	struct romon_ping ping = {.id = net_id(2), .size = 32, .interval = S / 5};
	struct romon_event event;
	unsigned replies = 0;
	int64_t lost_until;

	(void)state;
	routers(5);
	for (unsigned i = 0; i < 5; i++)
		wire(&layout, i, (i + 1) % 5);
	assert_true(romon_engine_ping_start(layout.net->routers[0].engine, &ping, layout.net->now) != 0);
	net_flush(layout.net, 0);
	net_run(layout.net, 3 * S);
	while (romon_engine_event(layout.net->routers[0].engine, &event))
		replies += event.type == ROMON_EVENT_PING_REPLY;
	assert_int_equal(replies, 15); /* the sixteenth is on its way */
	layout.net->cut[0] = true;
	lost_until = layout.net->now.ns;
	for (replies = 0; replies == 0;) {
		net_run(layout.net, S / 20);
		while (romon_engine_event(layout.net->routers[0].engine, &event))
			replies += event.type == ROMON_EVENT_PING_REPLY;
		assert_in_range(layout.net->now.ns - lost_until, 0, 2 * S); /* a timeout of 1 s, and then at once */
	}
}

static void costs_decide(void **state)
{
	(void)state;
	routers(6);
	for (unsigned i = 0; i < 6; i++) {
		unsigned segment = net_segment(layout.net);

		join(&layout, i, segment, 1500, i == 0 ? 1000 : 100); /* the link between 0 and 1 is dear */
		join(&layout, (i + 1) % 6, segment, 1500, 100);
	}
	net_discover(layout.net, 0);
	net_run(layout.net, S / 2);
	assert_all_seen(&layout, 0, true);
	assert_pings(&layout, 0, 1);
	net_stop(layout.net, 0);
	net_run(layout.net, 5 * S);
	net_discover(layout.net, 1); /* and it is dear from its other end too */
	net_run(layout.net, S / 2);
	assert_all_seen(&layout, 1, true);
}

static void grid_of_100(void **state)
{
	(void)state;
	routers(100);
	for (unsigned i = 0; i < 100; i++) {
		if (i % 10 != 9)
			wire(&layout, i, i + 1);
		if (i < 90)
			wire(&layout, i, i + 10);
	}
	net_discover(layout.net, 0);
	net_run(layout.net, S - 1);
	assert_all_seen(&layout, 0, true);
	/* 180 links; each router passes on by each port at most once. Simulated by others: 264 Discovers and 2,720 answers. */
	assert_in_range(layout.net->routers[0].sent[1], 2, 2);
	assert_in_range(net_sent(layout.net), 180, 5000);
	net_stop(layout.net, 0);
	assert_pings(&layout, 0, 99);
}

/* The rounds that are counted here are those in which everybody knows their neighbours. */
static void segment_of_16_does_not_storm(void **state)
{
	unsigned segment = net_segment(layout.net);
	struct romon_time when;

	(void)state;
	routers(16);
	for (unsigned i = 0; i < 16; i++)
		join(&layout, i, segment, 1500, 100);
	net_discover(layout.net, 0);
	for (unsigned round = 0; round < 5; round++) {
		net_reset(layout.net);
		net_run(layout.net, S);
		assert_all_seen(&layout, 0, true);
		for (unsigned r = 0; r < 16; r++)
			assert_in_range(layout.net->routers[r].sent[1] + layout.net->routers[r].sent[2], 1, 2);
	}
	net_stop(layout.net, 0);
	/* All at once. */
	for (unsigned r = 0; r < 16; r++)
		net_discover(layout.net, r);
	for (unsigned round = 0; round < 3; round++) {
		net_reset(layout.net);
		net_run(layout.net, S);
		assert_in_range(net_sent(layout.net), 16 * 16, 40 * 16 - 1);
	}
	for (unsigned r = 0; r < 16; r++) {
		assert_all_seen(&layout, r, true);
		net_stop(layout.net, r);
	}
	/* And then nobody asks. */
	net_run(layout.net, 2 * S);
	net_reset(layout.net);
	for (unsigned r = 0; r < 16; r++)
		assert_false(romon_engine_wake(layout.net->routers[r].engine, &when));
	net_run(layout.net, 1000 * S);
	assert_int_equal(net_sent(layout.net), 0);
}

/* One round of discovery by router 0, and the end of the second in which it began. */
static void assert_small_round(void)
{
	uint64_t discovers = 0, answers = 0;

	net_reset(layout.net);
	net_run(layout.net, S);
	assert_all_seen(&layout, 0, true);
	for (unsigned r = 0; r < layout.net->router_count; r++) {
		discovers += layout.net->routers[r].sent[1];
		answers += layout.net->routers[r].sent[2];
	}
	assert_in_range(discovers, 2, 7);
	assert_in_range(answers, 58, 365);
}

/* 30 routers, each with a port on both of two segments. Most of them hear nobody but the asker, and must not take a segment for a wire;
 * neither in the first rounds nor in those after a minute in which nobody spoke. */
static void two_segments_of_30_do_not_storm(void **state)
{
	unsigned segments[2] = {net_segment(layout.net), net_segment(layout.net)};

	(void)state;
	routers(30);
	for (unsigned i = 0; i < 60; i++)
		join(&layout, i / 2, segments[i % 2], 1500, 100);
	for (unsigned minute = 0; minute < 3; minute++) {
		net_discover(layout.net, 0);
		for (unsigned round = 0; round < 65; round++)
			assert_small_round();
		net_stop(layout.net, 0);
		net_run(layout.net, 70 * S);
	}
}

/* Segments of any size, MTUs and costs, in a network where every router is reached. */
static void random_networks(void **state)
{
	uint64_t random = 7;

	for (unsigned run = 0; run < 40; run++) {
		unsigned count = 4 + run % 25;

		tear_down(state);
		layout = (struct layout){.net = net_new(run)};
		routers(count);
		for (unsigned i = 1; i < count + count / 2; i++) {
			unsigned segment = net_segment(layout.net), members = 2, first = i % count;

			for (unsigned m = 0; m < members; m++) {
				unsigned r = m == 0 ? first : (unsigned)((random >> 33) % (i < count ? i : count));
				bool again = false;

				random = random * 6364136223846793005ULL + 1442695040888963407ULL;
				if (m == 0)
					members += (random >> 40) % 4 == 0 ? (unsigned)(random >> 45) % 4 : 0;
				for (unsigned l = 0; l < layout.count; l++)
					again |= layout.links[l].segment == segment && layout.links[l].router == r;
				if (!again && layout.net->routers[r].port_count < NET_PORTS_MAX)
					join(&layout, r, segment, 1500, (uint16_t)(1 + (random >> 50) % 300));
			}
		}
		net_discover(layout.net, 0);
		net_run(layout.net, 3 * S);
		assert_all_seen(&layout, 0, true);
		net_stop(layout.net, 0);
		net_run(layout.net, 5 * S);
		net_discover(layout.net, count - 1);
		net_run(layout.net, 3 * S);
		assert_all_seen(&layout, count - 1, true);
	}
}

/* ---- port isolation ---- */

static bool isolated(void *ctx, const struct net_wire *wire)
{
	const unsigned *pair = ctx;

	return (wire->from == pair[0] && wire->to == pair[1] && wire->segment == 1) ||
	       (wire->from == pair[1] && wire->to == pair[0] && wire->segment == 1);
}

/* 1, 2 and 3 lie on one segment, whose switch does not let 1 and 3 talk to each other. 0 reaches 2 by one wire, and 1 by two. To 3, the
 * inferred edge from 1 would be the cheapest way: the port of 2 is dear. */
static void an_inferred_edge_that_does_not_carry_is_avoided(void **state)
{
	unsigned pair[2] = {1, 3}, wire2, segment;
	struct romon_ping ping = {.id = net_id(3), .size = 32, .interval = S};
	struct romon_engine *engine;
	struct romon_seen seen;
	struct romon_event event;
	unsigned timeouts = 0, replies = 0;

	(void)state;
	routers(5);
	wire2 = net_segment(layout.net);
	segment = net_segment(layout.net);
	join(&layout, 0, wire2, 1500, 100);
	join(&layout, 2, wire2, 1500, 100);
	join(&layout, 2, segment, 1500, 1000);
	join(&layout, 1, segment, 1500, 100);
	join(&layout, 3, segment, 1500, 100);
	wire(&layout, 0, 4);
	wire(&layout, 4, 1);
	layout.net->ctx = pair;
	layout.net->lose = isolated;
	engine = layout.net->routers[0].engine;
	net_discover(layout.net, 0);
	net_run(layout.net, S / 2);
	assert_true(net_seen(layout.net, 0, 3, &seen));
	assert_true(romon_mac_equal(seen.path[0], net_id(4)) && seen.cost == 600);
	assert_true(romon_engine_ping_start(engine, &ping, layout.net->now) != 0);
	net_flush(layout.net, 0);
	net_run(layout.net, 20 * S);
	while (romon_engine_event(engine, &event)) {
		timeouts += event.type == ROMON_EVENT_PING_TIMEOUT;
		replies += event.type == ROMON_EVENT_PING_REPLY;
		assert_false(event.type == ROMON_EVENT_PING_TIMEOUT && event.seq > 1);
	}
	assert_in_range(timeouts, 1, 2);
	assert_in_range(replies, 18, 20);
	assert_true(net_seen(layout.net, 0, 3, &seen));
	assert_true(romon_mac_equal(seen.path[0], net_id(2)) && seen.cost == 1300);
	net_run(layout.net, 9 * S);
	assert_true(net_seen(layout.net, 0, 3, &seen) && seen.cost == 1300);
	net_run(layout.net, 4 * S); /* more than 30 s after the doubt: it is given another chance */
	while (romon_engine_event(engine, &event))
		timeouts += event.type == ROMON_EVENT_PING_TIMEOUT;
	assert_in_range(timeouts, 2, 4);
}

#define with_net(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_net(line_of_64),
		with_net(ring_of_9_survives_any_cut),
		with_net(ping_returns_by_the_detour_before_discovery_notices),
		with_net(costs_decide),
		with_net(grid_of_100),
		with_net(segment_of_16_does_not_storm),
		with_net(two_segments_of_30_do_not_storm),
		with_net(random_networks),
		with_net(an_inferred_edge_that_does_not_carry_is_avoided),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
