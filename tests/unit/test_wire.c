/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The wire format against the vectors and against frames made byte by byte. What each vector says is written down here, not computed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/wire.h"
#include "craft.h"
#include "vectors.h"

/* What the frames say: type source>destination count,pointer, hops as link/MAC, then TLVs in the order in which they are sent (an end of
 * a route is link/L2MTU/cost/MAC) or ports and payload. */
struct meaning {
	const char *name, *text;
};

static const struct meaning captured_meanings[] = {
	{"discover-probe", "1 00005e005301>ffffffffffff 0,0 route 00005e005301 0/0/0/000000000000 10/1598/100/00005e005302"},
	{"discover-reply-direct", "2 00005e005301>00005e005303 0,0 route 00005e005301 0/0/0/000000000000 10/1598/100/00005e005302"
				  " route 00005e005303 12/1592/100/00005e005303 0/0/0/000000000000"
				  " identity DuneGW version 7.13 board RB750Gr3"},
	{"discover-forwarded-once", "1 00005e005304>ffffffffffff 1,1 13/00005e005304"
				    " route 00005e005305 13/1598/100/00005e005306 16/1594/100/00005e005305"},
	{"discover-forwarded-twice", "1 00005e005307>ffffffffffff 2,2 41/00005e005308 13/00005e005309"
				     " route 00005e005305 13/1598/100/00005e005306 16/1594/100/00005e005305"},
	{"ssh-connect", "3 00005e00530a>00005e005307 3,0 6/00005e005304 6/00005e005309 41/00005e005308 ports 22988>3"
			" stream 0 c0 1aa316a9 00000000 "},
	{"ssh-accept", "3 00005e005307>00005e00530a 3,2 41/00005e005308 6/00005e005309 27/00005e00530a ports 3>22988"
		       " stream 1 00 aaa636f0 1aa316a9 "},
	{"ssh-ack", "3 00005e00530a>00005e005307 3,0 6/00005e005304 6/00005e005309 41/00005e005308 ports 22988>3"
		    " stream 3 c3 1aa316a9 aaa636f0 "},
	{"ssh-data", "3 00005e00530a>00005e005307 3,0 6/00005e005304 6/00005e005309 41/00005e005308 ports 22988>3"
		     " stream 2 42 1aa316a9 aaa636f0 SSH-2.0-ROSSSH\r\n"},
	{"ping-request",
		"3 00005e00530a>00005e005307 3,0 6/00005e005304 6/00005e005309 41/00005e005308 ports 6276>1 ping 1 size 32"},
	{"ping-reply",
		"3 00005e005307>00005e00530a 3,2 41/00005e005308 6/00005e005309 27/00005e00530a ports 1>6276 ping 1 size 32"},
	{"winbox-connect", "3 00005e00530a>00005e005307 3,0 6/00005e005304 6/00005e005309 41/00005e005308 ports 18679>4"
			   " stream 0 c0 05b007d8 00000000 "},
};

static const struct meaning own_meanings[] = {
	{"discover-probe", "1 020000aa0011>ffffffffffff 0,0 route 020000aa0011 0/0/0/000000000000 259/1500/100/020000aa0012"},
	{"discover-reply-direct",
		"2 020000aa0011>020000aa0013 0,0 route 020000aa0011 0/0/0/000000000000 259/1500/100/020000aa0012"
		" route 020000aa0013 516/1480/250/020000aa0014 0/0/0/000000000000"
		" identity K\xc3\xbc"
		"che 7 version 7.15beta3 board x86_64"},
	{"discover-forwarded-once", "1 020000aa0014>ffffffffffff 1,1 33/020000aa0014"
				    " route 020000aa0015 33/1500/70/020000aa0016 34/1420/300/020000aa0017"},
	{"discover-forwarded-twice", "1 020000aa0018>ffffffffffff 2,2 49/020000aa0019 33/020000aa001a"
				     " route 020000aa0015 33/1500/70/020000aa0016 34/1420/300/020000aa0017"},
	{"ssh-connect", "3 020000aa002a>020000aa0027 3,0 65/020000aa0024 66/020000aa0029 67/020000aa0028 ports 32769>3"
			" stream 0 c0 11223344 00000000 "},
	{"ssh-accept", "3 020000aa0027>020000aa002a 3,2 67/020000aa0028 66/020000aa0029 68/020000aa002a ports 3>32769"
		       " stream 1 00 aabbccdd 11223344 "},
	{"ssh-ack", "3 020000aa002a>020000aa0027 3,0 65/020000aa0024 66/020000aa0029 67/020000aa0028 ports 32769>3"
		    " stream 3 c3 11223344 aabbccdd "},
	{"ssh-data", "3 020000aa002a>020000aa0027 3,0 65/020000aa0024 66/020000aa0029 67/020000aa0028 ports 32769>3"
		     " stream 2 42 11223344 aabbccdd SSH-2.0-Example\r\n"},
	{"ping-request",
		"3 020000aa002a>020000aa0027 3,0 65/020000aa0024 66/020000aa0029 67/020000aa0028 ports 8192>1 ping 5 size 32"},
	{"ping-reply",
		"3 020000aa0027>020000aa002a 3,2 67/020000aa0028 66/020000aa0029 68/020000aa002a ports 1>8192 ping 5 size 32"},
	{"winbox-connect", "3 020000aa002a>020000aa0027 3,0 65/020000aa0024 66/020000aa0029 67/020000aa0028 ports 32770>4"
			   " stream 0 c0 07070707 00000000 "},
};

