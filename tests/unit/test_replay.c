/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Genuine frames, recorded and sent again: nothing of them is taken or passed on, and the SeqErrs and Hellos that they draw are few.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "far.h"
#include "net.h"

#define MS ROMON_MILLISECOND
#define FRAMES 100000
#define ANSWERS 20       /* of a port in any second */
#define SPREAD (20 * MS) /* a Hello to the group waits so long at most, and is counted before */

/* ---- a line of three; the router in the middle is the victim ---- */

enum { LEFT, VICTIM, RIGHT, PORTS = 2 };

static const char *const secrets[] = {"s", NULL};

struct record {
	uint32_t link; /* of the victim */
	size_t len;
	uint8_t *frame;
};

struct tape {
	struct record *records;
	size_t count;
	bool recording, replaying;
	struct romon_time answers[PORTS][ANSWERS]; /* when the last ones were sent */
	size_t answer_count[PORTS];
	unsigned to_proven;
};

/* Everything that reaches the victim. */
static bool record(void *ctx, const struct net_wire *wire)
{
	struct tape *tape = ctx;
	struct record *next = &tape->records[tape->count];

	if (!tape->recording || wire->to != VICTIM || tape->count == FRAMES)
		return false;
	*next = (struct record){.link = wire->to_link, .len = wire->len, .frame = malloc(wire->len)};
	assert_non_null(next->frame);
	memcpy(next->frame, wire->frame, wire->len);
	tape->count++;
	return false;
}

static struct net *watched;

/* While frames are replayed, nobody has a reason to send anything but SeqErr and Hello. */
static void watch(void *ctx, const struct net_wire *wire)
{
	struct tape *tape = ctx;
	struct romon_time *oldest;
	uint32_t port = wire->from_link - 1;

	if (!tape->replaying)
		return;
	assert_true(wire->frame[14] == CRAFT_SEQ_ERR || wire->frame[14] == CRAFT_HELLO);
	if (wire->from != VICTIM)
		return;
	if (wire->frame[14] == CRAFT_HELLO && signer_challenge(wire->frame) == 0) { /* to one who has proven itself */
		assert_in_range(++tape->to_proven, 1, 5 * PORTS); /* after a start, each neighbour asks a few times */
		return;
	}
	oldest = &tape->answers[port][tape->answer_count[port]++ % ANSWERS];
	assert_true(oldest->ns == 0 || watched->now.ns - oldest->ns >= ROMON_SECOND - SPREAD);
	*oldest = watched->now;
}

static uint64_t taken(struct net *net)
{
	struct romon_port_stats stats;
	uint64_t sum = 0;

	for (uint32_t link = 1; link <= PORTS; link++) {
		assert_true(romon_engine_port_stats(net->routers[VICTIM].engine, link, &stats));
		sum += stats.hashed + stats.unhashed + stats.forwarded;
	}
	return sum;
}

static void replay_one(struct net *net, const struct record *record)
{
	uint8_t *copy = malloc(record->len);
	uint64_t before = taken(net);

	assert_non_null(copy);
	memcpy(copy, record->frame, record->len);
	romon_engine_receive(net->routers[VICTIM].engine,
		&(struct romon_frame){.link = record->link, .len = record->len, .data = copy}, 1, net->now);
	assert_true(taken(net) == before);
	free(copy);
	net_flush(net, VICTIM);
}

/* All of them within 5 s, the genuine routers listening and answering. */
static void replay(struct net *net, struct tape *tape)
{
	tape->replaying = true;
	tape->to_proven = 0;
	for (size_t i = 0; i < tape->count; i++) {
		replay_one(net, &tape->records[i]);
		if (i % 20 == 0)
			net_run(net, MS);
	}
	for (size_t i = 0; i < 1000; i++) /* and some in any order */
		replay_one(net, &tape->records[(size_t)rand() % tape->count]);
	net_run(net, 3 * ROMON_SECOND);
	tape->replaying = false;
}

/* Pings pass the victim both ways, and are answered by it; several routers ask, and one restarts now and then. */
static void run_for_a_while(struct net *net, struct tape *tape)
{
	struct romon_ping ping = {.size = 32, .interval = 2 * MS};
	struct romon_event event;
	uint32_t handles[2];

	net_discover(net, LEFT);
	net_discover(net, RIGHT);
	net_run(net, 100 * MS);
	ping.id = net_id(RIGHT);
	handles[0] = romon_engine_ping_start(net->routers[LEFT].engine, &ping, net->now);
	ping.id = net_id(VICTIM);
	handles[1] = romon_engine_ping_start(net->routers[LEFT].engine, &ping, net->now);
	for (unsigned i = 0; tape->count < FRAMES; i++) {
		net_run(net, ROMON_SECOND);
		while (romon_engine_event(net->routers[LEFT].engine, &event))
			;
		if (i % 10 == 5) { /* old indexes on the tape, and the exchanges that made new ones known */
			net_restart(net, RIGHT, secrets);
			net_discover(net, RIGHT);
		}
	}
	for (unsigned i = 0; i < 2; i++)
		romon_engine_ping_stop(net->routers[LEFT].engine, handles[i]);
	net_stop(net, LEFT);
	net_stop(net, RIGHT);
	tape->recording = false;
	net_run(net, 10 * ROMON_SECOND);
}

