/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon agent add, print, remove: names for the agents that one has.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/agent.h"
#include "cli/agents.h"
#include "cli/call.h"
#include "cli/output.h"

int cmd_agent_add(const struct cli *cli)
{
	struct agent agent;

	if (cli->word_count < 2)
		return cli_fail(CLI_USAGE, "romon: agent add: which name for which agent? Use: romon agent add %s",
			cli->command->synopsis);
	if (!agents_name_ok(cli->words[0]))
		return cli_fail(CLI_USAGE,
			"romon: agent add: \"%s\" is no name for an agent: at most %d letters, digits, dots, underscores and "
			"hyphens, none of those first",
			cli->words[0], AGENTS_NAME_MAX);
	if (!agent_read(cli->words[1], &agent))
		return cli_fail(CLI_USAGE, "romon: agent add: \"%s\" is no agent: write [USER@]HOST[:PORT]", cli->words[1]);
	return agents_add(cli->words[0], agent.text);
}

int cmd_agent_remove(const struct cli *cli)
{
	if (cli->word_count < 1)
		return cli_fail(CLI_USAGE, "romon: agent remove: which one? Use: romon agent remove %s", cli->command->synopsis);
	return agents_remove(cli->words[0]);
}

int cmd_agent_print(const struct cli *cli)
{
	json_t *list;
	int status = agents_list(&list);

	if (status != CLI_DONE)
		return status;
	if (cli->json) {
		json_t *document = json_object();

		call_set(document, "agents", list);
		output_json(document);
		return CLI_DONE;
	}

	struct table *table = table_new();

	table_column(table, "NAME", TABLE_LEFT);
	table_column(table, "AGENT", TABLE_LEFT);
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);
		struct libscols_line *row = table_row(table, NULL);

		table_value(row, 0, json_object_get(entry, "name"));
		table_value(row, 1, json_object_get(entry, "agent"));
	}
	puts("Columns: NAME, AGENT");
	table_print(table, stdout);
	table_free(table);
	json_decref(list);
	return CLI_DONE;
}
