/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Keeping the members what they should be. Which interfaces that are is decided by ports.h; the monitor decides it once more for
 * itself.
 */
#include "daemon/members.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/ports.h"
#include "daemon/worker.h"
#include "link/af_packet.h"

#define RECEIVE_BATCH 64

static struct member *find(const struct members *members, uint32_t ifindex)
{
	size_t i;

	for (i = 0; i < members->count; i++) {
		if (members->list[i]->port.link == ifindex)
			return members->list[i];
	}
	return NULL;
}

const struct member *members_find(const struct worker *worker, uint32_t ifindex)
{
	return find(&worker->members, ifindex);
}

static void link_readable(evutil_socket_t fd, short what, void *arg)
{
	struct member *member = arg;
	struct worker *worker = member->worker;
	struct romon_frame frames[RECEIVE_BATCH];
	int n = member->link->ops->receive(member->link, frames, RECEIVE_BATCH);

	(void)fd;
	(void)what;
	if (n < 0) {
		/* Down or gone. Netlink says which; until it is looked at, nothing is read here, so that an error that stays
		 * does not keep the loop spinning. */
		log_debug("%s: %s", member->name, strerror(errno));
		member->broken = true;
		event_del(member->event);
		worker->refresh = true;
	} else if (n > 0) {
		romon_engine_receive(worker->engine, frames, (size_t)n, worker_now());
		worker_flush(worker);
	}
}

/* Of the link that the member has now. */
static uint64_t link_lost(const struct member *member)
{
	return member->link != NULL && member->link->ops->lost != NULL ? member->link->ops->lost(member->link) : 0;
}

void members_add_lost(const struct member *member, struct romon_port_stats *stats)
{
	uint64_t lost = member->lost + link_lost(member);

	stats->rx += lost;
	stats->drops[ROMON_DROP_OVERRUN] += lost;
}

static void close_link(struct member *member)
{
	member->lost += link_lost(member);
	if (member->event != NULL)
		event_free(member->event);
	if (member->link != NULL)
		member->link->ops->close(member->link);
	member->event = NULL;
	member->link = NULL;
	member->broken = false;
}

/* Puts the capture around the link, where there is one. */
static struct link *recorded(struct worker *worker, struct link *link, const char *name)
{
	struct link *outer;

	if (worker->pcap == NULL || link == NULL)
		return link;
	outer = pcap_link(worker->pcap, link, name);
	return outer != NULL ? outer : link;
}

/* Asks the monitor for a socket and makes a link of it. False, with member->error set, if that does not work. */
static bool open_link(struct member *member)
{
	struct worker *worker = member->worker;
	int fd = monitor_client_open_port(&worker->monitor, member->port.link);

	member->error = fd < 0 ? -fd : 0;
	member->why = NULL;
	if (fd < 0)
		return false;
	member->link = recorded(worker, af_packet_link(fd, member->port.link), member->name);
	if (member->link == NULL) {
		member->error = errno;
		return false;
	}
	member->event = event_new(worker->base, member->link->ops->fd(member->link), EV_READ | EV_PERSIST, link_readable, member);
	if (member->event == NULL || event_add(member->event, NULL) != 0) {
		member->error = ENOMEM;
		close_link(member);
		return false;
	}
	return true;
}

/* Tells the engine what the interface is now, if that is news. */
static bool set_port(struct member *member, const struct iface *iface, uint16_t cost, bool new)
{
	const struct romon_port port = {
		.link = iface->index,
		.mac = iface->mac,
		.mtu = iface->mtu > UINT16_MAX ? UINT16_MAX : (uint16_t)iface->mtu,
		.cost = cost,
		.no_carrier = !iface->running,
	};

	if (!new &&romon_mac_equal(port.mac, member->port.mac) && port.mtu == member->port.mtu &&
		port.cost == member->port.cost &&port.no_carrier == member->port.no_carrier)
		return true;
	member->port = port;
	return romon_engine_set_port(member->worker->engine, &port, worker_now());
}

/* [M] Where the list of the entry is empty, the global one holds. */
static const struct config_secrets *secrets_of(const struct worker *worker, const struct config_port *entry)
{
	return entry->secrets.count > 0 ? &entry->secrets : &config_settings(worker->config)->secrets;
}

static bool set_secrets(struct member *member, const struct config_secrets *list)
{
	struct romon_secret secrets[ROMON_SECRETS_MAX];
	size_t i;
	bool set;

	for (i = 0; i < list->count; i++) {
		secrets[i].len = (uint8_t)strlen(list->secret[i]);
		memcpy(secrets[i].bytes, list->secret[i], secrets[i].len);
	}
	set = romon_engine_set_secrets(member->worker->engine, member->port.link, secrets, list->count, worker_now());
	explicit_bzero(secrets, sizeof(secrets));
	return set;
}

/* It cannot be what it should be. Said once: the next look at it tries again. */
static void refuse(struct member *member)
{
	bool no_xdp = member->datapath.path == DATAPATH_NONE;
	const char *why = datapath_why_text(member->datapath.why);
	int before = member->refused;

	member->refused = no_xdp ? EOPNOTSUPP : EINVAL;
	if (member->refused != before)
		log_warning("%s cannot take part%s%s", member->name, no_xdp ? " with datapath=xdp: " : "", no_xdp ? why : "");
	datapath_close(member);
	romon_engine_remove_port(member->worker->engine, member->port.link);
	close_link(member);
	member->error = member->refused;
	member->why = no_xdp ? why : NULL;
}

