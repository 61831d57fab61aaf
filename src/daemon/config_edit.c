/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Changing the configuration: every change is one splice of its text, which is then parsed anew. So the rules of the parser hold
 * for changes, too, a change that fails leaves everything as it was, and all that was not changed keeps its form.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/config_lexer.h"
#include "daemon/config_source.h"
#include "daemon/config_value.h"

static const char *const menu_names[MENU_COUNT] = {[MENU_ROMON] = "/tool romon",
	[MENU_PORT] = "/tool romon port",
	[MENU_SERVICE] = "/tool romon service",
	[MENU_AGENT] = "/tool romon winbox-agent"};

/* What can be changed: the settings, or an entry of a list. */
struct item {
	enum menu menu;
	const struct properties *properties;
	const struct source *source;
	const void *object;
	size_t size;          /* of the object */
	bool preset;          /* it was not added and cannot be removed */
	const char *selector; /* by which `set` finds it, with a blank behind it */
	const char *failure;  /* why a property of a preset cannot be changed */
};

/* A place for a changed object. */
union object {
	struct config_settings settings;
	struct config_port port;
	struct config_service service;
	struct config_agent agent;
};

static struct item settings_item(const struct config *config)
{
	return (struct item){.menu = MENU_ROMON,
		.properties = &settings_properties,
		.source = &config->settings_source,
		.object = &config->settings,
		.size = sizeof(config->settings),
		.selector = ""};
}

/* An entry of the list of ports or of services. False, with *error filled, if there is none of that number. */
static bool list_item(const struct config *config, enum menu menu, size_t number, struct item *item, struct config_error *error)
{
	bool port = menu == MENU_PORT;

	*item = (struct item){0};
	if (number >= (port ? config->port_count : config->service_count))
		return config_fail(error, 0, "the %s list has no number %zu: look it up in %s print", port ? "port" : "service",
			number, port ? "port" : "service");
	if (port)
		*item = (struct item){.menu = menu,
			.properties = &port_properties,
			.source = &config->port_sources[number],
			.object = &config->ports[number],
			.size = sizeof(config->ports[number]),
			.preset = config->ports[number].is_default,
			.selector = "[ find default=yes ] ",
			.failure = CONFIG_PRESET_FAILURE};
	else
		*item = (struct item){.menu = menu,
			.properties = &service_properties,
			.source = &config->service_sources[number],
			.object = &config->services[number],
			.size = sizeof(config->services[number]),
			.preset = config->services[number].is_default,
			.selector = number == 0 ? "ssh " : "winbox ",
			.failure = CONFIG_SERVICE_FAILURE};
	return true;
}

/* A formatted string to be freed, or NULL without memory. */
__attribute__((format(printf, 1, 2))) static char *format(const char *form, ...)
{
	char *text;
	va_list args;
	int len;

	va_start(args, form);
	len = vasprintf(&text, form, args);
	va_end(args);
	return len >= 0 ? text : NULL;
}

/* Puts insert, which it frees and which may be NULL for lack of memory, in place of the bytes of where. */
static bool splice(struct config *config, struct span where, char *insert, struct config_error *error)
{
	size_t len = insert != NULL ? strlen(insert) : 0, rest = config->len - where.end;
	char *text = insert != NULL ? malloc(where.start + len + rest + 1) : NULL;
	struct config *changed, old;

	if (text == NULL) {
		free(insert);
		return config_fail(error, 0, "out of memory");
	}
	memcpy(text, config->text, where.start);
	memcpy(text + where.start, insert, len);
	memcpy(text + where.start + len, config->text + where.end, rest);
	changed = config_parse(text, where.start + len + rest, error);
	free(text);
	free(insert);
	if (changed == NULL) {
		error->line = 0; /* a line of a text that nobody will see */
		return false;
	}
	old = *config;
	*config = *changed;
	*changed = old;
	config_free(changed);
	return true;
}

/* How lines of the text end. */
static const char *line_end(const struct config *config)
{
	const char *first = strchr(config->text, '\n');

	return first != NULL && first > config->text && first[-1] == '\r' ? "\r\n" : "\n";
}

/* Writes a command as a new line of its menu: behind the statement, or else behind the line of the menu, or else at the end. */
static bool insert_line(
	struct config *config, const struct statement *behind, enum menu menu, const char *command, struct config_error *error)
{
	const char *end = line_end(config), *before = "", *path = "", *between = "";
	size_t at = config->len;

	if (behind->present) {
		at = behind->lines.end;
		if (behind->absolute) { /* the current menu may be another one there */
			path = menu_names[menu];
			between = " ";
		}
	} else if (config->menu_end[menu] != 0) {
		at = config->menu_end[menu];
	} else {
		path = menu_names[menu];
		between = end;
	}
	if (at > 0 && config->text[at - 1] != '\n')
		before = end;
	return splice(config, (struct span){at, at}, format("%s%s%s%s%s", before, path, between, command, end), error);
}

/* Writes one property of an object where it belongs: over its old value, into its command, or in a new command. */
static bool write_property(
	struct config *config, const struct item *item, size_t index, const char *value, struct config_error *error)
{
	const struct source *source = item->source;
	const char *name = item->properties->list[index].name;
	struct span span = source->value[index];
	size_t tail = source->statement.tail;
	char *command;
	bool written;

