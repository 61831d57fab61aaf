/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From structs to frames. Relies on writer.h for every bound.
 */
#include "core/wire.h"

#include <string.h>

#include "core/writer.h"

static void write_end(struct writer *writer, const struct wire_end *end)
{
	writer_u32(writer, end->link);
	writer_u16(writer, end->l2mtu);
	writer_u16(writer, end->cost);
	writer_mac(writer, end->mac);
}

static void write_hops(struct writer *writer, const struct wire_message *m)
{
	writer_u8(writer, m->hop_count);
	writer_u8(writer, m->hop_pointer);
	writer_zero(writer, m->type == WIRE_DATA ? 4 : 6);
	for (unsigned i = 0; i < m->hop_count; i++) {
		writer_u32(writer, m->hops[i].link);
		writer_mac(writer, m->hops[i].mac);
	}
}

static void write_tlv(struct writer *writer, enum wire_tag tag, const uint8_t *value, uint8_t len)
{
	writer_u8(writer, (uint8_t)tag);
	writer_u8(writer, len);
	writer_copy(writer, value, len);
}

/* In the order in which RouterOS sends them [C]. */
static void write_about(struct writer *writer, const struct wire_about *about)
{
	if (about->identity != NULL)
		write_tlv(writer, WIRE_TAG_IDENTITY, about->identity, about->identity_len);
	if (about->has_version)
		write_tlv(writer, WIRE_TAG_VERSION, about->version, sizeof(about->version));
	if (about->board != NULL)
		write_tlv(writer, WIRE_TAG_BOARD, about->board, about->board_len);
	if (about->has_uptime) {
		writer_u8(writer, WIRE_TAG_UPTIME);
		writer_u8(writer, sizeof(about->uptime));
		writer_u32(writer, about->uptime);
	}
}

static void write_tlvs(struct writer *writer, const struct wire_message *m)
{
	for (unsigned i = 0; i < m->route_count; i++) {
		writer_u8(writer, WIRE_TAG_ROUTE);
		writer_u8(writer, WIRE_ROUTE_LEN);
		writer_mac(writer, m->routes[i].id);
		write_end(writer, &m->routes[i].in);
		write_end(writer, &m->routes[i].out);
	}
	if (m->type == WIRE_DISCOVER_RESP)
		write_about(writer, &m->about);
}

static void write_challenge(struct writer *writer, const struct wire_message *m)
{
	writer_mac(writer, m->target);
	writer_zero(writer, 2);
	if (m->type == WIRE_HELLO)
		writer_copy(writer, m->returned, sizeof(m->returned));
	writer_copy(writer, m->challenge, sizeof(m->challenge));
}

static size_t about_length(const struct wire_about *about)
{
	return (about->identity != NULL ? 2u + about->identity_len : 0) + (about->has_version ? 2 + sizeof(about->version) : 0) +
	       (about->board != NULL ? 2u + about->board_len : 0) + (about->has_uptime ? 2 + sizeof(about->uptime) : 0);
}

size_t wire_encoded_length(const struct wire_message *m)
{
	size_t hops = (size_t)m->hop_count * WIRE_HOP_LEN;

	switch (m->type) {
	case WIRE_DISCOVER:
	case WIRE_DISCOVER_RESP:
		return WIRE_ETHERNET_LEN + WIRE_HOPS_AT + hops + (size_t)m->route_count * (2 + WIRE_ROUTE_LEN) +
		       (m->type == WIRE_DISCOVER_RESP ? about_length(&m->about) : 0);
	case WIRE_DATA:
		return WIRE_ETHERNET_LEN + WIRE_DATA_HOPS_AT + hops + WIRE_PORTS_LEN + m->payload_len;
	default:
		return WIRE_ETHERNET_LEN + WIRE_HEADER_LEN + ROMON_MAC_LEN + 2 + WIRE_NONCE_LEN +
		       (m->type == WIRE_HELLO ? WIRE_NONCE_LEN : 0);
	}
}

size_t wire_encode(const struct wire_message *m, uint8_t *frame, size_t cap)
{
	struct writer writer = writer_make(frame, cap);
	size_t length = wire_encoded_length(m);

	if (length > WIRE_LENGTH_MAX)
		return 0;
	writer_mac(&writer, m->eth_dst);
	writer_mac(&writer, m->eth_src);
	writer_u16(&writer, ROMON_ETHERTYPE);
	writer_u8(&writer, (uint8_t)m->type);
	writer_u8(&writer, 0);
	writer_u16(&writer, (uint16_t)length);
	writer_copy(&writer, m->auth, sizeof(m->auth));
	writer_mac(&writer, m->src);
	writer_mac(&writer, m->dst);
	if (m->type == WIRE_SEQ_ERR || m->type == WIRE_HELLO) {
		write_challenge(&writer, m);
	} else {
		write_hops(&writer, m);
		if (m->type == WIRE_DATA) {
			writer_u16(&writer, m->src_port);
			writer_u16(&writer, m->dst_port);
			writer_copy(&writer, m->payload, m->payload_len);
		} else {
			write_tlvs(&writer, m);
		}
	}
	return writer.failed ? 0 : writer.len;
}

/* The length field, of which the decoder made sure that the frame holds it. */
size_t wire_frame_length(const uint8_t *frame)
{
	return (size_t)frame[WIRE_ETHERNET_LEN + 2] << 8 | frame[WIRE_ETHERNET_LEN + 3];
}

void wire_set_addresses(uint8_t *frame, struct romon_mac dst, struct romon_mac src)
{
	struct writer writer = writer_make(frame, WIRE_ETHERNET_LEN);

	writer_mac(&writer, dst);
	writer_mac(&writer, src);
}

void wire_set_length(uint8_t *frame, uint16_t length)
{
	frame[WIRE_ETHERNET_LEN + 2] = (uint8_t)(length >> 8);
	frame[WIRE_ETHERNET_LEN + 3] = (uint8_t)length;
}

void wire_set_pointer(uint8_t *frame, uint8_t pointer)
{
	frame[WIRE_ETHERNET_LEN + WIRE_HEADER_LEN + 1] = pointer;
}

void wire_set_data_hop(uint8_t *frame, uint8_t index, const struct wire_hop *hop)
{
	struct writer writer =
		writer_make(frame + WIRE_ETHERNET_LEN + WIRE_DATA_HOPS_AT + (size_t)index * WIRE_HOP_LEN, WIRE_HOP_LEN);

	writer_u32(&writer, hop->link);
	writer_mac(&writer, hop->mac);
}

void wire_ping_encode(const struct wire_ping *ping, uint8_t *payload, size_t size)
{
	struct writer writer = writer_make(payload, size);

	writer_u32(&writer, ping->seq);
	writer_zero(&writer, size - writer.len);
}

size_t wire_stream_encode(const struct wire_stream *stream, uint8_t *payload, size_t cap)
{
	struct writer writer = writer_make(payload, cap);

	writer_u8(&writer, stream->type);
	writer_u8(&writer, stream->unknown);
	writer_u32(&writer, stream->seq);
	writer_u32(&writer, stream->ack);
	writer_copy(&writer, stream->data, stream->data_len);
	for (unsigned i = 0; i < stream->block_count; i++) {
		writer_u32(&writer, stream->blocks[i].from);
		writer_u32(&writer, stream->blocks[i].to);
	}
	return writer.failed ? 0 : writer.len;
}
