/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every router does for the discovery of others: answers their Discovers, passes them on, and passes the answers back. How often
 * and after which wait is protocol.md section 5 [O]: it keeps a segment of many routers from a storm.
 */
#ifndef ROMON_RELAY_H
#define ROMON_RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "core/table.h"
#include "core/wire.h"

#define RELAY_HOLD (800 * ROMON_MILLISECOND) /* one asker's Discover is answered and passed on once within this */
#define RELAY_ANSWERS_PER_ASKER 256
#define RELAY_ANSWERS_MAX 4096 /* all askers, within RELAY_HOLD */
#define RELAY_ASKERS_MAX 1024
#define RELAY_HEARD_MAX 4096   /* (asker, port) pairs */
#define RELAY_PENDING_MAX 256  /* Discovers in their wait */
#define RELAY_PER_SECOND 200   /* Discovers passed on by one port */
#define RELAY_WAIT_FEW (1 * ROMON_MILLISECOND)  /* at most, where it is not known who is there */
#define RELAY_WAIT_MANY (4 * ROMON_MILLISECOND) /* at most, where several neighbours are */

struct port;

/* A Discover that waits to be passed on. */
struct relay_pending {
	struct romon_mac asker;
	uint32_t link;       /* the port that it will leave by */
	struct romon_time due;
	struct wire_end in;  /* the port that it came in by */
	uint8_t hop_count;   /* as it will be sent */
	struct wire_hop *hops;
};

struct relay {
	struct table answered, askers, heard;
	struct relay_pending *pending;
	size_t pending_count;
	bool second_reading; /* an answer in the second reading of protocol.md section 3 was met */
};

/* Per port: how many Discovers it passed on in the second that began at since, and when it last passed one on. */
struct relay_port {
	struct romon_time since, spoke_at;
	unsigned count;
	bool spoke;
};

void relay_init(struct relay *relay, const struct table_seed *seed);
void relay_clear(struct relay *relay);
/* The port is gone or has changed: what waits to leave by it is forgotten. */
void relay_forget_port(struct relay *relay, uint32_t link);
void relay_run(struct romon_engine *engine, struct romon_time now);
void relay_wake(const struct romon_engine *engine, bool *set, struct romon_time *when);

/* A Discover of another router. */
void relay_discover(struct romon_engine *engine, struct port *port, const struct wire_message *message, struct romon_time now);
/* A DiscoverResp on its way to another router. */
void relay_answer(struct romon_engine *engine, struct port *port, const uint8_t *frame, const struct wire_message *message);

#endif
