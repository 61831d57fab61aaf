/* SPDX-License-Identifier: BSD-2-Clause
 *
 * RoMON frames over a Linux packet socket (packet(7)): af_packet_socket() for the monitor, the rest for the worker that gets the
 * socket from it. Relies on Linux 4.20 (PACKET_IGNORE_OUTGOING) and on there being one thread (all links share one arena).
 */
#include "link/af_packet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX 65535                  /* bytes; the rest of a longer frame is cut off */
#define ARENA_SLOT (FRAME_MAX + 1)       /* whole pages, so that a slot that is not used costs none */
#define RECEIVE_BUFFER (2 * 1024 * 1024) /* bytes: five thousand small frames; memory only while they wait */
#define VLAN_ID_MASK 0xfff

struct packet_link {
	struct link link; /* first: a struct link * is a struct packet_link * */
	int fd;
	uint64_t lost; /* as far as the kernel was asked */
};

/* Where the received frames of all links stand: LINK_BATCH slots, mapped with the first link and kept. */
static uint8_t *arena;

/* Makes the kernel's filter the only judge of what this socket hears, whatever it is bound to later: the worker cannot take it off,
 * nor set another. The interface is part of it for that reason. */
static int socket_filter(int fd, uint32_t ifindex)
{
	struct sock_filter code[] = {
		/* 0x88BF to the kernel and in the bytes that we will see */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PROTOCOL)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ROMON_ETHERTYPE, 0, 11),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, offsetof(struct ether_header, ether_type)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ROMON_ETHERTYPE, 0, 9),
		/* received by this interface */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ifindex, 0, 7),
		/* for this host, all hosts or a group: those come first, PACKET_OTHERHOST and PACKET_OUTGOING after them */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, PACKET_MULTICAST, 5, 0),
		/* of no VLAN; a tag with VLAN 0 is a mere priority, and a socket bound to 0x88BF never gets to see it */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG_PRESENT)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 2, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_VLAN_TAG)),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, VLAN_ID_MASK, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX), /* take all of it */
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};
	int on = 1;

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) < 0) {
		return -1;
	}
	return setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on);
}

static int socket_join(int fd, uint32_t ifindex)
{
	struct packet_mreq group = {.mr_ifindex = (int)ifindex, .mr_type = PACKET_MR_MULTICAST, .mr_alen = ROMON_MAC_LEN};
	int on = 1;

	memcpy(group.mr_address, romon_mac_group.b, ROMON_MAC_LEN);
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) < 0) {
		return -1;
	}
	return setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &group, sizeof group);
}

static int socket_bind(int fd, uint32_t ifindex, bool bridge_member)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(bridge_member ? ETH_P_ALL : ROMON_ETHERTYPE),
		.sll_ifindex = (int)ifindex,
	};

	return bind(fd, (struct sockaddr *)&address, sizeof address);
}

int af_packet_socket(uint32_t ifindex, bool bridge_member)
{
	/* Protocol 0: it hears nothing until it is bound, and it is bound last. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int size = RECEIVE_BUFFER;

	if (fd < 0) {
		return -1;
	}
	/* Past net.core.rmem_max if we may, up to it if not. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) < 0) {
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	}
	if (socket_filter(fd, ifindex) < 0 || socket_join(fd, ifindex) < 0 || socket_bind(fd, ifindex, bridge_member) < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

/* Maps the arena unless it is there. Four megabytes of addresses of which only pages that frames were written to cost memory; huge
 * pages would make it cost all of it at once. */
static int arena_map(void)
{
	const size_t size = (size_t)LINK_BATCH * ARENA_SLOT;
	void *map;

	if (arena) {
		return 0;
	}
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (map == MAP_FAILED) {
		return -1;
	}
	madvise(map, size, MADV_NOHUGEPAGE); /* fails on kernels without huge pages: then there is nothing to forbid */
	arena = map;
	return 0;
}

static int packet_receive(struct link *link, struct romon_frame *frames, size_t max)
{
	const struct packet_link *self = (const struct packet_link *)link;
	struct mmsghdr messages[LINK_BATCH];
	struct iovec parts[LINK_BATCH];
	unsigned count = max < LINK_BATCH ? (unsigned)max : LINK_BATCH;
	int got;

	memset(messages, 0, count * sizeof messages[0]);
	for (unsigned i = 0; i < count; i++) {
		parts[i] = (struct iovec){.iov_base = arena + (size_t)i * ARENA_SLOT, .iov_len = FRAME_MAX};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	do {
		got = recvmmsg(self->fd, messages, count, MSG_DONTWAIT, NULL);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		/* A pending error (ENETDOWN) is taken off the socket by this very call. */
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -1;
	}
	for (int i = 0; i < got; i++) {
		frames[i] = (struct romon_frame){.link = link->ifindex, .len = messages[i].msg_len, .data = parts[i].iov_base};
	}
	return got;
}

/* One sendmmsg of at most LINK_BATCH frames. */
static int packet_send_batch(int fd, const struct romon_frame *frames, size_t count)
{
	struct mmsghdr messages[LINK_BATCH];
	struct iovec parts[LINK_BATCH];
	unsigned batch = count < LINK_BATCH ? (unsigned)count : LINK_BATCH;
	int took;

	memset(messages, 0, batch * sizeof messages[0]);
	for (unsigned i = 0; i < batch; i++) {
		parts[i] = (struct iovec){.iov_base = frames[i].data, .iov_len = frames[i].len};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	do {
		took = sendmmsg(fd, messages, batch, MSG_DONTWAIT);
	} while (took < 0 && errno == EINTR);
	return took;
}

static int packet_send(struct link *link, const struct romon_frame *frames, size_t count)
{
	const struct packet_link *self = (const struct packet_link *)link;
	size_t sent = 0;
	bool again = true;

	/* sendmmsg() that stops half-way keeps the reason to itself: the next one, which starts with the refused frame, tells it. */
	while (sent < count) {
		int took = packet_send_batch(self->fd, frames + sent, count - sent);

		if (took >= 0) {
			sent += (size_t)took;
		} else if (errno == ENETDOWN && again) {
			/* It may be the news, pending on the socket and now taken off it, that the interface was down once. */
			again = false;
		} else {
			break;
		}
	}
	return (int)sent;
}

static int packet_fd(const struct link *link)
{
	return ((const struct packet_link *)link)->fd;
}

/* The kernel counts from the last time that it was asked. */
static uint64_t packet_lost(struct link *link)
{
	struct packet_link *self = (struct packet_link *)link;
	struct tpacket_stats counted = {.tp_drops = 0};
	socklen_t size = sizeof counted;

	if (getsockopt(self->fd, SOL_PACKET, PACKET_STATISTICS, &counted, &size) == 0) {
		self->lost += counted.tp_drops;
	}
	return self->lost;
}

static void packet_close(struct link *link)
{
	close(((const struct packet_link *)link)->fd);
	free(link);
}

static const struct link_ops packet_ops = {
	.name = "packet",
	.receive = packet_receive,
	.send = packet_send,
	.fd = packet_fd,
	.lost = packet_lost,
	.close = packet_close,
};

struct link *af_packet_link(int fd, uint32_t ifindex)
{
	struct packet_link *self = arena_map() < 0 ? NULL : malloc(sizeof *self);

	if (!self) {
		int error = errno;

		close(fd);
		errno = error;
		return NULL;
	}
	*self = (struct packet_link){.link = {.ops = &packet_ops, .ifindex = ifindex}, .fd = fd};
	return &self->link;
}
