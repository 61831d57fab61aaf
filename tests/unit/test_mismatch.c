/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Networks whose routers do not all have the same secrets: who sees whom, and what the counters and the list of neighbours tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lone.h"
#include "net.h"
#include "signer.h"

#define MS ROMON_MILLISECOND
#define LIST(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NOTHING ((const char *const[]){NULL})

/* Routers in a line. */
static struct net *line_of(unsigned routers)
{
	struct net *net = net_new(routers);

	for (unsigned r = 0; r < routers; r++)
		net_router(net);
	for (unsigned r = 0; r + 1 < routers; r++)
		net_wire(net, r, r + 1);
	return net;
}

static struct romon_port_stats stats_of(struct net *net, unsigned router, uint32_t link)
{
	struct romon_port_stats stats;

	assert_true(romon_engine_port_stats(net->routers[router].engine, link, &stats));
	return stats;
}

/* Both ask for some seconds. Neither learns of the other, takes a frame of it, or answers it. */
static void see_nothing(const char *const *a, const char *const *b, enum romon_drop at_a, enum romon_drop at_b)
{
	struct net *net = line_of(2);
	struct romon_neighbor neighbor;
	struct romon_seen seen;

	net_secrets(net, 0, a);
	net_secrets(net, 1, b);
	net_discover(net, 0);
	net_discover(net, 1);
	net_run(net, 5 * ROMON_SECOND + 500 * MS);
	for (unsigned r = 0; r < 2; r++) {
		struct romon_port_stats stats = stats_of(net, r, 1);
		enum romon_drop why = r == 0 ? at_a : at_b;

		assert_false(net_seen(net, r, 1 - r, &seen));
		assert_int_equal(romon_engine_neighbors(net->routers[r].engine, &neighbor, 1, net->now), 0);
		assert_int_equal(stats.hashed + stats.unhashed, 0);
		assert_true(stats.rx >= 6);
		assert_int_equal(stats.drops[why], stats.rx);
		assert_int_equal(net->routers[r].sent[CRAFT_DISCOVER], 6);
		assert_int_equal(net->routers[r].sent[CRAFT_ANSWER] + net->routers[r].sent[CRAFT_SEQ_ERR], 0);
	}
	net_free(net);
}

static void different_secrets_see_nothing(void **state)
{
	(void)state;
	see_nothing(LIST("s"), LIST("t"), ROMON_DROP_BAD_DIGEST, ROMON_DROP_BAD_DIGEST);
	see_nothing(LIST("s"), LIST("S"), ROMON_DROP_BAD_DIGEST, ROMON_DROP_BAD_DIGEST);
	see_nothing(LIST("s", "t"), LIST("u", "v"), ROMON_DROP_BAD_DIGEST, ROMON_DROP_BAD_DIGEST);
	see_nothing(LIST("s"), NOTHING, ROMON_DROP_NO_SECRET, ROMON_DROP_NO_SECRET);
	see_nothing(LIST("s"), LIST(""), ROMON_DROP_NO_SECRET, ROMON_DROP_NO_SECRET);
}

/* One hears the other, but is not heard: "s" with the empty secret takes unhashed frames and signs its own. */
static void one_way(void **state)
{
	struct net *net = line_of(2);
	struct romon_seen seen;

	(void)state;
	net_secrets(net, 0, LIST("s", ""));
	net_discover(net, 0);
	net_discover(net, 1);
	net_run(net, 3 * ROMON_SECOND);
	assert_true(stats_of(net, 0, 1).unhashed > 0);
	assert_int_equal(stats_of(net, 1, 1).hashed + stats_of(net, 1, 1).unhashed, 0);
	assert_int_equal(stats_of(net, 1, 1).drops[ROMON_DROP_NO_SECRET], stats_of(net, 1, 1).rx);
	assert_false(net_seen(net, 0, 1, &seen));
	assert_false(net_seen(net, 1, 0, &seen));
	net_free(net);
}

/* ---- different secrets on different ports ---- */

/* What each segment carries of Data. */
struct watch {
	unsigned by_secret[4], unhashed; /* by_secret[segment]: signed with that segment's secret */
};
static const char *const by_segment[] = {"first", "second", NULL, "fourth"};

static void look(void *ctx, const struct net_wire *wire)
{
	struct watch *watch = ctx;

	if (wire->frame[14] == CRAFT_SEQ_ERR || wire->frame[14] == CRAFT_HELLO)
		return;
	if (by_segment[wire->segment] == NULL) {
		assert_true(signer_unhashed(wire->frame));
		watch->unhashed++;
		return;
	}
	assert_false(signer_unhashed(wire->frame));
	assert_true(signer_fits(by_segment[wire->segment], wire->frame));
	for (unsigned i = 0; i < 4; i++)
		if (i != wire->segment && by_segment[i] != NULL)
			assert_false(signer_fits(by_segment[i], wire->frame));
	watch->by_secret[wire->segment]++;
}

