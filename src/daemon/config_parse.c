/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The parser of the configuration: menus and commands of a RouterOS export. It takes the whole text or nothing, and notes where
 * everything stood, for config_edit.c.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/config_lexer.h"
#include "daemon/config_source.h"
#include "daemon/config_value.h"

struct parser {
	struct cursor cursor;
	struct config *config;
	enum menu menu; /* that commands without one belong to */
	struct config_error *error;
};

/* An object that a command describes. */
struct subject {
	const struct properties *properties;
	void *object;
	struct source *source;
};

/* Gives a failure that does not know its line the one where the cursor is. Returns false. */
static bool fail_here(struct parser *parser)
{
	if (parser->error->line == 0)
		parser->error->line = parser->cursor.line;
	return false;
}

static bool fail(struct parser *parser, const char *reason)
{
	return config_fail(parser->error, parser->cursor.line, "%s", reason);
}

/* NULL without memory. The pointers to entries that were got before are void then. */
static struct config_port *port_new(struct config *config)
{
	size_t count = config->port_count + 1;
	struct config_port *ports = realloc(config->ports, count * sizeof(*ports)), *port;
	struct source *sources;

	if (ports == NULL)
		return NULL;
	config->ports = ports;
	sources = realloc(config->port_sources, count * sizeof(*sources));
	if (sources == NULL)
		return NULL;
	config->port_sources = sources;
	memset(&sources[config->port_count], 0, sizeof(*sources));
	port = &ports[config->port_count];
	memset(port, 0, sizeof(*port));
	port->cost = CONFIG_COST_DEFAULT;
	config->port_count = count;
	return port;
}

/* Was a list of secrets read in this command? Then a word that is not understood may be the rest of a secret that lacks its quotes. */
static bool has_secrets(const struct subject *subject)
{
	for (size_t i = 0; i < subject->properties->count; i++)
		if (subject->properties->list[i].kind == PROPERTY_SECRETS)
			return subject->source->value[i].start > subject->source->statement.lines.start;
	return false;
}

/* name=value */
static bool parse_property(struct parser *parser, const struct subject *subject)
{
	struct cursor *cursor = &parser->cursor;
	const struct property *property;
	char name[WORD_MAX + 1];
	struct value value;
	struct span *span;

	if (!cursor_word(cursor, name) || name[0] == '\0' || cursor_peek(cursor) != '=')
		return fail(parser, "here name=value is needed: put a value with blanks in double quotes");
	property = property_find(subject->properties, name, parser->error);
	if (property == NULL && has_secrets(subject))
		return fail(parser, "unknown property behind secrets: put a secret with a blank in double quotes");
	if (property == NULL)
		return fail_here(parser);
	span = &subject->source->value[property - subject->properties->list];
	if (span->start != 0)
		return config_fail(parser->error, cursor->line, "%s is set twice: take one out", property->name);
	cursor_skip(cursor);
	span->start = cursor->used;
	if (!value_scan(cursor, &value, parser->error) || !property_store(property, &value, subject->object, parser->error))
		return fail_here(parser);
	span->end = cursor->used;
	return true;
}

static bool parse_properties(struct parser *parser, const struct subject *subject)
{
	cursor_skip_blanks(&parser->cursor);
	while (!cursor_at_line_end(&parser->cursor)) {
		if (!parse_property(parser, subject))
			return false;
		subject->source->statement.tail = parser->cursor.used;
		cursor_skip_blanks(&parser->cursor);
	}
	return true;
}

static void end_statement(struct parser *parser, struct source *source)
{
	cursor_skip_line_end(&parser->cursor);
	source->statement.lines.end = parser->cursor.at;
}

static bool expect_word(struct parser *parser, const char *expected)
{
	char word[WORD_MAX + 1];

	cursor_skip_blanks(&parser->cursor);
	return cursor_word(&parser->cursor, word) && strcmp(word, expected) == 0;
}

