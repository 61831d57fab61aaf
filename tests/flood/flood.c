/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Floods a router, from an interface of this network namespace and as fast as it is told:
 *
 *     flood INTERFACE strangers|invalid COUNT RATE MAC ID LINK
 *
 * MAC, ID and LINK are those of the router's port; RATE is in frames a second. `strangers` are valid frames of as many routers as there are
 * frames, each with an ID and a source address of its own: they ask, answer, connect, ping, and claim to know a secret. `invalid` frames
 * are to be dropped, each for one of several reasons. Says in the end how many were sent and how long that took, as JSON.
 *
 * The frames are made byte by byte after docs/protocol.md, without the code under test.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BATCH 64
#define FRAME_MAX 256
#define NS 1000000000ULL

enum { DISCOVER = 1, ANSWER, DATA, SEQ_ERR, HELLO };

static const uint8_t everybody[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

struct victim {
	uint8_t mac[6], id[6];
	uint32_t link;
};

struct frame {
	uint8_t data[FRAME_MAX];
	size_t len;
};

static void put(struct frame *frame, const void *bytes, size_t len)
{
	memcpy(frame->data + frame->len, bytes, len);
	frame->len += len;
}

static void put_number(struct frame *frame, uint64_t number, size_t len)
{
	while (len-- > 0)
		frame->data[frame->len++] = (uint8_t)(number >> 8 * len);
}

static void put_stranger(struct frame *frame, uint64_t number)
{
	put_number(frame, 0x02fe00000000 + number, 6);
}

static void begin(struct frame *frame, const uint8_t *dst, uint64_t number, unsigned type)
{
	frame->len = 0;
	put(frame, dst, 6);
	put_stranger(frame, number);
	put_number(frame, 0x88bf, 2);
	put_number(frame, type, 1);
	put_number(frame, 0, 3 + 24);
}

static void end(struct frame *frame)
{
	frame->data[16] = (uint8_t)(frame->len >> 8);
	frame->data[17] = (uint8_t)frame->len;
}

static void put_end(struct frame *frame, uint32_t link, const uint8_t *mac)
{
	put_number(frame, link, 4);
	put_number(frame, 1500, 2);
	put_number(frame, 100, 2);
	put(frame, mac, 6);
}

static void question(struct frame *frame, const struct victim *victim, uint64_t number)
{
	begin(frame, victim->mac, number, DISCOVER); /* not the group: others on the wire have nothing to do with it */
	put_stranger(frame, number);
	put(frame, everybody, 6);
	put_number(frame, 0, 8);
	put_number(frame, 0x0122, 2);
	put_stranger(frame, number);
	put_number(frame, 0, 14);
	put_end(frame, 1, frame->data + 6);
	end(frame);
}

/* To a question of the router's, whether it has asked one or not. */
static void answer(struct frame *frame, const struct victim *victim, uint64_t number)
{
	begin(frame, victim->mac, number, ANSWER);
	put(frame, victim->id, 6);
	put_stranger(frame, number);
	put_number(frame, 0, 8);
	put_number(frame, 0x0122, 2);
	put(frame, victim->id, 6);
	put_number(frame, 0, 14);
	put_end(frame, victim->link, victim->mac);
	put_number(frame, 0x0122, 2);
	put_stranger(frame, number);
	put_end(frame, 1, frame->data + 6);
	put_number(frame, 0, 14);
	put(frame, "\3\6nobody", 8);
	end(frame);
}

/* With one hop, to this port of the router. */
static void data(struct frame *frame, const struct victim *victim, uint64_t number, unsigned port, size_t size)
{
	begin(frame, victim->mac, number, DATA);
	put_stranger(frame, number);
	put(frame, victim->id, 6);
	put_number(frame, 0x0100, 2);
	put_number(frame, 0, 4);
	put_number(frame, 7, 4);
	put(frame, victim->mac, 6);
	put_number(frame, 2000, 2);
	put_number(frame, port, 2);
	put_number(frame, 0, size);
	end(frame);
}

/* A Hello that says to be hashed. */
static void hello(struct frame *frame, const struct victim *victim, uint64_t number)
{
	begin(frame, victim->mac, number, HELLO);
	put_stranger(frame, number);
	put(frame, everybody, 6);
	put_number(frame, 0, 24);
	end(frame);
	memset(frame->data + 18, 0x5a, 24);
}

static void stranger(struct frame *frame, const struct victim *victim, uint64_t number)
{
	switch (number % 5) {
	case 0:
		question(frame, victim, number);
		break;
	case 1:
		answer(frame, victim, number);
		break;
	case 2:
		data(frame, victim, number, 3, 10); /* a connect is all zeros */
		break;
	case 3:
		data(frame, victim, number, 1, 32); /* a ping */
		break;
	default:
		hello(frame, victim, number);
	}
}

static void invalid(struct frame *frame, const struct victim *victim, uint64_t number)
{
	question(frame, victim, number);
	switch (number % 8) {
	case 0:
		frame->data[17]++; /* longer than it is */
		break;
	case 1:
		frame->data[14] = 9;
		break;
	case 2:
		memset(frame->data + 42, 0, 6); /* the asker is nobody */
		break;
	case 3:
		frame->data[55] = 1; /* the pointer is behind the list */
		break;
	case 4:
		frame->data[63] = 200; /* the TLV overruns */
		break;
	case 5:
		data(frame, victim, number, 1, 32);
		frame->data[53] ^= 1; /* for another router */
		break;
	case 6:
		data(frame, victim, number, 1, 3); /* a ping without a number */
		break;
	default:
		frame->len = 40;
	}
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS + (uint64_t)ts.tv_nsec;
}

static void wait_until(uint64_t when)
{
	const struct timespec ts = {(time_t)(when / NS), (long)(when % NS)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

/* Sends them all; what the interface has no room for is sent again. */
static bool send_all(int fd, struct mmsghdr *messages, unsigned count)
{
	unsigned done = 0;

	while (done < count) {
		int sent = sendmmsg(fd, messages + done, count - done, 0);

		if (sent < 0 && errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
			return false;
		done += sent > 0 ? (unsigned)sent : 0;
	}
	return true;
}

static bool flood(int fd, const struct victim *victim, bool valid, uint64_t count, uint64_t rate)
{
	static struct frame frames[BATCH];
	struct mmsghdr messages[BATCH] = {0};
	struct iovec parts[BATCH];
	uint64_t start = now();

	for (uint64_t number = 0; number < count; number += BATCH) {
		unsigned batch = count - number < BATCH ? (unsigned)(count - number) : BATCH;

		for (unsigned i = 0; i < batch; i++) {
			if (valid)
				stranger(&frames[i], victim, number + i);
			else
				invalid(&frames[i], victim, number + i);
			parts[i] = (struct iovec){frames[i].data, frames[i].len};
			messages[i].msg_hdr.msg_iov = &parts[i];
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		wait_until(start + number * NS / rate);
		if (!send_all(fd, messages, batch))
			return false;
	}
	printf("{\"sent\":%llu,\"seconds\":%.3f}\n", (unsigned long long)count, (double)(now() - start) / 1e9);
	return true;
}

static bool read_mac(const char *text, uint8_t mac[6])
{
	return sscanf(text, "%2hhx:%2hhx:%2hhx:%2hhx:%2hhx:%2hhx", &mac[0], &mac[1], &mac[2], &mac[3], &mac[4], &mac[5]) == 6;
}

int main(int argc, char **argv)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET};
	struct victim victim;
	int fd, on = 1;
	bool valid;

	if (argc != 8 || !read_mac(argv[5], victim.mac) || !read_mac(argv[6], victim.id)) {
		fputs("usage: flood INTERFACE strangers|invalid COUNT RATE MAC ID LINK\n", stderr);
		return 2;
	}
	valid = strcmp(argv[2], "strangers") == 0;
	victim.link = (uint32_t)strtoul(argv[7], NULL, 10);
	address.sll_ifindex = (int)if_nametoindex(argv[1]);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		perror(argv[1]);
		return 1;
	}
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	if (!flood(fd, &victim, valid, strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10))) {
		perror("send");
		return 1;
	}
	return 0;
}
