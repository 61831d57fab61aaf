/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Characters and values of a configuration: a cursor that hides continued lines, and the scanner of one value, which knows
 * quotes, escapes and lists but not what the value is for (that is config_value.h's matter). Bounded: nothing is allocated,
 * nothing is read past the length given.
 */
#ifndef ROMON_CONFIG_LEXER_H
#define ROMON_CONFIG_LEXER_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config.h"

#define CURSOR_END (-1)
#define WORD_MAX 31         /* bytes of a menu, command or property name */
#define VALUE_PIECE_MAX 255 /* bytes of one element of a value */
_Static_assert(VALUE_PIECE_MAX >= CONFIG_TEXT_MAX && VALUE_PIECE_MAX >= CONFIG_SECRET_LEN_MAX, "an element must fit");

/* A place in a text. A backslash at the end of a line, the line's end and the blanks that begin the next line are one with it and
 * never seen through these functions. */
struct cursor {
	const char *text;
	size_t len;
	size_t at;     /* the next byte */
	size_t used;   /* after the last byte that was consumed: continued lines behind it are not yet entered */
	unsigned line; /* of the next byte, from 1 */
	bool dangling; /* the text ended with a backslash that continues nothing */
};

/* The next character, or CURSOR_END. "\r\n" shows as '\n'. */
int cursor_peek(struct cursor *cursor);
/* Consumes the character that cursor_peek() showed. */
void cursor_skip(struct cursor *cursor);
void cursor_skip_blanks(struct cursor *cursor);
/* Is the cursor at the end of a logical line: a newline, a comment or the end of the text? */
bool cursor_at_line_end(struct cursor *cursor);
/* Consumes what ends a logical line, a comment included. A comment is not continued by a backslash. */
void cursor_skip_line_end(struct cursor *cursor);
/* Reads a name of lower case letters, digits and '-' (empty if there is none). False if it is longer than WORD_MAX. */
bool cursor_word(struct cursor *cursor, char word[WORD_MAX + 1]);

struct value_piece {
	char bytes[VALUE_PIECE_MAX + 1]; /* NUL-terminated; holds no other NUL */
	size_t len;
	bool quoted;
};

/* What stands behind a `=`: one element, or several with commas between them. Never none: an empty value is one empty element. */
struct value {
	bool parens; /* the elements stood in ( ) */
	size_t count;
	struct value_piece piece[CONFIG_SECRETS_MAX];
};

/* Reads the value at the cursor up to the blank or line end behind it. False with *error filled if it is malformed. */
bool value_scan(struct cursor *cursor, struct value *value, struct config_error *error);

/* Fills *error and returns false, so that a caller can `return config_fail(...)`. */
bool config_fail(struct config_error *error, unsigned line, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
