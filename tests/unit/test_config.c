/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the parser of the configuration takes and refuses. Given romon.conf(5) as its argument, it parses the examples there, too.
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

static const char *man_page;

static struct config *parse(const char *text)
{
	struct config_error error;
	struct config *config = config_parse(text, strlen(text), &error);

	if (config == NULL)
		fail_msg("line %u: %s\nin: %s", error.line, error.reason, text);
	return config;
}

/* The text must be refused in that line, with a reason that holds the words. */
static void assert_refused(const char *text, unsigned line, const char *words)
{
	struct config_error error = {.line = 999};
	struct config *config = config_parse(text, strlen(text), &error);

	if (config != NULL)
		fail_msg("taken: %s", text);
	if (strstr(error.reason, words) == NULL)
		fail_msg("reason is: %s\nin: %s", error.reason, text);
	if (error.line != line)
		fail_msg("line %u, not %u, in: %s", error.line, line, text);
}

static void test_defaults(void **state)
{
	struct config *config = config_new();
	const struct config_settings *settings = config_settings(config);
	size_t count, len;
	const struct config_port *ports = config_ports(config, &count);
	char *text = config_text(config, &len);

	(void)state;
	assert_false(settings->enabled);
	assert_true(settings->unicast);
	assert_int_equal(settings->answer_limit, 4000000);
	assert_true(romon_mac_is_zero(settings->id));
	assert_int_equal(settings->secrets.count, 0);
	assert_string_equal(settings->identity, "");
	assert_string_equal(settings->board, "");
	assert_int_equal(count, 1);
	assert_string_equal(ports[0].interface, "all");
	assert_true(ports[0].is_default);
	assert_int_equal(ports[0].cost, 100);
	assert_false(ports[0].forbid || ports[0].disabled);
	assert_int_equal(ports[0].secrets.count, 0);
	assert_int_equal(len, 0);
	free(text);
	config_free(config);
}

static void test_everything(void **state)
{
	struct config *config = parse("# 2024-05-01 12:00:00 by RouterOS 7.13\n"
				      "#\n"
				      "/tool romon\n"
				      "set enabled=yes id=6C:3B:6B:48:0E:8B secrets=(\"\") \\\n"
				      "    identity=\"My \\\"router\\\"\" board=x86 unicast=no answer-limit=250000 # a comment\n"
				      "\n"
				      "  /tool romon port  # another\n"
				      "set [ find default=yes ] cost=50 forbid=yes\n"
				      "add interface=eth7 cost=200 forbid=no disabled=yes comment=\"up\\\n"
				      "    link\"\n"
				      "\tadd cost=7 interface=\"eth[0-3]\"\n");
	const struct config_settings *settings = config_settings(config);
	struct romon_mac id;
	size_t count;
	const struct config_port *ports = config_ports(config, &count);

	(void)state;
	assert_true(romon_mac_parse("6C:3B:6B:48:0E:8B", &id));
	assert_true(settings->enabled);
	assert_true(romon_mac_equal(settings->id, id));
	assert_int_equal(settings->secrets.count, 1);
	assert_string_equal(settings->identity, "My \"router\"");
	assert_string_equal(settings->board, "x86");
	assert_false(settings->unicast);
	assert_int_equal(settings->answer_limit, 250000);
	assert_int_equal(count, 3);
	assert_true(ports[0].is_default && ports[0].forbid);
	assert_int_equal(ports[0].cost, 50);
	assert_string_equal(ports[1].interface, "eth7");
	assert_true(ports[1].disabled && !ports[1].forbid && !ports[1].is_default);
	assert_int_equal(ports[1].cost, 200);
	assert_string_equal(ports[1].comment, "uplink");
	assert_string_equal(ports[2].interface, "eth[0-3]");
	assert_int_equal(ports[2].cost, 7);
	assert_false(ports[2].disabled);
	config_free(config);
}

/* A port's own word holds, and else that of the settings; the entry `all` has none of its own. */
static void test_datapath(void **state)
{
	struct config *config =
		parse("/tool romon\nset datapath=packet\n/tool romon port\nadd interface=a\n"
		      "add interface=b datapath=xdp\nadd interface=c datapath=default\nadd interface=d datapath=auto\n");
	static const enum datapath_want wanted[] = {
		DATAPATH_WANT_PACKET, DATAPATH_WANT_PACKET, DATAPATH_WANT_XDP, DATAPATH_WANT_PACKET, DATAPATH_WANT_AUTO};
	struct config *defaults = config_new();
	size_t count;
	const struct config_port *ports = config_ports(config, &count);

	(void)state;
	assert_int_equal(count, 5);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(config_datapath(config, &ports[i]), wanted[i]);
	assert_int_equal(config_datapath(defaults, config_ports(defaults, &count)), DATAPATH_WANT_AUTO);
	config_free(defaults);
	config_free(config);
	assert_refused("/tool romon\nset datapath=default\n", 2, "write auto, xdp or packet");
	assert_refused("/tool romon port\nadd interface=a datapath=native\n", 2, "write default, auto, xdp or packet");
	assert_refused("/tool romon port\nset 0 datapath=xdp\n", 2, "only cost, forbid and secrets");
}

