/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The agent for WinBox, a program of its own that the monitor starts, ends and starts anew as the configuration says. It gets nothing of
 * romond's but what it may log to, and talks to it by the control socket as everybody does.
 */
#ifndef ROMON_AGENT_H
#define ROMON_AGENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "daemon/config.h"
#include "daemon/programs.h"

#define AGENT_USERS "winbox-users" /* beside the configuration */

/* What does not change while romond runs. */
struct agent_options {
	const char *program;
	const char *socket; /* romond's control socket */
	const char *users;  /* file */
	uid_t account;      /* whom the worker takes for the agent; 0: nobody */
	bool foreground, verbose;
	struct programs_limits limits;
};

/* Zeroed: none runs, and none is wanted. */
struct agent {
	struct config_agent wanted;
	struct config_agent running; /* what it was started with */
	pid_t pid;                   /* 0: it does not run */
	bool stopping;               /* it was told to end */
	bool killed;                 /* and did not */
	int64_t kill_at;             /* when it is, then */
	unsigned failures;           /* how often in a row it ended by itself */
	int64_t not_before;          /* when it may be started, milliseconds of the monotonic clock */
};

/* Takes note of what the configuration wants. */
void agent_want(struct agent *agent, const struct config_agent *wanted);
/* Does what is due. To be called in every turn of the loop. */
void agent_run(struct agent *agent, const struct agent_options *options);
/* Milliseconds until something is due; -1: nothing is, unless it ends. */
int agent_wait(const struct agent *agent);
/* Takes note of its end. To be called after SIGCHLD. */
void agent_reap(struct agent *agent);
/* Tells it to end, and does not wait for that; agent_run() kills one that does not. */
void agent_stop(struct agent *agent);
/* The same, and waits for it. signal_fd: where SIGCHLD is heard of, whose other signals mean nothing any more. */
void agent_end(struct agent *agent, int signal_fd);

#endif
