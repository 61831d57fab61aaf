/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Frames received in batches and one by one: two engines alike get the same frames at the same times, genuine, changed, repeated, of
 * senders old, new and restarted, in all states of their exchanges; whatever the engines count, know and send must be the same, byte by
 * byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/engine.h"

#include "lone.h"
#include "signer.h"

#define US 0x020000000001ULL
#define OUR_MAC(link) (0x020000000100ULL + (link))
#define MAC(sender) (0x020000000200ULL + (sender))
#define NOBODY 0x020000000300ULL /* who answers no challenge; with a number, one of many */

enum { LINKS = 2, SENDERS = 6, BATCH = 64, ROUNDS = 3000, KEPT = 256 };

static const char *const list[] = {"first", "second", "", NULL}, *const closed[] = {"first", "second", NULL};

struct batch {
	struct romon_frame frames[BATCH];
	size_t count;
};

struct pair {
	struct lone one, many; /* given frames one by one, and in batches */
	struct batch batch;
	struct signer signers[SENDERS]; /* sender s is behind link s % LINKS + 1 */
	uint64_t challenges[SENDERS];   /* the latest that the engine sent, 0: none */
	struct craft kept[KEPT];        /* some that were given, by link */
	uint32_t kept_link[KEPT];
	unsigned kept_count;
	uint64_t taken, refused;
};

static unsigned chance(unsigned n)
{
	return (unsigned)rand() / 16 % n;
}

static uint32_t link_of(unsigned sender)
{
	return sender % LINKS + 1;
}

static void put(struct pair *pair, uint32_t link, const struct craft *craft)
{
	struct romon_frame *frame = &pair->batch.frames[pair->batch.count++];
	unsigned at = pair->kept_count < KEPT ? pair->kept_count++ : chance(KEPT);

	*frame = (struct romon_frame){.link = link, .len = craft->len, .data = malloc(craft->len)};
	assert_non_null(frame->data);
	memcpy(frame->data, craft->data, craft->len);
	pair->kept[at] = *craft;
	pair->kept_link[at] = link;
}

/* Data in transit from one link to the other. */
static void data_make(struct craft *craft, uint32_t link, uint64_t mac)
{
	const struct craft_hop hops[] = {{9, OUR_MAC(link)}, {LINKS + 1 - link, NOBODY}};

	craft_data(craft, &(struct craft_data){.eth_dst = OUR_MAC(link),
				  .eth_src = mac,
				  .src = mac,
				  .dst = NOBODY,
				  .count = 2,
				  .hops = hops,
				  .src_port = 2000,
				  .dst_port = 2000,
				  .size = 4 + chance(1300)});
}

static void put_genuine(struct pair *pair, unsigned sender)
{
	struct craft craft;

	data_make(&craft, link_of(sender), MAC(sender));
	signer_sign(&pair->signers[sender], &craft);
	put(pair, link_of(sender), &craft);
}

/* A Hello that returns the engine's challenge, and at once what it makes believable. */
static void put_answer(struct pair *pair, unsigned sender)
{
	struct craft craft;

	if (pair->challenges[sender] == 0)
		return;
	signer_hello(&craft, OUR_MAC(link_of(sender)), MAC(sender), MAC(sender), OUR_MAC(link_of(sender)),
		pair->challenges[sender], 1 + chance(3));
	signer_sign(&pair->signers[sender], &craft);
	put(pair, link_of(sender), &craft);
	pair->challenges[sender] = 0;
	if (pair->batch.count < BATCH)
		put_genuine(pair, sender);
}

static void put_changed(struct pair *pair)
{
	unsigned which = chance(pair->kept_count);
	struct craft craft = pair->kept[which];

	if (chance(3) == 0 && craft.len > CRAFT_BODY)
		craft.len -= 1 + chance(CRAFT_BODY - 20);
	else
		craft.data[12 + chance((unsigned)craft.len - 12)] ^= (uint8_t)(1 + chance(255));
	put(pair, pair->kept_link[which], &craft);
}

