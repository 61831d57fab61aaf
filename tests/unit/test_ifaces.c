/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What counts as hardware, what netlink's messages mean (composed here, so that bonds and VLANs need no kernel that has them), and
 * the list that follows a namespace of its own.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <net/if_arp.h>
#include <sys/socket.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include "link/iface_message.h"
#include "netns.h"

/* What is hardware */

static void test_hardware(void **state)
{
	static const struct iface list[] = {
		{.index = 1, .name = "lo"},
		{.index = 2, .name = "eth0", .device = true},
		{.index = 3, .name = "eth1", .device = true, .master = 10, .master_kind = IFACE_MASTER_BOND},
		{.index = 4, .name = "eth2", .device = true, .master = 10, .master_kind = IFACE_MASTER_BOND},
		{.index = 5, .name = "veth0", .kind = "veth", .master = 11, .master_kind = IFACE_MASTER_BOND},
		{.index = 6, .name = "eth3", .device = true, .master = 11, .master_kind = IFACE_MASTER_BOND},
		{.index = 7, .name = "eth4", .device = true, .master = 12, .master_kind = IFACE_MASTER_BRIDGE},
		{.index = 10, .name = "bond0", .kind = "bond"},
		{.index = 11, .name = "bond1", .kind = "bond"},
		{.index = 12, .name = "br0", .kind = "bridge"},
		{.index = 13, .name = "bond2", .kind = "bond"},
		{.index = 20, .name = "eth0.5", .kind = "vlan", .lower = 2},
		{.index = 21, .name = "bond0.5", .kind = "vlan", .lower = 10},
		{.index = 22, .name = "bond0.5.6", .kind = "vlan", .lower = 21},
		{.index = 23, .name = "br0.5", .kind = "vlan", .lower = 12},
		{.index = 24, .name = "far.5", .kind = "vlan", .lower = 0},
		{.index = 25, .name = "lost.5", .kind = "vlan", .lower = 99},
		{.index = 26, .name = "round1", .kind = "vlan", .lower = 27},
		{.index = 27, .name = "round2", .kind = "vlan", .lower = 26},
		{.index = 28, .name = "mac0", .kind = "macvlan", .lower = 2},
		{.index = 29, .name = "eth5", .device = true, .master = 30, .master_kind = IFACE_MASTER_BOND},
		{.index = 30, .name = "team0", .kind = "team"},
		{.index = 31, .name = "selfish", .kind = "bond", .master = 31, .master_kind = IFACE_MASTER_BOND},
	};
	static const uint32_t hardware[] = {2, 3, 4, 6, 7, 10, 20, 21, 22, 29, 30};
	const size_t count = sizeof list / sizeof list[0];

	(void)state;
	for (size_t i = 0; i < count; i++) {
		bool expected = false;

		for (size_t j = 0; j < sizeof hardware / sizeof hardware[0]; j++) {
			expected |= list[i].index == hardware[j];
		}
		if (ifaces_hardware(list, count, &list[i]) != expected) {
			fail_msg("%s: hardware should be %d", list[i].name, expected);
		}
	}
}

static void test_vlans(void **state)
{
	static const struct iface list[] = {
		{.index = 1, .name = "eth0"},
		{.index = 2, .name = "eth1", .master = 11, .master_kind = IFACE_MASTER_BRIDGE},
		{.index = 3, .name = "eth2", .master = 12, .master_kind = IFACE_MASTER_BRIDGE},
		{.index = 4, .name = "eth3"},
		{.index = 5, .name = "eth4", .master = 99, .master_kind = IFACE_MASTER_BRIDGE},
		{.index = 11, .name = "br0", .kind = "bridge", .filters_vlans = true},
		{.index = 12, .name = "br1", .kind = "bridge"},
		{.index = 20, .name = "eth0.5", .kind = "vlan", .lower = 1},
	};
	static const bool expected[] = {true, true, false, false, false, false, false, false};
	const size_t count = sizeof list / sizeof list[0];

	(void)state;
	for (size_t i = 0; i < count; i++) {
		if (ifaces_vlans(list, count, &list[i]) != expected[i]) {
			fail_msg("%s: VLANs should be %d", list[i].name, expected[i]);
		}
	}
}

