/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The segments of an open stream one by one: what is answered, and when something is sent again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/engine.h"
#include "segments.h"

static void a_connect_with_another_number(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, OURS, &seq);

	segment.seq = irs + 5;
	segments_give(lone, &segment);
	segments_sent(lone, ACK, 0, seq, irs, 0);
	assert_true(romon_stream_info(lone->engine, handle, &(struct romon_stream_info){0}));
	/* Whoever sent it knows nothing of this stream, and says so with our number. */
	segment = theirs;
	segment.type = CLOSE;
	segment.mark = RESET;
	segment.seq = irs;
	segment.ack = seq;
	segments_give(lone, &segment);
	assert_int_equal(segments_event(lone, ROMON_EVENT_STREAM_CLOSED), handle);
	assert_int_equal(lone->count, 0);
}

static void data_in_any_order(void **state)
{
	static const uint8_t bytes[] = "the quick brown fox jumps over the lazy dog";
	static const struct {
		uint32_t at;
		size_t size;
		uint32_t acks;
	} pieces[] = {{10, 5, 0}, {5, 5, 0}, {20, 10, 0}, {0, 3, 3}, {0, 6, 15}, {14, 7, 30}, {0, 30, 30}, {25, 18, 43}};
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, 0, &seq);
	struct part segment = theirs;
	const uint8_t *read;

	segment.type = DATA;
	segment.ack = seq;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		segment.seq = irs + pieces[i].at;
		segment.data = bytes + pieces[i].at;
		segment.size = pieces[i].size;
		segments_give(lone, &segment);
		segments_sent(lone, ACK, 0, seq, irs + pieces[i].acks, 0);
	}
	assert_int_equal(romon_stream_peek(lone->engine, handle, &read), 43);
	assert_memory_equal(read, bytes, 43);
	romon_stream_read(lone->engine, handle, 40);
	assert_int_equal(romon_stream_peek(lone->engine, handle, &read), 3);
	assert_memory_equal(read, "dog", 3);
}

static void a_reset_counts_at_exactly_the_next_number(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq;

	segments_accepted(lone, OURS, &seq);
	segment.type = CLOSE;
	segment.mark = RESET;
	segment.ack = seq;
	for (uint32_t wrong = 1; wrong < 5; wrong++) {
		segment.seq = irs + wrong;
		segments_give(lone, &segment);
		segments_sent(lone, ACK, 0, seq, irs, 0);
		segment.seq = irs - wrong;
		segments_give(lone, &segment);
		segments_sent(lone, ACK, 0, seq, irs, 0);
	}
	segments_no_event(lone);
	segment.seq = irs;
	segments_give(lone, &segment);
	segments_event(lone, ROMON_EVENT_STREAM_CLOSED);
	assert_int_equal(lone->count, 0);
	segment.type = ACK;
	segment.mark = 0;
	segments_give(lone, &segment); /* it is no more */
	segments_sent(lone, CLOSE, RESET, seq, irs, 0);
}

/* From a router that is not ours the same bytes mean a close like any other. */
static void marks_of_others_are_not_read(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, 0xc0, &seq);

	segment.type = CLOSE;
	segment.mark = RESET;
	segment.seq = irs;
	segment.ack = seq;
	segments_give(lone, &segment);
	assert_int_equal(segments_event(lone, ROMON_EVENT_STREAM_READABLE), handle);
	assert_true(romon_stream_finished(lone->engine, handle));
	segments_sent(lone, CLOSE, 0, seq, irs, 0); /* both ends */
}

