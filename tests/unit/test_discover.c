/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The asker: when it asks, what it sends, which answers it takes, and how what it knows grows old (docs/protocol.md section 5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lone.h"

#define S ROMON_SECOND

static const uint64_t self = 0x0a0000000001, other = 0x0a0000000002, far = 0x0a0000000003;
static const uint64_t mac1 = 0x020000000101, mac2 = 0x020000000102, other_mac = 0x020000000201;

static int set_up(void **state)
{
	static struct lone lone;

	lone_open(&lone, self);
	lone_port(&lone, 1, mac1);
	lone_port_of(&lone, 2, mac2, 1400, 250);
	*state = &lone;
	return 0;
}

static int tear_down(void **state)
{
	lone_close(*state);
	return 0;
}

static void start(struct lone *lone)
{
	romon_engine_discover_start(lone->engine, lone->now);
	lone_run(lone, 0);
}

static const struct craft_route own_route = {.id = 0x0a0000000001, .out = {1, 1500, 100, 0x020000000101}};
static const struct craft_route other_route = {.id = 0x0a0000000002, .in = {5, 1500, 100, 0x020000000201}};

/* A direct neighbour's answer by port 1, with an identity behind it. */
static void craft_neighbor(struct craft *craft, uint64_t id, const void *identity, size_t len)
{
	struct craft_route route = {.id = id, .in = {5, 1500, 100, other_mac}};

	craft_answer(craft, mac1, other_mac, self, 0, NULL, 0, &own_route, &route);
	if (identity != NULL)
		craft_tlv(craft, 3, identity, len);
	craft_end(craft);
}

static void neighbor_answers(struct lone *lone, uint64_t id)
{
	struct craft craft;

	craft_neighbor(&craft, id, NULL, 0);
	lone_give(lone, 1, &craft);
}

static bool seen(struct lone *lone, uint64_t id, struct romon_seen *seen)
{
	for (size_t i = 0; romon_engine_router(lone->engine, i, seen); i++)
		if (romon_mac_equal(seen->id, craft_address(id)))
			return true;
	return false;
}

static void asks_by_every_port(void **state)
{
	struct lone *lone = *state;
	struct craft expected;
	struct craft_route second = {.id = self, .out = {2, 1400, 250, mac2}};

	start(lone);
	assert_int_equal(lone->count, 2);
	craft_discover(&expected, mac1, self, NULL, 0, &own_route);
	assert_int_equal(lone_only(lone, 1, 0)->len, expected.len);
	assert_memory_equal(lone_only(lone, 1, 0)->data, expected.data, expected.len);
	craft_discover(&expected, mac2, self, NULL, 0, &second);
	assert_memory_equal(lone_only(lone, 2, 0)->data, expected.data, expected.len);
}

static void asks_once_a_second_while_somebody_wants(void **state)
{
	struct lone *lone = *state;
	struct romon_time when;

	assert_false(romon_engine_wake(lone->engine, &when));
	start(lone);
	lone_run(lone, S - 1);
	assert_int_equal(lone_count(lone, 1, 0), 1);
	lone_run(lone, 1);
	assert_int_equal(lone_count(lone, 1, 0), 2);
	start(lone); /* a second user changes nothing */
	lone_run(lone, 8 * S);
	assert_int_equal(lone_count(lone, 1, 0), 10);
	romon_engine_discover_stop(lone->engine);
	lone_run(lone, 2 * S);
	assert_int_equal(lone_count(lone, 1, 0), 12);
	romon_engine_discover_stop(lone->engine);
	assert_false(romon_engine_wake(lone->engine, &when));
	lone_run(lone, 100 * S);
	assert_int_equal(lone_count(lone, 1, 0), 12);
	romon_engine_discover_stop(lone->engine); /* one too many */
	start(lone);
	assert_int_equal(lone_count(lone, 1, 0), 13);
}

/* Answers to a round, by so many routers; returns how long after the round the next one begins. */
static int64_t next_round_after(struct lone *lone, unsigned answers)
{
	struct romon_time when;

	for (unsigned i = 0; i < answers; i++)
		neighbor_answers(lone, 0x0a0000001000 + i);
	assert_true(romon_engine_wake(lone->engine, &when));
	when.ns -= lone->now.ns;
	lone_run(lone, when.ns);
	return when.ns;
}

/* More than 500 answers a second are not drawn for longer than it takes to see everybody. */
static void asks_more_rarely_in_a_large_network(void **state)
{
	struct lone *lone = *state;

	start(lone);
	for (unsigned round = 1; round < 10; round++)
		assert_int_equal(next_round_after(lone, 1000), S);
	assert_int_equal(next_round_after(lone, 1000), 2 * S);
	assert_int_equal(next_round_after(lone, 1500), 2 * S);
	assert_int_equal(next_round_after(lone, 10000), 3 * S);
	assert_int_equal(next_round_after(lone, 0), 5 * S);
	assert_int_equal(next_round_after(lone, 10000), S);
	start(lone); /* somebody else looks for something */
	for (unsigned round = 0; round < 10; round++) /* the present one, and those that begin now */
		assert_int_equal(next_round_after(lone, 10000), S);
	assert_int_equal(next_round_after(lone, 10000), 5 * S);
}

static void never_twice_within_a_second_on_a_port(void **state)
{
	struct lone *lone = *state;

	for (unsigned i = 0; i < 100; i++) {
		start(lone);
		lone_run(lone, 37 * ROMON_MILLISECOND);
		if (i == 50)
			lone_port(lone, 3, 0x020000000103); /* asks between two rounds of the others */
		lone_run(lone, 0);
		romon_engine_discover_stop(lone->engine);
		if (i % 7 == 0)
			lone_run(lone, 111 * ROMON_MILLISECOND);
	}
	assert_true(lone_count(lone, 1, 0) >= 3 && lone_count(lone, 3, 0) >= 1);
	for (size_t i = 0; i < lone->count; i++)
		for (size_t j = 0; j < i; j++)
			assert_true(lone->sent[i].link != lone->sent[j].link || lone->sent[i].at.ns - lone->sent[j].at.ns >= S);
}

static void a_new_port_asks_at_once(void **state)
{
	struct lone *lone = *state;

	lone_port(lone, 3, 0x020000000103); /* not if nobody wants to know */
	start(lone);
	lone_run(lone, S / 2);
	lone_forget(lone);
	lone_port(lone, 4, 0x020000000104);
	lone_run(lone, 0);
	assert_int_equal(lone_only(lone, 4, 0)->data[14], CRAFT_DISCOVER);
	assert_int_equal(lone->count, 1);
}

/* Asking again within a second of the last round: the ports of that round wait, the one that came since does not. */
static void a_port_that_came_between_asks_at_once(void **state)
{
	struct lone *lone = *state;

	start(lone);
	lone_run(lone, S / 10);
	romon_engine_discover_stop(lone->engine);
	lone_port(lone, 3, 0x020000000103);
	lone_run(lone, S / 10);
	lone_forget(lone);
	start(lone);
	lone_run(lone, S / 10);
	assert_int_equal(lone_only(lone, 3, 0)->data[14], CRAFT_DISCOVER);
	assert_int_equal(lone->count, 1);
}

static void takes_an_answer(void **state)
{
	struct lone *lone = *state;
	uint64_t generation = romon_engine_generation(lone->engine);
	struct romon_seen s;
	struct craft craft;

	assert_int_equal(romon_engine_router_count(lone->engine), 0);
	start(lone);
	lone_run(lone, S / 4);
	craft_neighbor(&craft, other,
		"\xc3\x9c"
		"ber",
		5);
	craft_tlv(&craft, 4, "\x06\x2f\x62\x07", 4);
	craft_tlv(&craft, 5, "RB\0\xff", 4);
	craft_tlv(&craft, 224, "\0\1\0\0", 4);
	craft_end(&craft);
	lone_give(lone, 1, &craft);
	assert_int_equal(romon_engine_router_count(lone->engine), 1);
	assert_true(romon_engine_generation(lone->engine) != generation);
	assert_true(romon_engine_router(lone->engine, 0, &s));
	assert_false(romon_engine_router(lone->engine, 1, &s));
	assert_true(romon_mac_equal(s.id, craft_address(other)) && s.active && s.reachable);
	assert_true(s.cost == 200 && s.hops == 1 && s.l2mtu == 1500 && romon_mac_equal(s.path[0], s.id));
	assert_string_equal(s.identity, "\xc3\x9c"
					"ber");
	assert_string_equal(s.version, "6.47beta7");
	assert_string_equal(s.board, "RB\xef\xbf\xbd\xef\xbf\xbd");
	assert_true(s.has_uptime && s.uptime == 65536);
	assert_int_equal(s.last_seen.ns, lone->now.ns);
	assert_int_equal(lone_all_drops(lone), 0);
}

/* Whatever the longest text holds, it becomes valid UTF-8 whole. */
static void a_text_of_255_bad_bytes(void **state)
{
	struct lone *lone = *state;
	struct romon_seen s;
	struct craft craft;
	char text[255];

	memset(text, 0xff, sizeof(text));
	start(lone);
	craft_neighbor(&craft, other, text, sizeof(text));
	lone_give(lone, 1, &craft);
	assert_true(seen(lone, other, &s));
	assert_int_equal(strlen(s.identity), 3 * 255);
	for (size_t i = 0; i < 255; i++)
		assert_memory_equal(s.identity + 3 * i, "\xef\xbf\xbd", 3);
}

static void answers_later_than_2_s_are_dropped(void **state)
{
	struct lone *lone = *state;
	struct craft craft;

	craft_neighbor(&craft, other, NULL, 0);
	lone_refuses(lone, 1, &craft, ROMON_DROP_NOT_ASKED); /* nobody has ever asked */
	start(lone);
	romon_engine_discover_stop(lone->engine);
	lone_run(lone, 2 * S);
	neighbor_answers(lone, other);
	assert_int_equal(romon_engine_router_count(lone->engine), 1);
	lone_run(lone, 1);
	craft_neighbor(&craft, far, NULL, 0);
	lone_refuses(lone, 1, &craft, ROMON_DROP_NOT_ASKED);
	assert_int_equal(romon_engine_router_count(lone->engine), 1);
}

/* Our ID is in the first route exactly when there are no hops. */
static void parent_and_hops_must_agree(void **state)
{
	struct lone *lone = *state;
	struct craft_hop way = {4, mac1};
	struct craft_route parent = {.id = 0x0a0000000002, .out = {6, 1500, 100, 0x020000000202}};
	struct craft_route child = {.id = far, .in = {9, 1500, 100, 0x020000000301}};
	struct craft craft;

	start(lone);
	lone_forget(lone);
	craft_answer(&craft, mac1, other_mac, self, 0, &way, 1, &own_route, &child);
	lone_refuses(lone, 1, &craft, ROMON_DROP_BAD_TLV);
	craft_answer(&craft, mac1, other_mac, self, 0, NULL, 0, &parent, &child);
	lone_refuses(lone, 1, &craft, ROMON_DROP_BAD_TLV);
	craft_answer(&craft, mac1, other_mac, self, 0, &way, 1, &parent, &child);
	craft.data[48 + 5] ^= 0x10; /* the header names another one than the child's route */
	lone_refuses(lone, 1, &craft, ROMON_DROP_BAD_TLV);
	craft_answer(&craft, mac2, other_mac, self, 0, NULL, 0, &own_route, &child); /* to the question of another port */
	lone_refuses(lone, 2, &craft, ROMON_DROP_BAD_TLV);
	child.id = self; /* what others say of us */
	craft_answer(&craft, mac1, other_mac, self, 0, &way, 1, &parent, &child);
	lone_refuses(lone, 1, &craft, ROMON_DROP_BAD_TLV);
	child.id = parent.id; /* a router that is its own neighbour */
	craft_answer(&craft, mac1, other_mac, self, 0, &way, 1, &parent, &child);
	lone_refuses(lone, 1, &craft, ROMON_DROP_BAD_TLV);
	child.id = far;
	way.mac = mac2; /* a port of ours, but not the one that it came by */
	craft_answer(&craft, mac1, other_mac, self, 0, &way, 1, &parent, &child);
	lone_refuses(lone, 1, &craft, ROMON_DROP_BAD_HOPS);
	assert_int_equal(romon_engine_router_count(lone->engine), 0);
	way.mac = mac1;
	craft_answer(&craft, mac1, other_mac, self, 0, &way, 1, &parent, &child);
	lone_give(lone, 1, &craft);
	assert_int_equal(romon_engine_router_count(lone->engine), 1);
}

/* An answer may not tell us about ourselves: neither as child, nor what our port costs. */
static void our_own_port_is_ours_to_know(void **state)
{
	struct lone *lone = *state;
	struct craft_route lie = {.id = self, .out = {1, 9000, 1, 0x020000006666}}, child = other_route;
	struct romon_seen s;
	struct craft craft;

	start(lone);
	lone_forget(lone);
	craft_answer(&craft, mac1, other_mac, self, 0, NULL, 0, &lie, &child);
	child.in.l2mtu = 9000;
	lone_give(lone, 1, &craft);
	assert_true(seen(lone, other, &s));
	assert_true(s.cost == 200 && s.l2mtu == 1500);
	child.id = self;
	craft_answer(&craft, mac1, other_mac, self, 0, NULL, 0, &own_route, &child);
	lone_refuses(lone, 1, &craft, ROMON_DROP_BAD_TLV);
}

static void grows_stale_after_5_s_and_goes_after_30(void **state)
{
	struct lone *lone = *state;
	struct romon_seen s;

	start(lone);
	lone_run(lone, S / 10);
	neighbor_answers(lone, other);
	neighbor_answers(lone, far);
	for (unsigned second = 1; second <= 40; second++) {
		lone_run(lone, S);
		neighbor_answers(lone, far);
		assert_true(seen(lone, far, &s) && s.active);
		if (second < 30) {
			assert_true(seen(lone, other, &s));
			assert_true(s.active == (second < 5));
			assert_true(s.reachable); /* nothing better is there */
		} else if (second > 30) {
			assert_false(seen(lone, other, &s));
		}
	}
}

/* While nobody asks, nothing grows old; but after a pause active is only what was heard since. */
static void a_pause(void **state)
{
	struct lone *lone = *state;
	struct romon_seen s;

	start(lone);
	neighbor_answers(lone, other);
	romon_engine_discover_stop(lone->engine);
	lone_run(lone, 3600 * S);
	assert_true(seen(lone, other, &s));
	start(lone);
	assert_true(seen(lone, other, &s) && !s.active);
	neighbor_answers(lone, other);
	assert_true(seen(lone, other, &s) && s.active);
	romon_engine_discover_stop(lone->engine);
	lone_run(lone, 2 * S); /* no pause worth the name */
	start(lone);
	assert_true(seen(lone, other, &s) && s.active);
}

static void a_removed_port_takes_its_edges_along(void **state)
{
	struct lone *lone = *state;
	struct romon_seen s;

	start(lone);
	neighbor_answers(lone, other);
	assert_int_equal(romon_engine_edge_count(lone->engine), 1);
	romon_engine_remove_port(lone->engine, 1);
	assert_int_equal(romon_engine_edge_count(lone->engine), 0);
	if (seen(lone, other, &s))
		assert_false(s.reachable);
	lone_port(lone, 1, mac1);
	lone_run(lone, 0);
	neighbor_answers(lone, other);
	assert_true(seen(lone, other, &s) && s.reachable);
}

static void edges_are_listed_once(void **state)
{
	struct lone *lone = *state;
	struct craft_hop way = {5, mac1};
	struct craft_route parent = {.id = other, .in = {5, 1500, 100, other_mac}, .out = {6, 1400, 70, 0x020000000202}};
	struct craft_route child = {.id = far, .in = {9, 1300, 80, 0x020000000301}};
	struct craft_route back_parent = {.id = far, .out = {9, 1300, 80, 0x020000000301}};
	struct craft_route back_child = {.id = other, .in = {6, 1400, 70, 0x020000000202}};
	struct romon_edge edge;
	struct craft craft;

	start(lone);
	neighbor_answers(lone, other);
	craft_answer(&craft, mac1, other_mac, self, 0, &way, 1, &parent, &child);
	lone_give(lone, 1, &craft);
	craft_answer(&craft, mac1, other_mac, self, 0, &way, 1, &back_parent, &back_child); /* the same, from its other end */
	lone_give(lone, 1, &craft);
	assert_int_equal(romon_engine_edge_count(lone->engine), 2);
	for (size_t i = 0; i < 2; i++) {
		assert_true(romon_engine_edge(lone->engine, i, &edge) && edge.active);
		if (romon_mac_equal(edge.a.id, craft_address(self))) {
			assert_true(edge.a.link == 1 && edge.a.cost == 100 && edge.b.link == 5);
			continue;
		}
		assert_true(romon_mac_equal(edge.a.id, craft_address(other)) && romon_mac_equal(edge.b.id, craft_address(far)));
		assert_true(edge.a.link == 6 && edge.a.l2mtu == 1400 && edge.a.cost == 70);
		assert_true(edge.b.link == 9 && edge.b.l2mtu == 1300 && edge.b.cost == 80);
		assert_true(romon_mac_equal(edge.b.mac, craft_address(0x020000000301)));
	}
	assert_false(romon_engine_edge(lone->engine, 2, &edge));
}

static void a_new_id_forgets_what_the_old_one_knew(void **state)
{
	struct lone *lone = *state;
	struct craft craft;

	start(lone);
	neighbor_answers(lone, other);
	lone->router.id = craft_address(0x010000000001);
	assert_false(romon_engine_set_router(lone->engine, &lone->router)); /* a group address */
	lone->router.id = romon_mac_zero;
	assert_false(romon_engine_set_router(lone->engine, &lone->router));
	assert_int_equal(romon_engine_router_count(lone->engine), 1);
	lone->router.id = craft_address(0x0a0000000099);
	assert_true(romon_engine_set_router(lone->engine, &lone->router));
	assert_int_equal(romon_engine_router_count(lone->engine), 0);
	craft_neighbor(&craft, other, NULL, 0); /* an answer to the old one */
	lone_give(lone, 1, &craft);
	assert_int_equal(romon_engine_router_count(lone->engine), 0);
	lone_forget(lone);
	lone_run(lone, S);
	assert_true(craft_number(lone_only(lone, 1, 0)->data + 42, 6) == 0x0a0000000099);
}

/* ---- two routers with one ID ---- */

static void hear_own(struct lone *lone, uint64_t eth_src, const struct craft_hop *hops, unsigned n)
{
	struct craft_route parent = {.id = n == 0 ? self : other, .out = {3, 1500, 100, eth_src}};
	struct craft craft;

	craft_discover(&craft, eth_src, self, hops, n, &parent);
	lone_give(lone, 1, &craft);
}

static void a_second_router_with_our_id_is_told_once_a_minute(void **state)
{
	struct lone *lone = *state;
	struct craft_hop hops[2] = {{1, 0x020000aabbcc}, {2, 0x020000000801}};

	hear_own(lone, 0x020000ddeeff, NULL, 0);
	assert_int_equal(lone->logs, 1);
	assert_non_null(strstr(lone->log, "02:00:00:DD:EE:FF"));
	lone_run(lone, 59 * S);
	hear_own(lone, 0x020000ddeeff, NULL, 0);
	assert_int_equal(lone->logs, 1);
	lone_run(lone, 1 * S);
	hear_own(lone, other_mac, hops, 2);
	assert_int_equal(lone->logs, 2);
	assert_non_null(strstr(lone->log, "02:00:00:AA:BB:CC"));
	assert_int_equal(lone->count, 0);
}

static void our_own_copies_are_no_reason_to_warn(void **state)
{
	struct lone *lone = *state;
	struct craft_hop hops[2] = {{1, mac2}, {2, 0x020000000801}};

	hear_own(lone, other_mac, hops, 2); /* round a ring */
	hops[0].mac = 0x020000000802;
	hops[1].mac = mac1;
	hear_own(lone, other_mac, hops, 2); /* it names a port of ours anywhere */
	hear_own(lone, mac2, NULL, 0);      /* our two ports on one segment */
	assert_int_equal(lone->logs, 0);
}

#define with_router(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_router(asks_by_every_port),
		with_router(asks_once_a_second_while_somebody_wants),
		with_router(asks_more_rarely_in_a_large_network),
		with_router(never_twice_within_a_second_on_a_port),
		with_router(a_new_port_asks_at_once),
		with_router(a_port_that_came_between_asks_at_once),
		with_router(takes_an_answer),
		with_router(a_text_of_255_bad_bytes),
		with_router(answers_later_than_2_s_are_dropped),
		with_router(parent_and_hops_must_agree),
		with_router(our_own_port_is_ours_to_know),
		with_router(grows_stale_after_5_s_and_goes_after_30),
		with_router(a_pause),
		with_router(a_removed_port_takes_its_edges_along),
		with_router(edges_are_listed_once),
		with_router(a_new_id_forgets_what_the_old_one_knew),
		with_router(a_second_router_with_our_id_is_told_once_a_minute),
		with_router(our_own_copies_are_no_reason_to_warn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