static void frames_pass_from_secret_to_secret(void **state)
{
	struct romon_ping ping = {.id = net_id(4), .count = 20, .size = 1000, .interval = 10 * MS};
	struct net *net = line_of(5);
	struct watch watch = {.unhashed = 0};
	struct romon_event event;
	unsigned replies = 0;

	(void)state;
	for (unsigned r = 0; r < 5; r++) /* link 1 leads back, but at the first router; link 2 leads on */
		for (uint32_t link = 1; link <= net->routers[r].port_count; link++) {
			const char *secret = by_segment[net->routers[r].ports[link - 1].segment];

			signer_list(net->routers[r].engine, link, secret != NULL ? LIST(secret) : NOTHING, net->now);
		}
	for (unsigned r = 0; r < 5; r++)
		net_flush(net, r);
	net_run(net, ROMON_SECOND);
	net->tap = look;
	net->ctx = &watch;
	assert_int_not_equal(romon_engine_ping_start(net->routers[0].engine, &ping, net->now), 0);
	net_flush(net, 0);
	net_run(net, 3 * ROMON_SECOND);
	while (romon_engine_event(net->routers[0].engine, &event))
		replies += event.type == ROMON_EVENT_PING_REPLY;
	assert_int_equal(replies, 20);
	assert_true(watch.by_secret[0] >= 42 && watch.by_secret[1] >= 42 && watch.by_secret[3] >= 42 && watch.unhashed >= 42);
	net_free(net);
}

/* ---- the neighbours ---- */

static struct romon_neighbor neighbor_of(struct net *net, unsigned router, uint32_t link)
{
	struct romon_neighbor list[8];
	size_t count = romon_engine_neighbors(net->routers[router].engine, list, 8, net->now);

	for (size_t i = 0; i < count; i++)
		if (list[i].link == link)
			return list[i];
	fail();
	return list[0];
}

/* What router 1 of a line of three tells of the routers at its ends. */
static void tells(struct net *net, unsigned end, int secret, uint32_t proven)
{
	struct romon_neighbor neighbor = neighbor_of(net, 1, end == 0 ? 1 : 2);

	assert_true(romon_mac_equal(neighbor.mac, net_mac(end, 1)));
	assert_true(neighbor.has_id && romon_mac_equal(neighbor.id, net_id(end)));
	assert_int_equal(neighbor.secret, secret);
	assert_int_equal(neighbor.proven, proven);
	assert_true(net->now.ns - neighbor.heard.ns <= 60 * ROMON_SECOND);
}

static void change(struct net *net, unsigned router, const char *const *secrets)
{
	net_secrets(net, router, secrets);
	net_run(net, 1500 * MS); /* a round of discovery at least */
}

static void neighbors_through_a_rotation(void **state)
{
	struct net *net = line_of(3);

	(void)state;
	net_discover(net, 0);
	net_discover(net, 2);
	net_run(net, 1500 * MS);
	tells(net, 0, -1, 0);
	tells(net, 2, -1, 0);
	change(net, 1, LIST("", "s"));
	tells(net, 0, -1, 0);
	change(net, 0, LIST("", "s")); /* it can take hashed frames now, though it sends none */
	tells(net, 0, -1, 2);
	tells(net, 2, -1, 0);
	change(net, 2, LIST("", "s"));
	tells(net, 2, -1, 2);
	change(net, 0, LIST("s", ""));
	tells(net, 0, 1, 2);
	tells(net, 2, -1, 2);
	change(net, 1, LIST("s", "")); /* the numbers are those of our list */
	tells(net, 0, 0, 1);
	tells(net, 2, -1, 1);
	change(net, 2, LIST("s", ""));
	tells(net, 2, 0, 1);
	change(net, 1, LIST("s"));
	change(net, 1, LIST("t", "s"));
	tells(net, 0, 1, 2); /* it lacks t: not to be taken s away */
	change(net, 0, LIST("s", "t"));
	tells(net, 0, 1, 3);
	change(net, 0, LIST("t"));
	tells(net, 0, 0, 3); /* it has proven s once */
	tells(net, 2, 1, 2);
	net_free(net);
}

/* Hellos tell who is there, before there is any discovery. */
static void neighbors_before_discovery(void **state)
{
	struct net *net = line_of(3);

	(void)state;
	for (unsigned r = 0; r < 3; r++)
		net_secrets(net, r, LIST("s"));
	net_run(net, 100 * MS);
	tells(net, 0, 0, 1);
	tells(net, 2, 0, 1);
	net_free(net);
}

