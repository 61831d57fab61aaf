/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The loop of a forward: one poll() over the signals, the listener and all connections. A connection first waits for the daemon's
 * answer, then is a pump, and at last waits for the daemon to say whether all has arrived. What goes wrong with one is said, and is no
 * end of the others.
 */
#include "cli/forwarder.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/call.h"
#include "cli/pump.h"

#define FDS_FIRST 2     /* the signals, the listener */
#define FULL_PAUSE 1000 /* milliseconds */

struct connection {
	int near;
	struct dial_stream far; /* its fd is -1 while the daemon has not answered */
	struct client
		*client; /* not NULL: an answer is awaited, to Connect, or, if there is a far end, to the question how it ended */
	struct pump pump;
	LIST_ENTRY(connection) link;
};

struct forwarder {
	const struct cli *cli;
	const struct listener *listener;
	const struct dial *dial;
	LIST_HEAD(, connection) connections;
	size_t count;
	size_t most; /* connections at a time */
	bool full;   /* the system had no descriptor or memory left: take nobody for a while */
	struct pollfd fds[FDS_FIRST + PUMP_FDS * FORWARDER_CONNECTIONS_MAX];
};

static void signals_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

void forwarder_signals_block(void)
{
	sigset_t set;

	signals_set(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* broken: the near side is to see that as well, rather than an orderly end. */
static void connection_end(struct forwarder *forwarder, struct connection *connection, bool broken)
{
	const struct linger now = {.l_onoff = 1};

	if (broken)
		setsockopt(connection->near, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(connection->near);
	if (connection->client)
		client_close(connection->client);
	if (connection->far.fd >= 0) {
		pump_free(&connection->pump);
		close(connection->far.fd);
	}
	LIST_REMOVE(connection, link);
	free(connection);
	forwarder->count--;
}

static void connection_begin(struct forwarder *forwarder)
{
	int near = listener_accept(forwarder->listener);

	if (near < 0) {
		forwarder->full = errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM;
		return;
	}

	struct connection *connection = calloc(1, sizeof(*connection));

	if (!connection)
		cli_out_of_memory();
	connection->near = near;
	connection->far.fd = -1;
	LIST_INSERT_HEAD(&forwarder->connections, connection, link);
	forwarder->count++;
	if (dial_start(forwarder->cli, forwarder->dial, false, &connection->client) != CLI_DONE)
		connection_end(forwarder, connection, true);
}

/* The daemon has answered, or the near side has gone before. */
static void connection_answer(struct forwarder *forwarder, struct connection *connection, const struct pollfd fds[PUMP_FDS])
{
	struct message_reply reply = {0};
	enum client_result result = CLIENT_TIMEOUT;

	if (fds[1].revents) {
		connection_end(forwarder, connection, true);
		return;
	}
	if (fds[0].revents)
		result = client_next(connection->client, NULL, 0, 0, &reply);
	if (result == CLIENT_REPLY) {
		connection->far = dial_take(forwarder->cli, connection->client, &reply);
		connection->client = NULL;
		pump_start(&connection->pump, (struct pump_end){connection->near, connection->near, false},
			(struct pump_end){connection->far.fd, connection->far.fd, connection->far.framed});
	} else if (result != CLIENT_TIMEOUT) {
		call_failure(forwarder->cli, connection->client, result, &reply);
		connection_end(forwarder, connection, true);
	}
	message_reply_free(&reply);
}

/* The daemon has said how the stream ended. Only then near learns of the end: it would take it for an orderly one. */
static void connection_ended(struct forwarder *forwarder, struct connection *connection)
{
	struct message_reply reply = {0};
	enum client_result result = client_next(connection->client, NULL, 0, 0, &reply);

	if (result == CLIENT_TIMEOUT)
		return;
	bool broken = dial_ended(forwarder->cli, connection->client, result, &reply, false) != CLI_DONE;

	message_reply_free(&reply);
	if (!broken)
		pump_settle(&connection->pump);
	connection_end(forwarder, connection, broken);
}

static void connection_pump(struct forwarder *forwarder, struct connection *connection, const struct pollfd fds[PUMP_FDS])
{
	struct pump *pump = &connection->pump;
	enum pump_state state = pump_step(pump, fds);

	if (state == PUMP_RUNS)
		return;
	if (state == PUMP_BROKE) {
		if (connection->far.framed && pump->back.broken)
			dial_broke(forwarder->cli, pump_verdict(pump));
		connection_end(forwarder, connection, pump->there.refused || pump->back.broken);
	} else if (pump->back.refused || connection->far.framed)
		connection_end(forwarder, connection, false);
	else if (dial_ask_end(forwarder->cli, &connection->far, &connection->client) != CLI_DONE)
		connection_end(forwarder, connection, true);
}

static void connection_step(struct forwarder *forwarder, struct connection *connection, const struct pollfd fds[PUMP_FDS])
{
	if (!connection->client)
		connection_pump(forwarder, connection, fds);
	else if (connection->far.fd < 0)
		connection_answer(forwarder, connection, fds);
	else if (fds[0].revents)
		connection_ended(forwarder, connection);
}

static void connection_fds(const struct connection *connection, struct pollfd fds[PUMP_FDS])
{
	if (!connection->client) {
		pump_fds(&connection->pump, fds);
		return;
	}
	for (size_t i = 0; i < PUMP_FDS; i++)
		fds[i] = (struct pollfd){.fd = -1};
	fds[0] = (struct pollfd){.fd = client_fd(connection->client), .events = POLLIN};
	if (connection->far.fd >= 0)
		return;
	fds[1].fd = connection->near; /* tells if it is gone as a whole: a half-closed one still wants its answer */
}

/* One round. Connections that begin in it come to the head of the list, and so are not stepped with another's result. */
static void forwarder_round(struct forwarder *forwarder, int signals)
{
	bool room = !forwarder->full && forwarder->count < forwarder->most;
	struct connection *connection, *next;
	struct pollfd *fds = forwarder->fds;
	nfds_t used = FDS_FIRST;

	fds[0] = (struct pollfd){.fd = signals, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = room ? forwarder->listener->fd : -1, .events = POLLIN};
	LIST_FOREACH(connection, &forwarder->connections, link)
	{
		connection_fds(connection, fds + used);
		used += PUMP_FDS;
	}
	if (poll(fds, used, forwarder->full ? FULL_PAUSE : -1) < 0)
		return;
	forwarder->full = false;
	used = FDS_FIRST;
	for (connection = LIST_FIRST(&forwarder->connections); connection; connection = next) {
		next = LIST_NEXT(connection, link);
		connection_step(forwarder, connection, fds + used);
		used += PUMP_FDS;
	}
	if (fds[1].revents)
		connection_begin(forwarder);
}

/* What a signal means: true if this is the end, with *status. */
static bool signal_take(int signals, pid_t child, int *status)
{
	struct signalfd_siginfo info;
	pid_t ended;
	int how;

	if (read(signals, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo != SIGCHLD) {
		if (child)
			kill(child, (int)info.ssi_signo); /* and it is its end that counts */
		return !child;
	}
	while ((ended = waitpid(-1, &how, WNOHANG)) > 0 && ended != child)
		; /* the way to an agent, of a connection that is over */
	if (ended <= 0)
		return false;
	*status = WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
	return true;
}

/* How many connections this process may have. poll() takes no more entries than it may have descriptors, of which there are half as
 * many. */
static size_t connections_most(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur < FDS_FIRST + PUMP_FDS)
		return 1;

	rlim_t most = (limit.rlim_cur - FDS_FIRST) / PUMP_FDS;

	return most < FORWARDER_CONNECTIONS_MAX ? (size_t)most : FORWARDER_CONNECTIONS_MAX;
}

int forwarder_run(const struct cli *cli, const struct listener *listener, const struct dial *dial, pid_t child)
{
	struct forwarder *forwarder = calloc(1, sizeof(*forwarder));
	int status = CLI_DONE, signals;
	sigset_t set;

	signals_set(&set);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (!forwarder || signals < 0)
		cli_out_of_memory();
	*forwarder = (struct forwarder){.cli = cli, .listener = listener, .dial = dial, .most = connections_most()};
	LIST_INIT(&forwarder->connections);
	while (!signal_take(signals, child, &status))
		forwarder_round(forwarder, signals);
	while (!LIST_EMPTY(&forwarder->connections))
		connection_end(forwarder, LIST_FIRST(&forwarder->connections), true);
	free(forwarder);
	close(signals);
	return status;
}
