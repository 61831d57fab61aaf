/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Data: source-routed forwarding, step by step as docs/protocol.md section 3 numbers them, and what a port takes at all.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lone.h"

enum {
	IN = 11,
	OUT = 22,
	SMALL = 33, /* a port of MTU 200 */
	HOPS = 14 + 46,
	POINTER = CRAFT_BODY + 1
};
static const uint64_t self = 0x0a0000000001, asker = 0x0a0000000002, target = 0x0a0000000003;
static const uint64_t in_mac = 0x020000000101, out_mac = 0x020000000102, small_mac = 0x020000000103;
static const uint64_t before_mac = 0x020000000201, after_mac = 0x020000000301;

/* On the second of its three wires: the first hop was recorded, the second is ours, the third is what is to be done. */
static struct craft_hop route[3];
static struct craft_data passing;

static int set_up(void **state)
{
	static struct lone lone;

	lone_open(&lone, self);
	lone_port(&lone, IN, in_mac);
	lone_port(&lone, OUT, out_mac);
	lone_port_of(&lone, SMALL, small_mac, 200, 100);
	route[0] = (struct craft_hop){5, 0x020000000501};
	route[1] = (struct craft_hop){6, in_mac};
	route[2] = (struct craft_hop){OUT, after_mac};
	passing = (struct craft_data){in_mac, before_mac, asker, target, 1, 3, route, 2000, 4711, 100};
	*state = &lone;
	return 0;
}

static int tear_down(void **state)
{
	lone_close(*state);
	return 0;
}

static void give(struct lone *lone)
{
	struct craft craft;

	craft_data(&craft, &passing);
	lone_give(lone, IN, &craft);
}

static void refuses(struct lone *lone, enum romon_drop reason)
{
	struct craft craft;

	craft_data(&craft, &passing);
	lone_refuses(lone, IN, &craft, reason);
}

static void passes_on_and_records(void **state)
{
	struct lone *lone = *state;
	const struct lone_sent *sent;
	struct romon_port_stats stats;
	struct craft craft;

	craft_data(&craft, &passing);
	craft.data[15] = 0x5a;             /* bytes whose meaning is not known */
	craft.data[CRAFT_BODY + 3] = 0x5b; /* pass through */
	craft_zero(&craft, 20);            /* and padding does not */
	lone_give(lone, IN, &craft);
	sent = lone_only(lone, OUT, 0);
	assert_int_equal(lone->count, 1);
	assert_int_equal(sent->len, craft.len - 20);
	/* Addressed to the next hop, from the leaving port, p one more, hop[p] = {port it came in by, Ethernet source}, nothing else. */
	assert_true(craft_number(sent->data, 6) == after_mac && craft_number(sent->data + 6, 6) == out_mac);
	assert_int_equal(sent->data[POINTER], 2);
	assert_int_equal(craft_number(sent->data + HOPS + 10, 4), IN);
	assert_true(craft_number(sent->data + HOPS + 14, 6) == before_mac);
	craft.data[POINTER] = 2;
	memcpy(craft.data + HOPS + 10, sent->data + HOPS + 10, 10);
	assert_memory_equal(sent->data + 12, craft.data + 12, sent->len - 12);
	assert_true(romon_engine_port_stats(lone->engine, OUT, &stats));
	assert_true(stats.tx == 1 && stats.forwarded == 1);
	assert_true(romon_engine_port_stats(lone->engine, IN, &stats));
	assert_true(stats.rx == 1 && stats.tx == 0);
}

/* 1. */
static void hop_must_name_the_receiving_port(void **state)
{
	route[1].mac = out_mac; /* a port of ours, but not this one */
	refuses(*state, ROMON_DROP_BAD_HOPS);
	route[1].mac = in_mac;
	passing.pointer = 0;
	refuses(*state, ROMON_DROP_BAD_HOPS);
	passing.pointer = 3;
	refuses(*state, ROMON_DROP_BAD_HOPS);
	passing.pointer = passing.count = 0;
	refuses(*state, ROMON_DROP_BAD_HOPS);
}

