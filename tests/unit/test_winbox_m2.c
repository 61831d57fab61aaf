/* SPDX-License-Identifier: BSD-2-Clause
 *
 * M2: every vector read and written anew byte for byte, every type and width, paths that get longer and shorter, and what is no message.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "winbox/m2.h"
#include "winbox_vectors.h"

static const struct vector_block *block;

static int set_up(void **state)
{
	(void)state;
	winbox_vectors_open("winbox-m2.txt");
	block = winbox_vectors_next();
	return 0;
}

/* Writes an array by its elements. */
static void write_array(struct m2_writer *writer, const struct m2_field *field)
{
	struct m2_field element;
	size_t at = 0;

	m2_put_array(writer, field->key, field->kind, field->count);
	while (m2_element(field, &at, &element)) {
		if (field->kind == M2_IPV6S)
			m2_put_element_ipv6(writer, element.data);
		else if (field->kind <= M2_U64S)
			m2_put_element_number(writer, field->kind, element.number);
		else
			m2_put_element_bytes(writer, element.data, element.len);
	}
}

/* Writes what was read. */
static void write_field(struct m2_writer *writer, const struct m2_field *field)
{
	switch (field->kind) {
	case M2_BOOL:
		m2_put_bool(writer, field->key, field->number != 0);
		break;
	case M2_U32:
		m2_put_u32(writer, field->key, (uint32_t)field->number);
		break;
	case M2_U64:
		m2_put_u64(writer, field->key, field->number);
		break;
	case M2_IPV6:
		m2_put_ipv6(writer, field->key, field->data);
		break;
	case M2_STRING:
	case M2_MESSAGE:
	case M2_RAW:
		m2_put_bytes(writer, field->key, field->kind, field->data, field->len);
		break;
	default:
		write_array(writer, field);
	}
}

static void test_vectors(void **state)
{
	static uint8_t message[BYTES_MAX], again[BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < block->count; i++) {
		size_t len = winbox_hex(block->lines[i].text, message), at = M2_MARK;
		struct m2_writer writer = m2_writer_make(again, sizeof(again));
		struct m2_field field;

		assert_true(m2_valid(message, len));
		while (m2_next(message, len, &at, &field))
			write_field(&writer, &field);
		assert_false(writer.failed);
		if (writer.len != len || memcmp(message, again, len) != 0)
			fail_msg("%s is written differently", block->lines[i].name);
	}
}

static size_t get(const char *name, uint8_t message[BYTES_MAX])
{
	return winbox_vector_bytes(block, name, 0, message);
}

static struct m2_field find(const uint8_t *message, size_t len, uint32_t key, enum m2_kind kind)
{
	struct m2_field field;

	assert_true(m2_find(message, len, key, kind, &field));
	return field;
}