/* All of these say the same. */
static void test_forms(void **state)
{
	static const char *const forms[] = {
		"/tool romon\nset enabled=yes\n/tool romon port\nset [ find default=yes ] cost=5\nadd interface=eth7\n",
		"/tool romon\r\nset enabled=yes\r\n/tool romon port\r\nset [ find default=yes ] cost=5\r\nadd interface=eth7\r\n",
		"\xef\xbb\xbf/tool romon\nset enabled=yes\n/tool romon port\nset [ find default=yes ] cost=5\nadd interface=eth7",
		"/tool/romon\nset enabled=yes\n/tool/romon/port\nset [find default=yes] cost=5\nadd interface=eth7\n",
		"/tool/romon/set enabled=yes\n/tool/romon/port/set 0 cost=5\n/tool/romon/port/add interface=eth7\n",
		"/tool romon port add interface=eth7\n/tool romon port set [ find default=yes ] cost=5\n/tool romon set "
		"enabled=yes\n",
		"/tool romon port\nadd interface=eth7\n/tool romon set enabled=yes\nset 0 cost=5\n",
		"/tool romon\nset\nset enabled=\"yes\"\n/tool romon port\nset 0\nset 0 cost=\\\n    5\nadd inter\\\n  face=e\\\n "
		" th7\n",
		"/tool romon\nset enabled=yes id=00:00:00:00:00:00 secrets=\"\"\n/tool romon port\n"
		"set [ find default=yes ] cost=5 disabled=no forbid=no interface=all secrets=\"\"\n"
		"add cost=100 disabled=no forbid=no interface=eth7 secrets=\"\"\n", /* export verbose */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct config *config = parse(forms[i]);
		size_t count, len;
		const struct config_port *ports = config_ports(config, &count);
		char *text = config_text(config, &len);

		assert_true(config_settings(config)->enabled);
		assert_int_equal(count, 2);
		assert_int_equal(ports[0].cost, 5);
		assert_string_equal(ports[1].interface, "eth7");
		assert_int_equal(ports[1].cost, 100);
		assert_int_equal(len, strlen(forms[i]));
		assert_string_equal(text, forms[i]);
		free(text);
		config_free(config);
	}
}

static void test_comments(void **state)
{
	struct config *config = parse("# not continued \\\n/tool romon #here\nset enabled=yes # \"\n  # =\nset unicast=no");

	(void)state;
	assert_true(config_settings(config)->enabled);
	assert_false(config_settings(config)->unicast);
	config_free(config);
}

static void test_bad_syntax(void **state)
{
	(void)state;
	assert_refused("set enabled=yes\n", 1, "menu");
	assert_refused("/tool romon services\n", 1, "unknown menu");
	assert_refused("/tool romon port x\n", 1, "unknown menu");
	assert_refused("# x\n/ip address\nadd\n", 2, "unknown menu");
	assert_refused("/\n", 1, "unknown menu");
	assert_refused("/tool\n", 1, "unknown menu");
	assert_refused("/tool romon print\n", 1, "unknown menu");
	assert_refused("/tool romon [\n", 1, "unknown menu");
	assert_refused("/tool romon\nadd interface=eth7\n", 2, "unknown command");
	assert_refused("/tool romon\nprint\n", 2, "unknown command");
	assert_refused("/tool romon port\nremove 0\n", 2, "unknown command");
	assert_refused("/tool romon\n=\n", 2, "a line begins");
	assert_refused("/tool romon\nset enabled\n", 2, "name=value");
	assert_refused("/tool romon\nset enabled = yes\n", 2, "name=value");
	assert_refused("/tool romon\nset =yes\n", 2, "name=value");
	assert_refused("/tool romon\nset identity=My router\n", 2, "double quotes");
	assert_refused("/tool romon\nset identity=a,b\n", 2, "double quotes");
	assert_refused("/tool romon\nset identity=a#b\n", 2, "double quotes");
	assert_refused("/tool romon\nset enabled=yes; set id=x\n", 2, "double quotes");
	assert_refused("/tool romon\nset enabled=yes\\ \n", 2, "double quotes");
	assert_refused("/tool romon\nset \\\n  enabled=yes \\\n  id=x\n", 4, "id");
	assert_refused("/tool romon\nset identity=\"a \\\n   b\nset enabled=yes\n", 2, "not closed");
	assert_refused("/tool romon\nset enabled=yes \\\n", 3, "continues nothing");
	assert_refused("/tool romon\nset ENABLED=yes\n", 2, "name=value");
	assert_refused("/tool romon\nset aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa=yes\n", 2, "name=value");
}

