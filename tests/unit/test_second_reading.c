/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Both readings of the hop list of a DiscoverResp (docs/protocol.md section 3): as asker, as parent, as a router further on the way,
 * and what a router does that has met the second one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lone.h"
#include "net.h"

enum { NEAR = 1, FAR = 2, POINTER = CRAFT_BODY + 1 };
static const uint64_t self = 0x0a0000000001, asker = 0x0a0000000009, child_id = 0x0a0000000005;
static const uint64_t near_mac = 0x020000000101, far_mac = 0x020000000102;

/* NEAR leads to the asker, FAR away from it. */
static int set_up(void **state)
{
	static struct lone lone;

	lone_open(&lone, self);
	lone_port(&lone, NEAR, near_mac);
	lone_port(&lone, FAR, far_mac);
	*state = &lone;
	return 0;
}

static int tear_down(void **state)
{
	lone_close(*state);
	return 0;
}

static void craft_reading(
	struct craft *craft, uint64_t to, uint64_t who, uint64_t parent_id, unsigned p, const struct craft_hop *hops, unsigned n)
{
	struct craft_route parent = {.id = parent_id, .in = {NEAR, 1500, 100, near_mac}, .out = {FAR, 1500, 100, far_mac}};
	struct craft_route child = {.id = child_id, .in = {8, 1500, 100, 0x020000000501}};

	craft_answer(craft, to, 0x020000000501, who, p, hops, n, &parent, &child);
}

/* The frame is sent on by NEAR to the MAC, with this pointer and otherwise as it came. */
static void passes_on(struct lone *lone, const struct craft *craft, uint64_t to, unsigned pointer)
{
	const struct lone_sent *sent;
	struct craft expected = *craft;

	lone_forget(lone);
	lone_give(lone, FAR, craft);
	sent = lone_only(lone, NEAR, 0);
	assert_int_equal(lone->count, 1);
	assert_true(craft_number(sent->data, 6) == to && craft_number(sent->data + 6, 6) == near_mac);
	expected.data[POINTER] = (uint8_t)pointer;
	assert_int_equal(sent->len, craft->len);
	assert_memory_equal(sent->data + 12, expected.data + 12, craft->len - 12);
}

static void the_parent_passes_either_on(void **state)
{
	/* Two hops, the asker's first: its neighbour is hop 0, ours is hop 1. */
	struct craft_hop first[2] = {{41, 0x020000000901}, {NEAR, 0x020000000801}};
	struct craft_hop second[2] = {{NEAR, 0x020000000801}, {41, 0x020000000901}};
	struct craft craft;

	craft_reading(&craft, far_mac, asker, self, 2, first, 2);
	passes_on(*state, &craft, 0x020000000801, 1);
	craft_reading(&craft, far_mac, asker, self, 0, second, 2);
	passes_on(*state, &craft, 0x020000000801, 1);
	craft_reading(&craft, far_mac, asker, self, 1, first, 1); /* one hop */
	first[0] = (struct craft_hop){NEAR, 0x020000000901};
	craft_reading(&craft, far_mac, asker, self, 1, first, 1);
	passes_on(*state, &craft, 0x020000000901, 0);
	craft_reading(&craft, far_mac, asker, self, 0, first, 1);
	passes_on(*state, &craft, 0x020000000901, 1);
}

static void a_router_on_the_way_passes_either_on(void **state)
{
	/* Three hops; ours is the middle one, and the one further out ends at our port. */
	struct craft_hop first[3] = {{41, 0x020000000901}, {NEAR, 0x020000000801}, {43, far_mac}};
	struct craft_hop second[3] = {{43, far_mac}, {NEAR, 0x020000000801}, {41, 0x020000000901}};
	struct craft craft;

	craft_reading(&craft, far_mac, asker, 0x0a0000000004, 2, first, 3);
	passes_on(*state, &craft, 0x020000000801, 1);
	craft_reading(&craft, far_mac, asker, 0x0a0000000004, 1, second, 3);
	passes_on(*state, &craft, 0x020000000801, 2);
}