static void put_stranger(struct pair *pair)
{
	struct signer signer = {.secret = chance(2) ? list[chance(2)] : "wrong", .index = 1 + chance(5)};
	struct craft craft;

	signer.counter = chance(1000);
	data_make(&craft, 1, NOBODY + 1 + chance(1 << 20));
	signer_sign(&signer, &craft);
	put(pair, 1, &craft);
}

static void put_any(struct pair *pair)
{
	unsigned sender = chance(SENDERS), which = chance(20);
	struct craft craft;

	if (which < 10) {
		put_genuine(pair, sender);
	} else if (which < 12) {
		put_answer(pair, sender);
	} else if (which < 15) {
		unsigned kept = chance(pair->kept_count);

		craft = pair->kept[kept];
		put(pair, pair->kept_link[kept], &craft);
	} else if (which < 17) {
		put_changed(pair);
	} else if (which < 18) {
		put_stranger(pair);
	} else if (which < 19) {
		data_make(&craft, link_of(sender), MAC(sender)); /* unhashed */
		put(pair, link_of(sender), &craft);
	} else if (chance(4) == 0) {
		pair->signers[sender].secret = list[chance(2)]; /* a router has one index for all its secrets */
	} else if (chance(10) == 0) {
		pair->signers[sender] = (struct signer){.secret = list[chance(2)], .index = (uint32_t)rand() | 1};
	} else {
		pair->signers[sender].counter += chance(2000); /* some were lost, or more than the window holds */
	}
}

static void send_all(struct pair *pair)
{
	struct romon_frame one, many[BATCH];
	size_t count = romon_engine_send(pair->many.engine, many, BATCH, pair->many.now);

	assert_in_range(count, 0, BATCH - 1); /* else there could be more */
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(romon_engine_send(pair->one.engine, &one, 1, pair->one.now), 1);
		assert_int_equal(one.link, many[i].link);
		assert_int_equal(one.len, many[i].len);
		assert_memory_equal(one.data, many[i].data, one.len);
		if (one.data[14] != CRAFT_SEQ_ERR && one.data[14] != CRAFT_HELLO)
			continue;
		for (unsigned sender = 0; sender < SENDERS; sender++)
			if (link_of(sender) == one.link &&
				(signer_target(one.data) == MAC(sender) || signer_target(one.data) == 0))
				pair->challenges[sender] = signer_challenge(one.data);
	}
	assert_int_equal(romon_engine_send(pair->one.engine, &one, 1, pair->one.now), 0);
}

static void compare(struct pair *pair)
{
	struct romon_port_stats one, many;
	struct romon_neighbor one_known[BATCH], many_known[BATCH];
	struct romon_time one_wake = {0}, many_wake = {0};
	size_t count = romon_engine_neighbors(pair->one.engine, one_known, BATCH, pair->one.now);

	pair->taken = pair->refused = 0;
	for (uint32_t link = 1; link <= LINKS; link++) {
		assert_true(romon_engine_port_stats(pair->one.engine, link, &one));
		assert_true(romon_engine_port_stats(pair->many.engine, link, &many));
		assert_memory_equal(&one, &many, sizeof(one));
		pair->taken += one.hashed;
		for (size_t i = 0; i < ROMON_DROP_COUNT; i++)
			pair->refused += one.drops[i];
	}
	assert_int_equal(romon_engine_neighbors(pair->many.engine, many_known, BATCH, pair->many.now), count);
	for (size_t i = 0; i < count && i < BATCH; i++) {
		assert_true(romon_mac_equal(one_known[i].mac, many_known[i].mac));
		assert_int_equal(one_known[i].serial, many_known[i].serial);
		assert_int_equal(one_known[i].proven, many_known[i].proven);
		assert_int_equal(one_known[i].secret, many_known[i].secret);
	}
	assert_int_equal(romon_engine_wake(pair->one.engine, &one_wake), romon_engine_wake(pair->many.engine, &many_wake));
	assert_int_equal(one_wake.ns, many_wake.ns);
}

static void give(struct pair *pair)
{
	struct batch *batch = &pair->batch;

	for (size_t i = 0; i < batch->count; i++)
		romon_engine_receive(pair->one.engine, &batch->frames[i], 1, pair->one.now);
	romon_engine_receive(pair->many.engine, batch->frames, batch->count, pair->many.now);
	for (size_t i = 0; i < batch->count; i++)
		free(batch->frames[i].data);
	batch->count = 0;
	send_all(pair);
	compare(pair);
}

