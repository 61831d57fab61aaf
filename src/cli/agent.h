/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Agents: machines that take part in the RoMON network, through which this one reaches it. To the commands an agent is a connection on
 * which the control protocol is spoken, as with the romond of this machine; what stands behind it is the affair of the agent's kind.
 */
#ifndef CLI_AGENT_H
#define CLI_AGENT_H

#include <stdbool.h>

#include "cli/cli.h"
#include "control/client.h"

#define AGENT_TEXT_MAX 255
#define AGENT_WORDS_MAX 24

/* Whom -A names. */
struct agent {
	const struct agent_kind *kind;
	char text[AGENT_TEXT_MAX + 1]; /* as it can be written behind -A: of characters that mean nothing to a shell */
	char parts[AGENT_TEXT_MAX + 1];
	const char *user, *host, *port; /* in parts; user and port NULL: as ssh has it */
};

/* What can be at the other end. */
struct agent_kind {
	const char *prefix;          /* of AGENT: "ros:" */
	const char *const *commands; /* what can be done there, ended by NULL */
	/* Stands for romond at the other end of fd, until that is closed; in a process of its own, whose exit status it
	 * returns. A connection that becomes a stream carries frames from then on (pump.h). */
	int (*serve)(const struct agent *agent, int fd);
	/* romon ssh to the router of that ID or identity; returns the exit status, if at all. NULL: by a stream, as without an agent. */
	int (*ssh)(const struct cli *cli, const char *name);
};

/* Reads [KIND:][USER@]HOST[:PORT], with a KIND that there is. False if it is none. */
bool agent_read(const char *text, struct agent *agent);
/* The agent that -A names, by a saved name or itself. Returns CLI_DONE if the command can be done there, or CLI_USAGE or CLI_NO
 * after having said what is wrong. */
int agent_find(const struct cli *cli, const char *text, struct agent *agent);

/* A connection to it. NULL with errno set. */
struct client *agent_open(const struct agent *agent);
/* Says what became of a connection that ended before it had answered, by how its process ended. Returns the exit status. */
int agent_failure(const struct agent *agent, pid_t process);

/* ssh's own words before a command that is to run on the agent's machine, at most AGENT_WORDS_MAX with it and the NULL behind it. tty: the
 * command talks to a person. Returns how many words they are. */
size_t agent_ssh(const struct agent *agent, bool tty, const char *command, const char *words[AGENT_WORDS_MAX]);

#endif