/* ---- a decoded message as text of that form ---- */

struct text {
	char text[1000];
	size_t len;
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct text *text, const char *format, ...)
{
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(text->text + text->len, sizeof(text->text) - text->len, format, args);
	va_end(args);
	assert_in_range(len, 0, sizeof(text->text) - text->len - 1);
	text->len += (size_t)len;
}

static void add_mac(struct text *text, struct romon_mac mac)
{
	for (size_t i = 0; i < sizeof(mac.b); i++)
		add(text, "%02x", mac.b[i]);
}

static void add_end(struct text *text, const struct wire_end *end)
{
	add(text, " %u/%u/%u/", end->link, end->l2mtu, end->cost);
	add_mac(text, end->mac);
}

static void add_tlvs(struct text *text, const struct wire_message *m)
{
	char version[ROMON_VERSION_TEXT];

	for (unsigned i = 0; i < m->route_count; i++) {
		add(text, " route ");
		add_mac(text, m->routes[i].id);
		add_end(text, &m->routes[i].in);
		add_end(text, &m->routes[i].out);
	}
	if (m->about.identity != NULL)
		add(text, " identity %.*s", m->about.identity_len, (const char *)m->about.identity);
	if (m->about.has_version)
		add(text, " version %s", romon_version_text(m->about.version, version));
	if (m->about.board != NULL)
		add(text, " board %.*s", m->about.board_len, (const char *)m->about.board);
	if (m->about.has_uptime)
		add(text, " uptime %u", m->about.uptime);
}

static void add_payload(struct text *text, const struct wire_message *m)
{
	struct wire_stream stream;
	struct wire_ping ping;

	add(text, " ports %u>%u", m->src_port, m->dst_port);
	if (m->src_port == 1 || m->dst_port == 1) {
		assert_true(wire_ping_decode(m->payload, m->payload_len, &ping));
		add(text, " ping %u size %zu", ping.seq, m->payload_len);
	} else {
		assert_true(wire_stream_decode(m->payload, m->payload_len, &stream));
		add(text, " stream %u %02x %08x %08x %.*s", stream.type, stream.unknown, stream.seq, stream.ack,
			(int)stream.data_len, (const char *)stream.data);
	}
}

static void describe(struct text *text, const struct wire_message *m)
{
	*text = (struct text){.len = 0};
	add(text, "%d ", (int)m->type);
	add_mac(text, m->src);
	add(text, ">");
	add_mac(text, m->dst);
	add(text, " %u,%u", m->hop_count, m->hop_pointer);
	for (unsigned i = 0; i < m->hop_count; i++) {
		add(text, " %u/", m->hops[i].link);
		add_mac(text, m->hops[i].mac);
	}
	if (m->type == WIRE_DATA)
		add_payload(text, m);
	else
		add_tlvs(text, m);
}

static void decode(const uint8_t *frame, size_t len, struct wire_message *message)
{
	enum romon_drop why = ROMON_DROP_COUNT;

	if (!wire_decode(frame, len, message, &why))
		fail_msg("refused: %s", romon_drop_name(why));
}

