/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon connect: standard input and output to a service of another router. As a ProxyCommand of ssh with --fdpass it hands over the
 * stream itself, and no byte passes through here.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/dial.h"
#include "cli/pump.h"

#define HOST_SUFFIX ".romon" /* as in packaging/ssh_config.d/openromon.conf */

/* As ssh expects it with ProxyUseFdpass: one byte, and the descriptor with it. */
static int stream_pass(int stream)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = {0};
	char byte = 0;
	struct iovec data = {.iov_base = &byte, .iov_len = 1};
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control.space)};

	control.header = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
	memcpy(CMSG_DATA(&control.header), &stream, sizeof(int));
	if (sendmsg(STDOUT_FILENO, &message, MSG_NOSIGNAL) < 0)
		return cli_fail(CLI_NO,
			"romon: connect: --fdpass cannot hand over the connection: %s: standard output must be a Unix "
			"socket, as ssh makes it with ProxyUseFdpass=yes",
			strerror(errno));
	return CLI_DONE;
}

/* Whoever reads standard output sees its end, while standard input may go on. */
static void output_close(void)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, STDOUT_FILENO);
		close(null);
	}
}

static int stream_pump(const struct cli *cli, const struct dial_stream *stream)
{
	enum pump_state state = PUMP_RUNS;
	struct pollfd fds[PUMP_FDS];
	struct pump pump;
	bool closed = false;
	int status = CLI_DONE;

	pump_start(&pump, (struct pump_end){STDIN_FILENO, STDOUT_FILENO, false},
		(struct pump_end){stream->fd, stream->fd, stream->framed});
	while (state == PUMP_RUNS && !pump.back.refused) { /* nobody reads what comes: the end, without a word */
		pump_fds(&pump, fds);
		if (poll(fds, PUMP_FDS, -1) < 0)
			continue;
		state = pump_step(&pump, fds);
		if (pump.back.over && !pump.back.refused && !closed) {
			output_close();
			closed = true;
		}
	}
	if (pump.back.refused)
		status = CLI_DONE;
	else if (pump.there.broken)
		status = cli_fail(CLI_NO, "romon: cannot read standard input");
	else if (!stream->framed)
		status = dial_await_end(cli, stream, state == PUMP_BROKE);
	else if (state == PUMP_BROKE)
		status = dial_broke(cli, pump_verdict(&pump));
	pump_free(&pump);
	return status;
}

/* Without the suffix that tells ssh's configuration which hosts are ours: to be freed. */
static char *router_name(const char *word)
{
	const size_t length = strlen(word), suffix = strlen(HOST_SUFFIX);
	bool ends = length > suffix && strcmp(word + length - suffix, HOST_SUFFIX) == 0;
	char *name = strndup(word, ends ? length - suffix : length);

	if (!name)
		cli_out_of_memory();
	return name;
}

int cmd_connect(const struct cli *cli)
{
	bool fdpass = cli_flag(cli, "fdpass");
	struct dial_stream stream;
	struct dial dial;

	if (cli->word_count < 2)
		return cli_fail(
			CLI_USAGE, "romon: connect: which router and service? Use: romon connect %s", cli->command->synopsis);

	if (fdpass && cli->agent)
		return cli_fail(CLI_USAGE,
			"romon: connect: --fdpass hands over no connection through an agent: leave it and ProxyUseFdpass away");

	char *name = router_name(cli->words[0]);
	int status = dial_read(&dial, name, cli->words[1]);

	if (status == CLI_DONE)
		status = dial_open(cli, &dial, fdpass, &stream);
	free(name);
	if (status != CLI_DONE)
		return status;
	status = fdpass ? stream_pass(stream.fd) : stream_pump(cli, &stream);
	close(stream.fd);
	return status;
}
