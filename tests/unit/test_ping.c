/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Ping, the asking end (docs/protocol.md section 6).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lone.h"

#define S ROMON_SECOND
#define MS ROMON_MILLISECOND

enum { PORTS_AT = 14 + 46 + 10, PAYLOAD_AT = PORTS_AT + 4 }; /* of Data with one hop */
static const uint64_t self = 0x0a0000000001, peer = 0x0a0000000002;
static const uint64_t our_mac = 0x020000000101, peer_mac = 0x020000000201;

static int set_up(void **state)
{
	static struct lone lone;

	lone_open(&lone, self);
	lone_port(&lone, 1, our_mac);
	*state = &lone;
	return 0;
}

static int tear_down(void **state)
{
	lone_close(*state);
	return 0;
}

/* The peer answers our Discover: there is a path of one hop. */
static void learn(struct lone *lone)
{
	struct craft_route parent = {.id = self, .out = {1, 1500, 100, our_mac}};
	struct craft_route child = {.id = peer, .in = {3, 1500, 100, peer_mac}};
	struct craft craft;

	craft_answer(&craft, our_mac, peer_mac, self, 0, NULL, 0, &parent, &child);
	lone_give(lone, 1, &craft);
}

static uint32_t ping_of(struct lone *lone, uint32_t count, uint16_t size, int64_t interval)
{
	struct romon_ping ping = {.id = craft_address(peer), .count = count, .size = size, .interval = interval};
	uint32_t handle = romon_engine_ping_start(lone->engine, &ping, lone->now);

	assert_int_not_equal(handle, 0);
	lone_run(lone, 0);
	return handle;
}

/* A path is known and nobody asks any more. */
static void know(struct lone *lone)
{
	romon_engine_discover_start(lone->engine, lone->now);
	lone_run(lone, 0);
	learn(lone);
	romon_engine_discover_stop(lone->engine);
	lone_forget(lone);
}

/* The last request that was sent, as the peer answers it. */
static void craft_reply(const struct lone *lone, struct craft *craft)
{
	const struct lone_sent *request = NULL;

	for (size_t i = 0; i < lone->count; i++)
		if (lone->sent[i].data[14] == CRAFT_DATA)
			request = &lone->sent[i];
	assert_non_null(request);
	craft->len = 0;
	craft_mac(craft, our_mac);
	craft_mac(craft, peer_mac);
	craft_bytes(craft, request->data + 12, request->len - 12);
	memcpy(craft->data + 42, request->data + 48, 6);
	memcpy(craft->data + 48, request->data + 42, 6);
	memcpy(craft->data + 60, (const uint8_t[10]){0, 0, 0, 3, 0x02, 0, 0, 0, 1, 1}, 10);
	memcpy(craft->data + PORTS_AT, request->data + PORTS_AT + 2, 2);
	memcpy(craft->data + PORTS_AT + 2, request->data + PORTS_AT, 2);
}

static void next_event(struct lone *lone, enum romon_event_type type, uint32_t handle, uint32_t seq)
{
	struct romon_event event;

	assert_true(romon_engine_event(lone->engine, &event));
	assert_int_equal(event.type, type);
	assert_int_equal(event.ping, handle);
	assert_true(romon_mac_equal(event.id, craft_address(peer)));
	if (type != ROMON_EVENT_PING_DONE)
		assert_int_equal(event.seq, seq);
}

static void no_event(struct lone *lone)
{
	struct romon_event event;

	assert_false(romon_engine_event(lone->engine, &event));
}

/* What counts is when the answer came in, if the link knows; a time that cannot be is none. */
static void when_the_answer_came(void **state)
{
	static const struct {
		int64_t came, rtt; /* ns after the request */
	} cases[] = {{300000, 300000}, {0, 500000}, {500001, 500000}, {-1, 0}};
	struct lone *lone = *state;
	struct romon_event event;
	struct craft reply;

	know(lone);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t sent = lone->now.ns;

		ping_of(lone, 1, 32, S);
		craft_reply(lone, &reply);
		lone_run(lone, 500000);
		romon_engine_receive(lone->engine,
			&(struct romon_frame){.link = 1,
				.len = reply.len,
				.data = reply.data,
				.came = {cases[i].came == 0 ? 0 : sent + cases[i].came}},
			1, lone->now);
		assert_true(romon_engine_event(lone->engine, &event));
		assert_int_equal(event.type, ROMON_EVENT_PING_REPLY);
		assert_int_equal(event.rtt, cases[i].rtt);
		lone_run(lone, 0);
		assert_true(romon_engine_event(lone->engine, &event) && event.type == ROMON_EVENT_PING_DONE);
		lone_forget(lone);
	}
}