static bool expect_character(struct parser *parser, char expected)
{
	cursor_skip_blanks(&parser->cursor);
	if (cursor_peek(&parser->cursor) != expected)
		return false;
	cursor_skip(&parser->cursor);
	return true;
}

/* Which entry of the port list `set` changes: `[ find default=yes ]` or its number, 0. All others are described by their `add` alone. */
static bool parse_selector(struct parser *parser)
{
	bool found;

	cursor_skip_blanks(&parser->cursor);
	if (cursor_peek(&parser->cursor) == '[')
		found = expect_character(parser, '[') && expect_word(parser, "find") && expect_word(parser, "default") &&
			expect_character(parser, '=') && expect_word(parser, "yes") && expect_character(parser, ']');
	else
		found = expect_word(parser, "0");
	return found ||
	       fail(parser, "set changes the default entry: write set [ find default=yes ]; change others in their add line");
}

/* Which service `set` changes: a preset, by its name, its number or `[ find name=NAME ]`. */
static bool parse_service_selector(struct parser *parser, size_t *number)
{
	const struct config *config = parser->config;
	char word[WORD_MAX + 1];
	bool find, read;

	cursor_skip_blanks(&parser->cursor);
	find = cursor_peek(&parser->cursor) == '[';
	read = !find || (expect_character(parser, '[') && expect_word(parser, "find") && expect_word(parser, "name") &&
				expect_character(parser, '='));
	read = read && cursor_word(&parser->cursor, word) && (!find || expect_character(parser, ']'));
	for (*number = 0; read && *number < CONFIG_SERVICE_PRESETS; ++*number) {
		const char digit[] = {(char)('0' + *number), '\0'};

		if (strcmp(word, config->services[*number].name) == 0 || (!find && strcmp(word, digit) == 0))
			return true;
	}
	return fail(parser, "set changes the presets ssh and winbox: write set ssh; change others in their add line");
}

/* What `set` changes: the settings, or a preset of the menu's list. */
static bool set_subject(struct parser *parser, enum menu menu, struct subject *subject, size_t *number)
{
	struct config *config = parser->config;

	*number = 0;
	switch (menu) {
	case MENU_PORT:
		*subject = (struct subject){&port_properties, &config->ports[0], &config->port_sources[0]};
		return parse_selector(parser);
	case MENU_SERVICE:
		if (!parse_service_selector(parser, number))
			return false;
		*subject = (struct subject){&service_properties, &config->services[*number], &config->service_sources[*number]};
		return true;
	case MENU_AGENT:
		*subject = (struct subject){&agent_properties, &config->agent, &config->agent_source};
		return true;
	default:
		*subject = (struct subject){&settings_properties, &config->settings, &config->settings_source};
		return true;
	}
}

/* Is the service that a command described all right? */
static bool check_service(struct parser *parser, size_t number)
{
	return config_service_check(parser->config, number, parser->error) || fail_here(parser);
}

static bool parse_set(struct parser *parser, enum menu menu, struct statement statement)
{
	struct config *config = parser->config;
	struct config_port *preset = &config->ports[0];
	struct subject subject;
	size_t number;

	if (!set_subject(parser, menu, &subject, &number))
		return false;
	statement.tail = parser->cursor.used;
	subject.source->statement = statement;
	if (!parse_properties(parser, &subject))
		return false;
	/* An export names the fixed properties of the default entry, too (interface=all disabled=no). */
	if (strcmp(preset->interface, "all") != 0 || preset->disabled || preset->comment[0] != '\0' ||
		preset->datapath != DATAPATH_WANT_DEFAULT)
		return fail(parser, CONFIG_PRESET_FAILURE);
	if (menu == MENU_SERVICE && subject.source->value[0].start != 0)
		return fail(parser, CONFIG_SERVICE_FAILURE);
	if (menu == MENU_SERVICE && !check_service(parser, number))
		return false;
	end_statement(parser, subject.source);
	return true;
}