static void update(struct member *member, const struct iface *iface, const struct config_port *entry)
{
	const struct config_secrets *secrets = secrets_of(member->worker, entry);
	bool bridge_member = iface->master_kind == IFACE_MASTER_BRIDGE, new = member->link == NULL;

	if (strcmp(member->name, iface->name) != 0) {
		if (member->name[0] != '\0')
			log_info("%s is called %s now", member->name, iface->name);
		snprintf(member->name, sizeof(member->name), "%s", iface->name);
	}
	if (member->link != NULL && (member->broken || member->bridge_member != bridge_member)) {
		if (member->broken)
			datapath_lost(member);
		close_link(member);
	}
	if (member->link == NULL) {
		int before = member->error;

		member->bridge_member = bridge_member;
		if (!open_link(member)) {
			if (member->error != before)
				log_warning("cannot open %s: %s", member->name, strerror(member->error));
			datapath_close(member);
			romon_engine_remove_port(member->worker->engine, iface->index);
			return;
		}
		log_debug("%s takes part, cost %u", member->name, entry->cost);
	}
	/* Nothing may pass inside the kernel any more when the engine has secrets. */
	if (!set_port(member, iface, entry->cost, new) || !datapath_update(member, iface, entry, secrets->count > 0) ||
		!set_secrets(member, secrets)) {
		refuse(member);
		return;
	}
	member->refused = 0;
}

static struct member *add(struct worker *worker, uint32_t ifindex)
{
	struct members *members = &worker->members;
	struct member *member;

	if (members->count == ROMON_PORTS_MAX) {
		log_warning("more than %d interfaces could take part: the rest is left out", ROMON_PORTS_MAX);
		return NULL;
	}
	member = calloc(1, sizeof(*member));
	if (member == NULL)
		return NULL;
	member->worker = worker;
	member->port.link = ifindex;
	datapath_init(worker, &member->datapath);
	members->list[members->count++] = member;
	return member;
}

/* Removes the members that are not wanted any more. */
static void sweep(struct worker *worker)
{
	struct members *members = &worker->members;
	size_t i, kept = 0;

	for (i = 0; i < members->count; i++) {
		struct member *member = members->list[i];

		if (member->wanted) {
			members->list[kept++] = member;
			continue;
		}
		log_debug("%s takes no part any more", member->name);
		datapath_close(member);
		close_link(member);
		if (worker->engine != NULL)
			romon_engine_remove_port(worker->engine, member->port.link);
		free(member);
	}
	members->count = kept;
}

void members_refresh(struct worker *worker)
{
	bool running = worker->engine != NULL && !romon_mac_is_zero(worker->id);
	size_t i, count;
	const struct iface *list = ifaces_list(worker->ifaces, &count);

	for (i = 0; i < worker->members.count; i++)
		worker->members.list[i]->wanted = false;
	for (i = 0; running && i < count; i++) {
		const struct iface *iface = &list[i];
		const struct config_port *entry = ports_allowed(worker->config, list, count, iface);
		struct member *member;

		if (entry == NULL || !iface->up || romon_mac_is_group(iface->mac) || romon_mac_is_zero(iface->mac))
			continue;
		member = find(&worker->members, iface->index);
		if (member == NULL)
			member = add(worker, iface->index);
		if (member == NULL)
			break;
		member->wanted = true;
		update(member, iface, entry);
	}
	sweep(worker);
}

void members_close(struct worker *worker)
{
	size_t i;

	for (i = 0; i < worker->members.count; i++)
		worker->members.list[i]->wanted = false;
	sweep(worker);
}

/* Sends count frames of one link. Returns how many were refused. */
static size_t send_batch(struct worker *worker, const struct romon_frame *frames, size_t count)
{
	const struct member *member = find(&worker->members, frames[0].link);
	size_t done = 0, refused = 0;

	if (member == NULL || member->link == NULL)
		return count;
	while (done < count) {
		int n = member->link->ops->send(member->link, frames + done, count - done);

		done += n > 0 ? (size_t)n : 0;
		if (done < count) {
			refused++;
			done++;
		}
	}
	return refused;
}

void members_send(struct worker *worker, const struct romon_frame *frames, size_t count)
{
	struct romon_frame batch[MEMBERS_SEND_BATCH];
	uint32_t refused_link[MEMBERS_SEND_BATCH];
	size_t refused[MEMBERS_SEND_BATCH], batches = 0;
	bool taken[MEMBERS_SEND_BATCH] = {false};
	size_t i, j;

	for (i = 0; i < count; i++) {
		size_t n = 0;

		if (taken[i])
			continue;
		for (j = i; j < count; j++) {
			if (frames[j].link == frames[i].link) {
				taken[j] = true;
				batch[n++] = frames[j];
			}
		}
		refused_link[batches] = frames[i].link;
		refused[batches++] = send_batch(worker, batch, n);
	}
	/* Only now: the frames are the engine's until its next call. */
	for (i = 0; i < batches; i++) {
		while (refused[i]-- > 0)
			romon_engine_count_drop(worker->engine, refused_link[i], ROMON_DROP_SEND_FAILED);
	}
}
