/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The lists of secrets: which frames a port takes and how it signs (the rules of the MikroTik page, docs/protocol.md section 7), what a
 * change of the list keeps, and what the digest is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/auth.h"
#include "far.h"

#define MS ROMON_MILLISECOND

enum { IN = 1, OUT = 2 };
static const uint64_t self = 0x0a0000000001, other = 0x0a0000000009;
static const uint64_t in_mac = 0x020000000101, out_mac = 0x020000000102, other_mac = 0x020000000901;

static int set_up(void **state)
{
	static struct lone lone;

	lone_open(&lone, self);
	lone_port(&lone, IN, in_mac);
	*state = &lone;
	return 0;
}

static int tear_down(void **state)
{
	lone_close(*state);
	return 0;
}

static struct far far_end(struct lone *lone, const char *secret)
{
	return (struct far){.lone = lone,
		.link = IN,
		.near_id = self,
		.near_mac = in_mac,
		.id = other,
		.mac = other_mac,
		.signer = {.secret = secret, .index = 0x11223300 + (secret != NULL ? (uint8_t)secret[0] : 0), .counter = 500}};
}

/* Sets the list, and lets the Hellos that it causes go. */
static void set_list(struct lone *lone, const char *const *secrets)
{
	signer_list(lone->engine, IN, secrets, lone->now);
	lone_run(lone, 0);
	lone_forget(lone);
}

/* ---- the rules ---- */

/* How it was hashed: the secret's letter, 0 unhashed. What is refused is refused with the reason. */
struct rule {
	const char *list[4];
	const char *signs;      /* NULL: unhashed */
	const char *takes;      /* of "0stu", where 0 is an unhashed frame */
	enum romon_drop hashed; /* why the hashed ones that it does not take are dropped */
};

/* "When sending out, messages are hashed with the first secret in list if list is not empty and first is not empty secret, otherwise,
 * messages are sent unhashed. When received, unhashed messages are only accepted if a secret list is empty or contains empty secret, hashed
 * messages are accepted if they are hashed with any of the secrets in list." */
static const struct rule rules[] = {
	{{NULL}, NULL, "0", ROMON_DROP_NO_SECRET},
	{{"", NULL}, NULL, "0", ROMON_DROP_NO_SECRET},
	{{"s", NULL}, "s", "s", ROMON_DROP_BAD_DIGEST},
	{{"", "s", NULL}, NULL, "0s", ROMON_DROP_BAD_DIGEST},
	{{"s", "", NULL}, "s", "0s", ROMON_DROP_BAD_DIGEST},
	{{"s", "t", NULL}, "s", "st", ROMON_DROP_BAD_DIGEST},
	{{"t", "s", NULL}, "t", "st", ROMON_DROP_BAD_DIGEST},
	{{"", "s", "t", NULL}, NULL, "0st", ROMON_DROP_BAD_DIGEST},
	{{"s", "", "t", NULL}, "s", "0st", ROMON_DROP_BAD_DIGEST},
	{{"s", "t", "", NULL}, "s", "0st", ROMON_DROP_BAD_DIGEST},
	{{"u", "", "t", NULL}, "u", "0tu", ROMON_DROP_BAD_DIGEST},
};

static void takes(struct lone *lone, const struct rule *rule, struct far *far)
{
	struct romon_port_stats before, after;
	const uint8_t *answer;

	if (far->signer.secret != NULL)
		far_prove(far);
	romon_engine_port_stats(lone->engine, IN, &before);
	assert_true(far_ping(far));
	answer = lone_only(lone, IN, CRAFT_DATA)->data;
	assert_int_equal(signer_unhashed(answer), rule->signs == NULL);
	if (rule->signs != NULL)
		assert_true(signer_fits(rule->signs, answer));
	romon_engine_port_stats(lone->engine, IN, &after);
	assert_int_equal(after.hashed - before.hashed, far->signer.secret != NULL);
	assert_int_equal(after.unhashed - before.unhashed, far->signer.secret == NULL);
}

