/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How streams end: one direction after the other, at once, refused, or because nobody is there; and readers that hold the sender back.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/engine.h"
#include "talk.h"

#define S ROMON_SECOND
#define MS ROMON_MILLISECOND
#define MIB (1024u * 1024u)

/* Two routers and a wire. */
static int set_up(void **state)
{
	static struct talk talk;
	struct net *net = net_new(3);

	net_router(net);
	net_router(net);
	net_wire(net, 0, 1);
	talk_begin(&talk, net);
	*state = &talk;
	return 0;
}

static int tear_down(void **state)
{
	struct talk *talk = *state;
	struct net *net = talk->net;

	talk_end(talk);
	net_free(net);
	return 0;
}

/* Nothing is asked of time: there is no stream left, and what lingers has gone. */
static void assert_quiet(struct talk *talk)
{
	net_run(talk->net, 20 * S);
	net_reset(talk->net);
	net_run(talk->net, 100 * S);
	assert_int_equal(net_sent(talk->net), 0);
	for (unsigned r = 0; r < talk->net->router_count; r++) {
		assert_int_equal(talk->net->routers[r].calls, 0);
		assert_int_equal(romon_stream_next(talk->net->routers[r].engine, 0), 0);
	}
}

static void answers_after_the_question_has_ended(void **state)
{
	struct talk *talk = *state;
	struct talk_end *end, *other;

	talk->service = (struct talk_service){.to_write = 700000, .after = true};
	end = talk_connect(talk, 0, 1, 300000);
	assert_true(talk_all_closed(talk, 10 * S));
	other = talk_other(talk, end);
	assert_int_equal(other->read, 300000);
	assert_int_equal(end->read, 700000);
	assert_true(other->finished_at.ns < end->finished_at.ns);
	assert_int_equal(end->reason, ROMON_STREAM_DONE);
	assert_int_equal(other->reason, ROMON_STREAM_DONE);
	assert_quiet(talk);
}

/* The answers of router 2 to discovery itself, until then. */
static struct romon_time loses_until;
static bool loses_answers_of_2(void *ctx, const struct net_wire *wire)
{
	const struct net *net = ctx;
	struct romon_mac id = net_id(2);

	return net->now.ns < loses_until.ns && wire->frame[14] == 2 && memcmp(wire->frame + 14 + 34, id.b, sizeof(id.b)) == 0;
}

/* 0 - 1 - 2 - 3 - 0: router 3 tells that 2 is there before 2 does, but not whether 2 lets each direction end by itself. */
static void answers_although_others_spoke_of_it_first(void **state)
{
	struct net *net = net_new(3);
	struct talk_end *end;
	struct talk talk;

	(void)state;
	for (unsigned r = 0; r < 4; r++)
		net_router(net);
	for (unsigned r = 0; r < 4; r++)
		net_wire(net, r, (r + 1) % 4);
	talk_begin(&talk, net);
	net->lose = loses_answers_of_2;
	net->ctx = net;
	loses_until.ns = net->now.ns + 2500 * MS;
	talk.service = (struct talk_service){.to_write = 700000, .after = true};
	end = talk_connect(&talk, 0, 2, 300000);
	assert_true(talk_all_closed(&talk, 10 * S));
	assert_int_equal(talk_other(&talk, end)->read, 300000);
	assert_int_equal(end->read, 700000);
	assert_int_equal(end->reason, ROMON_STREAM_DONE);
	talk_end(&talk);
	net_free(net);
}

/* The same towards a router that is not known to be ours: what was written before the close arrives, then both ends are closed. */
static void a_close_means_both_ends_to_others(void **state)
{
	struct talk *talk = *state;
	struct talk_end *end, *other;

	for (unsigned r = 0; r < 2; r++) {
		struct romon_router plain = {.id = net_id(r),
			.identity = "",
			.board = "",
			.started = talk->net->now,
			.send_uptime = false,
			.unicast = true};

		assert_true(romon_engine_set_router(talk->net->routers[r].engine, &plain));
	}
	talk->service = (struct talk_service){.open_ended = true};
	end = talk_connect(talk, 0, 1, 300000);
	assert_true(talk_all_closed(talk, 10 * S));
	other = talk_other(talk, end);
	assert_int_equal(other->read, 300000);
	assert_true(end->finished && other->finished);
	assert_int_equal(end->reason, ROMON_STREAM_DONE);
	assert_int_equal(other->reason, ROMON_STREAM_DONE);
	assert_quiet(talk);
}

