/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a router does for the discovery of others: answering, passing on, and the limits of both (docs/protocol.md section 5).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lone.h"

#define MS ROMON_MILLISECOND

enum { IN = 1, OUT = 2, THIRD = 3 };
static const uint64_t self = 0x0a0000000001, asker = 0x0a0000000009, relay = 0x0a0000000008;
static const uint64_t in_mac = 0x020000000101, out_mac = 0x020000000102, third_mac = 0x020000000103;
static const uint64_t near_mac = 0x020000000801, asker_mac = 0x020000000901;

static int set_up(void **state)
{
	static struct lone lone;

	lone_open(&lone, self);
	lone_port(&lone, IN, in_mac);
	lone_port(&lone, OUT, out_mac);
	*state = &lone;
	return 0;
}

static int tear_down(void **state)
{
	lone_close(*state);
	return 0;
}

/* A Discover of this asker as its parent (ID made of a number) passed it on with n hops by this out-link. */
static void hear(struct lone *lone, uint32_t link, uint64_t who, unsigned parent, uint32_t out_link, unsigned n)
{
	struct craft_hop hops[255];
	struct craft_route route = {.id = relay + 256 * parent, .out = {out_link, 1500, 100, near_mac}};
	struct craft craft;

	for (unsigned i = 0; i < n; i++)
		hops[i] = (struct craft_hop){50 + i, asker_mac + i};
	craft_discover(&craft, near_mac + 65536 * link, who, hops, n, &route);
	lone_give(lone, link, &craft);
}

static void answers_and_passes_on(void **state)
{
	struct lone *lone = *state;
	const struct lone_sent *sent;
	const uint8_t *tlv;

	hear(lone, IN, asker, 0, 7, 1);
	lone_run(lone, 5 * MS);
	sent = lone_only(lone, IN, 0);
	assert_int_equal(sent->data[14], CRAFT_ANSWER);
	assert_true(craft_number(sent->data, 6) == near_mac + 65536 && craft_number(sent->data + 6, 6) == in_mac);
	assert_true(craft_number(sent->data + 42, 6) == asker && craft_number(sent->data + 48, 6) == self);
	assert_int_equal(craft_number(sent->data + CRAFT_BODY, 2), 0x0101); /* list and pointer as received */
	assert_int_equal(craft_number(sent->data + CRAFT_BODY + 8, 4), 50);
	tlv = sent->data + CRAFT_BODY + 18;
	assert_true(craft_number(tlv + 2, 6) == relay); /* the parent's route, then our own */
	assert_int_equal(craft_number(tlv + 22, 4), 7);
	assert_true(craft_number(tlv + 38, 6) == self);
	assert_int_equal(craft_number(tlv + 44, 4), IN);

	sent = lone_only(lone, OUT, 0);
	assert_int_equal(sent->data[14], CRAFT_DISCOVER);
	assert_true(craft_number(sent->data, 6) == CRAFT_GROUP && craft_number(sent->data + 6, 6) == out_mac);
	assert_int_equal(craft_number(sent->data + CRAFT_BODY, 2), 0x0202); /* one hop more, behind those it came with */
	assert_int_equal(craft_number(sent->data + CRAFT_BODY + 8, 4), 50);
	assert_int_equal(craft_number(sent->data + CRAFT_BODY + 18, 4), IN);
	assert_true(craft_number(sent->data + CRAFT_BODY + 22, 6) == near_mac + 65536);
}

static void answers_once_in_800_ms(void **state)
{
	struct lone *lone = *state;

	hear(lone, IN, asker, 0, 7, 1);
	lone_run(lone, 799 * MS);
	hear(lone, IN, asker, 0, 7, 1);
	assert_int_equal(lone_count(lone, IN, CRAFT_ANSWER), 1);
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_DUPLICATE), 1);
	hear(lone, IN, asker, 1, 7, 1); /* another parent, another of its ports, another asker: each is another question */
	hear(lone, IN, asker, 1, 8, 1);
	hear(lone, IN, asker + 1, 0, 7, 1);
	assert_int_equal(lone_count(lone, IN, CRAFT_ANSWER), 4);
	lone_run(lone, 1 * MS);
	hear(lone, IN, asker, 0, 7, 1);
	assert_int_equal(lone_count(lone, IN, CRAFT_ANSWER), 5);
	assert_int_equal(lone_all_drops(lone), 1);
}

