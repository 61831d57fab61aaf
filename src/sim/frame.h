/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A frame as its bytes say, read after docs/protocol.md without the code under test: the simulator's own opinion, for checks and for
 * strangers who make frames.
 */
#ifndef ROMON_SIM_FRAME_H
#define ROMON_SIM_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <romon/romon.h>

enum {
	FRAME_DISCOVER = 1,
	FRAME_ANSWER = 2,
	FRAME_DATA = 3,
	FRAME_SEQ_ERR = 4,
	FRAME_HELLO = 5,
	FRAME_TYPE_AT = 14,
	FRAME_LENGTH_AT = 16,
	FRAME_AUTH_AT = 18,
	FRAME_AUTH_LEN = 24,
	FRAME_SOURCE_AT = 42,
	FRAME_TARGET_AT = 48,
	FRAME_COUNT_AT = 54,
	FRAME_POINTER_AT = 55,
	FRAME_DATA_HOPS_AT = 60,
	FRAME_HOPS_AT = 62,
	FRAME_HOP_LEN = 10,
	FRAME_MIN = 54, /* Ethernet and common header */
};

static inline uint32_t frame_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline uint16_t frame_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static inline struct romon_mac frame_mac(const uint8_t *at)
{
	struct romon_mac mac;

	memcpy(mac.b, at, sizeof(mac.b));
	return mac;
}

/* A frame of which the parts that all checks look at lie where they should. Pointers lead into the frame. */
struct frame {
	const uint8_t *bytes;
	size_t len; /* by its length field */
	uint8_t type;
	struct romon_mac to, from, source, target;
	bool hashed;
	uint8_t count, pointer; /* of hops; not in SeqErr and Hello */
	const uint8_t *hops;
	const uint8_t *body; /* behind the hops */
	size_t body_len;
};

/* False: it is no frame of RoMON, or cut short. */
bool frame_read(struct frame *frame, const uint8_t *bytes, size_t len);
uint32_t frame_hop_link(const struct frame *frame, unsigned hop);
struct romon_mac frame_hop_mac(const struct frame *frame, unsigned hop);
/* Are the first n hops of both the same? */
bool frame_hops_equal(const struct frame *a, const struct frame *b, unsigned from, unsigned n);
/* Data: ports, and what follows them. */
uint16_t frame_source_port(const struct frame *frame);
uint16_t frame_target_port(const struct frame *frame);

#endif