static void refuses(struct lone *lone, struct far *far, enum romon_drop reason)
{
	struct craft craft;

	far_ping_make(far, &craft);
	if (far->signer.secret != NULL)
		signer_sign(&far->signer, &craft);
	lone_refuses(lone, IN, &craft, reason);
	signer_hello(&craft, CRAFT_GROUP, other_mac, other, 0, 0, 77);
	if (far->signer.secret != NULL)
		signer_sign(&far->signer, &craft);
	lone_refuses(lone, IN, &craft, reason);
}

static void rules_of_the_page(void **state)
{
	static const char *const kinds[] = {NULL, "s", "t", "u"};
	struct lone *lone = *state;
	struct craft craft;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		set_list(lone, (const char *const[]){NULL});
		set_list(lone, rules[i].list);
		for (size_t k = 0; k < 4; k++) {
			struct far far = far_end(lone, kinds[k]);

			lone_forget(lone);
			if (strchr(rules[i].takes, kinds[k] == NULL ? '0' : kinds[k][0]) != NULL)
				takes(lone, &rules[i], &far);
			else
				refuses(lone, &far, kinds[k] == NULL ? ROMON_DROP_NO_SECRET : rules[i].hashed);
		}
		signer_hello(&craft, CRAFT_GROUP, other_mac, other, 0, 0, 77); /* an unhashed one never counts */
		lone_refuses(lone, IN, &craft, ROMON_DROP_NO_SECRET);
		lone_run(lone, ROMON_SECOND); /* the limits of the next rule are its own */
	}
}

/* Computed by Python's hmac: key "Jefe", over 68 bytes. */
static void digest_is_hmac_md5_96(void **state)
{
	static const uint8_t expected[12] = {0x34, 0x78, 0xf7, 0x17, 0x18, 0x8c, 0xfd, 0x7c, 0x11, 0x94, 0x04, 0x16};
	struct signer signer = {.secret = "Jefe", .index = 0x01020304};
	struct craft craft;

	(void)state;
	signer_seq_err(&craft, in_mac, other_mac, other, in_mac, 0x1122334455667788);
	signer_sign_as(&signer, 0x0506070809, craft.data);
	assert_memory_equal(craft.data + 30, expected, sizeof(expected));
}

static void longest_secret_and_most_of_them(void **state)
{
	struct lone *lone = *state;
	char longest[ROMON_SECRET_LEN_MAX + 1] = "x";
	const char *list[] = {"1", "2", "3", "4", "5", "6", "7", longest, NULL};
	struct far far = far_end(lone, longest);
	struct romon_secret nine[9] = {{0}};

	memset(longest, 'x', ROMON_SECRET_LEN_MAX);
	longest[ROMON_SECRET_LEN_MAX] = '\0';
	set_list(lone, list);
	far_prove(&far);
	assert_true(far_ping(&far));
	longest[ROMON_SECRET_LEN_MAX - 1] = 'y';
	assert_false(far_ping(&far));
	assert_false(romon_engine_set_secrets(lone->engine, IN, nine, 9, lone->now));
	assert_false(romon_engine_set_secrets(lone->engine, 99, nine, 1, lone->now));
	longest[ROMON_SECRET_LEN_MAX - 1] = 'x';
	assert_true(far_ping(&far)); /* nothing has changed */
}

/* ---- changes of the list ---- */

static uint64_t answer_counter(struct far *far, uint32_t *index)
{
	const uint8_t *answer;

	lone_forget(far->lone);
	assert_true(far_ping(far));
	answer = lone_only(far->lone, IN, CRAFT_DATA)->data;
	*index = signer_index(answer);
	return signer_counter(answer);
}

static void changes_keep_index_counter_and_states(void **state)
{
	struct lone *lone = *state;
	struct far far = far_end(lone, "s");
	uint32_t first, second;
	uint64_t counter;
	struct craft old;

	set_list(lone, (const char *const[]){"s", NULL});
	far_prove(&far);
	counter = answer_counter(&far, &first);
	assert_int_not_equal(first, 0);
	assert_true(answer_counter(&far, &second) == counter + 1);
	assert_int_equal(first, second);
	far_ping_make(&far, &old);
	signer_sign(&far.signer, &old);
	lone_give(lone, IN, &old);
	counter += 2;
	set_list(lone, (const char *const[]){"s", "", NULL});
	set_list(lone, (const char *const[]){"", "s", NULL}); /* hashed frames are still believed, answers go unhashed */
	lone_forget(lone);
	assert_true(far_ping(&far));
	assert_true(signer_unhashed(lone_only(lone, IN, CRAFT_DATA)->data));
	lone_refuses(lone, IN, &old, ROMON_DROP_REPLAYED);
	set_list(lone, (const char *const[]){"t", "s", NULL}); /* a Hello under t took a counter */
	lone_forget(lone);
	assert_true(far_ping(&far));
	assert_true(signer_fits("t", lone_only(lone, IN, CRAFT_DATA)->data));
	set_list(lone, (const char *const[]){"s", "t", NULL});
	assert_true(answer_counter(&far, &second) == counter + 3); /* old, the Hello, the answer under t */
	assert_int_equal(first, second);
	lone_refuses(lone, IN, &old, ROMON_DROP_REPLAYED);
}

