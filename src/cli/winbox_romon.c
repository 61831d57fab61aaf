/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon winbox --romon: the words are WinBox's, and so is what is done, if WinBox is there. As with WinBox, the agent has to be saved.
 */
#include "cli/winbox_romon.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/agent.h"
#include "cli/agents.h"
#include "cli/call.h"
#include "cli/proxy.h"

#define SELF "/proc/self/exe"

/* Is this saved agent the one that is meant: by its name, as it was saved, or by its host? */
static bool meant(const json_t *entry, const char *text, struct agent *agent)
{
	const char *name = json_string_value(json_object_get(entry, "name"));
	const char *saved = json_string_value(json_object_get(entry, "agent"));

	return name && saved && agent_read(saved, agent) &&
	       (strcmp(name, text) == 0 || strcmp(saved, text) == 0 || strcmp(agent->host, text) == 0);
}

/* Finds it; *name is for -A. */
static int find(const char *text, struct agent *agent, char name[AGENTS_NAME_MAX + 1])
{
	json_t *list;
	int status = agents_list(&list);
	bool found = false;

	if (status != CLI_DONE)
		return status;
	for (size_t i = 0; i < json_array_size(list) && !found; i++) {
		const json_t *entry = json_array_get(list, i);

		found = meant(entry, text, agent);
		if (found)
			snprintf(name, AGENTS_NAME_MAX + 1, "%s", json_string_value(json_object_get(entry, "name")));
	}
	json_decref(list);
	if (found)
		return CLI_DONE;
	return cli_fail(CLI_NO, "romon: winbox: %s is no agent that is saved: save it with `romon agent add NAME winbox:%s`", text, text);
}

/* Becomes WinBox. Returns an errno. */
static int become_winbox(const struct cli *cli, const struct agent *agent, const char *id)
{
	const char *programs[] = {"winbox", "WinBox", NULL}, *given = cli_value(cli, "program");
	char address[AGENT_TEXT_MAX + 8];
	const char *words[] = {NULL, "--romon", address, id, cli->word_count > 1 ? cli->words[1] : NULL,
		cli->word_count > 2 ? cli->words[2] : NULL, NULL};
	bool v6 = strchr(agent->host, ':') != NULL;

	/* A port is only WinBox's if the agent was saved as one for it. */
	if (agent->port && strcmp(agent->kind->prefix, "winbox:") == 0)
		snprintf(address, sizeof(address), v6 ? "[%s]:%s" : "%s:%s", agent->host, agent->port);
	else
		snprintf(address, sizeof(address), "%s", agent->host);
	if (given) {
		programs[0] = given;
		programs[1] = NULL;
	}
	for (size_t i = 0; programs[i]; i++) {
		words[0] = programs[i];
		execvp(programs[i], (char *const *)words);
		if (errno != ENOENT)
			return errno;
	}
	return ENOENT;
}

/* Becomes `romon -A AGENT ssh ID`. */
static int become_terminal(const struct cli *cli, const struct agent *agent, const char *name, const char *id)
{
	char user[AGENT_TEXT_MAX + 1];
	const char *words[] = {"romon", "-A", name, "ssh", id, cli->word_count > 1 ? user : NULL, NULL};

	if (strcmp(agent->kind->prefix, "winbox:") == 0)
		return cli_fail(CLI_NO, "romon: winbox: there is no program winbox or WinBox, and an agent for WinBox has no "
					"terminal for us: name the program with --program PATH");
	if (cli->word_count > 1)
		snprintf(user, sizeof(user), "user=%s", cli->words[1]);
	fprintf(stderr, "romon: there is no program winbox or WinBox: this is a terminal\n");
	execv(SELF, (char *const *)words);
	return cli_fail(CLI_NO, "romon: cannot run %s: %s", SELF, strerror(errno));
}

int winbox_romon(const struct cli *cli)
{
	char name[AGENTS_NAME_MAX + 1], id[PROXY_ID_MAX];
	struct agent agent;
	int status, error;

	if (cli->agent)
		return cli_fail(CLI_USAGE, "romon: winbox: -A and --romon both name an agent: give one");
	if (cli->word_count < 1 || !proxy_id_read(cli->words[0], id))
		return cli_fail(CLI_USAGE, "romon: winbox: WinBox wants the RoMON ID of the router: `romon -A AGENT discover` shows it");
	status = find(cli_value(cli, "romon"), &agent, name);
	if (status != CLI_DONE)
		return status;
	signal(SIGPIPE, SIG_DFL); /* programs inherit what is ignored */
	error = become_winbox(cli, &agent, id);
	if (error == ENOENT && !cli_value(cli, "program"))
		return become_terminal(cli, &agent, name, id);
	return cli_fail(CLI_NO, "romon: winbox: cannot run %s: %s", cli_value(cli, "program") ? cli_value(cli, "program") : "WinBox",
		strerror(error));
}
