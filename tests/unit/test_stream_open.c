/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How streams begin: connects, accepts and refusals one by one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/engine.h"
#include "segments.h"

static void learn(struct lone *lone, bool ours)
{
	struct craft_route parent = {.id = self, .out = {1, 1500, 100, our_mac}};
	struct craft_route child = {.id = peer, .in = {3, 1500, 100, peer_mac}};
	struct craft craft;

	romon_engine_discover_start(lone->engine, lone->now);
	craft_answer(&craft, our_mac, peer_mac, self, 0, NULL, 0, &parent, &child);
	if (ours)
		craft_tlv(&craft, 224, "\0\0\0\1", 4);
	craft_end(&craft);
	lone_give(lone, 1, &craft);
	romon_engine_discover_stop(lone->engine);
	lone_forget(lone);
}

static void connects_on_schedule(void **state)
{
	static const int64_t times[] = {0, 250, 750, 1750, 3750};
	struct lone *lone = *state;
	int64_t began = lone->now.ns;
	struct romon_event event;
	struct part first;
	size_t sent = 0;

	learn(lone, false);
	assert_int_not_equal(romon_engine_stream_connect(lone->engine, craft_address(peer), 4, lone->now), 0);
	lone_run(lone, 4999 * MS);
	segments_no_event(lone);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 5);
	for (size_t i = 0; i < lone->count; i++) {
		struct part segment;

		if (lone->sent[i].data[14] != CRAFT_DATA)
			continue;
		segment = segments_read(&lone->sent[i]);
		if (sent == 0)
			first = segment;
		assert_int_equal(lone->sent[i].at.ns - began, times[sent++] * MS);
		assert_int_equal(segment.type, CONNECT);
		assert_int_equal(segment.mark, 0);
		assert_int_equal(segment.seq, first.seq);
		assert_int_equal(segment.ack, 0);
		assert_int_equal(segment.src_port, first.src_port);
		assert_in_range(segment.src_port, 1024, 65535);
		assert_int_equal(segment.dst_port, 4);
	}
	lone_run(lone, 1 * MS);
	assert_true(romon_engine_event(lone->engine, &event));
	assert_int_equal(event.type, ROMON_EVENT_STREAM_CLOSED);
	assert_int_equal(event.reason, ROMON_STREAM_TIMEOUT);
	assert_int_equal(event.port, 4);
}

/* Connects and lets the peer answer with this segment, of which ports and acknowledgement are filled in. */
static uint32_t connect_and(struct lone *lone, bool ours, struct part answer, struct part *connect)
{
	uint32_t handle;

	learn(lone, ours);
	handle = romon_engine_stream_connect(lone->engine, craft_address(peer), 4, lone->now);
	assert_int_not_equal(handle, 0);
	lone_run(lone, 0);
	*connect = segments_read(lone_only(lone, 1, CRAFT_DATA));
	assert_int_equal(connect->mark, ours ? OURS : 0);
	lone_forget(lone);
	answer.src_port = 4;
	answer.dst_port = connect->src_port;
	answer.ack += connect->seq;
	segments_give(lone, &answer);
	return handle;
}

static void both_ends_know_that_both_are_ours(void **state)
{
	static const struct {
		bool offers;
		unsigned mark;
		bool ours;
	} cases[] = {{false, 0, false}, {true, 0, false}, {false, OURS, false}, {true, OURS, true}};
	struct lone *lone = *state;

	for (size_t i = 0; i < 4; i++) {
		struct part connect, answer = {.type = ACCEPT, .mark = cases[i].mark, .seq = irs};
		struct romon_stream_info info;
		uint32_t handle;

		handle = connect_and(lone, cases[i].offers, answer, &connect);
		assert_int_equal(segments_event(lone, ROMON_EVENT_STREAM_OPEN), handle);
		segments_sent(lone, ACK, 0, connect.seq, irs, 0);
		assert_true(romon_stream_info(lone->engine, handle, &info));
		assert_int_equal(info.ours, cases[i].ours);
		assert_true(info.connector && info.remote_port == 4 && info.local_port == connect.src_port);
		assert_int_equal(info.segment, 1500 - 70);
		/* A duplicate accept gets the same ack. */
		answer.src_port = 4;
		answer.dst_port = connect.src_port;
		answer.ack = connect.seq;
		segments_give(lone, &answer);
		segments_sent(lone, ACK, 0, connect.seq, irs, 0);
		romon_stream_reset(lone->engine, handle, ROMON_STREAM_RESET);
		lone_run(lone, 0);
		segments_sent(lone, CLOSE, cases[i].ours ? RESET : 0, connect.seq, irs, 0);
		segments_tear_down(state);
		segments_set_up(state);
	}
}