static void answers_one_asker_256_times(void **state)
{
	struct lone *lone = *state;

	for (unsigned i = 0; i < 300; i++)
		hear(lone, IN, asker, i, 7, 1);
	assert_int_equal(lone_count(lone, IN, CRAFT_ANSWER), 256);
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_ANSWER_LIMIT), 44);
	hear(lone, IN, asker + 1, 0, 7, 1); /* another one is not concerned */
	assert_int_equal(lone_count(lone, IN, CRAFT_ANSWER), 257);
	lone_run(lone, 800 * MS);
	hear(lone, IN, asker, 400, 7, 1);
	assert_int_equal(lone_count(lone, IN, CRAFT_ANSWER), 258);
}

/* However many an asker invents, others find room. */
static void one_asker_cannot_starve_others(void **state)
{
	struct lone *lone = *state;

	for (unsigned i = 0; i < 12000; i++)
		hear(lone, IN, asker, i, 7, 1);
	lone_forget(lone);
	hear(lone, OUT, asker + 1, 0, 7, 1);
	assert_int_equal(lone_count(lone, OUT, CRAFT_ANSWER), 1);
}

static void passes_on_once_in_800_ms(void **state)
{
	struct lone *lone = *state;

	hear(lone, IN, asker, 0, 7, 1);
	lone_run(lone, 799 * MS);
	hear(lone, IN, asker, 1, 7, 1);
	lone_run(lone, 0);
	assert_int_equal(lone_count(lone, OUT, CRAFT_DISCOVER), 1);
	lone_run(lone, 1 * MS);
	hear(lone, IN, asker, 2, 7, 1);
	lone_run(lone, 5 * MS);
	assert_int_equal(lone_count(lone, OUT, CRAFT_DISCOVER), 2);
	assert_int_equal(lone_count(lone, IN, CRAFT_DISCOVER), 0); /* never by the port it came in by */
}

static void passes_200_on_in_a_second(void **state)
{
	struct lone *lone = *state;
	struct romon_time start = lone->now;
	unsigned in_first = 0;

	for (unsigned i = 0; i < 1500; i++) {
		hear(lone, IN, asker + i, 0, 7, 1);
		lone_run(lone, 1 * MS);
	}
	for (size_t i = 0; i < lone->count; i++)
		in_first += lone->sent[i].link == OUT && lone->sent[i].at.ns - start.ns < ROMON_SECOND;
	assert_in_range(in_first, 198, 200); /* the last ones may still wait */
	assert_int_equal(lone_count(lone, OUT, CRAFT_DISCOVER), 400);
	assert_int_equal(lone_count(lone, IN, CRAFT_ANSWER), 1500);
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_RELAY_LIMIT) + lone_drops(lone, OUT, ROMON_DROP_RELAY_LIMIT), 1100);
}

/* A copy of two hops would be sent. */
static void a_copy_heard_before_suppresses(void **state)
{
	struct lone *lone = *state;

	hear(lone, OUT, asker, 0, 5, 2);
	lone_run(lone, 799 * MS);
	lone_forget(lone);
	hear(lone, IN, asker, 0, 7, 1);
	lone_run(lone, 0);
	assert_int_equal(lone_count(lone, OUT, 0), 0);
	lone_run(lone, 1 * MS);
	hear(lone, IN, asker, 1, 7, 1); /* 800 ms ago: no reason any more */
	lone_run(lone, 5 * MS);
	assert_int_equal(lone_count(lone, OUT, CRAFT_DISCOVER), 1);
}

