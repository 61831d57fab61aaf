/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon stats: counters of each port, why frames were dropped, and which data path runs.
 */
#include <stdio.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/output.h"

static void ports_print(const json_t *ports)
{
	static const char *const fields[] = {"interface", "rx", "tx", "forwarded", "hashed", "unhashed", "datapath"};
	struct table *table = table_new();

	table_column(table, "INTERFACE", TABLE_LEFT);
	table_column(table, "RX", TABLE_RIGHT);
	table_column(table, "TX", TABLE_RIGHT);
	table_column(table, "FORWARDED", TABLE_RIGHT);
	table_column(table, "HASHED", TABLE_RIGHT);
	table_column(table, "UNHASHED", TABLE_RIGHT);
	table_column(table, "DATAPATH", TABLE_LEFT);
	for (size_t i = 0; i < json_array_size(ports); i++) {
		struct libscols_line *row = table_row(table, NULL);

		for (size_t j = 0; j < sizeof(fields) / sizeof(*fields); j++)
			table_value(row, j, json_object_get(json_array_get(ports, i), fields[j]));
	}
	table_print(table, stdout);
	table_free(table);
}

static void drops_print(const json_t *ports)
{
	struct table *table = table_new();
	size_t count = 0;

	table_column(table, "INTERFACE", TABLE_LEFT);
	table_column(table, "REASON", TABLE_LEFT);
	table_column(table, "COUNT", TABLE_RIGHT);
	for (size_t i = 0; i < json_array_size(ports); i++) {
		const json_t *port = json_array_get(ports, i);
		json_t *drops = json_object_get(port, "drops"), *number;
		const char *reason;

		json_object_foreach(drops, reason, number)
		{
			struct libscols_line *row = table_row(table, NULL);

			table_value(row, 0, json_object_get(port, "interface"));
			table_text(row, 1, reason);
			table_value(row, 2, number);
			count++;
		}
	}
	if (count > 0) {
		putchar('\n');
		table_print(table, stdout);
	}
	table_free(table);
}

/* Why a port has no better data path. */
static void reasons_print(const json_t *ports)
{
	struct table *table = table_new();
	size_t count = 0;

	table_column(table, "INTERFACE", TABLE_LEFT);
	table_column(table, "DATAPATH", TABLE_LEFT);
	table_column(table, "BECAUSE", TABLE_LEFT);
	for (size_t i = 0; i < json_array_size(ports); i++) {
		const json_t *port = json_array_get(ports, i), *reason = json_object_get(port, "datapath_reason");
		struct libscols_line *row;

		if (!json_is_string(reason))
			continue;
		row = table_row(table, NULL);
		table_value(row, 0, json_object_get(port, "interface"));
		table_value(row, 1, json_object_get(port, "datapath"));
		table_value(row, 2, reason);
		count++;
	}
	if (count > 0) {
		putchar('\n');
		table_print(table, stdout);
	}
	table_free(table);
}

int cmd_stats(const struct cli *cli)
{
	struct message_reply reply;
	int status = call_once(cli, "GetStats", NULL, 0, &reply);

	if (status != CLI_DONE)
		return status;

	const json_t *ports = json_object_get(reply.parameters, "ports");

	if (cli->json) {
		json_t *document = json_object();

		call_set(document, "ports",
			output_pick_all(ports, "interface rx tx forwarded hashed unhashed drops datapath datapath-reason"));
		output_json(document);
	} else {
		ports_print(ports);
		drops_print(ports);
		reasons_print(ports);
	}
	message_reply_free(&reply);
	return CLI_DONE;
}
