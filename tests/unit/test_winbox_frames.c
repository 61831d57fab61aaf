/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Chunks and encryption: the vectors, every way that TCP may cut a connection, and what is no frame.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nettle/sha2.h>

#include "winbox/chunk.h"
#include "winbox/cipher.h"
#include "winbox_vectors.h"

#define WIRE_MAX (2 * CIPHER_FRAME_MAX)

static struct cipher from_client, from_server;
static const uint8_t iv[CIPHER_BLOCK] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

/* The keys of vector 1. */
static int set_up(void **state)
{
	const struct vector_block *block;
	uint8_t secret[BYTES_MAX];

	(void)state;
	winbox_vectors_open("winbox-handshake.txt");
	block = winbox_vectors_next();
	winbox_vector_bytes(block, "secret", 0, secret);
	cipher_init(secret, &from_client, &from_server);
	return 0;
}

/* The message that the frames' vectors are made of. */
static void message_make(uint8_t *message, size_t len)
{
	const uint8_t head[] = {'M', '2', 2, 0, 0, 0x30, (uint8_t)(len - 8), (uint8_t)((len - 8) >> 8)};

	memcpy(message, head, sizeof(head));
	for (size_t i = 0; i < len - 8; i++)
		message[8 + i] = (uint8_t)(7 * i);
}

/* The message's way onto the wire. Returns the bytes of it. */
static size_t wire_make(size_t len, uint8_t wire[WIRE_MAX])
{
	static uint8_t message[CIPHER_MESSAGE_MAX], frame[CIPHER_FRAME_MAX];

	message_make(message, len);
	cipher_seal(&from_client, iv, message, len, frame);
	chunk_write(frame, cipher_frame_len(len), wire);
	return chunk_wire_len(cipher_frame_len(len));
}

static size_t value(const char *line, const char *name)
{
	char pattern[32];
	const char *at;

	snprintf(pattern, sizeof(pattern), "%s=", name);
	at = strstr(line, pattern);
	assert_non_null(at);
	return (size_t)strtoul(at + strlen(pattern), NULL, 10);
}

static void same_hash(const char *line, const char *name, const uint8_t *data, size_t len)
{
	struct sha256_ctx ctx;
	uint8_t digest[SHA256_DIGEST_SIZE];
	char expected[128];

	sha256_init(&ctx);
	sha256_update(&ctx, len, data);
	sha256_digest(&ctx, sizeof(digest), digest);
	snprintf(expected, sizeof(expected), "%s=", name);
	for (size_t i = 0; i < sizeof(digest); i++)
		snprintf(expected + strlen(expected), sizeof(expected) - strlen(expected), "%02x", digest[i]);
	assert_non_null(strstr(line, expected));
}

/* Reads the frame that the wire holds, in portions, and opens it. */
static void read_back(const uint8_t *wire, size_t wire_len, size_t portion, size_t len)
{
	static uint8_t expected[CIPHER_MESSAGE_MAX];
	struct chunk_reader reader = {.session = true};
	enum chunk_result result = CHUNK_MORE;
	size_t at = 0, used, got;

	while (at < wire_len && result == CHUNK_MORE) {
		result = chunk_read(&reader, wire + at, wire_len - at < portion ? wire_len - at : portion, &used);
		at += used;
	}
	assert_int_equal(result, CHUNK_FRAME);
	assert_int_equal(at, wire_len);
	assert_int_equal(reader.len, cipher_frame_len(len));
	assert_true(reader.size <= reader.len + CHUNK_MAX);
	const uint8_t *message = cipher_open(&from_client, reader.frame, reader.len, &got);

	message_make(expected, len);
	assert_non_null(message);
	assert_int_equal(got, len);
	assert_memory_equal(message, expected, len);
	chunk_reader_free(&reader);
}

