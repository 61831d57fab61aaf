/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Texts and addresses: strangers' bytes made clean, versions as RouterOS prints them, MACs read and written; the bounded reader and writer.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/reader.h"
#include "core/text.h"
#include "core/writer.h"
#include "craft.h"

#define BAD "\xef\xbf\xbd"

static void assert_clean(const char *in, size_t len, const char *expected)
{
	char out[100];
	uint8_t *copy = malloc(len + 1);

	assert_non_null(copy);
	memcpy(copy, in, len);
	assert_int_equal(romon_text_clean(out, sizeof(out), copy, len), strlen(expected));
	assert_string_equal(out, expected);
	free(copy);
}

#define clean(in, expected) assert_clean(in, sizeof(in) - 1, expected)

static void strange_bytes_become_replacement_characters(void **state)
{
	(void)state;
	clean("", "");
	clean("plain \x1b[2J\n", "plain \x1b[2J\n"); /* control characters are the printer's business */
	clean("K\xc3\xbc"
	      "che \xe2\x82\xac \xf0\x9f\x98\x80",
		"K\xc3\xbc"
		"che \xe2\x82\xac \xf0\x9f\x98\x80");
	clean("a\0b", "a" BAD "b");
	clean("\x80", BAD);
	clean("\xff\xfe", BAD BAD);
	clean("\xc3", BAD); /* cut short */
	clean("\xe2\x82", BAD BAD);
	clean("\xc3x", BAD "x");
	clean("\xc0\xaf", BAD BAD); /* overlong */
	clean("\xc1\xbf", BAD BAD);
	clean("\xe0\x9f\xbf", BAD BAD BAD);
	clean("\xf0\x8f\xbf\xbf", BAD BAD BAD BAD);
	clean("\xe0\xa0\x80", "\xe0\xa0\x80"); /* the first that is not */
	clean("\xed\x9f\xbf", "\xed\x9f\xbf");
	clean("\xed\xa0\x80", BAD BAD BAD); /* a surrogate */
	clean("\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf");
	clean("\xf4\x90\x80\x80", BAD BAD BAD BAD); /* beyond U+10FFFF */
	clean("\xf5\x80\x80\x80", BAD BAD BAD BAD);
}

static void clean_text_fits_its_room(void **state)
{
	char out[8];

	(void)state;
	for (size_t cap = 1; cap <= sizeof(out); cap++) {
		memset(out, 'x', sizeof(out));
		assert_int_equal(romon_text_clean(out, cap, (const uint8_t *)"\xe2\x82\xac\xff", 4), (cap - 1) / 3 * 3);
		assert_int_equal(out[(cap - 1) / 3 * 3], '\0');
		for (size_t i = cap; i < sizeof(out); i++)
			assert_int_equal(out[i], 'x');
	}
}

static void texts_are_cut_at_characters(void **state)
{
	(void)state;
	assert_int_equal(text_cut("abc", 3), 3);
	assert_int_equal(text_cut("abcd", 3), 3);
	assert_int_equal(text_cut("ab\xc3\xbc", 4), 4);
	assert_int_equal(text_cut("ab\xc3\xbc", 3), 2);
	assert_int_equal(text_cut("a\xf0\x9f\x98\x80", 4), 1);
	assert_int_equal(text_cut("\xf0\x9f\x98\x80", 3), 0);
	assert_int_equal(text_cut("\x80\x80\x80\x80", 3), 0); /* never past its beginning */
	assert_int_equal(text_cut("", 0), 0);
}

static void versions(void **state)
{
	static const struct {
		uint8_t bytes[4];
		const char *text;
	} known[] = {
		{{7, 13, 'f', 0}, "7.13"},
		{{6, 47, 'b', 7}, "6.47beta7"},
		{{7, 13, 'f', 2}, "7.13.2"},
		{{7, 14, 'c', 1}, "7.14rc1"},
		{{7, 1, 'a', 3}, "7.1alpha3"},
		{{0, 0, 'f', 0}, "0.0"},
		{{255, 255, 'a', 255}, "255.255alpha255"},
	};
	char text[ROMON_VERSION_TEXT];

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		assert_string_equal(romon_version_text(known[i].bytes, text), known[i].text);
	for (unsigned stage = 0; stage < 256; stage++) { /* a stage that nobody knows fits its room and is printable */
		const uint8_t bytes[4] = {255, 255, (uint8_t)stage, 255};

		romon_version_text(bytes, text);
		assert_non_null(memchr(text, '\0', sizeof(text)));
		for (const char *c = text; *c != '\0'; c++)
			assert_true(isprint((unsigned char)*c));
	}
}

static void every_drop_has_a_name_of_its_own(void **state)
{
	(void)state;
	assert_string_equal(romon_drop_name(ROMON_DROP_BAD_HOPS), "bad-hops");
	for (unsigned i = 0; i < ROMON_DROP_COUNT; i++) {
		assert_non_null(romon_drop_name((enum romon_drop)i));
		for (unsigned j = 0; j < i; j++)
			assert_string_not_equal(romon_drop_name((enum romon_drop)i), romon_drop_name((enum romon_drop)j));
	}
}

