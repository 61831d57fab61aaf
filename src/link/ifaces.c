/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The list of interfaces and how it follows the kernel. Two netlink sockets: one hears what changes, the other asks for everything
 * (at the start, and again when changes were lost). Both are opened at the start, so that a process that gives up the right to
 * open sockets can go on asking.
 */
#include "link/ifaces.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "link/iface_message.h"

#define BUFFER_SIZE 32768 /* bytes: the kernel never puts more into one message of a dump */
#define DUMP_TRIES 100    /* a dump is asked for again when interfaces came or went while it was read */
#define HARDWARE_DEPTH 8  /* VLANs and bonds above each other; the kernel allows as many */

/* Interfaces in the order of their ifindex. */
struct iface_set {
	struct iface *list;
	size_t count;
	size_t room;
};

struct ifaces {
	struct mnl_socket *events; /* member of RTNLGRP_LINK */
	struct mnl_socket *dumps;
	struct iface_set set;
	uint32_t sequence; /* of the last dump */
};

static bool iface_equal(const struct iface *a, const struct iface *b)
{
	return a->index == b->index && strcmp(a->name, b->name) == 0 && strcmp(a->kind, b->kind) == 0 &&
	       romon_mac_equal(a->mac, b->mac) && a->mtu == b->mtu && a->master == b->master &&
	       a->master_kind == b->master_kind && a->lower == b->lower && a->ethernet == b->ethernet && a->device == b->device &&
	       a->up == b->up && a->running == b->running && a->filters_vlans == b->filters_vlans;
}

/* Position of the first interface with that ifindex or a greater one. */
static size_t list_position(const struct iface *list, size_t count, uint32_t index)
{
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;

		if (list[middle].index < index) {
			low = middle + 1;
		} else {
			count = middle;
		}
	}
	return low;
}

/* Adds the interface or replaces the one with its index. Returns 1 if that changed anything, 0 if not, -1 without memory. */
static int set_put(struct iface_set *set, const struct iface *iface)
{
	size_t at = list_position(set->list, set->count, iface->index);

	if (at < set->count && set->list[at].index == iface->index) {
		if (iface_equal(&set->list[at], iface)) {
			return 0;
		}
		set->list[at] = *iface;
		return 1;
	}
	if (set->count == set->room) {
		size_t room = set->room ? set->room * 2 : 16;
		struct iface *list = reallocarray(set->list, room, sizeof *list);

		if (!list) {
			return -1;
		}
		set->list = list;
		set->room = room;
	}
	memmove(&set->list[at + 1], &set->list[at], (set->count - at) * sizeof set->list[0]);
	set->list[at] = *iface;
	set->count++;
	return 1;
}

static bool set_remove(struct iface_set *set, uint32_t index)
{
	size_t at = list_position(set->list, set->count, index);

	if (at == set->count || set->list[at].index != index) {
		return false;
	}
	set->count--;
	memmove(&set->list[at], &set->list[at + 1], (set->count - at) * sizeof set->list[0]);
	return true;
}

static bool set_equal(const struct iface_set *a, const struct iface_set *b)
{
	if (a->count != b->count) {
		return false;
	}
	for (size_t i = 0; i < a->count; i++) {
		if (!iface_equal(&a->list[i], &b->list[i])) {
			return false;
		}
	}
	return true;
}

/* Applies one message. Returns like set_put(). */
static int set_apply(struct iface_set *set, const struct nlmsghdr *message)
{
	struct iface iface;

	if ((message->nlmsg_type != RTM_NEWLINK && message->nlmsg_type != RTM_DELLINK) || !iface_message_read(message, &iface)) {
		return 0;
	}
	return message->nlmsg_type == RTM_DELLINK ? set_remove(set, iface.index) : set_put(set, &iface);
}

/* Receives a datagram. Returns its length (0 if it is not from the kernel, and to be ignored) or -1 with errno: EAGAIN if none
 * waits, ENOBUFS if something was lost. */
