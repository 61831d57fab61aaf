/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a person types as a value: numbers, durations, entries of the port list.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "cli/parse.h"

static void test_numbers(void **state)
{
	static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "1.0", "0x1", "x", "9", "101", "18446744073709551716"};
	uint64_t value = 77;

	(void)state;
	assert_true(parse_number("10", 10, 100, &value));
	assert_int_equal(value, 10);
	assert_true(parse_number("0100", 10, 100, &value));
	assert_int_equal(value, 100);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(parse_number(wrong[i], 10, 100, &value));
	assert_int_equal(value, 100);
}

static void test_durations(void **state)
{
	static const struct {
		const char *text;
		double seconds;
	} right[] = {{"10s", 10}, {"1m30s", 90}, {"500ms", 0.5}, {"00:00:10", 10}, {"01:02:03.5", 3723.5}, {"100:00:00", 360000},
		{"7", 7}, {"1.5", 1.5}, {"0.1", 0.1}, {"1.5s", 1.5}, {"1h", 3600}, {"1w2d", 777600}, {"1s500ms", 1.5},
		{"250us", 0.00025}, {"1m500ms", 60.5}, {"31622400", 31622400}};

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		double seconds = -1;

		assert_true(parse_duration(right[i].text, &seconds));
		assert_true(seconds == right[i].seconds);
	}
}

static void test_no_durations(void **state)
{
	static const char *const wrong[] = {"", "s", "ms", "-1", "-1s", "+1", " 1", "1 s", "1s ", "0", "0s", "0.0", "00:00:00",
		"1,5", ".5", "1.", "1e3", "inf", "nan", "0x10", "10x", "10sec", "1s1m", "1s1s", "1s1", "1m5", "00:10", "0:0:10",
		"00:60:00", "00:00:60", "00:00:10s", "::", "00:00:", "1:00:00:00", "00:00:1.5", "31622401", "367d",
		"9999999999999", "10S"};
	double seconds = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(parse_duration(wrong[i], &seconds));
	assert_true(seconds == 77);
}

static void test_entries(void **state)
{
	static const struct {
		const char *text, *interface; /* NULL: by its number, 7 */
	} right[] = {{"7", NULL}, {"[find interface=eth7]", "eth7"}, {"[ find interface=eth7 ]", "eth7"},
		{"[find  interface=\"eth7\"]", "eth7"}, {"[find interface=7]", "7"}, {"[find interface=eth*]", "eth*"},
		{"[find default=yes]", "all"}, {"[\tfind default=\"yes\"\t]", "all"}};

	(void)state;
	for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++) {
		struct parse_entry entry;

		assert_true(parse_entry(right[i].text, "interface=", &entry));
		assert_int_equal(entry.by_number, right[i].interface == NULL);
		if (right[i].interface)
			assert_string_equal(entry.name, right[i].interface);
		else
			assert_int_equal(entry.number, 7);
	}
}

static void test_no_entries(void **state)
{
	static const char *const wrong[] = {"", "eth7", "-1", "4294967296", "[]", "[", "]", "[7]", "[find]", "[find ]",
		"[find interface=]", "[find interface=\"]", "[find interface=\"\"]", "[find interface=a\"b]", "[find default=no]",
		"[find default=]", "[find cost=5]", "[find interface=a interface=b]", "[find interface=a b]",
		"[find interface = a]", "[findinterface=a]", "[get interface=a]", "find interface=a", "[find interface=a",
		"[find interface=a]x", "[find interface=0123456789012345678901234567890123456789012345678901234567890123]"};
	struct parse_entry entry = {.number = 77};

	assert_false(parse_entry("[find default=yes]", "name=", &entry)); /* other lists have no such entry */
	assert_false(parse_entry("[find interface=eth7]", "name=", &entry));
	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		assert_false(parse_entry(wrong[i], "interface=", &entry));
	assert_int_equal(entry.number, 77);
	assert_false(entry.by_number);
	assert_true(parse_entry("[find interface=012345678901234567890123456789012345678901234567890123456789012]",
		"interface=", &entry)); /* 63 */
	assert_int_equal(strlen(entry.name), PARSE_NAME_MAX);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_durations),
		cmocka_unit_test(test_no_durations),
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_no_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
