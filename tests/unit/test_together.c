/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Routers with a secret that start, alone or together: they find each other without anything stored, and then are silent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net.h"

#define MS ROMON_MILLISECOND
#define SEGMENT 16
#define RESTARTS 200

static const char *const secrets[] = {"s", NULL};

static bool knows_all(struct net *net, unsigned viewer)
{
	struct romon_seen seen;

	for (unsigned r = 0; r < net->router_count; r++)
		if (r != viewer && !(net_seen(net, viewer, r, &seen) && seen.active && seen.reachable))
			return false;
	return true;
}

/* How long until every router that asks knows all others. */
static int64_t found_after(struct net *net)
{
	int64_t start = net->now.ns;

	for (unsigned r = 0; r < net->router_count; r++) {
		while (!knows_all(net, r)) {
			assert_in_range(net->now.ns - start, 0, 10 * ROMON_SECOND);
			net_run(net, MS);
		}
	}
	return net->now.ns - start;
}

static bool all_sleep(const struct net *net)
{
	struct romon_time when;

	for (unsigned r = 0; r < net->router_count; r++)
		if (romon_engine_wake(net->routers[r].engine, &when))
			return false;
	return true;
}

static struct net *segment_of(unsigned routers, uint64_t seed)
{
	struct net *net = net_new(seed);
	unsigned segment = net_segment(net);

	for (unsigned r = 0; r < routers; r++) {
		net_router(net);
		net_join(net, r, segment, 1500, 100);
		net_secrets(net, r, secrets);
	}
	net_run(net, 5 * ROMON_SECOND);
	return net;
}

/* All at once, and nothing of what was sent before arrives. Discovery begins after some milliseconds, as the first command after a
 * start. */
static void restarted_together(unsigned routers, uint64_t seed, int64_t wait)
{
	struct net *net = segment_of(routers, seed);
	int64_t start;

	for (unsigned r = 0; r < routers; r++)
		net_restart(net, r, secrets);
	start = net->now.ns;
	net_run(net, wait);
	for (unsigned r = 0; r < routers; r++)
		net_discover(net, r);
	found_after(net);
	assert_in_range(net->now.ns - start, 0, ROMON_SECOND);
	for (unsigned r = 0; r < routers; r++)
		net_stop(net, r);
	net_run(net, 5 * ROMON_SECOND);
	assert_true(all_sleep(net));
	net_free(net);
}

static void both_ends_of_a_link(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++)
		restarted_together(2, seed, MS);
}

static void all_of_a_segment(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 20; seed++)
		restarted_together(SEGMENT, seed, 25 * MS);
}

/* Discovery begins with the restart itself: the first Discover waits until it will be believed. */
static void discovery_from_the_first_moment(void **state)
{
	struct net *net = segment_of(SEGMENT, 3);
	int64_t start;

	(void)state;
	for (unsigned r = 0; r < SEGMENT; r++)
		net_restart(net, r, secrets);
	start = net->now.ns;
	for (unsigned r = 0; r < SEGMENT; r++)
		net_discover(net, r);
	found_after(net);
	assert_in_range(net->now.ns - start, 0, 50 * MS);
	net_free(net);
}

/* Hellos answer Hellos, but not for ever: with three secrets, a segment is silent a moment after it came up, and stays so. */
static void hellos_end(void **state)
{
	static const char *const three[] = {"", "s", "t", "u", NULL};
	struct net *net = segment_of(SEGMENT, 7);
	uint64_t sent;

	(void)state;
	net_reset(net);
	for (unsigned r = 0; r < SEGMENT; r++)
		net_restart(net, r, three);
	net_run(net, 10 * ROMON_SECOND);
	sent = net_sent(net);
	/* Under each secret: a Hello each and one returned, each answered by all others, these answers answered; SeqErrs. */
	assert_in_range(sent, 1, 3 * SEGMENT * 5 * SEGMENT);
	assert_true(all_sleep(net));
	net_run(net, 3600 * ROMON_SECOND);
	assert_int_equal(net_sent(net), sent);
	net_free(net);
}

static void no_secret_no_frame(void **state)
{
	struct net *net = net_new(1);

	(void)state;
	for (unsigned r = 0; r < 2; r++)
		net_router(net);
	net_wire(net, 0, 1);
	net_secrets(net, 0, (const char *const[]){"", NULL});
	net_run(net, 100 * ROMON_SECOND);
	assert_int_equal(net_sent(net), 0);
	assert_true(all_sleep(net));
	net_free(net);
}

/* Replies that have come in since the last call. */
static unsigned replies(struct net *net, unsigned router)
{
	struct romon_event event;
	unsigned count = 0;

	while (romon_engine_event(net->routers[router].engine, &event))
		count += event.type == ROMON_EVENT_PING_REPLY;
	return count;
}

/* A line of 5; its middle, or its end, restarts while pings run over it. */
static void restart_in_a_running_network(void **state)
{
	struct romon_ping ping = {.id = net_id(4), .size = 32, .interval = 10 * MS};
	struct net *net = net_new(11);

	(void)state;
	for (unsigned r = 0; r < 5; r++)
		net_router(net);
	for (unsigned r = 0; r < 4; r++)
		net_wire(net, r, r + 1);
	for (unsigned r = 0; r < 5; r++)
		net_secrets(net, r, secrets);
	assert_int_not_equal(romon_engine_ping_start(net->routers[0].engine, &ping, net->now), 0);
	net_flush(net, 0);
	net_run(net, 2 * ROMON_SECOND);
	assert_true(replies(net, 0) > 0);
	for (unsigned i = 0; i < RESTARTS; i++) {
		int64_t start = net->now.ns;

		net_restart(net, 1 + i % 4, secrets);
		net_run(net, MS); /* what was on its way is over */
		replies(net, 0);
		while (replies(net, 0) == 0) {
			net_run(net, MS);
			assert_in_range(net->now.ns - start, 0, ROMON_SECOND);
		}
		net_run(net, 100 * MS);
		assert_in_range(replies(net, 0), 9, 11);
		if (i % 10 == 0) /* at other times before the states of the last restart have settled */
			net_run(net, 31 * ROMON_SECOND);
	}
	net_free(net);
}

/* The one that restarts is the one that asks. */
static void restarted_router_discovers_again(void **state)
{
	struct net *net = segment_of(4, 5);

	(void)state;
	for (unsigned i = 0; i < RESTARTS; i++) {
		int64_t start = net->now.ns;

		net_restart(net, i % 4, secrets);
		net_run(net, MS);
		net_discover(net, i % 4);
		while (!knows_all(net, i % 4)) {
			net_run(net, MS);
			assert_in_range(net->now.ns - start, 0, ROMON_SECOND);
		}
		net_stop(net, i % 4);
		net_run(net, i % 7 * 200 * MS);
	}
	net_free(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ends_of_a_link),
		cmocka_unit_test(all_of_a_segment),
		cmocka_unit_test(discovery_from_the_first_moment),
		cmocka_unit_test(hellos_end),
		cmocka_unit_test(no_secret_no_frame),
		cmocka_unit_test(restart_in_a_running_network),
		cmocka_unit_test(restarted_router_discovers_again),
	};

	return cmocka_run_group_tests_name("together", tests, NULL, NULL);
}
