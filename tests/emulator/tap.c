/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Frames from and to an interface by a packet socket, in batches. The kernel takes VLAN tags off frames that it receives: they are put
 * back. Checksums and segmentation that a sender leaves to its card are not done here: switch that off at the sender (lab.py does).
 */
#include "tap.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FRAME_MAX 65536
#define TAG 4
#define TAG_AT 12 /* behind the two addresses */
#define BUFFER (64 << 20)

/* Frames are received TAG bytes into their slots, so that a tag can be put back. */
static uint8_t slots[TAP_BATCH][FRAME_MAX + TAG];

bool tap_open(struct tap *tap, const char *interface)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int size = BUFFER, on = 1;

	address.sll_ifindex = (int)if_nametoindex(interface);
	if (address.sll_ifindex == 0)
		return false;
	*tap = (struct tap){.fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
	if (tap->fd < 0)
		return false;
	setsockopt(tap->fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)); /* a smaller one shows in `overrun` */
	setsockopt(tap->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	if (setsockopt(tap->fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
		setsockopt(tap->fd, SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on)) < 0 ||
		setsockopt(tap->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)) < 0 ||
		bind(tap->fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		close(tap->fd);
		return false;
	}
	return true;
}

void tap_close(struct tap *tap)
{
	close(tap->fd);
}

/* Where the frame begins, with the tag that the kernel took off it. */
static const uint8_t *tagged(uint8_t *slot, struct msghdr *message, size_t *len)
{
	uint8_t *frame = slot + TAG;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		struct tpacket_auxdata aux;
		uint16_t tag[2];

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA || *len < TAG_AT)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		if ((aux.tp_status & TP_STATUS_VLAN_VALID) == 0)
			break;
		tag[0] = htons(aux.tp_status & TP_STATUS_VLAN_TPID_VALID ? aux.tp_vlan_tpid : ETH_P_8021Q);
		tag[1] = htons(aux.tp_vlan_tci);
		memmove(slot, frame, TAG_AT);
		memcpy(slot + TAG_AT, tag, TAG);
		*len += TAG;
		return slot;
	}
	return frame;
}

unsigned tap_receive(struct tap *tap, struct way *way, int64_t now)
{
	static struct {
		_Alignas(struct cmsghdr) char data[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	} control[TAP_BATCH];
	struct mmsghdr messages[TAP_BATCH];
	struct iovec parts[TAP_BATCH];
	int got;

	memset(messages, 0, sizeof(messages));
	for (unsigned i = 0; i < TAP_BATCH; i++) {
		parts[i] = (struct iovec){.iov_base = slots[i] + TAG, .iov_len = FRAME_MAX};
		messages[i].msg_hdr = (struct msghdr){
			.msg_iov = &parts[i], .msg_iovlen = 1, .msg_control = &control[i], .msg_controllen = sizeof(control[i])};
	}
	got = recvmmsg(tap->fd, messages, TAP_BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++) { /* an error is news of an interface that is down, or nothing to read */
		size_t len = messages[i].msg_len;
		const uint8_t *frame = tagged(slots[i], &messages[i].msg_hdr, &len);

		way_put(way, frame, len, now);
	}
	return got > 0 ? (unsigned)got : 0;
}

static void send_batch(struct tap *tap, struct way_frame **frames, unsigned count)
{
	struct mmsghdr messages[TAP_BATCH];
	struct iovec parts[TAP_BATCH];
	unsigned done = 0;

	memset(messages, 0, sizeof(messages));
	for (unsigned i = 0; i < count; i++) {
		parts[i] = (struct iovec){.iov_base = frames[i]->data, .iov_len = frames[i]->len};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
	}
	while (done < count) {
		int took = sendmmsg(tap->fd, messages + done, count - done, MSG_DONTWAIT);

		if (took > 0) {
			done += (unsigned)took;
		} else { /* this one it does not take */
			tap->refused++;
			done++;
		}
	}
	for (unsigned i = 0; i < count; i++)
		free(frames[i]);
}

void tap_send(struct tap *tap, struct way *way, int64_t now)
{
	struct way_frame *frames[TAP_BATCH];
	unsigned count;

	do {
		for (count = 0; count < TAP_BATCH && (frames[count] = way_take(way, now)) != NULL; count++)
			;
		if (count > 0)
			send_batch(tap, frames, count);
	} while (count == TAP_BATCH);
}

uint64_t tap_overruns(const struct tap *tap)
{
	struct tpacket_stats stats = {0};
	socklen_t len = sizeof(stats);

	return getsockopt(tap->fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0 ? stats.tp_drops : 0;
}