static ssize_t socket_receive(const struct mnl_socket *socket, char buffer[BUFFER_SIZE])
{
	struct sockaddr_nl from = {.nl_pid = UINT32_MAX};
	struct iovec part = {.iov_base = buffer, .iov_len = BUFFER_SIZE};
	struct msghdr header = {.msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1};
	ssize_t len;

	do {
		len = recvmsg(mnl_socket_get_fd(socket), &header, MSG_DONTWAIT);
	} while (len < 0 && errno == EINTR);
	if (len < 0) {
		return -1;
	}
	if (header.msg_flags & MSG_TRUNC) {
		errno = ENOBUFS;
		return -1;
	}
	return from.nl_pid == 0 ? len : 0;
}

static int dump_ask(struct ifaces *ifaces)
{
	_Alignas(struct nlmsghdr) char buffer[256];
	struct nlmsghdr *request = mnl_nlmsg_put_header(buffer);
	struct ifinfomsg *head;

	request->nlmsg_type = RTM_GETLINK;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = ++ifaces->sequence;
	head = mnl_nlmsg_put_extra_header(request, sizeof *head);
	head->ifi_family = AF_UNSPEC;
	mnl_attr_put_u32(request, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return mnl_socket_sendto(ifaces->dumps, request, request->nlmsg_len) < 0 ? -1 : 0;
}

/* Takes one message of a dump. Returns 1 when it was the last, 0 if not, -1 with errno. */
static int dump_take(struct iface_set *set, const struct nlmsghdr *message, bool *interrupted)
{
	int status = 0;

	if (message->nlmsg_flags & NLM_F_DUMP_INTR) {
		*interrupted = true;
	}
	if (message->nlmsg_type != NLMSG_DONE && message->nlmsg_type != NLMSG_ERROR) {
		return set_apply(set, message) < 0 ? -1 : 0;
	}
	/* Both begin with an error number, negative or 0. */
	if (mnl_nlmsg_get_payload_len(message) >= sizeof status) {
		memcpy(&status, mnl_nlmsg_get_payload(message), sizeof status);
	}
	if (status < 0) {
		errno = -status;
		return -1;
	}
	return 1;
}

/* Reads all interfaces into set, which is empty. It never waits: the kernel puts the next part of a dump into the socket as the one
 * before is read. Returns -1 with errno. */
static int dump_read(struct ifaces *ifaces, struct iface_set *set, bool *interrupted)
{
	_Alignas(struct nlmsghdr) char buffer[BUFFER_SIZE];

	*interrupted = false;
	if (dump_ask(ifaces) < 0) {
		return -1;
	}
	for (;;) {
		ssize_t got = socket_receive(ifaces->dumps, buffer);
		const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;

		if (got < 0) {
			return -1;
		}
		for (int left = (int)got; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
			int taken = mnl_nlmsg_seq_ok(message, ifaces->sequence) ? dump_take(set, message, interrupted) : 0;

			if (taken != 0) {
				return taken < 0 ? -1 : 0;
			}
		}
	}
}

/* Reads all interfaces anew. Returns like ifaces_update(). */
static int ifaces_read_all(struct ifaces *ifaces)
{
	struct iface_set fresh = {.list = NULL};
	bool interrupted = true;
	int changed;

	for (int i = 0; interrupted; i++) {
		fresh.count = 0;
		if (i == DUMP_TRIES || dump_read(ifaces, &fresh, &interrupted) < 0) {
			int error = i == DUMP_TRIES ? EBUSY : errno;

			free(fresh.list);
			errno = error;
			return -1;
		}
	}
	changed = !set_equal(&ifaces->set, &fresh);
	free(ifaces->set.list);
	ifaces->set = fresh;
	return changed;
}

/* Applies the messages of one datagram. Returns like ifaces_update(). */
static int ifaces_apply(struct ifaces *ifaces, const char *buffer, size_t len)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)buffer;
	int changed = 0;

	for (int left = (int)len; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left)) {
		int applied = set_apply(&ifaces->set, message);

		if (applied < 0) {
			return -1;
		}
		changed |= applied;
	}
	return changed;
}

