/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A frame as its bytes say.
 */
#include "sim/frame.h"

bool frame_read(struct frame *frame, const uint8_t *bytes, size_t len)
{
	size_t hops_at, hops_len;

	if (len < FRAME_MIN || frame_u16(bytes + 12) != ROMON_ETHERTYPE)
		return false;
	*frame = (struct frame){.bytes = bytes,
		.len = frame_u16(bytes + FRAME_LENGTH_AT),
		.type = bytes[FRAME_TYPE_AT],
		.to = frame_mac(bytes),
		.from = frame_mac(bytes + 6),
		.source = frame_mac(bytes + FRAME_SOURCE_AT),
		.target = frame_mac(bytes + FRAME_TARGET_AT)};
	if (frame->len < FRAME_MIN || frame->len > len || frame->type < FRAME_DISCOVER || frame->type > FRAME_HELLO)
		return false;
	for (unsigned i = 0; i < FRAME_AUTH_LEN; i++)
		frame->hashed |= bytes[FRAME_AUTH_AT + i] != 0;
	if (frame->type > FRAME_DATA)
		return true;
	hops_at = frame->type == FRAME_DATA ? FRAME_DATA_HOPS_AT : FRAME_HOPS_AT;
	if (frame->len < hops_at)
		return false;
	frame->count = bytes[FRAME_COUNT_AT];
	frame->pointer = bytes[FRAME_POINTER_AT];
	hops_len = (size_t)frame->count * FRAME_HOP_LEN;
	if (frame->len < hops_at + hops_len + (frame->type == FRAME_DATA ? 4u : 0u))
		return false;
	frame->hops = bytes + hops_at;
	frame->body = frame->hops + hops_len;
	frame->body_len = frame->len - hops_at - hops_len;
	return true;
}

uint32_t frame_hop_link(const struct frame *frame, unsigned hop)
{
	return frame_u32(frame->hops + (size_t)hop * FRAME_HOP_LEN);
}

struct romon_mac frame_hop_mac(const struct frame *frame, unsigned hop)
{
	return frame_mac(frame->hops + (size_t)hop * FRAME_HOP_LEN + 4);
}

bool frame_hops_equal(const struct frame *a, const struct frame *b, unsigned from, unsigned n)
{
	return n == 0 || memcmp(a->hops + (size_t)from * FRAME_HOP_LEN, b->hops + (size_t)from * FRAME_HOP_LEN,
				 (size_t)n * FRAME_HOP_LEN) == 0;
}

uint16_t frame_source_port(const struct frame *frame)
{
	return frame_u16(frame->body);
}

uint16_t frame_target_port(const struct frame *frame)
{
	return frame_u16(frame->body + 2);
}
