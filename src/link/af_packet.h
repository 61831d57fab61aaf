/* SPDX-License-Identifier: BSD-2-Clause
 *
 * RoMON frames over a Linux packet socket.
 */
#ifndef ROMON_AF_PACKET_H
#define ROMON_AF_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#include "link/link.h"

/* The privileged half. Opens a packet socket on the interface: bound to EtherType 0x88BF (to ETH_P_ALL if the interface is a
 * member of a bridge, which takes the frames before any bound protocol sees them), never promiscuous, member of the RoMON group,
 * not hearing what this machine itself sends, with a kernel filter that passes untagged 0x88BF frames received on this very
 * interface, for this host or a group, and that is locked (SO_LOCK_FILTER) before anything else can be received. Returns the
 * descriptor (non-blocking, close-on-exec) or -1 with errno. */
int af_packet_socket(uint32_t ifindex, bool bridge_member);

/* The unprivileged half. Makes a link of such a descriptor, which it then owns. NULL with errno (the descriptor is closed). */
struct link *af_packet_link(int fd, uint32_t ifindex);

#endif
