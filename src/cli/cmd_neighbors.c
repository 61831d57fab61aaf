/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon neighbors: the routers heard on each port, and which secrets each has proven to hold. Before an old secret is taken away,
 * every neighbour must have proven the new one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/output.h"

/* "0,2", to be freed. */
static char *entries_text(const json_t *entries)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		cli_out_of_memory();
	for (size_t i = 0; i < json_array_size(entries); i++)
		fprintf(out, "%s%" JSON_INTEGER_FORMAT, i > 0 ? "," : "", json_integer_value(json_array_get(entries, i)));
	if (fclose(out) != 0)
		cli_out_of_memory();
	return text;
}

static void neighbors_print(const json_t *neighbors)
{
	struct table *table = table_new();

	puts("Flags: H - hashed\nColumns: INTERFACE, MAC, ADDRESS, SECRET, PROVEN");
	table_column(table, "", TABLE_LEFT);
	table_column(table, "INTERFACE", TABLE_LEFT);
	table_column(table, "MAC", TABLE_LEFT);
	table_column(table, "ADDRESS", TABLE_LEFT);
	table_column(table, "SECRET", TABLE_RIGHT);
	table_column(table, "PROVEN", TABLE_LEFT);
	for (size_t i = 0; i < json_array_size(neighbors); i++) {
		const json_t *neighbor = json_array_get(neighbors, i);
		struct libscols_line *row = table_row(table, NULL);
		char *proven = entries_text(json_object_get(neighbor, "proven"));

		table_text(row, 0, json_is_true(json_object_get(neighbor, "hashed")) ? "H" : "");
		table_value(row, 1, json_object_get(neighbor, "interface"));
		table_value(row, 2, json_object_get(neighbor, "mac"));
		table_value(row, 3, json_object_get(neighbor, "address"));
		table_value(row, 4, json_object_get(neighbor, "secret"));
		table_text(row, 5, proven);
		free(proven);
	}
	table_print(table, stdout);
	table_free(table);
}

int cmd_neighbors(const struct cli *cli)
{
	struct message_reply reply;
	int status = call_once(cli, "GetNeighbors", NULL, 0, &reply);

	if (status != CLI_DONE)
		return status;

	const json_t *neighbors = json_object_get(reply.parameters, "neighbors");

	if (cli->json) {
		json_t *document = json_object();

		call_set(document, "neighbors",
			output_pick_all(neighbors, "interface mac address hashed secret proven last-seen"));
		output_json(document);
	} else {
		neighbors_print(neighbors);
	}
	message_reply_free(&reply);
	return CLI_DONE;
}
