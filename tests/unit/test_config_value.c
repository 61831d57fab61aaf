/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Values of the configuration: the scanner, the lists of secrets, and what is written back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/config_lexer.h"
#include "daemon/config_value.h"

static bool scan(const char *text, struct value *value)
{
	struct cursor cursor = {.text = text, .len = strlen(text), .line = 1};
	struct config_error error;

	return value_scan(&cursor, value, &error);
}

static bool read_secrets(const char *text, struct config_secrets *secrets)
{
	struct config_error error;
	struct value value;

	return scan(text, &value) && value_secrets(&value, secrets, &error);
}

static void assert_secrets(const char *text, size_t count, const char *first, const char *second)
{
	struct config_secrets secrets;

	assert_true(read_secrets(text, &secrets));
	assert_int_equal(secrets.count, count);
	if (count > 0)
		assert_string_equal(secrets.secret[0], first);
	if (count > 1)
		assert_string_equal(secrets.secret[1], second);
}

static void test_secret_lists(void **state)
{
	(void)state;
	assert_secrets("\"\"", 0, NULL, NULL);
	assert_secrets("", 0, NULL, NULL);
	assert_secrets("()", 0, NULL, NULL);
	assert_secrets("(\"\")", 1, "", NULL);
	assert_secrets("testing", 1, "testing", NULL);
	assert_secrets("(testing)", 1, "testing", NULL);
	assert_secrets("\"\",\"mysecret\"", 2, "", "mysecret");
	assert_secrets("mysecret,\"\"", 2, "mysecret", "");
	assert_secrets("(\"\",\"mysecret\")", 2, "", "mysecret");
	assert_secrets("( \"\" , mysecret )", 2, "", "mysecret");
	assert_secrets(",mysecret", 2, "", "mysecret"); /* what a shell leaves of "","mysecret" */
	assert_secrets("\"a,b\",\"c d\"", 2, "a,b", "c d");
	assert_secrets("a,\\\n    b", 2, "a", "b");
	assert_secrets("\"lo\\\r\n\t ng\"", 1, "long", NULL);
	assert_secrets("qsefth123!", 1, "qsefth123!", NULL);
}

static void test_bad_secret_lists(void **state)
{
	static const char *const bad[] = {"a,a", "\"\",\"\"", "(a", "(a b)", "(a))", "(a)b", "\"a\"b", "a\"b", "a(b", "a)", "\"a",
		"\"a\nb\"", "a#b", "a\\b", "a;b", "a\x01"};
	struct config_secrets secrets = {.count = 5};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (read_secrets(bad[i], &secrets))
			fail_msg("taken: %s", bad[i]);
	assert_int_equal(secrets.count, 5); /* untouched */
}

static void test_secret_limits(void **state)
{
	struct config_secrets secrets;
	char text[300];

	(void)state;
	assert_true(read_secrets("1,2,3,4,5,6,7,8", &secrets));
	assert_int_equal(secrets.count, 8);
	assert_string_equal(secrets.secret[7], "8");
	assert_false(read_secrets("1,2,3,4,5,6,7,8,9", &secrets));
	memset(text, 'x', sizeof(text));
	text[CONFIG_SECRET_LEN_MAX] = '\0';
	assert_true(read_secrets(text, &secrets));
	assert_int_equal(strlen(secrets.secret[0]), CONFIG_SECRET_LEN_MAX);
	text[CONFIG_SECRET_LEN_MAX] = 'x';
	text[CONFIG_SECRET_LEN_MAX + 1] = '\0';
	assert_false(read_secrets(text, &secrets));
	text[CONFIG_SECRET_LEN_MAX + 1] = 'x';
	text[VALUE_PIECE_MAX + 1] = '\0'; /* one more than the scanner's buffer holds */
	assert_false(read_secrets(text, &secrets));
}

