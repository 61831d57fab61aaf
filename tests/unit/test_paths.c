/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which path is chosen: each tie-break of docs/protocol.md section 5 alone, from edges reported by crafted answers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include "lone.h"

/* Routers are numbers: 1 is ourselves, with ports 1 to 4. */
#define ID(number) (0x0a0000000000ULL + (number))
#define MAC(number, link) (0x020000000000ULL + (number)*256 + (link))

static int set_up(void **state)
{
	static struct lone lone;

	lone_open(&lone, ID(1));
	for (unsigned link = 1; link <= 4; link++)
		lone_port(&lone, link, MAC(1, link));
	romon_engine_discover_start(lone.engine, lone.now);
	lone_run(&lone, 0);
	lone_forget(&lone);
	*state = &lone;
	return 0;
}

static int tear_down(void **state)
{
	lone_close(*state);
	return 0;
}

struct end {
	unsigned router;
	uint32_t link;
	uint16_t cost, l2mtu;
};

/* Parent's and child's port of one reported edge. Our own port's values are what it is set to. */
static void report(struct lone *lone, struct end parent, struct end child)
{
	bool direct = parent.router == 1;
	uint32_t by = direct ? parent.link : 1;
	struct craft_hop way = {9, MAC(1, by)};
	struct craft_route p = {.id = ID(parent.router)}, c = {.id = ID(child.router)};
	uint64_t drops = lone_all_drops(lone);
	struct craft craft;

	p.out = (struct craft_end){parent.link, parent.l2mtu, parent.cost, MAC(parent.router, parent.link)};
	c.in = (struct craft_end){child.link, child.l2mtu, child.cost, MAC(child.router, child.link)};
	if (direct)
		lone_port_of(lone, by, MAC(1, by), parent.l2mtu, parent.cost);
	craft_answer(&craft, MAC(1, by), 0x020000eeee01, ID(1), 0, &way, direct ? 0 : 1, &p, &c);
	lone_give(lone, by, &craft);
	assert_int_equal(lone_all_drops(lone), drops);
}

/* A link whose ends have the usual cost and MTU. */
static void link_up(struct lone *lone, unsigned a, uint32_t a_link, unsigned b, uint32_t b_link)
{
	report(lone, (struct end){a, a_link, 100, 1500}, (struct end){b, b_link, 100, 1500});
}

static struct romon_seen look(struct lone *lone, unsigned target)
{
	struct romon_seen seen;

	for (size_t i = 0; romon_engine_router(lone->engine, i, &seen); i++)
		if (romon_mac_equal(seen.id, craft_address(ID(target))))
			return seen;
	fail_msg("router %u is not known", target);
	abort();
}

/* The path to the target goes by the router `via` first. */
static void goes_by(struct lone *lone, unsigned target, unsigned via, uint32_t cost, unsigned hops)
{
	struct romon_seen seen = look(lone, target);

	assert_true(seen.reachable);
	assert_int_equal(seen.cost, cost);
	assert_int_equal(seen.hops, hops);
	assert_true(romon_mac_equal(seen.path[0], craft_address(ID(via))));
	assert_true(romon_mac_equal(seen.path[hops - 1], seen.id));
}

/* The link that a frame to the target leaves by, and the next hop's MAC. */
static void frame_leaves(struct lone *lone, unsigned target, uint32_t link, uint64_t mac)
{
	struct romon_ping ping = {.id = craft_address(ID(target)), .size = 32, .interval = ROMON_SECOND};
	uint32_t handle = romon_engine_ping_start(lone->engine, &ping, lone->now);

	lone_forget(lone);
	lone_run(lone, 0);
	romon_engine_ping_stop(lone->engine, handle);
	assert_int_equal(lone_count(lone, 0, CRAFT_DATA), 0);
	for (uint32_t l = 1; l <= 4; l++)
		assert_int_equal(lone_count(lone, l, CRAFT_DATA), l == link);
	assert_true(craft_number(lone_only(lone, link, CRAFT_DATA)->data, 6) == mac);
}

static void cost_is_the_sum_of_both_ends(void **state)
{
	struct lone *lone = *state;
	struct romon_seen seen;

	report(lone, (struct end){1, 1, 10, 1500}, (struct end){2, 1, 20, 1480});
	report(lone, (struct end){2, 2, 30, 1400}, (struct end){3, 1, 40, 1600});
	goes_by(lone, 2, 2, 30, 1);
	goes_by(lone, 3, 2, 100, 2);
	seen = look(lone, 3);
	assert_int_equal(seen.l2mtu, 1400);
	assert_int_equal(look(lone, 2).l2mtu, 1480);
	assert_true(romon_mac_equal(seen.path[1], craft_address(ID(3))));
}