static void a_request_and_its_reply(void **state)
{
	static const uint8_t zeros[28];
	struct lone *lone = *state;
	const struct lone_sent *sent;
	struct romon_event event;
	struct romon_time when;
	struct craft reply;
	uint32_t handle;

	know(lone);
	handle = ping_of(lone, 1, 32, S);
	sent = lone_only(lone, 1, 0);
	assert_int_equal(sent->len, PAYLOAD_AT + 32);
	assert_true(craft_number(sent->data, 6) == peer_mac);
	assert_true(craft_number(sent->data + 42, 6) == self && craft_number(sent->data + 48, 6) == peer);
	assert_int_equal(craft_number(sent->data + CRAFT_BODY, 6), 0x010000000000);
	assert_int_equal(craft_number(sent->data + 60, 4), 1);
	assert_true(craft_number(sent->data + 64, 6) == peer_mac);
	assert_in_range(craft_number(sent->data + PORTS_AT, 2), 1024, 65535);
	assert_int_equal(craft_number(sent->data + PORTS_AT + 2, 2), 1);
	assert_int_equal(craft_number(sent->data + PAYLOAD_AT, 4), 0);
	assert_memory_equal(sent->data + PAYLOAD_AT + 4, zeros, 28);
	craft_reply(lone, &reply);
	lone_run(lone, 412000);
	no_event(lone);
	lone_give(lone, 1, &reply);
	assert_true(romon_engine_event(lone->engine, &event));
	assert_int_equal(event.type, ROMON_EVENT_PING_REPLY);
	assert_true(event.ping == handle && event.seq == 0 && event.size == 32 && event.rtt == 412000);
	lone_run(lone, 0);
	next_event(lone, ROMON_EVENT_PING_DONE, handle, 0);
	no_event(lone);
	assert_false(romon_engine_wake(lone->engine, &when));
	lone_refuses(lone, 1, &reply, ROMON_DROP_LATE); /* a second time */
}

static void late_and_wrong_replies_do_not_count(void **state)
{
	struct lone *lone = *state;
	struct craft reply, wrong;
	uint32_t handle;

	know(lone);
	handle = ping_of(lone, 1, 32, S);
	craft_reply(lone, &reply);
	for (size_t i = 0; i < 5; i++) {
		static const size_t at[] = {42 + 5, PORTS_AT + 3, PAYLOAD_AT + 3, PAYLOAD_AT, 0};

		wrong = reply; /* from another ID, to another port, of another number, and one that is too short */
		if (at[i] != 0)
			wrong.data[at[i]] ^= 1;
		else
			wrong.len--;
		craft_end(&wrong);
		lone_refuses(lone, 1, &wrong, ROMON_DROP_LATE);
	}
	lone_run(lone, S - 1);
	no_event(lone);
	lone_run(lone, 1);
	next_event(lone, ROMON_EVENT_PING_TIMEOUT, handle, 0);
	next_event(lone, ROMON_EVENT_PING_DONE, handle, 0);
	lone_refuses(lone, 1, &reply, ROMON_DROP_LATE);
	no_event(lone);
}

static void a_reply_in_its_last_nanosecond_counts(void **state)
{
	struct lone *lone = *state;
	struct craft reply;
	uint32_t handle;

	know(lone);
	handle = ping_of(lone, 0, 32, 10 * S);
	craft_reply(lone, &reply);
	lone_run(lone, S - 1);
	lone_give(lone, 1, &reply);
	next_event(lone, ROMON_EVENT_PING_REPLY, handle, 0);
	lone_run(lone, 9 * S + 1);
	craft_reply(lone, &reply);
	lone->now.ns += S; /* and one nanosecond later it does not, even if the timeout is told after it */
	lone_give(lone, 1, &reply);
	assert_int_equal(lone_drops(lone, 1, ROMON_DROP_LATE), 1);
	next_event(lone, ROMON_EVENT_PING_TIMEOUT, handle, 1);
	no_event(lone);
}

static void interval_count_and_order(void **state)
{
	struct lone *lone = *state;
	struct romon_time start = lone->now;
	uint32_t handle;

	know(lone);
	handle = ping_of(lone, 5, 32, 100 * MS);
	lone_run(lone, 3 * S);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 5);
	for (size_t i = 0, n = 0; i < lone->count; i++) {
		if (lone->sent[i].data[14] != CRAFT_DATA)
			continue;
		assert_int_equal(lone->sent[i].at.ns - start.ns, (int64_t)n * 100 * MS);
		assert_int_equal(craft_number(lone->sent[i].data + PAYLOAD_AT, 4), n++);
	}
	for (uint32_t seq = 0; seq < 5; seq++)
		next_event(lone, ROMON_EVENT_PING_TIMEOUT, handle, seq);
	next_event(lone, ROMON_EVENT_PING_DONE, handle, 0);
	no_event(lone);
}

