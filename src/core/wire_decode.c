/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From frames to structs. Relies on reader.h for every bound; what it cannot read it refuses with a reason.
 */
#include "core/wire.h"

#include <string.h>

#include "core/reader.h"

bool wire_hashed(const struct wire_message *message)
{
	static const uint8_t unhashed[WIRE_AUTH_LEN];

	return memcmp(message->auth, unhashed, sizeof(unhashed)) != 0;
}

static struct wire_end read_end(struct reader *reader)
{
	struct wire_end end;

	end.link = reader_u32(reader);
	end.l2mtu = reader_u16(reader);
	end.cost = reader_u16(reader);
	end.mac = reader_mac(reader);
	return end;
}

/* The pointer's meaning differs by type, but its bounds do not depend on who receives it [C][I]. */
static bool pointer_plausible(const struct wire_message *m)
{
	switch (m->type) {
	case WIRE_DISCOVER:
		return m->hop_pointer == m->hop_count;
	case WIRE_DISCOVER_RESP:
		return m->hop_pointer <= m->hop_count;
	default:
		return m->hop_pointer < m->hop_count;
	}
}

static bool read_hops(struct reader *reader, struct wire_message *m, enum romon_drop *why)
{
	m->hop_count = reader_u8(reader);
	m->hop_pointer = reader_u8(reader);
	reader_take(reader, m->type == WIRE_DATA ? 4 : 6);
	for (unsigned i = 0; i < m->hop_count && !reader->failed; i++) {
		m->hops[i].link = reader_u32(reader);
		m->hops[i].mac = reader_mac(reader);
	}
	if (reader->failed) {
		*why = ROMON_DROP_TRUNCATED;
		return false;
	}
	*why = ROMON_DROP_BAD_HOPS;
	return pointer_plausible(m);
}

/* False: the route is one too many or has a wrong size. */
static bool read_route(struct reader *value, struct wire_message *m)
{
	unsigned expected = m->type == WIRE_DISCOVER ? 1 : 2;
	struct wire_route *route = &m->routes[m->route_count];

	if (m->route_count == expected || value->left != WIRE_ROUTE_LEN)
		return false;
	route->id = reader_mac(value);
	route->in = read_end(value);
	route->out = read_end(value);
	m->route_count++;
	return romon_id_valid(route->id);
}

/* Tags that we do not know, or know with another size, are skipped [R]. */
static void read_about(uint8_t tag, struct reader *value, struct wire_about *about)
{
	if (tag == WIRE_TAG_IDENTITY) {
		about->identity_len = (uint8_t)value->left;
		about->identity = value->at;
	} else if (tag == WIRE_TAG_BOARD) {
		about->board_len = (uint8_t)value->left;
		about->board = value->at;
	} else if (tag == WIRE_TAG_VERSION && value->left == sizeof(about->version)) {
		about->has_version = true;
		reader_copy(value, about->version, sizeof(about->version));
	} else if (tag == WIRE_TAG_UPTIME && value->left == sizeof(about->uptime)) {
		about->has_uptime = true;
		about->uptime = reader_u32(value);
	}
}

static bool read_tlvs(struct reader *reader, struct wire_message *m)
{
	m->route_count = 0;
	memset(&m->about, 0, sizeof(m->about));
	while (reader->left > 0) {
		uint8_t tag = reader_u8(reader);
		struct reader value = reader_child(reader, reader_u8(reader));

		if (value.failed || (tag == WIRE_TAG_ROUTE && !read_route(&value, m)))
			return false;
		read_about(tag, &value, &m->about);
	}
	return m->route_count == (m->type == WIRE_DISCOVER ? 1 : 2);
}

static void read_challenge(struct reader *reader, struct wire_message *m)
{
	m->target = reader_mac(reader);
	reader_take(reader, 2);
	memset(m->returned, 0, sizeof(m->returned));
	if (m->type == WIRE_HELLO)
		reader_copy(reader, m->returned, sizeof(m->returned));
	reader_copy(reader, m->challenge, sizeof(m->challenge));
}