/* Is the new entry, the last one, the only one for its interface or pattern? */
static bool check_interface(struct parser *parser)
{
	const struct config_port *ports = parser->config->ports;
	size_t last = parser->config->port_count - 1;
	const char *interface = ports[last].interface;

	if (interface[0] == '\0')
		return fail(parser, "add needs an interface: write add interface=NAME");
	if (strcmp(interface, "all") == 0)
		return fail(parser, "there is an entry for interface all already: change it by set [ find default=yes ]");
	for (size_t i = 1; i < last; i++)
		if (strcmp(ports[i].interface, interface) == 0)
			return config_fail(parser->error, parser->cursor.line,
				"there is an entry for interface %s already: change or remove that one", interface);
	return true;
}

/* What `add` describes: a new entry of the menu's list. */
static bool add_subject(struct parser *parser, enum menu menu, struct subject *subject)
{
	struct config *config = parser->config;

	if (menu == MENU_PORT) {
		if (config->port_count == CONFIG_PORTS_MAX)
			return config_fail(parser->error, parser->cursor.line,
				"more than %d entries in the port list: use patterns such as eth*", CONFIG_PORTS_MAX);
		*subject = (struct subject){.properties = &port_properties, .object = port_new(config)};
		subject->source = &config->port_sources[config->port_count - 1];
	} else {
		if (config->service_count == CONFIG_SERVICES_MAX)
			return config_fail(parser->error, parser->cursor.line, "more than %d services", CONFIG_SERVICES_MAX);
		*subject = (struct subject){.properties = &service_properties, .object = config_service_new(config)};
		subject->source = &config->service_sources[config->service_count - 1];
	}
	return subject->object != NULL || fail(parser, "out of memory");
}

static bool parse_add(struct parser *parser, enum menu menu, struct statement statement)
{
	struct subject subject;

	if (!add_subject(parser, menu, &subject))
		return false;
	statement.tail = parser->cursor.used;
	subject.source->statement = statement;
	if (!parse_properties(parser, &subject))
		return false;
	if (menu == MENU_PORT ? !check_interface(parser) : !check_service(parser, parser->config->service_count - 1))
		return false;
	end_statement(parser, subject.source);
	return true;
}

/* A path such as `/tool romon port` or `/tool/romon/port`, and the command behind it, if there is one (else an empty word). */
static bool parse_path(struct parser *parser, enum menu *menu, char command[WORD_MAX + 1])
{
	static const char *const path[] = {"tool", "romon"};
	static const char reason[] =
		"unknown menu: there are /tool romon, /tool romon port, /tool romon service and /tool romon winbox-agent";
	struct cursor *cursor = &parser->cursor;
	size_t depth = 0;

	*menu = MENU_ROMON;
	for (;; depth++) {
		while (cursor_peek(cursor) == '/' || cursor_peek(cursor) == ' ' || cursor_peek(cursor) == '\t')
			cursor_skip(cursor);
		if (!cursor_word(cursor, command))
			return fail(parser, reason);
		if (depth == 2) {
			if (strcmp(command, "port") == 0)
				*menu = MENU_PORT;
			else if (strcmp(command, "service") == 0)
				*menu = MENU_SERVICE;
			else if (strcmp(command, "winbox-agent") == 0)
				*menu = MENU_AGENT;
			else
				break;
		} else if (depth == 3 || strcmp(command, path[depth]) != 0) {
			break;
		}
	}
	if (depth < 2 || (command[0] == '\0' && !cursor_at_line_end(cursor)) ||
		(command[0] != '\0' && strcmp(command, "set") != 0 && strcmp(command, "add") != 0))
		return fail(parser, reason);
	return true;
}

static bool parse_command(struct parser *parser, enum menu menu, const char *command, struct statement statement)
{
	bool is_list = menu == MENU_PORT || menu == MENU_SERVICE;

	if (menu == MENU_NONE)
		return fail(parser, "this command has no menu: write its menu above it, such as /tool romon or /tool romon port");
	if (strcmp(command, "set") == 0)
		return parse_set(parser, menu, statement);
	if (strcmp(command, "add") == 0 && is_list)
		return parse_add(parser, menu, statement);
	return fail(parser, is_list ? "unknown command: write add or set" : "unknown command: write set");
}

