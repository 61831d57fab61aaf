/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The services of a configuration: presets, what is refused, how changes are written, and which changes need root's own hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "daemon/config.h"
#include "daemon/target.h"

#define MENU "/tool romon service\n"

static struct config *parse(const char *text)
{
	struct config_error error;
	struct config *config = config_parse(text, strlen(text), &error);

	if (config == NULL)
		fail_msg("line %u: %s\nin: %s", error.line, error.reason, text);
	return config;
}

static void assert_refused(const char *text, unsigned line, const char *words)
{
	struct config_error error = {.line = 999};
	struct config *config = config_parse(text, strlen(text), &error);

	if (config != NULL)
		fail_msg("taken: %s", text);
	if (strstr(error.reason, words) == NULL || error.line != line)
		fail_msg("line %u: %s\nin: %s", error.line, error.reason, text);
}

static void assert_text(const struct config *config, const char *expected)
{
	size_t len;
	char *text = config_text(config, &len);

	assert_string_equal(text, expected);
	free(text);
}

static void set(struct config *config, size_t number, const char *name, const char *value)
{
	struct config_error error;

	if (!config_service_set(config, number, name, value, &error))
		fail_msg("%zu %s=%s: %s", number, name, value, error.reason);
}

static void there_are_two_presets(void **state)
{
	struct config *config = config_new();
	size_t count;
	const struct config_service *services = config_services(config, &count);

	(void)state;
	assert_int_equal(count, 2);
	assert_string_equal(services[0].name, "ssh");
	assert_int_equal(services[0].port, 3);
	assert_string_equal(services[0].to, "exec:/usr/sbin/sshd -i");
	assert_string_equal(services[0].user, "root");
	assert_int_equal(services[0].max_streams, 10);
	assert_true(services[0].is_default && !services[0].disabled);
	assert_string_equal(services[1].name, "winbox");
	assert_int_equal(services[1].port, 4);
	assert_string_equal(services[1].to, "tcp:127.0.0.1:8291");
	assert_string_equal(services[1].user, "nobody");
	assert_true(services[1].is_default && services[1].disabled);
	assert_ptr_equal(config_service_on(config, 4), &services[1]);
	assert_null(config_service_on(config, 5));
	config_free(config);
}

static void presets_are_set_and_others_added(void **state)
{
	struct config *config =
		parse("/tool romon service set ssh disabled=yes\n" MENU "set [ find name=winbox ] disabled=no port=44\n"
		      "add name=Shell.2 port=65535 to=\"exec:/bin/sh -c  x\" user=root max-streams=1000 comment=\"a b\"\n"
		      "/tool/romon/service add port=4 name=s to=unix:/s disabled=yes\n");
	size_t count;
	const struct config_service *services = config_services(config, &count);

	(void)state;
	assert_int_equal(count, 4);
	assert_true(services[0].disabled && !services[1].disabled);
	assert_int_equal(services[1].port, 44);
	assert_string_equal(services[2].name, "Shell.2");
	assert_string_equal(services[2].to, "exec:/bin/sh -c  x");
	assert_string_equal(services[2].user, "root");
	assert_string_equal(services[2].comment, "a b");
	assert_int_equal(services[2].port, 65535);
	assert_int_equal(services[2].max_streams, 1000);
	assert_false(services[2].is_default);
	assert_string_equal(services[3].user, "nobody");
	assert_int_equal(services[3].max_streams, 64);
	assert_ptr_equal(config_service_on(config, 4), &services[3]);
	config_free(config);
	config = parse(MENU "set 1 disabled=no\n");
	assert_false(config_services(config, &count)[1].disabled);
	config_free(config);
}

