/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Writes pcapng (draft-ietf-opsawg-pcapng) in this machine's byte order, which the section header tells. One writev() a batch:
 * what crossed the ports is in the file at once, and a reader finds whole blocks unless the disk was full.
 */
#include "link/pcap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define BLOCK_SECTION 0x0a0d0d0aU
#define BLOCK_INTERFACE 1U
#define BLOCK_PACKET 6U
#define BYTE_ORDER_MAGIC 0x1a2b3c4dU
#define LINKTYPE_ETHERNET 1
#define OPTION_END 0
#define OPTION_USER_APPLICATION 4 /* of a section */
#define OPTION_IF_NAME 2          /* of an interface, as is the next */
#define OPTION_IF_TSRESOL 9
#define OPTION_PACKET_FLAGS 2
#define PACKET_INBOUND 1U
#define PACKET_OUTBOUND 2U
#define NAME_MAX_BYTES 63
#define PACKET_PARTS 4 /* pieces of a packet block: head, frame, padding, tail */

/* What stands before and behind the frame in an Enhanced Packet Block. */
struct packet_head {
	uint32_t type;      /* BLOCK_PACKET */
	uint32_t total;     /* bytes of the whole block; told again at its end */
	uint32_t interface; /* number of its interface block in the file, from 0 */
	uint32_t time_high; /* nanoseconds since 1970, 64 bits */
	uint32_t time_low;
	uint32_t captured; /* bytes of the frame that follow, padding left out */
	uint32_t original; /* bytes of the frame on the wire */
};
struct packet_tail {
	uint16_t flags_option; /* OPTION_PACKET_FLAGS */
	uint16_t flags_len;
	uint32_t flags; /* PACKET_INBOUND or PACKET_OUTBOUND */
	uint16_t end_option;
	uint16_t end_len;
	uint32_t total;
};
_Static_assert(sizeof(struct packet_head) == 28, "wire format");
_Static_assert(sizeof(struct packet_tail) == 16, "wire format");

struct pcap {
	int fd;
	int error;           /* errno of the write that ended it */
	uint32_t interfaces; /* interface blocks so far */
};

struct pcap_link {
	struct link link;    /* first: a struct link * is a struct pcap_link * */
	struct link_ops ops; /* with the name of the data path inside */
	struct link *inner;
	struct pcap *pcap;
	uint32_t interface;
};

/* A section or interface block being put together. Its size is bounded by NAME_MAX_BYTES. */
struct block {
	uint8_t bytes[256];
	size_t len;
};

static size_t padding(size_t len)
{
	return -len & 3;
}

static void block_put(struct block *block, const void *data, size_t len)
{
	memcpy(block->bytes + block->len, data, len);
	block->len += len;
	memset(block->bytes + block->len, 0, padding(len));
	block->len += padding(len);
}

static void block_option(struct block *block, uint16_t code, const void *data, size_t len)
{
	const uint16_t head[2] = {code, (uint16_t)len};

	block_put(block, head, sizeof head);
	block_put(block, data, len);
}

static void block_text(struct block *block, uint16_t code, const char *text)
{
	size_t len = strlen(text);

	block_option(block, code, text, len < NAME_MAX_BYTES ? len : NAME_MAX_BYTES);
}

static void pcap_write(struct pcap *pcap, const struct iovec *parts, int count)
{
	size_t len = 0;
	ssize_t wrote;

	if (pcap->error) {
		return;
	}
	for (int i = 0; i < count; i++) {
		len += parts[i].iov_len;
	}
	do {
		wrote = writev(pcap->fd, parts, count);
	} while (wrote < 0 && errno == EINTR);
	if (wrote < 0) {
		pcap->error = errno;
	} else if ((size_t)wrote < len) {
		pcap->error = ENOSPC;
	}
}

/* Ends the options, fills in the block's length and writes it. */
static void pcap_write_block(struct pcap *pcap, struct block *block)
{
	uint32_t total;

	block_option(block, OPTION_END, "", 0);
	total = (uint32_t)(block->len + sizeof total);
	memcpy(block->bytes + sizeof(uint32_t), &total, sizeof total); /* behind the type */
	block_put(block, &total, sizeof total);
	pcap_write(pcap, &(struct iovec){.iov_base = block->bytes, .iov_len = block->len}, 1);
}

static void pcap_write_section(struct pcap *pcap)
{
	const struct {
		uint32_t type, total, magic;
		uint16_t major, minor;
		uint32_t length[2];
	} head = {.type = BLOCK_SECTION, .magic = BYTE_ORDER_MAGIC, .major = 1, .length = {UINT32_MAX, UINT32_MAX} /* unknown */};
	struct block block = {.len = 0};

	block_put(&block, &head, sizeof head);
	block_text(&block, OPTION_USER_APPLICATION, "romond " ROMON_VERSION);
	pcap_write_block(pcap, &block);
}

static void pcap_write_interface(struct pcap *pcap, const char *name)
{
	const struct {
		uint32_t type, total;
		uint16_t linktype, reserved;
		uint32_t snaplen; /* 0: no limit */
	} head = {.type = BLOCK_INTERFACE, .linktype = LINKTYPE_ETHERNET};
	const uint8_t nanoseconds = 9; /* ten to the power of minus that */
	struct block block = {.len = 0};

	block_put(&block, &head, sizeof head);
	block_text(&block, OPTION_IF_NAME, name);
	block_option(&block, OPTION_IF_TSRESOL, &nanoseconds, sizeof nanoseconds);
	pcap_write_block(pcap, &block);
}

