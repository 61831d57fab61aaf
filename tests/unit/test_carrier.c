/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A port without carrier: nothing is sent by it, what was learned over it is forgotten at once, its counters stay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "net.h"

static void set_carrier(struct net *net, unsigned router, uint32_t link, bool carrier)
{
	const struct romon_port port = {
		.link = link, .mac = net_mac(router, link), .mtu = 1500, .cost = 100, .no_carrier = !carrier};

	assert_true(romon_engine_set_port(net->routers[router].engine, &port, net->now));
	net_flush(net, router);
}

/* A triangle: from 0 to 1 directly, or by 2. */
static void the_detour_serves_at_once(void **state)
{
	struct net *net = net_new(1);
	struct romon_port_stats before, after;
	struct romon_seen seen;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		net_router(net);
	net_wire(net, 0, 1);
	net_wire(net, 0, 2);
	net_wire(net, 2, 1);
	net_discover(net, 0);
	net_run(net, 100 * ROMON_MILLISECOND);
	assert_true(net_seen(net, 0, 1, &seen));
	assert_int_equal(seen.hops, 1);
	assert_true(romon_engine_port_stats(net->routers[0].engine, 1, &before));
	assert_true(before.tx > 0 && before.rx > 0);

	net->cut[0] = true;
	set_carrier(net, 0, 1, false);
	assert_true(net_seen(net, 0, 1, &seen));
	assert_int_equal(seen.hops, 2);
	net_run(net, 3 * ROMON_SECOND);
	assert_true(romon_engine_port_stats(net->routers[0].engine, 1, &after));
	assert_int_equal(after.tx, before.tx);
	assert_int_equal(after.rx, before.rx);

	net->cut[0] = false;
	set_carrier(net, 0, 1, true);
	net_run(net, 100 * ROMON_MILLISECOND); /* asked at once, not at the next round */
	assert_true(net_seen(net, 0, 1, &seen));
	assert_int_equal(seen.hops, 1);
	net_free(net);
}

/* A frame whose route leaves by such a port is dropped there, and Discovers are not passed on by it. */
static void nothing_leaves_by_it(void **state)
{
	struct net *net = net_new(2);
	struct romon_ping ping = {.id = net_id(2), .count = 1, .size = 32, .interval = ROMON_SECOND};
	struct romon_event event;

	(void)state;
	for (unsigned i = 0; i < 3; i++)
		net_router(net);
	net_wire(net, 0, 1);
	net_wire(net, 1, 2);
	net_discover(net, 0);
	net_run(net, 100 * ROMON_MILLISECOND);
	net_stop(net, 0);
	set_carrier(net, 1, 2, false);
	net_reset(net);
	assert_int_not_equal(romon_engine_ping_start(net->routers[0].engine, &ping, net->now), 0);
	net_flush(net, 0);
	net_run(net, 2 * ROMON_SECOND);
	assert_true(romon_engine_event(net->routers[0].engine, &event));
	assert_int_equal(event.type, ROMON_EVENT_PING_TIMEOUT);
	assert_int_equal(net_drops(net, 1, ROMON_DROP_NO_CARRIER), 1);
	assert_int_equal(net->crossings[1], 0);
	net_free(net);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_detour_serves_at_once),
		cmocka_unit_test(nothing_leaves_by_it),
	};

	return cmocka_run_group_tests_name("carrier", tests, NULL, NULL);
}
