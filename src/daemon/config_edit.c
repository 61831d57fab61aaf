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

static const char *const menu_names[MENU_COUNT] = {[MENU_ROMON] = "/tool romon", [MENU_PORT] = "/tool romon port"};

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
static bool write_property(struct config *config, const struct source *source, enum menu menu, size_t index, const char *name,
	const char *value, struct config_error *error)
{
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
	/* Entries of their own have their add: this is the settings or the default entry. */
	command = format("set %s%s=%s", menu == MENU_PORT ? "[ find default=yes ] " : "", name, value);
	written = command != NULL ? insert_line(config, &source->statement, menu, command, error)
				  : config_fail(error, 0, "out of memory");
	free(command);
	return written;
}

/* The change of one property from old to changed, which are objects of the same kind. */
static bool change_property(struct config *config, const struct source *source, enum menu menu, size_t index, const void *old,
	const void *changed, struct config_error *error)
{
	const struct property *property = &(menu == MENU_PORT ? &port_properties : &settings_properties)->list[index];
	char *before = property_text(property, old), *after = property_text(property, changed);
	bool done;

	if (before == NULL || after == NULL)
		done = config_fail(error, 0, "out of memory");
	else if (strcmp(before, after) == 0)
		done = true;
	else
		done = write_property(config, source, menu, index, property->name, after, error);
	free(before);
	free(after);
	return done;
}

bool config_set(struct config *config, const char *name, const char *value, struct config_error *error)
{
	const struct property *property = property_find(&settings_properties, name, error);
	struct config_settings changed = config->settings;

	if (property == NULL || !property_store_text(property, value, &changed, error))
		return false;
	return change_property(config, &config->settings_source, MENU_ROMON, (size_t)(property - settings_properties.list),
		&config->settings, &changed, error);
}

static bool check_number(const struct config *config, size_t number, struct config_error *error)
{
	return number < config->port_count ||
	       config_fail(error, 0, "the port list has no number %zu: look it up in port print", number);
}

bool config_port_set(struct config *config, size_t number, const char *name, const char *value, struct config_error *error)
{
	const struct property *property = property_find(&port_properties, name, error);
	struct config_port changed;

	if (property == NULL || !check_number(config, number, error))
		return false;
	changed = config->ports[number];
	if (changed.is_default && !property->of_preset)
		return config_fail(error, 0, CONFIG_PRESET_FAILURE);
	if (!property_store_text(property, value, &changed, error))
		return false;
	return change_property(config, &config->port_sources[number], MENU_PORT, (size_t)(property - port_properties.list),
		&config->ports[number], &changed, error);
}

/* Appends " name=value" to the command in out, and keeps the value in *port. */
static bool write_argument(FILE *out, const char *name, const char *value, struct config_port *port, struct config_error *error)
{
	const struct property *property = property_find(&port_properties, name, error);
	char *text;

	if (property == NULL || !property_store_text(property, value, port, error))
		return false;
	text = property_text(property, port);
	if (text == NULL)
		return config_fail(error, 0, "out of memory");
	fprintf(out, " %s=%s", property->name, text);
	free(text);
	return true;
}

/* The command that adds such an entry, to be freed; NULL with *error filled. Whether it may be added the parser will say. */
static char *add_command(const char *const *names, const char *const *values, size_t count, struct config_error *error)
{
	struct config_port port;
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
		good = write_argument(out, names[i], values[i], &port, error);
	if (fclose(out) != 0 && good)
		good = config_fail(error, 0, "out of memory");
	if (good)
		return command;
	free(command);
	return NULL;
}

bool config_port_add(struct config *config, const char *const *names, const char *const *values, size_t count, size_t *number,
	struct config_error *error)
{
	char *command = add_command(names, values, count, error);
	bool added = command != NULL &&
		     insert_line(config, &config->port_sources[config->port_count - 1].statement, MENU_PORT, command, error);

	free(command);
	if (added)
		*number = config->port_count - 1;
	return added;
}

bool config_port_remove(struct config *config, size_t number, struct config_error *error)
{
	if (!check_number(config, number, error))
		return false;
	if (number == 0)
		return config_fail(error, 0, "failure: the preset entry cannot be removed: set forbid=yes on it");
	return splice(config, config->port_sources[number].statement.lines, format("%s", ""), error);
}
