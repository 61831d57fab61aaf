/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Data: source-routed forwarding without state. The numbers in the comments are the steps of protocol.md section 3.
 */
#include "core/forward.h"

#include "core/broken.h"
#include "core/ping.h"
#include "core/stream.h"

/* 4. Sends the frame on over hop[pointer], as recorded so far. */
static void forward_on(struct romon_engine *engine, struct port *port, const uint8_t *frame, const struct wire_message *message)
{
	uint8_t p = message->hop_pointer, next = (uint8_t)(p + 1);
	const struct wire_hop *hop = &message->hops[BROKEN(HOPS) ? p : next];
	struct port *out = engine_port(engine, hop->link);
	uint8_t *copy;

	if (out == NULL) {
		port_drop(port, ROMON_DROP_NO_PORT);
		return;
	}
	if (!romon_id_valid(hop->mac)) { /* a frame to everybody is no hop */
		port_drop(port, ROMON_DROP_BAD_HOPS);
		return;
	}
	for (unsigned i = 0; i < next; i++) {
		if (romon_mac_equal(message->hops[i].mac, out->conf.mac)) { /* it was here before [O] */
			port_drop(port, ROMON_DROP_LOOP);
			return;
		}
	}
	copy = port_pass_on(engine, out, frame, hop->mac);
	if (copy == NULL)
		return;
	if (!BROKEN(ROUTE))
		wire_set_data_hop(copy, p, &message->hops[p]);
	wire_set_pointer(copy, BROKEN(HOPS) ? p : next);
}

static void deliver(struct romon_engine *engine, struct port *port, struct wire_message *message, struct romon_time now)
{
	if (!romon_mac_equal(message->dst, engine->self.id) && !BROKEN(WRONG_ID))
		port_drop(port, ROMON_DROP_WRONG_ID);
	else if (message->dst_port == WIRE_PORT_PING || message->src_port == WIRE_PORT_PING)
		ping_receive(engine, port, message, now);
	else
		stream_receive(engine, port, message, now);
}

void forward_data(struct romon_engine *engine, struct port *port, const uint8_t *frame, struct wire_message *message,
	struct romon_time now)
{
	struct wire_hop *hop = &message->hops[message->hop_pointer]; /* the decoder saw that it is one */

	if (!romon_mac_equal(hop->mac, port->conf.mac)) { /* 1. */
		port_drop(port, ROMON_DROP_BAD_HOPS);
		return;
	}
	*hop = (struct wire_hop){.link = port->conf.link, .mac = message->eth_src}; /* 2. */
	if (message->hop_pointer + 1 == message->hop_count) /* 3. */
		deliver(engine, port, message, now);
	else
		forward_on(engine, port, frame, message);
}

bool forward_send(struct romon_engine *engine, struct wire_message *message)
{
	struct port *port = engine_port(engine, message->hops[0].link);

	if (port == NULL)
		return false;
	message->type = WIRE_DATA;
	message->src = engine->self.id;
	message->hop_pointer = 0;
	message->eth_dst = message->hops[0].mac;
	return port_send(engine, port, message);
}