static void the_cheapest_wins(void **state)
{
	struct lone *lone = *state;

	report(lone, (struct end){1, 1, 300, 9000}, (struct end){4, 1, 300, 9000}); /* direct, wide, and dear */
	report(lone, (struct end){1, 2, 100, 1280}, (struct end){9, 1, 100, 1280});
	report(lone, (struct end){9, 2, 100, 1280}, (struct end){4, 2, 299, 1280});
	goes_by(lone, 4, 9, 599, 2);
	assert_int_equal(look(lone, 4).l2mtu, 1280);
}

static void then_the_fewest_hops(void **state)
{
	struct lone *lone = *state;

	report(lone, (struct end){1, 2, 100, 9000}, (struct end){2, 1, 100, 9000});
	report(lone, (struct end){2, 2, 100, 9000}, (struct end){4, 2, 300, 9000});
	report(lone, (struct end){1, 1, 300, 1280}, (struct end){4, 1, 300, 1280});
	goes_by(lone, 4, 4, 600, 1);
}

static void then_the_larger_l2mtu(void **state)
{
	struct lone *lone = *state;

	link_up(lone, 1, 1, 2, 1);
	report(lone, (struct end){2, 2, 100, 1400}, (struct end){4, 1, 100, 1500});
	link_up(lone, 1, 2, 3, 1);
	report(lone, (struct end){3, 2, 100, 1500}, (struct end){4, 2, 100, 1401});
	goes_by(lone, 4, 3, 400, 2);
	assert_int_equal(look(lone, 4).l2mtu, 1401);
}

static void then_the_lowest_ids(void **state)
{
	struct lone *lone = *state;

	/* By 3 and then 5, or by 2 and then 6: the first that differs decides. The link ids speak for the other one. */
	link_up(lone, 1, 1, 3, 1);
	link_up(lone, 3, 2, 5, 1);
	link_up(lone, 5, 2, 4, 1);
	link_up(lone, 1, 2, 2, 9);
	link_up(lone, 2, 8, 6, 9);
	link_up(lone, 6, 8, 4, 2);
	goes_by(lone, 4, 2, 600, 3);
}

static void then_the_lowest_link_ids(void **state)
{
	struct lone *lone = *state;

	link_up(lone, 1, 3, 2, 1);
	link_up(lone, 1, 2, 2, 5);
	link_up(lone, 1, 4, 2, 2);
	goes_by(lone, 2, 2, 200, 1);
	frame_leaves(lone, 2, 2, MAC(2, 5));
	link_up(lone, 1, 2, 2, 3); /* the same port of ours, a lower one of theirs: two ports on one segment */
	frame_leaves(lone, 2, 2, MAC(2, 3));
	link_up(lone, 1, 2, 2, 4);
	frame_leaves(lone, 2, 2, MAC(2, 3));
}

/* Whatever the order of the reports, the result is the same. */
static void the_order_of_reports_does_not_matter(void **state)
{
	static const unsigned edges[6][4] = {{1, 1, 3, 1}, {1, 2, 2, 1}, {2, 2, 4, 2}, {3, 2, 4, 1}, {4, 3, 5, 1}, {2, 3, 5, 2}};
	(void)state;

	for (unsigned first = 0; first < 6; first++) {
		for (unsigned step = 1; step <= 5; step += 4) {
			void *again;
			set_up(&again);
			for (unsigned i = 0; i < 6; i++) {
				const unsigned *e = edges[(first + i * step) % 6];
				link_up(again, e[0], e[1], e[2], e[3]);
			}
			goes_by(again, 4, 2, 400, 2);
			goes_by(again, 5, 2, 400, 2);
			tear_down(&again);
		}
	}
}

static void a_link_serves_in_both_directions(void **state)
{
	struct lone *lone = *state;

	/* 1 - 2 - 3 - 4, where only 4 has reported the two outer links, as their parent. */
	link_up(lone, 1, 1, 2, 1);
	report(lone, (struct end){4, 1, 50, 1500}, (struct end){3, 2, 60, 1300});
	report(lone, (struct end){3, 1, 70, 1500}, (struct end){2, 2, 80, 1500});
	goes_by(lone, 3, 2, 350, 2);
	report(lone, (struct end){1, 2, 9000, 1500}, (struct end){4, 5, 9000, 1500});
	goes_by(lone, 4, 2, 460, 3);
	assert_int_equal(look(lone, 4).l2mtu, 1300);
}