/* 3. */
static void end_of_the_route(void **state)
{
	struct lone *lone = *state;

	passing.count = 2;
	refuses(lone, ROMON_DROP_WRONG_ID);
	passing.dst = self;
	give(lone); /* a connect, and nobody serves port 4711 */
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_NO_SERVICE), 1);
	lone_forget(lone);
	passing.dst_port = 1;
	give(lone); /* a ping */
	assert_true(craft_number(lone_only(lone, IN, 0)->data + 42, 6) == self);
	/* Our own ID in the middle of a route does not end it. */
	lone_forget(lone);
	passing.count = 3;
	give(lone);
	assert_int_equal(lone_count(lone, OUT, 0), 1);
}

/* 4. */
static void leaves_by_an_allowed_port_only(void **state)
{
	struct lone *lone = *state;

	route[2].link = 99;
	refuses(lone, ROMON_DROP_NO_PORT);
	route[2].link = 0;
	refuses(lone, ROMON_DROP_NO_PORT);
	route[2].link = OUT;
	romon_engine_remove_port(lone->engine, OUT); /* forbidden since */
	refuses(lone, ROMON_DROP_NO_PORT);
}

static void must_fit_the_leaving_port(void **state)
{
	struct lone *lone = *state;
	struct craft craft;

	route[2].link = SMALL;
	passing.size = 200 - (46 + 30 + 4); /* header, hops, ports */
	give(lone);
	assert_int_equal(lone_only(lone, SMALL, 0)->len, 214);
	lone_forget(lone);
	passing.size++;
	craft_data(&craft, &passing);
	lone_give(lone, IN, &craft);
	assert_int_equal(lone->count, 0);
	assert_int_equal(lone_all_drops(lone), 1);
	assert_int_equal(lone_drops(lone, SMALL, ROMON_DROP_TOO_BIG), 1);
}

static void next_hop_must_be_one_station(void **state)
{
	static const uint64_t bad[] = {0, CRAFT_GROUP, CRAFT_ALL, 0x030000000001};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		route[2].mac = bad[i];
		refuses(*state, ROMON_DROP_BAD_HOPS);
	}
}

static void a_circle_is_a_loop(void **state)
{
	struct lone *lone = *state;

	route[0].mac = out_mac; /* it left by that port on its first wire */
	refuses(lone, ROMON_DROP_LOOP);
	route[0].mac = 0x020000000501;
	passing.eth_src = out_mac; /* it left by that port just now, on this segment */
	refuses(lone, ROMON_DROP_LOOP);
}

/* Between members of one segment, where no edge was reported. */
static void may_leave_by_the_port_it_came_in_by(void **state)
{
	struct lone *lone = *state;

	route[2].link = IN;
	give(lone);
	assert_int_equal(lone->count, 1);
	assert_true(craft_number(lone_only(lone, IN, 0)->data, 6) == after_mac);
}

static void unicast_no_sends_to_the_group(void **state)
{
	struct lone *lone = *state;

	lone->router.unicast = false;
	assert_true(romon_engine_set_router(lone->engine, &lone->router));
	passing.eth_dst = CRAFT_GROUP; /* as others with that setting do */
	give(lone);
	assert_true(craft_number(lone_only(lone, OUT, 0)->data, 6) == CRAFT_GROUP);
}

static void ethernet_addresses(void **state)
{
	static const uint64_t bad_sources[] = {0, 0x010000000001, CRAFT_GROUP, CRAFT_ALL, in_mac};
	static const uint64_t bad_destinations[] = {0, 0x020000000999, CRAFT_ALL, 0x0180c20088be, out_mac};

	for (size_t i = 0; i < 5; i++) {
		passing.eth_src = bad_sources[i];
		refuses(*state, ROMON_DROP_BAD_SOURCE);
	}
	passing.eth_src = before_mac;
	for (size_t i = 0; i < 5; i++) {
		passing.eth_dst = bad_destinations[i];
		refuses(*state, ROMON_DROP_NOT_FOR_US);
	}
	passing.eth_dst = in_mac;
	give(*state);
	assert_int_equal(lone_count(*state, OUT, 0), 1);
}