static void what_fits_neither_is_dropped(void **state)
{
	struct craft_hop hops[3] = {{41, 0x020000000901}, {NEAR, 0x020000000801}, {43, far_mac}};
	struct lone *lone = *state;
	struct craft craft;

	craft_reading(&craft, far_mac, asker, 0x0a0000000004, 3, hops, 3); /* we are not the parent */
	lone_refuses(lone, FAR, &craft, ROMON_DROP_BAD_HOPS);
	craft_reading(&craft, far_mac, asker, 0x0a0000000004, 0, hops, 3); /* nor the asker */
	lone_refuses(lone, FAR, &craft, ROMON_DROP_BAD_HOPS);
	craft_reading(&craft, far_mac, asker, self, 0, hops, 0);
	lone_refuses(lone, FAR, &craft, ROMON_DROP_BAD_HOPS);
	craft_reading(&craft, far_mac, asker, 0x0a0000000004, 1, hops, 3); /* hop[0] and hop[1] are not our port */
	lone_refuses(lone, FAR, &craft, ROMON_DROP_BAD_HOPS);
	craft_reading(&craft, far_mac, asker, 0x0a0000000004, 4, hops, 3);
	lone_refuses(lone, FAR, &craft, ROMON_DROP_BAD_HOPS);
	hops[1].link = 99;
	craft_reading(&craft, far_mac, asker, 0x0a0000000004, 2, hops, 3);
	lone_refuses(lone, FAR, &craft, ROMON_DROP_NO_PORT);
	hops[1] = (struct craft_hop){NEAR, CRAFT_GROUP};
	craft_reading(&craft, far_mac, asker, 0x0a0000000004, 2, hops, 3);
	lone_refuses(lone, FAR, &craft, ROMON_DROP_BAD_HOPS);
}

/* With unicast=no everybody on the segment hears it. In the first reading this one is for our neighbour; in the second it would be for us,
 * and leave by a port whose number happens to be ours. */
static void an_answer_to_the_group_goes_the_way_of_its_question(void **state)
{
	struct craft_hop hops[3] = {{NEAR, 0x020000000901}, {43, far_mac}, {NEAR, 0x020000000401}};
	struct craft_route of_asker = {.id = asker, .out = {41, 1500, 100, 0x020000000901}};
	struct lone *lone = *state;
	struct craft craft;

	craft_reading(&craft, CRAFT_GROUP, asker, 0x0a0000000004, 1, hops, 3); /* nobody has asked */
	lone_refuses(lone, FAR, &craft, ROMON_DROP_BAD_HOPS);
	craft_discover(&craft, 0x020000000901, asker, NULL, 0, &of_asker);
	lone_give(lone, NEAR, &craft);
	lone_run(lone, 5 * ROMON_MILLISECOND);
	craft_reading(&craft, CRAFT_GROUP, asker, 0x0a0000000004, 2, hops, 3);
	lone_refuses(lone, FAR, &craft, ROMON_DROP_BAD_HOPS);
	craft_reading(&craft, CRAFT_GROUP, asker, 0x0a0000000004, 1, hops, 3);
	passes_on(lone, &craft, 0x020000000901, 0);
}

/* The answer comes by the port that the question left by, and never leads to ourselves: else one frame that fits both readings would
 * run between two ports of one segment for ever. */
static void an_answer_cannot_run_in_a_circle(void **state)
{
	struct lone *lone = *state;
	struct craft_hop hops[2] = {{FAR, near_mac}, {43, 0x020000000801}};
	struct craft craft;

	for (unsigned p = 0; p < 2; p++) {
		craft_reading(&craft, near_mac, asker, self, p, hops, 1);
		lone_refuses(lone, NEAR, &craft, ROMON_DROP_BAD_HOPS);
	}
	hops[0].mac = 0x020000000801;
	craft_reading(&craft, far_mac, asker, self, 0, hops, 2); /* back out of the port that it came in by */
	lone_refuses(lone, FAR, &craft, ROMON_DROP_BAD_HOPS);
	craft_reading(&craft, far_mac, asker, self, 1, hops, 1);
	lone_refuses(lone, FAR, &craft, ROMON_DROP_BAD_HOPS);
}

