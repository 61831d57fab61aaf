/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Changes of the configuration: what they do to its text, and that failures change nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/config.h"

#define PRESET "failure: only cost, forbid and secrets can be changed for preset"

static struct config *parse(const char *text)
{
	struct config_error error;
	struct config *config = config_parse(text, strlen(text), &error);

	if (config == NULL)
		fail_msg("line %u: %s\nin: %s", error.line, error.reason, text);
	return config;
}

static void assert_text(const struct config *config, const char *expected)
{
	size_t len;
	char *text = config_text(config, &len);

	assert_int_equal(strlen(text), len);
	assert_string_equal(text, expected);
	free(text);
}

static void set(struct config *config, const char *name, const char *value)
{
	struct config_error error;

	if (!config_set(config, name, value, &error))
		fail_msg("%s=%s: %s", name, value, error.reason);
}

static void port_set(struct config *config, size_t number, const char *name, const char *value)
{
	struct config_error error;

	if (!config_port_set(config, number, name, value, &error))
		fail_msg("%zu %s=%s: %s", number, name, value, error.reason);
}

static bool try_add(struct config *config, const char *interface, const char *name, const char *value, struct config_error *error)
{
	const char *names[] = {"interface", name}, *values[] = {interface, value};
	size_t number = 99, count;
	bool added = config_port_add(config, names, values, name != NULL ? 2 : 1, &number, error);

	config_ports(config, &count);
	assert_int_equal(number, added ? count - 1 : 99);
	return added;
}

static void add(struct config *config, const char *interface, const char *name, const char *value)
{
	struct config_error error;

	if (!try_add(config, interface, name, value, &error))
		fail_msg("%s: %s", interface, error.reason);
}

/* From nothing, menus and commands are made. */
static void test_new_text(void **state)
{
	struct config *config = config_new();

	(void)state;
	set(config, "enabled", "yes");
	assert_text(config, "/tool romon\nset enabled=yes\n");
	set(config, "id", "6c:3b:6b:48:0e:8b");
	set(config, "identity", "My router");
	assert_text(config, "/tool romon\nset enabled=yes id=6C:3B:6B:48:0E:8B identity=\"My router\"\n");
	add(config, "eth7", "cost", "200");
	add(config, "eth[0-3]", NULL, NULL);
	port_set(config, 0, "forbid", "yes");
	port_set(config, 0, "cost", "5");
	assert_text(config, "/tool romon\nset enabled=yes id=6C:3B:6B:48:0E:8B identity=\"My router\"\n"
			    "/tool romon port\nset [ find default=yes ] forbid=yes cost=5\n"
			    "add interface=eth7 cost=200\nadd interface=\"eth[0-3]\"\n");
	config_free(config);
}

static void test_lines_keep_their_form(void **state)
{
	struct config *config = parse("# by hand\n/tool romon # menu\nset  enabled=yes \\\n    identity=\"a\\\n  b\"   # why\n\n"
				      "/tool romon port\n# uplink\n  add  cost=200 interface=eth7 # dear\n\n# end");

	(void)state;
	set(config, "identity", "c");
	port_set(config, 1, "cost", "300");
	port_set(config, 1, "comment", "x y");
	set(config, "unicast", "no");
	port_set(config, 0, "forbid", "yes");
	add(config, "eth8", NULL, NULL);
	assert_text(config, "# by hand\n/tool romon # menu\nset  enabled=yes \\\n    identity=c unicast=no   # why\n\n"
			    "/tool romon port\nset [ find default=yes ] forbid=yes\n"
			    "# uplink\n  add  cost=300 interface=eth7 comment=\"x y\" # dear\nadd interface=eth8\n\n# end");
	config_free(config);
}

