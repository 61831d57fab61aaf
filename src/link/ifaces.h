/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The network interfaces of this namespace, followed by netlink (libmnl). It knows what interfaces are; which of them take part
 * is ports.h's matter.
 */
#ifndef ROMON_IFACES_H
#define ROMON_IFACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#define IFACE_NAME_MAX 16 /* IFNAMSIZ */

enum iface_master { IFACE_MASTER_NONE, IFACE_MASTER_BRIDGE, IFACE_MASTER_BOND, IFACE_MASTER_OTHER };

struct iface {
	uint32_t index;
	char name[IFACE_NAME_MAX]; /* UTF-8 without control characters, whatever the kernel calls it */
	char kind[IFACE_NAME_MAX]; /* IFLA_INFO_KIND: "veth", "bridge", "vlan", "bond"; empty for a card */
	struct romon_mac mac;
	uint32_t mtu;
	uint32_t master;           /* ifindex of the bridge or bond that it belongs to, or 0 */
	enum iface_master master_kind;
	uint32_t lower;            /* IFLA_LINK: for a VLAN its parent, in this namespace; else 0 */
	bool ethernet;             /* ARPHRD_ETHER with a six-byte address */
	bool device;               /* a device stands behind it (IFLA_PARENT_DEV_NAME) */
	bool up;                   /* IFF_UP */
	bool running;              /* IFF_RUNNING: up, with carrier */
	bool filters_vlans;        /* a bridge that tells VLANs apart */
};

struct ifaces;

/* Opens the netlink socket, joins the group and reads all interfaces. NULL with errno on failure. */
struct ifaces *ifaces_open(void);
void ifaces_close(struct ifaces *ifaces);
int ifaces_fd(const struct ifaces *ifaces);
/* Reads what netlink has to say. Returns 1 if anything changed that struct iface shows, 0 if not, -1 with errno when netlink
 * failed for good. An overrun (ENOBUFS) is answered by reading all interfaces anew. */
int ifaces_update(struct ifaces *ifaces);
/* All of them, by ifindex; valid until the next update. */
const struct iface *ifaces_list(const struct ifaces *ifaces, size_t *count);
const struct iface *ifaces_by_index(const struct iface *list, size_t count, uint32_t index);
/* Is there hardware behind it: a device of its own, or a VLAN or bond made of nothing but such interfaces? */
bool ifaces_hardware(const struct iface *list, size_t count, const struct iface *iface);
/* Does something in this namespace tell VLANs of this interface apart: a VLAN interface above it, or a bridge that it belongs to? */
bool ifaces_vlans(const struct iface *list, size_t count, const struct iface *iface);

#endif
