/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Changed, moved and made-up frames. Of every message type a signed frame is changed in every single bit, addresses included; each must be
 * dropped, answered by nobody, passed on to nobody, and the true one taken afterwards.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "far.h"

#define MS ROMON_MILLISECOND

enum { IN = 1, OUT = 2 };
static const uint64_t self = 0x0a0000000001, other = 0x0a0000000009, third = 0x0a000000000a;
static const uint64_t in_mac = 0x020000000101, out_mac = 0x020000000102, other_mac = 0x020000000901, third_mac = 0x020000000a01;

static struct far far;

/* Both ports with the same secrets; the far end of the first has proven itself; we ask who is there. */
static int set_up(void **state)
{
	static struct lone lone;

	lone_open(&lone, self);
	lone_port(&lone, IN, in_mac);
	lone_port(&lone, OUT, out_mac);
	for (uint32_t link = IN; link <= OUT; link++)
		signer_list(lone.engine, link, (const char *const[]){"s", "", "t", NULL}, lone.now);
	romon_engine_discover_start(lone.engine, lone.now);
	lone_run(&lone, 30 * MS); /* the first Discover waits until it would be believed */
	romon_engine_discover_stop(lone.engine);
	far = (struct far){.lone = &lone,
		.link = IN,
		.near_id = self,
		.near_mac = in_mac,
		.id = other,
		.mac = other_mac,
		.signer = {.secret = "s", .index = 0x11223344, .counter = 500}};
	far_prove(&far);
	*state = &lone;
	return 0;
}

static int tear_down(void **state)
{
	lone_close(*state);
	return 0;
}

static uint64_t taken(const struct lone *lone)
{
	uint64_t sum = 0;

	for (uint32_t link = IN; link <= OUT; link++) {
		struct romon_port_stats stats;

		assert_true(romon_engine_port_stats(lone->engine, link, &stats));
		sum += stats.hashed + stats.unhashed;
	}
	return sum;
}

/* It is dropped, and has done nothing. */
static void refused(struct lone *lone, uint32_t link, const uint8_t *frame, size_t len)
{
	uint64_t before = taken(lone), drops = lone_all_drops(lone);

	lone_give_bytes(lone, link, frame, len);
	assert_true(taken(lone) == before);
	assert_true(lone_all_drops(lone) == drops + 1);
	assert_int_equal(lone->count, 0);
}

