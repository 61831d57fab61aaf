/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Streams on which nothing is said for long: they live as long as both ends do, and not much longer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "segments.h"
#include "talk.h"

#define SILENCE (600 * S)

/* 0 - 1 - 2, and a detour 0 - 3 - 4 - 2 that costs more. */
static struct net *with_detour(void)
{
	struct net *net = net_new(5);

	for (unsigned r = 0; r < 5; r++)
		net_router(net);
	net_wire(net, 0, 1);
	net_wire(net, 1, 2);
	net_wire(net, 0, 3);
	net_wire(net, 3, 4);
	net_wire(net, 4, 2);
	return net;
}

/* A stream from 0 to 2 on which so many bytes were said each way, and then nothing for a second. */
static struct talk_end *begin(struct talk *talk, uint64_t up, uint64_t down, struct talk_end **other)
{
	struct talk_end *end;

	struct romon_stream_info info;

	talk_begin(talk, with_detour());
	net_discover(talk->net, 0);
	net_run(talk->net, 2 * S);
	net_stop(talk->net, 0);
	talk->open_ended = true;
	talk->service = (struct talk_service){.to_write = down, .open_ended = true};
	end = talk_connect(talk, 0, 2, up);
	net_run(talk->net, 1 * S);
	*other = talk_other(talk, end);
	assert_true(end->open && *other != NULL && (*other)->read == up && end->read == down);
	assert_true(romon_stream_info(talk->net->routers[2].engine, (*other)->handle, &info) && info.hops == 2);
	net_reset(talk->net);
	return end;
}

static void end_all(struct talk *talk)
{
	struct net *net = talk->net;

	talk_end(talk);
	net_free(net);
}

/* Whatever was said before: one question and one answer in ten minutes. The user does not notice. */
static void lives_as_long_as_both_ends(void **state)
{
	(void)state;
	for (unsigned said = 0; said < 4; said++) {
		struct talk_end *other, *end;
		struct talk talk;

		end = begin(&talk, said & 1 ? 1000 : 0, said & 2 ? 1000 : 0, &other);
		net_run(talk.net, SILENCE - 2 * S);
		assert_int_equal(net_sent(talk.net), 0);
		for (unsigned i = 1; i <= 20; i++) {
			net_run(talk.net, i == 1 ? 10 * S : SILENCE);
			assert_int_equal(net_sent(talk.net), 4 * i);
		}
		end->to_write += 5000;
		other->to_write += 5000;
		talk_go(&talk, end);
		talk_go(&talk, other);
		net_run(talk.net, 1 * S);
		assert_int_equal(other->read, end->to_write);
		assert_int_equal(end->read, other->to_write);
		assert_int_equal(talk.wrong, 0);
		end_all(&talk);
	}
}

/* The machine of the connecting end has lost its power: the place that its stream held becomes free, and then nothing is sent. */
static void ends_when_the_other_end_has_vanished(void **state)
{
	struct talk_end *other;
	struct talk talk;

	(void)state;
	begin(&talk, 1000, 1000, &other);
	talk.net->cut[0] = talk.net->cut[2] = true;
	net_run(talk.net, SILENCE + 9 * 60 * S);
	assert_false(other->closed);
	net_run(talk.net, 2 * 60 * S);
	assert_true(other->closed);
	assert_int_equal(other->reason, ROMON_STREAM_TIMEOUT);
	assert_int_equal(romon_stream_next(talk.net->routers[2].engine, 0), 0);
	/* Ten questions and what discovery asked meanwhile, of one of two ports each: no more than five rounds with each question. */
	assert_in_range(talk.net->routers[2].sent[3], 10, 11);
	assert_in_range(talk.net->routers[2].sent[1], 9, 2 * 9 * 6);
	net_run(talk.net, 5 * 60 * S); /* the other end gives up, too */
	net_reset(talk.net);
	net_run(talk.net, 10000 * S);
	assert_int_equal(net_sent(talk.net), 0);
	end_all(&talk);
}

