/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Starting programs: fork and exec, with everything that a process inherits set to what a program may expect. Standard error stays what
 * it is for romond: the journal, or nothing.
 */
#include "daemon/programs.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/log.h"

#define PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define SSHD_FOLDER "/run/sshd"

void programs_limits_read(struct programs_limits *limits)
{
	getrlimit(RLIMIT_CORE, &limits->core);
	getrlimit(RLIMIT_MEMLOCK, &limits->memlock);
}

/* Signals do what they do by default, and none is blocked. */
static void reset_signals(void)
{
	sigset_t none;
	int number;

	for (number = 1; number < NSIG; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

void programs_clean(const struct programs_limits *limits)
{
	reset_signals();
	umask(022);
	/* Where even root may not, as in some containers, they stay. */
	setrlimit(RLIMIT_CORE, &limits->core);
	setrlimit(RLIMIT_MEMLOCK, &limits->memlock);
}

static bool become(const struct passwd *user)
{
	return initgroups(user->pw_name, user->pw_gid) == 0 && setgid(user->pw_gid) == 0 && setuid(user->pw_uid) == 0;
}

/* OpenSSH does not start without this folder, which exists only while its own service runs: that may be what is broken. */
static void prepare_sshd(const char *path)
{
	const char *name = strrchr(path, '/');

	if (strcmp(name + 1, "sshd") == 0 && mkdir(SSHD_FOLDER, 0755) != 0 && errno != EEXIST)
		log_warning("%s: %s", SSHD_FOLDER, strerror(errno));
}

/* In the child. Returns only if it fails, which is logged. */
static void run(const struct config_service *service, const struct target *target, struct romon_mac remote,
	const struct programs_limits *limits, int fd)
{
	const struct passwd *user = getpwnam(service->user);
	char id[ROMON_MAC_TEXT], variables[7][320];
	char *environment[8] = {NULL};
	size_t i;

	if (user == NULL) {
		log_error("service %s: there is no user %s", service->name, service->user);
		return;
	}
	snprintf(variables[0], sizeof(variables[0]), "PATH=%s", PATH);
	snprintf(variables[1], sizeof(variables[1]), "ROMON_REMOTE_ID=%s", romon_mac_text(remote, id));
	snprintf(variables[2], sizeof(variables[2]), "ROMON_SERVICE=%s", service->name);
	snprintf(variables[3], sizeof(variables[3]), "USER=%s", user->pw_name);
	snprintf(variables[4], sizeof(variables[4]), "LOGNAME=%s", user->pw_name);
	snprintf(variables[5], sizeof(variables[5]), "HOME=%s", user->pw_dir);
	snprintf(variables[6], sizeof(variables[6]), "SHELL=%s", user->pw_shell);
	for (i = 0; i < 7; i++)
		environment[i] = variables[i];
	prepare_sshd(target->argv[0]);
	programs_clean(limits);
	if (setsid() < 0 || chdir("/") != 0 || !become(user)) {
		log_error("service %s: cannot become %s: %s", service->name, service->user, strerror(errno));
		return;
	}
	if (dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0)
		return;
	/* All of ours are closed by exec already; these are what whoever started romond left open. */
	close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
	execve(target->argv[0], target->argv, environment);
	log_error("service %s: %s: %s", service->name, target->argv[0], strerror(errno));
}

static size_t count_of(const struct programs *programs, const char *service)
{
	size_t i, count = 0;

	for (i = 0; i < programs->count; i++)
		count += strcmp(programs->list[i].service, service) == 0;
	return count;
}

int programs_start(struct programs *programs, const struct config_service *service, const struct target *target,
	struct romon_mac remote, const struct programs_limits *limits)
{
	int pair[2], error;
	pid_t pid;

	if (access(target->argv[0], X_OK) != 0)
		return -errno;
	if (programs->list == NULL)
		programs->list = calloc(PROGRAMS_MAX, sizeof(*programs->list));
	if (programs->list == NULL)
		return -ENOMEM;
	if (programs->count == PROGRAMS_MAX || count_of(programs, service->name) >= service->max_streams)
		return -EUSERS;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	pid = fcntl(pair[0], F_SETFL, O_NONBLOCK) == 0 ? fork() : -1;
	error = errno;
	if (pid == 0) {
		run(service, target, remote, limits, pair[1]);
		_exit(127);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return -error;
	}
	programs->list[programs->count].pid = pid;
	memcpy(programs->list[programs->count++].service, service->name, sizeof(service->name));
	return pair[0];
}

static void tell_end(const struct program *program, int status)
{
	if (WIFSIGNALED(status))
		log_warning("service %s: process %d was killed by signal %d (%s)", program->service, (int)program->pid,
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		log_info("service %s: process %d ended with status %d", program->service, (int)program->pid, WEXITSTATUS(status));
	else
		log_debug("service %s: process %d ended", program->service, (int)program->pid);
}

void programs_reap(struct programs *programs)
{
	size_t i = 0;

	/* One by one: another child, the worker, is waited for elsewhere. */
	while (i < programs->count) {
		int status;
		pid_t pid = waitpid(programs->list[i].pid, &status, WNOHANG);

		if (pid == 0) {
			i++;
			continue;
		}
		if (pid > 0)
			tell_end(&programs->list[i], status);
		programs->list[i] = programs->list[--programs->count];
	}
}

void programs_free(struct programs *programs)
{
	free(programs->list);
	*programs = (struct programs){0};
}
