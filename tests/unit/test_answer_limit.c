/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How much strangers can make a router send: whatever they ask and however often, no more bytes in any second than the limit. Those whom a
 * secret vouches for are answered always, and honest use does not meet the limit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/budget.h"
#include "lone.h"
#include "signer.h"

#define MS ROMON_MILLISECOND
#define LIMIT ROMON_ANSWERS_MIN
#define FLOOD_MS 3000
#define FLOOD_PER_MS 40

static const uint64_t self = 0x0a0000000001, our_mac = 0x020000000101, peer_mac = 0x020000000201;

enum { PING = 1, SERVICE = 3, NOBODY = 9 };

/* ---- the bucket ---- */

static void budget_of_a_second(void **state)
{
	struct budget budget;
	struct romon_time now = {5 * ROMON_SECOND};
	size_t taken = 0;

	(void)state;
	budget_init(&budget, 1000, now);
	assert_false(budget_take(&budget, 251, now)); /* more than it ever holds */
	assert_true(budget_take(&budget, 250, now));
	assert_false(budget_take(&budget, 1, now));
	for (int64_t end = now.ns + ROMON_SECOND; now.ns < end; now.ns += MS)
		while (budget_take(&budget, 1, now))
			taken++;
	assert_in_range(taken, 740, 750); /* the rest of the second's 1000 */
	now.ns += 3600 * ROMON_SECOND;
	assert_true(budget_take(&budget, 250, now)); /* a pause fills it, and no more */
	assert_false(budget_take(&budget, 1, now));
}

/* ---- a router under floods ---- */

static void set_limit(struct lone *lone, uint32_t limit)
{
	lone->router.answers = limit;
	assert_true(romon_engine_set_router(lone->engine, &lone->router));
}

static void open_router(struct lone *lone, uint32_t limit)
{
	lone_open(lone, self);
	lone_port_of(lone, 1, our_mac, 9000, 100);
	assert_true(romon_engine_listen(lone->engine, SERVICE, true));
	set_limit(lone, limit);
}

static void craft_ping(struct craft *craft, uint64_t number, size_t size)
{
	static const struct craft_hop hop = {3, our_mac};
	struct craft_data data = {our_mac, peer_mac, 0x0e0000000000 + number, self, 0, 1, &hop, 2000, PING, size};

	craft_data(craft, &data);
}

/* A segment of the peer with this number, to a service or to nobody. */
static void craft_segment(struct craft *craft, uint64_t number, unsigned port, unsigned type)
{
	static const struct craft_hop hops[20] = {[0 ... 18] = {3, 0x020000000909}, [19] = {3, our_mac}};
	struct craft_data data = {our_mac, peer_mac, 0x0e0000000000 + number, self, 19, 20, hops, 2000, port, 0};

	craft_data(craft, &data);
	craft_u8(craft, type);
	craft_u8(craft, 0);
	craft_u32(craft, (uint32_t)number);
	craft_u32(craft, 0);
	craft_end(craft);
}

/* With a list of hops that makes the answer long. */
static void craft_question(struct craft *craft, uint64_t number)
{
	static const struct craft_hop hops[100] = {[0 ... 99] = {3, 0x020000000909}};
	struct craft_route parent = {0x0c0000000000 + number, {1, 1500, 100, peer_mac}, {1, 1500, 100, peer_mac}};

	craft_discover(craft, peer_mac, 0x0e0000000000 + number % 500, hops, 100, &parent);
}

static void craft_any(struct craft *craft, uint64_t number, unsigned kind)
{
	switch (kind) {
	case 0:
		craft_question(craft, number);
		break;
	case 1:
		craft_ping(craft, number, 1000);
		break;
	case 2: /* a connect from somebody new, over and over */
		craft_segment(craft, number / 16 % 200, SERVICE, 0);
		break;
	case 3: /* data of no stream */
		craft_segment(craft, number, NOBODY, 2);
		break;
	default:
		craft_any(craft, number, number % 4);
	}
}

/* What was sent since begin, at most a second long, is within the limit. */
static void assert_limited(const struct lone *lone, size_t limit)
{
	size_t first = 0, bytes = 0;

	for (size_t i = 0; i < lone->count; i++) {
		bytes += lone->sent[i].len;
		while (lone->sent[i].at.ns - lone->sent[first].at.ns >= ROMON_SECOND)
			bytes -= lone->sent[first++].len;
		if (bytes > limit)
			fail_msg("%zu bytes within a second", bytes);
	}
}

