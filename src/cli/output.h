/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Output: tables for people (by libsmartcols), JSON for programs. Whatever goes out through here is harmless for a terminal.
 */
#ifndef CLI_OUTPUT_H
#define CLI_OUTPUT_H

#include <stdbool.h>
#include <stdio.h>

#include <jansson.h>

struct table;
struct libscols_line;

enum table_flags { TABLE_LEFT = 0, TABLE_RIGHT = 1, TABLE_TREE = 2 };

/* An empty table. Like all functions here that need memory, it ends the program if there is none. */
struct table *table_new(void);
void table_free(struct table *table);
/* Adds a column to the right of the others. All columns come before the first row. */
void table_column(struct table *table, const char *title, enum table_flags flags);
/* Adds an empty row; below parent in the table's tree, if that is not NULL. It belongs to the table. */
struct libscols_line *table_row(struct table *table, struct libscols_line *parent);
/* Fills a cell with text of anybody, or with what text_value() makes of a value. */
void table_text(struct libscols_line *row, size_t column, const char *text);
void table_value(struct libscols_line *row, size_t column, const json_t *value);
/* Writes the column titles, and the rows if there are any. */
void table_print(struct table *table, FILE *out);

/* A new object with some members of another, the names separated by blanks and as JSON output has them ("last-seen"; Varlink's
 * are last_seen). What is not there becomes null. */
json_t *output_pick(const json_t *object, const char *names);
/* The same for each element of a list; an empty one if it is no list. */
json_t *output_pick_all(const json_t *list, const char *names);
/* Writes a document as one line and releases it. */
void output_json(json_t *document);

/* Sends what was written on its way. False if nobody reads it any more. */
bool output_flush(void);
/* The exit status at the end: that of the command, unless its output could not be written. A reader who went away is no
 * failure. */
int output_end(int status);

#endif