static void assert_refused(const struct craft *craft, enum romon_drop reason)
{
	struct wire_message message;
	enum romon_drop why = ROMON_DROP_COUNT;

	assert_false(wire_decode(craft->data, craft->len, &message, &why));
	assert_string_equal(romon_drop_name(why), romon_drop_name(reason));
}

/* ---- tests ---- */

static void vectors_mean_what_the_protocol_says(void **state)
{
	const struct meaning *meanings = vectors_captured() ? captured_meanings : own_meanings;
	size_t count =
		vectors_captured() ? sizeof(captured_meanings) / sizeof(*meanings) : sizeof(own_meanings) / sizeof(*meanings);
	struct wire_message message;
	struct text text;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		const struct vector *vector = vector_get(meanings[i].name);

		decode(vector->frame, VECTOR_ETHERNET + vector->len, &message);
		describe(&text, &message);
		assert_string_equal(text.text, meanings[i].text);
		assert_false(wire_hashed(&message));
	}
}

static void every_vector_encodes_to_the_same_bytes(void **state)
{
	size_t count;
	const struct vector *vectors = vectors_all(&count);
	struct wire_message message;
	uint8_t frame[2000];

	(void)state;
	for (size_t i = 0; i < count; i++) {
		size_t len = VECTOR_ETHERNET + vectors[i].len;

		decode(vectors[i].frame, len, &message);
		assert_int_equal(wire_encoded_length(&message), len);
		assert_int_equal(wire_encode(&message, frame, sizeof(frame)), len);
		assert_memory_equal(frame, vectors[i].frame, len);
		assert_int_equal(wire_encode(&message, frame, len), len);
		assert_int_equal(wire_encode(&message, frame, len - 1), 0);
	}
}

static void padding_is_no_part_of_the_message(void **state)
{
	size_t count;
	const struct vector *vectors = vectors_all(&count);
	struct wire_message message;
	struct text bare, padded;

	(void)state;
	for (size_t i = 0; i < count; i++) {
		uint8_t frame[sizeof(vectors->frame) + 50];
		size_t len = VECTOR_ETHERNET + vectors[i].len;

		memset(frame, 0xee, sizeof(frame));
		memcpy(frame, vectors[i].frame, len);
		decode(frame, len, &message);
		describe(&bare, &message);
		decode(frame, len + 50, &message);
		describe(&padded, &message);
		assert_string_equal(padded.text, bare.text);
		assert_int_equal(wire_encoded_length(&message), len);
		assert_int_equal(wire_frame_length(frame), len);
	}
}

static void seq_err_and_hello(void **state)
{
	static const uint8_t returned[8] = {1, 2, 3, 4, 5, 6, 7, 8}, challenge[8] = {9, 10, 11, 12, 13, 14, 15, 16};
	struct wire_message message;
	uint8_t frame[200];
	struct craft craft;

	(void)state;
	for (unsigned type = CRAFT_SEQ_ERR; type <= CRAFT_HELLO; type++) {
		craft_begin(&craft, 0x020000000002, 0x020000000001, type, 0x0a0000000001, CRAFT_ALL);
		craft_mac(&craft, 0x020000000002);
		craft_zero(&craft, 2);
		if (type == CRAFT_HELLO)
			craft_bytes(&craft, returned, 8);
		craft_bytes(&craft, challenge, 8);
		craft_end(&craft);
		craft.data[14 + 4 + 5] = 0xaa; /* hashed */
		decode(craft.data, craft.len, &message);
		assert_int_equal(message.type, type);
		assert_true(wire_hashed(&message));
		assert_true(romon_mac_equal(message.target, craft_address(0x020000000002)));
		assert_memory_equal(message.challenge, challenge, 8);
		if (type == CRAFT_HELLO)
			assert_memory_equal(message.returned, returned, 8);
		assert_int_equal(wire_encode(&message, frame, sizeof(frame)), craft.len);
		assert_memory_equal(frame, craft.data, craft.len);
		craft.len--;
		craft_end(&craft);
		assert_refused(&craft, ROMON_DROP_TRUNCATED);
	}
}

static const struct craft_route parent = {.id = 0x0a0000000001, .out = {7, 1500, 100, 0x020000000001}};
static const struct craft_route child = {.id = 0x0a0000000002, .in = {9, 1400, 50, 0x020000000002}};

