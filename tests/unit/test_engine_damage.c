/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A router under damaged and random frames: each is counted, none is answered wrongly, and what comes out is bounded. What a damaged frame
 * may still cause is judged by a second, much simpler reading of docs/protocol.md: expected().
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "lone.h"
#include "vectors.h"

#define RANDOM_FRAMES 200000

enum { LINKS = 3 };

static uint64_t seed = 99;

static uint32_t next_random(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33);
}

/* Which links a Data vector names, and who receives it: so that the router under test is the one that forwards or answers it. */
static uint64_t receiver_of(const struct vector *vector)
{
	const uint8_t *hops = vector->frame + 14 + 46;

	if (vector->frame[14] == CRAFT_DATA)
		return craft_number(hops + 10u * vector->frame[CRAFT_BODY + 1] + 4, 6);
	return 0x020000000101;
}

/* Ports 1 to 3, and whatever link the frame leads out by. */
static void open_for(struct lone *lone, const struct vector *vector)
{
	const uint8_t *hops = vector->frame + 14 + 46;
	unsigned n = vector->frame[CRAFT_BODY], p = vector->frame[CRAFT_BODY + 1];

	/* The asker of an answer, the target of a last hop, else a router on the way. */
	if (vector->frame[14] == CRAFT_ANSWER)
		lone_open(lone, craft_number(vector->frame + 42, 6));
	else if (vector->frame[14] == CRAFT_DATA && p + 1 == n)
		lone_open(lone, craft_number(vector->frame + 48, 6));
	else
		lone_open(lone, 0x0a0000000001);
	for (uint32_t link = 1; link <= LINKS; link++)
		lone_port(lone, link, link == 1 ? receiver_of(vector) : 0x020000000100U + link);
	if (vector->frame[14] == CRAFT_DATA && p + 1 < n)
		lone_port(lone, (uint32_t)craft_number(hops + 10u * (p + 1), 4), 0x020000000199);
	if (vector->frame[14] == CRAFT_ANSWER) { /* it names the port of the asker */
		romon_engine_remove_port(lone->engine, 1);
		lone_port(lone, (uint32_t)craft_number(vector->frame + 14 + 48 + 2 + 20, 4), 0x020000000101);
		romon_engine_discover_start(lone->engine, lone->now);
		lone_run(lone, 0);
	}
}

static uint32_t link_for(const struct vector *vector)
{
	return vector->frame[14] == CRAFT_ANSWER ? (uint32_t)craft_number(vector->frame + 14 + 48 + 2 + 20, 4) : 1;
}

/* How many frames a router with so many ports may send because of this one, before the next second. */
static size_t at_most(const uint8_t *frame, size_t len)
{
	size_t length;

	if (len < 54 || frame[12] != 0x88 || frame[13] != 0xbf)
		return 0;
	length = (size_t)craft_number(frame + 16, 2);
	for (size_t at = 18; at < 42; at++)
		if (frame[at] != 0)
			return 0; /* hashed */
	if (length > len || length < 62 || (frame[42] & 1) != 0 || craft_number(frame + 42, 6) == 0)
		return 0;
	switch (frame[14]) {
	case CRAFT_DISCOVER:
		return craft_number(frame + 48, 6) == CRAFT_ALL && frame[CRAFT_BODY] == frame[CRAFT_BODY + 1] &&
				       length >= 62u + 10u * frame[CRAFT_BODY] + 36
			       ? LINKS
			       : 0;
	case CRAFT_ANSWER:
	case CRAFT_DATA:
		return (frame[48] & 1) == 0 && frame[CRAFT_BODY + 1] <= frame[CRAFT_BODY] ? 1 : 0;
	default:
		return 0;
	}
}

