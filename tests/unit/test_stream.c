/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Streams through networks in memory: everything arrives, whatever the wires do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "talk.h"

#define S ROMON_SECOND
#define MS ROMON_MILLISECOND
#define KIB 1024u
#define MIB (1024u * 1024u)

/* A line of routers with so many wires. */
static struct net *line(unsigned wires, int64_t delay, struct net_weather weather)
{
	struct net *net = net_new(wires + 7u);

	net_router(net);
	for (unsigned i = 0; i < wires; i++) {
		unsigned wire;

		net_router(net);
		wire = net_wire(net, i, i + 1);
		net->delay[wire] = delay;
		net->weather[wire] = weather;
	}
	return net;
}

/* Both ends write so much at once. Returns how long it took. */
static int64_t both_ways(unsigned wires, int64_t delay, struct net_weather weather, uint64_t bytes)
{
	struct net *net = line(wires, delay, weather);
	struct talk_end *end, *other;
	struct talk talk;
	int64_t took;

	talk_begin(&talk, net);
	talk.service.to_write = bytes / 2;
	took = net->now.ns;
	end = talk_connect(&talk, 0, wires, bytes);
	assert_true(talk_all_closed(&talk, 600 * S));
	took = net->now.ns - took;
	other = talk_other(&talk, end);
	assert_non_null(other);
	assert_int_equal(end->reason, ROMON_STREAM_DONE);
	assert_int_equal(other->reason, ROMON_STREAM_DONE);
	assert_int_equal(other->read, bytes);
	assert_int_equal(end->read, bytes / 2);
	assert_true(end->finished && other->finished);
	assert_int_equal(end->sent, bytes);
	assert_int_equal(end->received, bytes / 2);
	talk_end(&talk);
	net_free(net);
	return took;
}

static void over_one_to_five_hops(void **state)
{
	(void)state;
	for (unsigned wires = 1; wires <= 5; wires++)
		assert_in_range(both_ways(wires, 100000, (struct net_weather){0}, MIB), 0, 2 * S);
	assert_in_range(both_ways(1, 100000, (struct net_weather){0}, 0), 0, 1 * S);
	assert_in_range(both_ways(1, 100000, (struct net_weather){0}, 2), 0, 1 * S);
}

/* Frames so large that few of them fill the engine's queue. */
static void over_wide_wires(void **state)
{
	static const uint16_t mtus[] = {9000, 65000, 400};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct net *net = net_new(3);
		struct romon_stream_info info;
		struct talk_end *end, *other;
		struct talk talk;

		for (unsigned r = 0; r < 3; r++)
			net_router(net);
		for (unsigned r = 0; r < 2; r++) {
			unsigned wire = net_segment(net);

			net_join(net, r, wire, mtus[i], 100);
			net_join(net, r + 1, wire, mtus[i], 100);
		}
		talk_begin(&talk, net);
		talk.service.to_write = 8 * MIB;
		end = talk_connect(&talk, 0, 2, 8 * MIB);
		for (unsigned j = 0; j < 1000 && !end->open; j++)
			net_run(net, 100000);
		assert_true(romon_stream_info(net->routers[0].engine, end->handle, &info));
		assert_int_equal(info.segment, mtus[i] - 80u);
		assert_true(talk_all_closed(&talk, 20 * S));
		other = talk_other(&talk, end);
		assert_int_equal(end->read, 8 * MIB);
		assert_int_equal(other->read, 8 * MIB);
		for (unsigned r = 0; r < 3; r++)
			assert_int_equal(net_drops(net, r, ROMON_DROP_QUEUE_FULL), 0);
		talk_end(&talk);
		net_free(net);
	}
}

static void report(const char *what, uint64_t bytes, int64_t took)
{
	fprintf(stderr, "%-50s %8.3f s %10.3f MB/s\n", what, (double)took / 1e9, (double)bytes / ((double)took / 1e9) / 1e6);
}

static void over_bad_wires(void **state)
{
	(void)state;
	report("3 hops, 1 % loss, 5 % reordered, 1 % twice, 5 ms", 2 * MIB,
		both_ways(3, 5 * MS, (struct net_weather){100, 500, 100}, 2 * MIB));
	report("3 hops, 1 % loss, 0.1 ms", 8 * MIB, both_ways(3, MS / 10, (struct net_weather){100, 0, 0}, 8 * MIB));
	report("1 hop, 10 % loss, 20 ms", 256 * KIB, both_ways(1, 20 * MS, (struct net_weather){1000, 0, 0}, 256 * KIB));
	report("1 hop, 10 % reordered, 1 ms", 4 * MIB, both_ways(1, 1 * MS, (struct net_weather){0, 1000, 0}, 4 * MIB));
	report("2 hops, 10 % twice, 1 ms", 4 * MIB, both_ways(2, 1 * MS, (struct net_weather){0, 0, 1000}, 4 * MIB));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(over_one_to_five_hops),
		cmocka_unit_test(over_wide_wires),
		cmocka_unit_test(over_bad_wires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