static void group_ids(void **state)
{
	static const uint64_t bad[] = {0, 0x010000000001, CRAFT_ALL};

	for (size_t i = 0; i < 3; i++) {
		passing.src = bad[i];
		refuses(*state, ROMON_DROP_BAD_ID);
		passing.src = asker;
		passing.dst = bad[i];
		refuses(*state, ROMON_DROP_BAD_ID);
		passing.dst = target;
	}
}

static void hashed_frames_need_a_secret(void **state)
{
	struct craft craft;

	for (size_t at = 18; at < 42; at++) {
		craft_data(&craft, &passing);
		craft.data[at] = 1;
		lone_refuses(*state, IN, &craft, ROMON_DROP_NO_SECRET);
	}
	for (unsigned type = CRAFT_SEQ_ERR; type <= CRAFT_HELLO; type++) {
		craft_begin(&craft, in_mac, before_mac, type, asker, CRAFT_ALL);
		craft_zero(&craft, 24);
		craft_end(&craft);
		lone_refuses(*state, IN, &craft, ROMON_DROP_NO_SECRET);
	}
}

static void a_strange_link_is_ignored(void **state)
{
	struct lone *lone = *state;
	struct craft craft;

	craft_data(&craft, &passing);
	lone_give(lone, 44, &craft);
	assert_int_equal(lone->count, 0);
	assert_int_equal(lone_all_drops(lone), 0);
	romon_engine_count_drop(lone->engine, 44, ROMON_DROP_SEND_FAILED);
	assert_int_equal(lone_all_drops(lone), 0);
	romon_engine_count_drop(lone->engine, IN, ROMON_DROP_SEND_FAILED);
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_SEND_FAILED), 1);
}

static void what_waits_for_a_removed_port_is_forgotten(void **state)
{
	struct lone *lone = *state;
	struct romon_frame frames[4];
	struct craft craft;

	craft_data(&craft, &passing);
	romon_engine_receive(lone->engine, &(struct romon_frame){.link = IN, .len = craft.len, .data = craft.data}, 1, lone->now);
	romon_engine_remove_port(lone->engine, OUT);
	assert_int_equal(romon_engine_send(lone->engine, frames, 4, lone->now), 0);
	lone_port(lone, OUT, out_mac);
	assert_int_equal(romon_engine_send(lone->engine, frames, 4, lone->now), 0);
}

/* The longest list there can be, at both its ends. */
static void two_hundred_fifty_five_hops(void **state)
{
	struct lone *lone = *state;
	struct craft_hop hops[255];

	for (unsigned i = 0; i < 255; i++)
		hops[i] = (struct craft_hop){OUT, 0x0200000a0000 + i};
	passing.hops = hops;
	passing.count = 255;
	passing.pointer = 253;
	hops[253].mac = in_mac;
	lone_port_of(lone, OUT, out_mac, 3000, 100);
	give(lone);
	assert_int_equal(lone_only(lone, OUT, 0)->data[POINTER], 254);
	lone_forget(lone);
	passing.pointer = 254;
	hops[253].mac = 0x0200000affff;
	hops[254].mac = in_mac;
	passing.dst = self;
	passing.dst_port = 1;
	lone_port_of(lone, IN, in_mac, 3000, 100);
	give(lone);
	assert_int_equal(lone_only(lone, IN, 0)->data[POINTER], 0);
	assert_true(craft_number(lone->sent[0].data + HOPS + 254 * 10 + 4, 6) == hops[0].mac);
}

#define with_router(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_router(passes_on_and_records),
		with_router(hop_must_name_the_receiving_port),
		with_router(end_of_the_route),
		with_router(leaves_by_an_allowed_port_only),
		with_router(must_fit_the_leaving_port),
		with_router(next_hop_must_be_one_station),
		with_router(a_circle_is_a_loop),
		with_router(may_leave_by_the_port_it_came_in_by),
		with_router(unicast_no_sends_to_the_group),
		with_router(ethernet_addresses),
		with_router(group_ids),
		with_router(hashed_frames_need_a_secret),
		with_router(a_strange_link_is_ignored),
		with_router(what_waits_for_a_removed_port_is_forgotten),
		with_router(two_hundred_fifty_five_hops),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
