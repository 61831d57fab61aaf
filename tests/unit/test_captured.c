/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A router set up as a captured one answers and passes on a captured frame byte for byte as the real one did. Its ID, its ports and the
 * MACs of its neighbours are read out of the frames, at the offsets that docs/protocol.md gives.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lone.h"
#include "vectors.h"

#define HOPS (VECTOR_ETHERNET + 48)      /* of Discover and DiscoverResp */
#define DATA_HOPS (VECTOR_ETHERNET + 46) /* of Data */
#define ROUTE_TLV 36
#define SOURCE_ID (VECTOR_ETHERNET + 28)
#define DESTINATION_ID (VECTOR_ETHERNET + 34)

static uint64_t mac_at(const struct vector *vector, size_t at)
{
	return craft_number(vector->frame + at, 6);
}

static uint32_t link_at(const struct vector *vector, size_t at)
{
	return (uint32_t)craft_number(vector->frame + at, 4);
}

static size_t hop_at(unsigned index)
{
	return DATA_HOPS + 10u * index;
}

/* One end of a route TLV: link, L2MTU, cost, MAC. */
static void port_from(struct lone *lone, const uint8_t *end)
{
	lone_port_of(lone, (uint32_t)craft_number(end, 4), craft_number(end + 8, 6), (uint16_t)craft_number(end + 4, 2),
		(uint16_t)craft_number(end + 6, 2));
}

static void give_vector(struct lone *lone, uint32_t link, const struct vector *vector, uint64_t eth_dst, uint64_t eth_src)
{
	struct craft craft = {.len = 0};

	craft_mac(&craft, eth_dst);
	craft_mac(&craft, eth_src);
	craft_bytes(&craft, vector->frame + 12, VECTOR_ETHERNET - 12 + vector->len);
	lone_give(lone, link, &craft);
}

static void assert_sent_as(const struct lone_sent *sent, const struct vector *vector, uint64_t eth_dst, uint64_t eth_src)
{
	assert_int_equal(sent->len, VECTOR_ETHERNET + vector->len);
	assert_true(craft_number(sent->data, 6) == eth_dst);
	assert_true(craft_number(sent->data + 6, 6) == eth_src);
	assert_memory_equal(sent->data + 12, vector->frame + 12, sent->len - 12);
}

static void copy_text(char *out, const uint8_t *tlv)
{
	memcpy(out, tlv + 2, tlv[1]);
	out[tlv[1]] = '\0';
}

/* A direct neighbour's answer, without the uptime of ours. */
static void answers_the_probe(void **state)
{
	const struct vector *probe = vector_get("discover-probe"), *reply = vector_get("discover-reply-direct");
	const uint8_t *child = reply->frame + HOPS + ROUTE_TLV + 2, *identity = child + 34;
	const uint8_t *version = identity + 2 + identity[1], *board = version + 2 + version[1];
	uint64_t asker_mac = mac_at(probe, HOPS + 2 + 6 + 14 + 8), our_mac = craft_number(child + 6 + 8, 6);
	char identity_text[256], board_text[256];
	struct lone lone;

	(void)state;
	copy_text(identity_text, identity);
	copy_text(board_text, board);
	lone_open(&lone, mac_at(reply, DESTINATION_ID));
	lone.router.identity = identity_text;
	lone.router.board = board_text;
	memcpy(lone.router.version, version + 2, 4);
	assert_true(romon_engine_set_router(lone.engine, &lone.router));
	port_from(&lone, child + 6);
	give_vector(&lone, link_at(reply, HOPS + ROUTE_TLV + 2 + 6), probe, CRAFT_GROUP, asker_mac);
	assert_int_equal(lone.count, 1);
	assert_sent_as(&lone.sent[0], reply, asker_mac, our_mac);

	/* With it, the same and then tag 224. */
	lone_close(&lone);
	lone_open(&lone, mac_at(reply, DESTINATION_ID));
	lone.router.identity = identity_text;
	lone.router.board = board_text;
	lone.router.started.ns = lone.now.ns - 70000 * ROMON_SECOND;
	lone.router.send_uptime = true;
	assert_true(romon_engine_set_router(lone.engine, &lone.router));
	port_from(&lone, child + 6);
	give_vector(&lone, link_at(reply, HOPS + ROUTE_TLV + 2 + 6), probe, CRAFT_GROUP, asker_mac);
	assert_int_equal(lone.count, 1);
	assert_int_equal(lone.sent[0].len, VECTOR_ETHERNET + reply->len + 6);
	assert_memory_equal(lone.sent[0].data + VECTOR_ETHERNET + reply->len, "\xe0\x04\x00\x01\x11\x70", 6);
	lone_close(&lone);
}

/* The router in the frame's route TLV passed it on: in by its in-link, out by its out-link. What came to it had one hop less, and came from
 * the MAC in the last hop. */
