/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The packet socket link over veth pairs. That a frame is not heard is shown by one sent after it that is: a veth pair keeps
 * their order.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/socket.h>

#include "link/af_packet.h"
#include "link/pcap.h"
#include "netns.h"

#define HEADER 14 /* bytes of an Ethernet header */

static const struct romon_mac stranger = {{0x02, 0, 0, 0, 0, 0x99}};

static struct romon_mac mac_of(const char *name)
{
	struct ifaces *ifaces = ifaces_open();
	struct romon_mac mac;

	assert_non_null(ifaces);
	assert_non_null(iface_named(ifaces, name));
	mac = iface_named(ifaces, name)->mac;
	ifaces_close(ifaces);
	return mac;
}

static struct link *link_open(const char *name, bool bridge_member)
{
	uint32_t ifindex = if_nametoindex(name);
	int fd = af_packet_socket(ifindex, bridge_member);
	struct link *link;

	assert_true(fd >= 0);
	link = af_packet_link(fd, ifindex);
	assert_non_null(link);
	assert_int_equal(link->ops->fd(link), fd);
	return link;
}

static void link_close(struct link *link)
{
	link->ops->close(link);
}

/* A frame of 0x88BF with the mark as its only payload. */
static size_t frame_make(uint8_t frame[64], struct romon_mac to, uint8_t mark)
{
	memset(frame, 0, 64);
	memcpy(frame, to.b, sizeof to.b);
	memcpy(frame + 6, stranger.b, sizeof stranger.b);
	frame[12] = ROMON_ETHERTYPE >> 8;
	frame[13] = ROMON_ETHERTYPE & 0xff;
	frame[HEADER] = mark;
	return 64;
}

static void link_say(struct link *link, struct romon_mac to, uint8_t mark)
{
	uint8_t bytes[64];
	struct romon_frame frame = {.link = link->ifindex, .len = frame_make(bytes, to, mark), .data = bytes};

	assert_int_equal(link->ops->send(link, &frame, 1), 1);
}

/* Awaits the next frame and checks that it is the one with that mark. */
static void link_hear(struct link *link, uint8_t mark)
{
	struct romon_frame frame;

	await_readable(link->ops->fd(link));
	assert_int_equal(link->ops->receive(link, &frame, 1), 1);
	assert_int_equal(frame.link, link->ifindex);
	assert_int_equal(frame.len, 64);
	assert_int_equal(frame.data[12] << 8 | frame.data[13], ROMON_ETHERTYPE);
	assert_int_equal(frame.data[HEADER], mark);
}

static void link_silent(struct link *link)
{
	struct romon_frame frame;

	assert_int_equal(link->ops->receive(link, &frame, 1), 0);
}

/* Sends bytes as they are, by a socket of another kind than the link's. */
static void inject(const char *name, const uint8_t *bytes, size_t len)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(sendto(fd, bytes, len, 0, (struct sockaddr *)&address, sizeof address), len);
	close(fd);
}

/* The frame with an 802.1Q tag. */
static void inject_tagged(const char *name, struct romon_mac to, uint16_t vlan, uint8_t mark)
{
	uint8_t frame[64], tagged[68];

	frame_make(frame, to, mark);
	memcpy(tagged, frame, 12);
	memcpy(tagged + 16, frame + 12, sizeof frame - 12);
	tagged[12] = ETH_P_8021Q >> 8;
	tagged[13] = ETH_P_8021Q & 0xff;
	tagged[14] = (uint8_t)(vlan >> 8);
	tagged[15] = (uint8_t)vlan;
	inject(name, tagged, sizeof tagged);
}

static void test_group_broadcast_and_unicast(void **state)
{
	struct link *a, *b;

	(void)state;
	netns_enter();
	veth_add("va", "vb");
	a = link_open("va", false);
	b = link_open("vb", false);
	assert_string_equal(a->ops->name, "packet");
	link_silent(a);
	link_say(a, romon_mac_group, 1);
	link_say(a, mac_of("vb"), 2);
	link_say(a, romon_mac_broadcast, 3);
	link_hear(b, 1);
	link_hear(b, 2);
	link_hear(b, 3);
	link_silent(b);
	/* And the other way; what a sent itself it does not hear. */
	link_say(b, romon_mac_group, 4);
	link_hear(a, 4);
	link_silent(a);
	link_close(a);
	link_close(b);
}

