/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Challenge and answer step by step, against a far end made byte by byte: when SeqErr and Hello are sent, what they make the engine
 * believe, and how many of them strangers and replayed frames can cause (docs/protocol.md section 7).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "far.h"

#define MS ROMON_MILLISECOND

enum { PORT = 1 };
static const uint64_t self = 0x0a0000000001, other = 0x0a0000000009;
static const uint64_t near_mac = 0x020000000101, other_mac = 0x020000000901;

static struct far far; /* of the lone engine's only port */

static void open_with(struct lone *lone, const char *const *secrets)
{
	lone_open(lone, self);
	lone_port(lone, PORT, near_mac);
	signer_list(lone->engine, PORT, secrets, lone->now);
	lone_run(lone, 0);
	lone_forget(lone);
	far = (struct far){.lone = lone,
		.link = PORT,
		.near_id = self,
		.near_mac = near_mac,
		.id = other,
		.mac = other_mac,
		.signer = {.secret = "s", .index = 0x11223344, .counter = 500}};
}

static int set_up(void **state)
{
	static struct lone lone;

	open_with(&lone, (const char *const[]){"s", NULL});
	*state = &lone;
	return 0;
}

static int tear_down(void **state)
{
	lone_close(*state);
	return 0;
}

static bool sleeps(const struct lone *lone)
{
	struct romon_time when;

	return !romon_engine_wake(lone->engine, &when);
}

/* Makes the engine ask, and returns the nonce. */
static uint64_t challenged(struct lone *lone)
{
	lone_forget(lone);
	assert_false(far_ping(&far));
	return signer_challenge(lone_only(lone, PORT, 0)->data);
}

/* ---- unknown index ---- */

static void unknown_sender_is_asked_and_then_believed(void **state)
{
	struct lone *lone = *state;
	const uint8_t *frame;
	struct craft before, early;
	uint64_t nonce;

	far_ping_make(&far, &early); /* counter 501 */
	signer_sign(&far.signer, &early);
	far_ping_make(&far, &before);
	signer_sign(&far.signer, &before);
	lone_give(lone, PORT, &before);
	assert_int_equal(lone_drops(lone, PORT, ROMON_DROP_UNKNOWN_INDEX), 1);
	frame = lone_only(lone, PORT, 0)->data;
	assert_int_equal(frame[14], CRAFT_SEQ_ERR);
	assert_true(craft_number(frame, 6) == other_mac && craft_number(frame + 6, 6) == near_mac);
	assert_true(craft_number(frame + 42, 6) == self && craft_number(frame + 48, 6) == CRAFT_ALL);
	assert_true(signer_fits("s", frame) && signer_index(frame) != 0);
	assert_true(signer_target(frame) == other_mac);
	nonce = signer_challenge(frame);
	assert_true(nonce != 0);

	lone_forget(lone);
	far_hello(&far, nonce + 1, 0); /* not what was asked for */
	far_hello(&far, 0, 0);
	assert_false(far_ping(&far));
	far_hello(&far, nonce, 0);
	assert_int_equal(lone->count, 0);
	lone_refuses(lone, PORT, &early, ROMON_DROP_REPLAYED); /* all counters up to the Hello's are seen */
	lone_refuses(lone, PORT, &before, ROMON_DROP_REPLAYED);
	assert_true(far_ping(&far));
	lone_run(lone, ROMON_SECOND);
	assert_int_equal(lone->count, 1);
	assert_true(sleeps(lone));
}

static void nonce_is_repeated_until_used(void **state)
{
	struct lone *lone = *state;
	uint64_t nonce = challenged(lone);

	for (unsigned i = 0; i < 9; i++) { /* 29.7 s: repeats of its own, and for new frames */
		lone_forget(lone);
		lone_run(lone, 3300 * MS);
		far_ping(&far);
		for (size_t k = 0; k < lone->count; k++)
			assert_true(signer_challenge(lone->sent[k].data) == nonce);
		assert_true(lone->count > 0);
	}
	far_hello(&far, nonce, 0);
	assert_true(far_ping(&far));
	far.signer.index++; /* a restart */
	far_hello(&far, nonce, 0);
	assert_true(challenged(lone) != nonce); /* it is used up */
	assert_false(far_ping(&far));
}

