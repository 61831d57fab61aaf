/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A network in memory: engines, segments that connect their ports, and virtual time. A frame sent by a port reaches every other port of its
 * segment after the segment's delay, whatever its Ethernet destination is: to look at that is the engine's business. The same calls give
 * the same run.
 *
 * Routers and segments are numbered from 0. Router r has the ID net_id(r); its ports have the link ids 1, 2, ... in the order in which
 * they joined, and the MAC net_mac(r, link).
 */
#ifndef TEST_NET_H
#define TEST_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#define NET_ROUTERS_MAX 128
#define NET_SEGMENTS_MAX 512
#define NET_PORTS_MAX 8         /* of one router */
#define NET_DELAY (20 * 1000LL) /* nanoseconds from port to port, unless net->delay says otherwise */

struct net_port {
	unsigned segment;
	uint16_t mtu, cost;
	int64_t busy; /* until then it is sending what it was given */
};

/* What a wire does to frames, each in one of 10,000 cases. Reordered ones come later by up to ten times the delay. */
struct net_weather {
	unsigned loss, reorder, duplicate;
};

struct net_router {
	struct net *net;
	struct romon_engine *engine;
	struct net_port ports[NET_PORTS_MAX]; /* of link id i + 1 */
	unsigned port_count;
	uint64_t sent[6]; /* frames by message type, since net_reset() */
	uint64_t calls;   /* of romon_engine_send() because it wanted to be woken, since net_reset() */
	unsigned logs;
	char log[256]; /* the latest line */
};

/* A frame from one port, about to reach another one. */
struct net_wire {
	unsigned from, to; /* routers */
	uint32_t from_link, to_link;
	unsigned segment;
	const uint8_t *frame;
	size_t len;
};

struct net {
	struct net_router routers[NET_ROUTERS_MAX];
	unsigned router_count, segment_count;
	struct romon_time now;
	uint64_t seed;
	int64_t delay[NET_SEGMENTS_MAX];
	bool cut[NET_SEGMENTS_MAX];
	struct net_weather weather[NET_SEGMENTS_MAX];
	int64_t rate[NET_SEGMENTS_MAX];       /* bytes per second that a port sends; 0: no limit */
	int64_t queue[NET_SEGMENTS_MAX];      /* bytes that may wait before a port with a rate; more are lost */
	uint64_t overflows;                   /* how many were */
	uint64_t crossings[NET_SEGMENTS_MAX]; /* frames sent on a segment, since net_reset() */
	/* Called for each frame that is sent (to = router_count, to_link = 0). */
	void (*tap)(void *ctx, const struct net_wire *wire);
	/* Called before a frame reaches a port: true loses it. */
	bool (*lose)(void *ctx, const struct net_wire *wire);
	void *ctx;
	/* Called when a router has taken frames, or was woken: may call its engine. */
	void (*user)(void *user_ctx, unsigned router);
	void *user_ctx;
	struct net_flight *flights; /* a heap by time */
	size_t flight_count, flight_cap;
	uint64_t flight_order;
};

struct net *net_new(uint64_t seed);
void net_free(struct net *net);
struct romon_mac net_id(unsigned router);
struct romon_mac net_mac(unsigned router, uint32_t link);
/* The router that has this ID. */
unsigned net_index(struct romon_mac id);
unsigned net_router(struct net *net);
unsigned net_segment(struct net *net);
/* Connects the router to the segment by a new port and returns its link id. */
uint32_t net_join(struct net *net, unsigned router, unsigned segment, uint16_t mtu, uint16_t cost);
/* A segment of its own for two routers, both ends with MTU 1500 and cost 100. Returns it. */
unsigned net_wire(struct net *net, unsigned a, unsigned b);
/* A new engine for the router, with the same ID, ports and MACs, which knows nothing; port by port with these secrets, up to NULL. What
 * the old one has sent is still on its way. */
void net_restart(struct net *net, unsigned router, const char *const *secrets);
/* Gives all ports of the router these secrets, up to NULL. */
void net_secrets(struct net *net, unsigned router, const char *const *secrets);
/* Lets time pass. */
void net_run(struct net *net, int64_t ns);
/* Lets time pass until done() says so, at most ns. Returns what it said last. */
bool net_run_until(struct net *net, int64_t ns, bool (*done)(void *ctx), void *ctx);
/* Takes what the router sends now; to be called after a call of its engine that is not net_run(). */
void net_flush(struct net *net, unsigned router);
void net_reset(struct net *net);
void net_discover(struct net *net, unsigned router);
void net_stop(struct net *net, unsigned router);
/* What one router knows of another; false: nothing. */
bool net_seen(struct net *net, unsigned viewer, unsigned target, struct romon_seen *seen);
/* Frames of all routers since net_reset(). */
uint64_t net_sent(const struct net *net);
uint64_t net_drops(const struct net *net, unsigned router, enum romon_drop reason); /* of all its ports */

#endif
