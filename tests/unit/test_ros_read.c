/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading what RouterOS prints: MikroTik's listing of a ping, and lines cut at every place and damaged in every byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "cli/ros_read.h"

#define HEX "6C:3B:6B:48:0E:8B"

static const char *const listing[] = {
	"Flags: A - active",
	"Columns: ADDRESS, COSt, Hops, PATH, L2MTu, IDENTITY, VERSION, BOARD",
	"   ADDRESS            COS  H  PATH               L2MT  IDENTITY   VERSION    BOARD",
	"A  6C:3B:6B:48:0E:8B  200  1  6C:3B:6B:48:0E:8B  1500  hEX        6.47beta7  RB750Gr3",
	"A  6C:3B:6B:ED:83:69  400  2  6C:3B:6B:48:0E:8B  1500  CCR1009    6.47beta7  CCR1009-7G-1C-1S+",
	"                              6C:3B:6B:ED:83:69",
};

#define LINES (sizeof(listing) / sizeof(*listing))

static bool line_give(struct ros_table *table, const char *text)
{
	char line[ROS_LINE_MAX + 1];

	snprintf(line, sizeof(line), "%s\r\n", text);
	return ros_table_line(table, line);
}

static const char *text_of(const json_t *routers, size_t index, const char *key)
{
	return json_string_value(json_object_get(json_array_get(routers, index), key));
}

static void test_table(void **state)
{
	struct ros_table table = {0};

	(void)state;
	for (size_t i = 0; i < LINES; i++)
		assert_false(line_give(&table, listing[i]));
	assert_int_equal(json_array_size(table.rows), 2);
	assert_string_equal(text_of(table.rows, 0, "board"), "RB750Gr3");
	assert_string_equal(text_of(table.rows, 1, "identity"), "CCR1009");
	assert_int_equal(json_array_size(json_object_get(json_array_get(table.rows, 1), "path")), 2);
	assert_string_equal(table.said, "");
	for (size_t i = 0; i < LINES; i++) /* the titles of the next one make it whole */
		assert_int_equal(line_give(&table, listing[i]), i == 2);
	assert_int_equal(json_array_size(table.whole), 2);
	ros_table_free(&table);
}

/* Whatever becomes of a line, what is taken from it has the form of a router. */
static void rows_check(const struct ros_table *table)
{
	for (size_t i = 0; i < json_array_size(table->rows); i++) {
		const json_t *router = json_array_get(table->rows, i);

		assert_int_equal(strlen(text_of(table->rows, i, "address")), strlen(HEX));
		assert_true(json_is_boolean(json_object_get(router, "active")));
		assert_true(json_integer_value(json_object_get(router, "cost")) >= 0);
		assert_in_range(json_array_size(json_object_get(router, "path")), 1, 255);
		assert_non_null(json_object_get(router, "board"));
	}
}

static void test_damage(void **state)
{
	static const unsigned char bytes[] = {0x01, ' ', '\t', ':', 'A', '9', 0x1b, '[', 0xff, 0xc3};

	(void)state;
	for (size_t i = 0; i < LINES; i++) {
		for (size_t place = 0; place <= strlen(listing[i]); place++) {
			for (size_t k = 0; k <= sizeof(bytes); k++) {
				struct ros_table table = {0};
				char line[256];

				for (size_t j = 0; j < LINES; j++) {
					snprintf(line, sizeof(line), "%s", listing[j]);
					if (j == i) /* cut, or damaged */
						line[place] = k == sizeof(bytes) ? '\0' : (char)bytes[k];
					ros_table_line(&table, line);
				}
				rows_check(&table);
				ros_table_free(&table);
			}
		}
	}
}

static void test_no_row_without_titles(void **state)
{
	struct ros_table table = {0};

	(void)state;
	line_give(&table, listing[3]);
	line_give(&table, listing[5]);
	assert_null(table.rows);
	assert_string_equal(table.said, listing[3]);
	ros_table_free(&table);
}

static json_t *ping_give(struct ros_ping *ping, const char *text)
{
	char line[256];

	snprintf(line, sizeof(line), "%s", text);
	return ros_ping_line(ping, line, HEX, 32);
}

static void reply_check(struct ros_ping *ping, const char *text, double time, const char *status)
{
	json_t *reply = ping_give(ping, text), *given = json_object_get(reply, "time");

	assert_non_null(reply);
	assert_string_equal(json_string_value(json_object_get(reply, "host")), HEX);
	assert_string_equal(json_string_value(json_object_get(reply, "status")), status);
	if (time < 0)
		assert_true(json_is_null(given));
	else
		assert_true(json_number_value(given) > time - 1e-9 && json_number_value(given) < time + 1e-9);
	json_decref(reply);
}

static void test_ping(void **state)
{
	struct ros_ping ping = {0};
	json_t *summary;

	(void)state;
	assert_null(ping_give(&ping, "  SEQ HOST                                    TIME  STATUS"));
	reply_check(&ping, "    0 " HEX "                       1ms", 0.001, "ok");
	reply_check(&ping, "    1 " HEX "                       0ms", 0, "ok");
	reply_check(&ping, "    2 " HEX "                       1ms250us", 0.00125, "ok");
	reply_check(&ping, "    3 " HEX "                            timeout", -1, "timeout");
	reply_check(&ping, "    4                                              timeout", -1, "timeout");
	reply_check(&ping, "    5 " HEX "                            no path to router", -1, "no path to router");
	assert_null(ping_give(&ping, "    sent=6 received=3 packet-loss=50% min-rtt=0ms avg-rtt=0ms max-rtt=1ms"));
	assert_null(ping_give(&ping, "bad"));
	assert_string_equal(ping.said, "bad");
	summary = ros_ping_summary(&ping);
	assert_int_equal(json_integer_value(json_object_get(summary, "sent")), 6);
	assert_int_equal(json_integer_value(json_object_get(summary, "received")), 3);
	assert_int_equal(json_integer_value(json_object_get(summary, "packet_loss")), 50);
	assert_true(json_real_value(json_object_get(summary, "avg_rtt")) > 0.00074);
	json_decref(summary);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_no_row_without_titles),
		cmocka_unit_test(test_ping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
