/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Changes of the configuration at random: its text always says what the program holds and keeps its comments, and whatever parses
 * can be edited.
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

static struct config *parse(const char *text)
{
	struct config_error error;
	struct config *config = config_parse(text, strlen(text), &error);

	if (config == NULL)
		fail_msg("line %u: %s\nin: %s", error.line, error.reason, text);
	return config;
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

static void add(struct config *config, const char *interface)
{
	const char *names[] = {"interface", "cost"}, *values[] = {interface, "9"};
	struct config_error error;
	size_t number, count;

	if (!config_port_add(config, names, values, 2, &number, &error))
		fail_msg("%s: %s", interface, error.reason);
	config_ports(config, &count);
	assert_int_equal(number, count - 1);
}

/* xorshift: the same edits on every machine. */
static uint32_t random_next(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* What the configuration should say, kept by a second, simpler hand. */
struct model {
	bool enabled, unicast;
	char identity[64];
	size_t count;
	struct {
		char interface[16], comment[64];
		unsigned cost;
		bool forbid;
	} port[16];
};

static void assert_model(const struct config *config, const struct model *model)
{
	const struct config_settings *settings = config_settings(config);
	size_t count;
	const struct config_port *ports = config_ports(config, &count);

	assert_int_equal(settings->enabled, model->enabled);
	assert_int_equal(settings->unicast, model->unicast);
	assert_string_equal(settings->identity, model->identity);
	assert_int_equal(count, model->count);
	for (size_t i = 0; i < count; i++) {
		assert_string_equal(ports[i].interface, model->port[i].interface);
		assert_string_equal(ports[i].comment, model->port[i].comment);
		assert_int_equal(ports[i].cost, model->port[i].cost);
		assert_int_equal(ports[i].forbid, model->port[i].forbid);
	}
}

/* A text of 0 to 12 characters that are hard to write, and the same in quotes, as a value. */
static void random_text(uint32_t *seed, char text[64], char quoted[128])
{
	static const char *const characters[] = {
		"a", "Z", " ", ",", "#", "\"", "\\", "$", "(", ")", "=", ";", "\xc3\xa4", "[", "'"};
	size_t length = random_next(seed) % 13;

	text[0] = '\0';
	strcpy(quoted, "\"");
	while (length-- > 0) {
		const char *character = characters[random_next(seed) % (sizeof(characters) / sizeof(characters[0]))];

		strcat(text, character);
		if (*character == '"' || *character == '\\')
			strcat(quoted, "\\");
		strcat(quoted, character);
	}
	strcat(quoted, "\"");
}

static void random_setting(struct config *config, struct model *model, uint32_t *seed)
{
	char quoted[128];

	switch (random_next(seed) % 3) {
	case 0:
		model->enabled = !model->enabled;
		set(config, "enabled", model->enabled ? "yes" : "no");
		break;
	case 1:
		model->unicast = !model->unicast;
		set(config, "unicast", model->unicast ? "true" : "false");
		break;
	default:
		random_text(seed, model->identity, quoted);
		set(config, "identity", quoted);
		break;
	}
}

static void random_port_change(struct config *config, struct model *model, uint32_t *seed)
{
	size_t number = random_next(seed) % model->count;
	char value[128];

	switch (random_next(seed) % (number == 0 ? 2 : 3)) {
	case 0:
		model->port[number].cost = 1 + random_next(seed) % 65535;
		snprintf(value, sizeof(value), "%u", model->port[number].cost);
		port_set(config, number, "cost", value);
		break;
	case 1:
		model->port[number].forbid = !model->port[number].forbid;
		port_set(config, number, "forbid", model->port[number].forbid ? "yes" : "no");
		break;
	default:
		random_text(seed, model->port[number].comment, value);
		port_set(config, number, "comment", value);
		break;
	}
}

static void random_edit(struct config *config, struct model *model, uint32_t *seed)
{
	static unsigned serial;
	struct config_error error;
	char name[16];
	size_t number;

	switch (random_next(seed) % 4) {
	case 0:
		random_setting(config, model, seed);
		break;
	case 1:
		random_port_change(config, model, seed);
		break;
	case 2:
		if (model->count == sizeof(model->port) / sizeof(model->port[0]))
			break;
		snprintf(name, sizeof(name), "if%u%s", serial % 9999999, serial % 3 == 0 ? "[x]" : "");
		serial++;
		add(config, name);
		memset(&model->port[model->count], 0, sizeof(model->port[0]));
		strcpy(model->port[model->count].interface, name);
		model->port[model->count++].cost = 9;
		break;
	default:
		if (model->count == 1)
			break;
		number = 1 + random_next(seed) % (model->count - 1);
		assert_true(config_port_remove(config, number, &error));
		model->count--;
		memmove(&model->port[number], &model->port[number + 1], (model->count - number) * sizeof(model->port[0]));
		break;
	}
}

/* All say: enabled=yes, and one entry, eth7 of cost 9. The comments that begin with #! stand outside of that entry. */
static const char *const starts[] = {
	"#! one\n/tool romon #! two\nset enabled=yes #! three\n#! four \\\n/tool romon port\n#! five\nadd interface=eth7 cost=9 "
	"# six\n#! end",
	("\xef\xbb\xbf/tool romon #! one\r\nset enabled=yes \\\r\n  unicast=yes #! two\r\n/tool romon port\r\nset 0 cost=100 #! "
	 "three\r\n"
	 "add interface=eth7 cost=9"),
	"/tool/romon/port/add interface=\"eth7\" cost=9\n#! one\n/tool/romon/set enabled=yes identity=\\\n  \"\" #! two\n#! "
	"three\n",
	"/tool romon\n/tool romon port add cost=9 interface=eth7\nset enabled=yes\n#! one\n/tool romon port set 0 #! two",
	"/tool romon port\n#! one\nadd cost=\"9\" \\\n   \\\n interface=\\\neth7\\\n   \n/tool romon\n\n#! two\nset \\\n \\\n "
	"enabled=\"yes\"\\\n   \n",
};

/* No comment but those of removed entries may get lost. */
static size_t count_comments(const char *text)
{
	size_t count = 0;

	for (const char *at = text; (at = strstr(at, "#!")) != NULL; at += 2)
		count++;
	return count;
}

static void test_random_edits(void **state)
{
	(void)state;
	for (uint32_t run = 0; run < 200; run++) {
		const char *start = starts[run % (sizeof(starts) / sizeof(starts[0]))];
		struct model model = {.enabled = true,
			.unicast = true,
			.count = 2,
			.port = {{.interface = "all", .cost = 100}, {.interface = "eth7", .cost = 9}}};
		struct config *config = parse(start);
		uint32_t seed = 1 + run;

		assert_model(config, &model);
		for (unsigned edit = 0; edit < 40; edit++) {
			struct config *again;
			struct config_error error;
			size_t len;
			char *text;

			random_edit(config, &model, &seed);
			assert_model(config, &model);
			text = config_text(config, &len);
			again = config_parse(text, len, &error);
			if (again == NULL)
				fail_msg("run %u: line %u: %s\nin: %s", run, error.line, error.reason, text);
			assert_model(again, &model);
			assert_int_equal(count_comments(text), count_comments(start));
			config_free(again);
			free(text);
		}
		config_free(config);
	}
}

/* Whatever parses can be edited. */
static void assert_editable(struct config *config)
{
	size_t before, after;
	const struct config_port *ports = config_ports(config, &before);
	unsigned cost = ports[before - 1].cost;

	set(config, "enabled", config_settings(config)->enabled ? "no" : "yes");
	set(config, "board", "edited");
	port_set(config, 0, "cost", "41");
	add(config, "new");
	port_set(config, before, "cost", "42");
	ports = config_ports(config, &after);
	assert_string_equal(config_settings(config)->board, "edited");
	assert_int_equal(after, before + 1);
	assert_int_equal(ports[0].cost, 41);
	if (before > 1)
		assert_int_equal(ports[before - 1].cost, cost);
	assert_string_equal(ports[before].interface, "new");
	assert_int_equal(ports[before].cost, 42);
}

static void test_every_damage(void **state)
{
	static const char put[] = " \n\r\t\\\"#=/,()[]a0\x01\xff";
	size_t parsed = 0, refused = 0;

	(void)state;
	for (size_t start = 0; start < sizeof(starts) / sizeof(starts[0]); start++) {
		size_t len = strlen(starts[start]);

		for (size_t at = 0; at < len; at++)
			for (size_t i = 0; i < sizeof(put); i++) {
				char *text = malloc(len);
				struct config_error error;
				struct config *config;

				memcpy(text, starts[start], len);
				text[at] = put[i];
				config = config_parse(text, len, &error);
				free(text);
				if (config == NULL) {
					refused++;
					continue;
				}
				parsed++;
				assert_editable(config);
				config_free(config);
			}
	}
	assert_true(parsed > 1000 && refused > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_edits),
		cmocka_unit_test(test_every_damage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
