/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The decoder under damage: whatever it takes, it takes consistently, and it never reads past the frame (each frame is given in memory of
 * exactly its size, for the address sanitizer).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/wire.h"
#include "craft.h"
#include "vectors.h"

#define MUTATIONS 1000000

static uint64_t seed = 1;

static uint32_t next_random(void)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33);
}

/* Everything that the structs hold of two messages is the same. */
static void assert_same(const struct wire_message *a, const struct wire_message *b)
{
	assert_int_equal(a->type, b->type);
	assert_memory_equal(a->auth, b->auth, sizeof(a->auth));
	assert_true(romon_mac_equal(a->src, b->src) && romon_mac_equal(a->dst, b->dst));
	if (a->type >= WIRE_SEQ_ERR) {
		assert_true(romon_mac_equal(a->target, b->target));
		assert_memory_equal(a->challenge, b->challenge, sizeof(a->challenge));
		assert_memory_equal(a->returned, b->returned, sizeof(a->returned));
		return;
	}
	assert_int_equal(a->hop_count, b->hop_count);
	assert_int_equal(a->hop_pointer, b->hop_pointer);
	for (unsigned i = 0; i < a->hop_count; i++)
		assert_true(a->hops[i].link == b->hops[i].link && romon_mac_equal(a->hops[i].mac, b->hops[i].mac));
	if (a->type == WIRE_DATA) {
		assert_true(a->src_port == b->src_port && a->dst_port == b->dst_port);
		assert_int_equal(a->payload_len, b->payload_len);
		assert_memory_equal(a->payload, b->payload, a->payload_len);
		return;
	}
	assert_int_equal(a->route_count, b->route_count);
	for (unsigned i = 0; i < a->route_count; i++)
		assert_true(romon_mac_equal(a->routes[i].id, b->routes[i].id) && a->routes[i].in.link == b->routes[i].in.link &&
			    a->routes[i].in.cost == b->routes[i].in.cost && a->routes[i].in.l2mtu == b->routes[i].in.l2mtu &&
			    romon_mac_equal(a->routes[i].in.mac, b->routes[i].in.mac) &&
			    a->routes[i].out.link == b->routes[i].out.link && a->routes[i].out.cost == b->routes[i].out.cost &&
			    a->routes[i].out.l2mtu == b->routes[i].out.l2mtu &&
			    romon_mac_equal(a->routes[i].out.mac, b->routes[i].out.mac));
	if (a->type == WIRE_DISCOVER_RESP)
		assert_true(a->about.identity_len == b->about.identity_len && a->about.board_len == b->about.board_len &&
			    a->about.has_version == b->about.has_version && a->about.uptime == b->about.uptime);
}

/* Takes or refuses the frame; what it took survives being encoded and decoded again. True if it was taken. */
static bool try_frame(const uint8_t *bytes, size_t len)
{
	uint8_t *frame = malloc(len != 0 ? len : 1), *again = NULL;
	struct wire_message message, second;
	enum romon_drop why = ROMON_DROP_COUNT;
	bool taken;

	assert_non_null(frame);
	memcpy(frame, bytes, len);
	taken = wire_decode(frame, len, &message, &why);
	if (!taken) {
		assert_in_range(why, ROMON_DROP_TRUNCATED, ROMON_DROP_BAD_TLV);
	} else {
		size_t need = wire_encoded_length(&message);

		assert_in_range(need, 54, wire_frame_length(frame)); /* what is skipped is not sent again */
		again = malloc(need);
		assert_non_null(again);
		assert_int_equal(wire_encode(&message, again, need), need);
		assert_true(wire_decode(again, need, &second, &why));
		assert_same(&message, &second);
	}
	free(again);
	free(frame);
	return taken;
}

static void truncations(void **state)
{
	size_t count;
	const struct vector *vectors = vectors_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		size_t full = VECTOR_ETHERNET + vectors[i].len;

		for (size_t len = 0; len < full; len++)
			assert_false(try_frame(vectors[i].frame, len));
		assert_true(try_frame(vectors[i].frame, full));
		/* Shortened, and the length field says so. */
		for (size_t len = VECTOR_ETHERNET + 4; len < full; len++) {
			uint8_t frame[sizeof(vectors->frame)];

			memcpy(frame, vectors[i].frame, len);
			frame[16] = (uint8_t)(len >> 8);
			frame[17] = (uint8_t)len;
			try_frame(frame, len);
		}
	}
}

static void every_single_byte(void **state)
{
	size_t count, taken = 0, tried = 0;
	const struct vector *vectors = vectors_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		size_t len = VECTOR_ETHERNET + vectors[i].len;
		uint8_t frame[sizeof(vectors->frame)];

		memcpy(frame, vectors[i].frame, len);
		for (size_t at = VECTOR_ETHERNET; at < len; at++) {
			for (unsigned value = 0; value < 256; value++) {
				frame[at] = (uint8_t)value;
				taken += try_frame(frame, len);
				tried++;
			}
			frame[at] = vectors[i].frame[at];
		}
	}
	assert_in_range(taken, tried / 4, tried - tried / 50); /* the damage both passes and fails */
}

