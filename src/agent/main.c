/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon-agent: what WinBox logs in to, to work on routers that only the overlay reaches. romond's monitor starts it with the settings
 * of its configuration, and it ends with that. It opens its ports and then becomes the user romon-agent, without capabilities and with
 * a filter of system calls; from there on romond's control socket is all that it asks for, and there it may discover, ping and connect to
 * WinBox. What no filter can see is whom a TCP socket that is there already is connected to anew.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/links.h"
#include "agent/listen.h"
#include "agent/random.h"
#include "agent/session.h"
#include "daemon/log.h"
#include "daemon/privilege.h"

#define EXIT_USAGE 2

struct options {
	bool foreground, verbose;
	const char *socket, *users;
	bool has_account;
	uid_t account;
	struct address listen[ADDRESS_LIST_MAX];
	size_t listen_count;
	uint16_t port;
	struct network allowed[ADDRESS_LIST_MAX];
	size_t allowed_count;
};

static const char usage[] = "usage: romon-agent --listen ADDRESS,... [--port N] [--address NETWORK,...] [-s SOCKET] [--users "
			    "FILE] [--account UID] [-f]\n"
			    "                   [-v]\n"
			    "\n"
			    "romond starts it, as `romon winbox-agent set enabled=yes` says: romon-agent(8).\n";

enum { OPTION_LISTEN = 256, OPTION_PORT, OPTION_ADDRESS, OPTION_USERS, OPTION_ACCOUNT };

static const struct option long_options[] = {
	{"foreground", no_argument, NULL, 'f'},
	{"socket", required_argument, NULL, 's'},
	{"verbose", no_argument, NULL, 'v'},
	{"version", no_argument, NULL, 'V'},
	{"listen", required_argument, NULL, OPTION_LISTEN},
	{"port", required_argument, NULL, OPTION_PORT},
	{"address", required_argument, NULL, OPTION_ADDRESS},
	{"users", required_argument, NULL, OPTION_USERS},
	{"account", required_argument, NULL, OPTION_ACCOUNT},
	{NULL, 0, NULL, 0},
};

static bool read_port(const char *text, uint16_t *port)
{
	unsigned long number = strspn(text, "0123456789") == strlen(text) ? strtoul(text, NULL, 10) : 0;

	*port = (uint16_t)number;
	return number > 0 && number <= UINT16_MAX;
}

static bool read_account(const char *text, struct options *options)
{
	unsigned long number = strtoul(text, NULL, 10);

	options->has_account = true;
	options->account = (uid_t)number;
	return *text != '\0' && strspn(text, "0123456789") == strlen(text) && number <= UINT32_MAX;
}

/* One option. False if its value is wrong. */
static bool read_option(struct options *options, int option)
{
	switch (option) {
	case 'f':
		options->foreground = true;
		return true;
	case 's':
		options->socket = optarg;
		return true;
	case 'v':
		options->verbose = true;
		return true;
	case 'V':
		puts("romon-agent " ROMON_VERSION);
		exit(EXIT_SUCCESS);
	case OPTION_LISTEN:
		return address_list_parse(optarg, options->listen, &options->listen_count);
	case OPTION_PORT:
		return read_port(optarg, &options->port);
	case OPTION_ADDRESS:
		return network_list_parse(optarg, options->allowed, &options->allowed_count);
	case OPTION_USERS:
		options->users = optarg;
		return true;
	case OPTION_ACCOUNT:
		return read_account(optarg, options);
	default:
		return false;
	}
}

static struct options read_options(int argc, char **argv)
{
	struct options options = {.socket = "/run/romon/romond.sock", .users = USERS_DEFAULT, .port = 8291};
	bool good = true;
	int option;

	while (good && (option = getopt_long(argc, argv, "fs:vV", long_options, NULL)) != -1)
		good = read_option(&options, option);
	if (good && optind == argc && options.listen_count > 0)
		return options;
	fputs(usage, stderr);
	exit(EXIT_USAGE);
}

/* Whom to become. romond has to know that account as the agent's: to it any other one that may use its socket is somebody who may more. */
static bool find_user(const struct options *options, struct privilege_user *user)
{
	if (!privilege_find_agent(user))
		log_error("there is no user romon-agent: create it with systemd-sysusers, or useradd --system romon-agent");
	else if (options->has_account && options->account != user->uid)
		log_error("the user romon-agent is newer than romond, which does not know it: restart romond");
	else
		return true;
	return false;
}

static void stop(evutil_socket_t fd, short what, void *arg)
{
	bool *stopped = arg;

	(void)fd;
	(void)what;
	*stopped = true;
}

/* All that a stranger's first byte must find ready. */
static bool prepare(struct agent *agent, const struct options *options)
{
	agent->socket_path = options->socket;
	memcpy(agent->allowed, options->allowed, sizeof(agent->allowed));
	agent->allowed_count = options->allowed_count;
	random_fill(&agent->next_link, sizeof(agent->next_link));
	agent->next_link &= LINK_ID_MAX; /* one that is too small begins at the first */
	agent->curve = curve_new();
	if (agent->curve == NULL || !accounts_init(&agent->accounts, agent->curve, options->users)) {
		log_error("no memory");
		return false;
	}
	return true;
}

static int serve(struct agent *agent, struct listeners *listeners)
{
	bool stopped = false;
	struct event *term = evsignal_new(agent->base, SIGTERM, stop, &stopped),
		     *interrupt = evsignal_new(agent->base, SIGINT, stop, &stopped);
	int status = EXIT_FAILURE;

	if (term != NULL && interrupt != NULL && event_add(term, NULL) == 0 && event_add(interrupt, NULL) == 0 &&
		listeners_start(listeners, agent)) {
		while (!stopped && event_base_loop(agent->base, EVLOOP_ONCE) == 0)
			agent_settle(agent);
		status = stopped ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	listeners_close(listeners);
	sessions_free(agent);
	if (term != NULL)
		event_free(term);
	if (interrupt != NULL)
		event_free(interrupt);
	return status;
}

/* From here on this process ends with its parent; has that ended meanwhile, while it did not? */
static bool end_with(pid_t parent)
{
	return prctl(PR_SET_PDEATHSIG, SIGTERM) == 0 && getppid() == parent;
}

int main(int argc, char **argv)
{
	pid_t parent = getppid();
	struct options options = read_options(argc, argv);
	static struct agent agent;
	struct listeners listeners = {.count = 0};
	struct privilege_user user;
	int status = EXIT_FAILURE;

	log_open("romon-agent", options.foreground, options.verbose);
	signal(SIGPIPE, SIG_IGN);
	if (geteuid() != 0) {
		log_error("must be started by root: romond does that");
		return EXIT_FAILURE;
	}
	if (!find_user(&options, &user))
		return EXIT_FAILURE;
	agent.base = event_base_new();
	if (agent.base == NULL || !listeners_open(&listeners, options.listen, options.listen_count, options.port))
		return EXIT_FAILURE;
	if (privilege_drop(&user, PRIVILEGE_AGENT) && end_with(parent) && prepare(&agent, &options))
		status = serve(&agent, &listeners);
	accounts_free(&agent.accounts);
	curve_free(agent.curve);
	event_base_free(agent.base);
	return status;
}
