/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A network from a text file of the user's own, and any network as a picture or as JSON.
 *
 * A line of the file is a cable: the names of the routers on it, each with `:COST` unless it is 100. The word `mtu=N` holds for the
 * whole line. `#` begins a comment.
 */
#include "sim/layout.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "sim/memory.h"

#define SPACE " \t\r\n"

/* The number of the router with this name; a new one gets the next. */
static uint32_t router_named(struct layout *layout, const char *name)
{
	for (uint32_t i = 0; i < layout->routers; i++)
		if (strcmp(layout->names[i], name) == 0)
			return i;
	layout->names = memory_room(layout->names, &layout->names_cap, layout->routers + 1u, sizeof(*layout->names));
	layout->names[layout->routers] = memory_new(strlen(name) + 1, 1);
	memcpy(layout->names[layout->routers], name, strlen(name) + 1);
	return layout->routers++;
}

static bool number(const char *text, unsigned long min, unsigned long max, uint16_t *value)
{
	char *end;
	unsigned long read = strtoul(text, &end, 10);

	if (!isdigit((unsigned char)*text) || *end != '\0' || read < min || read > max)
		return false;
	*value = (uint16_t)read;
	return true;
}

/* One word of a line: a router, or the cable's MTU. NULL: well; else what is wrong. */
static const char *take_word(struct layout *layout, char *word, uint32_t cable, uint16_t *mtu)
{
	char *colon = strchr(word, ':');
	uint16_t cost = 100;
	uint32_t router;
	size_t jacks = 0;

	if (strncmp(word, "mtu=", 4) == 0)
		return number(word + 4, 256, 65535, mtu) ? NULL : "an MTU is 256 to 65535";
	if (colon != NULL) {
		*colon = '\0';
		if (!number(colon + 1, 1, 65535, &cost))
			return "a cost is 1 to 65535";
	}
	for (const char *c = word; *c != '\0'; c++)
		if (!isalnum((unsigned char)*c) && strchr("._-", *c) == NULL)
			return "a name has letters, digits, '.', '_' and '-'";
	if (*word == '\0')
		return "a router without a name";
	router = router_named(layout, word);
	for (size_t i = 0; i < layout->count; i++)
		jacks += layout->jacks[i].router == router;
	if (jacks == LAYOUT_JACKS_MAX)
		return "more than 250 cables at one router";
	layout_join(layout, router, cable, *mtu, cost);
	return NULL;
}

static const char *take_line(struct layout *layout, char *line, const struct options *options)
{
	char *rest, *word;
	uint16_t mtu = (uint16_t)options->mtu;
	size_t first = layout->count;
	const char *wrong = NULL;
	uint32_t cable;

	line[strcspn(line, "#")] = '\0';
	word = strtok_r(line, SPACE, &rest);
	if (word == NULL)
		return NULL;
	cable = layout_cable(layout);
	for (; word != NULL && wrong == NULL; word = strtok_r(NULL, SPACE, &rest))
		wrong = take_word(layout, word, cable, &mtu);
	for (size_t i = first; i < layout->count; i++)
		layout->jacks[i].mtu = mtu;
	return wrong;
}

bool layout_read(struct layout *layout, const struct options *options, char error[OPTIONS_ERROR])
{
	FILE *file = options->file[0] != '\0' ? fopen(options->file, "re") : NULL;
	char line[4096];
	const char *wrong = NULL;

	if (file == NULL) {
		snprintf(error, OPTIONS_ERROR, "topology=file needs file=PATH of a network: '%s': %s", options->file,
			options->file[0] != '\0' ? strerror(errno) : "no path");
		return false;
	}
	for (unsigned n = 1; wrong == NULL && fgets(line, sizeof(line), file) != NULL; n++) {
		wrong = strlen(line) == sizeof(line) - 1 ? "the line is too long" : take_line(layout, line, options);
		if (wrong != NULL)
			snprintf(error, OPTIONS_ERROR, "%s:%u: %s", options->file, n, wrong);
	}
	fclose(file);
	if (wrong == NULL && layout->routers == 0)
		snprintf(error, OPTIONS_ERROR, "%s: no router in it; a line is a cable: the names of the routers on it",
			options->file);
	return wrong == NULL && layout->routers > 0;
}

/* The name of a router; a made one is its number. */
static const char *name_of(const struct layout *layout, uint32_t router, char text[16])
{
	if (layout->names != NULL)
		return layout->names[router];
	snprintf(text, 16, "r%u", router);
	return text;
}

void layout_dot(const struct layout *layout, FILE *out)
{
	char text[16];

	fputs("graph romon {\n\tnode [shape=box]\n", out);
	for (uint32_t c = 0; c < layout->cables; c++)
		fprintf(out, "\tc%u [shape=point label=\"\"]\n", c);
	for (size_t i = 0; i < layout->count; i++)
		fprintf(out, "\t\"%s\" -- c%u [label=\"%u\"]\n", name_of(layout, layout->jacks[i].router, text),
			layout->jacks[i].cable, layout->jacks[i].cost);
	fputs("}\n", out);
}

void layout_json(const struct layout *layout, FILE *out)
{
	json_t *routers = json_array(), *jacks = json_array(), *whole;
	char text[16];

	for (uint32_t i = 0; i < layout->routers; i++)
		json_array_append_new(routers, json_string(name_of(layout, i, text)));
	for (size_t i = 0; i < layout->count; i++) {
		const struct layout_jack *jack = &layout->jacks[i];

		json_array_append_new(
			jacks, json_pack("{s:s, s:I, s:I, s:I}", "router", name_of(layout, jack->router, text), "cable",
				       (json_int_t)jack->cable, "cost", (json_int_t)jack->cost, "mtu", (json_int_t)jack->mtu));
	}
	whole = json_pack("{s:I, s:o, s:o}", "cables", (json_int_t)layout->cables, "routers", routers, "ports", jacks);
	json_dumpf(whole, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(whole);
}
