/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The network as discovery answers described it, and the cheapest paths through it.
 *
 * Nodes are routers. A segment is what lies behind one port of a router that asked or passed on (its owner): the ports of all routers
 * that answered there are its members. Owner and member are an edge that was reported; two members are an edge that is inferred [O].
 * An edge serves in both directions. Age is counted in rounds of discovery, so that it stands still while nobody asks.
 */
#ifndef ROMON_TOPOLOGY_H
#define ROMON_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "core/table.h"
#include "core/wire.h"

#define TOPOLOGY_NODES_MAX 16384
#define TOPOLOGY_MEMBERS_MAX 65536
#define TOPOLOGY_JOINED_MAX 1024 /* memberships of one node: its ports, each once for every router heard on that segment */
#define TOPOLOGY_STALE_ROUNDS 5  /* not refreshed for so many: loses its A, serves only where nothing fresh does */
#define TOPOLOGY_DROP_ROUNDS 30
#define TOPOLOGY_AVOID_TIME (30 * ROMON_SECOND) /* for an inferred edge that did not carry a frame */
#define TOPOLOGY_AVOIDED_MAX 64
#define TOPOLOGY_SCANS_MAX 64 /* so many members of a segment are looked at as ways into it */
#define TOPOLOGY_SELF 0 /* node number of this router */
#define TOPOLOGY_NONE UINT32_MAX

/* How good a way is, and where it comes from. Earlier fields outweigh later ones; see label_better(). */
struct label {
	bool reached;
	uint8_t hops;
	uint16_t l2mtu;
	uint32_t stale;    /* edges on the way that are stale or suspect */
	uint32_t inferred; /* edges on the way that nobody reported */
	uint32_t cost;
	uint32_t previous; /* node number */
	uint32_t out_link; /* of the previous node */
	uint32_t in_link;  /* of this node */
	struct romon_mac in_mac;
	uint32_t from, to; /* member numbers of the edge's two ends; TOPOLOGY_NONE: that end is the segment's owner */
};

struct node {
	struct romon_mac id;
	uint32_t first_owned;  /* segment numbers, linked by struct segment.next_owned */
	uint32_t first_joined; /* member numbers, linked by struct member.next_joined */
	uint32_t joined;       /* how many those are */
	bool used, answered;   /* answered: it has spoken for itself */
	uint32_t round;        /* of its last answer */
	struct romon_time seen;
	char *identity, *board; /* clean UTF-8 or NULL */
	bool has_version, has_uptime;
	uint8_t version[4];
	uint32_t uptime;
	struct label label;
	uint32_t heap_at; /* while paths are computed: place in the heap; TOPOLOGY_NONE: not in it */
};

struct segment {
	bool used;
	uint32_t owner; /* node */
	struct wire_end end; /* the owner's port */
	uint32_t first_member, next_owned;
	/* While paths are computed: the best way into the segment so far, its entering port's cost included. */
	bool entered;
	uint32_t entry_stale, entry_cost;
	uint32_t scans; /* how many members were looked at as such */
};

struct member {
	bool used;
	bool suspect; /* a frame over it was not answered; until it is reported again */
	uint32_t segment, node;
	struct wire_end end; /* the member's port */
	uint32_t round;      /* last reported */
	uint32_t next_member, next_joined;
};

/* A node's place in the list of routers. */
struct topology_order {
	struct romon_mac id;
	uint32_t node;
};

/* An inferred edge not to be used for a time. */
struct avoided {
	struct romon_mac a, b;
	uint32_t a_link, b_link;
	struct romon_time until;
};

struct topology {
	struct node *nodes;
	struct segment *segments;
	struct member *members;
	uint32_t node_len, node_cap, segment_len, segment_cap, member_len, member_cap;
	uint32_t member_count; /* that are used */
	uint32_t free_node, free_segment, free_member; /* lists through first_owned, next_owned, next_member */
	struct table node_index, segment_index;
	struct topology_order *order; /* the nodes that answered, by ID; made anew with the paths */
	uint32_t *edges;              /* one member for each reported link, likewise */
	uint32_t order_len, edge_len;
	struct avoided avoided[TOPOLOGY_AVOIDED_MAX];
	size_t avoided_count;
	uint32_t round;
	uint64_t generation;
	bool dirty; /* paths and order must be computed anew */
};

/* What one answer says: parent's port, child's port, and about the child. */
struct topology_report {
	struct romon_mac parent, child;
	struct wire_end parent_end, child_end;
	const struct wire_about *about;
	bool vouched; /* a secret vouches for who sent it last: no stranger, whose room ends earlier */
};

bool topology_init(struct topology *topology, const struct table_seed *seed, struct romon_mac self);
void topology_free(struct topology *topology);

/* Everything is so many rounds of discovery older, and what is too old goes. One for each new round; TOPOLOGY_STALE_ROUNDS when
 * discovery begins again after a pause, so that nothing counts as active that was not heard since. */
void topology_round(struct topology *topology, uint32_t rounds);
/* False: no room for it. */
bool topology_report(struct topology *topology, const struct topology_report *report, struct romon_time now);
/* Our port is gone or has changed: what was reported over it is forgotten. */
void topology_forget_port(struct topology *topology, uint32_t link);

/* The number of the router with this ID, or 0 (which is ourselves) if it is not known. */
uint32_t topology_find(const struct topology *topology, struct romon_mac id);
/* The way to a node: the hops of a Data frame in order. Returns their number, 0 if there is none. */
uint8_t topology_path(struct topology *topology, uint32_t node, struct wire_hop hops[ROMON_HOPS_MAX], struct romon_time now);
/* A frame along the present path was not answered: its edges serve only where nothing better does until they are reported again, and the
 * inferred ones among them are avoided for 30 s. */
void topology_doubt(struct topology *topology, uint32_t node, struct romon_time now);

/* Computes paths and order if they are not up to date (topology_paths.c). */
void topology_compute(struct topology *topology, struct romon_time now);
bool topology_member_stale(const struct topology *topology, const struct member *member);
/* The member that stands for the same link as this one, reported from its other end; TOPOLOGY_NONE if there is none. */
uint32_t topology_reverse(const struct topology *topology, const struct member *member);

/* What romon_engine_router() and romon_engine_edge() tell. */
size_t topology_seen_count(struct topology *topology, struct romon_time now);
bool topology_seen(struct topology *topology, size_t index, struct romon_seen *seen, struct romon_time now);
size_t topology_edge_count(struct topology *topology, struct romon_time now);
bool topology_edge(struct topology *topology, size_t index, struct romon_edge *edge, struct romon_time now);

#endif
