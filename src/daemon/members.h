/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The interfaces that take part now: each is a link (a packet socket that the monitor opened), perhaps a place in the XDP data path, and
 * a port of the engine, all named by the kernel's ifindex.
 */
#ifndef ROMON_MEMBERS_H
#define ROMON_MEMBERS_H

#include <stdbool.h>
#include <stddef.h>

#include <romon/romon.h>

#include "daemon/datapath.h"
#include "link/ifaces.h"
#include "link/link.h"

struct worker;
struct event;

struct member {
	struct worker *worker;
	struct link *link;   /* NULL: could not be opened, error says why */
	struct event *event; /* readable */
	struct romon_port port;
	char name[IFACE_NAME_MAX];
	uint64_t lost;      /* what earlier links of this member had no room for */
	bool bridge_member; /* as the link was opened for */
	bool broken;        /* the link reported an error: to be opened anew */
	bool wanted;        /* used while all are looked at */
	int error;          /* errno of the last attempt to open it */
	const char *why;    /* more than that says; NULL: nothing */
	int refused;        /* errno of why it could be opened, but not take part */
	struct datapath datapath;
};

struct members {
	struct member *list[ROMON_PORTS_MAX];
	size_t count;
};

/* Opens, changes and closes members so that they are what the configuration and the interfaces now say. Without an engine or an
 * ID that is none. */
void members_refresh(struct worker *worker);
void members_close(struct worker *worker);
#define MEMBERS_SEND_BATCH 64
/* Sends up to MEMBERS_SEND_BATCH frames of the engine, those of one link together. What a link refuses is counted with the
 * engine. */
void members_send(struct worker *worker, const struct romon_frame *frames, size_t count);
/* Counts what came and was never seen, for want of room in the socket. */
void members_add_lost(const struct member *member, struct romon_port_stats *stats);
/* NULL if this interface is none. */
const struct member *members_find(const struct worker *worker, uint32_t ifindex);

#endif