/* One logical line: nothing, a menu, or a command, which may have its menu before it. */
static bool parse_line(struct parser *parser)
{
	struct cursor *cursor = &parser->cursor;
	struct statement statement = {.present = true, .lines = {.start = cursor->at}};
	enum menu menu = parser->menu;
	char command[WORD_MAX + 1];

	cursor_skip_blanks(cursor);
	if (cursor_at_line_end(cursor)) {
		cursor_skip_line_end(cursor);
		return true;
	}
	statement.absolute = cursor_peek(cursor) == '/';
	if (statement.absolute) {
		if (!parse_path(parser, &menu, command))
			return false;
		if (command[0] == '\0') {
			cursor_skip_line_end(cursor);
			parser->menu = menu;
			parser->config->menu_end[menu] = cursor->at;
			return true;
		}
	} else if (!cursor_word(cursor, command) || command[0] == '\0') {
		return fail(parser, "a line begins with a menu (/tool romon), a command (set, add) or #");
	}
	return parse_command(parser, menu, command, statement);
}

/* What cannot be allowed anywhere in the text, not even in a comment. */
static bool check_text(const char *text, size_t len, struct config_error *error)
{
	const char *nul = len > 0 ? memchr(text, '\0', len) : NULL;
	unsigned line = 1;

	if (len > CONFIG_SIZE_MAX)
		return config_fail(error, 0, "the configuration is larger than %d bytes: shorten it", CONFIG_SIZE_MAX);
	if (nul == NULL)
		return true;
	for (const char *at = text; at < nul; at++)
		line += *at == '\n';
	return config_fail(error, line, "a NUL byte: this is no text, or not in UTF-8");
}

static bool parse_text(struct parser *parser)
{
	static const char mark[] = "\xef\xbb\xbf"; /* that some editors put before UTF-8 */
	struct cursor *cursor = &parser->cursor;

	if (cursor->len >= 3 && memcmp(cursor->text, mark, 3) == 0)
		cursor->at = 3;
	while (cursor->at < cursor->len)
		if (!parse_line(parser))
			return false;
	if (cursor->dangling)
		return fail(parser, "the text ends with a backslash that continues nothing: take it out");
	return true;
}

/* A configuration of the defaults with the text not yet parsed, or NULL without memory. */
static struct config *config_unparsed(const char *text, size_t len)
{
	struct config *config = calloc(1, sizeof(*config));
	struct config_port *preset;

	if (config == NULL)
		return NULL;
	config->text = malloc(len + 1);
	preset = port_new(config);
	if (config->text == NULL || preset == NULL || !config_service_presets(config)) {
		config_free(config);
		return NULL;
	}
	if (len > 0)
		memcpy(config->text, text, len);
	config->text[len] = '\0';
	config->len = len;
	config->settings.unicast = true;
	config->settings.datapath = DATAPATH_WANT_AUTO;
	config->settings.answer_limit = ROMON_ANSWERS_DEFAULT;
	config_agent_defaults(config);
	preset->is_default = true;
	memcpy(preset->interface, "all", sizeof("all"));
	return config;
}

struct config *config_parse(const char *text, size_t len, struct config_error *error)
{
	struct parser parser = {.menu = MENU_NONE, .error = error};

	if (!check_text(text, len, error))
		return NULL;
	parser.config = config_unparsed(text, len);
	if (parser.config == NULL) {
		config_fail(error, 0, "out of memory");
		return NULL;
	}
	parser.cursor = (struct cursor){.text = parser.config->text, .len = len, .line = 1};
	error->line = 0;
	if (!parse_text(&parser)) {
		config_free(parser.config);
		return NULL;
	}
	return parser.config;
}