static void time_lost_is_not_caught_up(void **state)
{
	struct lone *lone = *state;

	know(lone);
	ping_of(lone, 0, 32, 100 * MS);
	lone->now.ns += 450 * MS; /* nobody called */
	lone_forget(lone);
	lone_run(lone, 99 * MS);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 1);
	lone_run(lone, 1 * MS);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 2);
}

static void replies_may_overtake(void **state)
{
	struct lone *lone = *state;
	struct craft first, second;
	uint32_t handle;

	know(lone);
	handle = ping_of(lone, 2, 32, 10 * MS);
	craft_reply(lone, &first);
	lone_run(lone, 10 * MS);
	craft_reply(lone, &second);
	lone_give(lone, 1, &second);
	lone_give(lone, 1, &first);
	lone_run(lone, 0);
	next_event(lone, ROMON_EVENT_PING_REPLY, handle, 1);
	next_event(lone, ROMON_EVENT_PING_REPLY, handle, 0);
	next_event(lone, ROMON_EVENT_PING_DONE, handle, 0);
}

static void stop_ends_it(void **state)
{
	struct lone *lone = *state;
	struct romon_time when;
	uint32_t first, second;

	know(lone);
	first = ping_of(lone, 0, 32, S);
	second = ping_of(lone, 0, 32, S);
	assert_int_not_equal(first, second);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 2);
	assert_memory_not_equal(lone->sent[0].data + PORTS_AT, lone->sent[1].data + PORTS_AT, 2);
	romon_engine_ping_stop(lone->engine, first);
	romon_engine_ping_stop(lone->engine, first);
	romon_engine_ping_stop(lone->engine, 12345);
	lone_run(lone, 1500 * MS);
	next_event(lone, ROMON_EVENT_PING_TIMEOUT, second, 0);
	no_event(lone);
	romon_engine_ping_stop(lone->engine, second);
	no_event(lone);
	lone_forget(lone);
	assert_false(romon_engine_wake(lone->engine, &when)); /* nor does it ask for a path any more */
	lone_run(lone, 10 * S);
	assert_int_equal(lone->count, 0);
}

static void what_cannot_be_pinged(void **state)
{
	struct lone *lone = *state;
	struct romon_ping good = {.id = craft_address(peer), .size = 4, .interval = MS}, bad = good;
	unsigned started = 0;

	bad.size = 3;
	assert_int_equal(romon_engine_ping_start(lone->engine, &bad, lone->now), 0);
	bad = good;
	bad.interval = MS - 1;
	assert_int_equal(romon_engine_ping_start(lone->engine, &bad, lone->now), 0);
	bad.interval = INT64_MAX; /* adding it to the time would overflow */
	assert_int_equal(romon_engine_ping_start(lone->engine, &bad, lone->now), 0);
	bad = good;
	bad.id = romon_mac_broadcast;
	assert_int_equal(romon_engine_ping_start(lone->engine, &bad, lone->now), 0);
	while (started < 100000 && romon_engine_ping_start(lone->engine, &good, lone->now) != 0)
		started++;
	assert_in_range(started, 16, 4096); /* there is a bound */
}

static void the_longest_interval(void **state)
{
	struct lone *lone = *state;

	know(lone);
	ping_of(lone, 2, 32, 24 * 3600 * S);
	lone_run(lone, 3600 * S);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 1);
}

static void sizes(void **state)
{
	struct lone *lone = *state;
	uint32_t handle;

	know(lone);
	ping_of(lone, 1, 4, S);
	assert_int_equal(lone_only(lone, 1, CRAFT_DATA)->len, PAYLOAD_AT + 4);
	lone_forget(lone);
	ping_of(lone, 1, 1440, S); /* 1500 less header 46, one hop, ports */
	assert_int_equal(lone_only(lone, 1, CRAFT_DATA)->len, 1514);
	lone_run(lone, 2 * S);
	while (romon_engine_event(lone->engine, &(struct romon_event){0}))
		;
	know(lone);
	handle = ping_of(lone, 1, 1441, S);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 0);
	assert_int_equal(lone_drops(lone, 1, ROMON_DROP_TOO_BIG), 1);
	lone_run(lone, S);
	next_event(lone, ROMON_EVENT_PING_TIMEOUT, handle, 0);
	next_event(lone, ROMON_EVENT_PING_DONE, handle, 0);
	handle = ping_of(lone, 1, 65535, S);
	lone_run(lone, S);
	next_event(lone, ROMON_EVENT_PING_TIMEOUT, handle, 0);
}