/* What is sent is well-formed as far as this reading goes, and no larger than it may be. */
static void judge(const struct lone *lone, const uint8_t *frame, size_t len)
{
	assert_in_range(lone->count, 0, at_most(frame, len));
	for (size_t i = 0; i < lone->count; i++) {
		const struct lone_sent *sent = &lone->sent[i];

		assert_in_range(sent->len, 62, 1514);
		assert_int_equal(craft_number(sent->data + 12, 2), 0x88bf);
		assert_int_equal(craft_number(sent->data + 16, 2), sent->len);
		assert_in_range(sent->data[14], 1, 3);
		assert_int_equal(sent->data[6] & 1, 0);
		if (sent->data[14] == CRAFT_DISCOVER)
			assert_int_equal(sent->data[CRAFT_BODY], frame[CRAFT_BODY] + 1);
		else if (sent->data[14] == CRAFT_DATA)
			assert_in_range(sent->len, 62, craft_number(frame + 16, 2)); /* passed on as it is, or closed, never grown */
	}
}

/* Gives one frame; it is counted as received, and sends something, is dropped for one reason, or is taken in silence. */
static void give(struct lone *lone, uint32_t link, const uint8_t *frame, size_t len)
{
	struct romon_port_stats before, after;
	uint64_t drops = lone_all_drops(lone);
	bool data = len > 14 && frame[14] == CRAFT_DATA;
	size_t sent;

	lone_forget(lone);
	assert_true(romon_engine_port_stats(lone->engine, link, &before));
	lone_give_bytes(lone, link, frame, len);
	sent = lone->count;
	lone_run(lone, 5 * ROMON_MILLISECOND); /* what waits comes out */
	assert_true(romon_engine_port_stats(lone->engine, link, &after));
	assert_int_equal(after.rx, before.rx + 1);
	judge(lone, frame, len);
	drops = lone_all_drops(lone) - drops;
	assert_in_range(drops, 0, LINKS); /* a Discover too big for several ports */
	if (data)
		assert_in_range(drops + sent, 1, 2); /* a segment of no stream is counted, and may be answered */
	lone_run(lone, 800 * ROMON_MILLISECOND); /* no limit holds the next one */
}

static void address(uint8_t *frame, const struct vector *vector)
{
	struct romon_mac dst = vector->frame[14] == CRAFT_DISCOVER ? romon_mac_group : craft_address(receiver_of(vector));
	struct romon_mac src = craft_address(0x020000000901);

	memcpy(frame, dst.b, 6);
	memcpy(frame + 6, src.b, 6);
}

static void truncations(void **state)
{
	size_t count;
	const struct vector *vectors = vectors_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		size_t full = VECTOR_ETHERNET + vectors[i].len;
		uint8_t frame[sizeof(vectors->frame)];
		struct lone lone;

		open_for(&lone, &vectors[i]);
		if (vectors[i].frame[14] == CRAFT_ANSWER)
			romon_engine_discover_stop(lone.engine);
		memcpy(frame, vectors[i].frame, full);
		address(frame, &vectors[i]);
		for (size_t len = 0; len < full; len++) {
			give(&lone, link_for(&vectors[i]), frame, len);
			assert_int_equal(lone.count, 0);
			assert_int_equal(lone_drops(&lone, link_for(&vectors[i]), ROMON_DROP_TRUNCATED), len + 1);
		}
		lone_close(&lone);
	}
}

static void every_single_byte(void **state)
{
	size_t count;
	const struct vector *vectors = vectors_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		size_t full = VECTOR_ETHERNET + vectors[i].len;
		uint8_t frame[sizeof(vectors->frame)];
		struct lone lone;

		if (vectors[i].frame[14] == CRAFT_ANSWER)
			continue; /* below */
		open_for(&lone, &vectors[i]);
		memcpy(frame, vectors[i].frame, full);
		address(frame, &vectors[i]);
		for (size_t at = 0; at < full; at++) {
			uint8_t good = frame[at];

			for (unsigned value = 0; value < 256; value += at < VECTOR_ETHERNET + 60 ? 1 : 17) {
				frame[at] = (uint8_t)value;
				give(&lone, 1, frame, full);
			}
			frame[at] = good;
		}
		give(&lone, 1, frame, full);
		lone_close(&lone);
	}
}

