/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fuzz target: what clients of the control socket may send, up to the methods and the configuration that they change. The input is the
 * bytes of two connections, the second of them not root's where that can be had: byte 1 changes to the other one, 2 leaves with it, 3
 * lets it stop reading or go on. Whatever they are, each whole answer is a message, and clients are let go when they leave. The monitor
 * is played by this file: it keeps nothing, and opens nothing. So is a neighbour, another engine, for those who look for one.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/message.h"
#include "daemon/control.h"
#include "daemon/log.h"
#include "daemon/router.h"
#include "daemon/worker.h"
#include "fuzz.h"

#define TURNS_MAX 500
#define ANSWERS_MAX (4 * 1024 * 1024)
#define NOBODY 65534
#define CUT_MIN (64 * 1024)

int LLVMFuzzerInitialize(int *argc, char ***argv);

/* ---- the monitor ---- */

int monitor_client_open_port(struct monitor_client *client, uint32_t ifindex)
{
	(void)client;
	(void)ifindex;
	return -EPERM;
}

int monitor_client_open_config(struct monitor_client *client)
{
	(void)client;
	return -ENOENT;
}

int monitor_client_replace_config(struct monitor_client *client, const char *text, size_t len)
{
	struct config_error error;
	struct config *config = config_parse(text, len, &error);

	(void)client;
	must(config != NULL); /* what is saved can be read */
	config_free(config);
	return 0;
}

int monitor_client_load_id(struct monitor_client *client, struct romon_mac *id)
{
	(void)client;
	*id = (struct romon_mac){{2, 0, 0, 0, 0, 1}};
	return 0;
}

int monitor_client_save_id(struct monitor_client *client, struct romon_mac id)
{
	(void)client;
	must(romon_id_valid(id));
	return 0;
}

int monitor_client_ready(struct monitor_client *client)
{
	(void)client;
	return 0;
}

int monitor_client_start_service(struct monitor_client *client, uint16_t port, struct romon_mac remote)
{
	(void)client;
	(void)port;
	(void)remote;
	return -ENOENT;
}

int monitor_client_attach(struct monitor_client *client, uint32_t ifindex, struct monitor_answer *answer)
{
	(void)client;
	(void)ifindex;
	(void)answer;
	return -EPERM;
}

int monitor_client_detach(struct monitor_client *client, uint32_t ifindex)
{
	(void)client;
	(void)ifindex;
	return 0;
}

int monitor_client_map(struct monitor_client *client, enum xdp_map map)
{
	(void)client;
	(void)map;
	return -EPERM;
}

void monitor_client_notice(struct monitor_client *client)
{
	(void)client;
}

/* ---- the log: nobody reads it ---- */

void log_error(const char *format, ...)
{
	(void)format;
}

void log_warning(const char *format, ...)
{
	(void)format;
}

void log_info(const char *format, ...)
{
	(void)format;
}

void log_debug(const char *format, ...)
{
	(void)format;
}

