/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The unprivileged half of the XDP data path: the maps of romon.bpf.c in our own memory. Nothing here makes a system call but to map
 * and unmap them, so it works without any capability. The privileged half is xdp_program.h.
 *
 * Frames are sent by the packet socket that every port has (af_packet.h): only receiving and passing on is done by the program.
 */
#ifndef ROMON_XDP_H
#define ROMON_XDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "link/link.h"
#include "link/romon_bpf.h"
#include "link/xdp_program.h"

struct xdp;

/* Maps the maps. The descriptors become its own, whatever happens. NULL with errno. */
struct xdp *xdp_open(const int fds[XDP_MAPS]);
void xdp_close(struct xdp *xdp);
/* The descriptor that becomes readable when xdp_receive() has something. */
int xdp_fd(const struct xdp *xdp);

/* What the program has to know of the port in a slot. It holds from the next frame on, without a gap. */
struct xdp_port {
	struct romon_mac id; /* of this router */
	struct romon_mac mac;
	uint16_t mtu;
	uint32_t flags; /* of enum romon_bpf_flag */
	uint16_t epoch;
};
void xdp_set_port(struct xdp *xdp, uint32_t slot, const struct xdp_port *port);

/* How many bytes of answers pings may draw from the program in any second; 0: all of them are romond's to answer. */
void xdp_set_answers(struct xdp *xdp, uint32_t limit);

/* What the program counted in a slot, since it was loaded. */
struct xdp_counts {
	uint64_t in, out, answered, lost; /* struct romon_bpf_counters */
};
struct xdp_counts xdp_counts(const struct xdp *xdp, uint32_t slot);

/* A neighbour of which frames pass inside the kernel. */
struct xdp_neighbor {
	uint32_t link;
	struct romon_mac mac;
};
struct xdp_batch {
	struct romon_frame frames[LINK_BATCH];
	size_t frame_count;
	struct xdp_neighbor neighbors[LINK_BATCH];
	size_t neighbor_count;
};
/* Takes what the program has put into the ring, of all interfaces, as much as fits into the batch. The frames' bytes may be changed, and
 * are valid until the next call. */
void xdp_receive(struct xdp *xdp, struct xdp_batch *batch);
/* While it holds, the kernel wakes nobody for what comes, and what the descriptor says means nothing: whoever holds has to look by
 * himself. The kernel wakes by an interrupt of its own for every frame that finds all others read, which under load costs more than all
 * else. */
void xdp_hold(struct xdp *xdp, bool hold);

#endif