static void nonce_dies_after_30_s(void **state)
{
	struct lone *lone = *state;
	uint64_t nonce = challenged(lone), next;

	lone_run(lone, 30 * ROMON_SECOND + 1);
	far_hello(&far, nonce, 0);
	next = challenged(lone);
	assert_true(next != nonce);
	far_hello(&far, nonce, 0);
	assert_false(far_ping(&far));
	lone_run(lone, 29 * ROMON_SECOND);
	far_hello(&far, next, 0);
	assert_true(far_ping(&far));
}

static void challenge_is_repeated_three_times(void **state)
{
	static const int64_t after[] = {0, 300, 900, 2100};
	struct lone *lone = *state;
	struct romon_time start = lone->now;

	far_ping(&far);
	far_ping(&far); /* it is asked already */
	lone_run(lone, 20 * ROMON_SECOND);
	assert_int_equal(lone->count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(lone->sent[i].data[14], CRAFT_SEQ_ERR);
		assert_true(lone->sent[i].at.ns == start.ns + after[i] * MS);
	}
	assert_true(sleeps(lone));
	far_ping(&far); /* still there: asked again */
	assert_int_equal(lone->count, 5);
}

static void answer_ends_the_repeats(void **state)
{
	struct lone *lone = *state;
	uint64_t nonce = challenged(lone);

	lone_run(lone, 500 * MS);
	assert_int_equal(lone->count, 2);
	far_hello(&far, nonce, 0);
	lone_run(lone, 10 * ROMON_SECOND);
	assert_int_equal(lone->count, 2);
	assert_true(sleeps(lone));
}

/* ---- their challenges ---- */

static void challenge_is_answered_though_the_index_is_unknown(void **state)
{
	struct lone *lone = *state;
	const uint8_t *frame;

	far_seq_err(&far, 0xabcdef);
	frame = lone_only(lone, PORT, 0)->data;
	assert_int_equal(frame[14], CRAFT_HELLO);
	assert_true(craft_number(frame, 6) == other_mac && signer_target(frame) == other_mac);
	assert_true(signer_returned(frame) == 0xabcdef);
	assert_true(signer_challenge(frame) != 0); /* with one of our own: the other proves itself in one go */
	far_hello(&far, signer_challenge(frame), 0);
	lone_forget(lone);
	assert_true(far_ping(&far));
	lone_forget(lone);
	far_seq_err(&far, 0xabcdf0);
	frame = lone_only(lone, PORT, CRAFT_HELLO)->data;
	assert_true(signer_returned(frame) == 0xabcdf0 && signer_challenge(frame) == 0);
	lone_run(lone, ROMON_SECOND);
	assert_int_equal(lone->count, 1);
	assert_true(sleeps(lone));
}

static void nothing_else_in_a_challenge_is_believed(void **state)
{
	struct lone *lone = *state;

	far_seq_err(&far, 1);
	far_hello(&far, 0, 2);
	far_hello_all(&far, 3);
	lone_forget(lone);
	assert_false(far_ping(&far));
	assert_int_equal(lone_drops(lone, PORT, ROMON_DROP_UNKNOWN_INDEX), 1);
}

static void same_nonce_is_answered_once_in_300_ms(void **state)
{
	struct lone *lone = *state;

	far_seq_err(&far, 0xabcdef);
	lone_run(lone, 299 * MS);
	far_seq_err(&far, 0xabcdef);
	assert_int_equal(lone_count(lone, PORT, CRAFT_HELLO), 1);
	assert_int_equal(lone_drops(lone, PORT, ROMON_DROP_DUPLICATE), 1);
	far_seq_err(&far, 0xabcdf0); /* another one is another matter */
	assert_int_equal(lone_count(lone, PORT, CRAFT_HELLO), 2);
	lone_run(lone, 300 * MS);
	far_seq_err(&far, 0xabcdf0);
	assert_int_equal(lone_count(lone, PORT, CRAFT_HELLO), 3);
}

