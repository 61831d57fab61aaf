/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Streams over paths that break, and paths that carry less than they should: nothing is lost, and the user does not notice.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "talk.h"

#define S ROMON_SECOND
#define MS ROMON_MILLISECOND
#define KIB 1024u
#define MIB (1024u * 1024u)

/* 0 - 1 - 2 - 3, and a detour 1 - 4 - 5 - 2 that costs more. Wire 1 is the one between 1 and 2. */
static struct net *with_detour(void)
{
	struct net *net = net_new(11);

	for (unsigned r = 0; r < 6; r++)
		net_router(net);
	net_wire(net, 0, 1);
	net_wire(net, 1, 2);
	net_wire(net, 2, 3);
	net_wire(net, 1, 4);
	net_wire(net, 4, 5);
	net_wire(net, 5, 2);
	for (unsigned wire = 0; wire < 6; wire++)
		net->rate[wire] = 10000000, net->queue[wire] = 400000;
	return net;
}

/* How long a reader waits at most for the next bytes, while it reads for so long. */
static int64_t longest_gap(struct net *net, struct talk_end *end, int64_t ns)
{
	int64_t longest = 0;

	for (int64_t until = net->now.ns + ns; net->now.ns < until;) {
		net_run(net, 10 * MS);
		if (net->now.ns - end->read_at.ns > longest)
			longest = net->now.ns - end->read_at.ns;
	}
	return longest;
}

/* down: the acceptor sends, so that it is the one to notice. */
static void cut(bool down)
{
	struct net *net = with_detour();
	struct talk_end *end, *other, *reader;
	struct romon_stream_info info;
	struct talk talk;

	talk_begin(&talk, net);
	talk.service.to_write = down ? 60 * MIB : 0;
	talk.service.open_ended = talk.open_ended = true;
	end = talk_connect(&talk, 0, 3, down ? 0 : 60 * MIB);
	net_run(net, 1 * S);
	other = talk_other(&talk, end);
	reader = down ? end : other;
	assert_true(romon_stream_info(net->routers[0].engine, end->handle, &info));
	assert_int_equal(info.hops, 3);
	assert_true(info.path_known && romon_mac_equal(info.path[1], net_id(2)) && romon_mac_equal(info.path[2], net_id(3)));
	net->cut[1] = true;
	assert_in_range(longest_gap(net, reader, 5 * S), 100 * MS, 3 * S);
	assert_true(romon_stream_info(net->routers[0].engine, end->handle, &info));
	assert_int_equal(info.hops, 5);
	/* The detour goes, the wire is back. */
	net->cut[1] = false;
	net->cut[4] = true;
	assert_in_range(longest_gap(net, reader, 5 * S), 100 * MS, 3 * S);
	assert_true(romon_stream_info(net->routers[0].engine, end->handle, &info));
	assert_int_equal(info.hops, 3);
	end->open_ended = other->open_ended = false;
	talk_go(&talk, end);
	talk_go(&talk, other);
	assert_true(talk_all_closed(&talk, 20 * S));
	assert_int_equal(reader->read, 60 * MIB);
	assert_int_equal(end->reason, ROMON_STREAM_DONE);
	talk_end(&talk);
	net_free(net);
}

static void moves_to_the_detour(void **state)
{
	(void)state;
	cut(false);
	cut(true);
}

/* Somebody types: one byte in 100 ms. */
static void moves_when_little_is_said(void **state)
{
	struct net *net = with_detour();
	struct talk_end *end, *other;
	struct talk talk;
	int64_t longest = 0;

	(void)state;
	talk_begin(&talk, net);
	talk.service.open_ended = talk.open_ended = true;
	end = talk_connect(&talk, 0, 3, 1);
	net_run(net, 1 * S);
	other = talk_other(&talk, end);
	for (unsigned i = 0; i < 100; i++) {
		end->to_write++;
		talk_go(&talk, end);
		net_run(net, 100 * MS);
		if (i == 10)
			net->cut[1] = true;
		if (net->now.ns - other->read_at.ns > longest)
			longest = net->now.ns - other->read_at.ns;
	}
	assert_in_range(longest, 100 * MS, 3 * S);
	assert_int_equal(other->read, 101);
	talk_end(&talk);
	net_free(net);
}

static void gives_up_after_15_s(void **state)
{
	struct net *net = with_detour();
	struct talk_end *end, *other;
	struct talk talk;
	int64_t when;

	(void)state;
	talk_begin(&talk, net);
	talk.service.open_ended = talk.open_ended = true;
	end = talk_connect(&talk, 0, 3, 60 * MIB);
	net_run(net, 1 * S);
	other = talk_other(&talk, end);
	net->cut[0] = true;
	when = net->now.ns;
	net_run(net, 14 * S);
	assert_false(end->closed);
	net_run(net, 10 * S);
	assert_true(end->closed);
	assert_int_equal(end->reason, ROMON_STREAM_TIMEOUT);
	assert_in_range(end->closed_at.ns - when, 14900 * MS, 15100 * MS);
	/* The reader has nothing on the way and waits; it would learn when it writes. */
	assert_false(other->closed);
	other->to_write = 10;
	talk_go(&talk, other);
	net_run(net, 20 * S);
	assert_true(other->closed && other->reason == ROMON_STREAM_TIMEOUT);
	/* Nobody asks for paths any more. */
	net_run(net, 5 * S);
	net_reset(net);
	net_run(net, 60 * S);
	assert_int_equal(net_sent(net), 0);
	talk_end(&talk);
	net_free(net);
}

