/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A router whose tables strangers have filled: one whom a secret vouches for still finds room in each of them, is not pushed out of any,
 * and can use the router as if nobody else was there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lone.h"
#include "signer.h"

#define STRANGERS 20000 /* more than any table holds */

enum {
	OPEN = 1,
	SECRET = 2,
	LIT = 3,
	SERVICE = 3
}; /* ports: for everybody; with a secret, the member's; with the same, others' */

static const uint64_t self = 0x0a0000000001, open_mac = 0x020000000101, secret_mac = 0x020000000102, lit_mac = 0x020000000103;
static const uint64_t member = 0x0a0000000002, member_mac = 0x020000000201;

struct crowded {
	struct lone lone;
	struct signer signer;
};

static void give_signed(struct crowded *crowded, struct craft *craft)
{
	signer_sign(&crowded->signer, craft);
	lone_give(&crowded->lone, SECRET, craft);
}

/* The member has proven its index; nothing of it is remembered but that. */
static int set_up(void **state)
{
	static const char *const secrets[] = {"secret", NULL};
	static struct crowded crowded;
	struct lone *lone = &crowded.lone;
	struct craft craft;
	uint64_t challenge;

	crowded.signer = (struct signer){"secret", 77, 0};
	lone_open(lone, self);
	lone_port(lone, OPEN, open_mac);
	lone_port(lone, SECRET, secret_mac);
	lone_port(lone, LIT, lit_mac);
	signer_list(lone->engine, SECRET, secrets, lone->now);
	signer_list(lone->engine, LIT, secrets, lone->now);
	assert_true(romon_engine_listen(lone->engine, SERVICE, true));
	lone_run(lone, ROMON_SECOND);
	lone_forget(lone);
	signer_hello(&craft, secret_mac, member_mac, member, secret_mac, 0, 1);
	give_signed(&crowded, &craft);
	challenge = signer_challenge(lone->sent[lone->count - 1].data);
	signer_hello(&craft, secret_mac, member_mac, member, secret_mac, challenge, 0);
	give_signed(&crowded, &craft);
	lone_run(lone, 61 * ROMON_SECOND);
	lone_forget(lone);
	*state = &crowded;
	return 0;
}

static int tear_down(void **state)
{
	lone_close(&((struct crowded *)*state)->lone);
	return 0;
}

static uint64_t stranger(unsigned number)
{
	return 0x0e0000000000 + number;
}

static void stranger_asks(struct lone *lone, uint64_t asker, uint64_t parent)
{
	struct craft_route route = {parent, {0}, {1, 1500, 100, parent}};
	struct craft craft;

	craft_discover(&craft, parent, asker, NULL, 0, &route);
	lone_give(lone, OPEN, &craft);
	lone_forget(lone);
}

/* Many askers, and then the first of them by many neighbours. */
static void strangers_ask(struct lone *lone)
{
	for (unsigned i = 0; i < STRANGERS; i++)
		stranger_asks(lone, stranger(i), stranger(i));
	for (unsigned i = 0; i < 5000; i++)
		stranger_asks(lone, stranger(i / 256), stranger(STRANGERS + i));
}

/* Is the member a neighbour? */
static bool is_neighbor(struct lone *lone)
{
	struct romon_neighbor list[4096];
	size_t count = romon_engine_neighbors(lone->engine, list, 4096, lone->now);

	assert_in_range(count, 1024, 1152);
	for (size_t i = 0; i < count; i++)
		if (romon_mac_equal(list[i].mac, craft_address(member_mac)) && list[i].link == SECRET)
			return true;
	return false;
}

static void craft_member_asks(struct craft *craft)
{
	struct craft_route parent = {member, {0}, {9, 1500, 100, member_mac}};

	craft_discover(craft, member_mac, member, NULL, 0, &parent);
}

/* A question of the member is answered and passed on, and it is a neighbour from then on. */
static void the_member_asks(void **state)
{
	struct crowded *crowded = *state;
	struct lone *lone = &crowded->lone;
	struct craft craft;

	strangers_ask(lone);
	assert_true(lone_drops(lone, OPEN, ROMON_DROP_TABLE_FULL) > 0);
	assert_true(lone_drops(lone, OPEN, ROMON_DROP_ANSWER_LIMIT) > 0);
	assert_true(lone_drops(lone, OPEN, ROMON_DROP_RELAY_LIMIT) > 0);
	assert_false(is_neighbor(lone));
	craft_member_asks(&craft);
	give_signed(crowded, &craft);
	assert_int_equal(lone_count(lone, SECRET, CRAFT_ANSWER), 1);
	assert_true(is_neighbor(lone));
	lone_run(lone, 5 * ROMON_MILLISECOND);
	assert_in_range(lone_count(lone, LIT, CRAFT_DISCOVER), 1, 256); /* among those of strangers that waited */
	for (size_t i = lone->count; i-- > 0;)
		if (lone->sent[i].link == LIT && craft_number(lone->sent[i].data + 42, 6) == member)
			return;
	fail_msg("it was not passed on");
}