static void a_close_is_answered(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, OURS, &seq);

	segment.type = CLOSE;
	segment.seq = irs + 3; /* before it three bytes are missing */
	segment.ack = seq;
	segments_give(lone, &segment);
	segments_no_event(lone);
	segments_sent(lone, ACK, 0, seq, irs, 0);
	segment.type = DATA;
	segment.seq = irs;
	segment.size = 5; /* two of them behind the close */
	segments_give(lone, &segment);
	segments_sent(lone, ACK, CLOSED, seq, irs + 3, 0);
	assert_int_equal(segments_event(lone, ROMON_EVENT_STREAM_READABLE), handle);
	assert_false(romon_stream_finished(lone->engine, handle));
	romon_stream_read(lone->engine, handle, 3);
	assert_true(romon_stream_finished(lone->engine, handle));
	/* It is repeated, and answered again. */
	segment.type = CLOSE;
	segment.seq = irs + 3;
	segment.size = 0;
	segments_give(lone, &segment);
	segments_sent(lone, ACK, CLOSED, seq, irs + 3, 0);
	/* Our own: repeated by the timer for ten seconds, as acknowledgements without the mark do not mean it. */
	romon_stream_write(lone->engine, handle, "bye", 3);
	romon_stream_shutdown(lone->engine, handle);
	lone_run(lone, 0);
	assert_int_equal(lone->count, 2);
	assert_int_equal(segments_read(&lone->sent[0]).type, DATA);
	assert_int_equal(segments_read(&lone->sent[1]).type, CLOSE);
	assert_int_equal(segments_read(&lone->sent[1]).seq, seq + 3);
	lone_forget(lone);
	segment.type = ACK;
	segment.ack = seq + 3;
	segments_give(lone, &segment);
	lone_run(lone, 5 * S);
	assert_in_range(lone_count(lone, 1, CRAFT_DATA), 3, 6);
	assert_int_equal(segments_read(&lone->sent[0]).type, CLOSE);
	lone_forget(lone);
	segments_no_event(lone);
	segment.mark = CLOSED;
	segments_give(lone, &segment);
	assert_int_equal(segments_event(lone, ROMON_EVENT_STREAM_CLOSED), handle);
	/* It lingers and answers close with close, ten seconds long. */
	lone_run(lone, 1 * S);
	segment.type = CLOSE;
	segments_give(lone, &segment);
	segments_sent(lone, CLOSE, CLOSED, seq + 3, irs + 3, 0);
	lone_run(lone, 9 * S);
	segments_give(lone, &segment);
	assert_int_equal(lone->count, 0); /* unknown; and a close is never answered by a close then */
	assert_int_equal(lone->engine->streams.count, 0);
}

/* Bytes before the peer's close are missing, and whoever closed is gone: nothing of ours is on the way that would notice. */
static void a_close_whose_bytes_never_come(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, OURS, &seq);

	segment.type = CLOSE;
	segment.seq = irs + 100;
	segment.ack = seq;
	segments_give(lone, &segment);
	segments_sent(lone, ACK, 0, seq, irs, 0);
	lone_run(lone, 14 * S);
	segments_give(lone, &segment);
	lone_forget(lone);
	lone_run(lone, 14 * S);
	segments_no_event(lone);
	lone_run(lone, 2 * S);
	assert_int_equal(segments_event(lone, ROMON_EVENT_STREAM_CLOSED), handle);
	segments_sent(lone, CLOSE, RESET, seq, irs, 0);
}

/* To a router that may take the close for the end of both ways it goes when everything has come. */
static void others_get_the_close_last(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, 0, &seq);

	romon_stream_write(lone->engine, handle, "bye", 3);
	romon_stream_shutdown(lone->engine, handle);
	lone_run(lone, 0);
	segments_sent(lone, DATA, 0, seq, irs, 3);
	segment.type = ACK;
	segment.seq = irs;
	segment.ack = seq + 3;
	segments_give(lone, &segment);
	segments_sent(lone, CLOSE, 0, seq + 3, irs, 0);
	/* Such an acknowledgement may have been on its way before the close, which is lost: it is repeated for ten seconds. */
	for (unsigned i = 0; i < 11; i++) {
		segments_give(lone, &segment);
		lone_run(lone, 1 * S);
	}
	assert_in_range(lone_count(lone, 1, CRAFT_DATA), 9, 12);
	for (size_t i = 0; i < lone->count; i++) /* and discovery, since nothing comes in answer */
		assert_true(lone->sent[i].data[14] != CRAFT_DATA || segments_read(&lone->sent[i]).type == CLOSE);
	/* Then it is enough: the peer lives, and has not finished. */
	lone_forget(lone);
	lone_run(lone, 100 * S);
	assert_int_equal(lone->count, 0);
	segments_no_event(lone);
	segment.type = CLOSE;
	segments_give(lone, &segment);
	assert_int_equal(segments_event(lone, ROMON_EVENT_STREAM_READABLE), handle);
	assert_int_equal(segments_event(lone, ROMON_EVENT_STREAM_CLOSED), handle);
}