static void pass(struct pair *pair, int64_t ns)
{
	pair->one.now.ns += ns;
	pair->many.now.ns += ns;
}

static void open_one(struct lone *lone)
{
	lone_open(lone, US);
	for (uint32_t link = 1; link <= LINKS; link++) {
		lone_port(lone, link, OUR_MAC(link));
		signer_list(lone->engine, link, link == 1 ? list : closed, lone->now);
	}
}

static void pair_open(struct pair *pair)
{
	struct craft craft;

	*pair = (struct pair){0};
	open_one(&pair->one);
	open_one(&pair->many);
	for (unsigned sender = 0; sender < SENDERS; sender++)
		pair->signers[sender] = (struct signer){.secret = list[sender % 2], .index = sender + 1};
	data_make(&craft, 1, MAC(0));
	put(pair, 1, &craft);
	give(pair);
}

static void pair_close(struct pair *pair)
{
	lone_close(&pair->one);
	lone_close(&pair->many);
}

static struct pair pair;

static void batches_and_single_frames_have_the_same_verdicts(void **state)
{
	(void)state;
	pair_open(&pair);
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned size = round % 2 == 0 ? BATCH : 1 + chance(BATCH);

		while (pair.batch.count < size)
			put_any(&pair);
		give(&pair);
		pass(&pair, (int64_t)chance(100) * ROMON_MILLISECOND);
	}
	/* It was about something: many were taken, and many were not. */
	assert_in_range(pair.taken, ROUNDS * BATCH / 10, UINT64_MAX);
	assert_in_range(pair.refused, ROUNDS * BATCH / 10, UINT64_MAX);
	pair_close(&pair);
}

/* So many frames of unknown senders in one second that no more digests are computed for them, while those who are known go on. */
static void the_limit_of_digests_is_the_same(void **state)
{
	uint64_t limited;

	(void)state;
	pair_open(&pair);
	for (unsigned round = 0; round < 500; round++) {
		while (pair.batch.count < BATCH) {
			unsigned which = chance(10);

			if (which == 0)
				put_answer(&pair, chance(SENDERS));
			else if (which < 3)
				put_genuine(&pair, chance(SENDERS));
			else
				put_stranger(&pair);
		}
		give(&pair);
	}
	limited = lone_drops(&pair.many, 1, ROMON_DROP_HASH_LIMIT);
	assert_in_range(limited, 100, UINT64_MAX);
	assert_in_range(pair.taken, 1000, UINT64_MAX);
	pair_close(&pair);
}

/* How many digests of this frame the engine would compute before it looks at it. */
static size_t ahead(struct lone *lone, uint32_t link, struct craft *craft)
{
	struct port *port = engine_port(lone->engine, link);
	struct wire_message message;
	struct auth_batch batch;
	enum romon_drop why;

	auth_batch_init(&batch);
	assert_true(wire_decode_header(craft->data, craft->len, &message, &why));
	auth_ahead(lone->engine, port, craft->data, &message, &batch);
	return batch.count;
}

/* Nobody makes us compute what would not have been computed for a frame alone: not by a counter that was seen, nor as a stranger. */
static void only_what_is_sure_to_be_wanted_is_computed_ahead(void **state)
{
	struct craft craft;

	(void)state;
	pair_open(&pair);
	data_make(&craft, 1, MAC(0));
	signer_sign(&pair.signers[0], &craft);
	assert_int_equal(ahead(&pair.many, 1, &craft), 0);
	put(&pair, 1, &craft);
	give(&pair); /* it is challenged */
	put_answer(&pair, 0);
	give(&pair);
	signer_sign(&pair.signers[0], &craft);
	assert_int_equal(ahead(&pair.many, 1, &craft), 1);
	put(&pair, 1, &craft);
	give(&pair);
	assert_int_equal(ahead(&pair.many, 1, &craft), 0);
	pair_close(&pair);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_and_single_frames_have_the_same_verdicts),
		cmocka_unit_test(the_limit_of_digests_is_the_same),
		cmocka_unit_test(only_what_is_sure_to_be_wanted_is_computed_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