/* It is there again, and knows nothing of the stream: so it says. */
static void ends_when_the_other_end_has_begun_anew(void **state)
{
	(void)state;
	for (unsigned said = 0; said < 4; said++) {
		struct talk_end *other;
		struct talk talk;

		begin(&talk, said & 1 ? 1000 : 0, said & 2 ? 1000 : 0, &other);
		net_restart(talk.net, 0, (const char *const[]){NULL});
		net_run(talk.net, SILENCE - 2 * S);
		assert_false(other->closed);
		net_run(talk.net, 3 * S);
		assert_true(other->closed);
		assert_int_equal(other->reason, ROMON_STREAM_RESET);
		end_all(&talk);
	}
}

/* The same for who waits at the connecting end, which is asked by nobody any more, whatever was said before. */
static void who_waits_learns_of_it_too(void **state)
{
	(void)state;
	for (unsigned said = 0; said < 8; said++) {
		bool anew = (said & 4) != 0;
		struct talk_end *other, *end;
		struct talk talk;

		end = begin(&talk, said & 1 ? 1000 : 0, said & 2 ? 1000 : 0, &other);
		if (anew) {
			net_restart(talk.net, 2, (const char *const[]){NULL});
		} else {
			talk.net->cut[1] = talk.net->cut[4] = true;
		}
		net_run(talk.net, SILENCE + 140 * S);
		assert_false(end->closed);
		net_run(talk.net, (anew ? 20 : 11 * 60) * S);
		assert_true(end->closed);
		assert_int_equal(end->reason, anew ? ROMON_STREAM_RESET : ROMON_STREAM_TIMEOUT);
		if (!anew)
			assert_true(other->closed);
		end_all(&talk);
	}
}

/* The path has gone meanwhile, and there is another one. */
static void finds_another_path(void **state)
{
	struct talk_end *other, *end;
	struct romon_stream_info info;
	struct talk talk;

	(void)state;
	end = begin(&talk, 1000, 1000, &other);
	talk.net->cut[1] = true;
	net_run(talk.net, SILENCE + 66 * S); /* two questions, the second of them also on the path that discovery finds */
	assert_true(!end->closed && !other->closed);
	assert_true(romon_stream_info(talk.net->routers[2].engine, other->handle, &info));
	assert_int_equal(info.hops, 3);
	net_reset(talk.net);
	net_run(talk.net, SILENCE - 10 * S);
	assert_int_equal(net_sent(talk.net), 0);
	net_run(talk.net, 10 * S);
	assert_int_equal(net_sent(talk.net), 6);
	end_all(&talk);
}

/* Byte by byte, to a router that is not known to be ours. */
static void asks_by_the_last_byte(void **state)
{
	struct lone *lone = *state;
	struct part segment = theirs;
	uint32_t seq, handle = segments_accepted(lone, 0, &seq);

	romon_stream_write(lone->engine, handle, "hello", 5);
	lone_run(lone, 0);
	segments_sent(lone, DATA, 0, seq, irs, 5);
	segment.type = ACK;
	segment.seq = irs;
	segment.ack = seq + 5;
	segments_give(lone, &segment);
	lone_run(lone, SILENCE - 1);
	assert_int_equal(lone->count, 0);
	lone_run(lone, 1);
	assert_int_equal(segments_read(lone_only(lone, 1, CRAFT_DATA)).data[0], 'o');
	segments_sent(lone, DATA, 0, seq + 4, irs, 1);
	segments_give(lone, &segment);
	lone_run(lone, SILENCE - 1);
	assert_int_equal(lone->count, 0);
}

/* Nothing was ever said by us: then as if the answer to our accept had been lost. */
static void asks_by_the_accept(void **state)
{
	struct lone *lone = *state;
	uint32_t seq;

	segments_accepted(lone, OURS, &seq);
	lone_run(lone, SILENCE - 1);
	assert_int_equal(lone->count, 0);
	lone_run(lone, 1);
	segments_sent(lone, ACCEPT, OURS, seq, irs, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(lives_as_long_as_both_ends),
		cmocka_unit_test(ends_when_the_other_end_has_vanished),
		cmocka_unit_test(ends_when_the_other_end_has_begun_anew),
		cmocka_unit_test(who_waits_learns_of_it_too),
		cmocka_unit_test(finds_another_path),
		cmocka_unit_test_setup_teardown(asks_by_the_last_byte, segments_set_up, segments_tear_down),
		cmocka_unit_test_setup_teardown(asks_by_the_accept, segments_set_up, segments_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