static struct mnl_socket *socket_open(unsigned groups)
{
	struct mnl_socket *socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (socket && mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) < 0) {
		int error = errno;

		mnl_socket_close(socket);
		errno = error;
		return NULL;
	}
	return socket;
}

struct ifaces *ifaces_open(void)
{
	struct ifaces *ifaces = calloc(1, sizeof *ifaces);

	if (!ifaces) {
		return NULL;
	}
	ifaces->events = socket_open(RTMGRP_LINK);
	if (ifaces->events) {
		ifaces->dumps = socket_open(0);
	}
	if (!ifaces->dumps || ifaces_read_all(ifaces) < 0) {
		int error = errno;

		ifaces_close(ifaces);
		errno = error;
		return NULL;
	}
	return ifaces;
}

void ifaces_close(struct ifaces *ifaces)
{
	if (ifaces->events) {
		mnl_socket_close(ifaces->events);
	}
	if (ifaces->dumps) {
		mnl_socket_close(ifaces->dumps);
	}
	free(ifaces->set.list);
	free(ifaces);
}

int ifaces_fd(const struct ifaces *ifaces)
{
	return mnl_socket_get_fd(ifaces->events);
}

int ifaces_update(struct ifaces *ifaces)
{
	_Alignas(struct nlmsghdr) char buffer[BUFFER_SIZE];
	bool lost = false;
	int changed = 0;

	for (;;) {
		ssize_t got = socket_receive(ifaces->events, buffer);
		int result;

		if (got >= 0) {
			result = ifaces_apply(ifaces, buffer, (size_t)got);
		} else if (errno == ENOBUFS) {
			/* What waits in the socket is older than what was lost: take it first, so that it cannot undo the dump. */
			lost = true;
			continue;
		} else if (errno == EAGAIN && lost) {
			lost = false;
			result = ifaces_read_all(ifaces);
		} else {
			return errno == EAGAIN ? changed : -1;
		}
		if (result < 0) {
			return -1;
		}
		changed |= result;
	}
}

const struct iface *ifaces_list(const struct ifaces *ifaces, size_t *count)
{
	*count = ifaces->set.count;
	return ifaces->set.list;
}

const struct iface *ifaces_by_index(const struct iface *list, size_t count, uint32_t index)
{
	size_t at = list_position(list, count, index);

	return at < count && list[at].index == index ? &list[at] : NULL;
}

static bool hardware_below(const struct iface *list, size_t count, const struct iface *iface, unsigned depth);

/* Has the bond members, and are all of them hardware? */
static bool hardware_members(const struct iface *list, size_t count, const struct iface *bond, unsigned depth)
{
	bool any = false;

	for (size_t i = 0; i < count; i++) {
		if (list[i].master == bond->index) {
			if (!hardware_below(list, count, &list[i], depth)) {
				return false;
			}
			any = true;
		}
	}
	return any;
}

static bool hardware_below(const struct iface *list, size_t count, const struct iface *iface, unsigned depth)
{
	if (iface->device) {
		return true;
	}
	if (depth == 0) {
		return false;
	}
	if (strcmp(iface->kind, "vlan") == 0) {
		const struct iface *parent = iface->lower ? ifaces_by_index(list, count, iface->lower) : NULL;

		return parent && hardware_below(list, count, parent, depth - 1);
	}
	if (strcmp(iface->kind, "bond") == 0 || strcmp(iface->kind, "team") == 0) {
		return hardware_members(list, count, iface, depth - 1);
	}
	return false;
}

bool ifaces_hardware(const struct iface *list, size_t count, const struct iface *iface)
{
	return hardware_below(list, count, iface, HARDWARE_DEPTH);
}

bool ifaces_vlans(const struct iface *list, size_t count, const struct iface *iface)
{
	const struct iface *master = iface->master ? ifaces_by_index(list, count, iface->master) : NULL;

	if (master && master->filters_vlans) {
		return true;
	}
	for (size_t i = 0; i < count; i++) {
		if (list[i].lower == iface->index) {
			return true;
		}
	}
	return false;
}