/* One that is known stays so, however many come. */
static void the_member_stays(void **state)
{
	struct crowded *crowded = *state;
	struct craft craft;

	craft_member_asks(&craft);
	give_signed(crowded, &craft);
	for (unsigned i = 0; i < 3; i++) {
		strangers_ask(&crowded->lone);
		assert_true(is_neighbor(&crowded->lone));
		assert_int_equal(romon_engine_neighbors(crowded->lone.engine, NULL, 0, crowded->lone.now), 1024);
	}
}

/* Answers of strangers fill what is known of the network. */
static void strangers_answer(struct lone *lone)
{
	struct craft craft;

	for (unsigned i = 0; i < STRANGERS; i++) {
		uint64_t id = stranger(i);
		struct craft_route parent = {self, {0}, {OPEN, 1500, 100, open_mac}}, child = {id, {1, 1500, 100, id}, {0}};

		craft_answer(&craft, open_mac, id, self, 0, NULL, 0, &parent, &child);
		lone_give(lone, OPEN, &craft);
	}
}

static bool is_seen(struct lone *lone)
{
	struct romon_seen seen;
	bool found = false;

	for (size_t i = 0; romon_engine_router(lone->engine, i, &seen); i++)
		found |= romon_mac_equal(seen.id, craft_address(member)) && seen.active && seen.reachable;
	return found;
}

static void the_member_answers(void **state)
{
	struct crowded *crowded = *state;
	struct lone *lone = &crowded->lone;
	struct craft_route parent = {self, {0}, {SECRET, 1500, 100, secret_mac}},
			   child = {member, {9, 1500, 100, member_mac}, {0}};
	struct craft craft;

	romon_engine_discover_start(lone->engine, lone->now);
	lone_run(lone, 100 * ROMON_MILLISECOND);
	strangers_answer(lone);
	assert_true(lone_drops(lone, OPEN, ROMON_DROP_TABLE_FULL) > 0);
	craft_answer(&craft, secret_mac, member_mac, self, 0, NULL, 0, &parent, &child);
	give_signed(crowded, &craft);
	assert_true(is_seen(lone));
	for (unsigned round = 0; round < 40; round++) { /* and as long as both go on, it stays */
		lone_run(lone, ROMON_SECOND);
		strangers_answer(lone);
		craft_answer(&craft, secret_mac, member_mac, self, 0, NULL, 0, &parent, &child);
		give_signed(crowded, &craft);
		lone_forget(lone);
	}
	assert_true(is_seen(lone));
	romon_engine_discover_stop(lone->engine);
}

static void craft_connect(struct craft *craft, uint64_t dst_mac, uint64_t src_mac, uint64_t id)
{
	const struct craft_hop hop = {9, dst_mac};
	struct craft_data data = {dst_mac, src_mac, id, self, 0, 1, &hop, 2000, SERVICE, 0};

	craft_data(craft, &data);
	craft_zero(craft, 10);
	craft_end(craft);
}

/* Half-open streams of strangers leave room for one of the member's. */
static void the_member_connects(void **state)
{
	struct crowded *crowded = *state;
	struct lone *lone = &crowded->lone;
	struct craft craft;

	for (unsigned i = 0; i < 1000; i++) {
		craft_connect(&craft, open_mac, stranger(i), stranger(i));
		lone_give(lone, OPEN, &craft);
	}
	assert_int_equal(lone_drops(lone, OPEN, ROMON_DROP_TABLE_FULL), 1000 - 256);
	lone_forget(lone);
	craft_connect(&craft, secret_mac, member_mac, member);
	give_signed(crowded, &craft);
	assert_int_equal(lone_count(lone, SECRET, CRAFT_DATA), 1);
	assert_int_equal(lone_drops(lone, SECRET, ROMON_DROP_TABLE_FULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_member_asks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_member_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_member_answers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_member_connects, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