static void pcap_write_batch(
	struct pcap *pcap, uint32_t interface, uint32_t flags, const struct romon_frame *frames, size_t count)
{
	static const uint8_t zeros[3];
	struct packet_head heads[LINK_BATCH];
	struct packet_tail tails[LINK_BATCH];
	struct iovec parts[LINK_BATCH * PACKET_PARTS];
	struct timespec now;
	uint64_t stamp;

	clock_gettime(CLOCK_REALTIME, &now);
	stamp = (uint64_t)now.tv_sec * 1000000000U + (uint64_t)now.tv_nsec;
	for (size_t i = 0; i < count; i++) {
		size_t pad = padding(frames[i].len);
		uint32_t total = (uint32_t)(sizeof heads[i] + frames[i].len + pad + sizeof tails[i]);
		struct iovec *part = &parts[i * PACKET_PARTS];

		heads[i] = (struct packet_head){
			.type = BLOCK_PACKET,
			.total = total,
			.interface = interface,
			.time_high = (uint32_t)(stamp >> 32),
			.time_low = (uint32_t)stamp,
			.captured = (uint32_t)frames[i].len,
			.original = (uint32_t)frames[i].len,
		};
		tails[i] = (struct packet_tail){
			.flags_option = OPTION_PACKET_FLAGS, .flags_len = sizeof flags, .flags = flags, .total = total};
		part[0] = (struct iovec){.iov_base = &heads[i], .iov_len = sizeof heads[i]};
		part[1] = (struct iovec){.iov_base = frames[i].data, .iov_len = frames[i].len};
		part[2] = (struct iovec){.iov_base = (void *)zeros, .iov_len = pad};
		part[3] = (struct iovec){.iov_base = &tails[i], .iov_len = sizeof tails[i]};
	}
	pcap_write(pcap, parts, (int)count * PACKET_PARTS);
}

/* Records the frames; errno stays what the inner link said. */
static void pcap_record(const struct pcap_link *self, uint32_t flags, const struct romon_frame *frames, size_t count)
{
	int error = errno;

	for (size_t batch; count > 0; frames += batch, count -= batch) {
		batch = count < LINK_BATCH ? count : LINK_BATCH;
		pcap_write_batch(self->pcap, self->interface, flags, frames, batch);
	}
	errno = error;
}

static int pcap_receive(struct link *link, struct romon_frame *frames, size_t max)
{
	const struct pcap_link *self = (const struct pcap_link *)link;
	int got = self->inner->ops->receive(self->inner, frames, max);

	if (got > 0) {
		pcap_record(self, PACKET_INBOUND, frames, (size_t)got);
	}
	return got;
}

static int pcap_send(struct link *link, const struct romon_frame *frames, size_t count)
{
	const struct pcap_link *self = (const struct pcap_link *)link;
	int sent = self->inner->ops->send(self->inner, frames, count);

	if (sent > 0) {
		pcap_record(self, PACKET_OUTBOUND, frames, (size_t)sent);
	}
	return sent;
}

static int pcap_fd(const struct link *link)
{
	const struct link *inner = ((const struct pcap_link *)link)->inner;

	return inner->ops->fd(inner);
}

static uint64_t pcap_lost(struct link *link)
{
	struct link *inner = ((struct pcap_link *)link)->inner;

	return inner->ops->lost ? inner->ops->lost(inner) : 0;
}

static void pcap_link_close(struct link *link)
{
	struct link *inner = ((const struct pcap_link *)link)->inner;

	inner->ops->close(inner);
	free(link);
}

struct pcap *pcap_new(int fd)
{
	struct pcap *pcap = malloc(sizeof *pcap);

	if (!pcap) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	*pcap = (struct pcap){.fd = fd};
	pcap_write_section(pcap);
	if (pcap->error) {
		int error = pcap->error;

		pcap_close(pcap);
		errno = error;
		return NULL;
	}
	return pcap;
}

struct link *pcap_link(struct pcap *pcap, struct link *inner, const char *name)
{
	struct pcap_link *self = malloc(sizeof *self);

	if (!self) {
		return NULL;
	}
	*self = (struct pcap_link){
		.link = {.ops = &self->ops, .ifindex = inner->ifindex},
		.ops = {.name = inner->ops->name,
			.receive = pcap_receive,
			.send = pcap_send,
			.fd = pcap_fd,
			.lost = pcap_lost,
			.close = pcap_link_close},
		.inner = inner,
		.pcap = pcap,
		.interface = pcap->interfaces++,
	};
	pcap_write_interface(pcap, name);
	return &self->link;
}

void pcap_received(const struct link *link, const struct romon_frame *frames, size_t count)
{
	if (link->ops->receive == pcap_receive) {
		pcap_record((const struct pcap_link *)link, PACKET_INBOUND, frames, count);
	}
}

int pcap_error(const struct pcap *pcap)
{
	return pcap->error;
}

void pcap_close(struct pcap *pcap)
{
	close(pcap->fd);
	free(pcap);
}
