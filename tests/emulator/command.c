/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Options and their units: `loss=1%`, `delay=5ms`, `rate=100Mbit`, `limit=256K`, `mtu=1500`.
 */
#include "command.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	const char *name;
	double factor;
};

static const struct unit shares[] = {{"", 1}, {"%", 0.01}, {NULL, 0}};
static const struct unit times[] = {{"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {NULL, 0}};
static const struct unit rates[] = {{"bit", 1}, {"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}, {"", 1}, {NULL, 0}};
static const struct unit sizes[] = {{"", 1}, {"K", 1024}, {"M", 1024 * 1024}, {NULL, 0}};

struct option {
	const char *name;
	const struct unit *units;
	double max;
	size_t at;
	enum { SHARE, TIME, U64, U32 } type;
};

#define OPTION(name, units, max, type) \
	{ \
#name, units, max, offsetof(struct way_options, name), type \
	}

static const struct option known[] = {
	OPTION(loss, shares, 1, SHARE),
	OPTION(duplicate, shares, 1, SHARE),
	OPTION(corrupt, shares, 1, SHARE),
	OPTION(reorder, shares, 1, SHARE),
	OPTION(depth, sizes, 1000, U32),
	OPTION(delay, times, 60e9, TIME),
	OPTION(jitter, times, 60e9, TIME),
	OPTION(rate, rates, 1e12, U64),
	OPTION(limit, sizes, 1e9, U64),
	OPTION(mtu, sizes, 65535, U32),
};

unsigned command_split(char *line, char **words)
{
	unsigned count = 0;
	char *save, *word = strtok_r(line, " \t\r\n", &save);

	for (; word != NULL && count < COMMAND_WORDS_MAX; word = strtok_r(NULL, " \t\r\n", &save))
		words[count++] = word;
	return count;
}

static bool value_parse(const char *text, const struct option *option, double *value)
{
	char *end;

	*value = strtod(text, &end);
	if (end == text || !isfinite(*value) || *value < 0)
		return false;
	for (const struct unit *unit = option->units; unit->name != NULL; unit++) {
		if (strcmp(end, unit->name) == 0) {
			*value *= unit->factor;
			return *value <= option->max;
		}
	}
	return false;
}

bool command_option(struct way_options *options, const char *word)
{
	const char *text = strchr(word, '=');
	double value;

	for (size_t i = 0; text != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
		char *place = (char *)options + known[i].at;

		if (strlen(known[i].name) != (size_t)(text - word) || strncmp(word, known[i].name, (size_t)(text - word)) != 0)
			continue;
		if (!value_parse(text + 1, &known[i], &value))
			return false;
		switch (known[i].type) {
		case SHARE:
			*(double *)(void *)place = value;
			break;
		case TIME:
			*(int64_t *)(void *)place = (int64_t)value;
			break;
		case U64:
			*(uint64_t *)(void *)place = (uint64_t)value;
			break;
		case U32:
			*(uint32_t *)(void *)place = (uint32_t)value;
			break;
		}
		return true;
	}
	return false;
}
