/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fuzz target: the encoder. Whatever stands in the struct, the frame is as long as it was said to be, never longer than its room, and is
 * decoded to the same struct or refused for what is wrong in it. The input is read as a struct (tape.h).
 */
#include <string.h>

#include "core/wire.h"
#include "fuzz.h"
#include "tape.h"

static void same_end(const struct wire_end *a, const struct wire_end *b)
{
	must(a->link == b->link && a->l2mtu == b->l2mtu && a->cost == b->cost && romon_mac_equal(a->mac, b->mac));
}

static void same_text(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	must((a == NULL) == (b == NULL) && a_len == b_len);
	must(a_len == 0 || memcmp(a, b, a_len) == 0);
}

static void same_about(const struct wire_about *a, const struct wire_about *b)
{
	same_text(a->identity, a->identity_len, b->identity, b->identity_len);
	same_text(a->board, a->board_len, b->board, b->board_len);
	must(a->has_version == b->has_version && memcmp(a->version, b->version, sizeof(a->version)) == 0);
	must(a->has_uptime == b->has_uptime && a->uptime == b->uptime);
}

static void same_lists(const struct wire_message *a, const struct wire_message *b)
{
	must(a->hop_count == b->hop_count && a->hop_pointer == b->hop_pointer);
	for (unsigned i = 0; i < a->hop_count; i++)
		must(a->hops[i].link == b->hops[i].link && romon_mac_equal(a->hops[i].mac, b->hops[i].mac));
	if (a->type == WIRE_DATA) {
		must(a->src_port == b->src_port && a->dst_port == b->dst_port);
		same_text(a->payload, a->payload_len, b->payload, b->payload_len);
		return;
	}
	must(a->route_count == b->route_count);
	for (unsigned i = 0; i < a->route_count; i++) {
		must(romon_mac_equal(a->routes[i].id, b->routes[i].id));
		same_end(&a->routes[i].in, &b->routes[i].in);
		same_end(&a->routes[i].out, &b->routes[i].out);
	}
	if (a->type == WIRE_DISCOVER_RESP)
		same_about(&a->about, &b->about);
}

static void same(const struct wire_message *a, const struct wire_message *b)
{
	must(a->type == b->type && romon_mac_equal(a->src, b->src) && romon_mac_equal(a->dst, b->dst));
	must(romon_mac_equal(a->eth_src, b->eth_src) && romon_mac_equal(a->eth_dst, b->eth_dst));
	must(memcmp(a->auth, b->auth, sizeof(a->auth)) == 0);
	if (a->type != WIRE_SEQ_ERR && a->type != WIRE_HELLO) {
		same_lists(a, b);
		return;
	}
	must(romon_mac_equal(a->target, b->target));
	must(memcmp(a->returned, b->returned, sizeof(a->returned)) == 0);
	must(memcmp(a->challenge, b->challenge, sizeof(a->challenge)) == 0);
}

/* The few fields that are changed in a frame which is passed on. */
static void pass_on(struct tape *tape, uint8_t *frame, size_t len)
{
	struct wire_hop hop = {.link = tape_u32(tape), .mac = tape_mac_number(9)};
	struct wire_message message;
	enum romon_drop why;

	wire_set_addresses(frame, tape_mac_number(7), tape_mac_number(8));
	wire_set_data_hop(frame, 0, &hop);
	wire_set_pointer(frame, 0);
	wire_set_length(frame, (uint16_t)len);
	must(wire_decode(frame, len, &message, &why));
	must(romon_mac_equal(message.eth_src, tape_mac_number(8)) && romon_mac_equal(message.eth_dst, tape_mac_number(7)));
	must(message.hop_pointer == 0 && message.hops[0].link == hop.link && romon_mac_equal(message.hops[0].mac, hop.mac));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tape tape = {data, size};
	struct wire_message message, again;
	size_t room = tape_u16(&tape), len, full;
	enum romon_drop why;
	uint8_t *frame;

	tape_message(&tape, &message);
	for (size_t i = 0; (room & 1) != 0 && i < WIRE_AUTH_LEN; i++)
		message.auth[i] = tape_u8(&tape);
	full = wire_encoded_length(&message);
	frame = malloc(room + 1); /* of its exact size, so that writing past it is noticed */
	must(frame != NULL);
	len = wire_encode(&message, frame, room);
	must(len == (full <= room && full <= WIRE_LENGTH_MAX ? full : 0));
	if (len > 0 && wire_decode(frame, len, &again, &why)) {
		same(&message, &again);
		if (again.type == WIRE_DATA)
			pass_on(&tape, frame, len);
	}
	free(frame);
	return 0;
}
