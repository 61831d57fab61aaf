/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The wire format: Ethernet frames to plain structs and back. The marks [M], [C], [R], [I], [O] after a fact say where it is from:
 * docs/protocol.md explains them. All integers on the wire are big-endian. Decoders keep no state and change nothing.
 */
#ifndef ROMON_WIRE_H
#define ROMON_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

enum {
	WIRE_ETHERNET_LEN = 14, /* destination, source, EtherType 0x88BF [M] */
	WIRE_AUTH_LEN = 24,
	WIRE_HEADER_LEN = 40,   /* type 1, zero 1, length 2, authentication 24, source ID 6, destination ID 6 [C] */
	WIRE_HOP_LEN = 10,      /* link id 4, MAC 6 [C] */
	WIRE_HOPS_AT = 48,      /* Discover, DiscoverResp: count 1, pointer 1, 6 zero bytes, then the hops [C] */
	WIRE_DATA_HOPS_AT = 46, /* Data: count 1, pointer 1, 4 zero bytes, then the hops [C] */
	WIRE_ROUTE_LEN = 34,    /* RoMON ID 6, in-link 14, out-link 14 [C] */
	WIRE_PORTS_LEN = 4,     /* Data, behind the hops: source port 2, destination port 2 [C] */
	WIRE_STREAM_LEN = 10,   /* type 1, unknown 1, sequence 4, acknowledgement 4 [C] */
	WIRE_NONCE_LEN = 8,
	WIRE_LENGTH_MAX = 65535, /* the length field counts the Ethernet header too [C] */
};
_Static_assert(1 + 1 + 2 + WIRE_AUTH_LEN + 2 * ROMON_MAC_LEN == WIRE_HEADER_LEN, "common header");
_Static_assert(ROMON_MAC_LEN + 2 * (4 + 2 + 2 + ROMON_MAC_LEN) == WIRE_ROUTE_LEN, "route TLV");

enum wire_type {
	WIRE_DISCOVER = 1,      /* [C] */
	WIRE_DISCOVER_RESP = 2, /* [C] */
	WIRE_DATA = 3,          /* [C] */
	WIRE_SEQ_ERR = 4,       /* [R] the name; the body is ours [O] */
	WIRE_HELLO = 5,         /* [R] the name; the body is ours [O] */
};

enum wire_tag {
	WIRE_TAG_ROUTE = 1,    /* [C] */
	WIRE_TAG_IDENTITY = 3, /* [C] */
	WIRE_TAG_VERSION = 4,  /* [C] */
	WIRE_TAG_BOARD = 5,    /* [C] */
	WIRE_TAG_UPTIME = 224, /* [O] */
};

enum { WIRE_PORT_PING = 1, WIRE_PORT_SSH = 3, WIRE_PORT_WINBOX = 4, WIRE_PORT_EPHEMERAL = 1024 }; /* [C] */

/* One entry of a hop list: leave by the port with this link id, to the neighbour port with this MAC; once passed, the way back [C]. */
struct wire_hop {
	uint32_t link;
	struct romon_mac mac;
};

/* One end of a link, within a route TLV. An absent one is all zero [C]. */
struct wire_end {
	uint32_t link;
	uint16_t l2mtu; /* bytes after the Ethernet header */
	uint16_t cost;
	struct romon_mac mac;
};

struct wire_route {
	struct romon_mac id;
	struct wire_end in;  /* the port that the Discover came in by */
	struct wire_end out; /* the port that this copy of the Discover left by */
};

/* What a router says of itself in a DiscoverResp. Texts are as received: not terminated, not clean. */
struct wire_about {
	const uint8_t *identity, *board; /* NULL: absent */
	uint8_t identity_len, board_len;
	bool has_version, has_uptime;
	uint8_t version[4];
	uint32_t uptime; /* seconds */
};

/* A whole frame, decoded. Pointers lead into the frame. Which part is filled depends on type. */
struct wire_message {
	struct romon_mac eth_dst, eth_src;
	enum wire_type type;
	uint8_t auth[WIRE_AUTH_LEN]; /* all zero: unhashed [C] */
	struct romon_mac src, dst;   /* RoMON IDs. In a DiscoverResp src is the asker, dst the router that answers [C] */

