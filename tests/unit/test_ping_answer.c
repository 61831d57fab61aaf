/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Ping, the answering end (docs/protocol.md section 6).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lone.h"

enum { PORTS_AT = 14 + 46 + 10, PAYLOAD_AT = PORTS_AT + 4 }; /* of Data with one hop */
static const uint64_t self = 0x0a0000000001, peer = 0x0a0000000002;
static const uint64_t our_mac = 0x020000000101, peer_mac = 0x020000000201;

static int set_up(void **state)
{
	static struct lone lone;

	lone_open(&lone, self);
	lone_port(&lone, 1, our_mac);
	*state = &lone;
	return 0;
}

static int tear_down(void **state)
{
	lone_close(*state);
	return 0;
}

static void craft_request(struct craft *craft, unsigned src_port, unsigned dst_port, size_t size)
{
	static const struct craft_hop hop = {3, 0x020000000101};
	struct craft_data data = {our_mac, peer_mac, peer, self, 0, 1, &hop, src_port, dst_port, size};

	craft_data(craft, &data);
}

static void returns_the_payload_with_the_ports_swapped(void **state)
{
	struct lone *lone = *state;
	const struct lone_sent *sent;
	struct craft craft;

	craft_request(&craft, 1024, 1, 70);
	for (size_t i = 4; i < 70; i++)
		craft.data[PAYLOAD_AT + i] = (uint8_t)(i * 7);
	lone_give(lone, 1, &craft);
	sent = lone_only(lone, 1, 0);
	assert_int_equal(sent->len, craft.len);
	assert_int_equal(craft_number(sent->data + PORTS_AT, 4), 1 << 16 | 1024);
	assert_memory_equal(sent->data + PAYLOAD_AT, craft.data + PAYLOAD_AT, 70);
	assert_true(craft_number(sent->data + 42, 6) == self && craft_number(sent->data + 48, 6) == peer);
	assert_int_equal(craft_number(sent->data + CRAFT_BODY, 2), 0x0100);
	assert_int_equal(craft_number(sent->data + 60, 4), 1); /* our port, and the MAC that it came from */
	assert_true(craft_number(sent->data + 64, 6) == peer_mac && craft_number(sent->data, 6) == peer_mac);
}

static void ports_that_pings_do_not_use(void **state)
{
	static const unsigned bad[][2] = {{1, 1}, {3, 1}, {1023, 1}, {0, 1}, {1, 0}, {1, 3}, {1, 1023}};
	struct craft craft;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		craft_request(&craft, bad[i][0], bad[i][1], 32);
		lone_refuses(*state, 1, &craft, ROMON_DROP_BAD_PING);
	}
	craft_request(&craft, 65535, 1, 32);
	lone_give(*state, 1, &craft);
	assert_int_equal(lone_count(*state, 1, CRAFT_DATA), 1);
}

static void a_request_has_a_sequence_number(void **state)
{
	struct craft craft;

	for (size_t size = 0; size < 4; size++) {
		craft_request(&craft, 2000, 1, size);
		lone_refuses(*state, 1, &craft, ROMON_DROP_BAD_PING);
	}
	craft_request(&craft, 2000, 1, 4);
	lone_give(*state, 1, &craft);
	assert_int_equal(lone_count(*state, 1, CRAFT_DATA), 1);
}

static void an_answer_that_nobody_waits_for(void **state)
{
	struct craft craft;

	craft_request(&craft, 1, 2000, 32);
	lone_refuses(*state, 1, &craft, ROMON_DROP_LATE);
}

#define with_router(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_router(returns_the_payload_with_the_ports_swapped),
		with_router(ports_that_pings_do_not_use),
		with_router(a_request_has_a_sequence_number),
		with_router(an_answer_that_nobody_waits_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