static void test_by_index(void **state)
{
	static const struct iface list[] = {{.index = 1}, {.index = 2}, {.index = 5}, {.index = 4000000000}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		assert_ptr_equal(ifaces_by_index(list, 4, list[i].index), &list[i]);
	}
	assert_null(ifaces_by_index(list, 4, 0));
	assert_null(ifaces_by_index(list, 4, 3));
	assert_null(ifaces_by_index(list, 4, 4000000001));
	assert_null(ifaces_by_index(NULL, 0, 1));
}

/* Messages */

struct message {
	_Alignas(struct nlmsghdr) char bytes[1024];
};

static struct nlmsghdr *message_begin(struct message *message, unsigned char family, unsigned short type, unsigned flags)
{
	struct nlmsghdr *header;
	struct ifinfomsg *head;

	memset(message, 0, sizeof *message);
	header = mnl_nlmsg_put_header(message->bytes);
	header->nlmsg_type = RTM_NEWLINK;
	head = mnl_nlmsg_put_extra_header(header, sizeof *head);
	*head = (struct ifinfomsg){.ifi_family = family, .ifi_type = type, .ifi_index = 7, .ifi_flags = flags};
	return header;
}

static void message_info(struct nlmsghdr *header, const char *kind, const char *slave_kind)
{
	struct nlattr *info = mnl_attr_nest_start(header, IFLA_LINKINFO);

	if (kind) {
		mnl_attr_put_strz(header, IFLA_INFO_KIND, kind);
	}
	if (slave_kind) {
		mnl_attr_put_strz(header, IFLA_INFO_SLAVE_KIND, slave_kind);
	}
	mnl_attr_nest_end(header, info);
}

static void test_message_of_a_card(void **state)
{
	const struct romon_mac mac = {{2, 3, 4, 5, 6, 7}};
	struct message message;
	struct nlmsghdr *header = message_begin(&message, AF_UNSPEC, ARPHRD_ETHER, IFF_UP | IFF_RUNNING);
	struct iface iface;

	(void)state;
	mnl_attr_put_strz(header, IFLA_IFNAME, "eth0");
	mnl_attr_put(header, IFLA_ADDRESS, sizeof mac, &mac);
	mnl_attr_put_u32(header, IFLA_MTU, 1500);
	mnl_attr_put_u32(header, IFLA_MASTER, 9);
	message_info(header, NULL, "bridge");
	mnl_attr_put_strz(header, 56, "0000:00:1f.6");
	assert_true(iface_message_read(header, &iface));
	assert_int_equal(iface.index, 7);
	assert_string_equal(iface.name, "eth0");
	assert_string_equal(iface.kind, "");
	assert_true(romon_mac_equal(iface.mac, mac));
	assert_int_equal(iface.mtu, 1500);
	assert_int_equal(iface.master, 9);
	assert_int_equal(iface.master_kind, IFACE_MASTER_BRIDGE);
	assert_int_equal(iface.lower, 0);
	assert_true(iface.ethernet);
	assert_true(iface.device);
	assert_true(iface.up);
	assert_true(iface.running);
}

static void test_message_of_a_vlan(void **state)
{
	struct message message;
	struct nlmsghdr *header = message_begin(&message, AF_UNSPEC, ARPHRD_ETHER, IFF_RUNNING);
	struct iface iface;

	(void)state;
	mnl_attr_put_strz(header, IFLA_IFNAME, "eth0.5");
	mnl_attr_put_u32(header, IFLA_LINK, 2);
	message_info(header, "vlan", NULL);
	assert_true(iface_message_read(header, &iface));
	assert_string_equal(iface.kind, "vlan");
	assert_int_equal(iface.lower, 2);
	assert_false(iface.device);
	assert_false(iface.up);
	assert_false(iface.running);  /* down is not running, whatever the flag says */
	assert_false(iface.ethernet); /* no address */
	/* Its parent is in another namespace: the number says nothing here. */
	mnl_attr_put_u32(header, IFLA_LINK_NETNSID, 0);
	assert_true(iface_message_read(header, &iface));
	assert_int_equal(iface.lower, 0);
}

static void test_message_of_a_bridge(void **state)
{
	struct message message;
	struct nlmsghdr *header = message_begin(&message, AF_UNSPEC, ARPHRD_ETHER, 0);
	struct nlattr *info, *data;
	struct iface iface;

	(void)state;
	mnl_attr_put_strz(header, IFLA_IFNAME, "br0");
	info = mnl_attr_nest_start(header, IFLA_LINKINFO);
	mnl_attr_put_strz(header, IFLA_INFO_KIND, "bridge");
	data = mnl_attr_nest_start(header, IFLA_INFO_DATA);
	mnl_attr_put_u8(header, IFLA_BR_VLAN_FILTERING, 1);
	mnl_attr_nest_end(header, data);
	mnl_attr_nest_end(header, info);
	assert_true(iface_message_read(header, &iface));
	assert_true(iface.filters_vlans);
}

