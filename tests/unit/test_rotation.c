/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Secrets come, change and go in a running network, and no frame is lost: the procedure of the MikroTik page, router by router in
 * random order, on a ring of six with a line of ten, while pings run between several pairs and discovery is on. Every frame on every wire
 * is looked at: is it hashed as its sender's list says at that moment?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net.h"
#include "signer.h"

#define MS ROMON_MILLISECOND
#define RING 6
#define ROUTERS 16
#define PING_INTERVAL (10 * MS)
#define LIST(...) \
	{ \
		__VA_ARGS__, NULL \
	}

typedef const char *secret_list[3]; /* up to NULL */

/* What every router has, as the test gave it, and what was seen of that. */
struct watch {
	const char *const *lists[ROUTERS];
	uint64_t hashed, unhashed; /* Discover, DiscoverResp and Data sent */
	uint64_t unknown;          /* Hellos and SeqErrs that came to one who lacks their secret: nobody could take them */
	unsigned lose;             /* the control frame with this number, from 1, is lost; 0: none */
	unsigned controls;
};

static bool control(const struct net_wire *wire)
{
	return wire->frame[14] == CRAFT_SEQ_ERR || wire->frame[14] == CRAFT_HELLO;
}

static void look(void *ctx, const struct net_wire *wire)
{
	struct watch *watch = ctx;
	const char *first = watch->lists[wire->from][0];

	if (control(wire))
		return;
	if (first == NULL || first[0] == '\0') {
		assert_true(signer_unhashed(wire->frame));
		watch->unhashed++;
	} else {
		assert_true(signer_fits(first, wire->frame));
		watch->hashed++;
	}
}

static bool arrives(void *ctx, const struct net_wire *wire)
{
	struct watch *watch = ctx;
	bool fits = false;

	if (!control(wire))
		return false;
	if (++watch->controls == watch->lose)
		return true;
	for (const char *const *secret = watch->lists[wire->to]; *secret != NULL; secret++)
		fits |= (*secret)[0] != '\0' && signer_fits(*secret, wire->frame);
	watch->unknown += !fits;
	return false;
}

static void give(struct net *net, struct watch *watch, unsigned router, const char *const *list)
{
	watch->lists[router] = list;
	net_secrets(net, router, list);
}

static struct net *build(struct watch *watch, unsigned routers)
{
	static const secret_list none = {NULL};
	struct net *net = net_new(42);

	*watch = (struct watch){.lose = 0};
	net->tap = look;
	net->lose = arrives;
	net->ctx = watch;
	for (unsigned i = 0; i < routers; i++) {
		net_router(net);
		watch->lists[i] = none;
	}
	return net;
}

/* ---- the whole procedure ---- */

/* All routers, in random order, some time apart. Then all of them send as the list says. */
static void step(struct net *net, struct watch *watch, const secret_list *list)
{
	unsigned order[ROUTERS];

	for (unsigned i = 0; i < ROUTERS; i++) {
		unsigned k = (unsigned)rand() % (i + 1);

		order[i] = order[k];
		order[k] = i;
	}
	for (unsigned i = 0; i < ROUTERS; i++) {
		give(net, watch, order[i], *list);
		net_run(net, rand() % 40 * MS);
	}
	watch->hashed = watch->unhashed = 0;
	net_run(net, 50 * MS);
	if ((*list)[0] == NULL || (*list)[0][0] == '\0')
		assert_true(watch->hashed == 0 && watch->unhashed > 100);
	else
		assert_true(watch->unhashed == 0 && watch->hashed > 100);
}

static void rotate(struct net *net, struct watch *watch)
{
	static const secret_list steps[] = {
		LIST("", "first"), LIST("first", ""), LIST("first"),              /* none to one */
		LIST("first", "second"), LIST("second", "first"), LIST("second"), /* one to another */
		LIST("second", ""), LIST("", "second"), {NULL},                   /* and back to none */
	};

	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		step(net, watch, &steps[i]);
}

/* Drops of all routers for the sake of secrets. */
static uint64_t dropped(const struct net *net, const enum romon_drop *reasons, size_t count)
{
	uint64_t sum = 0;

	for (unsigned r = 0; r < net->router_count; r++)
		for (size_t i = 0; i < count; i++)
			sum += net_drops(net, r, reasons[i]);
	return sum;
}

/* A ping without end, and which answer comes next. */
struct pair {
	unsigned from, to;
	uint32_t handle, next;
};

static void pair_start(struct net *net, struct pair *pair)
{
	struct romon_ping ping = {.id = net_id(pair->to), .size = 32, .interval = PING_INTERVAL};

	pair->handle = romon_engine_ping_start(net->routers[pair->from].engine, &ping, net->now);
	assert_int_not_equal(pair->handle, 0);
	net_flush(net, pair->from);
}

