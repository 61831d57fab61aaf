/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon ssh: the system's ssh, over a stream. This program becomes ssh, so that terminal, signals and exit status are ssh's own; the
 * stream is opened by another romon, which ssh starts as its ProxyCommand and which hands the connection over.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/agent.h"
#include "cli/proxy.h"

#define OPTIONS_MAX 64
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
	signal(SIGPIPE, SIG_DFL); /* programs inherit what is ignored */
	execvp("ssh", words);

	int error = errno;

	for (size_t i = 1; i <= 4; i++)
		free(words[i]);
	free(proxy);
	return cli_fail(CLI_NO, "romon: cannot run ssh: %s: is an OpenSSH client installed?", strerror(error));
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