static void test_message_of_members(void **state)
{
	static const struct {
		const char *kind;
		enum iface_master master;
	} kinds[] = {
		{"bridge", IFACE_MASTER_BRIDGE},
		{"openvswitch", IFACE_MASTER_BRIDGE},
		{"bond", IFACE_MASTER_BOND},
		{"team", IFACE_MASTER_BOND},
		{"vrf", IFACE_MASTER_OTHER},
	};

	(void)state;
	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
		struct message message;
		struct nlmsghdr *header = message_begin(&message, AF_UNSPEC, ARPHRD_ETHER, 0);
		struct iface iface;

		mnl_attr_put_strz(header, IFLA_IFNAME, "eth0");
		message_info(header, "veth", kinds[i].kind);
		assert_true(iface_message_read(header, &iface));
		assert_int_equal(iface.master_kind, IFACE_MASTER_NONE);
		mnl_attr_put_u32(header, IFLA_MASTER, 9);
		mnl_attr_put_u32(header, IFLA_LINK, 3); /* the peer of a veth is not below it */
		assert_true(iface_message_read(header, &iface));
		assert_int_equal(iface.master_kind, kinds[i].master);
		assert_int_equal(iface.lower, 0);
	}
}

static void test_message_not_of_an_interface(void **state)
{
	struct message message;
	struct iface iface = {.index = 4711};
	struct nlmsghdr *header = message_begin(&message, AF_BRIDGE, ARPHRD_ETHER, IFF_UP);

	(void)state;
	mnl_attr_put_strz(header, IFLA_IFNAME, "eth0");
	assert_false(iface_message_read(header, &iface));
	header = message_begin(&message, AF_UNSPEC, ARPHRD_ETHER, IFF_UP);
	mnl_attr_put(header, IFLA_WIRELESS, 4, "wext");
	assert_false(iface_message_read(header, &iface));
	header = mnl_nlmsg_put_header(message.bytes);
	mnl_nlmsg_put_extra_header(header, 8);
	assert_false(iface_message_read(header, &iface));
	assert_int_equal(iface.index, 4711);
}

static void test_message_odd_sizes(void **state)
{
	struct message message;
	struct nlmsghdr *header = message_begin(&message, AF_UNSPEC, ARPHRD_ETHER, 0);
	struct iface iface;

	(void)state;
	mnl_attr_put(header, IFLA_IFNAME, 20, "12345678901234567890"); /* too long, and no NUL */
	mnl_attr_put(header, IFLA_ADDRESS, 20, "an Infiniband address");
	mnl_attr_put_u16(header, IFLA_MTU, 1500);
	assert_true(iface_message_read(header, &iface));
	assert_string_equal(iface.name, "123456789012345");
	assert_false(iface.ethernet);
	assert_int_equal(iface.mtu, 0);
	/* Ethernet is told by the type as well as by the address. */
	header = message_begin(&message, AF_UNSPEC, ARPHRD_LOOPBACK, 0);
	mnl_attr_put_strz(header, IFLA_IFNAME, "lo");
	mnl_attr_put(header, IFLA_ADDRESS, 6, "\0\0\0\0\0");
	assert_true(iface_message_read(header, &iface));
	assert_false(iface.ethernet);
}

/* A namespace */

static struct ifaces *open_list(void)
{
	struct ifaces *ifaces;

	netns_enter();
	ifaces = ifaces_open();
	assert_non_null(ifaces);
	return ifaces;
}

/* Takes one update that must tell of a change. */
static void changed(struct ifaces *ifaces)
{
	await_readable(ifaces_fd(ifaces));
	assert_int_equal(ifaces_update(ifaces), 1);
	assert_int_equal(ifaces_update(ifaces), 0);
}