static void a_longer_copy_heard_before_does_not(void **state)
{
	struct lone *lone = *state;

	hear(lone, OUT, asker, 0, 5, 3);
	lone_run(lone, 20 * MS);
	hear(lone, IN, asker, 0, 7, 1);
	lone_run(lone, 5 * MS);
	assert_int_equal(lone_count(lone, OUT, CRAFT_DISCOVER), 1);
	/* Nor does that of another asker. */
	hear(lone, OUT, asker + 1, 0, 5, 1);
	lone_run(lone, 20 * MS);
	hear(lone, IN, asker + 2, 0, 7, 1);
	lone_run(lone, 5 * MS);
	assert_int_equal(lone_count(lone, OUT, CRAFT_DISCOVER), 2);
}

/* Makes so many neighbours known on the port. Their askers are of no further interest. */
static void neighbors(struct lone *lone, uint32_t link, unsigned count)
{
	struct craft_route route = {.id = relay, .out = {1, 1500, 100, near_mac}};
	struct craft craft;

	for (unsigned i = 0; i < count; i++) {
		craft_discover(&craft, 0x020000007700 + i, 0x0a0000007700 + i, NULL, 0, &route);
		lone_give(lone, link, &craft);
	}
	lone_run(lone, 10 * MS);
	lone_forget(lone);
}

static void a_copy_heard_during_the_wait_suppresses(void **state)
{
	struct lone *lone = *state;
	unsigned waited = 0;

	neighbors(lone, OUT, 5);
	for (unsigned i = 0; i < 50; i++) {
		hear(lone, IN, asker + i, 0, 7, 1);
		if (lone_count(lone, OUT, CRAFT_DISCOVER) > 0) { /* no wait this time */
			lone_forget(lone);
			continue;
		}
		waited++;
		hear(lone, OUT, asker + i, 0, 5, 3); /* longer: keeps nobody from anything */
		hear(lone, OUT, asker + 100 + i, 0, 5, 1);
		if (i % 2 == 0)
			hear(lone, OUT, asker + i, 1, 5, 2);
		lone_run(lone, 5 * MS);
		assert_int_equal(lone_count(lone, OUT, CRAFT_DISCOVER), i % 2 == 0 ? 0 : 1);
		lone_forget(lone);
	}
	assert_in_range(waited, 45, 50);
}

/* The longest of many waits, in microseconds; at_least is the shortest of them. */
static int64_t longest_wait(struct lone *lone, int64_t *shortest)
{
	static uint64_t next = 0x0a0000100000;
	int64_t longest = 0;

	*shortest = INT64_MAX;
	for (unsigned i = 0; i < 150; i++) {
		struct romon_time asked = lone->now;
		int64_t wait;

		lone_forget(lone);
		hear(lone, IN, next++, 0, 7, 1);
		lone_run(lone, 10 * MS);
		wait = lone_only(lone, OUT, CRAFT_DISCOVER)->at.ns - asked.ns;
		longest = wait > longest ? wait : longest;
		*shortest = wait < *shortest ? wait : *shortest;
	}
	return longest / 1000;
}

static void waits_by_the_number_of_neighbors(void **state)
{
	struct lone *lone = *state;
	int64_t shortest;

	assert_in_range(longest_wait(lone, &shortest), 800, 1000); /* nobody known: 0 to 1 ms */
	assert_in_range(shortest, 0, 200 * 1000);
	lone_run(lone, ROMON_SECOND);
	neighbors(lone, OUT, 1);
	assert_int_equal(longest_wait(lone, &shortest), 0);
	lone_run(lone, ROMON_SECOND);
	neighbors(lone, OUT, 2);
	assert_in_range(longest_wait(lone, &shortest), 3500, 4000);
	assert_in_range(shortest, 0, 500 * 1000);
	lone_run(lone, 61 * ROMON_SECOND); /* they are known for 60 s */
	assert_in_range(longest_wait(lone, &shortest), 800, 1000);
}

