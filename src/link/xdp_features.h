/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the drivers of interfaces can do with XDP, as the kernel tells it (generic netlink, family "netdev", Linux 6.3), followed as it
 * changes: a veth takes redirected frames only while its other end has a program or GRO.
 */
#ifndef ROMON_XDP_FEATURES_H
#define ROMON_XDP_FEATURES_H

#include <stdbool.h>
#include <stdint.h>

struct xdp_features;

/* Opens the socket and joins the group. NULL with errno: EOPNOTSUPP from a kernel that tells nothing. */
struct xdp_features *xdp_features_open(void);
void xdp_features_close(struct xdp_features *features);
/* Becomes readable when something has changed. */
int xdp_features_fd(const struct xdp_features *features);
/* Takes the news, without looking at them: whoever wants to know asks anew. False: netlink failed for good. */
bool xdp_features_drain(struct xdp_features *features);

/* Can the driver run a program that redirects (native mode)? And does it take frames that another driver redirects to it, now? False,
 * too, if the interface is not there. */
struct xdp_abilities {
	bool native, takes;
};
bool xdp_features_get(struct xdp_features *features, uint32_t ifindex, struct xdp_abilities *abilities);

/* Does the card take VLAN tags out of the frames (rx-vlan-offload), so that a program cannot see them? */
bool xdp_strips_vlans(uint32_t ifindex);

#endif