/* Every answer has come, in order, none is missing. */
static void pairs_check(struct net *net, struct pair *pairs, size_t count)
{
	struct romon_event event;

	for (unsigned r = 0; r < net->router_count; r++) {
		while (romon_engine_event(net->routers[r].engine, &event)) {
			for (size_t i = 0; i < count; i++) {
				if (pairs[i].from != r || pairs[i].handle != event.ping)
					continue;
				assert_int_equal(event.type, ROMON_EVENT_PING_REPLY);
				assert_int_equal(event.seq, pairs[i].next++);
			}
		}
	}
}

static void nothing_is_lost(void **state)
{
	static const enum romon_drop never[] = {ROMON_DROP_REPLAYED, ROMON_DROP_UNKNOWN_INDEX, ROMON_DROP_HASH_LIMIT,
		ROMON_DROP_ANSWER_LIMIT, ROMON_DROP_NO_PORT, ROMON_DROP_LATE, ROMON_DROP_QUEUE_FULL};
	static const enum romon_drop secret[] = {ROMON_DROP_NO_SECRET, ROMON_DROP_BAD_DIGEST};
	struct pair pairs[] = {
		{.from = 0, .to = 15}, {.from = 15, .to = 0}, {.from = 1, .to = 4}, {.from = 3, .to = 9}, {.from = 8, .to = 14}};
	unsigned rotations = getenv("ROMON_SOAK") != NULL ? 50 : 5;
	struct watch watch;
	struct net *net = build(&watch, ROUTERS);
	int64_t start;

	(void)state;
	srand(7);
	for (unsigned i = 0; i < RING; i++)
		net_wire(net, i, (i + 1) % RING);
	net_wire(net, 2, RING);
	for (unsigned i = RING; i + 1 < ROUTERS; i++)
		net_wire(net, i, i + 1);
	net_discover(net, 0);
	net_discover(net, 15);
	net_run(net, ROMON_SECOND);
	start = net->now.ns;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		pair_start(net, &pairs[i]);
	for (unsigned i = 0; i < rotations; i++) {
		rotate(net, &watch);
		pairs_check(net, pairs, sizeof(pairs) / sizeof(pairs[0]));
		assert_int_equal(dropped(net, never, sizeof(never) / sizeof(never[0])), 0);
		assert_true(dropped(net, secret, 2) == watch.unknown); /* those and no others */
	}
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) /* all that was sent, but for what is on its way */
		assert_in_range((net->now.ns - start) / PING_INTERVAL + 1 - pairs[i].next, 0, 1);
	net_free(net);
}

/* ---- with a loss ---- */

static unsigned replies(struct net *net)
{
	struct romon_event event;
	unsigned count = 0;

	while (romon_engine_event(net->routers[0].engine, &event))
		count += event.type == ROMON_EVENT_PING_REPLY;
	return count;
}

/* From none to one on a line of three, with one frame of the exchange lost. Returns the pings lost; false in *lost: there was none to
 * lose. */
static unsigned rotation_with_loss(unsigned lose, bool *lost)
{
	static const secret_list steps[] = {LIST("", "s"), LIST("s", ""), LIST("s")};
	struct pair pair = {.from = 0, .to = 2};
	struct watch watch;
	struct net *net = build(&watch, 3);
	unsigned sent, answered;
	int64_t start;

	net_wire(net, 0, 1);
	net_wire(net, 1, 2);
	net_discover(net, 0);
	net_run(net, 100 * MS);
	watch.lose = lose;
	start = net->now.ns;
	pair_start(net, &pair);
	for (size_t i = 0; i < 3; i++) {
		for (unsigned r = 0; r < 3; r++) {
			give(net, &watch, r, steps[i]);
			net_run(net, 40 * MS);
		}
	}
	net_run(net, 3 * ROMON_SECOND + 5 * MS);
	answered = replies(net);
	*lost = lose <= watch.controls;
	sent = (unsigned)((net->now.ns - start) / PING_INTERVAL) + 1;
	net_free(net);
	return sent - answered;
}

/* What a lost Hello leaves unproven is proven by the first hashed frame, which is dropped and asked about: it costs that frame each way. */
static void a_lost_hello_costs_little(void **state)
{
	unsigned costly = 0;
	bool lost = true;

	(void)state;
	assert_int_equal(rotation_with_loss(0, &lost), 0);
	for (unsigned i = 1; lost; i++) {
		unsigned cost = rotation_with_loss(i, &lost);

		assert_in_range(cost, 0, 1);
		costly += cost;
	}
	assert_in_range(costly, 1, 2); /* on each link, that of the one who came second */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_lost),
		cmocka_unit_test(a_lost_hello_costs_little),
	};

	return cmocka_run_group_tests_name("rotation", tests, NULL, NULL);
}
