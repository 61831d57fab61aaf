/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The captured handshake of an SSH connection over three hops, byte for byte, with our engine as either of its ends. The byte of unknown
 * meaning is set to the zero that we send.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "lone.h"
#include "vectors.h"

#define SOURCE_ID (VECTOR_ETHERNET + 28)
#define DESTINATION_ID (VECTOR_ETHERNET + 34)
#define HOP(i) (VECTOR_ETHERNET + 46 + 10 * (i))
#define PORTS HOP(3)
#define SEGMENT (PORTS + 4)
#define UNKNOWN (SEGMENT + 1)
#define NUMBER (SEGMENT + 2)
#define ACK (SEGMENT + 6)
#define DATA (SEGMENT + 10)

static uint64_t mac_at(const struct vector *vector, size_t at)
{
	return craft_number(vector->frame + at, 6);
}

static uint32_t link_at(const struct vector *vector, size_t at)
{
	return (uint32_t)craft_number(vector->frame + at, 4);
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
	struct vector plain = *vector;

	plain.frame[UNKNOWN] = 0;
	assert_int_equal(sent->len, VECTOR_ETHERNET + plain.len);
	assert_true(craft_number(sent->data, 6) == eth_dst);
	assert_true(craft_number(sent->data + 6, 6) == eth_src);
	assert_memory_equal(sent->data + 12, plain.frame + 12, sent->len - 12);
}

/* Discovery tells of the path that the connect takes: two routers, then its target. */
static void learn_path(struct lone *lone, const struct vector *connect, uint64_t our_mac)
{
	uint64_t self = mac_at(connect, SOURCE_ID),
		 ids[4] = {self, 0x02000000aaa1, 0x02000000aaa2, mac_at(connect, DESTINATION_ID)};
	uint32_t link = link_at(connect, HOP(0));
	uint64_t next = mac_at(connect, HOP(0) + 4);
	struct craft_hop hops[2] = {{901, our_mac}, {902, 0x02000000bbb1}};
	struct craft craft;

	romon_engine_discover_start(lone->engine, lone->now);
	for (unsigned i = 0; i < 3; i++) {
		uint64_t out_mac = i == 0 ? our_mac : 0x02000000bbb0u + i;
		struct craft_route parent = {.id = ids[i], .out = {link_at(connect, HOP(i)), 1500, 100, out_mac}};
		struct craft_route child = {.id = ids[i + 1], .in = {910 + i, 1500, 100, mac_at(connect, HOP(i) + 4)}};

		craft_answer(&craft, our_mac, next, self, 0, hops, i, &parent, &child);
		lone_give(lone, link, &craft);
	}
	romon_engine_discover_stop(lone->engine);
	lone_forget(lone);
}

/* Everything that we send as the connector was seen on the first wire, and what is answered on the last one. */
static void connects(const char *name, uint16_t service, bool further)
{
	const struct vector *connect = vector_get(name), *accept = vector_get("ssh-accept"), *data = vector_get("ssh-data");
	uint64_t our_mac = mac_at(accept, HOP(2) + 4), next = mac_at(connect, HOP(0) + 4);
	uint32_t link = link_at(connect, HOP(0)), handle;
	struct romon_event event;
	struct lone lone;

	lone_open(&lone, mac_at(connect, SOURCE_ID));
	lone_port(&lone, link, our_mac);
	learn_path(&lone, connect, our_mac);
	assert_int_equal(lone_all_drops(&lone), 0);
	lone.chosen[0] = craft_number(connect->frame + PORTS, 2) - 1024;
	lone.chosen[1] = craft_number(connect->frame + NUMBER, 4);
	lone.chosen_count = 2;
	handle = romon_engine_stream_connect(lone.engine, craft_address(mac_at(connect, DESTINATION_ID)), service, lone.now);
	assert_int_not_equal(handle, 0);
	lone_run(&lone, 0);
	assert_sent_as(lone_only(&lone, link, 0), connect, next, our_mac);
	if (further) {
		lone_forget(&lone);
		give_vector(&lone, link, accept, our_mac, next);
		assert_true(romon_engine_event(lone.engine, &event));
		assert_int_equal(event.type, ROMON_EVENT_STREAM_OPEN);
		assert_int_equal(event.stream, handle);
		assert_sent_as(lone_only(&lone, link, 0), vector_get("ssh-ack"), next, our_mac);
		lone_forget(&lone);
		romon_stream_write(lone.engine, handle, data->frame + DATA, VECTOR_ETHERNET + data->len - DATA);
		lone_run(&lone, 0);
		assert_sent_as(lone_only(&lone, link, 0), data, next, our_mac);
	}
	assert_int_equal(lone_all_drops(&lone), 0);
	lone_close(&lone);
}