/* Damage to an answer: whatever the asker then believes, it goes on asking and stays in its bounds. */
static void every_single_byte_of_an_answer(void **state)
{
	const struct vector *vector = vector_get("discover-reply-direct");
	size_t full = VECTOR_ETHERNET + vector->len;
	uint8_t frame[sizeof(vector->frame)];
	size_t most = 0; /* edges */
	struct romon_seen seen;
	struct lone lone;

	(void)state;
	open_for(&lone, vector);
	memcpy(frame, vector->frame, full);
	address(frame, vector);
	for (size_t at = 0; at < full; at++) {
		uint8_t good = frame[at];

		for (unsigned value = 0; value < 256; value++) {
			frame[at] = (uint8_t)value;
			lone_give_bytes(&lone, link_for(vector), frame, full);
		}
		frame[at] = good;
		if (romon_engine_edge_count(lone.engine) > most)
			most = romon_engine_edge_count(lone.engine);
		lone_run(&lone, ROMON_SECOND);
		for (size_t i = 0; romon_engine_router(lone.engine, i, &seen); i++) {
			assert_true(romon_id_valid(seen.id));
			assert_true(!seen.reachable || (seen.hops >= 1 && romon_mac_equal(seen.path[seen.hops - 1], seen.id)));
		}
		for (size_t i = 0; i < lone.count; i++)
			assert_true(lone.sent[i].data[14] == CRAFT_DISCOVER || lone.sent[i].data[14] == CRAFT_ANSWER ||
				    lone.sent[i].data[14] == CRAFT_DATA);
		lone_forget(&lone);
	}
	assert_int_equal(romon_engine_router_count(lone.engine), 1); /* header and route must name the same one */
	assert_in_range(most, 256, 5 * 256);                         /* one for each link id that it claimed */
	lone_run(&lone, 40 * ROMON_SECOND);
	assert_int_equal(romon_engine_router_count(lone.engine), 0); /* and all of it is forgotten */
	assert_int_equal(romon_engine_edge_count(lone.engine), 0);
	lone_close(&lone);
}

/* Mutations of all frames and pure noise into one router that asks, pings and has several ports. */
static void noise(void **state)
{
	size_t count;
	const struct vector *vectors = vectors_all(&count);
	struct romon_ping ping = {.id = craft_address(0x00005e005303), .size = 32, .interval = 10 * ROMON_MILLISECOND};
	struct romon_event event;
	struct romon_seen seen;
	uint64_t total = 0;
	struct lone lone;

	(void)state;
	open_for(&lone, vector_get("discover-reply-direct"));
	lone_port(&lone, 6, 0x020000000106);
	assert_true(romon_engine_ping_start(lone.engine, &ping, lone.now) != 0);
	for (size_t i = 0; i < RANDOM_FRAMES; i++) {
		const struct vector *vector = &vectors[next_random() % count];
		uint8_t frame[sizeof(vector->frame)];
		size_t len = VECTOR_ETHERNET + vector->len, changes = next_random() % 6;

		memcpy(frame, vector->frame, len);
		address(frame, vector);
		if (next_random() % 4 == 0)
			memcpy(frame, romon_mac_group.b, 6);
		while (changes-- > 0)
			frame[6 + next_random() % (len - 6)] = (uint8_t)next_random();
		if (next_random() % 10 == 0)
			for (size_t at = 18; at < len; at++)
				frame[at] = (uint8_t)next_random();
		lone_give_bytes(&lone, next_random() % 2 == 0 ? 6 : 2 + next_random() % 2, frame, len);
		if (i % 16 == 0)
			lone_run(&lone, next_random() % (20 * ROMON_MILLISECOND));
		if (i % 4096 == 0) {
			for (size_t r = 0; romon_engine_router(lone.engine, r, &seen); r++)
				total += seen.hops;
			while (romon_engine_event(lone.engine, &event))
				total++;
			for (size_t s = 0; s < lone.count; s++)
				assert_int_equal(craft_number(lone.sent[s].data + 16, 2), lone.sent[s].len);
			lone_forget(&lone);
		}
	}
	assert_true(total > 0);
	lone_close(&lone);
}

static int group(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(truncations),
		cmocka_unit_test(every_single_byte),
		cmocka_unit_test(every_single_byte_of_an_answer),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests_name(
		vectors_captured() ? "engine, captured frames" : "engine, own frames", tests, NULL, NULL);
}

int main(void)
{
	return vectors_run(group);
}