static void every_bit(struct lone *lone, struct craft *craft)
{
	signer_sign(&far.signer, craft);
	lone_forget(lone);
	for (size_t bit = 0; bit < craft->len * 8; bit++) {
		craft->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refused(lone, IN, craft->data, craft->len);
		craft->data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	lone_run(lone, 10 * MS);
	assert_int_equal(lone->count, 0);
}

/* Every bit of it, and then the frame itself: taken. */
static void changed_and_true(struct lone *lone, struct craft *craft)
{
	uint64_t before, drops;

	every_bit(lone, craft);
	before = taken(lone);
	drops = lone_all_drops(lone);
	lone_give(lone, IN, craft);
	assert_true(taken(lone) == before + 1);
	assert_true(lone_all_drops(lone) == drops);
	lone_run(lone, 10 * MS);
}

static void discover(void **state)
{
	struct craft_route route = {.id = other, .out = {9, 1500, 100, other_mac}};
	struct craft_hop hop = {50, third_mac};
	struct lone *lone = *state;
	struct craft craft;

	craft_discover(&craft, other_mac, third, &hop, 1, &route);
	changed_and_true(lone, &craft);
	assert_int_equal(lone_count(lone, IN, CRAFT_ANSWER), 1);
	assert_int_equal(lone_count(lone, OUT, CRAFT_DISCOVER), 1);
}

static void answer(void **state)
{
	struct craft_route parent = {.id = self, .out = {IN, 1500, 100, in_mac}},
			   child = {.id = other, .in = {9, 1500, 100, other_mac}};
	struct lone *lone = *state;
	struct craft craft;

	craft_answer(&craft, in_mac, other_mac, self, 0, NULL, 0, &parent, &child);
	craft_tlv(&craft, 3, "far", 3);
	craft_end(&craft);
	every_bit(lone, &craft);
	assert_int_equal(romon_engine_router_count(lone->engine), 0);
	lone_give(lone, IN, &craft);
	assert_int_equal(romon_engine_router_count(lone->engine), 1);
}

static void answer_to_pass_on(void **state)
{
	struct craft_route parent = {.id = self, .out = {IN, 1500, 100, in_mac}},
			   child = {.id = other, .in = {9, 1500, 100, other_mac}};
	struct craft_hop hop = {OUT, third_mac};
	struct lone *lone = *state;
	struct craft craft;

	craft_answer(&craft, in_mac, other_mac, third, 1, &hop, 1, &parent, &child);
	changed_and_true(lone, &craft);
	assert_int_equal(lone_count(lone, OUT, CRAFT_ANSWER), 1);
}

static void data(void **state)
{
	struct lone *lone = *state;
	struct craft craft;

	far_ping_make(&far, &craft);
	changed_and_true(lone, &craft);
	assert_int_equal(lone_count(lone, IN, CRAFT_DATA), 1);
}

static void data_to_pass_on(void **state)
{
	struct craft_hop hops[] = {{77, in_mac}, {OUT, third_mac}};
	struct lone *lone = *state;
	struct craft craft;

	craft_data(&craft, &(struct craft_data){.eth_dst = in_mac,
				   .eth_src = other_mac,
				   .src = other,
				   .dst = third,
				   .count = 2,
				   .hops = hops,
				   .src_port = 2000,
				   .dst_port = 1,
				   .size = 200});
	changed_and_true(lone, &craft);
	assert_int_equal(lone_count(lone, OUT, CRAFT_DATA), 1);
}

static void seq_err(void **state)
{
	struct lone *lone = *state;
	struct craft craft;

	signer_seq_err(&craft, in_mac, other_mac, other, in_mac, 0x1122334455667788);
	changed_and_true(lone, &craft);
	assert_int_equal(lone_count(lone, IN, CRAFT_HELLO), 1);
}

static void hello(void **state)
{
	struct lone *lone = *state;
	struct craft craft;

	signer_hello(&craft, CRAFT_GROUP, other_mac, other, 0, 0, 0x1122334455667788);
	changed_and_true(lone, &craft);
	assert_int_equal(lone_count(lone, IN, CRAFT_HELLO), 1);
}

/* Of one who has proven nothing yet, in frames that the engine is prepared to answer to anybody. */
static void first_words_of_a_newcomer(void **state)
{
	struct lone *lone = *state;
	struct craft craft;
	uint64_t nonce;

	far.mac = third_mac;
	far.signer.counter = 0;
	signer_seq_err(&craft, in_mac, third_mac, third, in_mac, 0x1122334455667788);
	every_bit(lone, &craft);
	lone_give(lone, IN, &craft);
	nonce = signer_challenge(lone_only(lone, IN, CRAFT_HELLO)->data);
	signer_hello(&craft, in_mac, third_mac, third, in_mac, nonce, 0);
	lone_forget(lone);
	signer_sign(&far.signer, &craft);
	for (size_t bit = 0; bit < craft.len * 8; bit++) {
		craft.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		refused(lone, IN, craft.data, craft.len);
		craft.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	assert_false(far_ping(&far)); /* nothing of it was believed */
	signer_sign(&far.signer, &craft);
	lone_give(lone, IN, &craft);
	lone_forget(lone);
	assert_true(far_ping(&far));
}

static uint64_t random_state = 88172645463325252ULL;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

static void random_digests(void **state)
{
	size_t rounds = getenv("ROMON_SOAK") != NULL ? 10000000 : 1000000;
	struct lone *lone = *state;
	struct far under_t = far;
	struct craft craft;
	uint64_t before, dropped = lone_drops(lone, IN, ROMON_DROP_BAD_DIGEST);

	under_t.signer.secret = "t"; /* known under both: digests are compared without limit */
	far_prove(&under_t);
	far.signer.counter = under_t.signer.counter;
	before = taken(lone);
	far_ping_make(&far, &craft);
	signer_sign(&far.signer, &craft);
	lone_forget(lone);
	for (size_t i = 0; i < rounds; i++) {
		uint64_t a = random_next(), b = random_next();

		memcpy(craft.data + SIGNER_AUTH + 12, &a, 8);
		memcpy(craft.data + SIGNER_AUTH + 20, &b, 4);
		romon_engine_receive(
			lone->engine, &(struct romon_frame){.link = IN, .len = craft.len, .data = craft.data}, 1, lone->now);
	}
	lone_run(lone, 10 * MS);
	assert_true(taken(lone) == before);
	assert_int_equal(lone->count, 0);
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_BAD_DIGEST) - dropped, rounds);
}

