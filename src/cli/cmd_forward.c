/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon forward: a port of this machine whose connections go to a router's service.
 */
#include <stdio.h>

#include "cli/call.h"
#include "cli/forwarder.h"
#include "cli/output.h"

/* Who left the choice of the port to us wants to know it, at once. */
static void port_print(const struct cli *cli, const struct listener *listener)
{
	if (cli->json) {
		json_t *document = json_object();

		call_set(document, "port", listener->path ? json_null() : json_integer(listener->port));
		output_json(document);
	} else {
		printf("%u\n", listener->port);
	}
	output_flush();
}

int cmd_forward(const struct cli *cli)
{
	struct listener listener;
	struct dial dial;

	if (cli->word_count < 3)
		return cli_fail(
			CLI_USAGE, "romon: forward: from where to which service? Use: romon forward %s", cli->command->synopsis);

	int status = dial_read(&dial, cli->words[1], cli->words[2]);

	if (status != CLI_DONE)
		return status;
	forwarder_signals_block();
	status = listener_open(&listener, cli->words[0]);
	if (status != CLI_DONE)
		return status;
	if (cli->json || listener.chosen)
		port_print(cli, &listener);
	status = forwarder_run(cli, &listener, &dial, 0);
	listener_close(&listener);
	return status;
}