static void lines_are_cut_and_terminated(void **state)
{
	struct line line = {.len = 0};

	(void)state;
	line_add_number(&line, 0);
	line_add(&line, " ");
	line_add_number(&line, 4294967295u);
	line_add(&line, " ");
	line_add_mac(&line, craft_address(0x6c3b6b480e8b));
	assert_string_equal(line.text, "0 4294967295 6C:3B:6B:48:0E:8B");
	for (unsigned i = 0; i < 100; i++)
		line_add(&line, "0123456789");
	assert_int_equal(strlen(line.text), sizeof(line.text) - 1);
}

static void macs_are_read_and_written(void **state)
{
	static const char *const bad[] = {"", "6C:3B:6B:48:0E", "6C:3B:6B:48:0E:8", "6C:3B:6B:48:0E:8B ", " 6C:3B:6B:48:0E:8B",
		"6C:3B:6B:48:0E:8G", "6C:3B:6B:48:0E.8B", "6C3B6B480E8B", "6C:3B:6B:48:0E:8B:", "6C:3B:6B:48:0E:8B:00",
		"+C:3B:6B:48:0E:8B"};
	struct romon_mac mac = {{0}};
	char text[ROMON_MAC_TEXT];

	(void)state;
	assert_true(romon_mac_parse("6C:3b:6B:48:0e:8B", &mac));
	assert_true(romon_mac_equal(mac, craft_address(0x6c3b6b480e8b)));
	assert_string_equal(romon_mac_text(mac, text), "6C:3B:6B:48:0E:8B");
	assert_true(romon_mac_parse("01-80-c2-00-88-bf", &mac));
	assert_true(romon_mac_equal(mac, romon_mac_group));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (romon_mac_parse(bad[i], &mac))
			fail_msg("taken: %s", bad[i]);
		assert_true(romon_mac_equal(mac, romon_mac_group));
	}
}

static void kinds_of_macs(void **state)
{
	(void)state;
	assert_true(romon_mac_compare(craft_address(0x020000000001), craft_address(0x020000000100)) < 0);
	assert_true(romon_mac_compare(craft_address(0x800000000000), craft_address(0x020000000100)) > 0);
	assert_true(romon_mac_is_zero(romon_mac_zero) && !romon_mac_is_zero(craft_address(1)));
	assert_true(romon_mac_is_group(romon_mac_broadcast) && romon_mac_is_group(craft_address(0x010000000000)));
	assert_true(romon_id_valid(craft_address(0xfe0000000000)) && romon_id_valid(craft_address(1)));
	assert_false(romon_id_valid(romon_mac_zero) || romon_id_valid(romon_mac_broadcast));
	assert_false(romon_id_valid(craft_address(0x010000000001)));
}

static void a_reader_stays_in_its_bounds(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13};
	struct reader reader = reader_make(bytes, sizeof(bytes)), child;
	uint8_t copy[4];

	(void)state;
	assert_int_equal(reader_u8(&reader), 1);
	assert_int_equal(reader_u16(&reader), 0x0203);
	assert_int_equal(reader_u32(&reader), 0x04050607);
	child = reader_child(&reader, 3);
	assert_int_equal(reader_u16(&child), 0x0809);
	assert_int_equal(reader_u16(&child), 0); /* one byte is left, and it stays where it is */
	assert_true(child.failed && !reader.failed);
	assert_int_equal(reader_u8(&child), 0); /* failed for good */
	assert_int_equal(reader.left, 3);
	memset(copy, 0xee, sizeof(copy));
	reader_copy(&reader, copy, 4);
	assert_true(reader.failed && copy[0] == 0 && copy[3] == 0);
	assert_null(reader_take(&reader, 1));
	child = reader_child(&reader, 0);
	assert_true(child.failed);
	reader = reader_make(bytes, 5);
	assert_true(romon_mac_is_zero(reader_mac(&reader)) && reader.failed);
	reader = reader_make(bytes, sizeof(bytes));
	child = reader_child(&reader, SIZE_MAX);
	assert_true(child.failed && child.left == 0 && reader.failed);
}

static void a_writer_stays_in_its_bounds(void **state)
{
	uint8_t bytes[10];
	struct writer writer = writer_make(bytes, 8);

	(void)state;
	memset(bytes, 0xee, sizeof(bytes));
	writer_u8(&writer, 1);
	writer_u16(&writer, 0x0203);
	writer_u32(&writer, 0x04050607);
	writer_u16(&writer, 0x0809); /* half of it would fit */
	assert_true(writer.failed && writer.len == 7);
	writer_u8(&writer, 8); /* failed for good */
	writer_zero(&writer, 1);
	assert_memory_equal(bytes, "\x01\x02\x03\x04\x05\x06\x07\xee\xee\xee", 10);
	writer = writer_make(bytes, 6);
	writer_mac(&writer, craft_address(0xa1a2a3a4a5a6));
	assert_true(!writer.failed && writer.len == 6);
	assert_memory_equal(bytes, "\xa1\xa2\xa3\xa4\xa5\xa6\x07", 7);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(strange_bytes_become_replacement_characters),
		cmocka_unit_test(clean_text_fits_its_room),
		cmocka_unit_test(texts_are_cut_at_characters),
		cmocka_unit_test(versions),
		cmocka_unit_test(every_drop_has_a_name_of_its_own),
		cmocka_unit_test(lines_are_cut_and_terminated),
		cmocka_unit_test(macs_are_read_and_written),
		cmocka_unit_test(kinds_of_macs),
		cmocka_unit_test(a_reader_stays_in_its_bounds),
		cmocka_unit_test(a_writer_stays_in_its_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
