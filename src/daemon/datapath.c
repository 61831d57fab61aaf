/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The XDP data path in the worker. What the program has to know changes by plain stores into its maps; the monitor is asked only when the
 * path itself may be another.
 */
#include "daemon/datapath.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/members.h"
#include "daemon/worker.h"

/* While so many frames come in so long a time the ring is looked at every so often; for fewer of them the kernel wakes us for each. */
#define BUSY_FRAMES 20
#define BUSY_TIME ROMON_MILLISECOND
#define LOOK_US 100
#define LOOK_BATCHES 16 /* at most, before others have their turn */

/* Takes a batch from the ring. Returns how much it was. */
static size_t receive(struct worker *worker)
{
	struct xdp_batch batch;
	struct romon_time now;

	xdp_receive(worker->datapaths.xdp, &batch);
	if (worker->engine == NULL)
		return batch.frame_count;
	now = worker_now();
	for (size_t i = 0; i < batch.neighbor_count; i++)
		romon_engine_heard(worker->engine, batch.neighbors[i].link, batch.neighbors[i].mac, now);
	for (size_t i = 0; i < batch.frame_count && worker->pcap != NULL; i++) {
		const struct member *member = members_find(worker, batch.frames[i].link);

		if (member != NULL && member->link != NULL)
			pcap_received(member->link, &batch.frames[i], 1);
	}
	romon_engine_receive(worker->engine, batch.frames, batch.frame_count, now);
	worker_flush(worker);
	return batch.frame_count;
}

static void count_anew(struct datapaths *self, struct romon_time now)
{
	self->since = now;
	self->counted = 0;
}

static void look_again(struct datapaths *self)
{
	static const struct timeval soon = {.tv_usec = LOOK_US};

	event_add(self->look, &soon);
}

static void ring_readable(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	struct datapaths *self = &worker->datapaths;
	struct romon_time now = worker_now();

	(void)fd;
	(void)what;
	if (now.ns - self->since.ns >= BUSY_TIME)
		count_anew(self, now);
	self->counted += receive(worker);
	if (self->counted >= BUSY_FRAMES) {
		count_anew(self, now);
		xdp_hold(self->xdp, true);
		event_del(self->ring);
		look_again(self);
	}
}

static void look(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;
	struct datapaths *self = &worker->datapaths;
	struct romon_time now = worker_now();
	size_t some = 1;

	(void)fd;
	(void)what;
	for (int i = 0; i < LOOK_BATCHES && some > 0; i++)
		self->counted += some = receive(worker);
	if (now.ns - self->since.ns < BUSY_TIME) {
		look_again(self);
	} else if (self->counted >= BUSY_FRAMES) {
		count_anew(self, now);
		look_again(self);
	} else {
		count_anew(self, now);
		xdp_hold(self->xdp, false);
		event_add(self->ring, NULL); /* which sees what has come meanwhile */
	}
}

/* Some driver can do something else than before. */
static void features_readable(evutil_socket_t fd, short what, void *arg)
{
	struct worker *worker = arg;

	(void)fd;
	(void)what;
	if (!xdp_features_drain(worker->datapaths.features)) {
		log_warning("netlink tells no more of drivers: %s", strerror(errno));
		event_del(worker->datapaths.news);
	}
	worker->refresh = true;
}

static struct event *listen_on(struct worker *worker, int fd, event_callback_fn callback)
{
	struct event *event = event_new(worker->base, fd, EV_READ | EV_PERSIST, callback, worker);

	if (event != NULL && event_add(event, NULL) == 0)
		return event;
	if (event != NULL)
		event_free(event);
	return NULL;
}

void datapaths_open(struct worker *worker)
{
	struct datapaths *self = &worker->datapaths;

	self->features = xdp_features_open();
	if (self->features == NULL)
		log_debug("the kernel tells nothing of drivers' XDP: %s", strerror(errno));
	else
		self->news = listen_on(worker, xdp_features_fd(self->features), features_readable);
}

void datapaths_close(struct worker *worker)
{
	struct datapaths *self = &worker->datapaths;

	if (self->ring != NULL)
		event_free(self->ring);
	if (self->look != NULL)
		event_free(self->look);
	if (self->news != NULL)
		event_free(self->news);
	if (self->xdp != NULL)
		xdp_close(self->xdp);
	if (self->features != NULL)
		xdp_features_close(self->features);
	*self = (struct datapaths){.xdp = NULL};
}

void datapaths_retry(struct worker *worker)
{
	worker->datapaths.round++;
}

/* Maps the program's maps when the first member has a slot. False if that does not work. */
static bool open_xdp(struct worker *worker)
{
	struct datapaths *self = &worker->datapaths;
	int fds[XDP_MAPS], count = 0;

	if (self->xdp != NULL)
		return true;
	for (; count < XDP_MAPS; count++) {
		fds[count] = monitor_client_map(&worker->monitor, (enum xdp_map)count);
		if (fds[count] < 0)
			break;
	}
	if (count == XDP_MAPS) {
		self->xdp = xdp_open(fds);
		self->look = self->xdp != NULL ? evtimer_new(worker->base, look, worker) : NULL;
		self->ring = self->look != NULL ? listen_on(worker, xdp_fd(self->xdp), ring_readable) : NULL;
		if (self->ring != NULL)
			return true;
		if (self->look != NULL)
			event_free(self->look);
		if (self->xdp != NULL)
			xdp_close(self->xdp);
		self->xdp = NULL;
		self->look = NULL;
	} else {
		while (count-- > 0)
			close(fds[count]);
	}
	log_warning("cannot use the maps of the XDP program");
	return false;
}

