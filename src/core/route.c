/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The way of one stream's segments.
 */
#include "core/route.h"

#include <stdlib.h>
#include <string.h>

#include "core/engine.h"

static bool hop_equal(const struct wire_hop *a, const struct wire_hop *b)
{
	return a->link == b->link && romon_mac_equal(a->mac, b->mac);
}

bool route_set(struct route *route, const struct romon_engine *engine, const struct wire_message *message)
{
	size_t hops_len = message->hop_count * sizeof(struct wire_hop), header_len;
	struct wire_message data = *message;
	uint8_t *memory;

	data.type = WIRE_DATA;
	data.src = engine->self.id;
	data.hop_pointer = 0;
	data.payload_len = 0;
	header_len = wire_encoded_length(&data);
	memory = malloc(hops_len + header_len);
	if (memory == NULL)
		return false;
	memcpy(memory, data.hops, hops_len);
	wire_encode(&data, memory + hops_len, header_len);
	free(route->hops);
	route->hop_count = data.hop_count;
	route->hops = (struct wire_hop *)(void *)memory;
	route->header = memory + hops_len;
	route->header_len = header_len;
	return true;
}

bool route_is(const struct route *route, const struct wire_hop *hops, uint8_t count)
{
	if (count != route->hop_count)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!hop_equal(&route->hops[i], &hops[i]))
			return false;
	return true;
}

bool route_answers(const struct route *route, const struct wire_message *message)
{
	uint8_t count = message->hop_count;

	if (count != route->hop_count)
		return false;
	for (unsigned i = 0; i < count; i++)
		if (!hop_equal(&route->hops[i], &message->hops[count - 1u - i]))
			return false;
	return true;
}

uint8_t *route_output(struct romon_engine *engine, const struct route *route, size_t len)
{
	struct port *port = route->hop_count > 0 ? engine_port(engine, route->hops[0].link) : NULL;
	uint8_t *frame = port != NULL ? port_output(engine, port, route->header_len + len, 0) : NULL;

	if (frame == NULL)
		return NULL;
	memcpy(frame, route->header, route->header_len);
	port_address(engine, port, frame, route->hops[0].mac);
	wire_set_length(frame, (uint16_t)(route->header_len + len));
	return frame + route->header_len;
}

void route_free(struct route *route)
{
	free(route->hops);
	*route = (struct route){0};
}