void log_line(void *ctx, enum romon_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

/* ---- the daemon, and its neighbour ---- */

enum { LINK = 77, SELF = 1, NEIGHBOUR = 5 };

static struct worker worker;
static struct romon_engine *neighbour;

static struct romon_mac address(uint8_t number)
{
	return (struct romon_mac){{2, 0, 0, 0, 0, number}};
}

static uint64_t next_random(void *ctx)
{
	static uint64_t seed;

	(void)ctx;
	return seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
}

static void start_neighbour(void)
{
	struct romon_env env = {.random = next_random, .log = log_line};
	struct romon_router router = {
		.id = address(NEIGHBOUR), .identity = "farm", .board = "fuzz", .send_uptime = true, .unicast = true};
	struct romon_port port = {.link = 1, .mac = address(0x15), .mtu = 1500, .cost = 100};

	neighbour = romon_engine_new(&env, &router);
	must(neighbour != NULL && romon_engine_set_port(neighbour, &port, worker_now()));
	must(romon_engine_listen(neighbour, 3, true));
}

/* A wire to the neighbour, which no interface of this machine is behind. */
static void join(void)
{
	struct romon_port port = {.link = LINK, .mac = address(0x11), .mtu = 1500, .cost = 100};

	if (worker.engine != NULL)
		must(romon_engine_set_port(worker.engine, &port, worker_now()));
}

/* Moves frames from one to the other. */
static bool carry(struct romon_engine *from, struct romon_engine *to, uint32_t to_link)
{
	struct romon_frame frames[16];
	size_t count = romon_engine_send(from, frames, 16, worker_now());

	for (size_t i = 0; i < count; i++)
		frames[i].link = to_link;
	romon_engine_receive(to, frames, count, worker_now());
	return count > 0;
}

static void exchange(void)
{
	struct romon_event event;

	for (unsigned turns = 0; worker.engine != NULL && turns < TURNS_MAX; turns++)
		if (!carry(worker.engine, neighbour, 1) && !carry(neighbour, worker.engine, LINK))
			break;
	while (romon_engine_event(neighbour, &event))
		continue;
	while (worker.engine != NULL && romon_engine_event(worker.engine, &event)) {
		pumps_event(&worker, &event);
		control_event(worker.control, &event);
	}
}

static void turn(void)
{
	event_base_loop(worker.base, EVLOOP_NONBLOCK);
	if (worker.engine != NULL)
		join();
	exchange();
	control_settle(worker.control);
	exchange();
}

static void start(struct sockaddr_un *at, socklen_t *len)
{
	static const char text[] = "/tool romon\nset enabled=yes\n/tool romon port\nadd interface=eth1 cost=7 secrets=fuzz\n";
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct config_error error;

	*at = (struct sockaddr_un){.sun_family = AF_UNIX}; /* the kernel finds a name */
	*len = sizeof(*at);
	must(fd >= 0 && bind(fd, (struct sockaddr *)at, sizeof(at->sun_family)) == 0 && listen(fd, 8) == 0);
	must(getsockname(fd, (struct sockaddr *)at, len) == 0);
	worker.config_path = "romon.conf";
	worker.control = control_new(&worker, fd);
	must(worker.control != NULL);
	must(router_apply(&worker, config_parse(text, sizeof(text) - 1, &error)));
	start_neighbour();
}

static void stop(void)
{
	router_stop(&worker);
	must(worker.pumps.count == 0 && worker.asking.users == 0);
	memset(&worker.pumps, 0, sizeof(worker.pumps));
	control_free(worker.control);
	config_free(worker.config);
	romon_engine_free(neighbour);
	worker.control = NULL;
	worker.config = NULL;
	event_base_loop(worker.base, EVLOOP_NONBLOCK);
}

/* ---- the clients ---- */

struct dialed {
	int fd;
	bool reads, gone;
	char *answers; /* ANSWERS_MAX of them */
	size_t len;
};

static void dial(struct dialed *client, struct sockaddr_un *at, socklen_t len, uid_t uid)
{
	uid_t self = geteuid();

	client->reads = true;
	client->gone = false;
	client->len = 0;
	client->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (self == 0) /* whose a connection is, is asked of the moment in which it is made */
		must(seteuid(uid) == 0);
	must(client->fd >= 0 && connect(client->fd, (struct sockaddr *)at, len) == 0);
	must(geteuid() == self || seteuid(self) == 0);
	turn();
}

/* True: there was something. */
static bool read_answers(struct dialed *client)
{
	ssize_t n = 0;
	size_t before = client->len;

	while (client->reads && !client->gone && client->len < ANSWERS_MAX &&
		(n = read(client->fd, client->answers + client->len, ANSWERS_MAX - client->len)) > 0)
		client->len += (size_t)n;
	client->gone |= n == 0 && client->reads;
	return client->len > before;
}

/* Up to where the connection became something else, what stands there are messages. */
static void judge_answers(const struct dialed *client)
{
	size_t at = 0;

	while (at < client->len) {
		const char *begin = client->answers + at, *nul = memchr(begin, '\0', client->len - at);
		struct message_reply reply;

		if (nul == NULL) { /* a whole one would have ended, unless the rest was cut off by a full socket */
			must(client->len > CUT_MIN || !message_reply_read(begin, client->len - at, &reply));
			return;
		}
		must(message_reply_read(begin, (size_t)(nul - begin), &reply));
		message_reply_free(&reply);
		at += (size_t)(nul - begin) + 1;
	}
}

static void leave(struct dialed *client)
{
	if (!client->gone)
		shutdown(client->fd, SHUT_WR);
	client->gone = true;
	turn();
}

/* Sends some bytes, and turns until nothing comes any more. */
static void talk(struct dialed *clients, struct dialed *client, const uint8_t *data, size_t len)
{
	unsigned quiet = 0;

	for (unsigned turns = 0; turns < TURNS_MAX && quiet < 2; turns++) {
		ssize_t n = len > 0 && !client->gone ? send(client->fd, data, len, MSG_NOSIGNAL) : 0;

		turn();
		quiet++;
		for (size_t i = 0; i < 2; i++)
			if (read_answers(&clients[i]))
				quiet = 0;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
			quiet = 0;
		}
	}
}

static void run(struct dialed clients[2], const uint8_t *data, size_t size)
{
	size_t current = 0;

	while (size > 0) {
		size_t len = 0;

		while (len < size && (data[len] == 0 || data[len] > 3))
			len++;
		talk(clients, &clients[current], data, len);
		if (len == size)
			break;
		if (data[len] == 1)
			current = 1 - current;
		else if (data[len] == 2)
			leave(&clients[current]);
		else
			clients[current].reads = !clients[current].reads;
		data += len + 1;
		size -= len + 1;
	}
}

/* A namespace without the host's interfaces, so that every machine behaves alike; where that is not allowed, with them. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	signal(SIGPIPE, SIG_IGN); /* as main() does */
	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		fprintf(stderr, "no network namespace of its own: the interfaces of this machine are seen\n");
	return 0;
}

static void set_up(struct dialed clients[2])
{
	worker.base = event_base_new();
	worker.ifaces = ifaces_open();
	must(worker.base != NULL && worker.ifaces != NULL);
	self_read(&worker.self);
	for (size_t i = 0; i < 2; i++) {
		clients[i].answers = malloc(ANSWERS_MAX);
		must(clients[i].answers != NULL);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dialed clients[2];
	struct sockaddr_un at;
	socklen_t len;

	if (worker.base == NULL)
		set_up(clients);
	start(&at, &len);
	worker.agent = size > 0 && data[0] == 4 ? NOBODY : (uid_t)-1; /* then the second one is the WinBox agent */
	for (size_t i = 0; i < 2; i++)
		dial(&clients[i], &at, len, i == 0 ? 0 : NOBODY);
	run(clients, data + (worker.agent == NOBODY), size - (worker.agent == NOBODY));
	for (size_t i = 0; i < 2; i++)
		leave(&clients[i]);
	for (size_t i = 0; i < 2; i++) {
		judge_answers(&clients[i]);
		close(clients[i].fd);
	}
	turn();
	turn();
	stop();
	return 0;
}
