/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The worker's loop. libevent waits and calls whoever has input; after each turn settle() does all that follows, in one place and
 * in one order. With nothing to do there is no timer at all: an idle router sleeps.
 */
#include "daemon/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "daemon/control.h"
#include "daemon/log.h"
#include "daemon/router.h"

struct romon_time worker_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (struct romon_time){ts.tv_sec * ROMON_SECOND + ts.tv_nsec};
}

void worker_flush(struct worker *worker)
{
	struct romon_frame frames[MEMBERS_SEND_BATCH];
	size_t n;

	if (worker->engine == NULL)
		return;
	do {
		n = romon_engine_send(worker->engine, frames, MEMBERS_SEND_BATCH, worker_now());
		members_send(worker, frames, n);
	} while (n == MEMBERS_SEND_BATCH);
}

static void monitor_readable(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	monitor_client_notice(&worker->monitor);
}

static void netlink_readable(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	worker->refresh = true;
}

/* The timer's only task is to end the wait: settle() does the rest. */
static void timer_due(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
}

static void reload(struct worker *worker)
{
	struct config_error error;
	struct config *config = router_load(worker, &error);

	worker->monitor.reload = false;
	if (config == NULL) {
		log_error("%s:%u: %s; the running configuration stays", worker->config_path, error.line, error.reason);
		return;
	}
	self_read_identity(&worker->self);
	if (router_apply(worker, config))
		log_info("the configuration was read anew");
}

/* Looks at the interfaces. News of them is read here, not where it is noticed: a link may break before netlink is looked at. */
static void refresh(struct worker *worker)
{
	worker->refresh = false;
	if (ifaces_update(worker->ifaces) < 0) {
		log_error("netlink: %s", strerror(errno));
		worker->failed = true;
		return;
	}
	router_refresh(worker);
}

static void set_timer(struct worker *worker, struct event *timer)
{
	struct romon_time when;
	struct timeval wait = {0, 0};
	int64_t us;

	if (worker->engine == NULL || !romon_engine_wake(worker->engine, &when)) {
		evtimer_del(timer);
		return;
	}
	/* Rounded up: woken too early there would be nothing to do yet. */
	us = (when.ns - worker_now().ns + 999) / 1000;
	if (us > 0) {
		wait.tv_sec = (time_t)(us / 1000000);
		wait.tv_usec = (suseconds_t)(us % 1000000);
	}
	evtimer_add(timer, &wait);
}

/* Hands an event of the engine to whom it is about. */
static void tell(struct worker *worker, const struct romon_event *event)
{
	switch (event->type) {
	case ROMON_EVENT_STREAM_ACCEPTED:
		services_accept(worker, event);
		break;
	case ROMON_EVENT_STREAM_READABLE:
	case ROMON_EVENT_STREAM_WRITABLE:
		pumps_event(worker, event);
		break;
	case ROMON_EVENT_STREAM_CLOSED:
		pumps_event(worker, event);
		control_event(worker->control, event);
		break;
	default:
		control_event(worker->control, event);
	}
}

static void settle(struct worker *worker, struct event *timer)
{
	struct romon_event event;

	if (worker->refresh)
		refresh(worker);
	if (worker->monitor.reload)
		reload(worker);
	worker_flush(worker);
	while (worker->engine != NULL && romon_engine_event(worker->engine, &event))
		tell(worker, &event);
	control_settle(worker->control);
	/* What the clients started, and what opened or closed meanwhile. */
	worker_flush(worker);
	set_timer(worker, timer);
	if (worker->pcap != NULL && pcap_error(worker->pcap) != 0) {
		log_error("the capture ends: %s", strerror(pcap_error(worker->pcap)));
		members_close(worker);
		pcap_close(worker->pcap);
		worker->pcap = NULL;
		worker->refresh = true;
	}
}

/* Every stream of a service or of a client needs a descriptor: as many as this process may have. */
static void allow_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

