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

#include "cli/agent.h"
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
		"unicast (yes or no), datapath (auto, xdp or packet), answer-limit (bytes in a second).\n"
		"A list of secrets is written a,b and the empty one as secrets=\"\";\n"
		"secrets=- reads it from standard input, so that it stands in no history.\n",
		.keys = "*", .run = cmd_set},
	{"port print", "[detail] [show-sensitive]",
		"Show the port list, and which interfaces take part by it.\n"
		"detail shows by which data path each of them receives, and why not by a better one.\n",
		.flags = "show-sensitive detail", .run = cmd_port_print},
	{"port add", "interface=NAME [PROPERTY=VALUE ...]",
		"Add an entry to the port list, for an interface or a pattern such as eth*.\n"
		"Properties: interface, forbid (yes or no), cost (1 to 65535), secrets, datapath (default, auto, xdp or\n"
		"packet), disabled (yes or no), comment.\n",
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
	{"service print", "", "Show the services: what other routers can connect to here.\n", .run = cmd_service_print},
	{"service add", "name=NAME port=PORT to=WHERE [PROPERTY=VALUE ...]",
		"Add a service.\n"
		"Properties: name, port, to (tcp:127.0.0.1:PORT), disabled (yes or no), max-streams, comment. What runs "
		"programs\n"
		"(exec:), unix: and other machines are for root to write into the configuration file.\n",
		.keys = "*", .run = cmd_service_add},
	{"service set", "N|NAME PROPERTY=VALUE ...",
		"Change a service.\n"
		"N is its number as `romon service print` shows it; [find name=NAME] is taken too.\n",
		.keys = "*", .words = 1, .entry = true, .run = cmd_service_set},
	{"service remove", "N|NAME", "Remove a service.\n", .words = 1, .entry = true, .run = cmd_service_remove},
	{"streams", "[ended]",
		"Show the open streams, by peer and service.\n"
		"ended shows instead which of ours broke off lately, and why.\n",
		.flags = "ended", .run = cmd_streams},
	{"ssh", "ID|IDENTITY [user=NAME] [command=\"...\"] [-- SSH-OPTIONS]",
		"Run the system's ssh over the RoMON network.\n"
		"Host keys are known under the RoMON ID; the status is ssh's. id=IDENTITY names what could be misread.\n",
		.keys = "id user command", .words = 1, .rest = true, .run = cmd_ssh},
	{"connect", "ID|IDENTITY PORT|NAME [--fdpass]",
		"Connect standard input and output to a service of a router.\n"
		"NAME is ssh, winbox or a service of this machine's own list. As a ProxyCommand of ssh with\n"
		"ProxyUseFdpass=yes, --fdpass hands the connection itself to ssh. Status 1 if it broke off.\n",
		.flags = "fdpass", .words = 2, .run = cmd_connect},
	{"forward", "[ADDRESS:]PORT|unix:PATH ID|IDENTITY PORT|NAME",
		"Forward connections to a port of this machine to a service of a router, until ^C.\n"
		"It listens at 127.0.0.1 unless told otherwise; PORT 0 chooses a free one and prints it.\n",
		.words = 3, .run = cmd_forward},
	{"winbox", "[--romon AGENT] ID|IDENTITY [USER [PASSWORD]] [--program PATH]",
		"Run WinBox on a router, over a forward that ends with it.\n"
		"With --romon WinBox goes through an agent that is saved, as its own --romon does, and nothing is forwarded.\n"
		"The program is winbox or WinBox, or --program PATH. Other users of this machine see the password while it "
		"runs.\n",
		.keys = "program romon", .words = 3, .run = cmd_winbox},
	{"winbox-probe", "[USER@]HOST[:PORT]",
		"Show what a server on WinBox's port (8291) answers, step by step, for reports of what does not work.\n"
		"It logs in, and asks for what an agent is asked; of answers it shows keys and kinds. The password is asked for, "
		"or comes\n"
		"from ROMON_PASSWORD_FILE or ROMON_PASSWORD_COMMAND.\n",
		.words = 1, .run = cmd_winbox_probe},
	{"winbox-agent print", "", "Show the settings of the agent that WinBox logs in to.\n", .run = cmd_winbox_agent_print},
	{"winbox-agent set", "PROPERTY=VALUE ...",
		"Let WinBox log in to this machine, to work on routers that it alone reaches.\n"
		"Properties: enabled (yes or no), listen (addresses of this machine), port (8291), address (networks that may "
		"connect; \"\": all).\n",
		.keys = "*", .run = cmd_winbox_agent_set},
	{"winbox-agent user print", "", "Show who may log in to the agent, and which routers each may go to.\n",
		.run = cmd_winbox_user_print},
	{"winbox-agent user add", "NAME [targets=ID,...]",
		"Let somebody log in to the agent.\n"
		"Asks for the password, and keeps only what tells a right one from a wrong one. targets are the RoMON IDs of the "
		"routers\n"
		"that this user may go to; without, all.\n",
		.keys = "targets", .words = 1, .run = cmd_winbox_user_add},
	{"winbox-agent user set", "NAME [targets=ID,...] [--password]",
		"Change where a user may go (targets=\"\": everywhere), or, with --password, the password.\n", .keys = "targets",
		.flags = "password", .words = 1, .run = cmd_winbox_user_set},
	{"winbox-agent user remove", "NAME", "Let a user log in no more. Who is logged in stays.\n", .words = 1,
		.run = cmd_winbox_user_remove},
	{"inventory", "--list | --host NAME [duration=TIME]",
		"Write a dynamic inventory for Ansible.\n"
		"Hosts are routers by their identity, or by their ID where that is no fit or unique name.\n",
		.keys = "host duration", .flags = "list", .run = cmd_inventory},
	{"agent add", "NAME [ros:|winbox:][USER@]HOST[:PORT]",
		"Give a name to an agent: a machine through which this one reaches the network, with -A NAME.\n"
		"ssh goes there, as the user's configuration says; OpenRoMON is installed there, or, with ros:, it runs "
		"RouterOS.\n",
		.words = 2, .run = cmd_agent_add},
	{"agent print", "", "Show the agents that have a name.\n", .run = cmd_agent_print},
	{"agent remove", "NAME", "Take the name of an agent away.\n", .words = 1, .run = cmd_agent_remove},
	{"agent-serve", "[ids=ID,...] [services=NAME|PORT,...]",
		"Serve another machine's romon -A, on standard input and output: for ssh to run, perhaps as a forced command.\n"
		"It looks, pings and connects, to these routers and services alone if they are named, and changes nothing.\n",
		.keys = "ids services", .run = cmd_agent_serve},
	{"help", "[COMMAND]", "Show all commands, or one of them.\n", .words = 3, .run = cmd_help},
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

static int run(struct cli *cli)
{
	struct agent agent;

	if (cli->version)
		return cmd_version(cli);
	if (cli->help)
		return cmd_help(cli);
	if (!cli->command)
		return cli_fail(CLI_USAGE, "romon: no command given; `romon help` lists them");
	if (cli->agent_text) {
		int status = agent_find(cli, cli->agent_text, &agent);

		if (status != CLI_DONE)
			return status;
		cli->agent = &agent;
	}
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
