/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The settings of the WinBox agent in a configuration.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/config.h"

static void assert_text(const struct config *config, const char *expected)
{
	size_t len;
	char *text = config_text(config, &len);

	assert_string_equal(text, expected);
	free(text);
}

static void set(struct config *config, const char *name, const char *value)
{
	struct config_error error;

	if (!config_agent_set(config, name, value, &error))
		fail_msg("%s=%s: %s", name, value, error.reason);
}

static void it_is_off_and_at_home(void **state)
{
	struct config *config = config_new();
	const struct config_agent *agent = config_agent(config);

	(void)state;
	assert_false(agent->enabled);
	assert_string_equal(agent->listen, "127.0.0.1");
	assert_int_equal(agent->port, 8291);
	assert_string_equal(agent->address, "");
	config_free(config);
}

static void it_is_read_and_written(void **state)
{
	static const char text[] =
		"/tool romon\nset enabled=yes\n/tool romon winbox-agent\n"
		"set enabled=yes listen=192.168.88.1,2001:db8::1 address=192.168.88.0/24,\"10.0.0.0/8\" # who\n";
	struct config_error error;
	struct config *config = config_parse(text, strlen(text), &error);
	const struct config_agent *agent;

	(void)state;
	assert_non_null(config);
	agent = config_agent(config);
	assert_true(agent->enabled);
	assert_string_equal(agent->listen, "192.168.88.1,2001:db8::1");
	assert_string_equal(agent->address, "192.168.88.0/24,10.0.0.0/8");
	set(config, "address", "");
	set(config, "port", "9000");
	set(config, "listen", "0.0.0.0,::");
	assert_text(config, "/tool romon\nset enabled=yes\n/tool romon winbox-agent\n"
			    "set enabled=yes listen=0.0.0.0,:: address=\"\" port=9000 # who\n");
	config_free(config);
	config = config_new();
	set(config, "enabled", "yes");
	assert_text(config, "/tool romon winbox-agent\nset enabled=yes\n");
	config_free(config);
}

static void what_is_wrong_is_refused(void **state)
{
	static const char *const bad[][2] = {
		{"listen", ""},
		{"listen", "here"},
		{"listen", "1.2.3.4/8"},
		{"listen", "1.2.3.4,"},
		{"listen", "1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9"},
		{"port", "0"},
		{"port", "1023"},
		{"port", "65536"},
		{"port", "80,81"},
		{"address", "10.0.0.0/33"},
		{"address", "net"},
		{"enabled", "perhaps"},
		{"users", "file"},
	};
	struct config *config = config_new();
	struct config_error error;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (config_agent_set(config, bad[i][0], bad[i][1], &error))
			fail_msg("%s=%s is taken", bad[i][0], bad[i][1]);
	config_free(config);
	assert_null(config_parse("/tool romon winbox-agent add port=1\n", 36, &error));
	assert_non_null(strstr(error.reason, "write set"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_off_and_at_home),
		cmocka_unit_test(it_is_read_and_written),
		cmocka_unit_test(what_is_wrong_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