static void what_is_no_service_is_refused(void **state)
{
	char text[16384] = MENU;
	size_t i;

	(void)state;
	assert_refused(MENU "add name=a port=5\n", 2, "add needs");
	assert_refused(MENU "add name=a to=unix:/a\n", 2, "add needs");
	assert_refused(MENU "add port=5 to=unix:/a\n", 2, "add needs");
	assert_refused(MENU "add name=a port=1 to=unix:/a\n", 2, "2 to 65535");
	assert_refused(MENU "add name=a port=65536 to=unix:/a\n", 2, "2 to 65535");
	assert_refused(MENU "add name=7 port=5 to=unix:/a\n", 2, "letter");
	assert_refused(MENU "add name=\"a b\" port=5 to=unix:/a\n", 2, "letter");
	assert_refused(MENU "add name=-x port=5 to=unix:/a\n", 2, "letter");
	assert_refused(MENU "add name=a port=5 to=unix:/a user=\"x y\"\n", 2, "letter");
	assert_refused(MENU "add name=a port=5 to=unix:/a max-streams=0\n", 2, "1 to 1000");
	assert_refused(MENU "add name=a port=5 to=unix:/a max-streams=1001\n", 2, "1 to 1000");
	assert_refused(MENU "add name=ssh port=5 to=unix:/a\n", 2, "a service ssh already");
	assert_refused(MENU "add name=a port=3 to=unix:/a\n", 2, "that of service ssh");
	assert_refused(MENU "add name=a port=5 to=unix:/a\nset ssh port=5\n", 3, "that of service a");
	assert_refused(MENU "set ssh name=x\n", 2, "name of a preset");
	assert_refused(MENU "set a disabled=yes\n", 2, "presets");
	assert_refused(MENU "set [ find default=yes ] disabled=yes\n", 2, "presets");
	assert_refused(MENU "set 2 disabled=yes\n", 2, "presets");
	assert_refused(MENU "set [ find name=ssh disabled=yes\n", 2, "presets");
	assert_refused(MENU "set ssh disabled=yes\nset ssh disabled=no\n", 3, "set twice");
	assert_refused(MENU "remove ssh\n", 2, "add or set");
	for (i = 0; i < CONFIG_SERVICES_MAX - 1; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "add name=s%zu port=%zu to=tcp:127.0.0.1:1\n", i,
			i + 10);
	assert_refused(text, CONFIG_SERVICES_MAX, "more than 64");
}

static void targets_are_exact(void **state)
{
	static const char *const bad[] = {"", "exec:", "exec: ", "exec:sshd", "exec:./x", "unix:", "unix:x",
		"tcp:", "tcp:127.0.0.1", "tcp:127.0.0.1:0", "tcp:127.0.0.1:65536", "tcp:127.0.0.1:1x", "tcp:localhost:80",
		"tcp:[::1:80", "tcp:::1:80", "tcp:[]:1", "tcp::1", "/bin/sh", "EXEC:/bin/sh", "udp:127.0.0.1:1"};
	struct target target;
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (target_parse(bad[i], &target))
			fail_msg("taken: %s", bad[i]);
	}
	assert_true(target_parse("exec:/a  b;c '\"$x' ", &target));
	assert_int_equal(target.kind, TARGET_EXEC);
	assert_string_equal(target.argv[0], "/a");
	assert_string_equal(target.argv[1], "b;c");
	assert_string_equal(target.argv[2], "'\"$x'");
	assert_null(target.argv[3]);
	snprintf(text, sizeof(text), "unix:/%0*d", (int)sizeof(((struct sockaddr_un *)0)->sun_path) - 2, 0);
	assert_true(target_parse(text, &target));
	strcat(text, "0");
	assert_false(target_parse(text, &target));
	assert_true(target_parse("tcp:127.255.0.1:80", &target) && target.own_machine);
	assert_true(target_parse("tcp:[::1]:80", &target) && target.own_machine);
	assert_true(target_parse("tcp:128.0.0.1:80", &target) && !target.own_machine);
	assert_true(target_parse("tcp:0.0.0.0:80", &target) && !target.own_machine);
	assert_true(target_parse("tcp:[::ffff:127.0.0.1]:80", &target) && !target.own_machine);
	strcpy(text, "exec:/a");
	for (size_t i = 1; i < TARGET_ARGS_MAX; i++)
		strcat(text, " b");
	assert_true(target_parse(text, &target));
	assert_null(target.argv[TARGET_ARGS_MAX]);
	strcat(text, " b");
	assert_false(target_parse(text, &target));
}

