/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon ssh: the system's ssh, over a stream, which is opened by another romon that ssh starts as its ProxyCommand and that hands the
 * connection over. Terminal, signals and exit status are ssh's own. This program only waits for it: when a connection breaks, all that ssh
 * can see is that it ended; romond knows why.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/agent.h"
#include "cli/call.h"
#include "cli/proxy.h"

#define OPTIONS_MAX 64
#define SSH_FAILED 255 /* status of ssh when not the remote command but ssh itself failed */
#define NOT_RUN 127    /* and of the child that did not become ssh */
#define END_AGE 5      /* seconds since a connection broke off: then it was this one */
#define SSH_OPTIONS "+1246AaB:b:CcD:E:e:F:fGgI:i:J:KkL:l:MmNnO:o:P:p:Q:qR:S:sTtVvW:w:XxYy"

/* What stands behind "--" must be options of ssh: anything else it would take for the host. */
static int options_check(char *const *rest)
{
	char *words[OPTIONS_MAX + 2] = {(char *)"ssh"};
	int count = 1;

	for (; rest && *rest; rest++) {
		if (count > OPTIONS_MAX)
			return cli_fail(CLI_USAGE, "romon: ssh: too many options");
		words[count++] = *rest;
	}
	opterr = 0; /* an option that is unknown here is for ssh to judge */
	optind = 1;
	while (getopt(count, words, SSH_OPTIONS) != -1)
		;
	if (optind < count || (count > 1 && strcmp(words[count - 1], "--") == 0))
		return cli_fail(CLI_USAGE, "romon: ssh: \"%s\" is no option of ssh; a command is written command=\"...\"",
			words[optind < count ? optind : count - 1]);
	return CLI_DONE;
}

/* "-oKEY=VALUE", which lasts until this program becomes another. */
static char *option(const char *key, const char *value)
{
	char *text;

	if (asprintf(&text, "-o%s=%s", key, value) < 0)
		cli_out_of_memory();
	return text;
}

/* Becomes ssh. Returns the status if that is not possible. */
static int ssh_become(char *const *words)
{
	signal(SIGPIPE, SIG_DFL); /* programs inherit what is ignored */
	execvp("ssh", words);
	return cli_fail(CLI_NO, "romon: cannot run ssh: %s: is an OpenSSH client installed?", strerror(errno));
}

/* Says why the last connection to this router broke off, if one did just now. */
static void reason_print(const struct cli *cli, const char *id)
{
	struct message_reply reply;
	size_t i;
	json_t *end;

	if (call_once(cli, "GetEnds", NULL, 0, &reply) != CLI_DONE)
		return;
	json_array_foreach(json_object_get(reply.parameters, "ends"), i, end)
	{
		const char *address = json_string_value(json_object_get(end, "address"));
		const char *reason = json_string_value(json_object_get(end, "reason"));

		if (!address || !reason || strcmp(address, id) != 0 || json_number_value(json_object_get(end, "age")) > END_AGE)
			continue;
		cli_fail(CLI_NO, "romon: the connection to %s ended: %s", id, reason);
		break;
	}
	message_reply_free(&reply);
}

/* Waits for ssh, and stops and goes on with it. Returns its status as a shell shows it. */
static int ssh_wait(pid_t pid)
{
	int status;

	for (;;) {
		while (waitpid(pid, &status, WUNTRACED) < 0 && errno == EINTR)
			;
		if (!WIFSTOPPED(status))
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		raise(SIGSTOP);
		kill(pid, SIGCONT);
	}
}

/* ssh as a child. What the terminal sends goes to both: it is for ssh to judge. */
static int ssh_attend(const struct cli *cli, const char *id, char *const *words)
{
	pid_t pid = fork();
	int status;

	if (pid < 0)
		return cli_fail(CLI_NO, "romon: cannot run ssh: %s", strerror(errno));
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGHUP);
		_exit(ssh_become(words) == CLI_DONE ? 0 : NOT_RUN);
	}
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	status = ssh_wait(pid);
	if (status == SSH_FAILED)
		reason_print(cli, id);
	return status == NOT_RUN ? CLI_NO : status;
}

static int ssh_run(const struct cli *cli, char *id)
{
	const char *user = cli_value(cli, "user"), *command = cli_value(cli, "command");
	char *words[OPTIONS_MAX + 16];
	char *proxy = proxy_command(cli, id);
	size_t count = 0;

	words[count++] = (char *)"ssh";
	words[count++] = option("ProxyCommand", proxy);
	words[count++] = option("ProxyUseFdpass", proxy_fdpass(cli));
	words[count++] = option("HostKeyAlias", id);
	words[count++] = option("CanonicalizeHostname", "no"); /* the name is none of DNS */
	if (user) {
		words[count++] = (char *)"-l";
		words[count++] = (char *)user;
	}
	for (char *const *rest = cli->rest; rest && *rest; rest++)
		words[count++] = *rest;
	words[count++] = (char *)"--";
	words[count++] = id;
	if (command)
		words[count++] = (char *)command;
	words[count] = NULL;

	/* Through an agent romond cannot be asked without another login. */
	int status = cli->agent ? ssh_become(words) : ssh_attend(cli, id, words);

	for (size_t i = 1; i <= 4; i++)
		free(words[i]);
	free(proxy);
	return status;
}

int cmd_ssh(const struct cli *cli)
{
	const char *name = cli_value(cli, "id"), *user = cli_value(cli, "user");
	char id[PROXY_ID_MAX];

	if (cli->word_count > 0 && name)
		return cli_fail(CLI_USAGE, "romon: ssh: two routers are named, \"%s\" and \"%s\": give one", cli->words[0], name);
	if (cli->word_count > 0)
		name = cli->words[0];
	if (!name || !*name)
		return cli_fail(CLI_USAGE, "romon: ssh: which router? Use: romon ssh %s", cli->command->synopsis);
	if (user && (!*user || *user == '-'))
		return cli_fail(CLI_USAGE, "romon: ssh: \"%s\" is no name of a user", user);

	int status = options_check(cli->rest);

	if (status == CLI_DONE && cli->agent && cli->agent->kind->ssh)
		return cli->agent->kind->ssh(cli, name);
	if (status == CLI_DONE)
		status = proxy_resolve(cli, name, id);
	return status == CLI_DONE ? ssh_run(cli, id) : status;
}