static void test_all_types(void **state)
{
	static uint8_t message[BYTES_MAX];
	size_t len = get("m2-all-types", message), at = 0;
	struct m2_field field, element;
	uint32_t numbers[3] = {0, 0, 77};

	(void)state;
	assert_false(m2_bool(message, len, 1, true));
	assert_true(m2_bool(message, len, 2, false));
	assert_int_equal(m2_u32(message, len, 3, 0), 255);
	assert_int_equal(m2_u32(message, len, 4, 0), 256);
	assert_int_equal(find(message, len, 5, M2_U64).number, 1099511627776);
	assert_int_equal(find(message, len, 6, M2_IPV6).len, 16);
	field = find(message, len, 7, M2_STRING);
	assert_int_equal(field.len, 2);
	assert_memory_equal(field.data, "ab", 2);
	assert_int_equal(find(message, len, 8, M2_STRING).len, 256);
	assert_int_equal(find(message, len, 9, M2_RAW).len, 6);
	field = find(message, len, 10, M2_MESSAGE);
	assert_int_equal(m2_u32(field.data, field.len, 1, 5), 0);
	assert_int_equal(find(message, len, 11, M2_BOOLS).count, 2);
	assert_int_equal(m2_u32s(message, len, 12, numbers, 3), 0);
	assert_int_equal(m2_u32s(message, len, 13, numbers, 1), 2);
	assert_int_equal(numbers[0], 1);
	assert_int_equal(numbers[1], 0);
	assert_int_equal(m2_u32s(message, len, 13, numbers, 3), 2);
	assert_int_equal(numbers[1], 2);
	assert_int_equal(numbers[2], 77);
	field = find(message, len, 14, M2_U64S);
	assert_true(m2_element(&field, &at, &element));
	assert_int_equal(element.number, 5);
	assert_false(m2_element(&field, &at, &element));
	field = find(message, len, 15, M2_STRINGS);
	at = 0;
	assert_true(m2_element(&field, &at, &element) && m2_element(&field, &at, &element));
	assert_memory_equal(element.data, "bc", 2);
	assert_int_equal(find(message, len, 16, M2_MESSAGES).count, 2);
	assert_int_equal(find(message, len, 17, M2_RAWS).count, 1);
	/* The wrong kind counts for nothing. */
	assert_int_equal(m2_u32(message, len, 1, 5), 5);
	assert_int_equal(m2_u32(message, len, 99, 6), 6);
}

static bool valid_hex(const char *hex)
{
	uint8_t bytes[BYTES_MAX];
	size_t len = winbox_hex(hex, bytes);
	uint8_t *exact = malloc(len); /* so that a sanitizer sees a byte too many */
	bool valid;

	memcpy(exact, bytes, len);
	valid = m2_valid(exact, len);
	free(exact);
	return valid;
}

static void test_widths(void **state)
{
	static const char *const good[] = {
		"4d32",
		"4d32"
		"0100002103616263"
		"01000020030061626302000022030000006162630300003101ff"
		"0300003201000000ff",
		"4d32"
		"010000810201000200008901"
		"05000000"
		"0300009a00000000"
		"040000a202000000"
		"01000000"
		"61"
		"00000000",
		"4d32"
		"010000a901"
		"02"
		"4d32"
		"020000b100",
	};
	uint8_t bytes[BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		if (!valid_hex(good[i]))
			fail_msg("%s is refused", good[i]);
	}
	winbox_hex("4d32010000890205000000ffffffff", bytes);
	assert_int_equal(m2_u32s(bytes, 15, 1, NULL, 0), 2);
	/* The first of two counts. */
	assert_int_equal(winbox_hex("4d320100000905"
				    "0100000906",
				 bytes),
		12);
	assert_int_equal(m2_u32(bytes, 12, 1, 0), 5);
}