/* Both closes were lost, and what was on its way before them seemed to answer them. */
static void a_close_of_others_that_was_lost_comes_again(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, 0, &seq);

	romon_stream_shutdown(lone->engine, handle);
	lone_run(lone, 0);
	segments_sent(lone, CLOSE, 0, seq, irs, 0);
	segment.type = ACK;
	segment.seq = irs;
	segment.ack = seq;
	segments_give(lone, &segment);
	lone_run(lone, 250 * MS);
	segments_sent(lone, CLOSE, 0, seq, irs, 0);
	segment.type = CLOSE; /* who lingers answers with its own */
	segments_give(lone, &segment);
	assert_int_equal(segments_event(lone, ROMON_EVENT_STREAM_READABLE), handle);
	assert_int_equal(segments_event(lone, ROMON_EVENT_STREAM_CLOSED), handle);
}

/* Two that linger do not answer each other for ever. */
static void closes_are_not_answered_too_often(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, OURS, &seq);

	romon_stream_shutdown(lone->engine, handle);
	lone_run(lone, 0);
	segment.type = CLOSE;
	segment.mark = CLOSED;
	segment.seq = irs;
	segment.ack = seq;
	lone_forget(lone);
	for (unsigned i = 0; i < 1000; i++) {
		segments_give(lone, &segment);
		lone_run(lone, 5 * MS);
	}
	assert_in_range(lone->count, 20, 26);
}

/* The peer uses its port again while the old stream lingers. */
static void a_port_is_used_again(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, OURS, &seq);

	romon_stream_shutdown(lone->engine, handle);
	lone_run(lone, 0);
	segment.type = CLOSE;
	segment.mark = CLOSED;
	segment.seq = irs;
	segment.ack = seq;
	segments_give(lone, &segment);
	lone_forget(lone);
	assert_int_equal(segments_event(lone, ROMON_EVENT_STREAM_READABLE), handle);
	assert_int_equal(segments_event(lone, ROMON_EVENT_STREAM_CLOSED), handle);
	segment.type = CONNECT;
	segment.mark = OURS;
	segment.seq = irs + 1000;
	segment.ack = 0;
	segments_give(lone, &segment);
	seq = segments_read(lone_only(lone, 1, CRAFT_DATA)).seq;
	segments_sent(lone, ACCEPT, OURS, seq, irs + 1000, 0);
}

/* Several streams with large segments have more to send than the engine's queue takes at once: the rest follows by itself. */
static void more_than_the_queue_takes(void **state)
{
	static uint8_t bytes[200000];
	struct craft_route parent = {.id = self, .out = {1, 65000, 100, our_mac}};
	struct craft_route child = {.id = peer, .in = {3, 65000, 100, peer_mac}};
	struct lone *lone = *state;
	struct romon_frame frames[64];
	size_t sent = 0, count;
	uint32_t handles[6];
	struct craft craft;

	lone_port_of(lone, 1, our_mac, 65000, 100);
	romon_engine_discover_start(lone->engine, lone->now);
	craft_answer(&craft, our_mac, peer_mac, self, 0, NULL, 0, &parent, &child);
	lone_give(lone, 1, &craft);
	romon_engine_discover_stop(lone->engine);
	for (unsigned i = 0; i < 6; i++) {
		struct part segment = theirs;

		segment.src_port += i;
		segment.seq = irs;
		lone_forget(lone);
		segments_give(lone, &segment);
		segment.ack = segments_read(lone_only(lone, 1, CRAFT_DATA)).seq;
		segment.type = ACK;
		segments_give(lone, &segment);
		handles[i] = segments_event(lone, ROMON_EVENT_STREAM_ACCEPTED);
	}
	for (unsigned i = 0; i < 6; i++)
		sent += romon_stream_write(lone->engine, handles[i], bytes, sizeof(bytes));
	assert_int_equal(sent, 6 * sizeof(bytes));
	for (unsigned calls = 0; calls < 10; calls++) {
		count = romon_engine_send(lone->engine, frames, 64, lone->now);
		for (size_t i = 0; i < count; i++)
			sent -= frames[i].len - (14 + 46 + 10 + 4 + 10);
	}
	assert_int_equal(sent, 0);
}