static void removing_a_secret_forgets_what_it_proved(void **state)
{
	struct lone *lone = *state;
	struct far far = far_end(lone, "s");

	set_list(lone, (const char *const[]){"s", NULL});
	far_prove(&far);
	set_list(lone, (const char *const[]){"t", NULL});
	assert_false(far_ping(&far));
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_BAD_DIGEST), 1);
	set_list(lone, (const char *const[]){"s", NULL});
	assert_false(far_ping(&far));
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_UNKNOWN_INDEX), 1);
	far_prove(&far);
	assert_true(far_ping(&far));
}

/* There is room again for others. */
static void what_is_forgotten_takes_no_room(void **state)
{
	struct lone *lone = *state;
	struct far far = far_end(lone, "s");

	for (unsigned i = 0; i < AUTH_PEERS_MAX + 100; i++) {
		if (i % 2 == 0) {
			set_list(lone, (const char *const[]){NULL});
		} else {
			romon_engine_remove_port(lone->engine, IN);
			lone_port(lone, IN, in_mac);
		}
		set_list(lone, (const char *const[]){"s", NULL});
		far_prove(&far);
		assert_true(far_ping(&far));
	}
}

static void port_that_comes_back_knows_nobody(void **state)
{
	struct lone *lone = *state;
	struct far far = far_end(lone, "s");
	uint32_t first, second;

	set_list(lone, (const char *const[]){"s", NULL});
	far_prove(&far);
	answer_counter(&far, &first);
	romon_engine_remove_port(lone->engine, IN);
	lone_port(lone, IN, in_mac);
	set_list(lone, (const char *const[]){"s", NULL});
	assert_false(far_ping(&far));
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_UNKNOWN_INDEX), 1);
	far_prove(&far);
	answer_counter(&far, &second);
	assert_int_not_equal(first, second);
}

/* The address is under the digest, not in the state of who signs: the far end is told, and nothing else changes. */
static void port_with_a_new_mac_tells_it(void **state)
{
	struct romon_port port = {.link = IN, .mac = craft_address(out_mac), .mtu = 1500, .cost = 100};
	struct lone *lone = *state;
	struct far far = far_end(lone, "s");
	uint64_t counter;
	uint32_t index;
	const uint8_t *hello;

	set_list(lone, (const char *const[]){"s", NULL});
	far_prove(&far);
	counter = answer_counter(&far, &index);
	lone_forget(lone);
	assert_true(romon_engine_set_port(lone->engine, &port, lone->now));
	lone_run(lone, 0);
	hello = lone_only(lone, IN, CRAFT_HELLO)->data;
	assert_true(craft_number(hello + 6, 6) == out_mac);
	assert_int_equal(signer_index(hello), index);
	assert_true(signer_counter(hello) == counter + 1);
	far.near_mac = out_mac;
	assert_true(far_ping(&far));
}

/* ---- frames that leave by another port ---- */

static const uint8_t *passed_on(struct lone *lone, struct far *far)
{
	struct craft_hop hops[] = {{77, in_mac}, {OUT, 0x020000000a01}};
	struct craft craft;

	lone_forget(lone);
	craft_data(&craft, &(struct craft_data){.eth_dst = in_mac,
				   .eth_src = other_mac,
				   .src = other,
				   .dst = 0x0a000000000a,
				   .count = 2,
				   .hops = hops,
				   .src_port = 2000,
				   .dst_port = 1,
				   .size = 200});
	far_give(far, &craft);
	return lone_only(lone, OUT, CRAFT_DATA)->data;
}