/* Whichever protocol the socket is bound to. */
static void test_not_ours(void **state)
{
	const bool bridge_member = *(const bool *)*state;
	uint8_t other[64];
	struct link *a, *b;

	netns_enter();
	veth_add("va", "vb");
	ip("link set vb promisc on");
	a = link_open("va", false);
	b = link_open("vb", bridge_member);
	link_say(a, stranger, 1); /* to another host */
	inject_tagged("va", romon_mac_group, 5, 2);
	inject_tagged("va", mac_of("vb"), 5, 3);
	frame_make(other, romon_mac_group, 4);
	other[13] ^= 1; /* another EtherType */
	inject("va", other, sizeof other);
	link_say(b, romon_mac_group, 5);                  /* our own */
	inject_tagged("va", romon_mac_group, 7 << 13, 6); /* only a priority: no VLAN */
	link_say(a, romon_mac_group, 7);
	link_hear(b, 6);
	link_hear(b, 7);
	link_silent(b);
	link_close(a);
	link_close(b);
}

static void test_bridge_member(void **state)
{
	struct link *a, *plain, *member;

	(void)state;
	netns_enter();
	veth_add("va", "vb");
	ip("link add br0 type bridge");
	ip("link set br0 up");
	ip("link set vb master br0");
	a = link_open("va", false);
	plain = link_open("vb", false);
	member = link_open("vb", true);
	link_say(a, romon_mac_group, 1);
	link_say(a, mac_of("vb"), 2);
	link_hear(member, 1);
	link_hear(member, 2);
	link_silent(plain); /* the bridge took them: the reason for ETH_P_ALL */
	link_say(member, romon_mac_group, 3);
	link_hear(a, 3);
	link_silent(member);
	link_close(a);
	link_close(plain);
	link_close(member);
}

static void test_batches(void **state)
{
	enum { COUNT = 200 };
	static uint8_t bytes[COUNT][64];
	struct romon_frame frames[COUNT];
	struct link *a, *b;
	size_t heard = 0;

	(void)state;
	netns_enter();
	veth_add("va", "vb");
	a = link_open("va", false);
	b = link_open("vb", false);
	for (size_t i = 0; i < COUNT; i++) {
		frames[i] = (struct romon_frame){.len = frame_make(bytes[i], romon_mac_group, (uint8_t)i), .data = bytes[i]};
	}
	assert_int_equal(a->ops->send(a, frames, COUNT), COUNT);
	while (heard < COUNT) {
		struct romon_frame got[COUNT];
		int count;

		await_readable(b->ops->fd(b));
		count = b->ops->receive(b, got, COUNT);
		assert_in_range(count, 1, LINK_BATCH);
		for (int i = 0; i < count; i++, heard++) {
			assert_memory_equal(got[i].data, bytes[heard], got[i].len);
			assert_int_equal(got[i].len, 64);
		}
	}
	assert_int_equal(b->ops->receive(b, frames, COUNT), 0);
	link_close(a);
	link_close(b);
}

/* What the socket has no room for is counted, to the last frame, and a capture around the link passes that on. */
static void test_overrun(void **state)
{
	enum { COUNT = 10000 };
	uint8_t bytes[64];
	struct romon_frame frame = {.len = frame_make(bytes, romon_mac_group, 1), .data = bytes}, got[LINK_BATCH];
	struct pcap *pcap;
	struct link *a, *b;
	uint64_t heard = 0, lost;
	int count;

	(void)state;
	netns_enter();
	veth_add("va", "vb");
	a = link_open("va", false);
	pcap = pcap_new(open("/dev/null", O_WRONLY | O_CLOEXEC));
	assert_non_null(pcap);
	b = pcap_link(pcap, link_open("vb", false), "vb");
	assert_non_null(b);
	assert_int_equal(b->ops->lost(b), 0);
	for (int i = 0; i < COUNT; i++) {
		assert_int_equal(a->ops->send(a, &frame, 1), 1);
	}
	lost = b->ops->lost(b);
	assert_in_range(lost, 1, COUNT - 1);
	assert_int_equal(b->ops->lost(b), lost); /* of all time */
	while ((count = b->ops->receive(b, got, LINK_BATCH)) > 0) {
		heard += (uint64_t)count;
	}
	assert_int_equal(heard + lost, COUNT);
	link_say(a, romon_mac_group, 2);
	link_hear(b, 2);
	assert_int_equal(b->ops->lost(b), lost);
	link_close(a);
	link_close(b);
	pcap_close(pcap);
}