/* An answer that a neighbour passes on, in either reading of the hop list, says nothing of which router the neighbour is. */
static void passed_on_answers_name_no_neighbor(void **state)
{
	struct craft_route parent = {.id = 0x0a0000000008, .out = {9, 1500, 100, 0x020000000802}};
	struct craft_route child = {.id = 0x0a0000000009, .in = {7, 1500, 100, 0x020000000901}};
	struct craft_hop hop = {8, 0x020000000101};
	struct romon_neighbor neighbor;
	struct lone lone;
	struct craft craft;

	(void)state;
	lone_open(&lone, 0x0a0000000001);
	lone_port(&lone, 1, hop.mac);
	romon_engine_discover_start(lone.engine, lone.now);
	lone_run(&lone, 0);
	for (unsigned pointer = 0; pointer < 2; pointer++) {
		craft_answer(&craft, hop.mac, 0x020000000801, 0x0a0000000001, pointer, &hop, 1, &parent, &child);
		lone_give(&lone, 1, &craft);
		assert_int_equal(romon_engine_neighbors(lone.engine, &neighbor, 1, lone.now), 1);
		assert_false(neighbor.has_id);
	}
	child.in.mac = 0x020000000801;
	parent = (struct craft_route){.id = 0x0a0000000001, .out = {1, 1500, 100, hop.mac}};
	craft_answer(&craft, hop.mac, child.in.mac, parent.id, 0, NULL, 0, &parent, &child);
	lone_give(&lone, 1, &craft);
	romon_engine_neighbors(lone.engine, &neighbor, 1, lone.now);
	assert_true(neighbor.has_id && craft_number(neighbor.id.b, 6) == child.id);
	lone_close(&lone);
}

/* Of a neighbour whose frames pass without the engine it is told that it is there, and forgets it like every other. */
static void heard_without_the_engine(void **state)
{
	struct romon_neighbor neighbor;
	struct lone lone;

	(void)state;
	lone_open(&lone, 0x0a0000000001);
	lone_port(&lone, 1, 0x020000000101);
	romon_engine_heard(lone.engine, 1, craft_address(0x020000000801), lone.now);
	romon_engine_heard(lone.engine, 2, craft_address(0x020000000802), lone.now); /* no port of ours */
	romon_engine_heard(lone.engine, 1, craft_address(CRAFT_GROUP), lone.now);
	assert_int_equal(romon_engine_neighbors(lone.engine, &neighbor, 1, lone.now), 1);
	assert_true(neighbor.link == 1 && craft_number(neighbor.mac.b, 6) == 0x020000000801);
	assert_true(!neighbor.has_id && neighbor.serial == 0);
	lone_run(&lone, 61 * ROMON_SECOND);
	assert_int_equal(romon_engine_neighbors(lone.engine, &neighbor, 1, lone.now), 0);
	lone_close(&lone);
}

/* A router that comes back without a secret that it had has not proven it any more. */
static void restart_takes_back_what_was_proven(void **state)
{
	struct net *net = line_of(3);

	(void)state;
	for (unsigned r = 0; r < 3; r++)
		net_secrets(net, r, LIST("s", "t"));
	net_discover(net, 0);
	net_run(net, 2 * ROMON_SECOND);
	tells(net, 0, 0, 3);
	net_restart(net, 0, LIST("s"));
	net_discover(net, 0);
	net_run(net, 2 * ROMON_SECOND);
	tells(net, 0, 0, 1);
	net_free(net);
}

/* The number of a port that comes back, with other secrets, tells nothing of the old ones. */
static void port_that_comes_back_has_other_secrets(void **state)
{
	struct romon_port port = {.link = 1, .mac = net_mac(1, 1), .mtu = 1500, .cost = 100};
	struct net *net = line_of(3);
	struct romon_engine *engine = net->routers[1].engine;
	struct romon_neighbor list[8];
	size_t count;

	(void)state;
	for (unsigned r = 0; r < 3; r++)
		net_secrets(net, r, LIST("s"));
	net_discover(net, 0);
	net_run(net, 2 * ROMON_SECOND);
	tells(net, 0, 0, 1);
	romon_engine_remove_port(engine, 1);
	assert_true(romon_engine_set_port(engine, &port, net->now));
	signer_list(engine, 1, LIST("u"), net->now);
	count = romon_engine_neighbors(engine, list, 8, net->now);
	for (size_t i = 0; i < count; i++)
		if (list[i].link == 1)
			assert_true(list[i].secret == -1 && list[i].proven == 0);
	net_free(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(different_secrets_see_nothing),
		cmocka_unit_test(one_way),
		cmocka_unit_test(frames_pass_from_secret_to_secret),
		cmocka_unit_test(neighbors_through_a_rotation),
		cmocka_unit_test(neighbors_before_discovery),
		cmocka_unit_test(passed_on_answers_name_no_neighbor),
		cmocka_unit_test(heard_without_the_engine),
		cmocka_unit_test(restart_takes_back_what_was_proven),
		cmocka_unit_test(port_that_comes_back_has_other_secrets),
	};

	return cmocka_run_group_tests_name("mismatch", tests, NULL, NULL);
}
