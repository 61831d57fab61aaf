/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon port print|add|set|remove: the list that says which interfaces take part, and how.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/secrets.h"

static void entries_print(const json_t *ports, bool sensitive)
{
	struct table *table = table_new();

	puts("Flags: * - default, X - disabled\nColumns: INTERFACE, FORBID, COST, SECRETS, DATAPATH, COMMENT");
	table_column(table, "#", TABLE_RIGHT);
	table_column(table, "", TABLE_LEFT);
	table_column(table, "INTERFACE", TABLE_LEFT);
	table_column(table, "FORBID", TABLE_LEFT);
	table_column(table, "COST", TABLE_RIGHT);
	table_column(table, "SECRETS", TABLE_LEFT);
	table_column(table, "DATAPATH", TABLE_LEFT);
	table_column(table, "COMMENT", TABLE_LEFT);
	for (size_t i = 0; i < json_array_size(ports); i++) {
		const json_t *port = json_array_get(ports, i);
		struct libscols_line *row = table_row(table, NULL);
		char number[24], *secrets = secrets_shown(port, sensitive);

		snprintf(number, sizeof(number), "%zu", i);
		table_text(row, 0, number);
		if (json_is_true(json_object_get(port, "default")))
			table_text(row, 1, "*");
		else if (json_is_true(json_object_get(port, "disabled")))
			table_text(row, 1, "X");
		table_value(row, 2, json_object_get(port, "interface"));
		table_value(row, 3, json_object_get(port, "forbid"));
		table_value(row, 4, json_object_get(port, "cost"));
		table_text(row, 5, secrets);
		table_value(row, 6, json_object_get(port, "datapath"));
		table_value(row, 7, json_object_get(port, "comment"));
		free(secrets);
	}
	table_print(table, stdout);
	table_free(table);
}

/* The interfaces that take part, each with the number of the entry that decided so; with detail, by which data path each receives, and why
 * not by a better one. */
static void members_print(const json_t *ports, bool detail)
{
	struct table *table = table_new();
	size_t count = 0;

	table_column(table, "MEMBER", TABLE_LEFT);
	table_column(table, "#", TABLE_RIGHT);
	table_column(table, "STATE", TABLE_LEFT);
	table_column(table, "ERROR", TABLE_LEFT);
	if (detail) {
		table_column(table, "DATAPATH", TABLE_LEFT);
		table_column(table, "BECAUSE", TABLE_LEFT);
	}
	for (size_t i = 0; i < json_array_size(ports); i++) {
		const json_t *members = json_object_get(json_array_get(ports, i), "members");
		char number[24];

		snprintf(number, sizeof(number), "%zu", i);
		for (size_t j = 0; j < json_array_size(members); j++, count++) {
			const json_t *member = json_array_get(members, j);
			struct libscols_line *row = table_row(table, NULL);

			table_value(row, 0, json_object_get(member, "interface"));
			table_text(row, 1, number);
			table_value(row, 2, json_object_get(member, "state"));
			table_value(row, 3, json_object_get(member, "error"));
			if (detail) {
				table_value(row, 4, json_object_get(member, "datapath"));
				table_value(row, 5, json_object_get(member, "datapath_reason"));
			}
		}
	}
	if (count > 0) {
		putchar('\n');
		table_print(table, stdout);
	}
	table_free(table);
}

static void ports_json(const json_t *ports, bool sensitive)
{
	json_t *all = output_pick_all(ports, "interface forbid cost secrets datapath disabled comment default members");
	json_t *document = json_object();

	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *port = json_array_get(ports, i);
		json_t *shown = json_array_get(all, i);

		secrets_json(shown, port, sensitive);
		call_set(shown, "members",
			output_pick_all(json_object_get(port, "members"), "interface state error datapath datapath-reason"));
	}
	call_set(document, "ports", all);
	output_json(document);
}

int cmd_port_print(const struct cli *cli)
{
	bool sensitive = cli_flag(cli, "show-sensitive"), given = true;
	struct message_reply reply;
	int status = call_once(cli, "GetPorts", secrets_parameters(sensitive), 0, &reply);

	if (status != CLI_DONE)
		return status;

	const json_t *ports = json_object_get(reply.parameters, "ports");

	for (size_t i = 0; i < json_array_size(ports); i++)
		given &= secrets_given(json_array_get(ports, i));
	if (sensitive && !given) {
		status = secrets_refused();
	} else if (cli->json) {
		ports_json(ports, sensitive);
	} else {
		entries_print(ports, sensitive);
		members_print(ports, cli_flag(cli, "detail"));
	}
	message_reply_free(&reply);
	return status;
}

/* Calls a method that changes the list and answers nothing of interest. Takes over the reference to parameters. */
static int port_change(const struct cli *cli, const char *method, json_t *parameters)
{
	struct message_reply reply;
	int status = call_once(cli, method, parameters, 0, &reply);

	message_reply_free(&reply);
	return status;
}

/* Names the entry that the command line names. */
static int entry_set(const struct cli *cli, json_t *parameters)
{
	struct parse_entry entry;

	if (cli->word_count == 0)
		return cli_fail(CLI_USAGE,
			"romon: %s: which entry? Give its number as `romon port print` shows it, or [find interface=NAME]",
			cli->command->name);
	if (!parse_entry(cli->words[0], "interface=", &entry))
		return cli_fail(CLI_USAGE,
			"romon: %s: \"%s\" names no entry: give its number, [find interface=NAME] or [find default=yes]",
			cli->command->name, cli->words[0]);
	if (!entry.by_number)
		return call_set_text(parameters, "interface", entry.name);
	call_set(parameters, "number", json_integer(entry.number));
	return CLI_DONE;
}

int cmd_port_add(const struct cli *cli)
{
	if (!cli_value(cli, "interface"))
		return cli_fail(
			CLI_USAGE, "romon: port add: interface=NAME is missing; use: romon port add %s", cli->command->synopsis);

	json_t *parameters = json_object();
	int status = call_set_values(cli, parameters);

	if (status == CLI_DONE)
		return port_change(cli, "AddPort", parameters);
	json_decref(parameters);
	return status;
}

int cmd_port_set(const struct cli *cli)
{
	json_t *parameters = json_object();
	int status = entry_set(cli, parameters);

	if (status == CLI_DONE && cli->pair_count == 0)
		status = cli_fail(CLI_USAGE, "romon: port set: nothing to set; use: romon port set %s", cli->command->synopsis);
	if (status == CLI_DONE)
		status = call_set_values(cli, parameters);
	if (status == CLI_DONE)
		return port_change(cli, "SetPort", parameters);
	json_decref(parameters);
	return status;
}

int cmd_port_remove(const struct cli *cli)
{
	json_t *parameters = json_object();
	int status = entry_set(cli, parameters);

	if (status == CLI_DONE)
		return port_change(cli, "RemovePort", parameters);
	json_decref(parameters);
	return status;
}