static struct talk_end *open_one(struct talk *talk, struct talk_end **other)
{
	struct talk_end *end;

	talk->service.open_ended = talk->open_ended = true;
	end = talk_connect(talk, 0, 1, 1000);
	net_run(talk->net, 1 * S);
	*other = talk_other(talk, end);
	assert_true(end->open && *other != NULL && (*other)->read == 1000);
	return end;
}

static void breaks_off(void **state)
{
	static const enum romon_stream_end reasons[] = {ROMON_STREAM_RESET, ROMON_STREAM_REFUSED, ROMON_STREAM_NO_SERVICE};
	struct talk *talk = *state;

	for (size_t i = 0; i < 3; i++) {
		struct talk_end *other, *end = open_one(talk, &other);

		romon_stream_reset(talk->net->routers[0].engine, end->handle, reasons[i]);
		net_flush(talk->net, 0);
		net_run(talk->net, 1 * S);
		assert_true(other->closed && !end->closed);
		assert_int_equal(other->reason, reasons[i]);
		end->closed = true;
		end->handle = 0;
	}
	assert_quiet(talk);
}

/* One that was broken off in the middle of a transfer: the number of the reset is not the next expected one at first. */
static void breaks_off_in_the_middle(void **state)
{
	struct talk *talk = *state;
	struct talk_end *other, *end = open_one(talk, &other);

	talk->net->weather[0].loss = 300;
	end->to_write += 64 * MIB;
	talk_go(talk, end);
	net_run(talk->net, 1 * S);
	assert_true(other->read > 1000);
	romon_stream_reset(talk->net->routers[0].engine, end->handle, ROMON_STREAM_RESET);
	end->handle = 0;
	talk->net->weather[0].loss = 0;
	other->to_write = 10;
	talk_go(talk, other);
	net_run(talk->net, 1 * S);
	assert_true(other->closed);
	assert_int_equal(other->reason, ROMON_STREAM_RESET);
}

static void is_refused(void **state)
{
	static const enum romon_stream_end reasons[] = {ROMON_STREAM_REFUSED, ROMON_STREAM_NO_SERVICE};
	struct talk *talk = *state;

	for (size_t i = 0; i < 2; i++) {
		struct talk_end *end;

		talk->service = (struct talk_service){.refuses = true, .refusal = reasons[i]};
		end = talk_connect(talk, 0, 1, 1000);
		net_run(talk->net, 1 * S);
		assert_true(end->closed && end->open);
		assert_int_equal(end->reason, reasons[i]);
	}
	assert_quiet(talk);
}

static void no_such_service(void **state)
{
	struct talk *talk = *state;
	struct talk_end *end;

	romon_engine_listen(talk->net->routers[1].engine, TALK_PORT, false);
	end = talk_connect(talk, 0, 1, 1000);
	net_run(talk->net, 1 * S);
	assert_true(end->closed && !end->open);
	assert_int_equal(end->reason, ROMON_STREAM_NO_SERVICE);
	assert_string_equal(romon_stream_end_text(end->reason), "no such service");
	assert_quiet(talk);
}

static void an_unknown_router(void **state)
{
	struct talk *talk = *state;
	struct talk_end *end = talk_connect(talk, 0, 77, 1000);
	int64_t began = talk->net->now.ns;

	net_run(talk->net, 20 * S);
	assert_true(end->closed);
	assert_int_equal(end->reason, ROMON_STREAM_NO_PATH);
	assert_int_equal(end->closed_at.ns - began, 5 * S);
	assert_quiet(talk);
}

static bool loses_all_data(void *ctx, const struct net_wire *wire)
{
	(void)ctx;
	return wire->frame[14] == 3;
}

/* It is there, and does not answer. */
static void a_mute_router(void **state)
{
	struct talk *talk = *state;
	struct talk_end *end;
	int64_t began;

	talk->net->lose = loses_all_data;
	end = talk_connect(talk, 0, 1, 1000);
	began = talk->net->now.ns;
	net_run(talk->net, 20 * S);
	assert_true(end->closed);
	assert_int_equal(end->reason, ROMON_STREAM_TIMEOUT);
	assert_int_equal(end->closed_at.ns - began, 5 * S);
	assert_quiet(talk);
}

