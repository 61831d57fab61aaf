/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The way of one stream's segments: the hops, and the frame header made of them once, so that sending a segment is two copies.
 */
#ifndef ROMON_ROUTE_H
#define ROMON_ROUTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "core/wire.h"

struct route {
	uint16_t l2mtu;        /* what the path is believed to carry after the Ethernet header */
	uint8_t hop_count;     /* 0: there is no route */
	struct wire_hop *hops; /* and behind them the header */
	uint8_t *header;
	size_t header_len;
};

/* Data with these ports for dst along these hops. False, and nothing changed, without memory. */
bool route_set(struct route *route, const struct romon_engine *engine, const struct wire_message *message);
/* Does it lead over these hops? */
bool route_is(const struct route *route, const struct wire_hop *hops, uint8_t count);
/* Is it the way back of a message that came to us? */
bool route_answers(const struct route *route, const struct wire_message *message);
/* Room for a payload of len bytes in a frame that is otherwise complete, or NULL: the port is gone, or the frame was dropped and
 * counted. */
uint8_t *route_output(struct romon_engine *engine, const struct route *route, size_t len);
void route_free(struct route *route);

#endif