static void unknown_tlvs_are_skipped(void **state)
{
	struct wire_message message;
	struct craft craft;
	struct text text;

	(void)state;
	craft_begin(&craft, 0x020000000001, 0x020000000002, CRAFT_ANSWER, parent.id, child.id);
	craft_hops(&craft, 0, NULL, 0);
	craft_tlv(&craft, 2, "what", 4);
	craft_route_tlv(&craft, &parent);
	craft_tlv(&craft, 255, NULL, 0);
	craft_route_tlv(&craft, &child);
	craft_tlv(&craft, 224, "\0\1\0\2", 4);
	craft_tlv(&craft, 99, "ever", 4);
	craft_tlv(&craft, 4, "\7\15f", 3); /* of sizes that nobody knows */
	craft_tlv(&craft, 224, "\0\0\0\0\7", 5);
	craft_tlv(&craft, 3, "x", 1);
	craft_tlv(&craft, 5, "", 0);
	craft_end(&craft);
	decode(craft.data, craft.len, &message);
	describe(&text, &message);
	assert_string_equal(text.text,
		"2 0a0000000001>0a0000000002 0,0 route 0a0000000001 0/0/0/000000000000 7/1500/100/020000000001"
		" route 0a0000000002 9/1400/50/020000000002 0/0/0/000000000000 identity x board  uptime 65538");
}

static void bad_tlvs_are_refused(void **state)
{
	struct craft craft;

	(void)state;
	craft_discover(&craft, 0x020000000001, parent.id, NULL, 0, &parent);
	craft_u8(&craft, 99); /* a tag and no length */
	craft_end(&craft);
	assert_refused(&craft, ROMON_DROP_BAD_TLV);
	craft_u8(&craft, 3); /* a length past the end of the message, but within the padded frame */
	craft_end(&craft);
	craft_zero(&craft, 3);
	assert_refused(&craft, ROMON_DROP_BAD_TLV);

	craft_discover(&craft, 0x020000000001, parent.id, NULL, 0, &parent);
	craft_route_tlv(&craft, &child); /* one route too many */
	craft_end(&craft);
	assert_refused(&craft, ROMON_DROP_BAD_TLV);

	craft_discover(
		&craft, 0x020000000001, parent.id, NULL, 0, &(struct craft_route){.id = 0x010000000001, .out = parent.out});
	assert_refused(&craft, ROMON_DROP_BAD_TLV); /* of a group */

	craft_begin(&craft, CRAFT_GROUP, 0x020000000001, CRAFT_DISCOVER, parent.id, CRAFT_ALL);
	craft_hops(&craft, 0, NULL, 0);
	craft_end(&craft); /* no route */
	assert_refused(&craft, ROMON_DROP_BAD_TLV);
	craft_tlv(&craft, 1, craft.data, 33); /* one of a wrong size */
	craft_end(&craft);
	assert_refused(&craft, ROMON_DROP_BAD_TLV);

	craft_begin(&craft, 0x020000000001, 0x020000000002, CRAFT_ANSWER, parent.id, child.id);
	craft_hops(&craft, 0, NULL, 0);
	craft_route_tlv(&craft, &parent); /* the child's is missing */
	craft_end(&craft);
	assert_refused(&craft, ROMON_DROP_BAD_TLV);
}

static void bad_headers_are_refused(void **state)
{
	static const uint64_t bad_ids[] = {0, 0x010000000001, CRAFT_ALL};
	struct craft good, craft;

	(void)state;
	craft_discover(&good, 0x020000000001, parent.id, NULL, 0, &parent);
	craft = good;
	craft.data[14] = 0;
	assert_refused(&craft, ROMON_DROP_BAD_TYPE);
	craft.data[14] = 6;
	assert_refused(&craft, ROMON_DROP_BAD_TYPE);
	craft = good;
	craft.data[13] = 0xbe;
	assert_refused(&craft, ROMON_DROP_BAD_TYPE);
	craft = good;
	craft.data[17] = 53; /* does not hold the common header */
	assert_refused(&craft, ROMON_DROP_BAD_LENGTH);
	craft = good;
	craft.data[17]++; /* more than there is */
	assert_refused(&craft, ROMON_DROP_TRUNCATED);
	for (size_t i = 0; i < 3; i++) {
		craft_discover(&craft, 0x020000000001, bad_ids[i], NULL, 0, &parent);
		assert_refused(&craft, ROMON_DROP_BAD_ID);
		craft_answer(&craft, 0x020000000001, 0x020000000002, bad_ids[i], 0, NULL, 0, &parent, &child);
		assert_refused(&craft, ROMON_DROP_BAD_ID);
		craft_answer(&craft, 0x020000000001, 0x020000000002, parent.id, 0, NULL, 0, &parent,
			&(struct craft_route){.id = bad_ids[i], .in = child.in});
		assert_refused(&craft, ROMON_DROP_BAD_ID);
	}
	craft = good;
	craft.data[14 + 34] = 0x0a; /* a Discover for one ID alone */
	assert_refused(&craft, ROMON_DROP_BAD_ID);
}