/* The network still works, without a frame lost. */
static void still_works(struct net *net)
{
	struct romon_ping ping = {.id = net_id(RIGHT), .count = 100, .size = 32, .interval = 10 * MS};
	struct romon_event event;
	unsigned replies = 0;

	assert_int_not_equal(romon_engine_ping_start(net->routers[LEFT].engine, &ping, net->now), 0);
	net_flush(net, LEFT);
	net_run(net, 5 * ROMON_SECOND);
	while (romon_engine_event(net->routers[LEFT].engine, &event))
		replies += event.type == ROMON_EVENT_PING_REPLY;
	assert_int_equal(replies, 100);
}

static void rotate(struct net *net, const char *const *list)
{
	for (unsigned r = 0; r < net->router_count; r++)
		net_secrets(net, r, list);
	net_run(net, ROMON_SECOND);
}

static void recorded_frames(void **state)
{
	struct tape tape = {.records = calloc(FRAMES, sizeof(struct record)), .recording = true};
	struct net *net = watched = net_new(5);
	unsigned types = 0;

	(void)state;
	assert_non_null(tape.records);
	net->tap = watch;
	net->lose = record;
	net->ctx = &tape;
	for (unsigned r = 0; r < 3; r++)
		net_router(net);
	net_wire(net, LEFT, VICTIM);
	net_wire(net, VICTIM, RIGHT);
	for (unsigned r = 0; r < 3; r++)
		net_secrets(net, r, secrets);
	run_for_a_while(net, &tape);
	assert_int_equal(tape.count, FRAMES);
	for (size_t i = 0; i < FRAMES; i++)
		types |= 1u << tape.records[i].frame[14];
	assert_int_equal(types, 0x3e); /* all five are on the tape */

	replay(net, &tape); /* at once */
	still_works(net);
	net_run(net, 3600 * ROMON_SECOND);
	replay(net, &tape); /* later */
	still_works(net);
	net_restart(net, VICTIM, secrets);
	replay(net, &tape); /* before the victim has heard a word of the others, but for its own Hello */
	still_works(net);
	net_restart(net, LEFT, secrets);
	net_restart(net, RIGHT, secrets);
	net_run(net, ROMON_SECOND);
	replay(net, &tape);
	still_works(net);
	rotate(net, (const char *const[]){"s", "t", NULL});
	rotate(net, (const char *const[]){"t", "s", NULL});
	replay(net, &tape);
	rotate(net, (const char *const[]){"t", NULL});
	replay(net, &tape);
	rotate(net, (const char *const[]){"t", "s", NULL});
	replay(net, &tape);
	rotate(net, (const char *const[]){"s", "t", NULL});
	rotate(net, secrets);
	replay(net, &tape);
	still_works(net);
	while (tape.count > 0)
		free(tape.records[--tape.count].frame);
	free(tape.records);
	net_free(net);
}

/* ---- one victim, and frames in an order that suits the attacker ---- */

enum { PORT = 1 };
static const uint64_t self = 0x0a0000000001, other = 0x0a0000000009;
static const uint64_t near_mac = 0x020000000101, other_mac = 0x020000000901;
static struct far far;
static uint64_t group_nonce; /* in the Hello that the engine began with */

static int set_up(void **state)
{
	static struct lone lone;

	lone_open(&lone, self);
	lone_port(&lone, PORT, near_mac);
	signer_list(lone.engine, PORT, secrets, lone.now);
	lone_run(&lone, 0);
	group_nonce = signer_challenge(lone_only(&lone, PORT, CRAFT_HELLO)->data);
	lone_forget(&lone);
	far = (struct far){.lone = &lone,
		.link = PORT,
		.near_id = self,
		.near_mac = near_mac,
		.id = other,
		.mac = other_mac,
		.signer = {.secret = "s", .index = 0x11223344, .counter = 500}};
	*state = &lone;
	return 0;
}

static int tear_down(void **state)
{
	lone_close(*state);
	return 0;
}

static void hello_make(struct craft *craft, uint64_t returned)
{
	signer_hello(craft, near_mac, other_mac, other, near_mac, returned, 0);
	signer_sign(&far.signer, craft);
}

/* The far end answers our Hello to the group, works, and restarts within the 30 s in which that Hello's nonce is good. */
static void old_answer_to_the_group_brings_no_index_back(void **state)
{
	struct lone *lone = *state;
	struct craft hello, old;

	hello_make(&hello, group_nonce);
	far_ping_make(&far, &old);
	signer_sign(&far.signer, &old);
	lone_give(lone, PORT, &hello);
	lone_give(lone, PORT, &old);
	assert_int_equal(lone_count(lone, PORT, CRAFT_DATA), 1);
	far.signer.index++;
	far_prove(&far);
	lone_give(lone, PORT, &hello);
	lone_give(lone, PORT, &old);
	assert_int_equal(lone_drops(lone, PORT, ROMON_DROP_UNKNOWN_INDEX), 1);
	lone_forget(lone);
	assert_true(far_ping(&far));
}