static void refusals_are_told_apart(void **state)
{
	static const struct {
		bool offers;
		unsigned mark;
		enum romon_stream_end reason;
	} cases[] = {{false, 0, ROMON_STREAM_REFUSED}, {false, NO_SERVICE, ROMON_STREAM_REFUSED}, {true, 0, ROMON_STREAM_REFUSED},
		{true, NO_SERVICE, ROMON_STREAM_NO_SERVICE}, {true, REFUSED, ROMON_STREAM_REFUSED},
		{true, RESET, ROMON_STREAM_RESET}};
	struct lone *lone = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct part connect, answer = {.type = CLOSE, .mark = cases[i].mark};
		struct romon_event event;

		connect_and(lone, cases[i].offers, answer, &connect);
		assert_true(romon_engine_event(lone->engine, &event));
		assert_int_equal(event.type, ROMON_EVENT_STREAM_CLOSED);
		assert_int_equal(event.reason, cases[i].reason);
		assert_int_equal(lone->count, 0);
		segments_tear_down(state);
		segments_set_up(state);
	}
}

/* Answers to a connect that somebody guessed, or that are of an older stream. */
static void wrong_answers_to_a_connect(void **state)
{
	struct part connect, answer = {.type = ACCEPT, .seq = irs, .ack = 1};
	struct lone *lone = *state;
	uint32_t handle = connect_and(lone, true, answer, &connect);

	segments_no_event(lone);
	segments_sent(lone, CLOSE, RESET, connect.seq + 1, irs, 0);
	answer = (struct part){
		.src_port = 4, .dst_port = connect.src_port, .type = CLOSE, .mark = REFUSED, .ack = connect.seq + 1};
	segments_give(lone, &answer);
	segments_no_event(lone);
	assert_int_equal(lone->count, 0);
	answer.type = ACK; /* the acknowledgement of a stream of old: its end is told that it is no more */
	answer.seq = 77;
	segments_give(lone, &answer);
	segments_no_event(lone);
	segments_sent(lone, CLOSE, RESET, connect.seq + 1, 77, 0);
	assert_true(romon_stream_info(lone->engine, handle, &(struct romon_stream_info){0}));
}

static void accepts_once_and_repeats_it(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq;

	segment.seq = irs;
	segments_give(lone, &segment);
	seq = segments_read(lone_only(lone, 1, 0)).seq;
	segments_sent(lone, ACCEPT, 0, seq, irs, 0);
	segments_give(lone, &segment);
	segments_sent(lone, ACCEPT, 0, seq, irs, 0);
	lone_run(lone, 249 * MS);
	assert_int_equal(lone->count, 0);
	lone_run(lone, 1 * MS);
	segments_sent(lone, ACCEPT, 0, seq, irs, 0);
	lone_run(lone, 4 * S);
	assert_int_equal(lone->count, 3);
	lone_run(lone, 1 * S);
	segments_no_event(lone);
	assert_int_equal(((struct romon_engine *)lone->engine)->streams.count, 0);
}

/* Only what carries our number opens it. */
static void a_forged_connect_starts_nothing(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;
	uint32_t seq;

	segment.seq = irs;
	segments_give(lone, &segment);
	seq = segments_read(lone_only(lone, 1, 0)).seq;
	lone_forget(lone);
	for (unsigned type = ACK; type <= CLOSE; type++) {
		segment.type = type;
		segment.mark = RESET;
		for (uint32_t wrong = 1; wrong < 4; wrong++) {
			segment.ack = seq + wrong;
			segments_give(lone, &segment);
		}
	}
	segment.type = DATA;
	segment.size = 10;
	segments_give(lone, &segment);
	segment.ack = seq;
	segment.seq = irs - 1;
	segments_give(lone, &segment);
	segments_no_event(lone);
	segment.seq = irs;
	segments_give(lone, &segment); /* data will do as well as an ack */
	segments_event(lone, ROMON_EVENT_STREAM_ACCEPTED);
	segments_event(lone, ROMON_EVENT_STREAM_READABLE);
	segments_no_event(lone);
}

static void connects_to_no_service(void **state)
{
	struct part segment = theirs;
	struct lone *lone = *state;

	segment.dst_port = 5;
	segment.seq = irs;
	segments_give(lone, &segment);
	segments_sent(lone, CLOSE, 0, 0, irs, 0);
	segment.mark = OURS;
	segments_give(lone, &segment);
	segments_sent(lone, CLOSE, NO_SERVICE, 0, irs, 0);
	assert_int_equal(lone_drops(lone, 1, ROMON_DROP_NO_SERVICE), 2);
	segment.dst_port = SERVICE; /* from a port that connects do not come from */
	segment.src_port = 1023;
	segments_give(lone, &segment);
	assert_int_equal(lone_drops(lone, 1, ROMON_DROP_NO_SERVICE), 3);
	assert_int_equal(lone->engine->streams.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, segments_set_up, segments_tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(connects_on_schedule),
		TEST(both_ends_know_that_both_are_ours),
		TEST(refusals_are_told_apart),
		TEST(wrong_answers_to_a_connect),
		TEST(accepts_once_and_repeats_it),
		TEST(a_forged_connect_starts_nothing),
		TEST(connects_to_no_service),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
