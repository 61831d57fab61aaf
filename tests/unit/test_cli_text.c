/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How values look to a person, and that nothing of what strangers call themselves can steer a terminal.
 */
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "cli/text.h"

static void assert_freed(char *text, const char *expected)
{
	assert_string_equal(text, expected);
	free(text);
}

static void test_escape(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
	assert_freed(text_escape(""), "");
	assert_freed(text_escape("hEX 5"), "hEX 5");
	assert_freed(text_escape("žluťoučký 東京 e\u0301"), "žluťoučký 東京 e\u0301");
	assert_freed(text_escape("\x1b[2J\n\t\x7f"), "\\x1b[2J\\x0a\\x09\\x7f");
	assert_freed(text_escape("\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa1"), "\\x80\\x9b\\x9f\u00a1");
	assert_freed(text_escape("\u200e\u200f\u202a\u202e\u2066\u2069\u061c\ufeff"),
		"\\u200e\\u200f\\u202a\\u202e\\u2066\\u2069\\u061c\\ufeff");
	assert_freed(text_escape("\U000e0041\u2028"), "\\U000e0041\\u2028");
}

/* Every C0 and C1 control and every direction mark, one at a time. */
static void test_escape_all(void **state)
{
	static const struct {
		unsigned first, last;
	} ranges[] = {{0x01, 0x1f}, {0x7f, 0x9f}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f}};

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
		for (unsigned point = ranges[i].first; point <= ranges[i].last; point++) {
			char utf8[4] = {0}, expected[16];

			if (point < 0x80) {
				utf8[0] = (char)point;
			} else if (point < 0x800) {
				utf8[0] = (char)(0xc0 | point >> 6);
				utf8[1] = (char)(0x80 | (point & 0x3f));
			} else {
				utf8[0] = (char)(0xe0 | point >> 12);
				utf8[1] = (char)(0x80 | (point >> 6 & 0x3f));
				utf8[2] = (char)(0x80 | (point & 0x3f));
			}
			snprintf(expected, sizeof(expected), point < 0x100 ? "\\x%02x" : "\\u%04x", point);
			assert_freed(text_escape(utf8), expected);
		}
	}
}

/* Arguments may be any bytes: each that belongs to no character is shown as it is. */
static void test_escape_invalid(void **state)
{
	(void)state;
	assert_freed(text_escape("a\xff"), "a\\xff");
	assert_freed(text_escape("\xc5"), "\\xc5");
	assert_freed(text_escape("\xe2\x80"), "\\xe2\\x80");
	assert_freed(text_escape("\xc0\x9b"), "\\xc0\\x9b"); /* too long a form of ESC */
	assert_freed(text_escape("\xe0\x80\x9b"), "\\xe0\\x80\\x9b");
	assert_freed(text_escape("\xed\xa0\x80"), "\\xed\\xa0\\x80");          /* a surrogate */
	assert_freed(text_escape("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80"); /* beyond the last character */
	assert_freed(text_escape("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
}

static void test_escape_locale(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_ALL, "C"));
	assert_freed(text_escape("\u017e\U0001f600 a"), "\\u017e\\U0001f600 a");
	assert_freed(text_escape_json("\"\u017e\x7f\u202e\U000e0041\""), "\"\u017e\\u007f\\u202e\\udb40\\udc41\"");
}

static void test_rtt(void **state)
{
	static const struct {
		double seconds;
		const char *text;
	} cases[] = {{0.000412, "412us"}, {0, "0us"}, {-1, "0us"}, {0.0000004, "0us"}, {0.000999, "999us"}, {0.0009994, "999us"},
		{0.0009996, "1.00ms"}, {0.001, "1.00ms"}, {0.001234, "1.23ms"}, {0.001235, "1.24ms"}, {0.009994, "9.99ms"},
		{0.009996, "10ms"}, {0.0124, "12ms"}, {0.0125, "13ms"}, {1.5, "1500ms"}, {1e300, "1000000000ms"}};
	char text[TEXT_RTT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(text_rtt(cases[i].seconds, text), cases[i].text);
}

static void test_values(void **state)
{
	static const struct {
		const char *json, *text;
	} cases[] = {{"[\"a b\"]", "a b"}, {"[5]", "5"}, {"[-1]", "-1"}, {"[0.5]", "0.500"}, {"[true]", "yes"}, {"[false]", "no"},
		{"[null]", ""}, {"[[1]]", ""}, {"[]", ""}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *list = json_loads(cases[i].json, 0, NULL);

		assert_non_null(list);
		assert_freed(text_value(json_array_get(list, 0)), cases[i].text);
		json_decref(list);
	}
}

static void test_secrets(void **state)
{
	static const struct {
		const char *json, *text;
	} cases[] = {{"[]", ""}, {"[\"\"]", "(\"\")"}, {"[\"\",\"a\"]", "\"\",a"},
		{"[\"a b\",\"c,d\",\"#\"]", "\"a b\",\"c,d\",\"#\""}, {"[\"q\\\"\\\\\"]", "\"q\\\"\\\\\""}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		json_t *list = json_loads(cases[i].json, 0, NULL);

		assert_non_null(list);
		assert_freed(text_secrets(list), cases[i].text);
		json_decref(list);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_all),
		cmocka_unit_test(test_escape_invalid),
		cmocka_unit_test(test_escape_locale),
		cmocka_unit_test(test_rtt),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
