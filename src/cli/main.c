/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon, the command: the table of commands, and the frame around running one. It knows the daemon's control protocol and
 * nothing of the network; it needs no privilege but access to the socket.
 */
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/cli.h"
#include "cli/output.h"

/* What `romon help` shows and what the command line is checked against. */
const struct command commands[] = {
	{"print", "[show-sensitive]",
		"Show the settings.\n"
		"show-sensitive shows the secrets too, to root.\n",
		.flags = "show-sensitive", .run = cmd_print},
	{"set", "PROPERTY=VALUE ...",
		"Change settings, now and in the configuration file.\n"
		"Properties: enabled (yes or no), id (00:00:00:00:00:00 = choose), secrets, identity, board,\n"
		"unicast (yes or no). A list of secrets is written a,b and the empty one as secrets=\"\";\n"
		"secrets=- reads it from standard input, so that it stands in no history.\n",
		.keys = "*", .run = cmd_set},
	{"port print", "[show-sensitive]", "Show the port list, and which interfaces take part by it.\n",
		.flags = "show-sensitive", .run = cmd_port_print},
	{"port add", "interface=NAME [PROPERTY=VALUE ...]",
		"Add an entry to the port list, for an interface or a pattern such as eth*.\n"
		"Properties: interface, forbid (yes or no), cost (1 to 65535), secrets, disabled (yes or no), comment.\n",
		.keys = "*", .run = cmd_port_add},
	{"port set", "N|[find interface=NAME] PROPERTY=VALUE ...",
		"Change an entry of the port list.\n"
		"N is its number as `romon port print` shows it; [find default=yes] is the entry for all others.\n",
		.keys = "*", .words = 1, .entry = true, .run = cmd_port_set},
	{"port remove", "N|[find interface=NAME]", "Remove an entry from the port list.\n", .words = 1, .entry = true,
		.run = cmd_port_remove},
	{"discover", "[duration=TIME]",
		"Show all routers of the RoMON network.\n"
		"On a terminal until q is pressed; else, or with --json, once after duration (3s).\n",
		.keys = "duration", .run = cmd_discover},
	{"map", "[duration=TIME] [--dot]",
		"Show the whole network as a tree from here.\n"
		"It listens for duration (3s). --dot writes every link for Graphviz.\n",
		.keys = "duration", .flags = "dot", .run = cmd_map},
	{"ping", "ID|IDENTITY [count=N] [size=BYTES] [interval=TIME]",
		"Ping a router by its RoMON ID, or by its identity.\n"
		"Without count until ^C. Status 0 if one reply came, else 1.\n",
		.keys = "id count size interval", .words = 1, .run = cmd_ping},
	{"neighbors", "", "Show the routers heard on each port, and which secrets of its list they have proven to hold.\n",
		.run = cmd_neighbors},
	{"stats", "", "Show counters of each port, and drops by their reason.\n", .run = cmd_stats},
	{"help", "[COMMAND]", "Show all commands, or one of them.\n", .words = 2, .run = cmd_help},
	{0},
};

/* Were one of the standard descriptors closed, the connection to the daemon would get its number, and output would go there. */
static void descriptors_fill(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int run(const struct cli *cli)
{
	if (cli->version)
		return cmd_version(cli);
	if (cli->help)
		return cmd_help(cli);
	if (!cli->command)
		return cli_fail(CLI_USAGE, "romon: no command given; `romon help` lists them");
	return cli->command->run(cli);
}

int main(int argc, char **argv)
{
	struct cli cli;

	descriptors_fill();
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* numbers look the same everywhere, as RouterOS and JSON write them */
	signal(SIGPIPE, SIG_IGN);   /* who reads no more is noticed when writing, with the terminal put right */

	int status = args_read(argc, argv, &cli);

	if (status == CLI_DONE)
		status = run(&cli);
	return output_end(status);
}