static void does_not_pass_on_what_was_here(void **state)
{
	struct lone *lone = *state;
	struct craft_hop hops[2] = {{50, asker_mac}, {51, third_mac}};
	struct craft_route route = {.id = relay, .out = {7, 1500, 100, near_mac}};
	struct craft craft;

	lone_port(lone, THIRD, third_mac);
	craft_discover(&craft, near_mac, asker, hops, 2, &route);
	lone_give(lone, IN, &craft);
	lone_run(lone, 10 * MS);
	assert_int_equal(lone_count(lone, IN, CRAFT_ANSWER), 1); /* the edge is told */
	assert_int_equal(lone->count, 1);
}

static void own_discover_is_neither_answered_nor_passed_on(void **state)
{
	struct lone *lone = *state;

	hear(lone, IN, self, 0, 7, 1);
	lone_run(lone, 10 * MS);
	assert_int_equal(lone->count, 0);
}

static void own_copy_on_a_second_port_of_the_segment_is_not_answered(void **state)
{
	struct lone *lone = *state;
	struct craft craft;

	lone_port(lone, THIRD, third_mac);
	hear(lone, IN, asker, 0, 7, 0);
	lone_run(lone, 10 * MS);
	memcpy(craft.data, lone_only(lone, OUT, CRAFT_DISCOVER)->data, lone_only(lone, OUT, CRAFT_DISCOVER)->len);
	craft.len = lone_only(lone, OUT, CRAFT_DISCOVER)->len;
	lone_forget(lone);
	lone_give(lone, THIRD, &craft);
	lone_run(lone, 10 * MS);
	assert_int_equal(lone->count, 0);
}

static void a_pointer_beside_the_end_is_dropped(void **state)
{
	struct craft_hop hops[2] = {{50, asker_mac}, {51, near_mac}};
	struct craft_route route = {.id = relay, .out = {7, 1500, 100, near_mac}};
	struct craft craft;

	for (unsigned p = 0; p < 2; p++) {
		craft_discover(&craft, near_mac, asker, hops, 2, &route);
		craft.data[CRAFT_BODY + 1] = (uint8_t)p;
		lone_refuses(*state, IN, &craft, ROMON_DROP_BAD_HOPS);
	}
}

static void the_list_ends_at_255_hops(void **state)
{
	struct lone *lone = *state;

	lone_port_of(lone, IN, in_mac, 9000, 100);
	lone_port_of(lone, OUT, out_mac, 9000, 100);
	hear(lone, IN, asker, 0, 7, 254);
	lone_run(lone, 10 * MS);
	assert_int_equal(lone_only(lone, OUT, CRAFT_DISCOVER)->data[CRAFT_BODY], 255);
	lone_forget(lone);
	hear(lone, IN, asker + 1, 0, 7, 255);
	lone_run(lone, 10 * MS);
	assert_int_equal(lone_count(lone, OUT, 0), 0);
	assert_int_equal(lone_count(lone, IN, CRAFT_ANSWER), 1);
}

/* Sent on are so many hops that an answer with the longest texts still fits. */
static void the_list_ends_with_room_for_the_answer(void **state)
{
	static const char text[] = "0123456789012345678901234567890123456789012345678901234567890123456789";
	struct lone *lone = *state;
	unsigned longest = 0;
	struct lone far;

	for (unsigned n = 0; n < 140; n++) {
		lone_forget(lone);
		hear(lone, IN, asker + n, 0, 7, n);
		lone_run(lone, 10 * MS);
		if (lone_count(lone, OUT, CRAFT_DISCOVER) == 1) {
			assert_int_equal(longest, n);
			longest = n + 1;
			lone_open(&far, 0x0a00000aaaaa);
			far.router.identity = far.router.board = text;
			far.router.send_uptime = true;
			assert_true(romon_engine_set_router(far.engine, &far.router));
			lone_port(&far, 1, 0x020000007701);
			lone_give_bytes(
				&far, 1, lone_only(lone, OUT, CRAFT_DISCOVER)->data, lone_only(lone, OUT, CRAFT_DISCOVER)->len);
			assert_int_equal(lone_only(&far, 1, 0)->data[14], CRAFT_ANSWER);
			assert_in_range(far.sent[0].len, 0, 1514);
			lone_close(&far);
		}
	}
	/* 1500 bytes, less header 48, two routes of 36, two texts of 66, version 6, uptime 6. */
	assert_int_equal(longest, (1500 - 48 - 72 - 132 - 12) / 10);
	assert_true(lone_drops(lone, IN, ROMON_DROP_TOO_BIG) + lone_drops(lone, OUT, ROMON_DROP_TOO_BIG) > 0);
}

