/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Frames made byte by byte, for tests.
 */
#include "craft.h"

#include <assert.h>
#include <string.h>

struct romon_mac craft_address(uint64_t number)
{
	struct romon_mac mac;

	for (size_t i = 0; i < sizeof(mac.b); i++)
		mac.b[i] = (uint8_t)(number >> (40 - 8 * i));
	return mac;
}

uint64_t craft_number(const uint8_t *at, size_t bytes)
{
	uint64_t number = 0;

	for (size_t i = 0; i < bytes; i++)
		number = number << 8 | at[i];
	return number;
}

void craft_bytes(struct craft *craft, const void *bytes, size_t len)
{
	assert(len <= sizeof(craft->data) - craft->len);
	if (len > 0)
		memcpy(craft->data + craft->len, bytes, len);
	craft->len += len;
}

void craft_u8(struct craft *craft, unsigned value)
{
	uint8_t byte = (uint8_t)value;

	craft_bytes(craft, &byte, 1);
}

void craft_u16(struct craft *craft, unsigned value)
{
	craft_u8(craft, value >> 8);
	craft_u8(craft, value);
}

void craft_u32(struct craft *craft, uint32_t value)
{
	craft_u16(craft, value >> 16);
	craft_u16(craft, value);
}

void craft_mac(struct craft *craft, uint64_t value)
{
	struct romon_mac mac = craft_address(value);

	craft_bytes(craft, mac.b, sizeof(mac.b));
}

void craft_zero(struct craft *craft, size_t len)
{
	while (len-- > 0)
		craft_u8(craft, 0);
}

void craft_tlv(struct craft *craft, unsigned tag, const void *value, size_t len)
{
	craft_u8(craft, tag);
	craft_u8(craft, (unsigned)len);
	craft_bytes(craft, value, len);
}

static void put_end(struct craft *craft, const struct craft_end *end)
{
	craft_u32(craft, end->link);
	craft_u16(craft, end->l2mtu);
	craft_u16(craft, end->cost);
	craft_mac(craft, end->mac);
}

void craft_route_tlv(struct craft *craft, const struct craft_route *route)
{
	craft_u8(craft, 1);
	craft_u8(craft, 34);
	craft_mac(craft, route->id);
	put_end(craft, &route->in);
	put_end(craft, &route->out);
}

void craft_begin(struct craft *craft, uint64_t eth_dst, uint64_t eth_src, unsigned type, uint64_t src, uint64_t dst)
{
	craft->len = 0;
	craft_mac(craft, eth_dst);
	craft_mac(craft, eth_src);
	craft_u16(craft, 0x88bf);
	craft_u8(craft, type);
	craft_u8(craft, 0);
	craft_u16(craft, 0);
	craft_zero(craft, 24);
	craft_mac(craft, src);
	craft_mac(craft, dst);
}

void craft_hops(struct craft *craft, unsigned pointer, const struct craft_hop *hops, unsigned count)
{
	craft_u8(craft, count);
	craft_u8(craft, pointer);
	craft_zero(craft, craft->data[14] == CRAFT_DATA ? 4 : 6);
	for (unsigned i = 0; i < count; i++) {
		craft_u32(craft, hops[i].link);
		craft_mac(craft, hops[i].mac);
	}
}

void craft_end(struct craft *craft)
{
	craft->data[16] = (uint8_t)(craft->len >> 8);
	craft->data[17] = (uint8_t)craft->len;
}

void craft_discover(struct craft *craft, uint64_t eth_src, uint64_t asker, const struct craft_hop *hops, unsigned count,
	const struct craft_route *parent)
{
	craft_begin(craft, CRAFT_GROUP, eth_src, CRAFT_DISCOVER, asker, CRAFT_ALL);
	craft_hops(craft, count, hops, count);
	craft_route_tlv(craft, parent);
	craft_end(craft);
}

void craft_answer(struct craft *craft, uint64_t eth_dst, uint64_t eth_src, uint64_t asker, unsigned pointer,
	const struct craft_hop *hops, unsigned count, const struct craft_route *parent, const struct craft_route *child)
{
	craft_begin(craft, eth_dst, eth_src, CRAFT_ANSWER, asker, child->id);
	craft_hops(craft, pointer, hops, count);
	craft_route_tlv(craft, parent);
	craft_route_tlv(craft, child);
	craft_end(craft);
}

void craft_data(struct craft *craft, const struct craft_data *data)
{
	size_t at;

	craft_begin(craft, data->eth_dst, data->eth_src, CRAFT_DATA, data->src, data->dst);
	craft_hops(craft, data->pointer, data->hops, data->count);
	craft_u16(craft, data->src_port);
	craft_u16(craft, data->dst_port);
	at = craft->len;
	craft_u32(craft, 7);
	if (data->size > 4)
		craft_zero(craft, data->size - 4);
	craft->len = at + data->size;
	craft_end(craft);
}
