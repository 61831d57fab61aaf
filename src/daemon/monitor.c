/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The monitor's loop. Whatever comes through the socket pair is taken for an attacker's: sizes, unused fields and descriptors are
 * checked, and no request is read before its answer can be sent, so that a worker that never listens keeps nobody waiting but
 * itself. No libevent here: the less this process holds, the better.
 */
#include "daemon/monitor.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/attachments.h"
#include "daemon/file.h"
#include "daemon/kept_id.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/ports.h"
#include "daemon/programs.h"
#include "daemon/store.h"
#include "daemon/target.h"
#include "link/af_packet.h"
#include "link/ifaces.h"
#include "link/xdp_features.h"

#define WORKER_END_MS 2000 /* how long a worker may take to end before it is killed */

struct monitor {
	int fd;
	int signal_fd;
	int worker_pid;
	struct monitor_options options;
	struct programs programs;
	struct attachments attachments;
	struct agent agent;
	struct config *config; /* the last one that parsed: what may take part while the file is broken */
	bool reload_wanted;    /* SIGHUP came, and the worker has not been told */
	bool stopping;         /* SIGTERM or SIGINT came */
	bool worker_gone;      /* it closed the pair or ended */
	bool worker_reaped;
};

/* A request as it came in: n bytes, and the descriptors that came along. */
struct arrival {
	ssize_t n;
	struct monitor_request request;
	int fd;
	size_t fd_count;
};

static void signal_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGCHLD);
}

