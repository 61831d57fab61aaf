/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Attaching and detaching. An interface that goes takes its attachment along; the slot stays until the worker has noticed.
 */
#include "daemon/attachments.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "link/romon_bpf.h"

_Static_assert(ROMON_PORTS_MAX == ROMON_BPF_SLOTS, "a slot for every port");

void attachments_init(struct attachments *self)
{
	*self = (struct attachments){.program = NULL};
	for (size_t i = 0; i < ROMON_PORTS_MAX; i++)
		self->slots[i].fd = -1;
}

static void close_slot(struct attachment *slot)
{
	if (slot->fd >= 0)
		close(slot->fd);
	slot->fd = -1;
}

void attachments_free(struct attachments *self)
{
	for (size_t i = 0; i < ROMON_PORTS_MAX; i++)
		close_slot(&self->slots[i]);
	xdp_program_free(self->program);
	attachments_init(self);
}

/* Loads the program when it is first wanted. Returns 0 or its errno, which a second attempt would not change. */
static int load(struct attachments *self)
{
	if (self->program == NULL && self->refused == 0) {
		self->program = xdp_program_load();
		self->refused = self->program == NULL ? errno : 0;
		if (self->refused != 0)
			log_debug("the XDP program is not loaded: %s", strerror(self->refused));
	}
	return self->refused;
}

/* The slot of the interface (0: a free one), or -1. */
static int find(const struct attachments *self, uint32_t ifindex)
{
	for (int i = 0; i < ROMON_PORTS_MAX; i++)
		if (self->slots[i].ifindex == ifindex)
			return i;
	return -1;
}

/* Tries one mode after the other. Another program is in the way of both. */
static void attach(struct attachments *self, struct attachment *slot)
{
	if (slot->path == DATAPATH_NATIVE) {
		slot->fd = xdp_program_attach(self->program, slot->ifindex, false);
		if (slot->fd >= 0)
			return;
		log_debug("no native XDP on interface %u: %s", slot->ifindex, strerror(-slot->fd));
		slot->path = DATAPATH_GENERIC;
		slot->why = DATAPATH_WHY_NOT_NATIVE;
	}
	slot->fd = xdp_program_attach(self->program, slot->ifindex, true);
}

static void open_slot(struct attachments *self, struct attachment *slot, enum datapath_want want)
{
	attach(self, slot);
	if (slot->fd >= 0)
		return;
	slot->why = slot->fd == -EBUSY || slot->fd == -EEXIST ? DATAPATH_WHY_OTHER : DATAPATH_WHY_REFUSED;
	log_debug("no XDP on interface %u: %s", slot->ifindex, strerror(-slot->fd));
	slot->fd = -1;
	slot->path = datapath_without_xdp(want);
}

/* A new slot, or the one that the interface has. The maps are told again: its number may have passed to another interface. */
static int take_slot(struct attachments *self, uint32_t ifindex)
{
	int number = find(self, ifindex), error;

	if (number < 0)
		number = find(self, 0);
	if (number < 0)
		return -1;
	self->slots[number].ifindex = ifindex;
	error = xdp_program_set_slot(self->program, ifindex, (uint32_t)number);
	if (error != 0) {
		/* The interface goes at this very moment. The worker is told that it has no slot, and will not give one back: nothing may
		 * stay of what it had. */
		log_debug("no slot for interface %u: %s", ifindex, strerror(-error));
		attachments_detach(self, ifindex);
		return -1;
	}
	return number;
}

int attachments_attach(struct attachments *self, uint32_t ifindex, const struct datapath_facts *facts, struct attachment *result)
{
	struct attachment *slot;
	enum datapath_why why;
	enum datapath_path path = datapath_choose(facts, &why);
	int number = find(self, ifindex);

	*result = (struct attachment){.path = path, .why = why, .fd = -1};
	if (path <= DATAPATH_PACKET) {
		if (number >= 0)
			close_slot(&self->slots[number]);
		return number;
	}
	if (number >= 0 && self->slots[number].fd >= 0 && xdp_program_attached(self->slots[number].fd)) {
		*result = self->slots[number];
		return number;
	}
	if (load(self) != 0) {
		result->path = datapath_without_xdp(facts->want);
		result->why = self->refused == ENOSYS ? DATAPATH_WHY_NOT_BUILT : DATAPATH_WHY_KERNEL;
		return -1;
	}
	number = take_slot(self, ifindex);
	if (number < 0) {
		result->path = datapath_without_xdp(facts->want);
		result->why = DATAPATH_WHY_REFUSED;
		return -1;
	}
	slot = &self->slots[number];
	close_slot(slot);
	slot->path = path;
	slot->why = why;
	open_slot(self, slot, facts->want);
	*result = *slot;
	return number;
}

void attachments_detach(struct attachments *self, uint32_t ifindex)
{
	int number = find(self, ifindex);

	if (number < 0)
		return;
	close_slot(&self->slots[number]);
	xdp_program_clear_slot(self->program, ifindex, (uint32_t)number);
	self->slots[number] = (struct attachment){.fd = -1};
}

int attachments_map(const struct attachments *self, enum xdp_map map)
{
	return self->program != NULL ? xdp_program_map(self->program, map) : -ENOENT;
}