static void changes_are_written_where_they_belong(void **state)
{
	static const char *const names[] = {"name", "to", "port"}, *const values[] = {"web", "tcp:[::1]:80", "80"};
	struct config *config = parse("");
	struct config_error error;
	size_t number = 99;

	(void)state;
	set(config, 0, "disabled", "yes");
	assert_text(config, MENU "set ssh disabled=yes\n");
	set(config, 1, "comment", "my box");
	assert_text(config, MENU "set winbox comment=\"my box\"\nset ssh disabled=yes\n");
	set(config, 0, "disabled", "no");
	set(config, 0, "max-streams", "3");
	assert_text(config, MENU "set winbox comment=\"my box\"\nset ssh disabled=no max-streams=3\n");
	assert_true(config_service_add(config, names, values, 3, &number, &error));
	assert_int_equal(number, 2);
	assert_text(config, MENU "set winbox comment=\"my box\"\n"
				 "add name=web to=\"tcp:[::1]:80\" port=80\n"
				 "set ssh disabled=no max-streams=3\n");
	set(config, 2, "to", "exec:/bin/a b");
	set(config, 2, "name", "other");
	assert_false(config_service_add(config, names, values, 3, &number, &error));
	assert_non_null(strstr(error.reason, "port 80 is that of service other"));
	assert_false(config_service_set(config, 0, "name", "x", &error));
	assert_false(config_service_set(config, 3, "port", "5", &error));
	assert_false(config_service_set(config, 2, "port", "3", &error));
	assert_false(config_service_remove(config, 1, &error));
	assert_true(config_service_remove(config, 2, &error));
	assert_text(config, MENU "set winbox comment=\"my box\"\nset ssh disabled=no max-streams=3\n");
	config_free(config);
}

/* May the second text replace the first? */
static bool kept(const char *before, const char *after)
{
	struct config *config = parse(before), *changed = parse(after);
	bool result = config_services_kept(config, changed);

	config_free(config);
	config_free(changed);
	return result;
}

static void ways_through_roots_rights_are_kept(void **state)
{
	static const char cat[] = MENU "add name=a port=5 to=exec:/bin/cat\n";

	(void)state;
	assert_true(kept("", ""));
	assert_true(kept(cat, ""));
	assert_true(kept(cat, MENU "add name=a port=6 to=exec:/bin/cat disabled=yes max-streams=1 comment=x\n"));
	assert_true(kept(
		cat, MENU "set ssh disabled=yes\nadd name=b port=7 to=tcp:127.0.0.1:7\nadd name=a port=5 to=exec:/bin/cat\n"));
	assert_false(kept("", cat));
	assert_false(kept(cat, MENU "add name=b port=5 to=exec:/bin/cat\n"));
	assert_false(kept(cat, MENU "add name=a port=5 to=\"exec:/bin/cat x\"\n"));
	assert_false(kept(cat, MENU "add name=a port=5 to=exec:/bin/cat user=root\n"));
	assert_false(kept(cat, MENU "add name=a port=5 to=unix:/run/x\n"));
	assert_false(kept(cat, MENU "add name=a port=5 to=tcp:10.0.0.1:22\n"));
	assert_true(kept(cat, MENU "add name=a port=5 to=tcp:127.0.0.1:22\n"));
	assert_false(kept("", MENU "set winbox to=exec:/bin/sh\n"));
	assert_false(kept("", MENU "set ssh to=\"exec:/usr/sbin/sshd -i -o PermitRootLogin=yes\"\n"));
	assert_false(kept(MENU "set ssh user=nobody\n", ""));
	assert_false(kept(MENU "set ssh to=tcp:127.0.0.1:22\n", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_are_two_presets),
		cmocka_unit_test(presets_are_set_and_others_added),
		cmocka_unit_test(what_is_no_service_is_refused),
		cmocka_unit_test(targets_are_exact),
		cmocka_unit_test(changes_are_written_where_they_belong),
		cmocka_unit_test(ways_through_roots_rights_are_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
