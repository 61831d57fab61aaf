/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romond: options, what only root can prepare, and then two processes: this one becomes the monitor, its child the worker.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemon/file.h"
#include "daemon/listener.h"
#include "daemon/log.h"
#include "daemon/monitor.h"
#include "daemon/privilege.h"
#include "daemon/store.h"
#include "daemon/worker.h"

#define EXIT_USAGE 2

struct options {
	bool foreground;
	bool verbose;
	const char *config;
	const char *socket;
	const char *state;
	const char *pcap;
	const char *agent;
	const char *users; /* of the agent: beside the configuration */
};

static const char usage[] = "usage: romond [-f] [-c FILE] [-s SOCKET] [--state DIR] [--pcap FILE] [--agent FILE] [-v]\n"
			    "\n"
			    "  -f, --foreground   stay in the foreground and log to standard error\n"
			    "  -c, --config FILE  configuration (default /etc/romon/romon.conf)\n"
			    "  -s, --socket FILE  control socket (default /run/romon/romond.sock)\n"
			    "      --state DIR    what outlives a restart (default /var/lib/romon)\n"
			    "      --pcap FILE    record every RoMON frame that crosses the ports\n"
			    "      --agent FILE   the WinBox agent's program (default " ROMON_AGENT ")\n"
			    "  -v, --verbose      log more\n"
			    "  -h, --help         show this\n"
			    "  -V, --version      show the version\n";

enum { OPTION_STATE = 256, OPTION_PCAP, OPTION_AGENT };

static const struct option long_options[] = {
	{"foreground", no_argument, NULL, 'f'},
	{"config", required_argument, NULL, 'c'},
	{"socket", required_argument, NULL, 's'},
	{"state", required_argument, NULL, OPTION_STATE},
	{"pcap", required_argument, NULL, OPTION_PCAP},
	{"agent", required_argument, NULL, OPTION_AGENT},
	{"verbose", no_argument, NULL, 'v'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

/* Reads the command line. Ends the program where that is all there is to do. */
static struct options read_options(int argc, char **argv)
{
	struct options options = {
		.config = "/etc/romon/romon.conf",
		.socket = "/run/romon/romond.sock",
		.state = "/var/lib/romon",
		.agent = ROMON_AGENT,
	};
	int option;

	while ((option = getopt_long(argc, argv, "fc:s:vhV", long_options, NULL)) != -1) {
		switch (option) {
		case 'f':
			options.foreground = true;
			break;
		case 'c':
			options.config = optarg;
			break;
		case 's':
			options.socket = optarg;
			break;
		case OPTION_STATE:
			options.state = optarg;
			break;
		case OPTION_PCAP:
			options.pcap = optarg;
			break;
		case OPTION_AGENT:
			options.agent = optarg;
			break;
		case 'v':
			options.verbose = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			puts("romond " ROMON_VERSION);
			exit(EXIT_SUCCESS);
		default:
			fputs(usage, stderr);
			exit(EXIT_USAGE);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "romond: unexpected argument: %s\n%s", argv[optind], usage);
		exit(EXIT_USAGE);
	}
	return options;
}

/* Were a standard descriptor closed, a socket of ours would get its number and what is meant for it. And whatever else the starter
 * left open is not for the worker to hold. (Linux 5.9; before that it stays open.) */
static void take_descriptors(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR);
	while (fd >= 0 && fd <= STDERR_FILENO);
	syscall(SYS_close_range, STDERR_FILENO + 1U, ~0U, 0U);
}

/* A relative path means something else after daemonize() left this folder. Returns a string that is never freed, or NULL. */
static const char *absolute(const char *path)
{
	char *folder, *full = NULL;

	if (path[0] == '/')
		return path;
	folder = getcwd(NULL, 0);
	if (folder == NULL || asprintf(&full, "%s/%s", folder, path) < 0)
		full = NULL;
	free(folder);
	return full;
}

/* A file beside another one. Returns a string that is never freed, or NULL. */
static const char *beside(const char *path, const char *name)
{
	const char *slash = strrchr(path, '/');
	char *full = NULL;

	return asprintf(&full, "%.*s%s", (int)(slash + 1 - path), path, name) < 0 ? NULL : full;
}

static bool check_config(const char *path)
{
	struct config_error error;
	struct config *config = store_load(path, &error);

	if (config == NULL) {
		if (error.line > 0)
			log_error("%s:%u: %s", path, error.line, error.reason);
		else
			log_error("%s: %s", path, error.reason);
		return false;
	}
	config_free(config);
	return true;
}

/* Goes to the background. Returns the descriptor that tells the waiting parent that all is well, or -1 with the error logged. The
 * parent ends here: with status 0 once the daemon serves, with 1 if it ends before that. */
static int daemonize(void)
{
	int fds[2], null;
	char byte;
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
		log_error("cannot go to the background: %s", strerror(errno));
		return -1;
	}
	if (pid > 0) {
		close(fds[1]);
		if (read(fds[0], &byte, 1) == 1)
			_exit(EXIT_SUCCESS);
		fputs("romond: could not start, the system log says why\n", stderr);
		_exit(EXIT_FAILURE);
	}
	close(fds[0]);
	setsid();
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (chdir("/") != 0 || null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(null, STDOUT_FILENO) < 0 ||
		dup2(null, STDERR_FILENO) < 0) {
		log_error("cannot go to the background: %s", strerror(errno));
		return -1;
	}
	if (null > STDERR_FILENO)
		close(null);
	return fds[1];
}