static size_t bytes_sent(const struct lone *lone)
{
	size_t bytes = 0;

	for (size_t i = 0; i < lone->count; i++)
		bytes += lone->sent[i].len;
	return bytes;
}

static void flood(struct lone *lone, unsigned kind)
{
	struct craft craft;

	for (uint64_t number = 0; number < (uint64_t)FLOOD_MS * FLOOD_PER_MS; number++) {
		craft_any(&craft, number, kind);
		lone_give(lone, 1, &craft);
		if (number % FLOOD_PER_MS == FLOOD_PER_MS - 1)
			lone_run(lone, MS);
	}
}

/* Half of the limit is for pings and streams, a quarter for discovery, and a quarter is left to the link. */
static void whatever_is_asked(void **state)
{
	static const size_t limits[] = {LIMIT / 4, LIMIT / 2, LIMIT / 2, LIMIT / 2, LIMIT / 4 * 3};

	(void)state;
	for (unsigned kind = 0; kind <= 4; kind++) {
		struct lone lone;

		open_router(&lone, LIMIT);
		flood(&lone, kind);
		assert_limited(&lone, limits[kind]);
		assert_true(lone_drops(&lone, 1, ROMON_DROP_ANSWER_LIMIT) > 0);
		if (kind == 1) /* the limit was what held them back; of the others there are few anyway */
			assert_in_range(bytes_sent(&lone), (LIMIT / 2 - LIMIT / 20) / 1000 * FLOOD_MS * 3 / 4, SIZE_MAX);
		lone_close(&lone);
	}
}

/* Closes and challenges are few; but where the hop lists are long, the limit counts for them, too. */
static void closes_count(void **state)
{
	struct craft craft;
	struct lone lone;

	(void)state;
	open_router(&lone, LIMIT);
	for (unsigned number = 0; number < 12; number++) { /* of 1000 bytes: the bucket holds 12,500 */
		craft_ping(&craft, number, 1000 - 74);
		lone_give(&lone, 1, &craft);
	}
	assert_int_equal(lone.count, 12);
	lone_forget(&lone);
	craft_segment(&craft, 1, NOBODY, 2);
	lone_give(&lone, 1, &craft);
	assert_int_equal(lone.count, 1);
	craft_segment(&craft, 2, NOBODY, 2);
	lone_give(&lone, 1, &craft);
	assert_int_equal(lone.count, 1);
	assert_int_equal(lone_drops(&lone, 1, ROMON_DROP_ANSWER_LIMIT), 1);
	lone_close(&lone);
}

/* Uses up what the bucket holds. */
static void empty_bucket(struct lone *lone, uint32_t link, uint64_t mac)
{
	const struct craft_hop hop = {3, mac};
	struct craft_data data = {mac, peer_mac, 0x0e0000000077, self, 0, 1, &hop, 2000, PING, 1400};
	struct craft craft;

	for (unsigned i = 0; i < 100; i++) {
		data.size = i < 50 ? 1400 : 4;
		craft_data(&craft, &data);
		lone_give(lone, link, &craft);
	}
	lone_forget(lone);
}

/* An impossible segment for a half-open stream draws an acknowledgement, unless nothing is left for it. */
static void challenges_count(void **state)
{
	struct craft craft;
	struct lone lone;

	(void)state;
	open_router(&lone, LIMIT);
	craft_segment(&craft, 16, SERVICE, 0);
	lone_give(&lone, 1, &craft);
	assert_int_equal(lone_count(&lone, 1, CRAFT_DATA), 1);
	craft.data[craft.len - 5] ^= 1; /* another number */
	lone_give(&lone, 1, &craft);
	assert_int_equal(lone_count(&lone, 1, CRAFT_DATA), 2);
	empty_bucket(&lone, 1, our_mac);
	lone_give(&lone, 1, &craft);
	assert_int_equal(lone.count, 0);
	lone_close(&lone);
}

/* One kind of flood leaves the other kind of answers alone. */
static void shares(void **state)
{
	struct lone lone;
	struct craft craft;

	(void)state;
	open_router(&lone, LIMIT);
	flood(&lone, 0);
	lone_forget(&lone);
	craft_ping(&craft, 1, 32);
	lone_give(&lone, 1, &craft);
	assert_int_equal(lone_count(&lone, 1, CRAFT_DATA), 1);
	lone_close(&lone);

	open_router(&lone, LIMIT);
	flood(&lone, 1);
	lone_forget(&lone);
	craft_question(&craft, 1);
	lone_give(&lone, 1, &craft);
	assert_int_equal(lone_count(&lone, 1, CRAFT_ANSWER), 1);
	lone_close(&lone);
}

