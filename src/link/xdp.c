/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The ring is read as Linux lays it out (BPF_MAP_TYPE_RINGBUF): a page with the position that we have read to, a page with the one that
 * the kernel has written to, then the data, mapped twice in a row so that no record is ever cut. A record begins with 8 bytes: its
 * length, with a bit that says that it is still being written and one that says that it is to be skipped.
 */
#include "link/xdp.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define RECORD_MAX (sizeof(struct romon_bpf_record) + UINT16_MAX)

struct xdp {
	int fds[XDP_MAPS];
	size_t page;
	struct romon_bpf_port *ports;
	const struct romon_bpf_counters *counters;
	struct romon_bpf_answers *answers;
	unsigned long *consumed; /* everything before is the kernel's again; when it stands at a new record the kernel wakes us */
	unsigned long at;        /* everything before has been read */
	bool holding;            /* consumed stays at the last record that was read */
	const unsigned long *produced; /* and a page behind it, the data */
	uint8_t *arena;                /* frames that were received */
};

static const size_t ports_size = ROMON_BPF_SLOTS * sizeof(struct romon_bpf_port);
static const size_t counters_size = ROMON_BPF_COUNTERS * sizeof(struct romon_bpf_counters);
static const size_t arena_size = (size_t)LINK_BATCH * (UINT16_MAX + 1);

