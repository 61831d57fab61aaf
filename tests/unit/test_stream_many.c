/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Many streams: at once, one after the other, more than there is room for; and how fast one of them is on a wire of limited speed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/engine.h"
#include "talk.h"

#define S ROMON_SECOND
#define MS ROMON_MILLISECOND
#define MIB (1024u * 1024u)

/* Router 0 and so many others on one segment. */
static struct net *star(unsigned others)
{
	struct net *net = net_new(others);
	unsigned segment = net_segment(net);

	for (unsigned r = 0; r <= others; r++) {
		net_router(net);
		net_join(net, r, segment, 1500, 100);
	}
	return net;
}

static size_t count_streams(const struct net *net, unsigned router)
{
	size_t count = 0;

	for (uint32_t handle = 0; (handle = romon_stream_next(net->routers[router].engine, handle)) != 0;)
		count++;
	return count;
}

static void a_thousand_at_once(void **state)
{
	struct net *net = star(10);
	struct talk talk;

	(void)state;
	talk_begin(&talk, net);
	talk.service.to_write = 5000;
	for (unsigned i = 0; i < 1000; i++)
		talk_connect(&talk, 1 + i % 10, 0, 5000);
	assert_true(talk_all_closed(&talk, 20 * S));
	assert_int_equal(talk.count, 2000);
	for (size_t i = 0; i < talk.count; i++) {
		assert_int_equal(talk.ends[i].reason, ROMON_STREAM_DONE);
		assert_int_equal(talk.ends[i].read, 5000);
	}
	for (unsigned r = 0; r <= 10; r++)
		assert_int_equal(count_streams(net, r), 0);
	net_run(net, 20 * S);
	for (unsigned r = 0; r <= 10; r++) {
		assert_int_equal(net->routers[r].engine->streams.count, 0);
		assert_int_equal(net->routers[r].engine->streams.pool.used, 0);
	}
	talk_end(&talk);
	net_free(net);
}

static void short_ones_in_a_row(void **state)
{
	struct net *net = star(1);
	struct talk talk;

	(void)state;
	talk_begin(&talk, net);
	talk.forget = true;
	talk.service.to_write = 10;
	for (unsigned i = 0; i < 100000; i++) {
		talk.closed = talk.opened = 0;
		talk_connect(&talk, 1, 0, 10);
		while (talk.closed < 2)
			net_run(net, 100000);
		assert_true(talk.ends[0].reason == ROMON_STREAM_DONE && talk.ends[1].reason == ROMON_STREAM_DONE);
		assert_true(talk.ends[0].read == 10 && talk.ends[1].read == 10);
	}
	assert_int_equal(talk.count, 2);
	assert_in_range(net->routers[0].engine->streams.count, 1000, STREAMS_MAX); /* they linger */
	net_run(net, 20 * S);
	for (unsigned r = 0; r < 2; r++) {
		assert_int_equal(net->routers[r].engine->streams.count, 0);
		assert_int_equal(net->routers[r].engine->streams.table.count, 0);
		assert_int_equal(net->routers[r].engine->streams.peers.count, 0);
		assert_int_equal(net->routers[r].engine->streams.heap_len, 0);
		assert_int_equal(net->routers[r].engine->streams.pool.used, 0);
	}
	talk_end(&talk);
	net_free(net);
}

static void more_than_there_is_room_for(void **state)
{
	struct net *net = star(2);
	struct romon_engine *engine = net->routers[1].engine;
	struct romon_event event;
	unsigned open = 0, accepted = 0;

	(void)state;
	assert_true(romon_engine_listen(net->routers[0].engine, 3, true));
	for (unsigned i = 0; i < STREAMS_MAX; i++)
		assert_int_not_equal(romon_engine_stream_connect(engine, net_id(0), 3, net->now), 0);
	assert_int_equal(romon_engine_stream_connect(engine, net_id(0), 3, net->now), 0);
	net_flush(net, 1);
	net_run(net, 5 * S);
	while (romon_engine_event(engine, &event))
		open += event.type == ROMON_EVENT_STREAM_OPEN;
	while (romon_engine_event(net->routers[0].engine, &event))
		accepted += event.type == ROMON_EVENT_STREAM_ACCEPTED;
	assert_int_equal(open, STREAMS_MAX);
	assert_int_equal(accepted, STREAMS_MAX);
	/* The acceptor is full as well. */
	assert_int_not_equal(romon_engine_stream_connect(net->routers[2].engine, net_id(0), 3, net->now), 0);
	net_flush(net, 2);
	net_run(net, 1 * S);
	assert_true(romon_engine_event(net->routers[2].engine, &event));
	assert_int_equal(event.type, ROMON_EVENT_STREAM_CLOSED);
	assert_int_equal(event.reason, ROMON_STREAM_REFUSED);
	/* One less, and there is room for one. */
	romon_stream_reset(engine, romon_stream_next(engine, 0), ROMON_STREAM_RESET);
	net_flush(net, 1);
	net_run(net, 1 * S);
	assert_true(romon_engine_event(net->routers[0].engine, &event));
	assert_int_equal(event.type, ROMON_EVENT_STREAM_CLOSED);
	assert_int_not_equal(romon_engine_stream_connect(net->routers[2].engine, net_id(0), 3, net->now), 0);
	net_flush(net, 2);
	net_run(net, 1 * S);
	assert_true(romon_engine_event(net->routers[2].engine, &event));
	assert_int_equal(event.type, ROMON_EVENT_STREAM_OPEN);
	net_free(net);
}