/* Two that answered behind one port of a third are on one segment. */
static void members_of_a_segment_reach_each_other(void **state)
{
	struct lone *lone = *state;

	/* 2 and 3 are on the segment of 9's port 1; we reach 9 at a high cost, and 2 at a low one by another port. */
	report(lone, (struct end){1, 1, 5000, 1500}, (struct end){9, 5, 5000, 1500});
	link_up(lone, 9, 1, 2, 1);
	report(lone, (struct end){9, 1, 100, 1500}, (struct end){3, 1, 40, 1400});
	goes_by(lone, 3, 9, 10140, 2);
	link_up(lone, 1, 2, 2, 2);
	goes_by(lone, 3, 2, 340, 2); /* 200, and the costs of both members' ports; the owner's has no part in it */
	assert_int_equal(look(lone, 3).l2mtu, 1400);
	goes_by(lone, 9, 2, 400, 2);                                                /* and from a member to the owner */
	report(lone, (struct end){9, 2, 100, 1500}, (struct end){7, 1, 100, 1500}); /* another port of 9, another segment */
	goes_by(lone, 7, 2, 600, 3);
}

static void reported_edges_win_ties(void **state)
{
	struct lone *lone = *state;

	/* To 4 by 2, whose edge with 4 is inferred, or by 3, that reported one. By L2MTU, IDs and links 2 would win. */
	link_up(lone, 1, 1, 2, 1);
	link_up(lone, 9, 1, 2, 2);
	link_up(lone, 9, 1, 4, 1);
	link_up(lone, 1, 2, 3, 1);
	goes_by(lone, 4, 2, 400, 2);
	report(lone, (struct end){3, 2, 100, 1400}, (struct end){4, 2, 100, 1400});
	goes_by(lone, 4, 3, 400, 2);
	report(lone, (struct end){3, 2, 100, 1400}, (struct end){4, 2, 101, 1400}); /* no tie any more */
	goes_by(lone, 4, 2, 400, 2);
}

static void a_stale_edge_serves_where_nothing_fresh_does(void **state)
{
	struct lone *lone = *state;

	link_up(lone, 1, 1, 4, 1);
	for (unsigned i = 0; i < 6; i++)
		lone_run(lone, ROMON_SECOND);
	goes_by(lone, 4, 4, 200, 1);
	assert_false(look(lone, 4).active);
	report(lone, (struct end){1, 2, 100, 1500}, (struct end){2, 1, 100, 1500});
	report(lone, (struct end){2, 2, 5000, 1500}, (struct end){4, 2, 5000, 1500}); /* fresh, if ever so dear */
	goes_by(lone, 4, 2, 10200, 2);
	assert_true(look(lone, 4).active);
	link_up(lone, 1, 1, 4, 1);
	goes_by(lone, 4, 4, 200, 1);
}

/* An unanswered ping puts a link in doubt, from whichever end it was reported. */
static void a_link_in_doubt_is_left_for_a_dearer_one(void **state)
{
	struct lone *lone = *state;
	struct romon_ping ping = {.id = craft_address(ID(4)), .count = 1, .size = 32, .interval = ROMON_SECOND};

	link_up(lone, 1, 1, 2, 1);
	link_up(lone, 2, 2, 4, 1);
	link_up(lone, 4, 1, 2, 2);
	link_up(lone, 1, 2, 3, 1);
	report(lone, (struct end){3, 2, 700, 1500}, (struct end){4, 2, 700, 1500});
	goes_by(lone, 4, 2, 400, 2);
	assert_true(romon_engine_ping_start(lone->engine, &ping, lone->now) != 0);
	lone_run(lone, ROMON_SECOND - 1);
	goes_by(lone, 4, 2, 400, 2);
	lone_run(lone, 1);
	goes_by(lone, 4, 3, 1600, 2);
	link_up(lone, 1, 1, 2, 1); /* reported again: it is worth another try, and the other one is not yet */
	goes_by(lone, 4, 3, 1600, 2);
	link_up(lone, 2, 2, 4, 1);
	goes_by(lone, 4, 2, 400, 2);
}

static void a_changed_cost_counts_at_once(void **state)
{
	struct lone *lone = *state;

	link_up(lone, 1, 1, 2, 1);
	report(lone, (struct end){1, 1, 100, 1500}, (struct end){2, 1, 65535, 1500});
	goes_by(lone, 2, 2, 65635, 1);
	report(lone, (struct end){1, 1, 100, 1500}, (struct end){2, 1, 1, 700});
	goes_by(lone, 2, 2, 101, 1);
	assert_int_equal(look(lone, 2).l2mtu, 700);
}