/* The same, but the answer was caught on its way and comes for the first time when its sender has restarted. */
static void caught_answer_to_the_group_brings_no_index_back(void **state)
{
	struct lone *lone = *state;
	struct craft hello, old;

	hello_make(&hello, group_nonce);
	far_ping_make(&far, &old);
	signer_sign(&far.signer, &old);
	far.signer.index++;
	far_prove(&far);
	lone_give(lone, PORT, &hello);
	lone_give(lone, PORT, &old);
	assert_int_equal(lone_drops(lone, PORT, ROMON_DROP_UNKNOWN_INDEX), 1);
	lone_forget(lone);
	assert_true(far_ping(&far));
}

/* Every Hello of an earlier life, with every nonce that was ever asked for, in any order and at any time. */
static void old_hellos_bring_no_index_back(void **state)
{
	enum { LIVES = 50 };
	struct lone *lone = *state;
	struct craft *hellos = calloc(LIVES, sizeof(*hellos)), *pings = calloc(LIVES, sizeof(*pings));

	assert_non_null(hellos);
	assert_non_null(pings);
	for (unsigned i = 0; i < LIVES; i++) {
		const struct lone_sent *sent;

		far.signer.index++;
		lone_run(lone, ROMON_SECOND);
		lone_forget(lone);
		assert_false(far_ping(&far));
		sent = lone_only(lone, PORT, CRAFT_SEQ_ERR);
		hello_make(&hellos[i], signer_challenge(sent->data));
		lone_give(lone, PORT, &hellos[i]);
		far_ping_make(&far, &pings[i]);
		signer_sign(&far.signer, &pings[i]);
		lone_forget(lone);
		lone_give(lone, PORT, &pings[i]);
		assert_int_equal(lone_count(lone, PORT, CRAFT_DATA), 1);
	}
	lone_forget(lone);
	for (unsigned i = 0; i < 10000; i++) {
		lone_give(lone, PORT, &hellos[rand() % LIVES]);
		lone_give(lone, PORT, &pings[rand() % LIVES]);
		if (i % 100 == 0)
			lone_run(lone, ROMON_SECOND);
	}
	assert_int_equal(lone_count(lone, PORT, CRAFT_DATA), 0);
	lone_forget(lone);
	assert_true(far_ping(&far)); /* the present life was never forgotten for them */
	free(hellos);
	free(pings);
}

/* 1,024 frames in any order, to the group and to one, mixed: all taken, once. */
static void reordering_loses_nothing(void **state)
{
	enum { COUNT = 1024 };
	struct craft_route route = {.id = other, .out = {9, 1500, 100, other_mac}};
	struct lone *lone = *state;
	struct craft *frames = calloc(COUNT, sizeof(*frames));
	struct romon_port_stats before, after;

	assert_non_null(frames);
	far_prove(&far);
	for (unsigned i = 0; i < COUNT; i++) {
		if (i % 4 == 0)
			craft_discover(&frames[i], other_mac, other + 1 + i, NULL, 0, &route);
		else
			far_ping_make(&far, &frames[i]);
		signer_sign(&far.signer, &frames[i]);
	}
	for (unsigned i = COUNT - 1; i > 0; i--) {
		unsigned k = (unsigned)rand() % (i + 1);
		struct craft swap = frames[i];

		frames[i] = frames[k];
		frames[k] = swap;
	}
	romon_engine_port_stats(lone->engine, PORT, &before);
	for (unsigned i = 0; i < COUNT; i++)
		lone_give(lone, PORT, &frames[i]);
	romon_engine_port_stats(lone->engine, PORT, &after);
	assert_int_equal(after.hashed - before.hashed, COUNT);
	lone_forget(lone);
	for (unsigned i = 0; i < COUNT; i++)
		lone_refuses(lone, PORT, &frames[i], ROMON_DROP_REPLAYED);
	free(frames);
}

/* Frames to one may be far slower than those to the group, and the other way round. */
static void group_and_unicast_overtake_each_other(void **state)
{
	enum { AHEAD = 3000 };
	struct craft_route route = {.id = other, .out = {9, 1500, 100, other_mac}};
	struct lone *lone = *state;
	struct craft slow, fast;

	far_prove(&far);
	far_ping_make(&far, &slow);
	signer_sign(&far.signer, &slow);
	for (unsigned i = 0; i < AHEAD; i++) {
		craft_discover(&fast, other_mac, other, NULL, 0, &route);
		far_give(&far, &fast);
	}
	lone_forget(lone);
	lone_give(lone, PORT, &slow);
	assert_int_equal(lone_count(lone, PORT, CRAFT_DATA), 1);
	lone_refuses(lone, PORT, &slow, ROMON_DROP_REPLAYED);
	lone_refuses(lone, PORT, &fast, ROMON_DROP_REPLAYED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recorded_frames),
		TEST(old_answer_to_the_group_brings_no_index_back),
		TEST(caught_answer_to_the_group_brings_no_index_back),
		TEST(old_hellos_bring_no_index_back),
		TEST(reordering_loses_nothing),
		TEST(group_and_unicast_overtake_each_other),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
