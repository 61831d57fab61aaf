/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Characters and values of a configuration. The escapes are those of RouterOS's console. What is wrong with a value is told without
 * any of its characters: it may be a secret, and the reason goes to the log.
 */
#include "daemon/config_lexer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool config_fail(struct config_error *error, unsigned line, const char *format, ...)
{
	va_list args;

	error->line = line;
	va_start(args, format);
	vsnprintf(error->reason, sizeof(error->reason), format, args);
	va_end(args);
	return false;
}

/* Bytes of the line end at offset at, or 0 if there is none. */
static size_t newline_length(const struct cursor *cursor, size_t at)
{
	if (at < cursor->len && cursor->text[at] == '\n')
		return 1;
	if (at + 1 < cursor->len && cursor->text[at] == '\r' && cursor->text[at + 1] == '\n')
		return 2;
	return 0;
}

static bool is_blank(int c)
{
	return c == ' ' || c == '\t';
}

/* RouterOS wraps long lines of an export anywhere, even within a value, and indents what follows: so the blanks go, too. */
static void skip_continuations(struct cursor *cursor)
{
	size_t newline;

	while (cursor->at < cursor->len && cursor->text[cursor->at] == '\\' &&
		(newline = newline_length(cursor, cursor->at + 1)) != 0) {
		cursor->at += 1 + newline;
		cursor->line++;
		while (cursor->at < cursor->len && is_blank(cursor->text[cursor->at]))
			cursor->at++;
		cursor->dangling = cursor->at == cursor->len;
	}
}

int cursor_peek(struct cursor *cursor)
{
	skip_continuations(cursor);
	if (cursor->at == cursor->len)
		return CURSOR_END;
	if (newline_length(cursor, cursor->at) != 0)
		return '\n';
	return (unsigned char)cursor->text[cursor->at];
}

void cursor_skip(struct cursor *cursor)
{
	size_t newline = newline_length(cursor, cursor->at);

	cursor->at += newline != 0 ? newline : 1;
	cursor->line += newline != 0;
	cursor->used = cursor->at;
}

void cursor_skip_blanks(struct cursor *cursor)
{
	while (is_blank(cursor_peek(cursor)))
		cursor_skip(cursor);
}

bool cursor_at_line_end(struct cursor *cursor)
{
	int c = cursor_peek(cursor);

	return c == '\n' || c == '#' || c == CURSOR_END;
}

void cursor_skip_line_end(struct cursor *cursor)
{
	if (cursor_peek(cursor) == '#')
		while (cursor->at < cursor->len && newline_length(cursor, cursor->at) == 0)
			cursor->at++;
	if (newline_length(cursor, cursor->at) != 0)
		cursor_skip(cursor);
}

static bool is_word(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

bool cursor_word(struct cursor *cursor, char word[WORD_MAX + 1])
{
	size_t len = 0;

	for (int c; is_word(c = cursor_peek(cursor)) && len < WORD_MAX; cursor_skip(cursor))
		word[len++] = (char)c;
	word[len] = '\0';
	return !is_word(cursor_peek(cursor));
}

static bool piece_add(struct value_piece *piece, char c, const struct cursor *cursor, struct config_error *error)
{
	if (piece->len == VALUE_PIECE_MAX)
		return config_fail(error, cursor->line, "a value is longer than %d bytes: shorten it", VALUE_PIECE_MAX);
	piece->bytes[piece->len++] = c;
	piece->bytes[piece->len] = '\0';
	return true;
}

/* The value of an upper case hexadecimal digit (a lower case one would be another escape: \b is a backspace), or -1. */
static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Consumes what follows a backslash in quotes, byte by byte: within an escape no line is continued. */
static bool scan_escape(struct cursor *cursor, char *c, struct config_error *error)
{
	static const char names[] = "\"\\$?_nrtabfv", meanings[] = "\"\\$? \n\r\t\a\b\f\v";
	const char *rest = cursor->text + cursor->at, *name;
	size_t left = cursor->len - cursor->at;

	if (left > 0 && *rest != '\0' && (name = strchr(names, *rest)) != NULL) {
		*c = meanings[name - names];
		cursor_skip(cursor);
		return true;
	}
	if (left < 2 || hex_digit(rest[0]) < 0 || hex_digit(rest[1]) < 0)
		return config_fail(error, cursor->line, "unknown escape: write a backslash itself as \\\\ within quotes");
	*c = (char)(hex_digit(rest[0]) << 4 | hex_digit(rest[1]));
	if (*c == '\0')
		return config_fail(error, cursor->line, "\\00 cannot stand in a value: take it out");
	cursor_skip(cursor);
	cursor_skip(cursor);
	return true;
}

static bool scan_quoted(struct cursor *cursor, struct value_piece *piece, struct config_error *error)
{
	unsigned opened = cursor->line;

	piece->quoted = true;
	cursor_skip(cursor);
	for (int c; (c = cursor_peek(cursor)) != '"';) {
		char byte = (char)c;

		if (c == CURSOR_END || c == '\n')
			return config_fail(error, opened, "a value's quote is not closed: end it with \"");
		cursor_skip(cursor);
		if (c == '\\' && !scan_escape(cursor, &byte, error))
			return false;
		if (!piece_add(piece, byte, cursor, error))
			return false;
	}
	cursor_skip(cursor);
	return true;
}

static bool scan_bare(struct cursor *cursor, bool parens, struct value_piece *piece, struct config_error *error)
{
	for (int c; (c = cursor_peek(cursor)) != CURSOR_END && c != '\n' && c != ',' && !is_blank(c); cursor_skip(cursor)) {
		if (parens && c == ')')
			return true;
		if (c < ' ' || c == 0x7f)
			return config_fail(error, cursor->line, "a control character in a value: take it out");
		/* These mean something to RouterOS, or were meant to. */
		if (strchr("\"\\#();{}$", c) != NULL)
			return config_fail(error, cursor->line,
				"one of \" \\ # ( ) ; { } $ stands in a value: put the value in double quotes");
		if (!piece_add(piece, (char)c, cursor, error))
			return false;
	}
	return true;
}

/* Reads one element and the blanks around it where they do not end the value. */
static bool scan_piece(struct cursor *cursor, struct value *value, struct config_error *error)
{
	struct value_piece *piece;

	if (value->count == CONFIG_SECRETS_MAX)
		return config_fail(error, cursor->line, "more than %d values in a list: take some out", CONFIG_SECRETS_MAX);
	piece = &value->piece[value->count++];
	piece->len = 0;
	piece->bytes[0] = '\0';
	piece->quoted = false;
	if (value->parens)
		cursor_skip_blanks(cursor);
	if (cursor_peek(cursor) == '"' ? !scan_quoted(cursor, piece, error) : !scan_bare(cursor, value->parens, piece, error))
		return false;
	if (value->parens)
		cursor_skip_blanks(cursor);
	return true;
}

bool value_scan(struct cursor *cursor, struct value *value, struct config_error *error)
{
	int c = cursor_peek(cursor);

	value->count = 0;
	value->parens = c == '(';
	if (value->parens)
		cursor_skip(cursor);
	while (scan_piece(cursor, value, error)) {
		c = cursor_peek(cursor);
		if (c == ',') {
			cursor_skip(cursor);
			continue;
		}
		if (value->parens) {
			if (c != ')')
				return config_fail(error, cursor->line, "a list that began with ( needs a comma or ) here");
			cursor_skip(cursor);
			c = cursor_peek(cursor);
		}
		if (c != CURSOR_END && c != '\n' && !is_blank(c))
			return config_fail(error, cursor->line, "a blank is missing behind a value");
		return true;
	}
	return false;
}