void datapath_init(struct worker *worker, struct datapath *self)
{
	*self = (struct datapath){.path = DATAPATH_PACKET, .slot = -1, .epoch = ++worker->datapaths.epoch};
}

/* Has anything changed that decides what path there can be? */
static bool must_ask(struct member *member, const struct iface *iface, enum datapath_want want)
{
	struct datapath *self = &member->datapath;
	const struct worker *worker = member->worker;
	size_t count;
	const struct iface *list = ifaces_list(worker->ifaces, &count);
	bool vlans = ifaces_vlans(list, count, iface);
	bool retry = self->path <= DATAPATH_PACKET && want != DATAPATH_WANT_PACKET && self->round != worker->datapaths.round;
	bool same = self->asked && !retry && self->want == want && self->vlans == vlans && self->master == iface->master &&
		    self->mtu == iface->mtu;

	self->asked = true;
	self->want = want;
	self->vlans = vlans;
	self->master = iface->master;
	self->mtu = iface->mtu;
	self->round = worker->datapaths.round;
	return !same;
}

static void tell_program(struct member *member, uint32_t flags)
{
	const struct worker *worker = member->worker;
	const struct xdp_port port = {.id = worker->id,
		.mac = member->port.mac,
		.mtu = member->port.mtu,
		.flags = flags,
		.epoch = member->datapath.epoch};

	member->datapath.flags = flags;
	xdp_set_answers(worker->datapaths.xdp, config_settings(worker->config)->answer_limit / ROMON_ANSWERS_LEFT);
	xdp_set_port(worker->datapaths.xdp, (uint32_t)member->datapath.slot, &port);
}

/* Asks the monitor for a path. */
static void ask(struct member *member)
{
	struct datapath *self = &member->datapath;
	struct worker *worker = member->worker;
	struct monitor_answer answer;
	enum datapath_path before = self->path;
	int error = monitor_client_attach(&worker->monitor, member->port.link, &answer);

	if (error == 0 && answer.slot >= 0 && answer.slot < ROMON_BPF_SLOTS && !open_xdp(worker))
		error = -EIO;
	if (error != 0) {
		/* What it has had goes too, the program in another namespace, say, where the interface may be by now. */
		if (self->slot >= 0)
			tell_program(member, 0);
		monitor_client_detach(&worker->monitor, member->port.link);
		self->path = datapath_without_xdp(self->want);
		self->why = DATAPATH_WHY_REFUSED;
		self->slot = -1;
		return;
	}
	self->path = (enum datapath_path)answer.path;
	self->why = (enum datapath_why)answer.why;
	if (answer.slot != self->slot && answer.slot >= 0)
		self->before = xdp_counts(worker->datapaths.xdp, (uint32_t)answer.slot);
	self->slot = answer.slot;
	if (self->path != before)
		log_debug("%s: data path %s", member->name, datapath_name(self->path));
}

/* What may pass inside the kernel, as the program reads it. */
static uint32_t flags_of(const struct member *member, bool secrets)
{
	const struct worker *worker = member->worker;
	struct xdp_abilities abilities = {.takes = false};
	bool plain = !secrets && worker->pcap == NULL; /* a capture is to have every frame */
	uint32_t flags = 0;

	if (worker->datapaths.features != NULL)
		xdp_features_get(worker->datapaths.features, member->port.link, &abilities);
	if (plain)
		flags |= ROMON_BPF_IN;
	if (plain && !member->port.no_carrier)
		flags |= ROMON_BPF_OUT;
	if (abilities.takes)
		flags |= ROMON_BPF_TAKES;
	if (member->datapath.path == DATAPATH_GENERIC)
		flags |= ROMON_BPF_GENERIC;
	if (!config_settings(worker->config)->unicast)
		flags |= ROMON_BPF_GROUP;
	return flags;
}

bool datapath_update(struct member *member, const struct iface *iface, const struct config_port *entry, bool secrets)
{
	enum datapath_want want = config_datapath(member->worker->config, entry);

	if (must_ask(member, iface, want))
		ask(member);
	if (member->datapath.slot >= 0)
		tell_program(member, flags_of(member, secrets));
	return member->datapath.path != DATAPATH_NONE;
}

void datapath_lost(struct member *member)
{
	member->datapath.asked = false;
}

void datapath_close(struct member *member)
{
	struct datapath *self = &member->datapath;

	if (self->slot >= 0) {
		tell_program(member, 0);
		monitor_client_detach(&member->worker->monitor, member->port.link);
	}
	/* The engine forgets the port, and with it who its neighbours are. */
	datapath_init(member->worker, self);
}

void datapath_add_stats(const struct member *member, struct romon_port_stats *stats)
{
	const struct datapath *self = &member->datapath;
	struct xdp_counts counts;

	if (self->slot < 0)
		return;
	counts = xdp_counts(member->worker->datapaths.xdp, (uint32_t)self->slot);
	stats->rx += counts.in - self->before.in + counts.lost - self->before.lost;
	stats->unhashed += counts.in - self->before.in;
	stats->tx += counts.out - self->before.out + counts.answered - self->before.answered;
	stats->forwarded += counts.out - self->before.out;
	stats->drops[ROMON_DROP_OVERRUN] += counts.lost - self->before.lost;
}

const char *datapath_reason(const struct member *member)
{
	const struct datapath *self = &member->datapath;

	if (self->why != DATAPATH_WHY_BEST)
		return datapath_why_text(self->why);
	if (member->worker->pcap != NULL)
		return "a capture is written: every frame passes through romond";
	if (!(self->flags & ROMON_BPF_IN))
		return "it has secrets: every frame passes through romond";
	if (!(self->flags & ROMON_BPF_TAKES))
		return "it takes no redirected frames: what leaves by it passes through romond";
	return NULL;
}
