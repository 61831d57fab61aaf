/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A capture of every RoMON frame that crosses the ports, as a pcapng file (one interface block per port, nanosecond stamps, the
 * direction in the packet's flags) that Wireshark and tcpdump read.
 */
#ifndef ROMON_PCAP_H
#define ROMON_PCAP_H

#include <stdbool.h>
#include <stdint.h>

#include "link/link.h"

struct pcap;

/* Starts a capture on fd, which it then owns. Writes are not retried: when the disk is full the capture ends (pcap_error() says so),
 * the router does not. NULL with errno (the descriptor is closed). */
struct pcap *pcap_new(int fd);
/* The link with everything that it receives and sends recorded. It owns the inner link, but not the capture. NULL: no memory, and the
 * inner link is untouched. */
struct link *pcap_link(struct pcap *pcap, struct link *inner, const char *name);
/* Records frames that were received for this link by another way than its own receive; does nothing if the link is not recorded. */
void pcap_received(const struct link *link, const struct romon_frame *frames, size_t count);
/* errno of the write that ended the capture, or 0. */
int pcap_error(const struct pcap *pcap);
void pcap_close(struct pcap *pcap); /* after the links around it */

#endif
