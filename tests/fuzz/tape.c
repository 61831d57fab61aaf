/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Decisions read from bytes.
 */
#include "tape.h"

#include <string.h>

size_t tape_left(const struct tape *tape)
{
	return tape->left;
}

uint8_t tape_u8(struct tape *tape)
{
	if (tape->left == 0)
		return 0;
	tape->left--;
	return *tape->at++;
}

uint16_t tape_u16(struct tape *tape)
{
	unsigned high = tape_u8(tape);

	return (uint16_t)(high << 8 | tape_u8(tape));
}

uint32_t tape_u32(struct tape *tape)
{
	uint32_t high = tape_u16(tape);

	return high << 16 | tape_u16(tape);
}

unsigned tape_below(struct tape *tape, unsigned limit)
{
	return tape_u8(tape) % limit;
}

const uint8_t *tape_bytes(struct tape *tape, size_t len, size_t *got)
{
	const uint8_t *bytes = tape->at;

	*got = len < tape->left ? len : tape->left;
	tape->at += *got;
	tape->left -= *got;
	return bytes;
}

int64_t tape_pause(struct tape *tape)
{
	static const int64_t pauses[] = {0, 1000, ROMON_MILLISECOND, 5 * ROMON_MILLISECOND, 25 * ROMON_MILLISECOND,
		200 * ROMON_MILLISECOND, 300 * ROMON_MILLISECOND, 800 * ROMON_MILLISECOND, ROMON_SECOND, 2 * ROMON_SECOND,
		5 * ROMON_SECOND, 16 * ROMON_SECOND, 31 * ROMON_SECOND, 61 * ROMON_SECOND, 3601 * ROMON_SECOND};

	return pauses[tape_below(tape, sizeof(pauses) / sizeof(pauses[0]))];
}

struct romon_mac tape_mac_number(unsigned number)
{
	struct romon_mac mac = {{0x02, 0, 0, 0, 0, (uint8_t)number}};

	switch (number) {
	case 0:
		return romon_mac_zero;
	case 1:
		return romon_mac_group;
	case 2:
		return romon_mac_broadcast;
	default:
		return mac;
	}
}

struct romon_mac tape_mac(struct tape *tape)
{
	return tape_mac_number(tape_below(tape, 16));
}

static struct wire_end read_end(struct tape *tape)
{
	return (struct wire_end){.link = tape_u8(tape), .l2mtu = tape_u16(tape), .cost = tape_u16(tape), .mac = tape_mac(tape)};
}

static void read_about(struct tape *tape, struct wire_about *about)
{
	uint8_t which = tape_u8(tape);
	size_t got;

	if (which & 1) {
		about->identity = tape_bytes(tape, tape_u8(tape), &got);
		about->identity_len = (uint8_t)got;
	}
	if (which & 2) {
		about->board = tape_bytes(tape, tape_u8(tape), &got);
		about->board_len = (uint8_t)got;
	}
	about->has_version = (which & 4) != 0;
	for (size_t i = 0; about->has_version && i < sizeof(about->version); i++)
		about->version[i] = tape_u8(tape);
	about->has_uptime = (which & 8) != 0;
	if (about->has_uptime)
		about->uptime = tape_u32(tape);
}

static void read_routes(struct tape *tape, struct wire_message *message)
{
	message->route_count = (uint8_t)tape_below(tape, 3);
	for (unsigned i = 0; i < message->route_count; i++) {
		struct wire_route *route = &message->routes[i];

		route->id = tape_mac(tape);
		route->in = read_end(tape);
		route->out = read_end(tape);
	}
	if (message->type == WIRE_DISCOVER_RESP)
		read_about(tape, &message->about);
}

void tape_message(struct tape *tape, struct wire_message *message)
{
	size_t len;

	*message = (struct wire_message){.type = (enum wire_type)(1 + tape_below(tape, 5))};
	message->eth_dst = tape_mac(tape);
	message->eth_src = tape_mac(tape);
	message->src = tape_mac(tape);
	message->dst = tape_mac(tape);
	if (message->type == WIRE_SEQ_ERR || message->type == WIRE_HELLO) {
		message->target = tape_mac(tape);
		for (size_t i = 0; message->type == WIRE_HELLO && i < WIRE_NONCE_LEN; i++)
			message->returned[i] = tape_u8(tape);
		for (size_t i = 0; i < WIRE_NONCE_LEN; i++)
			message->challenge[i] = tape_u8(tape);
		return;
	}
	message->hop_count = tape_u8(tape);
	message->hop_pointer = tape_u8(tape);
	for (unsigned i = 0; i < message->hop_count; i++)
		message->hops[i] = (struct wire_hop){.link = tape_u8(tape), .mac = tape_mac(tape)};
	if (message->type != WIRE_DATA) {
		read_routes(tape, message);
		return;
	}
	message->src_port = tape_u16(tape);
	message->dst_port = tape_u16(tape);
	len = tape_u16(tape);
	message->payload = tape_bytes(tape, len, &message->payload_len);
}