static void texts_are_cut_at_a_character(void **state)
{
	/* 63 bytes, then a character of two, three and four bytes: none of them fits whole. */
	static const char *const tails[] = {"\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x98\x80"};
	struct lone *lone = *state;
	char text[300];

	for (size_t i = 0; i < 3; i++) {
		const uint8_t *tlv;

		memset(text, 'x', 63);
		strcpy(text + 63, tails[i]);
		memset(text + 63 + strlen(tails[i]), 'y', 100);
		text[163] = '\0';
		lone->router.identity = text;
		lone->router.board = text + 1; /* 62 bytes and the character: of two bytes it fits */
		assert_true(romon_engine_set_router(lone->engine, &lone->router));
		lone_forget(lone);
		hear(lone, IN, asker, (unsigned)i, 7, 0);
		tlv = lone_only(lone, IN, CRAFT_ANSWER)->data + CRAFT_BODY + 8 + 72;
		assert_int_equal(tlv[0], 3);
		assert_int_equal(tlv[1], 63);
		assert_memory_equal(tlv + 2, text, 63);
		tlv += 65 + 6;
		assert_int_equal(tlv[0], 5);
		assert_int_equal(tlv[1], i == 0 ? 64 : 62);
		assert_memory_equal(tlv + 2, text + 1, tlv[1]);
	}
	memset(text, 'z', 200);
	text[64] = '\0';
	lone->router.identity = text;
	assert_true(romon_engine_set_router(lone->engine, &lone->router));
	lone_forget(lone);
	hear(lone, IN, asker, 9, 7, 0);
	assert_int_equal(lone_only(lone, IN, CRAFT_ANSWER)->data[CRAFT_BODY + 8 + 72 + 1], 64);
}

static void a_removed_port_sends_nothing(void **state)
{
	struct lone *lone = *state;
	struct romon_time when;

	neighbors(lone, OUT, 5);
	for (unsigned i = 0; i < 20; i++)
		hear(lone, IN, asker + i, 0, 7, 1);
	lone_forget(lone);
	romon_engine_remove_port(lone->engine, OUT);
	lone_run(lone, 10 * MS);
	assert_int_equal(lone->count, 0);
	assert_false(romon_engine_wake(lone->engine, &when));
}

#define with_router(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_router(answers_and_passes_on),
		with_router(answers_once_in_800_ms),
		with_router(answers_one_asker_256_times),
		with_router(one_asker_cannot_starve_others),
		with_router(passes_on_once_in_800_ms),
		with_router(passes_200_on_in_a_second),
		with_router(a_copy_heard_before_suppresses),
		with_router(a_longer_copy_heard_before_does_not),
		with_router(a_copy_heard_during_the_wait_suppresses),
		with_router(waits_by_the_number_of_neighbors),
		with_router(does_not_pass_on_what_was_here),
		with_router(own_discover_is_neither_answered_nor_passed_on),
		with_router(own_copy_on_a_second_port_of_the_segment_is_not_answered),
		with_router(a_pointer_beside_the_end_is_dropped),
		with_router(the_list_ends_at_255_hops),
		with_router(the_list_ends_with_room_for_the_answer),
		with_router(texts_are_cut_at_a_character),
		with_router(a_removed_port_sends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