static void test_list_at_the_start(void **state)
{
	struct ifaces *ifaces;
	const struct iface *list;
	size_t count;

	(void)state;
	netns_enter();
	for (int i = 0; i < 60; i++) { /* more than one part of a dump */
		ip("link add v%d index %d type veth peer name w%d index %d", i, 1000 - i, i, 2000 + i);
	}
	ifaces = ifaces_open();
	assert_non_null(ifaces);
	list = ifaces_list(ifaces, &count);
	assert_int_equal(count, 121);
	for (size_t i = 1; i < count; i++) {
		assert_true(list[i - 1].index < list[i].index);
	}
	assert_string_equal(ifaces_by_index(list, count, 1000)->name, "v0");
	assert_string_equal(ifaces_by_index(list, count, 2059)->name, "w59");
	assert_false(ifaces_hardware(list, count, ifaces_by_index(list, count, 1000)));
	assert_int_equal(ifaces_update(ifaces), 0);
	ip("link add between index 500 type bridge");
	changed(ifaces);
	list = ifaces_list(ifaces, &count);
	assert_int_equal(count, 122);
	assert_string_equal(ifaces_by_index(list, count, 500)->name, "between");
	assert_string_equal(ifaces_by_index(list, count, 1000)->name, "v0");
	assert_string_equal(ifaces_by_index(list, count, 2059)->name, "w59");
	ifaces_close(ifaces);
}

static void test_appear_and_vanish(void **state)
{
	struct ifaces *ifaces = open_list();

	(void)state;
	assert_null(iface_named(ifaces, "va"));
	assert_false(iface_named(ifaces, "lo")->ethernet);
	ip("link add va address 02:00:00:00:00:01 type veth peer name vb");
	changed(ifaces);
	assert_string_equal(iface_named(ifaces, "va")->kind, "veth");
	assert_true(iface_named(ifaces, "va")->ethernet);
	assert_false(iface_named(ifaces, "va")->device);
	assert_false(iface_named(ifaces, "va")->up);
	assert_int_equal(iface_named(ifaces, "va")->mac.b[5], 1);
	assert_int_equal(iface_named(ifaces, "va")->mtu, 1500);
	assert_int_equal(iface_named(ifaces, "va")->lower, 0);
	ip("link add br0 type bridge");
	ip("link del va");
	changed(ifaces);
	assert_null(iface_named(ifaces, "va"));
	assert_null(iface_named(ifaces, "vb"));
	assert_string_equal(iface_named(ifaces, "br0")->kind, "bridge"); /* which came behind them */
	ifaces_close(ifaces);
}

static void test_up_and_carrier(void **state)
{
	struct ifaces *ifaces = open_list();

	(void)state;
	ip("link add va type veth peer name vb");
	ip("link set va up");
	changed(ifaces);
	assert_true(iface_named(ifaces, "va")->up);
	assert_false(iface_named(ifaces, "va")->running); /* the other end is down */
	ip("link set vb up");
	while (!iface_named(ifaces, "va")->running) {
		await_readable(ifaces_fd(ifaces));
		assert_true(ifaces_update(ifaces) >= 0);
	}
	ip("link set vb down");
	while (iface_named(ifaces, "va")->running) {
		await_readable(ifaces_fd(ifaces));
		assert_true(ifaces_update(ifaces) >= 0);
	}
	assert_true(iface_named(ifaces, "va")->up);
	ip("link set va down");
	changed(ifaces);
	assert_false(iface_named(ifaces, "va")->up);
	ifaces_close(ifaces);
}

static void test_rename_mac_and_mtu(void **state)
{
	struct ifaces *ifaces = open_list();
	uint32_t index;

	(void)state;
	ip("link add va type veth peer name vb");
	changed(ifaces);
	index = iface_named(ifaces, "va")->index;
	ip("link set va name other");
	changed(ifaces);
	assert_null(iface_named(ifaces, "va"));
	assert_int_equal(iface_named(ifaces, "other")->index, index);
	ip("link set other address 02:00:00:00:00:77");
	changed(ifaces);
	assert_int_equal(iface_named(ifaces, "other")->mac.b[5], 0x77);
	ip("link set other mtu 1280");
	changed(ifaces);
	assert_int_equal(iface_named(ifaces, "other")->mtu, 1280);
	ifaces_close(ifaces);
}

