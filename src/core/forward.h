/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Data: source-routed forwarding, and delivery at the end of the route (protocol.md section 3). No state.
 */
#ifndef ROMON_FORWARD_H
#define ROMON_FORWARD_H

#include <romon/romon.h>

#include "core/engine.h"

/* A Data frame came in by the port. */
void forward_data(struct romon_engine *engine, struct port *port, const uint8_t *frame, struct wire_message *message,
	struct romon_time now);
/* Sends Data along message's hops (pointer 0), of which the first one names our port. False: dropped, counted where there is a port. */
bool forward_send(struct romon_engine *engine, struct wire_message *message);

#endif