	/* Discover, DiscoverResp, Data */
	uint8_t hop_count, hop_pointer;
	struct wire_hop hops[ROMON_HOPS_MAX];

	/* Discover (one), DiscoverResp (two: parent, child) */
	uint8_t route_count;
	struct wire_route routes[2];
	struct wire_about about; /* DiscoverResp */

	/* Data */
	uint16_t src_port, dst_port;
	const uint8_t *payload;
	size_t payload_len;

	/* SeqErr: target and challenge. Hello: all three [O] */
	struct romon_mac target;
	uint8_t returned[WIRE_NONCE_LEN], challenge[WIRE_NONCE_LEN];
};

/* Is the message hashed: is any byte of the authentication field not zero [M][C]? */
bool wire_hashed(const struct wire_message *message);

/* Decodes a frame of len bytes, padding included. False with the reason in *why; *message is then not to be used. Checked is what
 * needs no knowledge of the receiver: lengths, IDs, counts and pointers, the TLVs' form. */
bool wire_decode(const uint8_t *frame, size_t len, struct wire_message *message, enum romon_drop *why);
/* Only the addresses, type, authentication and IDs; the same checks of these. */
bool wire_decode_header(const uint8_t *frame, size_t len, struct wire_message *message, enum romon_drop *why);

/* Encodes *message, without padding, into at most cap bytes. Returns the length, or 0 if it does not fit. */
size_t wire_encode(const struct wire_message *message, uint8_t *frame, size_t cap);

/* How long wire_encode() would make it. */
size_t wire_encoded_length(const struct wire_message *message);

/* For passing a frame on as it is: its length without padding, and the few bytes that change. The frame has been decoded. */
size_t wire_frame_length(const uint8_t *frame);
void wire_set_addresses(uint8_t *frame, struct romon_mac dst, struct romon_mac src);
void wire_set_length(uint8_t *frame, uint16_t length); /* Ethernet header included */
void wire_set_pointer(uint8_t *frame, uint8_t pointer);
void wire_set_data_hop(uint8_t *frame, uint8_t index, const struct wire_hop *hop);

/* The payload of a ping: a sequence number, then zeros by default [C]. */
struct wire_ping {
	uint32_t seq;
};
bool wire_ping_decode(const uint8_t *payload, size_t len, struct wire_ping *ping);
/* Fills size bytes, at least ROMON_PING_MIN. */
void wire_ping_encode(const struct wire_ping *ping, uint8_t *payload, size_t size);

/* The header of a stream segment [C]; what follows it is data, but behind an ack [O]: nothing, or between ours blocks. */
enum wire_stream_type { WIRE_STREAM_CONNECT, WIRE_STREAM_ACCEPT, WIRE_STREAM_DATA, WIRE_STREAM_ACK, WIRE_STREAM_CLOSE /* [I] */ };
/* What the byte of unknown meaning says between routers that are both ours [O]. */
enum wire_stream_mark {
	WIRE_MARK_OURS = 0xa0,       /* in connect and accept */
	WIRE_MARK_RESET = 0xa1,      /* in close */
	WIRE_MARK_REFUSED = 0xa2,    /* in close */
	WIRE_MARK_NO_SERVICE = 0xa3, /* in close */
	WIRE_MARK_CLOSED = 0xa4,     /* in ack, data and close: your close has come, and every byte before it */
};
#define WIRE_BLOCK_LEN 8
#define WIRE_BLOCKS_MAX 16
/* Bytes beyond the acknowledgement that have come [O]. */
struct wire_block {
	uint32_t from, to; /* to: behind the last one */
};
struct wire_stream {
	uint8_t type; /* enum wire_stream_type; above 4: to be ignored [O] */
	uint8_t unknown; /* meaning not known: C0 in connects, C3 in an ack, 42 in data, 0 in an accept [C]; or a mark, between ours [O] */
	uint32_t seq, ack;
	const uint8_t *data;
	size_t data_len;
	unsigned block_count; /* of an ack, which has no data */
	struct wire_block blocks[WIRE_BLOCKS_MAX];
};
bool wire_stream_decode(const uint8_t *payload, size_t len, struct wire_stream *stream);
/* Returns the length, or 0 if it does not fit cap. */
size_t wire_stream_encode(const struct wire_stream *stream, uint8_t *payload, size_t cap);

#endif