static void test_bridge_in_and_out(void **state)
{
	struct ifaces *ifaces = open_list();

	(void)state;
	ip("link add va type veth peer name vb");
	ip("link add br0 type bridge");
	changed(ifaces);
	assert_string_equal(iface_named(ifaces, "br0")->kind, "bridge");
	assert_int_equal(iface_named(ifaces, "va")->master, 0);
	assert_int_equal(iface_named(ifaces, "va")->master_kind, IFACE_MASTER_NONE);
	ip("link set va master br0");
	changed(ifaces);
	assert_int_equal(iface_named(ifaces, "va")->master, iface_named(ifaces, "br0")->index);
	assert_int_equal(iface_named(ifaces, "va")->master_kind, IFACE_MASTER_BRIDGE);
	ip("link set va nomaster"); /* the bridge tells of a deletion too: of its member, not of the interface */
	changed(ifaces);
	assert_non_null(iface_named(ifaces, "va"));
	assert_int_equal(iface_named(ifaces, "va")->master, 0);
	assert_int_equal(iface_named(ifaces, "va")->master_kind, IFACE_MASTER_NONE);
	ifaces_close(ifaces);
}

static void test_what_does_not_show(void **state)
{
	struct ifaces *ifaces = open_list();

	(void)state;
	ip("link add va type veth peer name vb");
	ip("link add br0 type bridge");
	ip("link set va master br0");
	changed(ifaces);
	ip("link set va alias something");
	ip("link set va txqueuelen 77");
	ip("link set va type bridge_slave cost 5");
	await_readable(ifaces_fd(ifaces)); /* it does tell */
	assert_int_equal(ifaces_update(ifaces), 0);
	ifaces_close(ifaces);
}

/* Another process may write to the socket if it is privileged enough; it is not the kernel all the same. */
static void test_not_from_the_kernel(void **state)
{
	struct ifaces *ifaces = open_list();
	struct sockaddr_nl to = {.nl_family = AF_NETLINK};
	socklen_t len = sizeof to;
	struct message message;
	struct nlmsghdr *header = message_begin(&message, AF_UNSPEC, ARPHRD_ETHER, 0);
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	(void)state;
	mnl_attr_put_strz(header, IFLA_IFNAME, "forged");
	assert_int_equal(getsockname(ifaces_fd(ifaces), (struct sockaddr *)&to, &len), 0);
	to.nl_groups = 0;
	assert_int_equal(sendto(fd, header, header->nlmsg_len, 0, (struct sockaddr *)&to, sizeof to), header->nlmsg_len);
	await_readable(ifaces_fd(ifaces));
	assert_int_equal(ifaces_update(ifaces), 0);
	assert_null(iface_named(ifaces, "forged"));
	close(fd);
	ifaces_close(ifaces);
}

/* More than the socket holds: the first events wait in it, the last are lost. */
static void test_overrun(void **state)
{
	struct ifaces *ifaces = open_list();
	int size = 0; /* the kernel makes it the least there is */

	(void)state;
	ip("link add va type veth peer name vb");
	changed(ifaces);
	assert_int_equal(setsockopt(ifaces_fd(ifaces), SOL_SOCKET, SO_RCVBUF, &size, sizeof size), 0);
	for (int i = 1; i <= 20; i++) {
		ip("link set va mtu %d", 1300 + i);
	}
	ip("link del dev va");
	ip("link add vc type veth peer name vd");
	assert_int_equal(ifaces_update(ifaces), 1);
	assert_null(iface_named(ifaces, "va"));
	assert_null(iface_named(ifaces, "vb"));
	assert_non_null(iface_named(ifaces, "vc"));
	assert_int_equal(ifaces_update(ifaces), 0);
	/* And on as before. */
	ip("link set vc mtu 1280");
	changed(ifaces);
	assert_int_equal(iface_named(ifaces, "vc")->mtu, 1280);
	ifaces_close(ifaces);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hardware),
		cmocka_unit_test(test_vlans),
		cmocka_unit_test(test_by_index),
		cmocka_unit_test(test_message_of_a_card),
		cmocka_unit_test(test_message_of_a_vlan),
		cmocka_unit_test(test_message_of_a_bridge),
		cmocka_unit_test(test_message_of_members),
		cmocka_unit_test(test_message_not_of_an_interface),
		cmocka_unit_test(test_message_odd_sizes),
		cmocka_unit_test(test_list_at_the_start),
		cmocka_unit_test(test_appear_and_vanish),
		cmocka_unit_test(test_up_and_carrier),
		cmocka_unit_test(test_rename_mac_and_mtu),
		cmocka_unit_test(test_bridge_in_and_out),
		cmocka_unit_test(test_what_does_not_show),
		cmocka_unit_test(test_not_from_the_kernel),
		cmocka_unit_test(test_overrun),
	};

	return cmocka_run_group_tests_name("ifaces", tests, NULL, NULL);
}
