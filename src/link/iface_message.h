/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the kernel says of one interface in an RTM_NEWLINK or RTM_DELLINK message, as a struct iface.
 */
#ifndef ROMON_IFACE_MESSAGE_H
#define ROMON_IFACE_MESSAGE_H

#include <stdbool.h>

#include <libmnl/libmnl.h>

#include "link/ifaces.h"

/* Fills *iface. False if the message does not describe an interface as a whole: the bridge's view of a member (AF_BRIDGE, which has
 * deletions of its own), events of wireless drivers (which name no interface), or a short message. */
bool iface_message_read(const struct nlmsghdr *message, struct iface *iface);

#endif