/* A true frame with another source or destination address. */
static void from_another_mac(void **state)
{
	struct lone *lone = *state;
	struct craft craft;
	struct romon_mac mac = craft_address(third_mac);

	far_ping_make(&far, &craft);
	signer_sign(&far.signer, &craft);
	lone_forget(lone);
	memcpy(craft.data + 6, mac.b, 6);
	lone_refuses(lone, IN, &craft, ROMON_DROP_BAD_DIGEST);
	mac = craft_address(other_mac);
	memcpy(craft.data + 6, mac.b, 6);
	memcpy(craft.data, romon_mac_group.b, 6);
	lone_refuses(lone, IN, &craft, ROMON_DROP_BAD_DIGEST);
}

/* At another port the same secret fits, but its sender has proven nothing there: it is asked, at most, and nothing is taken. */
static void at_another_port(void **state)
{
	struct craft_route route = {.id = other, .out = {9, 1500, 100, other_mac}};
	struct lone *lone = *state;
	struct craft craft;
	uint64_t before = taken(lone);

	far_ping_make(&far, &craft);
	signer_sign(&far.signer, &craft);
	lone_forget(lone);
	lone_refuses(lone, OUT, &craft, ROMON_DROP_NOT_FOR_US);
	craft_discover(&craft, other_mac, other, NULL, 0, &route);
	signer_sign(&far.signer, &craft);
	lone_give(lone, OUT, &craft);
	lone_run(lone, 10 * MS);
	assert_int_equal(lone_drops(lone, OUT, ROMON_DROP_UNKNOWN_INDEX), 1);
	assert_true(taken(lone) == before);
	assert_int_equal(lone->count, 1);
	assert_int_equal(lone_count(lone, OUT, CRAFT_SEQ_ERR), 1);
}

/* Its own frames, from one of its ports into the other. */
static void own_frames_come_back(void **state)
{
	struct lone *lone = *state;
	uint64_t before = taken(lone);
	uint8_t frame[200];
	size_t len;

	signer_list(lone->engine, IN, (const char *const[]){"t", "s", NULL}, lone->now);
	lone_run(lone, ROMON_SECOND);
	lone_forget(lone);
	romon_engine_discover_start(lone->engine, lone->now);
	lone_run(lone, 0);
	len = lone_only(lone, IN, CRAFT_DISCOVER)->len;
	memcpy(frame, lone_only(lone, IN, CRAFT_DISCOVER)->data, len);
	lone_forget(lone);
	lone_give_bytes(lone, IN, frame, len);
	assert_int_equal(lone_drops(lone, IN, ROMON_DROP_BAD_SOURCE), 1);
	lone_give_bytes(lone, OUT, frame, len);
	assert_int_equal(lone_drops(lone, OUT, ROMON_DROP_UNKNOWN_INDEX), 1);
	assert_true(taken(lone) == before);
	assert_int_equal(lone->count, lone_count(lone, OUT, CRAFT_SEQ_ERR));
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(discover),
		TEST(answer),
		TEST(answer_to_pass_on),
		TEST(data),
		TEST(data_to_pass_on),
		TEST(seq_err),
		TEST(hello),
		TEST(first_words_of_a_newcomer),
		TEST(random_digests),
		TEST(from_another_mac),
		TEST(at_another_port),
		TEST(own_frames_come_back),
	};

	return cmocka_run_group_tests_name("forgery", tests, NULL, NULL);
}