static void assert_piece(const char *text, const char *expected)
{
	struct value value;

	assert_true(scan(text, &value));
	assert_int_equal(value.count, 1);
	assert_string_equal(value.piece[0].bytes, expected);
	assert_int_equal(value.piece[0].len, strlen(expected));
}

static void test_escapes(void **state)
{
	struct value value;

	(void)state;
	assert_piece("\"a\\\"b\\\\c\"", "a\"b\\c");
	assert_piece("\"\\$\\?\\_\\n\\r\\t\\a\\b\\f\\v\"", "$? \n\r\t\a\b\f\v");
	assert_piece("\"\\48\\C3\\A4\\0A\"", "H\xc3\xa4\n");
	assert_piece("\"wrapped\\\n    \\_here\"", "wrapped here");
	assert_piece("\"ends in a backslash\\\\\"", "ends in a backslash\\");
	assert_false(scan("\"\\x\"", &value));
	assert_false(scan("\"\\4\"", &value));
	assert_false(scan("\"\\c3\"", &value)); /* hexadecimal is upper case */
	assert_false(scan("\"\\00\"", &value));
	assert_false(scan("\"\\", &value));
	assert_false(scan("\"\\4", &value));
}

static void assert_round_trip(const struct config_secrets *secrets)
{
	char *text = config_secrets_text(secrets);
	struct config_secrets back;

	assert_non_null(text);
	if (!read_secrets(text, &back))
		fail_msg("not read back: %s", text);
	assert_int_equal(back.count, secrets->count);
	for (size_t i = 0; i < back.count; i++)
		assert_string_equal(back.secret[i], secrets->secret[i]);
	free(text);
}

static void test_round_trip_of_every_byte(void **state)
{
	struct config_secrets secrets = {.count = 1};

	(void)state;
	for (int byte = 1; byte < 256; byte++) {
		secrets.secret[0][0] = (char)byte;
		secrets.secret[0][1] = '\0';
		assert_round_trip(&secrets);
		memcpy(secrets.secret[0], "x x", 4);
		secrets.secret[0][1] = (char)byte;
		assert_round_trip(&secrets);
	}
	/* All bytes together, which takes two secrets. */
	secrets.count = 2;
	for (int byte = 1; byte < 256; byte++)
		secrets.secret[byte / 128][byte % 128] = (char)byte;
	memmove(secrets.secret[0], secrets.secret[0] + 1, 127);
	secrets.secret[0][127] = secrets.secret[1][128] = '\0';
	assert_round_trip(&secrets);
}

static void assert_secrets_text(const struct config_secrets *secrets, const char *expected)
{
	char *text = config_secrets_text(secrets);

	assert_string_equal(text, expected);
	free(text);
}

static void test_secrets_text(void **state)
{
	(void)state;
	assert_secrets_text(&(struct config_secrets){.count = 0}, "\"\"");
	assert_secrets_text(&(struct config_secrets){.count = 1}, "(\"\")");
	assert_secrets_text(&(struct config_secrets){.count = 2, .secret = {"", "mysecret"}}, "\"\",mysecret");
	assert_secrets_text(&(struct config_secrets){.count = 2, .secret = {"mysecret", ""}}, "mysecret,\"\"");
	assert_secrets_text(&(struct config_secrets){.count = 1, .secret = {"a, \"b\" $c\\#"}}, "\"a, \\\"b\\\" \\$c\\\\#\"");
	assert_secrets_text(&(struct config_secrets){.count = 1, .secret = {"\xc3\xa4"}}, "\"\xc3\xa4\"");
	assert_secrets_text(&(struct config_secrets){.count = 1, .secret = {"\xe4\n"}}, "\"\\E4\\0A\"");
}

/* Stores text in a property of a fresh object; what comes back is what would be written, or NULL if it was refused. */
static char *stored(const struct properties *properties, const char *name, const char *text)
{
	union {
		struct config_settings settings;
		struct config_port port;
	} object;
	struct config_error error;
	const struct property *property = property_find(properties, name, &error);

	memset(&object, 0, sizeof(object));
	assert_non_null(property);
	return property_store_text(property, text, &object, &error) ? property_text(property, &object) : NULL;
}