void monitor_block_signals(void)
{
	sigset_t set;

	signal_set(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

/* Takes one message. Of its descriptors the first is kept in arrival->fd, all others are closed: none stays open unseen. */
static void receive(struct monitor *monitor, struct arrival *arrival)
{
	struct iovec iov = {&arrival->request, sizeof(arrival->request)};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg;

	memset(arrival, 0, sizeof(*arrival));
	arrival->fd = -1;
	arrival->n = recvmsg(monitor->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (arrival->n < 0)
		return;
	for (cmsg = CMSG_FIRSTHDR(&msg); cmsg != NULL; cmsg = CMSG_NXTHDR(&msg, cmsg)) {
		size_t i, count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		for (i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (arrival->fd_count++ == 0)
				arrival->fd = fd;
			else
				close(fd);
		}
	}
	/* MSG_TRUNC: a longer message; MSG_CTRUNC: descriptors that did not fit, which the kernel has closed. */
	if (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		arrival->n = 0;
}

/* Sends an answer, with a descriptor if fd >= 0. The worker has room for it (see serve()), else it is no worker of ours. */
static void answer(struct monitor *monitor, const struct monitor_answer *text, int fd)
{
	struct iovec iov = {(void *)(uintptr_t)text, sizeof(*text)};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (fd >= 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = sizeof(control);
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), &fd, sizeof(fd));
	}
	if (sendmsg(monitor->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)sizeof(*text))
		monitor->worker_gone = true;
}

/* The configuration on disk, or while that does not parse the last one that did: a broken file must not cost a port its socket
 * when the cable comes back. NULL: there never was one. */
static const struct config *present_config(struct monitor *monitor)
{
	struct config_error error;
	struct config *config = store_load(monitor->options.config_path, &error);

	if (config != NULL) {
		config_free(monitor->config);
		monitor->config = config;
		agent_want(&monitor->agent, config_agent(config));
	}
	return monitor->config;
}

/* An interface that may take part, by the configuration and as the kernel shows it. What the worker believes of either is of no
 * interest. */
struct allowed {
	const struct config *config;
	struct ifaces *ifaces; /* to be closed */
	const struct iface *iface;
	const struct config_port *entry;
	bool vlans; /* there are VLANs on it */
};

/* Returns 0 with *allowed filled, or a negative errno. */
static int look_up(struct monitor *monitor, uint32_t ifindex, struct allowed *allowed)
{
	const struct iface *list;
	size_t count;
	int result = 0;

	*allowed = (struct allowed){.config = present_config(monitor), .ifaces = ifaces_open()};
	if (allowed->config == NULL || allowed->ifaces == NULL)
		result = -EIO;
	if (result == 0) {
		list = ifaces_list(allowed->ifaces, &count);
		allowed->iface = ifaces_by_index(list, count, ifindex);
		result = allowed->iface == NULL ? -ENODEV : 0;
	}
	if (result == 0) {
		allowed->entry = ports_allowed(allowed->config, list, count, allowed->iface);
		allowed->vlans = ifaces_vlans(list, count, allowed->iface);
		result = !config_settings(allowed->config)->enabled || allowed->entry == NULL ? -EACCES : 0;
	}
	if (result != 0 && allowed->ifaces != NULL)
		ifaces_close(allowed->ifaces);
	return result;
}

/* Opens a packet socket on the interface if it may take part. Returns the descriptor or a negative errno. */
static int open_port(struct monitor *monitor, uint32_t ifindex)
{
	struct allowed allowed;
	int result = look_up(monitor, ifindex, &allowed);

	if (result != 0)
		return result;
	result = af_packet_socket(ifindex, allowed.iface->master_kind == IFACE_MASTER_BRIDGE);
	if (result < 0)
		result = -errno;
	ifaces_close(allowed.ifaces);
	return result;
}

/* Gives the interface its data path, if it may take part. Returns 0 with the answer filled, or an errno. */
static int attach(struct monitor *monitor, uint32_t ifindex, struct monitor_answer *text)
{
	struct xdp_abilities abilities = {.native = false};
	struct xdp_features *features;
	struct datapath_facts facts;
	struct attachment result;
	struct allowed allowed;
	int error = look_up(monitor, ifindex, &allowed);

	if (error != 0)
		return -error;
	features = xdp_features_open();
	facts = (struct datapath_facts){
		.want = config_datapath(allowed.config, allowed.entry),
		.told = features != NULL && xdp_features_get(features, ifindex, &abilities),
		.native = abilities.native,
		.hidden_vlans = allowed.vlans && xdp_strips_vlans(ifindex),
	};
	text->slot = attachments_attach(&monitor->attachments, ifindex, &facts, &result);
	text->path = (uint8_t)result.path;
	text->why = (uint8_t)result.why;
	if (features != NULL)
		xdp_features_close(features);
	ifaces_close(allowed.ifaces);
	return 0;
}

/* A map for the worker: a descriptor of its own. */
static int open_map(const struct monitor *monitor, uint16_t number)
{
	int fd = attachments_map(&monitor->attachments, (enum xdp_map)(number - 1));

	if (fd >= 0)
		fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd == -1 ? -errno : fd;
}

static int open_config(struct monitor *monitor)
{
	int fd;

	present_config(monitor); /* the worker takes it up now, and may ask for ports by it when the file is broken later */
	fd = file_open(monitor->options.config_path);
	return fd >= 0 ? fd : -errno;
}

/* Begins to connect; whoever gets the descriptor will see by it how that goes. */
static int connect_target(const struct target *target)
{
	int on = 1, error, fd = socket(target->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (target->kind == TARGET_TCP)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, (const struct sockaddr *)&target->address, target->address_len) == 0 || errno == EINPROGRESS)
		return fd;
	error = errno;
	close(fd);
	return -error;
}

static int start_service(struct monitor *monitor, const struct monitor_request *request)
{
	const struct config *config = present_config(monitor);
	const struct config_service *service = config != NULL ? config_service_on(config, request->port) : NULL;
	struct target target;

	if (service == NULL || !target_parse(service->to, &target))
		return -ENOENT;
	if (service->disabled || !config_settings(config)->enabled)
		return -EACCES;
	if (target.kind == TARGET_EXEC)
		return programs_start(&monitor->programs, service, &target, request->id, &monitor->options.limits);
	return connect_target(&target);
}

static void ready(struct monitor *monitor)
{
	if (monitor->options.ready_fd >= 0) {
		if (write(monitor->options.ready_fd, "", 1) != 1)
			log_debug("nobody waits for romond to be ready");
		close(monitor->options.ready_fd);
		monitor->options.ready_fd = -1;
	}
	notify_send("READY=1");
}

/* Is the request exactly what its operation wants, with nothing in the fields that it does not use? */
static bool request_valid(const struct arrival *arrival)
{
	const struct monitor_request *request = &arrival->request;
	uint32_t op = request->op;
	bool with_ifindex = op == MONITOR_OPEN_PORT || op == MONITOR_ATTACH || op == MONITOR_DETACH;
	bool with_id = op == MONITOR_SAVE_ID || op == MONITOR_START_SERVICE;
	bool with_port = op == MONITOR_START_SERVICE || op == MONITOR_MAP;

	return arrival->n == (ssize_t)sizeof(*request) && op >= MONITOR_OPEN_PORT && op <= MONITOR_START_SERVICE &&
	       (request->ifindex != 0) == with_ifindex &&
	       (with_id ? romon_id_valid(request->id) : romon_mac_is_zero(request->id)) && (request->port != 0) == with_port &&
	       (op != MONITOR_MAP || request->port <= XDP_MAPS) && arrival->fd_count == (op == MONITOR_REPLACE_CONFIG ? 1 : 0);
}

/* Does what a valid request asks and fills the answer. Returns a descriptor to pass, or -1. */
static int perform(struct monitor *monitor, const struct arrival *arrival, struct monitor_answer *text)
{
	const struct monitor_request *request = &arrival->request;
	int fd = -1;

	switch (request->op) {
	case MONITOR_OPEN_PORT:
		fd = open_port(monitor, request->ifindex);
		break;
	case MONITOR_OPEN_CONFIG:
		fd = open_config(monitor);
		break;
	case MONITOR_REPLACE_CONFIG:
		text->status = store_replace(monitor->options.config_path, arrival->fd, present_config(monitor));
		if (text->status == 0)
			present_config(monitor);
		return -1;
	case MONITOR_LOAD_ID:
		text->status = kept_id_load(monitor->options.state_dir, &text->id);
		return -1;
	case MONITOR_SAVE_ID:
		text->status = kept_id_save(monitor->options.state_dir, request->id);
		return -1;
	case MONITOR_READY:
		ready(monitor);
		return -1;
	case MONITOR_ATTACH:
		text->status = attach(monitor, request->ifindex, text);
		return -1;
	case MONITOR_DETACH:
		attachments_detach(&monitor->attachments, request->ifindex);
		return -1;
	case MONITOR_MAP:
		fd = open_map(monitor, request->port);
		break;
	case MONITOR_START_SERVICE:
		fd = start_service(monitor, request);
		break;
	}
	text->status = fd < 0 ? -fd : 0;
	return fd;
}

static void serve(struct monitor *monitor, bool hung_up)
{
	struct monitor_answer text = {.status = EINVAL};
	struct arrival arrival;
	int fd = -1;

	receive(monitor, &arrival);
	if ((arrival.n == 0 && hung_up) || (arrival.n < 0 && errno != EAGAIN && errno != EINTR))
		monitor->worker_gone = true;
	else if (arrival.n >= 0) {
		text.op = arrival.n == (ssize_t)sizeof(arrival.request) ? arrival.request.op : 0;
		if (request_valid(&arrival)) {
			text.status = 0;
			fd = perform(monitor, &arrival, &text);
		}
		answer(monitor, &text, fd);
	}
	if (fd >= 0)
		close(fd);
	if (arrival.fd >= 0)
		close(arrival.fd);
}

/* Says how the worker ended, once it has. */
static void reap(struct monitor *monitor, int flags)
{
	int status;
	pid_t pid;

	if (monitor->worker_pid <= 0 || monitor->worker_reaped)
		return;
	pid = waitpid(monitor->worker_pid, &status, flags);
	if (pid == 0)
		return;
	monitor->worker_reaped = true;
	monitor->worker_gone = true;
	if (pid < 0 || monitor->stopping)
		return;
	if (WIFSIGNALED(status))
		log_error("the worker was killed by signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		log_error("the worker ended with status %d", WEXITSTATUS(status));
}

static void take_signal(struct monitor *monitor)
{
	struct signalfd_siginfo info;

	if (read(monitor->signal_fd, &info, sizeof(info)) != (ssize_t)sizeof(info))
		return;
	if (info.ssi_signo == SIGHUP)
		monitor->reload_wanted = true;
	else if (info.ssi_signo == SIGCHLD) {
		reap(monitor, WNOHANG);
		programs_reap(&monitor->programs);
		agent_reap(&monitor->agent);
	} else
		monitor->stopping = true;
}

/* One turn: waits, then takes a signal, or tells the worker something, or serves one request. While the worker's end has no room
 * for an answer its requests wait. */
static void turn(struct monitor *monitor)
{
	struct pollfd fds[] = {{.fd = monitor->signal_fd, .events = POLLIN}, {.fd = monitor->fd, .events = POLLIN | POLLRDHUP}};
	struct pollfd room = {.fd = monitor->fd, .events = POLLOUT};
	const struct monitor_answer notice = {.op = MONITOR_NOTICE_RELOAD};

	if (monitor->reload_wanted)
		fds[1].events = POLLOUT | POLLRDHUP;
	agent_run(&monitor->agent, &monitor->options.agent);
	if (poll(fds, 2, agent_wait(&monitor->agent)) <= 0)
		return;
	if (fds[0].revents != 0)
		take_signal(monitor);
	else if (monitor->reload_wanted && (fds[1].revents & POLLOUT)) {
		monitor->reload_wanted = false;
		answer(monitor, &notice, -1);
	} else if (fds[1].revents & (POLLHUP | POLLERR | POLLNVAL | POLLRDHUP))
		serve(monitor, true);
	else if (fds[1].revents & POLLIN) {
		if (poll(&room, 1, 0) == 0) {
			/* Wait for room, or for the end of either side, before anything is read. */
			fds[1].events = POLLOUT | POLLRDHUP;
			poll(fds, 2, -1);
		} else
			serve(monitor, false);
	}
}

/* The worker ends when its end of the pair says so; one that does not is killed. */
static void end_worker(struct monitor *monitor)
{
	struct pollfd pfd = {.fd = monitor->signal_fd, .events = POLLIN};

	close(monitor->fd);
	reap(monitor, WNOHANG);
	while (monitor->worker_pid > 0 && !monitor->worker_reaped) {
		if (poll(&pfd, 1, WORKER_END_MS) > 0)
			take_signal(monitor);
		else {
			log_warning("the worker does not end and is killed");
			kill(monitor->worker_pid, SIGKILL);
			reap(monitor, 0);
		}
	}
}

int monitor_run(int fd, const struct monitor_options *options, int worker_pid)
{
	struct monitor monitor = {.fd = fd, .worker_pid = worker_pid, .options = *options};
	sigset_t set;

	monitor_block_signals();
	signal_set(&set);
	attachments_init(&monitor.attachments);
	monitor.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (monitor.signal_fd < 0) {
		log_error("signalfd: %s", strerror(errno));
		monitor.worker_gone = true;
	}
	while (!monitor.worker_gone && !monitor.stopping)
		turn(&monitor);
	agent_stop(&monitor.agent);
	end_worker(&monitor);
	agent_end(&monitor.agent, monitor.signal_fd);
	attachments_free(&monitor.attachments);
	programs_free(&monitor.programs);
	config_free(monitor.config);
	if (monitor.signal_fd >= 0)
		close(monitor.signal_fd);
	if (monitor.options.ready_fd >= 0)
		close(monitor.options.ready_fd);
	return monitor.stopping ? 0 : 1;
}