static void test_same_value_changes_nothing(void **state)
{
	static const char text[] =
		"/tool romon\nset enabled=true id=6c:3b:6b:48:0e:8b\n/tool romon port\nadd interface=\"eth7\"\n";
	struct config *config = parse(text);

	(void)state;
	set(config, "enabled", "yes");
	set(config, "id", "6C-3B-6B-48-0E-8B");
	set(config, "unicast", "yes");
	port_set(config, 0, "cost", "100");
	port_set(config, 1, "interface", "eth7");
	port_set(config, 1, "disabled", "no");
	assert_text(config, text);
	config_free(config);
}

/* Line ends are the file's own, and one that is missing at the end is made up. */
static void test_line_ends(void **state)
{
	struct config *config = parse("/tool romon\r\nset enabled=yes");

	(void)state;
	add(config, "eth7", NULL, NULL);
	assert_text(config, "/tool romon\r\nset enabled=yes\r\n/tool romon port\r\nadd interface=eth7\r\n");
	config_free(config);
	config = parse("/tool romon");
	set(config, "enabled", "yes");
	assert_text(config, "/tool romon\nset enabled=yes\n");
	config_free(config);
	config = parse("/tool romon\nset enabled=\"no\"\\\n    \n");
	set(config, "unicast", "no");
	set(config, "enabled", "yes");
	assert_text(config, "/tool romon\nset enabled=yes unicast=no \\\n    \n");
	config_free(config);
	config = parse("/tool romon\nset enabled=\"no\"\\\n    \n");
	set(config, "enabled", "yes");
	assert_text(config, "/tool romon\nset enabled=yes\\\n    \n");
	config_free(config);
	config = parse("/tool romon\nset#why\n");
	set(config, "enabled", "yes");
	assert_text(config, "/tool romon\nset enabled=yes #why\n");
	config_free(config);
}

/* A command that names its menu leaves another one current: what goes behind it must name its menu, too. */
static void test_absolute_commands(void **state)
{
	struct config *config = parse("/tool romon\n/tool romon port add interface=eth7\nset enabled=yes\n");

	(void)state;
	add(config, "eth8", NULL, NULL);
	port_set(config, 0, "cost", "5");
	assert_text(config,
		"/tool romon\n/tool romon port add interface=eth7\n/tool romon port add interface=eth8\nset enabled=yes\n"
		"/tool romon port\nset [ find default=yes ] cost=5\n");
	config_free(config);
}

static void test_remove(void **state)
{
	struct config *config =
		parse("/tool romon port\nadd interface=a\n# b\nadd interface=b \\\n  cost=5 # x\nadd interface=c");
	struct config_error error;
	size_t count;
	const struct config_port *ports;

	(void)state;
	assert_true(config_port_remove(config, 2, &error));
	assert_text(config, "/tool romon port\nadd interface=a\n# b\nadd interface=c");
	ports = config_ports(config, &count);
	assert_int_equal(count, 3);
	assert_string_equal(ports[2].interface, "c");
	assert_true(config_port_remove(config, 2, &error));
	assert_true(config_port_remove(config, 1, &error));
	assert_text(config, "/tool romon port\n# b\n");
	assert_false(config_port_remove(config, 1, &error));
	assert_non_null(strstr(error.reason, "number 1"));
	assert_false(config_port_remove(config, 0, &error));
	assert_int_equal(strncmp(error.reason, "failure: ", 9), 0);
	add(config, "d", NULL, NULL);
	assert_text(config, "/tool romon port\nadd interface=d\n# b\n");
	config_free(config);
}

