/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon help, romon --version.
 */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

/* The first of the command's lines of help. */
static void summary_print(const struct command *command)
{
	printf("  %-24s %.*s\n", command->name, (int)strcspn(command->help, "\n"), command->help);
}

static int overview_print(void)
{
	puts("Usage: romon [-s SOCKET | -A AGENT] [-j] COMMAND [KEY=VALUE ...]\n");
	puts("Talks to romond, the RoMON daemon of this machine. Commands:\n");
	for (const struct command *command = commands; command->name; command++)
		summary_print(command);
	puts("\nOptions:\n\n"
	     "  -s SOCKET      romond's control socket (/run/romon/romond.sock)\n"
	     "  -A AGENT       go through another machine: [ros:|winbox:][USER@]HOST[:PORT] or a saved name\n"
	     "  -j, --json     write JSON\n"
	     "  -h, --help     explain the command\n"
	     "  -V, --version  show the version\n\n"
	     "`romon help COMMAND` tells more, romon(8) all. Arguments may be written --key value, commands /tool/romon/ping.");
	return CLI_DONE;
}

static void command_print(const struct command *command)
{
	printf("Usage: romon %s%s%s\n\n%s", command->name, *command->synopsis ? " " : "", command->synopsis, command->help);
}

int cmd_help(const struct cli *cli)
{
	/* `romon ping --help` asks for ping, `romon help port print` for its words. */
	const char *first = cli->help ? cli->command ? cli->command->name : NULL : cli->word_count > 0 ? cli->words[0] : NULL;
	const char *second = !cli->help && cli->word_count > 1 ? cli->words[1] : NULL;
	const char *third = second && cli->word_count > 2 ? cli->words[2] : NULL;
	char name[64];
	bool found = false;

	if (!first)
		return overview_print();
	snprintf(name, sizeof(name), "%s%s%s%s%s", first, second ? " " : "", second ? second : "", third ? " " : "",
		third ? third : "");
	for (const struct command *command = commands; command->name; command++) {
		if (strcmp(command->name, name) == 0) {
			command_print(command);
			found = true;
		} else if (strncmp(command->name, name, strlen(name)) == 0 && command->name[strlen(name)] == ' ') {
			summary_print(command); /* `romon help port` */
			found = true;
		}
	}
	return found ? CLI_DONE : cli_fail(CLI_USAGE, "romon: unknown command \"%s\"; `romon help` lists them", name);
}

int cmd_version(const struct cli *cli)
{
	(void)cli;
	puts("romon " ROMON_VERSION);
	return CLI_DONE;
}