static void assert_stored(const struct properties *properties, const char *name, const char *text, const char *expected)
{
	char *written = stored(properties, name, text);

	if (expected == NULL && written != NULL)
		fail_msg("%s=%s was taken", name, text);
	if (expected != NULL) {
		if (written == NULL)
			fail_msg("%s=%s was refused", name, text);
		assert_string_equal(written, expected);
	}
	free(written);
}

static void test_flags(void **state)
{
	(void)state;
	assert_stored(&settings_properties, "enabled", "yes", "yes");
	assert_stored(&settings_properties, "enabled", "no", "no");
	assert_stored(&settings_properties, "enabled", "true", "yes");
	assert_stored(&settings_properties, "enabled", "false", "no");
	assert_stored(&settings_properties, "enabled", "\"yes\"", "yes");
	assert_stored(&settings_properties, "enabled", "", NULL);
	assert_stored(&settings_properties, "enabled", "y", NULL);
	assert_stored(&settings_properties, "enabled", "1", NULL);
	assert_stored(&settings_properties, "enabled", "yes ", NULL);
	assert_stored(&settings_properties, "enabled", "yes,no", NULL);
	assert_stored(&settings_properties, "enabled", "(yes)", NULL);
}

static void test_ids(void **state)
{
	(void)state;
	assert_stored(&settings_properties, "id", "00:00:00:00:00:00", "00:00:00:00:00:00");
	assert_stored(&settings_properties, "id", "6c:3b:6b:48:0e:8b", "6C:3B:6B:48:0E:8B");
	assert_stored(&settings_properties, "id", "01:00:00:00:00:01", NULL);
	assert_stored(&settings_properties, "id", "FF:FF:FF:FF:FF:FF", NULL);
	assert_stored(&settings_properties, "id", "6c:3b:6b:48:0e", NULL);
	assert_stored(&settings_properties, "id", "6c:3b:6b:48:0e:8g", NULL);
	assert_stored(&settings_properties, "id", "", NULL);
}

static void test_costs(void **state)
{
	(void)state;
	assert_stored(&port_properties, "cost", "1", "1");
	assert_stored(&port_properties, "cost", "65535", "65535");
	assert_stored(&port_properties, "cost", "0", NULL);
	assert_stored(&port_properties, "cost", "65536", NULL);
	assert_stored(&port_properties, "cost", "4294967297", NULL);
	assert_stored(&port_properties, "cost", "-1", NULL);
	assert_stored(&port_properties, "cost", "+1", NULL);
	assert_stored(&port_properties, "cost", "1x", NULL);
	assert_stored(&port_properties, "cost", "0x10", NULL);
	assert_stored(&port_properties, "cost", "", NULL);
}

static void test_answer_limits(void **state)
{
	(void)state;
	assert_stored(&settings_properties, "answer-limit", "100000", "100000");
	assert_stored(&settings_properties, "answer-limit", "1000000000", "1000000000");
	assert_stored(&settings_properties, "answer-limit", "99999", NULL);
	assert_stored(&settings_properties, "answer-limit", "1000000001", NULL);
	assert_stored(&settings_properties, "answer-limit", "9999999999", NULL);
	assert_stored(&settings_properties, "answer-limit", "10000000000", NULL);
	assert_stored(&settings_properties, "answer-limit", "1e6", NULL);
	assert_stored(&settings_properties, "answer-limit", "", NULL);
}