static void pointers_and_counts(void **state)
{
	static const struct craft_hop hops[2] = {{1, 0x020000000003}, {2, 0x020000000004}};
	struct craft_data data = {0x020000000003, 0x020000000001, parent.id, child.id, 0, 2, hops, 2000, 1, 32};
	struct wire_message message;
	struct craft craft;

	(void)state;
	for (unsigned p = 0; p < 256; p++) {
		craft_discover(&craft, 0x020000000001, parent.id, hops, 2, &parent);
		craft.data[CRAFT_BODY + 1] = (uint8_t)p;
		if (p == 2)
			decode(craft.data, craft.len, &message);
		else
			assert_refused(&craft, ROMON_DROP_BAD_HOPS);
		data.pointer = p;
		craft_data(&craft, &data);
		if (p < 2)
			decode(craft.data, craft.len, &message);
		else
			assert_refused(&craft, ROMON_DROP_BAD_HOPS);
	}
	data.pointer = data.count = 0;
	craft_data(&craft, &data);
	assert_refused(&craft, ROMON_DROP_BAD_HOPS);
}

static void ping_payload(void **state)
{
	static const uint8_t expected[6] = {0x01, 0x02, 0x03, 0x04, 0, 0};
	uint8_t payload[6];
	struct wire_ping ping = {0x01020304};

	(void)state;
	memset(payload, 0xee, sizeof(payload));
	wire_ping_encode(&ping, payload, sizeof(payload));
	assert_memory_equal(payload, expected, sizeof(payload));
	ping.seq = 0;
	assert_false(wire_ping_decode(payload, 3, &ping));
	assert_int_equal(ping.seq, 0);
	assert_true(wire_ping_decode(payload, 4, &ping));
	assert_int_equal(ping.seq, 0x01020304);
}

static void stream_header(void **state)
{
	static const uint8_t expected[13] = {2, 0x42, 0x1a, 0xa3, 0x16, 0xa9, 0xaa, 0xa6, 0x36, 0xf0, 'S', 'S', 'H'};
	struct wire_stream stream = {
		.type = 2, .unknown = 0x42, .seq = 0x1aa316a9, .ack = 0xaaa636f0, .data = (const uint8_t *)"SSH", .data_len = 3};
	struct wire_stream read = {.seq = 5};
	uint8_t payload[13];

	(void)state;
	assert_int_equal(wire_stream_encode(&stream, payload, 12), 0);
	assert_int_equal(wire_stream_encode(&stream, payload, 13), 13);
	assert_memory_equal(payload, expected, 13);
	assert_false(wire_stream_decode(payload, 9, &read));
	assert_int_equal(read.seq, 5);
	assert_true(wire_stream_decode(payload, 10, &read));
	assert_int_equal(read.data_len, 0);
}

static int group(void)
{
	static const struct CMUnitTest wire[] = {
		cmocka_unit_test(vectors_mean_what_the_protocol_says),
		cmocka_unit_test(every_vector_encodes_to_the_same_bytes),
		cmocka_unit_test(padding_is_no_part_of_the_message),
	};

	return cmocka_run_group_tests_name(vectors_captured() ? "wire, captured frames" : "wire, own frames", wire, NULL, NULL);
}

int main(void)
{
	static const struct CMUnitTest wire[] = {
		cmocka_unit_test(seq_err_and_hello),
		cmocka_unit_test(unknown_tlvs_are_skipped),
		cmocka_unit_test(bad_tlvs_are_refused),
		cmocka_unit_test(bad_headers_are_refused),
		cmocka_unit_test(pointers_and_counts),
		cmocka_unit_test(ping_payload),
		cmocka_unit_test(stream_header),
	};

	return vectors_run(group) + cmocka_run_group_tests(wire, NULL, NULL);
}