static void test_vectors(void **state)
{
	static uint8_t wire[WIRE_MAX], message[CIPHER_MESSAGE_MAX];
	const struct vector_block *block;

	(void)state;
	winbox_vectors_open("winbox-frames.txt");
	block = winbox_vectors_next();
	assert_true(block->count >= 11);
	for (size_t i = 0; i < block->count; i++) {
		const char *line = block->lines[i].text;
		size_t len = value(line, "m2_bytes"), wire_len = wire_make(len, wire);

		message_make(message, len);
		same_hash(line, "m2_sha256", message, len);
		same_hash(line, "wire_sha256", wire, wire_len);
		assert_int_equal(cipher_frame_len(len), value(line, "assembled"));
		assert_int_equal(wire_len, value(line, "wire_bytes"));
		for (size_t portion = 1; portion <= wire_len; portion = portion * 3 + 1)
			read_back(wire, wire_len, portion, len);
		read_back(wire, wire_len, wire_len, len);
	}
}

static void test_every_length(void **state)
{
	static uint8_t wire[WIRE_MAX];

	(void)state;
	for (size_t len = 9; len < 700; len++)
		read_back(wire, wire_make(len, wire), 77, len);
	read_back(wire, wire_make(CIPHER_MESSAGE_MAX, wire), 4096, CIPHER_MESSAGE_MAX);
	assert_int_equal(cipher_frame_len(CIPHER_MESSAGE_MAX), CIPHER_FRAME_MAX);
}

/* Frames behind each other in one read, with and without the empty chunk that some put behind a full one. */
static void test_frames_in_a_row(void **state)
{
	static uint8_t wire[WIRE_MAX];
	const size_t lengths[] = {3531, 3520, 40};
	struct chunk_reader reader = {.session = true};
	size_t len = 0, at = 0, used;

	(void)state;
	for (int empty = 0; empty < 2; empty++) {
		for (size_t i = 0; i < 3; i++) {
			len += wire_make(lengths[i], wire + len);
			if (empty && lengths[i] > 3000) {
				wire[len++] = 0;
				wire[len++] = CHUNK_TAG_MORE;
			}
		}
	}
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(chunk_read(&reader, wire + at, len - at, &used), CHUNK_FRAME);
		assert_int_equal(reader.len, cipher_frame_len(lengths[i % 3]));
		at += used;
	}
	assert_int_equal(at, len);
	chunk_reader_free(&reader);
}

/* What must end a connection: at the byte that shows it, if that is not the last. */
static void test_bad_chunks(void **state)
{
	static const struct {
		const char *hex;
		bool session;
	} bad[] = {
		{"0105", false},      /* another protocol */
		{"01ff", false},      /* a further chunk without a first */
		{"0006", false},      /* nothing in it */
		{"00ff", false},      /* the empty chunk has no place in a login */
		{"ff06", false},      /* a login's frames are one chunk */
		{"3201", true},       /* other tags */
		{"32ff", true},       /* a further chunk without a first */
		{"0006", true},       /* nothing in it */
		{"0106", true},       /* shorter than a frame can be */
		{"11060020", true},   /* the same */
		{"32060010", true},   /* less ciphertext than any message has */
		{"32060000", true},   /* none */
		{"32060028", true},   /* no whole number of blocks */
		{"3306002000", true}, /* longer than it declares */
		{"31060020", true},   /* ends before that */
		{"320600f0", true},   /* the same, of a longer frame */
		{"ff060020", true},   /* longer, and full */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct chunk_reader reader = {.session = bad[i].session};
		uint8_t bytes[BYTES_MAX];
		size_t len = winbox_hex(bad[i].hex, bytes), used;

		if (chunk_read(&reader, bytes, len, &used) != CHUNK_BAD)
			fail_msg("%s is taken", bad[i].hex);
		assert_int_equal(chunk_read(&reader, bytes, len, &used), CHUNK_BAD);
		chunk_reader_free(&reader);
	}
}

/* A frame of several chunks whose later ones are wrong. */
static void test_bad_further_chunks(void **state)
{
	static uint8_t wire[WIRE_MAX];
	const uint8_t heads[][2] = {{3, 0x06}, {2, 0xff}, {4, 0xff}, {0, 0xff}, {255, 0xff}};
	size_t len = wire_make(204, wire), used; /* 255 bytes, and 3 */

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(*heads); i++) {
		struct chunk_reader reader = {.session = true};

		memcpy(wire + 257, heads[i], 2);
		assert_int_equal(chunk_read(&reader, wire, len, &used), CHUNK_BAD);
		assert_int_equal(used, 259);
		chunk_reader_free(&reader);
	}
}

