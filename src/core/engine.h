/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the modules of one engine share: the router itself, its ports, its output queue. Each module keeps its own state in a struct
 * of its own and gets frames as decoded messages.
 */
#ifndef ROMON_ENGINE_H
#define ROMON_ENGINE_H

#include <romon/romon.h>

#include "core/auth.h"
#include "core/budget.h"
#include "core/discover.h"
#include "core/neighbor.h"
#include "core/ping.h"
#include "core/queue.h"
#include "core/relay.h"
#include "core/stream.h"
#include "core/table.h"
#include "core/topology.h"
#include "core/wire.h"

struct port {
	struct romon_port conf;
	struct romon_port_stats stats;
	struct discover_port discover;
	struct relay_port relay;
	struct auth_port auth;
};

struct self {
	struct romon_mac id;
	char identity[ROMON_TEXT_MAX + 1];
	char board[ROMON_TEXT_MAX + 1];
	uint8_t version[4];
	struct romon_time started;
	bool send_uptime, unicast;
};

struct romon_engine {
	struct romon_env env;
	struct self self;
	struct table_seed seed;
	struct port *ports;
	size_t port_count;
	struct queue queue;
	struct auth auth;
	struct neighbors neighbors;
	struct relay relay;
	struct discover discover;
	struct topology topology;
	struct pings pings;
	struct streams streams;
	/* Bytes of answers to questions that no secret vouches for: to Discovers, and to Data. */
	struct budget discovery_answers, data_answers;
	bool vouched;           /* the frame that is being dealt with was hashed, and is believed */
	struct romon_time came; /* when that frame came in, which may be before it was handed over */
	struct romon_time now;  /* of the latest call that told it */
};

/* The port with this link id, or NULL. */
struct port *engine_port(const struct romon_engine *engine, uint32_t link);
/* The port that has this MAC, or NULL. */
struct port *engine_port_by_mac(const struct romon_engine *engine, struct romon_mac mac);

/* The port as one end of a route TLV tells it. */
struct wire_end port_end(const struct port *port);
void port_drop(struct port *port, enum romon_drop reason);
/* Room in the output queue for a frame of len bytes by this port, or NULL with the drop counted: it is larger than the port's MTU, or the
 * queue is full. It is signed when it leaves the queue: by the rules, or where serial is not 0 under that secret. */
uint8_t *port_output(struct romon_engine *engine, struct port *port, size_t len, uint32_t serial);
/* Encodes the message and queues it; the Ethernet source is filled in, and with unicast=no the destination. False: dropped, counted. */
bool port_send(struct romon_engine *engine, struct port *port, struct wire_message *message);
/* The same, signed under one secret of the port, whatever stands first in its list. */
bool port_send_under(struct romon_engine *engine, struct port *port, struct wire_message *message, uint32_t serial);
/* Queues a received frame, cut to its length, with new Ethernet addresses. Returns its bytes for further changes, or NULL: dropped. */
uint8_t *port_pass_on(struct romon_engine *engine, struct port *port, const uint8_t *frame, struct romon_mac to);

/* Writes the Ethernet addresses of a frame that leaves by the port to this neighbour. */
void port_address(const struct romon_engine *engine, const struct port *port, uint8_t *frame, struct romon_mac neighbor);

/* May an answer of len bytes be sent to the question that came in by the port? Takes them from the budget, or counts a drop. A question
 * that a secret vouches for is always answered. */
bool engine_may_answer(struct romon_engine *engine, struct budget *budget, struct port *port, size_t len);

uint64_t engine_random(const struct romon_engine *engine);
void engine_log(const struct romon_engine *engine, enum romon_log_level level, const char *text);

/* The earlier of two times, where *when counts only if *set. */
void wake_at(bool *set, struct romon_time *when, struct romon_time at);

#endif