static void as_the_connector(void **state)
{
	(void)state;
	connects("ssh-connect", 3, true);
	connects("winbox-connect", 4, false);
}

/* Moves the one frame that one router sent to the next. */
static void hand_over(struct lone *from, uint32_t link, struct lone *to, uint32_t to_link)
{
	const struct lone_sent *sent = lone_only(from, link, CRAFT_DATA);

	lone_give_bytes(to, to_link, sent->data, sent->len);
	lone_forget(from);
}

/* Through two routers, whose links that no frame shows are chosen here. */
static void as_the_acceptor(void **state)
{
	enum { SECOND_IN = 333, TARGET = 777 };
	const struct vector *connect = vector_get("ssh-connect"), *accept = vector_get("ssh-accept"),
			    *data = vector_get("ssh-data");
	uint64_t asker_mac = mac_at(accept, HOP(2) + 4), first_mac = mac_at(connect, HOP(0) + 4);
	uint64_t second_mac = mac_at(connect, HOP(1) + 4), target_mac = mac_at(connect, HOP(2) + 4);
	uint32_t first_in = link_at(accept, HOP(2)), first_out = link_at(connect, HOP(1)), second_out = link_at(connect, HOP(2));
	size_t size = VECTOR_ETHERNET + data->len - DATA;
	struct lone first, second, target;
	struct romon_event event;
	const uint8_t *read;

	(void)state;
	lone_open(&first, 0x020000001111);
	lone_port(&first, first_in, first_mac);
	lone_port(&first, first_out, first_mac);
	lone_open(&second, 0x020000002222);
	lone_port(&second, SECOND_IN, second_mac);
	lone_port(&second, second_out, second_mac);
	lone_open(&target, mac_at(connect, DESTINATION_ID));
	lone_port(&target, TARGET, target_mac);
	assert_true(romon_engine_listen(target.engine, 3, true));
	target.chosen[0] = craft_number(accept->frame + NUMBER, 4);
	target.chosen_count = 1;

	give_vector(&first, first_in, connect, first_mac, asker_mac);
	hand_over(&first, first_out, &second, SECOND_IN);
	hand_over(&second, second_out, &target, TARGET);
	hand_over(&target, TARGET, &second, second_out);
	hand_over(&second, SECOND_IN, &first, first_out);
	assert_sent_as(lone_only(&first, first_in, 0), accept, asker_mac, first_mac);
	lone_forget(&first);
	assert_false(romon_engine_event(target.engine, &event));

	give_vector(&first, first_in, vector_get("ssh-ack"), first_mac, asker_mac);
	hand_over(&first, first_out, &second, SECOND_IN);
	hand_over(&second, second_out, &target, TARGET);
	assert_int_equal(target.count, 0);
	assert_true(romon_engine_event(target.engine, &event));
	assert_int_equal(event.type, ROMON_EVENT_STREAM_ACCEPTED);
	assert_int_equal(event.port, 3);
	assert_true(romon_mac_equal(event.id, craft_address(mac_at(connect, SOURCE_ID))));

	give_vector(&first, first_in, data, first_mac, asker_mac);
	hand_over(&first, first_out, &second, SECOND_IN);
	hand_over(&second, second_out, &target, TARGET);
	assert_true(romon_engine_event(target.engine, &event));
	assert_int_equal(event.type, ROMON_EVENT_STREAM_READABLE);
	assert_int_equal(romon_stream_peek(target.engine, event.stream, &read), size);
	assert_memory_equal(read, data->frame + DATA, size);
	/* It is acknowledged: the answer to an ack, with our number and the next one expected. */
	assert_int_equal(lone_only(&target, TARGET, 0)->len, DATA);
	assert_int_equal(target.sent[0].data[SEGMENT], 3);
	assert_memory_equal(target.sent[0].data + NUMBER, accept->frame + NUMBER, 4);
	assert_int_equal(craft_number(target.sent[0].data + ACK, 4), (uint32_t)(craft_number(connect->frame + NUMBER, 4) + size));
	assert_int_equal(lone_all_drops(&first) + lone_all_drops(&second) + lone_all_drops(&target), 0);
	lone_close(&first);
	lone_close(&second);
	lone_close(&target);
}

static int group(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_the_connector),
		cmocka_unit_test(as_the_acceptor),
	};

	return cmocka_run_group_tests_name(vectors_captured() ? "as captured" : "as in own frames", tests, NULL, NULL);
}

int main(void)
{
	return vectors_run(group);
}