static void answer_to(struct lone *lone, unsigned parent, const struct craft_hop *hops, unsigned n)
{
	struct craft_route route = {.id = 0x0a0000000100 + parent, .out = {7, 1500, 100, 0x020000000801}};
	struct craft craft;

	lone_forget(lone);
	craft_discover(&craft, 0x020000000801, asker, hops, n, &route);
	lone_give(lone, NEAR, &craft);
}

static void answers_in_the_reading_that_it_met(void **state)
{
	struct lone *lone = *state;
	struct craft_hop hops[3] = {{41, 0x020000000901}, {42, 0x020000000902}, {43, 0x020000000903}},
			 way = {NEAR, 0x020000000901};
	const struct lone_sent *sent;
	struct craft craft;

	answer_to(lone, 0, hops, 3);
	sent = lone_only(lone, NEAR, CRAFT_ANSWER);
	assert_int_equal(sent->data[POINTER], 3);
	assert_int_equal(craft_number(sent->data + CRAFT_BODY + 8, 4), 41);

	craft_reading(&craft, far_mac, asker, self, 1, &way, 1); /* the first reading changes nothing */
	lone_give(lone, FAR, &craft);
	answer_to(lone, 1, hops, 3);
	assert_int_equal(lone_only(lone, NEAR, CRAFT_ANSWER)->data[POINTER], 3);

	lone_run(lone, 3 * ROMON_SECOND); /* nor does one that answers no Discover that was passed on of late */
	craft_reading(&craft, far_mac, asker, self, 0, &way, 1);
	lone_give(lone, FAR, &craft);
	answer_to(lone, 0, hops, 3);
	assert_int_equal(lone_only(lone, NEAR, CRAFT_ANSWER)->data[POINTER], 3);
	lone_run(lone, 10 * ROMON_MILLISECOND);

	craft_reading(&craft, far_mac, asker, self, 0, &way, 1); /* the second does */
	lone_give(lone, FAR, &craft);
	answer_to(lone, 2, hops, 3);
	sent = lone_only(lone, NEAR, CRAFT_ANSWER);
	assert_int_equal(sent->data[POINTER], 0);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(craft_number(sent->data + CRAFT_BODY + 8 + 10u * i, 4), 43 - i);
}

static void the_asker_takes_either(void **state)
{
	struct lone *lone = *state;
	struct craft_hop first[2] = {{41, near_mac}, {42, 0x020000000801}}, second[2] = {{42, 0x020000000801}, {41, near_mac}};
	struct craft craft;

	romon_engine_discover_start(lone->engine, lone->now);
	craft_reading(&craft, near_mac, self, 0x0a0000000004, 0, first, 2);
	lone_give(lone, NEAR, &craft);
	assert_int_equal(romon_engine_router_count(lone->engine), 1);
	craft_reading(&craft, near_mac, self, 0x0a0000000004, 0, second, 2); /* the wrong way round */
	lone_refuses(lone, NEAR, &craft, ROMON_DROP_BAD_HOPS);
	craft_reading(&craft, near_mac, self, 0x0a0000000004, 2, first, 2);
	lone_refuses(lone, NEAR, &craft, ROMON_DROP_BAD_HOPS);
	craft_reading(&craft, near_mac, self, 0x0a0000000004, 1, first, 2);
	lone_refuses(lone, NEAR, &craft, ROMON_DROP_BAD_HOPS);
	answer_to(lone, 0, first, 2);
	assert_int_equal(lone_only(lone, NEAR, CRAFT_ANSWER)->data[POINTER], 2);
	craft_reading(&craft, near_mac, self, 0x0a0000000004, 2, second, 2);
	lone_give(lone, NEAR, &craft);
	assert_int_equal(lone_drops(lone, NEAR, ROMON_DROP_BAD_HOPS), 3);
	answer_to(lone, 1, first, 2); /* and answers so from now on */
	assert_int_equal(lone_only(lone, NEAR, CRAFT_ANSWER)->data[POINTER], 0);
}