static void test_failures_change_nothing(void **state)
{
	static const char text[] = "/tool romon\nset enabled=yes\n/tool romon port\nadd interface=a\nadd interface=b*\n";
	struct config *config = parse(text);
	struct config_error error;
	size_t number;
	const char *twice[] = {"interface", "cost", "cost"}, *values[] = {"c", "1", "2"};

	(void)state;
	error.line = 7;
	assert_false(config_set(config, "enabled", "maybe", &error));
	assert_int_equal(error.line, 0);
	assert_false(config_set(config, "colour", "red", &error));
	assert_false(config_set(config, "id", "01:00:00:00:00:00", &error));
	assert_false(config_set(config, "enabled", "no id=6C:3B:6B:48:0E:8B", &error));
	assert_false(config_set(config, "secrets", "mysecret,mysecret", &error));
	assert_non_null(strstr(error.reason, "number 2 is the same as number 1"));
	assert_false(config_port_set(config, 1, "cost", "0", &error));
	assert_false(config_port_set(config, 1, "interface", "all", &error));
	assert_false(config_port_set(config, 1, "interface", "b*", &error));
	assert_non_null(strstr(error.reason, "b*"));
	assert_int_equal(error.line, 0);
	assert_false(config_port_set(config, 1, "interface", "", &error));
	assert_false(config_port_set(config, 3, "cost", "1", &error));
	assert_false(config_port_set(config, 1, "default", "yes", &error));
	assert_false(try_add(config, "a", "disabled", "yes", &error));
	assert_non_null(strstr(error.reason, "interface a already"));
	assert_false(try_add(config, "all", NULL, NULL, &error));
	assert_false(try_add(config, "c", "cost", "x", &error));
	assert_false(try_add(config, "c", "colour", "red", &error));
	assert_false(try_add(config, "c", "secrets", "mysecret,(", &error));
	assert_false(config_port_add(config, twice, values, 3, &number, &error));
	assert_non_null(strstr(error.reason, "twice"));
	assert_false(config_port_add(config, twice + 1, values + 1, 1, &number, &error));
	assert_non_null(strstr(error.reason, "interface"));
	assert_text(config, text);
	config_free(config);
}

/* What a list is written as is what it reads as, and the last change is what stays. */
static void test_secrets(void **state)
{
	struct config *config = parse("/tool romon\nset enabled=yes\n");

	(void)state;
	set(config, "secrets", "\"\",mysecret");
	assert_text(config, "/tool romon\nset enabled=yes secrets=\"\",mysecret\n");
	set(config, "secrets", "(\"a b\", \"q\\\"\\$\",\"\")");
	assert_text(config, "/tool romon\nset enabled=yes secrets=\"a b\",\"q\\\"\\$\",\"\"\n");
	assert_int_equal(config_settings(config)->secrets.count, 3);
	assert_string_equal(config_settings(config)->secrets.secret[1], "q\"$");
	set(config, "secrets", "");
	assert_text(config, "/tool romon\nset enabled=yes secrets=\"\"\n");
	config_free(config);
}

static void test_preset(void **state)
{
	static const char *const fixed[][2] = {{"interface", "eth0"}, {"interface", "all"}, {"disabled", "yes"},
		{"disabled", "no"}, {"disabled", "perhaps"}, {"comment", "x"}};
	struct config *config = config_new();
	struct config_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
		assert_false(config_port_set(config, 0, fixed[i][0], fixed[i][1], &error));
		assert_string_equal(error.reason, PRESET);
	}
	assert_text(config, "");
	port_set(config, 0, "cost", "7");
	port_set(config, 0, "forbid", "yes");
	port_set(config, 0, "secrets", "(\"\")");
	assert_text(config, "/tool romon port\nset [ find default=yes ] cost=7 forbid=yes secrets=(\"\")\n");
	config_free(config);
}

static void test_copy_is_independent(void **state)
{
	struct config *config = parse("/tool romon\nset identity=a\n"), *copy = config_copy(config);

	(void)state;
	set(copy, "identity", "b");
	assert_string_equal(config_settings(config)->identity, "a");
	assert_string_equal(config_settings(copy)->identity, "b");
	config_free(config);
	assert_text(copy, "/tool romon\nset identity=b\n");
	config_free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_text),
		cmocka_unit_test(test_lines_keep_their_form),
		cmocka_unit_test(test_same_value_changes_nothing),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_absolute_commands),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_failures_change_nothing),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_preset),
		cmocka_unit_test(test_copy_is_independent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