static void timeouts_and_probes(void **state)
{
	static const int64_t times[] = {0, 200, 600, 1400, 3000, 6200, 11200};
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, 0, &seq);
	struct romon_event event;
	int64_t began = lone->now.ns;
	size_t sent = 0;

	romon_stream_write(lone->engine, handle, "x", 1);
	lone_run(lone, 14999 * MS);
	for (size_t i = 0; i < lone->count; i++) {
		if (lone->sent[i].data[14] != CRAFT_DATA)
			continue;
		assert_int_equal(segments_read(&lone->sent[i]).size, 1);
		assert_in_range(lone->sent[i].at.ns - began, times[sent] * MS, times[sent] * MS + 20);
		sent++;
	}
	assert_int_equal(sent, 7);
	assert_true(lone_count(lone, 1, CRAFT_DISCOVER) > 10); /* and it looks for a path */
	segments_no_event(lone);
	lone_run(lone, 1 * MS);
	assert_true(romon_engine_event(lone->engine, &event));
	assert_int_equal(event.type, ROMON_EVENT_STREAM_CLOSED);
	assert_int_equal(event.reason, ROMON_STREAM_TIMEOUT);
	/* Another one, whose other end says again and again that it has heard nothing new: it lives. */
	lone_forget(lone);
	segment.src_port++;
	segment.seq = irs;
	segments_give(lone, &segment);
	segment.ack = segments_read(lone_only(lone, 1, CRAFT_DATA)).seq;
	segment.type = ACK;
	segments_give(lone, &segment);
	handle = segments_event(lone, ROMON_EVENT_STREAM_ACCEPTED);
	romon_stream_write(lone->engine, handle, "x", 1);
	lone_run(lone, 0);
	lone_forget(lone);
	for (unsigned i = 0; i < 12; i++) {
		lone_run(lone, 5 * S);
		segments_give(lone, &segment);
	}
	segments_no_event(lone);
	assert_in_range(lone_count(lone, 1, CRAFT_DATA), 12, 20);
}

static void fast_retransmit(void **state)
{
	static uint8_t bytes[10 * 1430];
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, 0, &seq);

	assert_int_equal(romon_stream_write(lone->engine, handle, bytes, sizeof(bytes)), sizeof(bytes));
	lone_run(lone, 0);
	assert_int_equal(lone->count, 10);
	for (unsigned i = 0; i < 10; i++) {
		assert_int_equal(segments_read(&lone->sent[i]).seq, seq + i * 1430);
		assert_int_equal(segments_read(&lone->sent[i]).size, 1430);
	}
	lone_forget(lone);
	segment.type = ACK;
	segment.seq = irs;
	segment.ack = seq + 1430;
	segments_give(lone, &segment);
	assert_int_equal(lone->count, 0);
	for (unsigned i = 0; i < 2; i++)
		segments_give(lone, &segment);
	assert_int_equal(lone->count, 0);
	segments_give(lone, &segment); /* the third that says nothing new */
	segments_sent(lone, DATA, 0, seq + 1430, irs, 1430);
	for (unsigned i = 0; i < 3; i++)
		segments_give(lone, &segment);
	assert_int_equal(lone->count, 0);
	segment.ack = seq + 5 * 1430; /* another hole */
	segments_give(lone, &segment);
	segments_sent(lone, DATA, 0, seq + 5 * 1430, irs, 1430);
	segment.ack = seq + 10 * 1430;
	segments_give(lone, &segment);
	assert_int_equal(lone->count, 0);
	lone_run(lone, 20 * S);
	assert_int_equal(lone->count, 0);
	segments_no_event(lone);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, segments_set_up, segments_tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(a_connect_with_another_number),
		TEST(data_in_any_order),
		TEST(a_reset_counts_at_exactly_the_next_number),
		TEST(marks_of_others_are_not_read),
		TEST(a_close_is_answered),
		TEST(a_close_whose_bytes_never_come),
		TEST(others_get_the_close_last),
		TEST(a_close_of_others_that_was_lost_comes_again),
		TEST(closes_are_not_answered_too_often),
		TEST(a_port_is_used_again),
		TEST(more_than_the_queue_takes),
		TEST(timeouts_and_probes),
		TEST(fast_retransmit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