/* Turns a router into one of the second reading by an answer that it has to pass on, to a Discover that it has passed on. */
static void convert(struct net *net, unsigned router)
{
	struct craft_route asked = {.id = 0x0a00000000ef, .out = {7, 1500, 100, 0x02000000ee01}};
	struct craft_hop way = {1, 0x02000000ee01};
	struct craft craft;
	struct romon_mac mac = net_mac(router, 2);
	uint64_t id = craft_number(net_id(router).b, 6);
	struct craft_route parent = {.id = id, .out = {2, 1500, 100, craft_number(mac.b, 6)}};
	struct craft_route child = {.id = 0x0a00000000ee, .in = {8, 1500, 100, 0x02000000ee02}};

	craft_discover(&craft, 0x02000000ee01, 0x0a00000000ef, NULL, 0, &asked);
	romon_engine_receive(
		net->routers[router].engine, &(struct romon_frame){.link = 1, .len = craft.len, .data = craft.data}, 1, net->now);
	net_flush(net, router);
	net_run(net, 10 * ROMON_MILLISECOND);
	craft_answer(&craft, craft_number(mac.b, 6), 0x02000000ee02, 0x0a00000000ef, 0, &way, 1, &parent, &child);
	romon_engine_receive(
		net->routers[router].engine, &(struct romon_frame){.link = 2, .len = craft.len, .data = craft.data}, 1, net->now);
	net_flush(net, router);
}

struct readings {
	unsigned first, second;
};

/* Counts the answers on their first wire, by reading. */
static void count_readings(void *ctx, const struct net_wire *wire)
{
	struct readings *readings = ctx;
	unsigned n = wire->frame[CRAFT_BODY];

	if (wire->frame[14] != CRAFT_ANSWER || n == 0 ||
		craft_number(wire->frame + 48, 6) != craft_number(net_id(wire->from).b, 6))
		return;
	readings->first += wire->frame[POINTER] == n;
	readings->second += wire->frame[POINTER] == 0;
}

static void a_mixed_network_works(void **state)
{
	struct readings readings = {0, 0};
	struct net *net = net_new(3);
	struct romon_seen seen;

	(void)state;
	for (unsigned i = 0; i < 12; i++) {
		net_router(net);
		if (i > 0)
			net_wire(net, i - 1, i);
	}
	net->ctx = &readings;
	net->tap = count_readings;
	convert(net, 7);
	convert(net, 4);
	net_run(net, ROMON_SECOND); /* and their frames are gone */
	readings = (struct readings){0, 0};
	for (unsigned asking = 0; asking < 12; asking += 11) {
		net_discover(net, asking);
		net_run(net, ROMON_SECOND / 2);
		for (unsigned i = 0; i < 12; i++) {
			unsigned hops = i > asking ? i - asking : asking - i;

			if (i == asking)
				continue;
			assert_true(net_seen(net, asking, i, &seen));
			assert_true(seen.active && seen.reachable);
			assert_int_equal(seen.hops, hops);
		}
		net_stop(net, asking);
		if (asking == 0) /* in the first round there were both kinds */
			assert_true(readings.first > 0 && readings.second > 0);
		net_run(net, 5 * ROMON_SECOND);
	}
	net_free(net);
}

#define with_router(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_router(the_parent_passes_either_on),
		with_router(a_router_on_the_way_passes_either_on),
		with_router(what_fits_neither_is_dropped),
		with_router(an_answer_to_the_group_goes_the_way_of_its_question),
		with_router(an_answer_cannot_run_in_a_circle),
		with_router(answers_in_the_reading_that_it_met),
		with_router(the_asker_takes_either),
		cmocka_unit_test(a_mixed_network_works),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
