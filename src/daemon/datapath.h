/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The XDP data path in the worker: what each member gets of it from the monitor, what the program in the kernel is told of the member, and
 * the ring that all members share. A member always has its packet socket as well: it sends by that, and receives by it whatever
 * the program does not take.
 */
#ifndef ROMON_DAEMON_DATAPATH_H
#define ROMON_DAEMON_DATAPATH_H

#include <stdbool.h>

#include <romon/romon.h>

#include "daemon/config.h"
#include "link/datapath.h"
#include "link/ifaces.h"
#include "link/xdp.h"
#include "link/xdp_features.h"

struct worker;
struct member;
struct event;

/* A member's part. */
struct datapath {
	enum datapath_path path;
	enum datapath_why why;
	bool asked; /* the monitor has been asked; with these in mind: */
	enum datapath_want want;
	bool vlans;
	uint32_t master, mtu;
	unsigned round;
	int slot;       /* -1: none */
	uint32_t flags; /* what the program was told last */
	uint16_t epoch;
	struct xdp_counts before; /* what the slot had counted before it was ours */
};

/* The worker's part, which starts as all zero. */
struct datapaths {
	struct xdp *xdp;               /* NULL: no member has needed it */
	struct xdp_features *features; /* NULL: the kernel tells nothing */
	struct event *ring, *news;
	struct event *look;      /* pending: the ring is looked at now and then, and `ring` is not waited for */
	struct romon_time since; /* when counting began: */
	size_t counted;          /* frames from the ring */
	uint16_t epoch;
	unsigned round; /* goes up when members without XDP may try again */
};

/* Opens what needs rights. To be called before they are dropped. */
void datapaths_open(struct worker *worker);
void datapaths_close(struct worker *worker);
/* The configuration was read anew: whoever has no XDP may try again. */
void datapaths_retry(struct worker *worker);

/* A new member. */
void datapath_init(struct worker *worker, struct datapath *datapath);
/* Brings the member's path in line with its interface and its configuration; secrets: its frames are to be hashed or verified. False: the
 * configuration wants XDP, and it cannot be had; the reason is in member->datapath.why. */
bool datapath_update(struct member *member, const struct iface *iface, const struct config_port *entry, bool secrets);
/* What it had in the kernel is gone: it is to be asked for anew. */
void datapath_lost(struct member *member);
void datapath_close(struct member *member);

/* Adds to the engine's counters what the program counted. */
void datapath_add_stats(const struct member *member, struct romon_port_stats *stats);
/* Why nothing better, in words: of the path, or of what keeps frames from passing inside the kernel. NULL: nothing. */
const char *datapath_reason(const struct member *member);

#endif