/* Everything that needs root or a socket of its own. */
static bool start(struct worker *worker, const struct worker_options *options)
{
	struct event_config *event_config = event_config_new();

	if (event_config != NULL) {
		/* Frames are spread over a few milliseconds: epoll's own resolution of one is too coarse. */
		event_config_set_flag(event_config, EVENT_BASE_FLAG_PRECISE_TIMER);
		event_config_set_flag(event_config, EVENT_BASE_FLAG_NOLOCK);
		worker->base = event_base_new_with_config(event_config);
		event_config_free(event_config);
	}
	if (worker->base == NULL) {
		log_error("cannot start the event loop");
		return false;
	}
	worker->ifaces = ifaces_open();
	if (worker->ifaces == NULL) {
		log_error("netlink: %s", strerror(errno));
		return false;
	}
	if (options->pcap_fd >= 0) {
		worker->pcap = pcap_new(options->pcap_fd);
		if (worker->pcap == NULL) {
			log_error("cannot record: %s", strerror(errno));
			return false;
		}
	}
	datapaths_open(worker);
	self_read(&worker->self);
	allow_descriptors();
	if (!privilege_drop(&options->user, PRIVILEGE_WORKER))
		return false;
	/* The monitor's end closes the pair, which ends the loop; this is for a worker that hangs. After the change of user,
	 * which resets it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	return true;
}

static bool configure(struct worker *worker, const struct worker_options *options)
{
	struct config_error error;
	struct config *config = router_load(worker, &error);

	if (config == NULL) {
		log_error("%s:%u: %s", worker->config_path, error.line, error.reason);
		return false;
	}
	worker->control = control_new(worker, options->listen_fd);
	if (worker->control == NULL) {
		config_free(config);
		log_error("cannot serve the control socket");
		return false;
	}
	return router_apply(worker, config);
}

static bool over(const struct worker *worker)
{
	return worker->failed || worker->monitor.ended;
}

/* No wait while anything is left to do: a turn may itself find that the interfaces have to be looked at again, and every request
 * to the monitor may bring the news of another SIGHUP, which no descriptor tells of any more. */
static void loop(struct worker *worker)
{
	struct event *monitor = event_new(worker->base, worker->monitor.fd, EV_READ | EV_PERSIST, monitor_readable, worker);
	struct event *netlink =
		event_new(worker->base, ifaces_fd(worker->ifaces), EV_READ | EV_PERSIST, netlink_readable, worker);
	struct event *timer = evtimer_new(worker->base, timer_due, worker);

	if (monitor == NULL || netlink == NULL || timer == NULL || event_add(monitor, NULL) != 0 ||
		event_add(netlink, NULL) != 0) {
		log_error("no memory for the event loop");
		worker->failed = true;
	}
	if (!worker->failed && monitor_client_ready(&worker->monitor) == 0)
		log_info("romond " ROMON_VERSION " serves");
	while (!over(worker)) {
		settle(worker, timer);
		if (!over(worker) && !worker->refresh && !worker->monitor.reload &&
			event_base_loop(worker->base, EVLOOP_ONCE) < 0) {
			log_error("event loop: %s", strerror(errno));
			worker->failed = true;
		}
	}
	if (monitor != NULL)
		event_free(monitor);
	if (netlink != NULL)
		event_free(netlink);
	if (timer != NULL)
		event_free(timer);
}

int worker_run(const struct worker_options *options)
{
	struct worker worker = {
		.monitor = {.fd = options->monitor_fd},
		.config_path = options->config_path,
		.agent_users = options->agent_users,
		.agent = options->user.agent,
		.started = worker_now(),
	};

	worker.failed = !start(&worker, options) || !configure(&worker, options);
	if (!worker.failed)
		loop(&worker);
	router_stop(&worker);
	if (worker.control != NULL)
		control_free(worker.control);
	if (worker.config != NULL)
		config_free(worker.config);
	if (worker.pcap != NULL)
		pcap_close(worker.pcap);
	datapaths_close(&worker);
	if (worker.ifaces != NULL)
		ifaces_close(worker.ifaces);
	if (worker.base != NULL) {
		/* A stream with a callback under way is freed only when libevent has run that. */
		event_base_loop(worker.base, EVLOOP_NONBLOCK);
		event_base_free(worker.base);
	}
	return worker.failed ? 1 : 0;
}