static void test_bad_messages(void **state)
{
	static const char *const bad[] = {
		"",
		"4d",
		"4d33",
		"4d3201",
		"4d32010000",
		"4d3201000009",                     /* no value */
		"4d3201000008050000",               /* half a value */
		"4d320100000a05",                   /* a long u32 */
		"4d3201000002",                     /* a long bool */
		"4d320100001105000000000000000000", /* a short u64 */
		"4d320100003801",                   /* unknown kinds */
		"4d320100007801",
		"4d32010000b801",
		"4d32010000f801",
		"4d3201000023",         /* both flags */
		"4d320100002104616263", /* longer than what is left */
		"4d3201000022ffffffff61",
		"4d3201000082ffffffff01",
		"4d320100008affffffff01000000",
		"4d320100009affffffff01000000",
		"4d32010000aaffffffff",
		"4d32010000a0020001006102", /* an element that is not there */
		"4d32010000a0010004006162", /* one longer than the message */
		"4d320100002901"
		"4d", /* within it, what is no message */
		"4d32010000290600000000"
		"0000",
		"4d32010000a801000200"
		"4d33",
		"4d32010000a801000000",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (valid_hex(bad[i]))
			fail_msg("%s is taken", bad[i]);
}

static void test_depth(void **state)
{
	uint8_t bytes[256] = "M2", inner[256];
	size_t len = 2;

	(void)state;
	for (unsigned depth = 0; depth < 20; depth++) {
		struct m2_writer writer;

		assert_int_equal(m2_valid(bytes, len), depth <= M2_DEPTH);
		memcpy(inner, bytes, len);
		writer = m2_writer_make(bytes, sizeof(bytes));
		m2_put_bytes(&writer, 1, M2_MESSAGE, inner, len);
		len = writer.len;
	}
}

/* Cut off anywhere, or with any byte changed, nothing is read that is not there: the sanitizers look. */
static void test_damaged(void **state)
{
	static uint8_t message[BYTES_MAX];
	size_t len = get("m2-all-types", message), at;
	struct m2_field field, element;

	(void)state;
	for (size_t n = 0; n < 3 * len; n++) {
		size_t cut = n < len ? n : len;
		uint8_t *copy = malloc(cut + 1);

		memcpy(copy, message, cut);
		if (n >= len)
			copy[n % len] = (uint8_t)(n < 2 * len ? 0xff : copy[n % len] + 1);
		m2_valid(copy, cut);
		for (at = M2_MARK; m2_next(copy, cut, &at, &field);)
			for (size_t within = 0; field.kind >= M2_BOOLS && m2_element(&field, &within, &element);)
				;
		assert_true(at <= cut || cut < M2_MARK);
		free(copy);
	}
}

/* A path gets shorter on the way to the target, and longer on the way back; nothing else changes. */
static void test_reroute(void **state)
{
	static uint8_t message[BYTES_MAX], expected[BYTES_MAX], out[BYTES_MAX];
	size_t len = get("agent-link-request", message), expected_len = get("agent-link-request-forwarded", expected);
	uint32_t link[2], path[5];

	(void)state;
	assert_int_equal(m2_u32s(message, len, M2_TO, link, 2), 4);
	assert_int_equal(m2_reroute(message, len, M2_TO, 2, NULL, 0, out, sizeof(out)), expected_len);
	assert_memory_equal(out, expected, expected_len);
	/* And back again. */
	assert_int_equal(m2_reroute(expected, expected_len, M2_TO, 0, link, 2, out, sizeof(out)), len);
	assert_memory_equal(out, message, len);
	len = get("agent-link-reply-from-target", message);
	expected_len = m2_reroute(message, len, M2_FROM, 0, link, 2, out, sizeof(out));
	assert_int_equal(expected_len, len + 8);
	assert_true(m2_valid(out, expected_len));
	assert_int_equal(m2_u32s(out, expected_len, M2_FROM, path, 5), 4);
	assert_memory_equal(path, link, sizeof(link));
	assert_int_equal(m2_u32s(out, expected_len, M2_TO, path, 5), 2);
	/* One that is not there. */
	assert_int_equal(m2_reroute((const uint8_t *)"M2\x01\x00\x00\x01", 6, M2_FROM, 0, link, 2, out, sizeof(out)), 20);
	assert_int_equal(m2_u32s(out, 20, M2_FROM, path, 5), 2);
	assert_true(m2_valid(out, 20) && m2_bool(out, 20, 1, false));
	assert_int_equal(m2_reroute((const uint8_t *)"M2", 2, M2_TO, 1, NULL, 0, out, sizeof(out)), 0);
	/* What does not fit, and paths that are not there or too short. */
	assert_int_equal(m2_reroute(message, len, M2_FROM, 0, link, 2, out, len + 7), 0);
	assert_int_equal(m2_reroute(message, len, M2_FROM, 3, NULL, 0, out, sizeof(out)), 0);
	assert_int_equal(m2_reroute(message, len, M2_REQUEST, 0, link, 2, out, sizeof(out)), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_all_types),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_bad_messages),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_reroute),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