/* The worker's process, from the fork to its end. */
static void become_worker(struct worker_options *worker, int ready_fd)
{
	if (ready_fd >= 0)
		close(ready_fd);
	exit(worker_run(worker));
}

/* Two processes from here on. Returns the exit status of the monitor. */
static int run(const struct options *options, struct worker_options *worker, int ready_fd)
{
	struct monitor_options monitor = {.config_path = options->config, .state_dir = options->state, .ready_fd = ready_fd};
	int pair[2];
	pid_t pid;

	programs_limits_read(&monitor.limits);
	monitor.agent = (struct agent_options){.program = options->agent,
		.socket = options->socket,
		.users = options->users,
		.account = worker->user.agent,
		.foreground = options->foreground,
		.verbose = options->verbose,
		.limits = monitor.limits};
	monitor_block_signals();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0 || (pid = fork()) < 0) {
		log_error("cannot start the worker: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	if (pid == 0) {
		close(pair[0]);
		worker->monitor_fd = pair[1];
		become_worker(worker, ready_fd);
	}
	close(pair[1]);
	close(worker->listen_fd);
	if (worker->pcap_fd >= 0)
		close(worker->pcap_fd);
	if (!privilege_hide()) {
		close(pair[0]); /* which ends the worker */
		return EXIT_FAILURE;
	}
	return monitor_run(pair[0], &monitor, pid);
}

/* What only root can do, before anything is heard of strangers. */
static bool prepare(const struct options *options, struct worker_options *worker)
{
	if (!check_config(options->config) || !privilege_find_user(&worker->user))
		return false;
	if (mkdir(options->state, 0700) != 0 && errno != EEXIST) {
		log_error("cannot create %s: %s", options->state, strerror(errno));
		return false;
	}
	if (options->pcap != NULL) {
		worker->pcap_fd = open(options->pcap, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (worker->pcap_fd < 0) {
			log_error("%s: %s", options->pcap, strerror(errno));
			return false;
		}
	}
	worker->listen_fd = listener_open(options->socket, worker->user.has_group ? worker->user.group : (gid_t)-1);
	return worker->listen_fd >= 0;
}

int main(int argc, char **argv)
{
	struct worker_options worker = {.monitor_fd = -1, .listen_fd = -1, .pcap_fd = -1};
	int status = EXIT_FAILURE, ready_fd = -1;
	static struct options options; /* what it points to lives as long as the program */

	take_descriptors();
	options = read_options(argc, argv);
	log_open("romond", true, options.verbose);
	if (geteuid() != 0) {
		fputs("romond: must be started by root\n", stderr);
		return EXIT_FAILURE;
	}
	options.config = absolute(options.config);
	options.socket = absolute(options.socket);
	options.state = absolute(options.state);
	options.agent = absolute(options.agent);
	options.users = options.config != NULL ? beside(options.config, AGENT_USERS) : NULL;
	if (options.config == NULL || options.socket == NULL || options.state == NULL || options.agent == NULL ||
		options.users == NULL) {
		log_error("no memory");
		return EXIT_FAILURE;
	}
	worker.config_path = options.config;
	worker.agent_users = options.users;
	if (!prepare(&options, &worker))
		return EXIT_FAILURE;
	if (!options.foreground)
		ready_fd = daemonize();
	if (options.foreground || ready_fd >= 0) {
		log_open("romond", options.foreground, options.verbose);
		status = run(&options, &worker, ready_fd);
	}
	unlink(options.socket);
	return status;
}