/* The fields on which the rest hangs: all 255 other values, and what becomes of them. */
static void length_count_and_pointer(void **state)
{
	size_t count;
	const struct vector *vectors = vectors_all(&count);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const struct vector *vector = &vectors[i];
		size_t len = VECTOR_ETHERNET + vector->len;
		uint8_t frame[sizeof(vector->frame)], hops = vector->frame[CRAFT_BODY];
		bool data = vector->frame[14] == CRAFT_DATA;

		memcpy(frame, vector->frame, len);
		for (unsigned other = 1; other < 256; other++) {
			frame[16] = (uint8_t)(vector->frame[16] + other); /* more than there is */
			assert_false(try_frame(frame, len));
			frame[16] = vector->frame[16];

			frame[17] = (uint8_t)(vector->frame[17] + other);
			if (frame[17] > vector->frame[17] || frame[17] < 54)
				assert_false(try_frame(frame, len));
			else
				try_frame(frame, len);
			frame[17] = vector->frame[17];

			frame[CRAFT_BODY] = (uint8_t)(hops + other);
			if (!data || frame[CRAFT_BODY] <= frame[CRAFT_BODY + 1] || frame[CRAFT_BODY] > hops + 5)
				assert_false(try_frame(frame, len)); /* a Discover's pointer, or its TLVs, do not fit any more */
			else
				try_frame(frame, len);
			frame[CRAFT_BODY] = hops;

			frame[CRAFT_BODY + 1] = (uint8_t)(vector->frame[CRAFT_BODY + 1] + other);
			assert_int_equal(try_frame(frame, len), data && frame[CRAFT_BODY + 1] < hops);
			frame[CRAFT_BODY + 1] = vector->frame[CRAFT_BODY + 1];
		}
	}
}

static void tlv_lengths(void **state)
{
	static const char *const names[] = {
		"discover-probe", "discover-reply-direct", "discover-forwarded-once", "discover-forwarded-twice"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct vector *vector = vector_get(names[i]);
		size_t len = VECTOR_ETHERNET + vector->len;
		uint8_t frame[sizeof(vector->frame)];

		memcpy(frame, vector->frame, len);
		for (size_t at = CRAFT_BODY + 8 + 10u * frame[CRAFT_BODY]; at < len; at += 2u + vector->frame[at + 1]) {
			for (unsigned other = 1; other < 256; other++) {
				frame[at + 1] = (uint8_t)(vector->frame[at + 1] + other);
				if (frame[at] == 1 || at + 2 + frame[at + 1] > len)
					assert_false(try_frame(frame, len)); /* a route of a wrong size, or past the end */
				else
					try_frame(frame, len);
			}
			frame[at + 1] = vector->frame[at + 1];
		}
	}
}

static void random_mutations(void **state)
{
	size_t count;
	const struct vector *vectors = vectors_all(&count);

	(void)state;
	for (size_t i = 0; i < MUTATIONS / 2; i++) {
		const struct vector *vector = &vectors[next_random() % count];
		uint8_t frame[sizeof(vector->frame)];
		size_t len = VECTOR_ETHERNET + vector->len, changes = 1 + next_random() % 4;

		memcpy(frame, vector->frame, len);
		while (changes-- > 0)
			frame[next_random() % len] = (uint8_t)next_random();
		try_frame(frame, next_random() % 8 == 0 ? next_random() % (len + 1) : len);
	}
}

/* Random bytes behind a header that is right enough to get far. */
static void random_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < MUTATIONS / 2; i++) {
		uint8_t frame[300];
		size_t len = 18 + next_random() % (sizeof(frame) - 18);

		for (size_t at = 0; at < len; at++)
			frame[at] = (uint8_t)next_random();
		if (next_random() % 16 != 0) {
			frame[12] = 0x88;
			frame[13] = 0xbf;
			frame[14] = (uint8_t)(next_random() % 7);
			frame[16] = (uint8_t)(len >> 8);
			frame[17] = (uint8_t)len;
		}
		if (len > 62 && next_random() % 16 != 0) {
			frame[42] &= 0xfe;
			memset(frame + 48, next_random() % 2 == 0 ? 0xff : 0x02, 6);
			frame[54] = (uint8_t)(next_random() % 8);
			frame[55] = next_random() % 2 == 0 ? frame[54] : 0;
			if (frame[14] < CRAFT_DATA && frame[54] == 0)
				frame[63] = 34;
		}
		try_frame(frame, len);
	}
}

static int group(void)
{
	static const struct CMUnitTest damage[] = {
		cmocka_unit_test(truncations),
		cmocka_unit_test(every_single_byte),
		cmocka_unit_test(length_count_and_pointer),
		cmocka_unit_test(tlv_lengths),
		cmocka_unit_test(random_mutations),
		cmocka_unit_test(random_bytes),
	};

	return cmocka_run_group_tests_name(
		vectors_captured() ? "damage, captured frames" : "damage, own frames", damage, NULL, NULL);
}

int main(void)
{
	return vectors_run(group);
}