static void challenges_meant_for_others_are_left_alone(void **state)
{
	struct lone *lone = *state;
	struct craft craft;

	signer_seq_err(&craft, CRAFT_GROUP, other_mac, other, 0x020000000999, 5);
	signer_sign(&far.signer, &craft);
	lone_refuses(lone, PORT, &craft, ROMON_DROP_NOT_FOR_US);
	signer_seq_err(&craft, CRAFT_GROUP, other_mac, other, 0, 5);
	signer_sign(&far.signer, &craft);
	lone_refuses(lone, PORT, &craft, ROMON_DROP_NOT_FOR_US);
	signer_hello(&craft, CRAFT_GROUP, other_mac, other, 0x020000000999, 0, 5);
	signer_sign(&far.signer, &craft);
	lone_refuses(lone, PORT, &craft, ROMON_DROP_NOT_FOR_US);
}

/* ---- limits ---- */

/* Frames sent since the list was forgotten, but for answers to pings. */
static size_t controls(const struct lone *lone)
{
	return lone_count(lone, PORT, CRAFT_SEQ_ERR) + lone_count(lone, PORT, CRAFT_HELLO);
}

static void answers_are_limited_for_the_unproven(void **state)
{
	struct lone *lone = *state;
	struct far proven = far;

	far_prove(&proven);
	for (unsigned second = 0; second < 3; second++) {
		lone_forget(lone);
		lone_run(lone, 10 * ROMON_SECOND); /* the repeats are over */
		lone_forget(lone);
		for (unsigned i = 0; i < 300; i++) {
			far.mac = 0x020000100000 + i;
			far.signer.index = 1000 + second;
			if (i % 3 == 0)
				far_hello_all(&far, second * 1000 + i + 1);
			else if (i % 3 == 1)
				far_seq_err(&far, second * 1000 + i + 1);
			else
				far_ping(&far);
		}
		lone_run(lone, 20 * MS); /* the Hello to the group is one of them */
		assert_int_equal(controls(lone), 20);
		assert_true(lone_count(lone, PORT, CRAFT_SEQ_ERR) >= 4);
		lone_forget(lone);
		for (unsigned i = 0; i < 100; i++) /* who has proven itself is answered always */
			far_seq_err(&proven, 7);
		assert_int_equal(controls(lone), 100);
	}
	assert_true(lone_drops(lone, PORT, ROMON_DROP_ANSWER_LIMIT) > 0);
}

/* Somebody replays SeqErrs of routers that have restarted since, as many as he likes. One that has just come up is challenged all the same,
 * proves itself, and is answered from then on. */
static void replayed_challenges_starve_nobody(void **state)
{
	struct lone *lone = *state;
	struct far old = far;
	struct craft recorded[50];
	uint64_t nonce;

	for (unsigned i = 0; i < 50; i++) {
		signer_seq_err(&recorded[i], near_mac, other_mac, other, near_mac, 100 + i);
		signer_sign(&old.signer, &recorded[i]);
	}
	for (unsigned round = 0; round < 100; round++) {
		for (unsigned i = 0; i < 50; i++)
			lone_give(lone, PORT, &recorded[i]);
		lone_run(lone, 7 * MS);
	}
	assert_in_range(controls(lone), 16, 20);
	far.mac = 0x020000000a01; /* another router, in the same second */
	lone_forget(lone);
	far_seq_err(&far, 0xfeed);
	nonce = signer_challenge(lone_only(lone, PORT, CRAFT_SEQ_ERR)->data);
	far_hello(&far, nonce, 0);
	lone_forget(lone);
	far_seq_err(&far, 0xfeed);
	assert_true(signer_returned(lone_only(lone, PORT, CRAFT_HELLO)->data) == 0xfeed);
	lone_forget(lone);
	assert_true(far_ping(&far));
}

/* ---- what is proven ---- */