static void *map(int fd, size_t size, int protection, size_t offset)
{
	void *memory = mmap(
		NULL, size, protection, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE : MAP_SHARED, fd, (off_t)offset);

	return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(const void *memory, size_t size)
{
	if (memory) {
		munmap((void *)(uintptr_t)memory, size);
	}
}

struct xdp *xdp_open(const int fds[XDP_MAPS])
{
	struct xdp *self = calloc(1, sizeof *self);

	if (!self) {
		for (int i = 0; i < XDP_MAPS; i++) {
			close(fds[i]);
		}
		errno = ENOMEM;
		return NULL;
	}
	memcpy(self->fds, fds, sizeof self->fds);
	self->page = (size_t)sysconf(_SC_PAGESIZE);
	self->ports = map(fds[XDP_MAP_PORTS], ports_size, PROT_READ | PROT_WRITE, 0);
	self->counters = map(fds[XDP_MAP_COUNTERS], counters_size, PROT_READ, 0);
	self->answers = map(fds[XDP_MAP_ANSWERS], sizeof *self->answers, PROT_READ | PROT_WRITE, 0);
	self->consumed = map(fds[XDP_MAP_RING], self->page, PROT_READ | PROT_WRITE, 0);
	self->produced = map(fds[XDP_MAP_RING], self->page + 2 * (size_t)ROMON_BPF_RING, PROT_READ, self->page);
	self->arena = map(-1, arena_size, PROT_READ | PROT_WRITE, 0);
	if (!self->ports || !self->counters || !self->answers || !self->consumed || !self->produced || !self->arena) {
		int error = errno;

		xdp_close(self);
		errno = error;
		return NULL;
	}
	self->at = *self->consumed;
	/* As with packet sockets: only pages that frames were written to shall cost memory. */
	madvise(self->arena, arena_size, MADV_NOHUGEPAGE);
	return self;
}

void xdp_close(struct xdp *self)
{
	unmap(self->ports, ports_size);
	unmap(self->counters, counters_size);
	unmap(self->answers, sizeof *self->answers);
	unmap(self->consumed, self->page);
	unmap(self->produced, self->page + 2 * (size_t)ROMON_BPF_RING);
	unmap(self->arena, arena_size);
	for (int i = 0; i < XDP_MAPS; i++) {
		close(self->fds[i]);
	}
	free(self);
}

int xdp_fd(const struct xdp *self)
{
	return self->fds[XDP_MAP_RING];
}

void xdp_set_port(struct xdp *self, uint32_t slot, const struct xdp_port *port)
{
	struct romon_bpf_port *shared = &self->ports[slot];
	uint16_t mac[3], id[3];

	memcpy(mac, port->mac.b, sizeof mac);
	memcpy(id, port->id.b, sizeof id);
	/* What the new flags allow must not meet the old address, nor the other way round; in between nothing is allowed that was not both
	 * before and after, and no frame is lost: what does not pass goes through romond. */
	__atomic_store_n(&shared->flags, shared->flags & port->flags, __ATOMIC_SEQ_CST);
	__atomic_store_n(&shared->address, romon_bpf_mac(mac) | (uint64_t)port->mtu << 48, __ATOMIC_SEQ_CST);
	__atomic_store_n(&shared->id, romon_bpf_mac(id), __ATOMIC_SEQ_CST);
	__atomic_store_n(&shared->epoch, port->epoch, __ATOMIC_SEQ_CST);
	__atomic_store_n(&shared->flags, port->flags, __ATOMIC_SEQ_CST);
}

void xdp_set_answers(struct xdp *self, uint32_t limit)
{
	/* Three quarters of the limit are earned evenly, the fourth may be spent at once: romon_bpf.h. Rounded up, so that it holds. */
	uint64_t earned = (uint64_t)limit * 3, price = limit > 0 ? (4000000000000ULL + earned - 1) / earned : 0;

	__atomic_store_n(&self->answers->price, price, __ATOMIC_RELAXED);
}

struct xdp_counts xdp_counts(const struct xdp *self, uint32_t slot)
{
	const struct romon_bpf_counters *lanes = &self->counters[(size_t)slot * ROMON_BPF_LANES];
	struct xdp_counts sum = {.in = 0};

	for (size_t i = 0; i < ROMON_BPF_LANES; i++) {
		sum.in += __atomic_load_n(&lanes[i].in, __ATOMIC_RELAXED);
		sum.out += __atomic_load_n(&lanes[i].out, __ATOMIC_RELAXED);
		sum.answered += __atomic_load_n(&lanes[i].answered, __ATOMIC_RELAXED);
		sum.lost += __atomic_load_n(&lanes[i].lost, __ATOMIC_RELAXED);
	}
	return sum;
}

/* Copies what a record holds into the batch, of which both lists have room. Only the program writes records; that they fit is checked all
 * the same, since a mistake there must not become one here. */
static void take(struct xdp *self, struct xdp_batch *batch, const uint8_t *bytes, size_t size)
{
	struct romon_bpf_record record;
	const uint8_t *data = bytes + sizeof record;
	struct romon_frame *frame = &batch->frames[batch->frame_count];
	struct xdp_neighbor *neighbor = &batch->neighbors[batch->neighbor_count];

	if (size < sizeof record || size > RECORD_MAX) {
		return;
	}
	memcpy(&record, bytes, sizeof record);
	if (record.len > size - sizeof record) {
		return;
	}
	if (record.kind == ROMON_BPF_FRAME) {
		*frame = (struct romon_frame){.link = record.link,
			.len = record.len,
			.data = self->arena + batch->frame_count * (UINT16_MAX + 1),
			.came = {(int64_t)record.time}};
		memcpy(frame->data, data, record.len);
		batch->frame_count++;
	} else if (record.kind == ROMON_BPF_NEIGHBOR && record.len == sizeof neighbor->mac) {
		neighbor->link = record.link;
		memcpy(&neighbor->mac, data, sizeof neighbor->mac);
		batch->neighbor_count++;
	}
}

void xdp_receive(struct xdp *self, struct xdp_batch *batch)
{
	const uint8_t *ring = (const uint8_t *)self->produced + self->page;
	unsigned long at = self->at, end = __atomic_load_n(self->produced, __ATOMIC_ACQUIRE);

	batch->frame_count = batch->neighbor_count = 0;
	while (at != end && batch->frame_count < LINK_BATCH && batch->neighbor_count < LINK_BATCH) {
		const uint8_t *record = ring + at % ROMON_BPF_RING;
		uint32_t head = __atomic_load_n((const uint32_t *)(const void *)record, __ATOMIC_ACQUIRE);
		uint32_t size = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);

		if (head & BPF_RINGBUF_BUSY_BIT) { /* another core still writes it */
			break;
		}
		if (!(head & BPF_RINGBUF_DISCARD_BIT)) {
			take(self, batch, record + BPF_RINGBUF_HDR_SZ, size);
		}
		if (self->holding) {
			__atomic_store_n(self->consumed, at, __ATOMIC_RELEASE);
		}
		at += (size + BPF_RINGBUF_HDR_SZ + 7) & ~7UL;
		if (!self->holding) {
			__atomic_store_n(self->consumed, at, __ATOMIC_RELEASE);
		}
	}
	self->at = at;
}

void xdp_hold(struct xdp *self, bool hold)
{
	self->holding = hold;
	if (!hold) {
		__atomic_store_n(self->consumed, self->at, __ATOMIC_SEQ_CST);
	}
}