static void test_texts(void **state)
{
	char text[CONFIG_TEXT_MAX + 2];

	(void)state;
	assert_stored(&settings_properties, "identity", "Router", "Router");
	assert_stored(&settings_properties, "identity", "", "\"\"");
	assert_stored(&settings_properties, "identity", "My router (old), #1", "\"My router (old), #1\"");
	assert_stored(&settings_properties, "identity", "\"My \\\"router\\\"\"", "\"My \\\"router\\\"\"");
	assert_stored(&settings_properties, "identity", "Z\xc3\xbcrich", "\"Z\xc3\xbcrich\"");
	assert_stored(&settings_properties, "identity", "\"Z\\C3\\BCrich\"", "\"Z\xc3\xbcrich\"");
	assert_stored(&settings_properties, "identity", "say \"x\"", NULL);
	assert_stored(&settings_properties, "identity", "a\\b", NULL);
	assert_stored(&settings_properties, "identity", "\"a\" b", NULL);
	assert_stored(&settings_properties, "identity", "a\tb", NULL);
	assert_stored(&settings_properties, "identity", "a\x7f", NULL);
	assert_stored(&settings_properties, "identity", "\"\\1B[31m\"", NULL);
	assert_stored(&settings_properties, "identity", "a\xc2\x9b", NULL); /* CSI among the C1 controls */
	assert_stored(&settings_properties, "identity", "a\xc2\xa0", "\"a\xc2\xa0\"");
	assert_stored(&settings_properties, "identity", "\xff", NULL);
	assert_stored(&settings_properties, "identity", "\xc0\x80", NULL);
	assert_stored(&settings_properties, "identity", "a\xc3", NULL);
	memset(text, 'i', sizeof(text));
	text[CONFIG_TEXT_MAX] = '\0';
	assert_stored(&settings_properties, "identity", text, text);
	text[200] = '\0';
	assert_stored(&settings_properties, "identity", text, text);
	text[200] = 'i';
	text[CONFIG_TEXT_MAX] = 'i';
	text[CONFIG_TEXT_MAX + 1] = '\0';
	assert_stored(&settings_properties, "identity", text, NULL);
}

static void test_interfaces(void **state)
{
	char text[CONFIG_PATTERN_MAX + 2];

	(void)state;
	assert_stored(&port_properties, "interface", "eth7", "eth7");
	assert_stored(&port_properties, "interface", "eth7.100", "eth7.100");
	assert_stored(&port_properties, "interface", "eth*", "eth*");
	assert_stored(&port_properties, "interface", "eth[0-3]", "\"eth[0-3]\"");
	assert_stored(&port_properties, "interface", "\"eth?\"", "\"eth?\"");
	assert_stored(&port_properties, "interface", "", NULL);
	assert_stored(&port_properties, "interface", "\"a b\"", NULL);
	assert_stored(&port_properties, "interface", "a/b", NULL);
	assert_stored(&port_properties, "interface", "\"a\\tb\"", NULL);
	assert_stored(&port_properties, "interface", "eth0,eth1", NULL);
	memset(text, 'i', sizeof(text));
	text[CONFIG_PATTERN_MAX] = '\0';
	assert_stored(&port_properties, "interface", text, text);
	text[CONFIG_PATTERN_MAX] = 'i';
	text[CONFIG_PATTERN_MAX + 1] = '\0';
	assert_stored(&port_properties, "interface", text, NULL);
}

static void test_unknown_property_is_not_echoed_raw(void **state)
{
	struct config_error error;

	(void)state;
	assert_null(property_find(&settings_properties, "colour", &error));
	assert_non_null(strstr(error.reason, "colour"));
	assert_null(property_find(&settings_properties, "\x1b[31m", &error));
	assert_null(strchr(error.reason, '\x1b'));
	assert_null(property_find(&port_properties, "enabled", &error));
	assert_null(property_find(&settings_properties, "current-id", &error));
	assert_non_null(strstr(error.reason, "read"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_secret_lists),
		cmocka_unit_test(test_bad_secret_lists),
		cmocka_unit_test(test_secret_limits),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_round_trip_of_every_byte),
		cmocka_unit_test(test_secrets_text),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_costs),
		cmocka_unit_test(test_answer_limits),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_unknown_property_is_not_echoed_raw),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
