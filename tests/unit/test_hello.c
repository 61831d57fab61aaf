/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Hellos to the group: when a port sends one, under which secrets, and what comes back (docs/protocol.md section 7).
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

/* Frames sent since the list was forgotten, but for answers to pings. */
static size_t controls(const struct lone *lone)
{
	return lone_count(lone, PORT, CRAFT_SEQ_ERR) + lone_count(lone, PORT, CRAFT_HELLO);
}

static void group_hello_under_each_secret(void **state)
{
	static const char *const secrets[] = {"s", "t", "u"};
	struct lone *lone = *state;

	signer_list(lone->engine, PORT, (const char *const[]){"s", "t", "", "u", NULL}, lone->now);
	lone_run(lone, ROMON_SECOND);
	assert_int_equal(lone->count, 2); /* t and u are new */
	signer_list(lone->engine, PORT, (const char *const[]){"u", "", "s", NULL}, lone->now);
	lone_run(lone, ROMON_SECOND);
	assert_int_equal(lone->count, 2);
	lone_forget(lone);
	romon_engine_remove_port(lone->engine, PORT);
	lone_port(lone, PORT, near_mac);
	signer_list(lone->engine, PORT, (const char *const[]){"s", "t", "", "u", NULL}, lone->now);
	lone_run(lone, 0);
	assert_int_equal(lone->count, 3);
	for (size_t i = 0; i < 3; i++) {
		const uint8_t *hello = lone->sent[i].data;

		assert_true(hello[14] == CRAFT_HELLO && craft_number(hello, 6) == CRAFT_GROUP && signer_target(hello) == 0);
		assert_true(signer_fits(secrets[i], hello));
		assert_true(signer_returned(hello) == 0 && signer_challenge(hello) != 0);
		for (size_t k = 0; k < i; k++)
			assert_true(signer_challenge(hello) != signer_challenge(lone->sent[k].data));
	}
	assert_true(sleeps(lone));
}

static void group_hello_is_returned_under_its_secret(void **state)
{
	struct lone *lone = *state;
	struct far under_t = far;
	struct romon_time start;
	unsigned s = 0, t = 0;

	under_t.signer.secret = "t";
	signer_list(lone->engine, PORT, (const char *const[]){"s", "t", NULL}, lone->now);
	lone_run(lone, 2 * ROMON_SECOND);
	lone_forget(lone);
	start = lone->now;
	far_hello_all(&far, 5);
	far_hello_all(&under_t, 6);
	assert_int_equal(controls(lone), 2); /* returned at once to the one that asked */
	assert_true(signer_returned(lone->sent[0].data) == 5 && signer_returned(lone->sent[1].data) == 6);
	lone_run(lone, 900 * MS);
	assert_int_equal(lone_count(lone, PORT, CRAFT_HELLO), 4);
	for (size_t i = 2; i < lone->count; i++) {
		const uint8_t *frame = lone->sent[i].data;

		if (frame[14] != CRAFT_HELLO)
			continue;
		assert_true(craft_number(frame, 6) == CRAFT_GROUP);
		assert_in_range(lone->sent[i].at.ns - start.ns, 0, 20 * MS);
		s += signer_fits("s", frame);
		t += signer_fits("t", frame);
	}
	assert_true(s == 1 && t == 1);
}

/* The group's nonce is answered by many; each of them is believed by it once. */
static void nonce_to_the_group_serves_every_neighbor(void **state)
{
	struct lone *lone = *state;
	struct far second = far;
	uint64_t nonce;

	signer_list(lone->engine, PORT, (const char *const[]){"t", "s", NULL}, lone->now);
	lone_run(lone, 0);
	nonce = signer_challenge(lone_only(lone, PORT, CRAFT_HELLO)->data);
	far.signer.secret = second.signer.secret = "t";
	second.mac++;
	far_hello(&far, nonce, 0);
	far_hello(&second, nonce, 0);
	lone_forget(lone);
	assert_true(far_ping(&far) && far_ping(&second));
	far.signer.index++; /* a restart: it needs another proof */
	far_hello(&far, nonce, 0);
	assert_false(far_ping(&far));
	assert_true(far_ping(&second));
	second.mac++; /* one that comes in late, with a nonce too old */
	lone_run(lone, 30 * ROMON_SECOND + 1);
	far_hello(&second, nonce, 0);
	assert_false(far_ping(&second));
}

/* One that is known is answered, and that is all; of the others one a second makes us tell the group. */
static void group_hello_is_returned_once_a_second(void **state)
{
	struct lone *lone = *state;
	unsigned returned = 0;

	far_prove(&far);
	far_hello_all(&far, 5);
	lone_run(lone, 50 * MS);
	assert_int_equal(lone->count, 1);
	assert_true(signer_returned(lone->sent[0].data) == 5);
	for (unsigned i = 0; i < 10; i++) { /* at 0, 0.15, ... 1.35 s */
		far.mac++;
		far_hello_all(&far, 6);
		lone_run(lone, 150 * MS);
	}
	for (size_t i = 0; i < lone->count; i++)
		returned += craft_number(lone->sent[i].data, 6) == CRAFT_GROUP;
	assert_int_equal(returned, 2);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(group_hello_under_each_secret),
		TEST(group_hello_is_returned_under_its_secret),
		TEST(nonce_to_the_group_serves_every_neighbor),
		TEST(group_hello_is_returned_once_a_second),
	};

	return cmocka_run_group_tests_name("hello", tests, NULL, NULL);
}
