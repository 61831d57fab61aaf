/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Ping, both ends: the answer to a request, and the pings that this router's user runs.
 */
#ifndef ROMON_PING_H
#define ROMON_PING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "core/wire.h"

#define PINGS_MAX 256
#define PING_ANSWER_TIME ROMON_SECOND    /* later answers are ignored */
#define PING_FRESH_TIME (5 * ROMON_SECOND) /* a target seen longer ago is looked for again, beside pinging it */
#define PING_INTERVAL_MIN ROMON_MILLISECOND
#define PING_INTERVAL_MAX (24 * 3600 * ROMON_SECOND) /* added to a time, it stays one */
#define PING_EVENTS_MAX 1024

struct port;
struct ping;

struct pings {
	struct ping **list;
	size_t count;
	uint32_t last_handle;
	struct romon_event *events; /* a ring of PING_EVENTS_MAX */
	size_t event_head, event_count;
};

void pings_free(struct pings *pings);
uint32_t ping_start(struct romon_engine *engine, const struct romon_ping *spec, struct romon_time now);
void ping_stop(struct romon_engine *engine, uint32_t handle);
bool ping_event(struct pings *pings, struct romon_event *event);
void ping_run(struct romon_engine *engine, struct romon_time now);
void ping_wake(const struct romon_engine *engine, bool *set, struct romon_time *when);

/* Data for port 1, or from it: a request is answered, an answer ends a wait, anything else is dropped. */
void ping_receive(struct romon_engine *engine, struct port *port, struct wire_message *message, struct romon_time now);

#endif
