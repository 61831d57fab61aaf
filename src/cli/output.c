/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Output: tables by libsmartcols, JSON by jansson.
 */
#include "cli/output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libsmartcols.h>

#include "cli/cli.h"
#include "cli/text.h"

struct table {
	struct libscols_table *scols;
};

struct table *table_new(void)
{
	struct table *table = malloc(sizeof(*table));

	if (!table)
		cli_out_of_memory();
	table->scols = scols_new_table();
	if (!table->scols || scols_table_set_column_separator(table->scols, "  ") != 0)
		cli_out_of_memory();
	scols_table_enable_noencoding(table->scols, 1);                 /* cells are escaped already, and by stricter rules */
	scols_table_set_termforce(table->scols, SCOLS_TERMFORCE_NEVER); /* never cut a column to fit a window */
	return table;
}

void table_free(struct table *table)
{
	scols_unref_table(table->scols);
	free(table);
}

void table_column(struct table *table, const char *title, enum table_flags flags)
{
	int scols_flags = (flags & TABLE_RIGHT ? SCOLS_FL_RIGHT : 0) | (flags & TABLE_TREE ? SCOLS_FL_TREE : 0);

	if (!scols_table_new_column(table->scols, title, 0, scols_flags))
		cli_out_of_memory();
}

struct libscols_line *table_row(struct table *table, struct libscols_line *parent)
{
	struct libscols_line *row = scols_table_new_line(table->scols, parent);

	if (!row)
		cli_out_of_memory();
	return row;
}

void table_text(struct libscols_line *row, size_t column, const char *text)
{
	if (scols_line_refer_data(row, column, text_escape(text)) != 0)
		cli_out_of_memory();
}

void table_value(struct libscols_line *row, size_t column, const json_t *value)
{
	char *text = text_value(value);

	table_text(row, column, text);
	free(text);
}

void table_print(struct table *table, FILE *out)
{
	bool empty = scols_table_is_empty(table->scols);
	char *text = NULL;

	if (empty) /* libsmartcols prints titles only above a row */
		table_row(table, NULL);
	if (scols_print_table_to_string(table->scols, &text) != 0 || !text)
		cli_out_of_memory();
	if (empty)
		text[strcspn(text, "\n")] = '\0';
	for (const char *line = text; *line;) {
		size_t length = strcspn(line, "\n"), used = length;

		while (used > 0 && line[used - 1] == ' ') /* it pads the last column of some rows */
			used--;
		fprintf(out, "%.*s\n", (int)used, line);
		line += length + (line[length] == '\n');
	}
	free(text);
}

json_t *output_pick(const json_t *object, const char *names)
{
	json_t *picked = json_object();

	while (*names) {
		char name[32], field[32];
		size_t length = strcspn(names, " ");

		snprintf(name, sizeof(name), "%.*s", (int)length, names);
		strcpy(field, name);
		for (char *dash = field; (dash = strchr(dash, '-'));)
			*dash = '_';
		json_t *value = json_object_get(object, field);

		if (json_object_set_new(picked, name, value ? json_incref(value) : json_null()) != 0)
			cli_out_of_memory();
		names += length + strspn(names + length, " ");
	}
	return picked;
}

json_t *output_pick_all(const json_t *list, const char *names)
{
	json_t *all = json_array();

	for (size_t i = 0; i < json_array_size(list); i++) {
		if (json_array_append_new(all, output_pick(json_array_get(list, i), names)) != 0)
			cli_out_of_memory();
	}
	return all;
}

void output_json(json_t *document)
{
	/* Fifteen digits are what a double keeps of any decimal number: 0.412 comes out as it came in. */
	char *text = json_dumps(document, JSON_COMPACT | JSON_REAL_PRECISION(15));

	json_decref(document);
	if (!text)
		cli_out_of_memory();

	char *shown = text_escape_json(text);

	puts(shown);
	free(shown);
	free(text);
}

bool output_flush(void)
{
	return fflush(stdout) == 0 && !ferror(stdout);
}

int output_end(int status)
{
	errno = 0;
	if (output_flush() || errno == EPIPE || errno == 0) /* no errno: it failed before, and was dealt with then */
		return status;
	return cli_fail(CLI_NO, "romon: cannot write the output: %s", strerror(errno));
}