/* Who knows the secret is answered, whatever strangers use up. */
static void vouched(void **state)
{
	struct signer peer = {"secret", 77, 0};
	struct lone lone;
	struct craft craft;
	uint64_t challenge;

	(void)state;
	open_router(&lone, LIMIT);
	lone_port(&lone, 2, 0x020000000102);
	signer_list(lone.engine, 1, (const char *const[]){"secret", NULL}, lone.now);
	lone_forget(&lone);
	signer_hello(&craft, our_mac, peer_mac, 0x0e0000000001, our_mac, 0, 1);
	signer_sign(&peer, &craft);
	lone_give(&lone, 1, &craft);
	challenge = signer_challenge(lone.sent[lone.count - 1].data);
	signer_hello(&craft, our_mac, peer_mac, 0x0e0000000001, our_mac, challenge, 0);
	signer_sign(&peer, &craft);
	lone_give(&lone, 1, &craft);
	lone_forget(&lone);
	for (unsigned i = 0; i < 1000; i++) { /* ten times what a second holds */
		craft_ping(&craft, 1, 1000);
		signer_sign(&peer, &craft);
		lone_give(&lone, 1, &craft);
	}
	assert_int_equal(lone_count(&lone, 1, CRAFT_DATA), 1000);
	craft_question(&craft, 1);
	signer_sign_as(&peer, ++peer.counter, craft.data);
	lone_give(&lone, 1, &craft);
	assert_int_equal(lone_count(&lone, 1, CRAFT_ANSWER), 1);
	empty_bucket(&lone, 2, 0x020000000102); /* by strangers, on a port without a secret */
	craft_segment(&craft, 1, SERVICE, 0);
	signer_sign(&peer, &craft);
	lone_give(&lone, 1, &craft);
	lone_run(&lone, ROMON_SECOND);
	assert_int_equal(lone_count(&lone, 1, CRAFT_DATA), 3); /* at 0, 0.25 and 0.75 s */
	assert_int_equal(lone_drops(&lone, 1, ROMON_DROP_ANSWER_LIMIT), 0);
	lone_close(&lone);
}

/* The fastest ping that there is, full-sized, and a hundred askers of a large network. */
static void honest_use(void **state)
{
	struct lone lone;
	struct craft craft;
	size_t asked = 0;

	(void)state;
	open_router(&lone, 0);
	for (unsigned ms = 0; ms < 3000; ms++) {
		craft_ping(&craft, 1, 1400);
		lone_give(&lone, 1, &craft);
		for (unsigned i = 0; i < 1000 && ms % 1000 == 0; i++, asked++) { /* each by ten neighbours */
			struct craft_route parent = {0x0c0000000000 + i % 10, {0}, {1 + i % 10, 1500, 100, peer_mac}};

			craft_discover(&craft, peer_mac, 0x0e0000000000 + i / 10, NULL, 0, &parent);
			lone_give(&lone, 1, &craft);
		}
		lone_run(&lone, MS);
	}
	assert_int_equal(lone_count(&lone, 1, CRAFT_DATA), 3000);
	assert_int_equal(lone_count(&lone, 1, CRAFT_ANSWER), asked);
	assert_int_equal(lone_drops(&lone, 1, ROMON_DROP_ANSWER_LIMIT), 0);
	lone_close(&lone);
}

/* A changed limit holds at once; one that did not change does not fill the bucket again. */
static void changed(void **state)
{
	struct lone lone;
	struct craft craft;

	(void)state;
	open_router(&lone, LIMIT);
	for (unsigned i = 0; i < 100; i++) {
		craft_ping(&craft, i, 1000);
		lone_give(&lone, 1, &craft);
		set_limit(&lone, LIMIT);
	}
	assert_in_range(lone.count, 10, 12);
	set_limit(&lone, 10 * LIMIT);
	lone_forget(&lone);
	for (unsigned i = 0; i < 1000; i++) {
		craft_ping(&craft, i, 1000);
		lone_give(&lone, 1, &craft);
	}
	assert_in_range(lone.count, 100, 125);
	lone_close(&lone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(budget_of_a_second),
		cmocka_unit_test(whatever_is_asked),
		cmocka_unit_test(closes_count),
		cmocka_unit_test(challenges_count),
		cmocka_unit_test(shares),
		cmocka_unit_test(vouched),
		cmocka_unit_test(honest_use),
		cmocka_unit_test(changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