static bool read_body(struct reader *reader, struct wire_message *m, enum romon_drop *why)
{
	if (m->type == WIRE_SEQ_ERR || m->type == WIRE_HELLO) {
		*why = ROMON_DROP_TRUNCATED;
		read_challenge(reader, m);
		return !reader->failed;
	}
	if (!read_hops(reader, m, why))
		return false;
	if (m->type == WIRE_DATA) {
		*why = ROMON_DROP_TRUNCATED;
		m->src_port = reader_u16(reader);
		m->dst_port = reader_u16(reader);
		m->payload_len = reader->left;
		m->payload = reader_take(reader, reader->left);
		return !reader->failed;
	}
	*why = ROMON_DROP_BAD_TLV;
	return read_tlvs(reader, m);
}

static bool ids_valid(const struct wire_message *m)
{
	if (!romon_id_valid(m->src))
		return false;
	if (m->type == WIRE_DISCOVER_RESP || m->type == WIRE_DATA)
		return romon_id_valid(m->dst);
	return romon_mac_equal(m->dst, romon_mac_broadcast);
}

/* What all messages have in common. The body is what is left in *reader. */
static bool read_header(struct reader *reader, const uint8_t *frame, size_t len, struct wire_message *m, enum romon_drop *why)
{
	struct reader ethernet = reader_make(frame, len);
	uint8_t type;
	uint16_t ethertype, length;

	m->eth_dst = reader_mac(&ethernet);
	m->eth_src = reader_mac(&ethernet);
	ethertype = reader_u16(&ethernet);
	type = reader_u8(&ethernet);
	reader_u8(&ethernet); /* zero [C]; not read, so that a later meaning does no harm */
	length = reader_u16(&ethernet);
	if (ethernet.failed || length > len) {
		*why = ROMON_DROP_TRUNCATED;
		return false;
	}
	if (ethertype != ROMON_ETHERTYPE || type < WIRE_DISCOVER || type > WIRE_HELLO) {
		*why = ROMON_DROP_BAD_TYPE;
		return false;
	}
	if (length < WIRE_ETHERNET_LEN + WIRE_HEADER_LEN) {
		*why = ROMON_DROP_BAD_LENGTH;
		return false;
	}
	*reader = reader_child(&ethernet, (size_t)length - WIRE_ETHERNET_LEN - 4);
	m->type = (enum wire_type)type;
	reader_copy(reader, m->auth, sizeof(m->auth));
	m->src = reader_mac(reader);
	m->dst = reader_mac(reader);
	*why = ROMON_DROP_BAD_ID;
	return ids_valid(m);
}

bool wire_decode_header(const uint8_t *frame, size_t len, struct wire_message *message, enum romon_drop *why)
{
	struct reader body;

	return read_header(&body, frame, len, message, why);
}

bool wire_decode(const uint8_t *frame, size_t len, struct wire_message *message, enum romon_drop *why)
{
	struct reader body;

	return read_header(&body, frame, len, message, why) && read_body(&body, message, why);
}

bool wire_ping_decode(const uint8_t *payload, size_t len, struct wire_ping *ping)
{
	struct reader reader = reader_make(payload, len);
	uint32_t seq = reader_u32(&reader);

	if (reader.failed)
		return false;
	ping->seq = seq;
	return true;
}

bool wire_stream_decode(const uint8_t *payload, size_t len, struct wire_stream *stream)
{
	struct reader reader = reader_make(payload, len);
	struct wire_stream read;

	read.type = reader_u8(&reader);
	read.unknown = reader_u8(&reader);
	read.seq = reader_u32(&reader);
	read.ack = reader_u32(&reader);
	if (reader.failed)
		return false;
	read.block_count = 0;
	read.data_len = read.type != WIRE_STREAM_ACK ? reader.left : 0;
	read.data = reader_take(&reader, read.data_len);
	while (read.type == WIRE_STREAM_ACK && reader.left >= WIRE_BLOCK_LEN && read.block_count < WIRE_BLOCKS_MAX) {
		struct wire_block *block = &read.blocks[read.block_count++];

		block->from = reader_u32(&reader);
		block->to = reader_u32(&reader);
	}
	*stream = read;
	return true;
}
