/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads rtnetlink's link messages (rtnetlink(7), linux/if_link.h) with libmnl.
 */
#include "link/iface_message.h"

#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>

#include <linux/if_link.h>
#include <linux/rtnetlink.h>

/* Linux 5.14; headers may be older than the kernel that this runs on. Part of an enum there, so no #ifdef can ask for it. */
#define ATTR_PARENT_DEV_NAME 56

static void text_copy(char out[IFACE_NAME_MAX], const struct nlattr *attr)
{
	size_t len = strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));

	if (len > IFACE_NAME_MAX - 1) {
		len = IFACE_NAME_MAX - 1;
	}
	memset(out, 0, IFACE_NAME_MAX);
	memcpy(out, mnl_attr_get_payload(attr), len);
}

/* The kernel takes nearly any bytes for a name. One that is no UTF-8 or has control characters could not stand in a configuration,
 * JSON or a log: there all but ASCII becomes '?'. */
static void name_clean(char name[IFACE_NAME_MAX])
{
	char clean[3 * IFACE_NAME_MAX]; /* the replacement of one bad byte has three */
	size_t len = strlen(name);
	bool good = romon_text_clean(clean, sizeof clean, (const uint8_t *)name, len) == len && memcmp(clean, name, len) == 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)name[i], next = (unsigned char)name[i + 1];

		good = good && c >= ' ' && c != 0x7f && (c != 0xc2 || next >= 0xa0);
	}
	for (size_t i = 0; i < len && !good; i++) {
		if (name[i] < ' ' || name[i] > '~') {
			name[i] = '?';
		}
	}
}

static uint32_t number(const struct nlattr *attr)
{
	return mnl_attr_validate(attr, MNL_TYPE_U32) < 0 ? 0 : mnl_attr_get_u32(attr);
}

/* The slave kind is the kind of the master: it comes with every message of the member, whether we know the master yet or not. */
static enum iface_master master_kind(const char *slave_kind)
{
	/* A switch of Open vSwitch takes frames from its members as a bridge does. */
	if (strcmp(slave_kind, "bridge") == 0 || strcmp(slave_kind, "openvswitch") == 0) {
		return IFACE_MASTER_BRIDGE;
	}
	if (strcmp(slave_kind, "bond") == 0 || strcmp(slave_kind, "team") == 0) {
		return IFACE_MASTER_BOND;
	}
	return IFACE_MASTER_OTHER;
}

/* A message half read. */
struct reading {
	struct iface iface;
	char slave_kind[IFACE_NAME_MAX];
	bool has_mac;
	bool lower_elsewhere; /* IFLA_LINK is an ifindex of another namespace */
};

static int bridge_attribute(const struct nlattr *attr, void *data)
{
	struct reading *reading = data;

	if (mnl_attr_get_type(attr) == IFLA_BR_VLAN_FILTERING && mnl_attr_validate(attr, MNL_TYPE_U8) == 0) {
		reading->iface.filters_vlans = mnl_attr_get_u8(attr) != 0;
	}
	return MNL_CB_OK;
}

static int info_attribute(const struct nlattr *attr, void *data)
{
	struct reading *reading = data;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_INFO_KIND:
		text_copy(reading->iface.kind, attr);
		break;
	case IFLA_INFO_SLAVE_KIND:
		text_copy(reading->slave_kind, attr);
		break;
	case IFLA_INFO_DATA: /* the kernel puts the kind before it */
		if (strcmp(reading->iface.kind, "bridge") == 0) {
			mnl_attr_parse_nested(attr, bridge_attribute, reading);
		}
		break;
	}
	return MNL_CB_OK;
}

static int link_attribute(const struct nlattr *attr, void *data)
{
	struct reading *reading = data;
	struct iface *iface = &reading->iface;

	switch (mnl_attr_get_type(attr)) {
	case IFLA_IFNAME:
		text_copy(iface->name, attr);
		name_clean(iface->name);
		break;
	case IFLA_ADDRESS:
		reading->has_mac = mnl_attr_get_payload_len(attr) == sizeof iface->mac;
		if (reading->has_mac) {
			memcpy(&iface->mac, mnl_attr_get_payload(attr), sizeof iface->mac);
		}
		break;
	case IFLA_MTU:
		iface->mtu = number(attr);
		break;
	case IFLA_MASTER:
		iface->master = number(attr);
		break;
	case IFLA_LINK:
		iface->lower = number(attr);
		break;
	case IFLA_LINK_NETNSID:
		reading->lower_elsewhere = true;
		break;
	case IFLA_LINKINFO:
		mnl_attr_parse_nested(attr, info_attribute, reading);
		break;
	case ATTR_PARENT_DEV_NAME:
		iface->device = true;
		break;
	}
	return MNL_CB_OK;
}

bool iface_message_read(const struct nlmsghdr *message, struct iface *iface)
{
	const struct ifinfomsg *head = mnl_nlmsg_get_payload(message);
	struct reading reading = {.has_mac = false};

	if (mnl_nlmsg_get_payload_len(message) < sizeof *head || head->ifi_family != AF_UNSPEC || head->ifi_index <= 0) {
		return false;
	}
	mnl_attr_parse(message, sizeof *head, link_attribute, &reading);
	if (reading.iface.name[0] == '\0') {
		return false;
	}
	*iface = reading.iface;
	iface->index = (uint32_t)head->ifi_index;
	iface->up = head->ifi_flags & IFF_UP;
	iface->running = iface->up && head->ifi_flags & IFF_RUNNING;
	iface->ethernet = head->ifi_type == ARPHRD_ETHER && reading.has_mac;
	iface->master_kind = iface->master ? master_kind(reading.slave_kind) : IFACE_MASTER_NONE;
	/* IFLA_LINK tells the peer of a veth too; and the number may be one of another namespace. */
	if (reading.lower_elsewhere || strcmp(iface->kind, "vlan") != 0) {
		iface->lower = 0;
	}
	return true;
}