static void survives_14_s_without_a_path(void **state)
{
	struct net *net = with_detour();
	struct talk_end *end;
	struct talk talk;

	(void)state;
	talk_begin(&talk, net);
	end = talk_connect(&talk, 0, 3, 30 * MIB);
	net_run(net, 1 * S);
	net->cut[2] = true;
	net_run(net, 14 * S);
	net->cut[2] = false;
	assert_true(talk_all_closed(&talk, 20 * S));
	assert_int_equal(end->reason, ROMON_STREAM_DONE);
	assert_int_equal(talk_other(&talk, end)->read, 30 * MIB);
	talk_end(&talk);
	net_free(net);
}

/* The timer has backed off to 5 s by then; discovery, which asks once a second, knows earlier that the wire is back. */
static void goes_on_soon_when_the_same_path_is_back(void **state)
{
	(void)state;
	for (unsigned down = 0; down < 2; down++) {
		struct net *net = with_detour();
		struct talk_end *end, *reader;
		struct talk talk;

		talk_begin(&talk, net);
		talk.service.to_write = down ? 30 * MIB : 0;
		end = talk_connect(&talk, 0, 3, down ? 0 : 30 * MIB);
		net_run(net, 1 * S);
		reader = down ? end : talk_other(&talk, end);
		net->cut[2] = true;
		net_run(net, 7 * S);
		net->cut[2] = false;
		assert_in_range(longest_gap(net, reader, 2 * S), 7 * S, 8200 * MS);
		assert_true(talk_all_closed(&talk, 20 * S));
		assert_int_equal(reader->read, 30 * MIB);
		talk_end(&talk);
		net_free(net);
	}
}

static void set_mtu(struct net *net, unsigned router, uint32_t link, uint16_t mtu)
{
	struct romon_port port = {.link = link, .mac = net_mac(router, link), .mtu = mtu, .cost = 100};

	assert_true(romon_engine_set_port(net->routers[router].engine, &port, net->now));
}

/* A wire in the middle that says so when it is asked. */
static void the_middle_gets_narrow(void **state)
{
	(void)state;
	for (unsigned down = 0; down < 2; down++) {
		struct net *net = net_new(5);
		struct romon_stream_info info;
		struct talk_end *end, *other;
		struct talk talk;

		for (unsigned r = 0; r < 4; r++)
			net_router(net);
		for (unsigned r = 0; r < 3; r++) {
			unsigned wire = net_wire(net, r, r + 1);
			net->rate[wire] = 10000000, net->queue[wire] = 400000;
		}
		talk_begin(&talk, net);
		talk.service.to_write = down ? 30 * MIB : 0;
		end = talk_connect(&talk, 0, 3, down ? 0 : 30 * MIB);
		net_run(net, 1 * S);
		other = talk_other(&talk, end);
		set_mtu(net, 1, 2, 1100);
		set_mtu(net, 2, 1, 1100);
		assert_in_range(longest_gap(net, down ? end : other, 2 * S), 100 * MS, 3 * S);
		if (down)
			assert_true(romon_stream_info(net->routers[3].engine, other->handle, &info));
		else
			assert_true(romon_stream_info(net->routers[0].engine, end->handle, &info));
		assert_int_equal(info.segment, 1100 - 60 - 30);
		assert_true(talk_all_closed(&talk, 20 * S));
		assert_int_equal((down ? end : other)->read, 30 * MIB);
		talk_end(&talk);
		net_free(net);
	}
}

/* What lies between two ports loses every frame above this, and nobody knows. */
static size_t narrow;
static bool loses_large(void *ctx, const struct net_wire *wire)
{
	(void)ctx;
	return narrow != 0 && wire->segment == 1 && wire->len > narrow + 14;
}

static uint32_t segment_of(struct net *net, const struct talk_end *end)
{
	struct romon_stream_info info;

	assert_true(romon_stream_info(net->routers[end->router].engine, end->handle, &info));
	return info.segment;
}