static void frames_are_signed_anew(void **state)
{
	struct lone *lone = *state;
	struct far far = far_end(lone, "s");
	const uint8_t *frame;
	uint64_t counter;

	lone_port(lone, OUT, out_mac);
	set_list(lone, (const char *const[]){"s", NULL});
	far_prove(&far);
	assert_true(signer_unhashed(passed_on(lone, &far))); /* nothing of the other port's field is left */
	signer_list(lone->engine, OUT, (const char *const[]){"t", "s", NULL}, lone->now);
	lone_run(lone, 0);
	frame = passed_on(lone, &far);
	assert_true(signer_fits("t", frame));
	assert_int_not_equal(signer_index(frame), far.signer.index);
	counter = signer_counter(frame);
	assert_true(signer_counter(passed_on(lone, &far)) == counter + 1);
	signer_list(lone->engine, OUT, (const char *const[]){"", "t", NULL}, lone->now);
	assert_true(signer_unhashed(passed_on(lone, &far)));
}

/* ---- what strangers can use up ---- */

static void unknown_senders_do_not_silence_known_ones(void **state)
{
	struct lone *lone = *state;
	struct far known = far_end(lone, "old"), stranger = far_end(lone, "guessed"), newcomer = far_end(lone, "old");
	uint64_t limited;

	set_list(lone, (const char *const[]){"new", "old", NULL});
	far_prove(&known);
	for (unsigned i = 0; i < AUTH_HASHES_PER_SECOND; i++) {
		stranger.mac = 0x020000100000 + i;
		assert_false(far_ping(&stranger));
	}
	limited = lone_drops(lone, IN, ROMON_DROP_HASH_LIMIT);
	assert_true(limited > 0);
	assert_true(lone_drops(lone, IN, ROMON_DROP_BAD_DIGEST) + limited == AUTH_HASHES_PER_SECOND);
	assert_true(far_ping(&known)); /* though it is unknown under the first secret of the list */
	newcomer.mac = 0x020000000a01;
	assert_false(far_ping(&newcomer));
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_HASH_LIMIT), limited + 1);
	lone_run(lone, ROMON_SECOND);
	assert_false(far_ping(&newcomer));
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_UNKNOWN_INDEX), 1);
	assert_int_equal(lone_count(lone, IN, CRAFT_SEQ_ERR), 1);
}

/* More holders of the secret than there is room for: those who are known stay known. */
static void full_table_refuses_newcomers(void **state)
{
	struct lone *lone = *state;
	struct far first = far_end(lone, "s"), next = far_end(lone, "s");

	set_list(lone, (const char *const[]){"s", NULL});
	far_prove(&first);
	for (unsigned i = 0; i < AUTH_PEERS_MAX - 1; i++) {
		next.mac = 0x020000100000 + i;
		far_hello(&next, 0, 0);
	}
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_TABLE_FULL), 0);
	next.mac = 0x020000200000;
	far_hello(&next, 0, 99);
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_TABLE_FULL), 1);
	assert_false(far_ping(&next));
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_UNKNOWN_INDEX), 1);
	assert_int_equal(lone->count, 0);
	assert_true(far_ping(&first));
	lone_run(lone, AUTH_PEER_LIFETIME - 10 * ROMON_SECOND);
	assert_true(far_ping(&first));
	lone_run(lone, 11 * ROMON_SECOND); /* all others have been silent for an hour */
	far_prove(&next);
	assert_true(far_ping(&next));
	assert_true(far_ping(&first));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(rules_of_the_page),
		TEST(digest_is_hmac_md5_96),
		TEST(longest_secret_and_most_of_them),
		TEST(changes_keep_index_counter_and_states),
		TEST(removing_a_secret_forgets_what_it_proved),
		TEST(what_is_forgotten_takes_no_room),
		TEST(port_that_comes_back_knows_nobody),
		TEST(port_with_a_new_mac_tells_it),
		TEST(frames_are_signed_anew),
		TEST(unknown_senders_do_not_silence_known_ones),
		TEST(full_table_refuses_newcomers),
	};

	return cmocka_run_group_tests_name("secrets", tests, NULL, NULL);
}