static void hello_under_one_secret_proves_no_other(void **state)
{
	struct lone *lone = *state;
	uint64_t nonce;

	signer_list(lone->engine, PORT, (const char *const[]){"s", "t", NULL}, lone->now);
	lone_run(lone, 0);
	nonce = challenged(lone);
	far.signer.secret = "t";
	far_hello(&far, nonce, 0);
	assert_false(far_ping(&far));
	far.signer.secret = "s";
	assert_false(far_ping(&far));
	far_hello(&far, nonce, 0);
	lone_forget(lone);
	assert_true(far_ping(&far));
}

/* Index 0 is nobody's: it is not what has been proven where nothing has. */
static void index_zero_needs_a_proof_too(void **state)
{
	struct lone *lone = *state;

	far.signer.index = 0;
	far_seq_err(&far, 1);
	lone_forget(lone);
	assert_false(far_ping(&far));
	assert_int_equal(lone_drops(lone, PORT, ROMON_DROP_UNKNOWN_INDEX), 1);
}

static void proof_moves_a_known_window_forward_only(void **state)
{
	struct lone *lone = *state;
	struct craft overtaken, seen;
	uint64_t nonce;

	far_prove(&far);
	far_ping_make(&far, &overtaken);
	signer_sign(&far.signer, &overtaken);
	far_ping_make(&far, &seen);
	signer_sign(&far.signer, &seen);
	lone_give(lone, PORT, &seen);
	far.signer.index++; /* a replayed frame of another index makes the engine ask */
	nonce = challenged(lone);
	far.signer.index--;
	far_hello(&far, nonce, 0);
	lone_forget(lone);
	lone_refuses(lone, PORT, &seen, ROMON_DROP_REPLAYED);
	lone_give(lone, PORT, &overtaken); /* the Hello was faster */
	assert_int_equal(lone_count(lone, PORT, CRAFT_DATA), 1);
}

static void without_unicast_all_goes_to_the_group(void **state)
{
	struct lone *lone = *state;
	const uint8_t *frame;

	lone->router.unicast = false;
	assert_true(romon_engine_set_router(lone->engine, &lone->router));
	far_seq_err(&far, 0xabcdef);
	frame = lone_only(lone, PORT, CRAFT_HELLO)->data;
	assert_true(craft_number(frame, 6) == CRAFT_GROUP && signer_target(frame) == other_mac);
	far_hello(&far, signer_challenge(frame), 0);
	lone_forget(lone);
	assert_true(far_ping(&far));
	assert_true(craft_number(lone_only(lone, PORT, CRAFT_DATA)->data, 6) == CRAFT_GROUP);
}

static void without_a_secret_nothing_is_sent(void **state)
{
	struct lone *lone = *state;
	struct far unhashed = far;

	unhashed.signer.secret = NULL;
	for (unsigned i = 0; i < 2; i++) {
		signer_list(
			lone->engine, PORT, i == 0 ? (const char *const[]){NULL} : (const char *const[]){"", NULL}, lone->now);
		lone_run(lone, ROMON_SECOND);
		far_seq_err(&far, 1);
		far_hello_all(&far, 2);
		far_ping(&far);
		far_seq_err(&unhashed, 3);
		far_hello_all(&unhashed, 4);
		lone_run(lone, 10 * ROMON_SECOND);
		assert_int_equal(lone->count, 0);
		assert_true(sleeps(lone));
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(unknown_sender_is_asked_and_then_believed),
		TEST(nonce_is_repeated_until_used),
		TEST(nonce_dies_after_30_s),
		TEST(challenge_is_repeated_three_times),
		TEST(answer_ends_the_repeats),
		TEST(challenge_is_answered_though_the_index_is_unknown),
		TEST(nothing_else_in_a_challenge_is_believed),
		TEST(same_nonce_is_answered_once_in_300_ms),
		TEST(challenges_meant_for_others_are_left_alone),
		TEST(answers_are_limited_for_the_unproven),
		TEST(replayed_challenges_starve_nobody),
		TEST(hello_under_one_secret_proves_no_other),
		TEST(index_zero_needs_a_proof_too),
		TEST(proof_moves_a_known_window_forward_only),
		TEST(without_unicast_all_goes_to_the_group),
		TEST(without_a_secret_nothing_is_sent),
	};

	return cmocka_run_group_tests_name("challenge", tests, NULL, NULL);
}
