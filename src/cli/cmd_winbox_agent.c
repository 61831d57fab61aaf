/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon winbox-agent print, set: the agent of this machine that WinBox logs in to.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/text.h"

#define PROPERTIES "enabled listen port address"

int cmd_winbox_agent_print(const struct cli *cli)
{
	static const char *const names[] = {"enabled", "listen", "port", "address"};
	struct message_reply reply;
	int status = call_once(cli, "GetWinboxAgent", NULL, 0, &reply);

	if (status != CLI_DONE)
		return status;

	const json_t *agent = json_object_get(reply.parameters, "agent");

	if (cli->json) {
		output_json(output_pick(agent, PROPERTIES));
	} else {
		for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
			char *value = text_value(json_object_get(agent, names[i])), *shown = text_escape(value);

			printf("%9s:%s%s\n", names[i], *shown ? " " : "", shown);
			free(shown);
			free(value);
		}
	}
	message_reply_free(&reply);
	return CLI_DONE;
}

int cmd_winbox_agent_set(const struct cli *cli)
{
	struct message_reply reply;

	if (cli->pair_count == 0)
		return cli_fail(CLI_USAGE, "romon: winbox-agent set: nothing to set; use: romon winbox-agent set %s",
			cli->command->synopsis);

	json_t *parameters = json_object();
	int status = call_set_values(cli, parameters);

	if (status != CLI_DONE) {
		json_decref(parameters);
		return status;
	}
	status = call_once(cli, "SetWinboxAgent", parameters, 0, &reply);
	message_reply_free(&reply);
	return status;
}