	if (span.start != 0)
		return splice(config, span, format("%s", value), error);
	if (source->statement.present) {
		/* A comment or a continued line may follow closely. */
		const char *after = strchr(" \t\r\n", config->text[tail]) != NULL ? "" : " ";

		return splice(config, (struct span){tail, tail}, format(" %s=%s%s", name, value, after), error);
	}
	/* Entries of their own have their add: this is the settings or a preset. */
	command = format("set %s%s=%s", item->selector, name, value);
	written = command != NULL ? insert_line(config, &source->statement, item->menu, command, error)
				  : config_fail(error, 0, "out of memory");
	free(command);
	return written;
}

static bool item_set(
	struct config *config, const struct item *item, const char *name, const char *value, struct config_error *error)
{
	const struct property *property = property_find(item->properties, name, error);
	union object changed;
	char *before, *after;
	bool done;

	if (property == NULL)
		return false;
	if (item->preset && !property->of_preset)
		return config_fail(error, 0, "%s", item->failure);
	memcpy(&changed, item->object, item->size);
	if (!property_store_text(property, value, &changed, error))
		return false;
	before = property_text(property, item->object);
	after = property_text(property, &changed);
	if (before == NULL || after == NULL)
		done = config_fail(error, 0, "out of memory");
	else if (strcmp(before, after) == 0)
		done = true;
	else
		done = write_property(config, item, (size_t)(property - item->properties->list), after, error);
	free(before);
	free(after);
	return done;
}

bool config_set(struct config *config, const char *name, const char *value, struct config_error *error)
{
	struct item item = settings_item(config);

	return item_set(config, &item, name, value, error);
}

bool config_agent_set(struct config *config, const char *name, const char *value, struct config_error *error)
{
	const struct item item = {.menu = MENU_AGENT,
		.properties = &agent_properties,
		.source = &config->agent_source,
		.object = &config->agent,
		.size = sizeof(config->agent),
		.selector = ""};

	return item_set(config, &item, name, value, error);
}

bool config_port_set(struct config *config, size_t number, const char *name, const char *value, struct config_error *error)
{
	struct item item;

	return list_item(config, MENU_PORT, number, &item, error) && item_set(config, &item, name, value, error);
}

bool config_service_set(struct config *config, size_t number, const char *name, const char *value, struct config_error *error)
{
	struct item item;

	return list_item(config, MENU_SERVICE, number, &item, error) && item_set(config, &item, name, value, error);
}

/* Appends " name=value" to the command in out. */
static bool write_argument(
	FILE *out, const struct properties *properties, const char *name, const char *value, struct config_error *error)
{
	const struct property *property = property_find(properties, name, error);
	union object object;
	char *text;

	if (property == NULL || !property_store_text(property, value, &object, error))
		return false;
	text = property_text(property, &object);
	if (text == NULL)
		return config_fail(error, 0, "out of memory");
	fprintf(out, " %s=%s", property->name, text);
	free(text);
	return true;
}

/* The command that adds such an entry, to be freed; NULL with *error filled. Whether it may be added the parser will say. */
static char *add_command(const struct properties *properties, const char *const *names, const char *const *values, size_t count,
	struct config_error *error)
{
	char *command = NULL;
	size_t len;
	FILE *out = open_memstream(&command, &len);
	bool good = true;

	if (out == NULL) {
		config_fail(error, 0, "out of memory");
		return NULL;
	}
	fputs("add", out);
	for (size_t i = 0; i < count && good; i++)
		good = write_argument(out, properties, names[i], values[i], error);
	if (fclose(out) != 0 && good)
		good = config_fail(error, 0, "out of memory");
	if (good)
		return command;
	free(command);
	return NULL;
}

/* Adds an entry behind the last one of a list that has count entries now, and gives its number. */
static bool list_add(struct config *config, enum menu menu, size_t entries, const char *const *names, const char *const *values,
	size_t count, size_t *number, struct config_error *error)
{
	struct item last;
	char *command;
	bool added;

	if (!list_item(config, menu, entries - 1, &last, error))
		return false;
	command = add_command(last.properties, names, values, count, error);
	added = command != NULL && insert_line(config, &last.source->statement, menu, command, error);
	free(command);
	if (added)
		*number = entries;
	return added;
}

bool config_port_add(struct config *config, const char *const *names, const char *const *values, size_t count, size_t *number,
	struct config_error *error)
{
	return list_add(config, MENU_PORT, config->port_count, names, values, count, number, error);
}

bool config_service_add(struct config *config, const char *const *names, const char *const *values, size_t count, size_t *number,
	struct config_error *error)
{
	return list_add(config, MENU_SERVICE, config->service_count, names, values, count, number, error);
}

bool config_port_remove(struct config *config, size_t number, struct config_error *error)
{
	struct item item;

	if (!list_item(config, MENU_PORT, number, &item, error))
		return false;
	if (item.preset)
		return config_fail(error, 0, "failure: the preset entry cannot be removed: set forbid=yes on it");
	return splice(config, item.source->statement.lines, format("%s", ""), error);
}

bool config_service_remove(struct config *config, size_t number, struct config_error *error)
{
	struct item item;

	if (!list_item(config, MENU_SERVICE, number, &item, error))
		return false;
	if (item.preset)
		return config_fail(error, 0, "failure: a preset cannot be removed: set disabled=yes on it");
	return splice(config, item.source->statement.lines, format("%s", ""), error);
}
