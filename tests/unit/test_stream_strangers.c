/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What strangers cannot do to streams: no state, bounded answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/engine.h"
#include "segments.h"

/* A million segments of others: no state, bounded answers, and the stream that was open goes on. */
static void a_million_forged_segments(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, OURS, &seq), random = 1;
	struct part segment = theirs;
	const uint8_t *read;

	for (unsigned i = 0; i < 1000000; i++) {
		struct part forged = theirs;
		struct craft craft;

		random = random * 1664525u + 1013904223u;
		forged.type = random >> 8 & 7;
		forged.mark = random >> 13 & 1 ? RESET : CLOSED;
		forged.seq = irs + STREAM_WINDOW + 1 + (random >> 4 & 0xfffffff);
		forged.ack = i % 2 ? seq : random;
		forged.size = random >> 20 & 15;
		if (forged.type == CONNECT)
			forged.dst_port = 5;
		segments_craft(&craft, i % 3 == 0 ? peer : 0x0c0000000000u + (random >> 6 & 0xffff), &forged);
		lone_give(lone, 1, &craft);
		if (i % 1000 == 0)
			lone_run(lone, 10 * MS); /* ten seconds in all */
	}
	assert_in_range(lone->count, 1, 2 * 11 * STREAM_ANSWERS_PER_SECOND);
	assert_int_equal(lone->engine->streams.count, 1);
	segments_no_event(lone);
	segment.type = DATA;
	segment.seq = irs;
	segment.ack = seq;
	segment.size = 5;
	segments_give(lone, &segment);
	assert_int_equal(romon_stream_peek(lone->engine, handle, &read), 5);
}

static void acknowledgements_of_what_was_not_sent(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, OURS, &seq);
	struct romon_stream_info info;

	romon_stream_write(lone->engine, handle, "hello", 5);
	lone_run(lone, 0);
	lone_forget(lone);
	segment.type = DATA;
	segment.seq = irs;
	segment.size = 5;
	segment.ack = seq + 6;
	segments_give(lone, &segment);
	segments_sent(lone, ACK, 0, seq + 5, irs, 0);
	assert_true(romon_stream_info(lone->engine, handle, &info));
	assert_true(info.unread == 0 && info.unsent == 5);
	segment.ack = seq + 5;
	segments_give(lone, &segment);
	assert_true(romon_stream_info(lone->engine, handle, &info));
	assert_true(info.unread == 5 && info.unsent == 0 && info.sent == 5);
}

/* Somebody said that what was lost had come. The peer asks for it for ever, and cannot have it: that is no life. */
static void an_acknowledgement_that_lied(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, OURS, &seq);
	struct romon_event event = {.stream = 0};

	romon_stream_write(lone->engine, handle, "hello, world", 12);
	lone_run(lone, 0);
	segment.type = ACK;
	segment.seq = irs;
	segment.ack = seq + 5;
	segments_give(lone, &segment);
	segment.ack = seq;
	for (unsigned i = 0; i < 20 && !romon_engine_event(lone->engine, &event); i++) {
		lone_run(lone, S);
		segments_give(lone, &segment);
	}
	assert_true(event.type == ROMON_EVENT_STREAM_CLOSED && event.stream == handle);
	assert_int_equal(event.reason, ROMON_STREAM_TIMEOUT);
}

/* Neither by many routers nor by one, and those that have a right to it find room after a second. */
static void half_open_ones_are_bounded(void **state)
{
	struct lone *lone = *state;
	struct part segment = theirs;
	struct craft craft;

	for (unsigned i = 0; i < 10000; i++) {
		segment.src_port = 1024 + i;
		segment.seq = i;
		segments_craft(&craft, 0x0c0000000000u + i, &segment);
		lone_give(lone, 1, &craft);
	}
	assert_int_equal(lone->engine->streams.count, STREAM_HALF_OPEN_MAX);
	assert_int_equal(lone->count, STREAM_HALF_OPEN_MAX);
	assert_int_equal(lone_drops(lone, 1, ROMON_DROP_TABLE_FULL), 10000 - STREAM_HALF_OPEN_MAX);
	lone_run(lone, 1 * S);
	lone_forget(lone);
	segments_give(lone, &theirs);
	assert_int_equal(segments_read(lone_only(lone, 1, CRAFT_DATA)).type, ACCEPT);
	assert_int_equal(lone->engine->streams.count, STREAM_HALF_OPEN_MAX);
	lone_run(lone, 6 * S);
	assert_int_equal(lone->engine->streams.count, 0);
	assert_int_equal(lone->engine->streams.peers.count, 0);
	for (unsigned i = 0; i < 100; i++) {
		segment.src_port = 1024 + i;
		segments_give(lone, &segment);
	}
	assert_int_equal(lone->engine->streams.count, STREAM_HALF_OPEN_OF_PEER);
	segments_no_event(lone);
}

static void segments_that_are_none(void **state)
{
	struct lone *lone = *state;
	struct part segment = theirs;
	struct craft craft;

	for (segment.type = CLOSE + 1; segment.type < 256; segment.type += 25) {
		segments_craft(&craft, peer, &segment);
		lone_refuses(lone, 1, &craft, ROMON_DROP_BAD_SEGMENT);
	}
	segment.type = CONNECT;
	segments_craft(&craft, peer, &segment);
	craft.len--;
	craft_end(&craft);
	lone_refuses(lone, 1, &craft, ROMON_DROP_BAD_SEGMENT);
	segment.type = CLOSE;
	segments_craft(&craft, peer, &segment);
	lone_refuses(lone, 1, &craft, ROMON_DROP_NO_STREAM);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, segments_set_up, segments_tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_million_forged_segments),
		TEST(acknowledgements_of_what_was_not_sent),
		TEST(an_acknowledgement_that_lied),
		TEST(half_open_ones_are_bounded),
		TEST(segments_that_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