static void test_frame_sizes(void **state)
{
	static uint8_t bytes[65535 + HEADER];
	struct romon_frame frame = {.len = sizeof bytes, .data = bytes}, got;
	struct link *a, *b;

	(void)state;
	netns_enter();
	veth_add("va", "vb");
	ip("link set va mtu 65535");
	ip("link set vb mtu 65535");
	a = link_open("va", false);
	b = link_open("vb", false);
	frame_make(bytes, romon_mac_group, 1);
	bytes[65534] = 0xee;
	assert_int_equal(a->ops->send(a, &frame, 1), 1);
	await_readable(b->ops->fd(b));
	assert_int_equal(b->ops->receive(b, &got, 1), 1);
	assert_int_equal(got.len, 65535); /* cut */
	assert_int_equal(got.data[65534], 0xee);
	/* A header and nothing else. */
	frame.len = HEADER;
	assert_int_equal(a->ops->send(a, &frame, 1), 1);
	await_readable(b->ops->fd(b));
	assert_int_equal(b->ops->receive(b, &got, 1), 1);
	assert_int_equal(got.len, HEADER);
	link_close(a);
	link_close(b);
}

static void test_refused_frame(void **state)
{
	static uint8_t bytes[3][2000];
	struct romon_frame frames[3];
	struct link *a, *b;

	(void)state;
	netns_enter();
	veth_add("va", "vb");
	ip("link set va mtu 1280");
	a = link_open("va", false);
	b = link_open("vb", false);
	for (uint8_t i = 0; i < 3; i++) {
		frames[i] = (struct romon_frame){.len = frame_make(bytes[i], romon_mac_group, i), .data = bytes[i]};
	}
	frames[1].len = 2000;
	errno = 0;
	assert_int_equal(a->ops->send(a, frames, 3), 1);
	assert_int_equal(errno, EMSGSIZE);
	assert_int_equal(a->ops->send(a, frames + 2, 1), 1);
	link_hear(b, 0);
	link_hear(b, 2);
	link_close(a);
	link_close(b);
}

static bool readable(struct link *link)
{
	struct pollfd wait = {.fd = link->ops->fd(link), .events = POLLIN};

	return poll(&wait, 1, 0) != 0;
}

static void test_down_and_up(void **state)
{
	uint8_t bytes[64];
	struct romon_frame frame = {.len = frame_make(bytes, romon_mac_group, 1), .data = bytes}, got;
	struct link *a, *b;

	(void)state;
	netns_enter();
	veth_add("va", "vb");
	a = link_open("va", false);
	b = link_open("vb", false);
	ip("link set vb down");
	assert_true(readable(b));
	assert_int_equal(b->ops->receive(b, &got, 1), -1);
	assert_int_equal(errno, ENETDOWN);
	assert_false(readable(b)); /* said once: nothing that a loop would turn on */
	link_silent(b);
	assert_int_equal(b->ops->send(b, &frame, 1), 0);
	assert_int_equal(errno, ENETDOWN);
	ip("link set vb up");
	await_running("va");
	await_running("vb");
	link_say(a, romon_mac_group, 2);
	link_hear(b, 2);
	/* Down and up again with nobody receiving: the first frame to send is not lost to the old news. */
	ip("link set vb down");
	ip("link set vb up");
	await_running("va");
	await_running("vb");
	link_say(b, romon_mac_group, 3);
	link_close(a);
	link_close(b);
}

static void test_opened_while_down(void **state)
{
	struct romon_frame got;
	struct link *a, *b;

	(void)state;
	netns_enter();
	ip("link add va type veth peer name vb");
	b = link_open("vb", false);
	assert_int_equal(b->ops->receive(b, &got, 1), -1);
	assert_int_equal(errno, ENETDOWN);
	link_silent(b);
	ip("link set va up");
	ip("link set vb up");
	await_running("va");
	await_running("vb");
	a = link_open("va", false);
	link_say(a, romon_mac_group, 1);
	link_hear(b, 1);
	link_close(a);
	link_close(b);
}

