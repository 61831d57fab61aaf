/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon service print|add|set|remove: what other routers can connect to on this one.
 */
#include <stdio.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/parse.h"

#define SERVICES_JSON "name port to user disabled max-streams comment default available streams"

static void services_print(const json_t *services)
{
	static const char *const fields[] = {"name", "port", "to", "user", "max_streams", "streams", "comment"};
	static const char *const titles[] = {"NAME", "PORT", "TO", "USER", "MAX-STREAMS", "STREAMS", "COMMENT"};
	static const enum table_flags flags[] = {
		TABLE_LEFT, TABLE_RIGHT, TABLE_LEFT, TABLE_LEFT, TABLE_RIGHT, TABLE_RIGHT, TABLE_LEFT};
	const size_t columns = sizeof(fields) / sizeof(*fields);
	struct table *table = table_new();

	puts("Flags: * - default, X - disabled, U - unavailable\n"
	     "Columns: NAME, PORT, TO, USER, MAX-STREAMS, STREAMS, COMMENT");
	table_column(table, "#", TABLE_RIGHT);
	table_column(table, "", TABLE_LEFT);
	for (size_t i = 0; i < columns; i++)
		table_column(table, titles[i], flags[i]);
	for (size_t i = 0; i < json_array_size(services); i++) {
		const json_t *service = json_array_get(services, i);
		struct libscols_line *row = table_row(table, NULL);
		char number[24], shown[4];

		snprintf(number, sizeof(number), "%zu", i);
		table_text(row, 0, number);
		snprintf(shown, sizeof(shown), "%s%s%s", json_is_true(json_object_get(service, "default")) ? "*" : "",
			json_is_true(json_object_get(service, "disabled")) ? "X" : "",
			json_is_false(json_object_get(service, "available")) ? "U" : "");
		table_text(row, 1, shown);
		for (size_t j = 0; j < columns; j++)
			table_value(row, 2 + j, json_object_get(service, fields[j]));
	}
	table_print(table, stdout);
	table_free(table);
}

int cmd_service_print(const struct cli *cli)
{
	struct message_reply reply;
	int status = call_once(cli, "GetServices", NULL, 0, &reply);

	if (status != CLI_DONE)
		return status;

	const json_t *services = json_object_get(reply.parameters, "services");

	if (cli->json) {
		json_t *document = json_object();

		call_set(document, "services", output_pick_all(services, SERVICES_JSON));
		output_json(document);
	} else {
		services_print(services);
	}
	message_reply_free(&reply);
	return CLI_DONE;
}

/* Calls a method that changes the list and answers nothing of interest. Takes over the reference to parameters. */
static int service_change(const struct cli *cli, const char *method, json_t *parameters, int status)
{
	struct message_reply reply;

	if (status != CLI_DONE) {
		json_decref(parameters);
		return status;
	}
	status = call_once(cli, method, parameters, 0, &reply);
	message_reply_free(&reply);
	return status;
}

/* Names the entry that the command line names: by number, by name, or as RouterOS writes it. */
static int entry_set(const struct cli *cli, json_t *parameters)
{
	struct parse_entry entry;
	const char *word = cli->word_count > 0 ? cli->words[0] : "";

	if (!*word)
		return cli_fail(CLI_USAGE,
			"romon: %s: which service? Give its number as `romon service print` shows it, or its name",
			cli->command->name);
	if (parse_entry(word, "name=", &entry) && entry.by_number) {
		call_set(parameters, "number", json_integer(entry.number));
		return CLI_DONE;
	}
	if (word[0] == '[' && !parse_entry(word, "name=", &entry))
		return cli_fail(CLI_USAGE, "romon: %s: \"%s\" names no service: give its number, its name, or [find name=NAME]",
			cli->command->name, word);
	return call_set_text(parameters, "name", word[0] == '[' ? entry.name : word);
}

int cmd_service_add(const struct cli *cli)
{
	if (!cli_value(cli, "name") || !cli_value(cli, "port") || !cli_value(cli, "to"))
		return cli_fail(CLI_USAGE, "romon: service add: name, port and to are needed; use: romon service add %s",
			cli->command->synopsis);

	json_t *parameters = json_object();
	int status = call_set_values(cli, parameters);

	return service_change(cli, "AddService", parameters, status);
}

int cmd_service_set(const struct cli *cli)
{
	json_t *parameters = json_object();
	int status = entry_set(cli, parameters);

	if (status == CLI_DONE && cli->pair_count == 0)
		status = cli_fail(
			CLI_USAGE, "romon: service set: nothing to set; use: romon service set %s", cli->command->synopsis);
	if (status == CLI_DONE)
		status = call_set_values(cli, parameters);
	return service_change(cli, "SetService", parameters, status);
}

int cmd_service_remove(const struct cli *cli)
{
	json_t *parameters = json_object();
	int status = entry_set(cli, parameters);

	return service_change(cli, "RemoveService", parameters, status);
}