/* The link between 2 and 3 was reported from both ends, and then a dearer cost of 3's port from one of them. */
static void the_newest_report_of_a_port_counts(void **state)
{
	struct lone *lone = *state;

	link_up(lone, 1, 1, 2, 1);
	link_up(lone, 3, 1, 2, 2);
	link_up(lone, 2, 2, 3, 1);
	goes_by(lone, 3, 2, 400, 2);
	report(lone, (struct end){2, 2, 100, 1500}, (struct end){3, 1, 900, 1400});
	goes_by(lone, 3, 2, 1200, 2);
	assert_int_equal(look(lone, 3).l2mtu, 1400);
	report(lone, (struct end){3, 1, 50, 1300}, (struct end){2, 2, 100, 1500});
	goes_by(lone, 3, 2, 350, 2);
	assert_int_equal(look(lone, 3).l2mtu, 1300);
}

static void nobody_is_further_than_255_hops(void **state)
{
	struct lone *lone = *state;

	link_up(lone, 1, 1, 2, 1);
	for (unsigned i = 2; i < 300; i++)
		link_up(lone, i, 2, i + 1, 1);
	assert_int_equal(look(lone, 256).hops, 255);
	assert_true(romon_mac_equal(look(lone, 256).path[254], craft_address(ID(256))));
	assert_true(romon_mac_equal(look(lone, 256).path[0], craft_address(ID(2))));
	assert_false(look(lone, 257).reachable);
	assert_false(look(lone, 300).reachable);
}

/* Sixteen thousand forged routers on one segment, none of whose links costs anything: what would be steps in the square of their number
 * keeps nobody busy. */
static void a_flood_of_members_is_computed_in_time(void **state)
{
	struct lone *lone = *state;
	clock_t begun;

	for (unsigned i = 0; i < 16000; i++)
		report(lone, (struct end){1, 1, 1, 1500}, (struct end){10 + i, 1, 0, 1500});
	begun = clock();
	assert_int_equal(romon_engine_router_count(lone->engine), 16000);
	assert_true((clock() - begun) / CLOCKS_PER_SEC < 1);
	goes_by(lone, 16009, 16009, 1, 1);
}

/* A router that claims ever more ports is believed up to a bound, again and again. */
static void ports_without_end_are_bounded(void **state)
{
	struct lone *lone = *state;
	struct craft_route ours = {.id = ID(1), .out = {1, 1500, 100, MAC(1, 1)}};

	for (unsigned time = 1; time <= 2; time++) {
		for (unsigned i = 0; i < 3000; i++) {
			struct craft_route theirs = {.id = ID(2), .in = {1 + i, 1500, 100, 0x020000eeee01}};
			struct craft craft;

			craft_answer(&craft, MAC(1, 1), 0x020000eeee01, ID(1), 0, NULL, 0, &ours, &theirs);
			lone_give(lone, 1, &craft);
		}
		assert_int_equal(romon_engine_edge_count(lone->engine), 1024);
		assert_int_equal(lone_drops(lone, 1, ROMON_DROP_TABLE_FULL), time * (3000 - 1024));
		link_up(lone, 1, 2, 3, 1); /* others find room */
		goes_by(lone, 3, 3, 200, 1);
		lone_run(lone, 36 * ROMON_SECOND); /* 31 rounds; after so many answers one of them takes 5 s */
		assert_int_equal(romon_engine_edge_count(lone->engine), 0);
	}
}

#define with_router(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_router(cost_is_the_sum_of_both_ends),
		with_router(the_cheapest_wins),
		with_router(then_the_fewest_hops),
		with_router(then_the_larger_l2mtu),
		with_router(then_the_lowest_ids),
		with_router(then_the_lowest_link_ids),
		cmocka_unit_test(the_order_of_reports_does_not_matter),
		with_router(a_link_serves_in_both_directions),
		with_router(members_of_a_segment_reach_each_other),
		with_router(reported_edges_win_ties),
		with_router(a_stale_edge_serves_where_nothing_fresh_does),
		with_router(a_link_in_doubt_is_left_for_a_dearer_one),
		with_router(a_changed_cost_counts_at_once),
		with_router(the_newest_report_of_a_port_counts),
		with_router(nobody_is_further_than_255_hops),
		with_router(a_flood_of_members_is_computed_in_time),
		with_router(ports_without_end_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