static void test_bad_properties(void **state)
{
	(void)state;
	assert_refused("/tool romon\nset colour=red\n", 2, "unknown property colour");
	assert_refused("/tool romon\nset cost=5\n", 2, "unknown property cost");
	assert_refused("/tool romon\nset current-id=00:00:00:00:00:00\n", 2, "current-id");
	assert_refused("/tool romon\nset enabled=maybe\n", 2, "yes or no");
	assert_refused("/tool romon\nset id=01:00:5e:00:00:01\n", 2, "group");
	assert_refused("/tool romon\nset id=default\n", 2, "hexadecimal");
	assert_refused("/tool romon\nset enabled=yes enabled=yes\n", 2, "enabled is set twice");
	assert_refused("/tool romon\nset enabled=yes\n\nset enabled=no\n", 4, "enabled is set twice");
	assert_refused("/tool romon port\nadd interface=a cost=0\n", 2, "cost");
	assert_refused("/tool romon port\nadd interface=a cost=1 cost=2\n", 2, "cost is set twice");
}

/* The reason goes to the log, so it names nothing of a value that may be a secret, misquoted as it may be. */
static void test_reasons_tell_no_secret(void **state)
{
	static const char *const bad[] = {"Qz1 Xk2=Wv3", "Qz1 Xk2 Wv3", "\"Qz1 Xk2", "\"Qz1\" Xk2=\"Wv3\"", "\"Qz1\"Xk2",
		"Qz1\"Xk2", "Qz1$Xk2", "Qz1{Xk2}", "Qz1\\Xk2", "\"Qz1\\Xk2\"", "Qz1\x01Xk2", "(Qz1 Xk2)", "(Qz1,Xk2",
		"Qz1,Xk2,Qz1", "Qz1;Xk2", "Qz1 \\\n xk2=Wv3", "Qz1 secrets=Xk2", "Qz1,a,b,c,d,e,f,g,Xk2"};
	static const char *const parts[] = {"Qz1", "Xk2", "xk2", "Wv3", "01"};
	static const char *const begin[] = {"/tool romon\nset secrets=", "/tool romon port\nadd interface=a secrets="};
	char text[128];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		for (size_t k = 0; k < sizeof(begin) / sizeof(begin[0]); k++) {
			struct config_error error;

			snprintf(text, sizeof(text), "%s%s\n", begin[k], bad[i]);
			assert_null(config_parse(text, strlen(text), &error));
			for (size_t n = 0; n < sizeof(parts) / sizeof(parts[0]); n++)
				if (strstr(error.reason, parts[n]) != NULL)
					fail_msg("%s: %s", bad[i], error.reason);
		}
	}
}

/* The settings' list and a port's own, as export writes them. */
static void test_secrets(void **state)
{
	static const char text[] = "/tool romon\nset secrets=\"\",\"my secret\"\n/tool romon port\n"
				   "set [ find default=yes ] secrets=(\"\")\nadd interface=a secrets=one,two\n";
	struct config_error error;
	struct config *config = config_parse(text, strlen(text), &error);
	const struct config_port *ports;
	size_t count;

	(void)state;
	assert_non_null(config);
	assert_int_equal(config_settings(config)->secrets.count, 2);
	assert_string_equal(config_settings(config)->secrets.secret[1], "my secret");
	ports = config_ports(config, &count);
	assert_int_equal(ports[0].secrets.count, 1);
	assert_string_equal(ports[0].secrets.secret[0], "");
	assert_int_equal(ports[1].secrets.count, 2);
	assert_string_equal(ports[1].secrets.secret[1], "two");
	config_free(config);
}