/* Closes of router 1 are lost until then; answers to discovery are lost for ever. */
static bool loses_closes(void *ctx, const struct net_wire *wire)
{
	const struct net *net = ctx;
	bool close = wire->from == 1 && wire->frame[14] == 3 && wire->frame[14 + 46 + 10 + 4] == 4;

	return (close && net->now.ns < loses_until.ns) || wire->frame[14] == 2;
}

/* A close is worth nothing to who waits for it after 10 s. It does not wait for its timer, which backs off to five, meanwhile. */
static void a_close_gets_through(void **state)
{
	struct talk *talk = *state;
	struct talk_end *end;

	talk->service = (struct talk_service){.to_write = 5000, .after = true};
	net_discover(talk->net, 0);
	net_run(talk->net, 1 * S);
	net_stop(talk->net, 0);
	talk->net->lose = loses_closes;
	talk->net->ctx = talk->net;
	loses_until.ns = talk->net->now.ns + 9 * S;
	end = talk_connect(talk, 0, 1, 1000);
	assert_true(talk_all_closed(talk, 10500 * MS));
	assert_int_equal(end->read, 5000);
	assert_int_equal(end->reason, ROMON_STREAM_DONE);
	assert_true(end->finished);
	assert_quiet(talk);
}

static void connects_that_cannot_be(void **state)
{
	struct talk *talk = *state;
	struct romon_engine *engine = talk->net->routers[0].engine;

	assert_int_equal(romon_engine_stream_connect(engine, net_id(0), TALK_PORT, talk->net->now), 0);
	assert_int_equal(romon_engine_stream_connect(engine, romon_mac_broadcast, TALK_PORT, talk->net->now), 0);
	assert_int_equal(romon_engine_stream_connect(engine, net_id(1), 0, talk->net->now), 0);
	assert_int_equal(romon_engine_stream_connect(engine, net_id(1), 1, talk->net->now), 0);
	assert_false(romon_engine_listen(engine, 0, true));
	assert_false(romon_engine_listen(engine, 1, true));
	assert_quiet(talk);
}

/* A reader that does not read: the sender stops, nobody gives up, and when the reader goes on everything arrives. */
static void a_slow_reader_holds_the_sender_back(void **state)
{
	struct talk *talk = *state;
	struct romon_stream_info info;
	struct talk_end *end, *other;
	int64_t resumed;

	talk->service.paused = true;
	end = talk_connect(talk, 0, 1, 8 * MIB);
	net_run(talk->net, 120 * S);
	other = talk_other(talk, end);
	assert_true(!end->closed && !other->closed);
	assert_true(romon_stream_info(talk->net->routers[1].engine, other->handle, &info));
	assert_in_range(info.unread, 256 * 1024, 512 * 1024);
	assert_true(romon_stream_info(talk->net->routers[0].engine, end->handle, &info));
	assert_in_range(info.unsent, 1, 512 * 1024);
	assert_true(info.sent < info.unsent + 512 * 1024);
	assert_in_range(info.window, 100000, 256 * 1024); /* as before the timeouts: they were no loss */
	/* It asks at most once in five seconds. */
	net_reset(talk->net);
	net_run(talk->net, 100 * S);
	assert_in_range(net_sent(talk->net), 30, 45);
	/* Its window is what it was: as soon as the reader goes on, so does it. */
	other->paused = false;
	resumed = talk->net->now.ns;
	talk_go(talk, other);
	assert_true(talk_all_closed(talk, 5 * S));
	assert_in_range(talk->net->now.ns - resumed, 1, 1 * S);
	assert_int_equal(other->read, 8 * MIB);
	assert_quiet(talk);
}

/* The same with the acknowledgement lost that says so: it is repeated. */
static void going_on_is_said_again(void **state)
{
	struct talk *talk = *state;
	struct talk_end *end, *other;
	int64_t resumed;

	talk->service.paused = true;
	end = talk_connect(talk, 0, 1, 2 * MIB);
	net_run(talk->net, 60 * S);
	other = talk_other(talk, end);
	net_reset(talk->net);
	while (net_sent(talk->net) == 0) /* it has just asked: the next time is 5 s away */
		net_run(talk->net, 10 * MS);
	other->paused = false;
	resumed = talk->net->now.ns;
	talk->net->cut[0] = true;
	talk_go(talk, other);
	net_run(talk->net, 100 * MS);
	talk->net->cut[0] = false;
	assert_true(talk_all_closed(talk, 5 * S));
	assert_in_range(talk->net->now.ns - resumed, 1, 1500 * MS);
	assert_int_equal(other->read, 2 * MIB);
}

