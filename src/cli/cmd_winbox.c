/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon winbox: WinBox on a router that only RoMON reaches. A forward listens on a free port of the loopback, WinBox is told to connect
 * there, and the forward ends with it.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/forwarder.h"
#include "cli/winbox_romon.h"

#define ADDRESS_SIZE sizeof("127.0.0.1:65535")

/* The signals that the forwarder keeps for itself are none of WinBox's business. Returns an errno. */
static int program_start(const char *program, char *const *words, pid_t *child)
{
	posix_spawnattr_t attributes;
	sigset_t none, pipe;
	int error = posix_spawnattr_init(&attributes);

	if (error)
		return error;
	sigemptyset(&none);
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &pipe);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	error = posix_spawnp(child, program, NULL, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	return error;
}

/* WinBox's own command line: ADDRESS [USER [PASSWORD]]. */
static int winbox_start(const struct cli *cli, char *address, pid_t *child)
{
	const char *programs[] = {"winbox", "WinBox", NULL}, *given = cli_value(cli, "program");
	char *words[] = {NULL, address, (char *)(cli->word_count > 1 ? cli->words[1] : NULL),
		(char *)(cli->word_count > 2 ? cli->words[2] : NULL), NULL};
	int error = ENOENT;

	if (given) {
		programs[0] = given;
		programs[1] = NULL;
	}
	for (size_t i = 0; programs[i] && error == ENOENT; i++) {
		words[0] = (char *)programs[i];
		error = program_start(programs[i], words, child);
	}
	if (error)
		return cli_fail(CLI_NO, "romon: cannot run %s: %s: name it with --program PATH",
			given ? given : "winbox or WinBox", strerror(error));
	return CLI_DONE;
}

int cmd_winbox(const struct cli *cli)
{
	char address[ADDRESS_SIZE];
	struct listener listener;
	struct dial dial;
	pid_t child;

	if (cli->word_count < 1)
		return cli_fail(CLI_USAGE, "romon: winbox: which router? Use: romon winbox %s", cli->command->synopsis);
	if (cli->word_count > 1 && cli->words[1][0] == '-')
		return cli_fail(CLI_USAGE, "romon: winbox: \"%s\" is no name of a user", cli->words[1]);

	if (cli_value(cli, "romon"))
		return winbox_romon(cli);

	int status = dial_read(&dial, cli->words[0], "winbox");

	if (status != CLI_DONE)
		return status;
	forwarder_signals_block();
	status = listener_open(&listener, "127.0.0.1:0");
	if (status != CLI_DONE)
		return status;
	snprintf(address, sizeof(address), "127.0.0.1:%u", listener.port);
	status = winbox_start(cli, address, &child);
	if (status == CLI_DONE)
		status = forwarder_run(cli, &listener, &dial, child);
	listener_close(&listener);
	return status;
}