static void test_gone(void **state)
{
	uint8_t bytes[64];
	struct romon_frame frame = {.len = frame_make(bytes, romon_mac_group, 1), .data = bytes}, got;
	struct link *b;

	(void)state;
	netns_enter();
	veth_add("va", "vb");
	b = link_open("vb", false);
	ip("link del vb");
	assert_int_equal(b->ops->receive(b, &got, 1), -1);
	assert_true(errno == ENETDOWN || errno == ENODEV || errno == ENXIO);
	link_silent(b);
	assert_false(readable(b));
	assert_int_equal(b->ops->send(b, &frame, 1), 0);
	assert_true(errno == ENODEV || errno == ENXIO);
	link_close(b);
	assert_int_equal(af_packet_socket(0, false), -1);
	assert_int_equal(errno, ENODEV);
	assert_int_equal(af_packet_socket(4711, false), -1);
	assert_int_equal(errno, ENODEV);
}

/* What a worker that was taken over may try with its descriptor. */
static void test_rebound(void **state)
{
	const bool bridge_member = *(const bool *)*state;
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	struct packet_mreq promiscuous = {.mr_type = PACKET_MR_PROMISC};
	uint8_t other[64];
	struct link *a, *b, *c, *d;
	int fd;

	netns_enter();
	veth_add("va", "vb");
	veth_add("vc", "vd");
	a = link_open("va", false);
	b = link_open("vb", bridge_member);
	c = link_open("vc", false);
	d = link_open("vd", false);
	fd = b->ops->fd(b);
	frame_make(other, mac_of("vd"), 9);
	other[12] = 0x08; /* IP */
	other[13] = 0x00;

	address.sll_ifindex = (int)if_nametoindex("vd");
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	inject("vc", other, sizeof other);
	link_say(c, romon_mac_group, 1);
	link_hear(d, 1); /* so it came, and went by all sockets */
	link_silent(b);

	/* Bound to all interfaces it hears what it was made for, and no other traffic of any. */
	address.sll_ifindex = 0;
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	promiscuous.mr_ifindex = (int)if_nametoindex("vb");
	assert_int_equal(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof promiscuous), 0);
	inject("vc", other, sizeof other);
	inject("va", other, sizeof other);
	link_say(a, stranger, 2);
	link_say(c, romon_mac_group, 3);
	link_hear(d, 3);
	link_say(a, romon_mac_group, 4);
	link_hear(b, 4);
	link_silent(b);
	link_close(a);
	link_close(b);
	link_close(c);
	link_close(d);
}

static void test_filter_locked(void **state)
{
	struct sock_filter all[] = {BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)};
	struct sock_fprog program = {.len = 1, .filter = all};
	int off = 0, fd;

	(void)state;
	netns_enter();
	veth_add("va", "vb");
	fd = af_packet_socket(if_nametoindex("va"), false);
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &off, sizeof off), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &off, sizeof off), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	close(fd);
}

/* Whatever the kind. */
static void test_not_promiscuous(void **state)
{
	struct link *plain, *member;

	(void)state;
	netns_enter();
	veth_add("va", "vb");
	plain = link_open("va", false);
	member = link_open("va", true);
	ip("-d link show va | grep -q 'promiscuity 0'");
	link_close(plain);
	link_close(member);
}

int main(void)
{
	static bool plain = false, member = true;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_group_broadcast_and_unicast),
		{"test_not_ours", test_not_ours, NULL, NULL, &plain},
		{"test_not_ours_bridge_member", test_not_ours, NULL, NULL, &member},
		cmocka_unit_test(test_bridge_member),
		cmocka_unit_test(test_batches),
		cmocka_unit_test(test_overrun),
		cmocka_unit_test(test_frame_sizes),
		cmocka_unit_test(test_refused_frame),
		cmocka_unit_test(test_down_and_up),
		cmocka_unit_test(test_opened_while_down),
		cmocka_unit_test(test_gone),
		{"test_rebound", test_rebound, NULL, NULL, &plain},
		{"test_rebound_bridge_member", test_rebound, NULL, NULL, &member},
		cmocka_unit_test(test_filter_locked),
		cmocka_unit_test(test_not_promiscuous),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