static void a_reader_of_few_bytes(void **state)
{
	struct talk *talk = *state;
	struct talk_end *end, *other;

	talk->service.paused = true;
	end = talk_connect(talk, 0, 1, 2 * MIB);
	net_run(talk->net, 1 * S);
	other = talk_other(talk, end);
	other->paused = false;
	other->pace = 10000;
	for (unsigned i = 0; i < 1000 && !other->finished; i++) {
		talk_go(talk, other);
		net_run(talk->net, 10 * MS);
	}
	assert_int_equal(other->read, 2 * MIB);
	assert_true(other->finished);
}

/* Nothing is said on an idle stream, no timer runs, and it is there when it is needed. */
static void an_idle_stream_sleeps(void **state)
{
	struct talk *talk = *state;
	struct talk_end *other, *end = open_one(talk, &other);

	net_run(talk->net, 1 * S);
	net_reset(talk->net);
	net_run(talk->net, 590 * S); /* what comes then: test_stream_idle.c */
	assert_int_equal(net_sent(talk->net), 0);
	assert_int_equal(talk->net->routers[0].calls + talk->net->routers[1].calls, 0);
	end->to_write = 5000;
	talk_go(talk, end);
	net_run(talk->net, 1 * S);
	assert_int_equal(other->read, 5000);
}

/* What is read late is as gone as what was read in time: a stream that lingers holds no memory for its bytes. */
static void lingers_without_a_ring(void **state)
{
	struct talk *talk = *state;
	struct streams *streams = &talk->net->routers[1].engine->streams;
	struct talk_end *end, *other;

	talk->service.paused = true;
	end = talk_connect(talk, 0, 1, 100000);
	net_run(talk->net, 1 * S);
	other = talk_other(talk, end);
	assert_true(end->closed && !other->closed && streams->pool.used > 0);
	other->paused = false;
	talk_go(talk, other);
	assert_true(other->closed && other->read == 100000);
	assert_int_equal(streams->pool.used, 0);
	assert_int_equal(streams->count, 1);
}

/* Its user does not look: what came before the end is still there. */
static void reads_after_the_end(void **state)
{
	struct talk *talk = *state;
	struct talk_end *end, *other;

	talk->service.paused = true;
	end = talk_connect(talk, 0, 1, 100000);
	net_run(talk->net, 60 * S);
	other = talk_other(talk, end);
	assert_true(end->closed && !other->closed && end->reason == ROMON_STREAM_DONE);
	other->paused = false;
	talk_go(talk, other);
	assert_true(other->closed && other->finished);
	assert_int_equal(other->read, 100000);
	assert_quiet(talk);
}

/* Another ID: the streams were those of the old one. */
static void a_new_id_ends_all(void **state)
{
	struct talk *talk = *state;
	struct talk_end *other, *end = open_one(talk, &other);
	struct romon_router router = {.id = net_id(9), .identity = "", .board = "", .started = talk->net->now, .unicast = true};

	assert_true(romon_engine_set_router(talk->net->routers[0].engine, &router));
	net_flush(talk->net, 0);
	assert_true(end->closed);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(answers_after_the_question_has_ended, set_up, tear_down),
		cmocka_unit_test(answers_although_others_spoke_of_it_first),
		cmocka_unit_test_setup_teardown(a_close_means_both_ends_to_others, set_up, tear_down),
		cmocka_unit_test_setup_teardown(breaks_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(breaks_off_in_the_middle, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(no_such_service, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_unknown_router, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_mute_router, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_close_gets_through, set_up, tear_down),
		cmocka_unit_test_setup_teardown(connects_that_cannot_be, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_slow_reader_holds_the_sender_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(going_on_is_said_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reader_of_few_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_idle_stream_sleeps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reads_after_the_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lingers_without_a_ring, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_new_id_ends_all, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
