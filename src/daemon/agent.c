/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Keeping the agent as the configuration wants it. Its settings are its command line, so it is started anew when they change. One that ends
 * by itself is started again after a second, and if it goes on ending, ever later, up to a minute.
 */
#include "daemon/agent.h"

#include <errno.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon/log.h"

#define PAUSE_MIN_MS 1000
#define PAUSE_MAX_MS 60000
#define WELL_MS 60000 /* having run so long it did not fail to start */
#define END_MS 3000   /* how long it may take to end before it is killed */
#define JOURNAL "JOURNAL_STREAM"

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static bool same(const struct config_agent *a, const struct config_agent *b)
{
	return a->enabled == b->enabled && a->port == b->port && strcmp(a->listen, b->listen) == 0 &&
	       strcmp(a->address, b->address) == 0;
}

void agent_want(struct agent *agent, const struct config_agent *wanted)
{
	if (same(&agent->wanted, wanted))
		return;
	agent->wanted = *wanted;
	agent->failures = 0;
	agent->not_before = 0;
}

/* In the child. Returns only if it fails. */
static void exec_agent(const struct config_agent *settings, const struct agent_options *options, pid_t monitor)
{
	char port[8], account[16];
	const char *argv[16] = {options->program, "--listen", settings->listen, "--port", port, "--address", settings->address,
		"-s", options->socket, "--users", options->users, "--account", account};
	size_t count = 13;
	static char stream[64];
	static char *environment[] = {NULL, NULL};
	const char *journal = getenv(JOURNAL);

	snprintf(port, sizeof(port), "%u", (unsigned)settings->port);
	snprintf(account, sizeof(account), "%u", (unsigned)options->account);
	/* Of the environment only what its lines need to have their levels in the journal. */
	if (journal != NULL && (size_t)snprintf(stream, sizeof(stream), JOURNAL "=%s", journal) < sizeof(stream))
		environment[0] = stream;
	if (options->foreground)
		argv[count++] = "-f";
	if (options->verbose)
		argv[count++] = "-v";
	programs_clean(&options->limits);
	/* It ends with us, from the first moment on; what it does as another user it has to see to itself. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || getppid() != monitor)
		return;
	/* All of ours are closed by exec already; these are what whoever started romond left open. */
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	if (chdir("/") == 0)
		execve(options->program, (char *const *)(uintptr_t)argv, environment);
	log_error("cannot start the WinBox agent, %s: %s", options->program, strerror(errno));
}

static void start(struct agent *agent, const struct agent_options *options)
{
	pid_t monitor = getpid(), pid = fork();

	if (pid == 0) {
		exec_agent(&agent->wanted, options, monitor);
		_exit(127);
	}
	agent->not_before = now_ms(); /* when it was started, while it runs */
	if (pid < 0) {
		log_error("cannot start the WinBox agent: %s", strerror(errno));
		agent->not_before += PAUSE_MAX_MS;
		return;
	}
	agent->pid = pid;
	agent->running = agent->wanted;
	agent->stopping = false;
}

/* Whoever has taken it over need not listen to what it is told. */
static void kill_it(struct agent *agent)
{
	log_warning("the WinBox agent does not end and is killed");
	agent->killed = true;
	kill(agent->pid, SIGKILL);
}

void agent_run(struct agent *agent, const struct agent_options *options)
{
	if (agent->pid > 0 && !agent->stopping && !same(&agent->running, &agent->wanted))
		agent_stop(agent);
	else if (agent->pid > 0 && agent->stopping && !agent->killed && now_ms() >= agent->kill_at)
		kill_it(agent);
	else if (agent->pid == 0 && agent->wanted.enabled && now_ms() >= agent->not_before)
		start(agent, options);
}

int agent_wait(const struct agent *agent)
{
	int64_t wait = agent->not_before - now_ms();

	if (agent->pid > 0 && !agent->stopping)
		return same(&agent->running, &agent->wanted) ? -1 : 0;
	if (agent->pid > 0)
		wait = agent->kill_at - now_ms();
	if (agent->pid > 0 ? agent->killed : !agent->wanted.enabled)
		return -1;
	return wait > 0 ? (int)wait : 0;
}

void agent_reap(struct agent *agent)
{
	int status;
	int64_t now = now_ms(), pause = PAUSE_MIN_MS;

	if (agent->pid == 0 || waitpid(agent->pid, &status, WNOHANG) != agent->pid)
		return;
	agent->pid = 0;
	if (agent->stopping) {
		agent->not_before = now;
		return;
	}
	if (now - agent->not_before >= WELL_MS)
		agent->failures = 0;
	if (WIFSIGNALED(status))
		log_error("the WinBox agent was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_error("the WinBox agent ended with status %d", WEXITSTATUS(status));
	for (unsigned i = 0; i < agent->failures && pause < PAUSE_MAX_MS; i++)
		pause *= 2;
	agent->not_before = now + (pause < PAUSE_MAX_MS ? pause : PAUSE_MAX_MS);
	agent->failures++;
}

void agent_stop(struct agent *agent)
{
	if (agent->pid == 0 || agent->stopping)
		return;
	agent->stopping = true;
	agent->killed = false;
	agent->kill_at = now_ms() + END_MS;
	kill(agent->pid, SIGTERM);
}

void agent_end(struct agent *agent, int signal_fd)
{
	struct pollfd pfd = {.fd = signal_fd, .events = POLLIN};
	struct signalfd_siginfo info;
	int status;

	agent_stop(agent);
	while (agent->pid > 0 && waitpid(agent->pid, &status, WNOHANG) == 0) {
		agent_run(agent, NULL);
		poll(&pfd, 1, agent_wait(agent));
		while (read(signal_fd, &info, sizeof(info)) > 0)
			;
	}
	agent->pid = 0;
}
