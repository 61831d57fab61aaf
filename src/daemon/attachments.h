/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The monitor's part of the XDP data path: the program, once it is wanted, and which interface has which slot of its maps and whether
 * the program runs there. Everything vanishes with the monitor.
 */
#ifndef ROMON_ATTACHMENTS_H
#define ROMON_ATTACHMENTS_H

#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "link/datapath.h"
#include "link/xdp_program.h"

struct attachment {
	uint32_t ifindex; /* 0: the slot is free */
	int fd;           /* as long as it is open, the program runs there; -1: it does not */
	enum datapath_path path;
	enum datapath_why why;
};

struct attachments {
	struct xdp_program *program; /* NULL: not loaded */
	int refused;                 /* errno of the attempt to load it */
	struct attachment slots[ROMON_PORTS_MAX];
};

void attachments_init(struct attachments *attachments);
void attachments_free(struct attachments *attachments);

/* Gives the interface the best path that the facts allow and the kernel agrees to, and keeps the one it has if that is as good as allowed.
 * Fills path and why of *result. Returns the slot, or -1: there is none, and the path is a packet socket or nothing. */
int attachments_attach(
	struct attachments *attachments, uint32_t ifindex, const struct datapath_facts *facts, struct attachment *result);
/* Ends it, and frees the slot. */
void attachments_detach(struct attachments *attachments, uint32_t ifindex);
/* The descriptor of a map, which stays ours; a negative errno if the program is not loaded. */
int attachments_map(const struct attachments *attachments, enum xdp_map map);

#endif