static void test_bad_entries(void **state)
{
	static const char preset[] = "failure: only cost, forbid and secrets can be changed for preset";

	(void)state;
	assert_refused("/tool romon port\nset [ find default=yes ] disabled=yes\n", 2, preset);
	assert_refused("/tool romon port\nset [ find default=yes ] interface=eth0\n", 2, preset);
	assert_refused("/tool romon port\nset 0 cost=5 \\\n comment=x\nadd interface=a\n", 3, preset);
	assert_refused("/tool romon port\nset cost=5\n", 2, "find default=yes");
	assert_refused("/tool romon port\nset 1 cost=5\n", 2, "find default=yes");
	assert_refused("/tool romon port\nset [ find default=no ] cost=5\n", 2, "find default=yes");
	assert_refused("/tool romon port\nset [ find default=yes cost=5\n", 2, "find default=yes");
	assert_refused("/tool romon port\nset [ find interface=eth7 ] cost=5\n", 2, "find default=yes");
	assert_refused("/tool romon port\nadd cost=5\n", 2, "interface");
	assert_refused("/tool romon port\nadd\n", 2, "interface");
	assert_refused("/tool romon port\nadd interface=all\n", 2, "interface all");
	assert_refused("/tool romon port\nadd interface=eth7\nadd interface=eth7 disabled=yes\n", 3, "interface eth7");
	assert_refused("/tool romon port\nadd interface=eth* disabled=yes\nadd interface=\"eth*\"\n", 3, "interface eth*");
}

static void test_nul_bytes(void **state)
{
	static const char text[] = "/tool romon\n# \0\nset enabled=yes\n";
	struct config_error error;

	(void)state;
	assert_null(config_parse(text, sizeof(text) - 1, &error));
	assert_int_equal(error.line, 2);
	assert_non_null(strstr(error.reason, "NUL"));
}

static void test_limits(void **state)
{
	struct config_error error;
	struct config *config;
	char *text = malloc(CONFIG_SIZE_MAX + 1);
	size_t len, count;

	(void)state;
	memset(text, '\n', CONFIG_SIZE_MAX + 1);
	config = config_parse(text, CONFIG_SIZE_MAX, &error);
	assert_non_null(config);
	assert_false(config_set(config, "enabled", "yes", &error)); /* no room, and so no change */
	assert_false(config_settings(config)->enabled);
	config_free(config);
	assert_null(config_parse(text, CONFIG_SIZE_MAX + 1, &error));

	len = (size_t)sprintf(text, "/tool romon port\n");
	for (int i = 1; i < CONFIG_PORTS_MAX; i++)
		len += (size_t)sprintf(text + len, "add interface=eth%d\n", i);
	config = config_parse(text, len, &error);
	assert_non_null(config);
	config_ports(config, &count);
	assert_int_equal(count, CONFIG_PORTS_MAX);
	config_free(config);
	len += (size_t)sprintf(text + len, "add interface=eth%d\n", CONFIG_PORTS_MAX);
	assert_null(config_parse(text, len, &error));
	assert_int_equal(error.line, CONFIG_PORTS_MAX + 1);
	free(text);
}

/* Cut anywhere, a text parses or is refused in one of its lines. */
static void test_truncations(void **state)
{
	static const char text[] = "# x\n/tool romon\nset enabled=yes identity=\"a\\\n    b\\41\" secrets=(\"\") # y\n"
				   "/tool romon port set [ find default=yes ] cost=5\r\n/tool romon port\nadd interface=eth7\n";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		struct config_error error = {.line = 999};
		char *copy = malloc(len + 1); /* without a NUL behind it, for the address sanitizer */
		struct config *config;

		memcpy(copy, text, len);
		config = config_parse(copy, len, &error);
		if (config == NULL) {
			assert_in_range(error.line, 1, 9);
			assert_int_not_equal(error.reason[0], '\0');
		}
		config_free(config);
		free(copy);
	}
}

/* scdoc(5) reads a backslash as an escape, even in literal text. */
static void unescape(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		if (*text == '\\')
			text++;
		*out++ = *text;
	}
	*out = '\0';
}

/* Examples stand between lines of ```. */
static void test_man_page_examples(void **state)
{
	char line[512], example[8192] = "";
	bool inside = false;
	size_t examples = 0;
	FILE *page;

	(void)state;
	if (man_page == NULL)
		skip();
	page = fopen(man_page, "r");
	assert_non_null(page);
	while (fgets(line, sizeof(line), page) != NULL) {
		if (strcmp(line, "```\n") == 0) {
			if (inside) {
				unescape(example);
				config_free(parse(example));
				examples++;
			}
			inside = !inside;
			example[0] = '\0';
		} else if (inside) {
			assert_true(strlen(example) + strlen(line) < sizeof(example));
			strcat(example, line);
		}
	}
	fclose(page);
	assert_false(inside);
	assert_true(examples >= 3);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_datapath),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_comments),
		cmocka_unit_test(test_bad_syntax),
		cmocka_unit_test(test_bad_properties),
		cmocka_unit_test(test_reasons_tell_no_secret),
		cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_bad_entries),
		cmocka_unit_test(test_nul_bytes),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_truncations),
		cmocka_unit_test(test_man_page_examples),
	};

	if (argc > 1)
		man_page = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
