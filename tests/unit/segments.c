/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One engine alone and the segments of a peer.
 */
#include "segments.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

int segments_set_up(void **state)
{
	static struct lone lone;

	lone_open(&lone, self);
	lone_port(&lone, 1, our_mac);
	assert_true(romon_engine_listen(lone.engine, SERVICE, true));
	*state = &lone;
	return 0;
}

int segments_tear_down(void **state)
{
	lone_close(*state);
	return 0;
}

void segments_craft(struct craft *craft, uint64_t from, const struct part *segment)
{
	static const struct craft_hop hop = {3, 0x020000000101};
	struct craft_data data = {our_mac, peer_mac, from, self, 0, 1, &hop, segment->src_port, segment->dst_port, 0};

	craft_data(craft, &data);
	craft_u8(craft, segment->type);
	craft_u8(craft, segment->mark);
	craft_u32(craft, segment->seq);
	craft_u32(craft, segment->ack);
	if (segment->size > 0 && segment->data == NULL)
		craft_zero(craft, segment->size);
	else if (segment->size > 0)
		craft_bytes(craft, segment->data, segment->size);
	craft_end(craft);
}

void segments_give(struct lone *lone, const struct part *segment)
{
	struct craft craft;

	segments_craft(&craft, peer, segment);
	lone_give(lone, 1, &craft);
}

struct part segments_read(const struct lone_sent *sent)
{
	assert_int_equal(sent->data[14], CRAFT_DATA);
	assert_in_range(sent->len, SEGMENT_AT + 10, 1514);
	return (struct part){.src_port = (unsigned)craft_number(sent->data + PORTS_AT, 2),
		.dst_port = (unsigned)craft_number(sent->data + PORTS_AT + 2, 2),
		.type = sent->data[SEGMENT_AT],
		.mark = sent->data[SEGMENT_AT + 1],
		.seq = (uint32_t)craft_number(sent->data + SEGMENT_AT + 2, 4),
		.ack = (uint32_t)craft_number(sent->data + SEGMENT_AT + 6, 4),
		.size = sent->len - SEGMENT_AT - 10,
		.data = sent->data + SEGMENT_AT + 10};
}

void segments_sent(struct lone *lone, unsigned type, unsigned mark, uint32_t seq, uint32_t ack, size_t size)
{
	struct part sent = segments_read(lone_only(lone, 1, CRAFT_DATA));

	assert_int_equal(sent.type, type);
	assert_int_equal(sent.mark, mark);
	assert_int_equal(sent.seq, seq);
	assert_int_equal(sent.ack, ack);
	assert_int_equal(sent.size, size);
	lone_forget(lone);
}

uint32_t segments_event(struct lone *lone, enum romon_event_type type)
{
	struct romon_event event;

	assert_true(romon_engine_event(lone->engine, &event));
	assert_int_equal(event.type, type);
	assert_true(romon_mac_equal(event.id, craft_address(peer)));
	return event.stream;
}

void segments_no_event(struct lone *lone)
{
	struct romon_event event;

	assert_false(romon_engine_event(lone->engine, &event));
}

uint32_t segments_accepted(struct lone *lone, unsigned mark, uint32_t *seq)
{
	struct part segment = theirs;

	segment.mark = mark;
	segment.seq = irs;
	segments_give(lone, &segment);
	*seq = segments_read(lone_only(lone, 1, CRAFT_DATA)).seq;
	segments_sent(lone, ACCEPT, mark == OURS ? OURS : 0, *seq, irs, 0);
	segments_no_event(lone);
	segment.type = ACK;
	segment.ack = *seq;
	segments_give(lone, &segment);
	assert_int_equal(lone->count, 0);
	return segments_event(lone, ROMON_EVENT_STREAM_ACCEPTED);
}
