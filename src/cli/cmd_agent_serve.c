/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon agent-serve: this machine as an agent, for one connection. As a forced command in authorized_keys it is all that a key can do, so a
 * limit that is not understood allows nothing, rather than everything.
 */
#include <stdlib.h>
#include <unistd.h>

#include "cli/serve.h"

/* Frees wrong. */
static int limit_failure(const char *key, char *wrong, const char *what)
{
	int status = cli_fail(CLI_USAGE, "romon: agent-serve: %s: \"%s\" is no %s", key, wrong, what);

	free(wrong);
	return status;
}

int cmd_agent_serve(const struct cli *cli)
{
	const struct allow allow = {.ids = cli_value(cli, "ids"), .services = cli_value(cli, "services")};
	char *wrong;

	if (allow.ids && (wrong = allow_ids_wrong(allow.ids)))
		return limit_failure("ids", wrong, "RoMON ID: they are written 6C:3B:6B:48:0E:8B, with commas between");
	if (allow.services && (wrong = allow_services_wrong(allow.services)))
		return limit_failure("services", wrong, "service: they are names or ports from 2 to 65535, with commas between");
	if (isatty(STDIN_FILENO))
		return cli_fail(
			CLI_USAGE, "romon: agent-serve: a machine talks to this, by ssh: use `romon -A AGENT COMMAND` there");
	return serve_run(cli, &allow);
}