/* Two hundred readers that do not read would hold 100 MiB. All get through in the end. */
static void memory_is_capped(void **state)
{
	struct net *net = star(1);
	struct talk talk;
	size_t most = 0;

	(void)state;
	talk_begin(&talk, net);
	talk.service.paused = true;
	for (unsigned i = 0; i < 200; i++)
		talk_connect(&talk, 1, 0, 1 * MIB);
	for (unsigned i = 0; i < 100; i++) {
		net_run(net, 50 * MS);
		for (unsigned r = 0; r < 2; r++) {
			assert_in_range(net->routers[r].engine->streams.pool.used, 0, BUFFER_POOL_MAX);
			if (net->routers[r].engine->streams.pool.used > most)
				most = net->routers[r].engine->streams.pool.used;
		}
	}
	assert_in_range(most, BUFFER_POOL_MAX * 3 / 4, BUFFER_POOL_MAX);
	for (size_t i = 0; i < talk.count; i++)
		talk.ends[i].paused = false;
	for (size_t i = 0; i < talk.count; i++)
		talk_go(&talk, &talk.ends[i]);
	assert_true(talk_all_closed(&talk, 60 * S));
	for (size_t i = 0; i < talk.count; i++) {
		assert_int_equal(talk.ends[i].reason, ROMON_STREAM_DONE);
		assert_int_equal(talk.ends[i].read, talk.ends[i].connector ? 0 : 1 * MIB);
	}
	assert_int_equal(net->routers[0].engine->streams.pool.used, 0);
	talk_end(&talk);
	net_free(net);
}

/* Bytes in a second of one stream, and what was lost in the queue before the slow wire. */
static double speed(int64_t rate, int64_t queue, int64_t delay, unsigned wires, uint64_t bytes)
{
	struct net *net = net_new(3);
	struct talk talk;
	int64_t began;
	double result;

	net_router(net);
	for (unsigned i = 0; i < wires; i++) {
		unsigned wire;

		net_router(net);
		wire = net_wire(net, i, i + 1);
		net->delay[wire] = delay;
		net->rate[wire] = rate;
		net->queue[wire] = queue;
	}
	talk_begin(&talk, net);
	began = net->now.ns;
	talk_connect(&talk, 0, wires, bytes);
	assert_true(talk_all_closed(&talk, 600 * S));
	result = (double)bytes / ((double)(net->now.ns - began) / 1e9);
	fprintf(stderr, "%u wires of %.1f MB/s, %.1f ms, queue %lld KB: %.2f MB/s, %llu lost\n", wires, (double)rate / 1e6,
		(double)delay / 1e6, (long long)queue / 1000, result / 1e6, (unsigned long long)net->overflows);
	talk_end(&talk);
	net_free(net);
	return result;
}

static void fills_the_wire(void **state)
{
	(void)state;
	/* A segment of 1410 bytes (three hops) takes a frame of 1514. */
	assert_true(speed(125000000, 500000, 20000, 3, 100 * MIB) > 0.85 * 125000000);
	assert_true(speed(5000000, 150000, 5 * MS, 1, 20 * MIB) > 0.85 * 5000000);
	assert_true(speed(1000000, 30000, 10 * MS, 3, 8 * MIB) > 0.6 * 1000000);
	assert_true(speed(100000, 50000, 1 * MS, 1, 1 * MIB) > 0.85 * 100000);
}

/* Two streams on one wire: neither starves. */
static void shares_the_wire(void **state)
{
	struct net *net = net_new(3);
	struct talk_end *a, *b;
	struct talk talk;
	unsigned wire;

	(void)state;
	net_router(net);
	net_router(net);
	wire = net_wire(net, 0, 1);
	net->rate[wire] = 5000000;
	net->queue[wire] = 60000;
	net->delay[wire] = 2 * MS;
	talk_begin(&talk, net);
	a = talk_connect(&talk, 0, 1, 200 * MIB);
	net_run(net, 2 * S);
	b = talk_connect(&talk, 0, 1, 200 * MIB);
	net_run(net, 30 * S);
	assert_in_range(talk_other(&talk, b)->read, 30 * 5000000 / 4, 30 * 5000000 * 3 / 4);
	assert_in_range(talk_other(&talk, a)->read, 30 * 5000000 / 4, 30 * 5000000);
	talk_end(&talk);
	net_free(net);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thousand_at_once),
		cmocka_unit_test(short_ones_in_a_row),
		cmocka_unit_test(more_than_there_is_room_for),
		cmocka_unit_test(memory_is_capped),
		cmocka_unit_test(fills_the_wire),
		cmocka_unit_test(shares_the_wire),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