static void passes_on(const char *name)
{
	const struct vector *vector = vector_get(name);
	unsigned n = vector->frame[VECTOR_ETHERNET + 40];
	size_t last = HOPS + 10u * (n - 1), route = last + 10 + 2;
	struct craft_hop hops[4];
	struct craft_route parent = {
		.id = n == 1 ? mac_at(vector, SOURCE_ID) : 0x020000009999, .out = {77, 1500, 100, 0x020000009998}};
	uint32_t in = link_at(vector, route + 6), out = link_at(vector, route + 20);
	struct craft craft;
	struct lone lone;

	assert_in_range(n, 1, 4);
	for (unsigned i = 0; i + 1 < n; i++)
		hops[i] = (struct craft_hop){link_at(vector, HOPS + 10u * i), mac_at(vector, HOPS + 10u * i + 4)};
	assert_int_equal(link_at(vector, last), in);
	lone_open(&lone, mac_at(vector, route));
	port_from(&lone, vector->frame + route + 6);
	port_from(&lone, vector->frame + route + 20);
	craft_discover(&craft, mac_at(vector, last + 4), mac_at(vector, SOURCE_ID), hops, n - 1, &parent);
	lone_give(&lone, in, &craft);
	lone_run(&lone, 10 * ROMON_MILLISECOND);
	assert_sent_as(lone_only(&lone, out, 0), vector, CRAFT_GROUP, mac_at(vector, route + 20 + 8));
	assert_int_equal(lone_count(&lone, in, CRAFT_DISCOVER), 0);
	lone_close(&lone);
}

static void passes_a_discover_on(void **state)
{
	(void)state;
	passes_on("discover-forwarded-once");
	passes_on("discover-forwarded-twice");
}

/* Moves the one frame that one router sent to the next. */
static void hand_over(struct lone *from, uint32_t link, struct lone *to, uint32_t to_link)
{
	const struct lone_sent *sent = lone_only(from, link, CRAFT_DATA);

	lone_give_bytes(to, to_link, sent->data, sent->len);
	lone_forget(from);
}

/* The request on its first wire and the answer on its last one were captured. Between them lie two routers, each with one MAC for both
 * its ports, and the target; link ids that no captured frame shows are chosen here. */
static void ping_crosses_two_routers(void **state)
{
	enum { SECOND_IN = 333, TARGET = 777 };
	const struct vector *request = vector_get("ping-request"), *reply = vector_get("ping-reply");
	uint64_t asker_mac = mac_at(reply, hop_at(2) + 4), first_mac = mac_at(request, hop_at(0) + 4);
	uint64_t second_mac = mac_at(request, hop_at(1) + 4), target_mac = mac_at(request, hop_at(2) + 4);
	uint32_t first_in = link_at(reply, hop_at(2)), first_out = link_at(request, hop_at(1)),
		 second_out = link_at(request, hop_at(2));
	struct lone first, second, target;

	(void)state;
	lone_open(&first, 0x020000001111);
	lone_port(&first, first_in, first_mac);
	lone_port(&first, first_out, first_mac);
	lone_open(&second, 0x020000002222);
	lone_port(&second, SECOND_IN, second_mac);
	lone_port(&second, second_out, second_mac);
	lone_open(&target, mac_at(request, DESTINATION_ID));
	lone_port(&target, TARGET, target_mac);

	give_vector(&first, first_in, request, first_mac, asker_mac);
	/* On the second wire: pointer 1, the first hop is the way back, nothing else has changed. */
	assert_int_equal(lone_only(&first, first_out, 0)->data[CRAFT_BODY + 1], 1);
	assert_true(craft_number(first.sent[0].data, 6) == second_mac);
	assert_true(craft_number(first.sent[0].data + 6, 6) == first_mac);
	assert_int_equal(craft_number(first.sent[0].data + hop_at(0), 4), first_in);
	assert_true(craft_number(first.sent[0].data + hop_at(0) + 4, 6) == asker_mac);
	assert_memory_equal(first.sent[0].data + 12, request->frame + 12, CRAFT_BODY + 1 - 12);
	assert_memory_equal(
		first.sent[0].data + hop_at(1), request->frame + hop_at(1), VECTOR_ETHERNET + request->len - hop_at(1));

	hand_over(&first, first_out, &second, SECOND_IN);
	assert_int_equal(lone_only(&second, second_out, 0)->data[CRAFT_BODY + 1], 2);
	hand_over(&second, second_out, &target, TARGET);
	assert_true(craft_number(lone_only(&target, TARGET, CRAFT_DATA)->data + SOURCE_ID, 6) == mac_at(reply, SOURCE_ID));
	hand_over(&target, TARGET, &second, second_out);
	hand_over(&second, SECOND_IN, &first, first_out);
	assert_sent_as(lone_only(&first, first_in, 0), reply, asker_mac, first_mac);
	assert_int_equal(lone_all_drops(&first) + lone_all_drops(&second) + lone_all_drops(&target), 0);
	lone_close(&first);
	lone_close(&second);
	lone_close(&target);
}

static int group(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_the_probe),
		cmocka_unit_test(passes_a_discover_on),
		cmocka_unit_test(ping_crosses_two_routers),
	};

	return cmocka_run_group_tests_name(vectors_captured() ? "as captured" : "as in own frames", tests, NULL, NULL);
}

int main(void)
{
	return vectors_run(group);
}