static void an_unknown_id_is_asked_for(void **state)
{
	struct lone *lone = *state;
	struct craft reply;
	uint32_t handle = ping_of(lone, 1, 32, S);

	assert_int_equal(lone_only(lone, 1, 0)->data[14], CRAFT_DISCOVER);
	lone_run(lone, 300 * MS);
	learn(lone);
	lone_run(lone, 0);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 1); /* as soon as there is a path */
	craft_reply(lone, &reply);
	lone_run(lone, 900 * MS); /* the wait for a path is no part of it */
	lone_give(lone, 1, &reply);
	lone_run(lone, 0);
	next_event(lone, ROMON_EVENT_PING_REPLY, handle, 0);
	next_event(lone, ROMON_EVENT_PING_DONE, handle, 0);
	lone_forget(lone);
	lone_run(lone, 10 * S);
	assert_int_equal(lone->count, 0); /* and the asking has ended */
}

static void an_unknown_id_times_out(void **state)
{
	struct lone *lone = *state;
	uint32_t handle = ping_of(lone, 3, 32, S);

	lone_run(lone, S);
	next_event(lone, ROMON_EVENT_PING_TIMEOUT, handle, 0);
	no_event(lone);
	lone_run(lone, 2 * S);
	next_event(lone, ROMON_EVENT_PING_TIMEOUT, handle, 1);
	next_event(lone, ROMON_EVENT_PING_TIMEOUT, handle, 2);
	next_event(lone, ROMON_EVENT_PING_DONE, handle, 0);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 0);
	assert_true(lone_count(lone, 1, CRAFT_DISCOVER) >= 3);
}

static void an_old_path_is_tried_and_looked_for_again(void **state)
{
	struct lone *lone = *state;

	know(lone);
	lone_run(lone, 5 * S + 1);
	ping_of(lone, 0, 32, S);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 1);
	assert_int_equal(lone_count(lone, 1, CRAFT_DISCOVER), 1);
}

static void a_path_that_vanishes_is_asked_for(void **state)
{
	struct lone *lone = *state;
	struct craft reply;
	uint32_t handle;

	know(lone);
	handle = ping_of(lone, 0, 32, S);
	craft_reply(lone, &reply);
	lone_give(lone, 1, &reply);
	next_event(lone, ROMON_EVENT_PING_REPLY, handle, 0);
	romon_engine_remove_port(lone->engine, 1);
	lone_port(lone, 1, our_mac);
	lone_forget(lone);
	lone_run(lone, S + S / 2);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 0);
	assert_true(lone_count(lone, 1, CRAFT_DISCOVER) >= 1);
	learn(lone);
	lone_run(lone, 0);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 1);
}

static void a_reply_does_not_come_for_a_removed_port(void **state)
{
	struct lone *lone = *state;
	uint32_t handle;

	know(lone);
	handle = ping_of(lone, 2, 32, 500 * MS);
	romon_engine_remove_port(lone->engine, 1);
	lone_run(lone, 3 * S);
	next_event(lone, ROMON_EVENT_PING_TIMEOUT, handle, 0);
	next_event(lone, ROMON_EVENT_PING_TIMEOUT, handle, 1);
	next_event(lone, ROMON_EVENT_PING_DONE, handle, 0);
	lone_port(lone, 1, our_mac);
	know(lone);
	ping_of(lone, 1, 32, S);
	assert_int_equal(lone_count(lone, 1, CRAFT_DATA), 1);
}

#define with_router(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_router(a_request_and_its_reply),
		with_router(when_the_answer_came),
		with_router(late_and_wrong_replies_do_not_count),
		with_router(a_reply_in_its_last_nanosecond_counts),
		with_router(interval_count_and_order),
		with_router(time_lost_is_not_caught_up),
		with_router(replies_may_overtake),
		with_router(stop_ends_it),
		with_router(what_cannot_be_pinged),
		with_router(the_longest_interval),
		with_router(sizes),
		with_router(an_unknown_id_is_asked_for),
		with_router(an_unknown_id_times_out),
		with_router(an_old_path_is_tried_and_looked_for_again),
		with_router(a_path_that_vanishes_is_asked_for),
		with_router(a_reply_does_not_come_for_a_removed_port),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
