/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Agents. Everything between here and there is the user's own ssh, with its configuration, keys and questions: nothing new has to be
 * trusted or authenticated.
 */
#include "cli/agent.h"

#include <errno.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/agents.h"
#include "cli/parse.h"
#include "cli/ros.h"
#include "cli/winbox_kind.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
#define USER_CHARACTERS LETTERS "._+@-"
#define HOST_CHARACTERS LETTERS "._-"
#define ADDRESS_CHARACTERS LETTERS ":.%_-" /* of an IPv6 address, perhaps with the interface that it is meant on */

static int romond_serve(const struct agent *agent, int fd);

static const char *const romond_commands[] = {"print", "port print", "discover", "map", "ping", "neighbors", "stats",
	"service print", "streams", "ssh", "connect", "forward", "winbox", "inventory", NULL};

static const char *const ros_commands[] = {"discover", "ping", "ssh", NULL};

static const char *const winbox_commands[] = {"discover", "ping", "port print", NULL};

/* The first whose prefix fits. */
static const struct agent_kind kinds[] = {
	{"ros:", ros_commands, ros_serve, ros_ssh},
	{"winbox:", winbox_commands, winbox_kind_serve, NULL},
	{"", romond_commands, romond_serve, NULL},
};

/* ---- what a person writes ---- */

static bool made_of(const char *text, const char *characters)
{
	return *text && *text != '-' && strspn(text, characters) == strlen(text);
}

static bool address_v6(const char *text)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
	struct addrinfo *found;

	if (!strchr(text, ':') || !made_of(text, ADDRESS_CHARACTERS) || getaddrinfo(text, NULL, &hints, &found) != 0)
		return false;
	freeaddrinfo(found);
	return true;
}

/* HOST, HOST:PORT, an IPv6 address, or one in brackets and perhaps a port. */
static bool host_read(char *text, struct agent *agent)
{
	char *colon = strchr(text, ':'), *bracket = strchr(text, ']');
	uint64_t port;

	if (*text == '[' && bracket) {
		*bracket = '\0';
		agent->host = text + 1;
		if (!address_v6(agent->host) || (bracket[1] && bracket[1] != ':'))
			return false;
		agent->port = bracket[1] ? bracket + 2 : NULL;
	} else if (colon && strchr(colon + 1, ':')) {
		agent->host = text;
		return address_v6(text);
	} else {
		if (colon)
			*colon = '\0';
		agent->host = text;
		agent->port = colon ? colon + 1 : NULL;
		if (!made_of(text, HOST_CHARACTERS))
			return false;
	}
	return !agent->port || parse_number(agent->port, 1, UINT16_MAX, &port);
}

bool agent_read(const char *text, struct agent *agent)
{
	const struct agent_kind *kind = kinds;
	char *at;

	*agent = (struct agent){0};
	if (strlen(text) > AGENT_TEXT_MAX)
		return false;
	while (strncmp(text, kind->prefix, strlen(kind->prefix)) != 0)
		kind++;
	agent->kind = kind;
	strcpy(agent->text, text);
	strcpy(agent->parts, text + strlen(kind->prefix));
	at = strrchr(agent->parts, '@');
	if (!at)
		return host_read(agent->parts, agent);
	*at = '\0';
	agent->user = agent->parts;
	return made_of(agent->user, USER_CHARACTERS) && host_read(at + 1, agent);
}

static bool command_known(const struct agent_kind *kind, const char *name)
{
	for (const char *const *command = kind->commands; *command; command++) {
		if (strcmp(*command, name) == 0)
			return true;
	}
	return false;
}

int agent_find(const struct cli *cli, const char *text, struct agent *agent)
{
	char saved[AGENT_TEXT_MAX + 1];
	int status = agents_find(text, saved);

	if (status != CLI_DONE)
		return status;
	if (!agent_read(*saved ? saved : text, agent))
		return cli_fail(CLI_USAGE,
			"romon: \"%s\" is no agent: write [USER@]HOST[:PORT], or a name that `romon agent print` shows", text);
	if (!command_known(agent->kind, cli->command->name))
		return cli_fail(CLI_USAGE, "romon: %s: cannot be done through %s: log in there", cli->command->name,
			*agent->kind->prefix ? "this kind of agent" : "an agent");
	return CLI_DONE;
}

/* ---- a connection ---- */

size_t agent_ssh(const struct agent *agent, bool tty, const char *command, const char *words[AGENT_WORDS_MAX])
{
	const char *const options[] = {
		"ssh",
		tty ? "-tt" : "-T",
		"-a", /* nothing of the user's gets there but this connection */
		"-x",
		"-oClearAllForwardings=yes",
		"-oRemoteCommand=none",
		"-oConnectTimeout=20",
		"-oServerAliveInterval=5", /* an agent that is gone is noticed after 15 s, as is a stream without a path */
		"-oServerAliveCountMax=3",
	};
	size_t count = sizeof(options) / sizeof(*options);

	memcpy(words, options, sizeof(options));
	if (agent->user) {
		words[count++] = "-l";
		words[count++] = agent->user;
	}
	if (agent->port) {
		words[count++] = "-p";
		words[count++] = agent->port;
	}
	words[count++] = "--";
	words[count++] = agent->host;
	words[count++] = command;
	words[count] = NULL;
	return count;
}

/* Another romond, by the romon beside it. */
static int romond_serve(const struct agent *agent, int fd)
{
	const char *words[AGENT_WORDS_MAX];

	agent_ssh(agent, false, "romon agent-serve", words);
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		return cli_fail(CLI_UNREACHABLE, "romon: no descriptors: %s", strerror(errno));
	execvp("ssh", (char *const *)words);
	return cli_fail(CLI_UNREACHABLE, "romon: cannot run ssh: %s: is an OpenSSH client installed?", strerror(errno));
}

/* What romon has set for itself is nothing for programs that it starts. */
static void signals_reset(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

struct client *agent_open(const struct agent *agent)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return NULL;
	fflush(NULL);

	pid_t process = fork();

	if (process == 0) {
		close(pair[0]);
		signals_reset();
		_exit(agent->kind->serve(agent, pair[1]));
	}

	int error = errno;

	close(pair[1]);
	if (process > 0)
		return client_over(pair[0], process);
	close(pair[0]);
	errno = error;
	return NULL;
}

int agent_failure(const struct agent *agent, pid_t process)
{
	int how = 0;
	pid_t ended;

	while ((ended = waitpid(process, &how, 0)) < 0 && errno == EINTR)
		;
	if (WIFEXITED(how) && WEXITSTATUS(how) == 127)
		return cli_fail(
			CLI_UNREACHABLE, "romon: there is no romon on the agent %s: install OpenRoMON there", agent->text);
	if (ended < 0 || (WIFEXITED(how) && WEXITSTATUS(how) == 255)) /* somebody else has waited for it: nothing is known */
		return cli_fail(CLI_UNREACHABLE, "romon: ssh does not reach the agent %s, or lost it", agent->text);
	return cli_fail(CLI_UNREACHABLE, "romon: the agent %s ended: does `ssh %s%s%s romon agent-serve` run there?", agent->text,
		agent->user ? agent->user : "", agent->user ? "@" : "", agent->host);
}