static void the_middle_is_narrow_and_does_not_say_so(void **state)
{
	static const struct {
		uint16_t mtu, found;
	} cases[] = {{1450, 1400}, {1399, 1280}, {1100, 1024}, {600, 512}};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct net *net = net_new(5);
		struct talk_end *end, *other;
		struct talk talk;

		for (unsigned r = 0; r < 4; r++)
			net_router(net);
		for (unsigned r = 0; r < 3; r++) {
			unsigned wire = net_wire(net, r, r + 1);
			net->rate[wire] = 1000000, net->queue[wire] = 50000;
		}
		net->lose = loses_large;
		narrow = 0;
		talk_begin(&talk, net);
		end = talk_connect(&talk, 0, 3, 90 * MIB);
		net_run(net, 1 * S);
		other = talk_other(&talk, end);
		assert_int_equal(segment_of(net, end), 1500 - 90);
		narrow = cases[i].mtu;
		assert_in_range(longest_gap(net, other, 4 * S), 100 * MS, 3 * S);
		assert_int_equal(segment_of(net, end), cases[i].found - 90u);
		/* Larger ones are tried after 30 s, at the price of one timeout, and again after that. */
		assert_in_range(longest_gap(net, other, 40 * S), 100 * MS, 1 * S);
		assert_int_equal(segment_of(net, end), cases[i].found - 90u);
		narrow = 0;
		net_run(net, 10 * S);
		assert_int_equal(segment_of(net, end), cases[i].found - 90u);
		net_run(net, 15 * S);
		assert_int_equal(segment_of(net, end), 1500 - 90);
		assert_true(talk_all_closed(&talk, 100 * S));
		assert_int_equal(other->read, 90 * MIB);
		talk_end(&talk);
		net_free(net);
	}
}

/* The acceptor's port takes 1500 bytes, the path from it does not. */
static void narrower_than_the_acceptors_port(void **state)
{
	struct net *net = net_new(5);
	struct talk_end *end;
	struct talk talk;

	(void)state;
	for (unsigned r = 0; r < 4; r++)
		net_router(net);
	for (unsigned r = 0; r < 3; r++)
		net_wire(net, r, r + 1);
	set_mtu(net, 0, 1, 1000);
	set_mtu(net, 1, 1, 1000);
	talk_begin(&talk, net);
	talk.service.to_write = 4 * MIB;
	end = talk_connect(&talk, 0, 3, 0);
	assert_true(talk_all_closed(&talk, 5 * S));
	assert_int_equal(end->read, 4 * MIB);
	talk_end(&talk);
	net_free(net);
}

/* The same when all that it sends is one segment and its close: that comes through and is answered, so the other end lives. */
static void narrower_than_the_only_segment(void **state)
{
	(void)state;
	for (unsigned mtu = 300; mtu <= 1000; mtu += 700) {
		struct net *net = net_new(5);
		struct talk_end *end;
		struct talk talk;

		for (unsigned r = 0; r < 3; r++)
			net_router(net);
		net_wire(net, 0, 1);
		net_wire(net, 1, 2);
		set_mtu(net, 0, 1, (uint16_t)mtu);
		set_mtu(net, 1, 1, (uint16_t)mtu);
		talk_begin(&talk, net);
		talk.service.to_write = 1100;
		end = talk_connect(&talk, 0, 2, 0);
		assert_true(talk_all_closed(&talk, 10 * S));
		assert_int_equal(end->read, 1100);
		talk_end(&talk);
		net_free(net);
	}
}

/* Links are cut and healed at random, never both ways at once for long. */
static void random_cuts(void **state)
{
	struct net *net = with_detour();
	struct talk_end *end;
	struct talk talk;
	uint64_t seed = 1;

	(void)state;
	for (unsigned wire = 0; wire < 6; wire++) {
		net->weather[wire] = (struct net_weather){.loss = 50, .reorder = 100, .duplicate = 50};
		net->rate[wire] = 2000000;
	}
	talk_begin(&talk, net);
	talk.service.to_write = 8 * MIB;
	end = talk_connect(&talk, 0, 3, 8 * MIB);
	for (unsigned i = 0; i < 400 && !talk_all_closed(&talk, 500 * MS); i++) {
		seed = seed * 6364136223846793005u + 1442695040888963407u;
		if (i % 8 == 0)
			net->cut[seed >> 60 & 3 ? 1 + 3 * (seed >> 50 & 1) : 0] = true;
		else if (i % 8 >= 4)
			memset(net->cut, 0, sizeof(net->cut));
	}
	assert_true(talk.closed == 2);
	assert_int_equal(end->reason, ROMON_STREAM_DONE);
	assert_int_equal(end->read, 8 * MIB);
	assert_int_equal(talk_other(&talk, end)->read, 8 * MIB);
	talk_end(&talk);
	net_free(net);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves_to_the_detour),
		cmocka_unit_test(moves_when_little_is_said),
		cmocka_unit_test(gives_up_after_15_s),
		cmocka_unit_test(survives_14_s_without_a_path),
		cmocka_unit_test(goes_on_soon_when_the_same_path_is_back),
		cmocka_unit_test(the_middle_gets_narrow),
		cmocka_unit_test(the_middle_is_narrow_and_does_not_say_so),
		cmocka_unit_test(narrower_than_the_acceptors_port),
		cmocka_unit_test(narrower_than_the_only_segment),
		cmocka_unit_test(random_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