/* A peer that declares much and sends little gets memory for what it declared, and no more. */
static void test_memory(void **state)
{
	const uint8_t begin[] = {0xff, 0x06, 0xff, 0xf0};
	struct chunk_reader reader = {.session = true};
	size_t used;

	(void)state;
	assert_int_equal(chunk_read(&reader, begin, sizeof(begin), &used), CHUNK_MORE);
	assert_int_equal(reader.size, CIPHER_FRAME_MAX);
	chunk_reader_free(&reader);
	reader = (struct chunk_reader){0};
	assert_int_equal(chunk_read(&reader, (const uint8_t *)"\xfe\x06", 2, &used), CHUNK_MORE);
	assert_true(reader.size < 256);
	chunk_reader_free(&reader);
}

static uint8_t *sealed(size_t len)
{
	static uint8_t message[4096], frame[4096];

	message_make(message, len);
	cipher_seal(&from_client, iv, message, len, frame);
	return frame;
}

/* Any bit that is changed, and the other direction's keys. */
static void test_forged(void **state)
{
	size_t frame_len = cipher_frame_len(50), len;

	(void)state;
	for (size_t bit = 0; bit < 8 * frame_len; bit++) {
		uint8_t *frame = sealed(50);

		frame[bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* Of the last block's padding the values mean nothing but that of the last byte. */
		if (bit / 8 < frame_len - CIPHER_BLOCK && cipher_open(&from_client, frame, frame_len, &len) != NULL)
			fail_msg("bit %zu may be changed", bit);
	}
	assert_null(cipher_open(&from_server, sealed(50), frame_len, &len));
	assert_null(cipher_open(&from_client, sealed(50), frame_len - CIPHER_BLOCK, &len));
	assert_null(cipher_open(&from_client, sealed(50), 2, &len));
}

/* The published Python scripts pad one byte of 0 and then sixteen of 16 where one byte was needed. */
static void test_long_padding(void **state)
{
	static uint8_t message[64], frame[256];
	size_t len = 27, text = 64, got;
	uint8_t chain[CIPHER_BLOCK];

	(void)state;
	message_make(message, len);
	cipher_seal(&from_client, iv, message, len, frame);
	assert_int_equal(cipher_frame_len(len), CIPHER_HEADER + 48);
	/* Decrypt, add the sixteen, encrypt again. */
	memcpy(chain, iv, sizeof(chain));
	for (size_t at = 0; at < 48; at += CIPHER_BLOCK) {
		uint8_t next[CIPHER_BLOCK];

		memcpy(next, frame + CIPHER_HEADER + at, CIPHER_BLOCK);
		aes128_decrypt(&from_client.decrypt, CIPHER_BLOCK, frame + CIPHER_HEADER + at, next);
		for (size_t i = 0; i < CIPHER_BLOCK; i++)
			frame[CIPHER_HEADER + at + i] ^= chain[i];
		memcpy(chain, next, CIPHER_BLOCK);
	}
	assert_int_equal(frame[CIPHER_HEADER + 47], 0);
	memset(frame + CIPHER_HEADER + 48, 16, CIPHER_BLOCK);
	memcpy(chain, iv, sizeof(chain));
	for (size_t at = 0; at < text; at += CIPHER_BLOCK) {
		for (size_t i = 0; i < CIPHER_BLOCK; i++)
			chain[i] ^= frame[CIPHER_HEADER + at + i];
		aes128_encrypt(&from_client.encrypt, CIPHER_BLOCK, frame + CIPHER_HEADER + at, chain);
		memcpy(chain, frame + CIPHER_HEADER + at, CIPHER_BLOCK);
	}
	frame[1] = (uint8_t)text;
	assert_non_null(cipher_open(&from_client, frame, CIPHER_HEADER + text, &got));
	assert_int_equal(got, len);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_every_length),
		cmocka_unit_test(test_frames_in_a_row),
		cmocka_unit_test(test_bad_chunks),
		cmocka_unit_test(test_bad_further_chunks),
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_long_padding),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
