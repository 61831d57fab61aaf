/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Selective acknowledgements between routers that are both ours: what we tell, and what we make of what we are told.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/engine.h"
#include "segments.h"

#define SIZE 1430u /* of a segment with one hop */

/* ---- what we tell ---- */

/* What was sent is an ack of so many bytes behind irs with these blocks, which count from there as well; forgets it. */
static void told(struct lone *lone, uint32_t seq, uint32_t ack, const uint32_t *blocks, size_t count)
{
	struct part sent = segments_read(lone_only(lone, 1, CRAFT_DATA));

	assert_int_equal(sent.type, ACK);
	assert_int_equal(sent.seq, seq);
	assert_int_equal(sent.ack, irs + ack);
	assert_int_equal(sent.size, 4 * count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal((uint32_t)craft_number(sent.data + 4 * i, 4), irs + blocks[i]);
	lone_forget(lone);
}

static void come(struct lone *lone, uint32_t seq, uint32_t at, size_t size)
{
	struct part segment = theirs;

	segment.type = DATA;
	segment.seq = irs + at;
	segment.ack = seq;
	segment.size = size;
	segments_give(lone, &segment);
}

static void what_came_early_is_told(void **state)
{
	struct lone *lone = *state;
	uint32_t seq;

	segments_accepted(lone, OURS, &seq);
	come(lone, seq, 0, 10);
	told(lone, seq, 10, NULL, 0);
	come(lone, seq, 20, 10);
	told(lone, seq, 10, (const uint32_t[]){20, 30}, 2);
	come(lone, seq, 60, 10);
	told(lone, seq, 10, (const uint32_t[]){60, 70, 20, 30}, 4);
	come(lone, seq, 40, 10); /* what came last stands first */
	told(lone, seq, 10, (const uint32_t[]){40, 50, 20, 30, 60, 70}, 6);
	come(lone, seq, 10, 10);
	told(lone, seq, 30, (const uint32_t[]){40, 50, 60, 70}, 4);
	come(lone, seq, 30, 30);
	told(lone, seq, 70, NULL, 0);
}

static void what_came_twice_is_told(void **state)
{
	struct lone *lone = *state;
	uint32_t seq;

	segments_accepted(lone, OURS, &seq);
	come(lone, seq, 0, 10);
	lone_forget(lone);
	come(lone, seq, 5, 5);
	told(lone, seq, 10, (const uint32_t[]){5, 10}, 2);
	come(lone, seq, 20, 10);
	lone_forget(lone);
	come(lone, seq, 25, 5);
	told(lone, seq, 10, (const uint32_t[]){25, 30, 20, 30}, 4);
	come(lone, seq, 10, 1); /* and is told once */
	told(lone, seq, 11, (const uint32_t[]){20, 30}, 2);
}

static void no_more_blocks_than_there_is_room_for(void **state)
{
	struct lone *lone = *state;
	struct part sent;
	uint32_t seq;

	segments_accepted(lone, OURS, &seq);
	for (uint32_t i = 1; i <= 100; i++) {
		lone_forget(lone);
		come(lone, seq, 20 * i, 10);
	}
	sent = segments_read(lone_only(lone, 1, CRAFT_DATA));
	assert_int_equal(sent.size, WIRE_BLOCKS_MAX * WIRE_BLOCK_LEN);
	assert_int_equal((uint32_t)craft_number(sent.data, 4), irs + 2000);
	assert_int_equal((uint32_t)craft_number(sent.data + WIRE_BLOCK_LEN, 4), irs + 20);
}

/* Fills the window of a reader that does not read, and a thousand bytes more; returns how many. */
static uint32_t fill(struct lone *lone, uint32_t seq)
{
	uint32_t at = 0;

	for (; at <= STREAM_WINDOW; at += 1000)
		come(lone, seq, at, 1000);
	lone_run(lone, 0);
	lone_forget(lone);
	return at;
}

/* A slow reader: what came is told, though it is not acknowledged. */
static void what_is_withheld_is_told(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, OURS, &seq), at = fill(lone, seq);

	come(lone, seq, at, 1000);
	told(lone, seq, STREAM_WINDOW, (const uint32_t[]){STREAM_WINDOW, at + 1000}, 2);
	romon_stream_read(lone->engine, handle, 100000);
	lone_run(lone, 0);
	segments_sent(lone, ACK, 0, seq, irs + at + 1000, 0);
}

/* What we send carries acknowledgements too, but only an ack has room for blocks: it is sent beside. */
static void blocks_are_told_beside_data(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, OURS, &seq), at = fill(lone, seq);

	romon_stream_write(lone->engine, handle, "hello", 5);
	come(lone, seq, at, 1000);
	assert_int_equal(lone->count, 2);
	assert_int_equal(segments_read(&lone->sent[0]).type, DATA);
	assert_int_equal(segments_read(&lone->sent[1]).type, ACK);
	assert_int_equal(segments_read(&lone->sent[1]).size, WIRE_BLOCK_LEN);
}

/* Nobody knows the form of RouterOS's: to others nothing is told, and what stands in their acks is neither blocks nor data. */
static void others_are_told_nothing(void **state)
{
	static const uint8_t more[8] = {1, 2, 3, 4, 5, 6, 7, 8};
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, 0xc0, &seq);
	struct part segment = theirs;
	const uint8_t *read;

	come(lone, seq, 20, 10);
	told(lone, seq, 0, NULL, 0);
	segment.type = ACK;
	segment.seq = irs;
	segment.ack = seq;
	segment.size = sizeof(more);
	segment.data = more;
	segments_give(lone, &segment);
	assert_int_equal(romon_stream_peek(lone->engine, handle, &read), 0);
	assert_int_equal(lone->count, 0);
}

/* ---- what we are told ---- */

/* An ack of so many segments, with blocks that count segments, too. */
static void give_blocks(struct lone *lone, uint32_t seq, uint32_t ack, const uint32_t *blocks, size_t count)
{
	struct part segment = theirs;
	uint8_t bytes[64];

	for (size_t i = 0; i < count; i++) {
		uint32_t number = seq + blocks[i] * SIZE;

		for (unsigned b = 0; b < 4; b++)
			bytes[4 * i + b] = (uint8_t)(number >> (24 - 8 * b));
	}
	segment.type = ACK;
	segment.seq = irs;
	segment.ack = seq + ack * SIZE;
	segment.size = 4 * count;
	segment.data = bytes;
	segments_give(lone, &segment);
}

static uint32_t window_of(struct lone *lone, uint32_t handle)
{
	struct romon_stream_info info;

	assert_true(romon_stream_info(lone->engine, handle, &info));
	return info.window;
}

/* A stream with ten segments on the way. */
static uint32_t ten_on_the_way(struct lone *lone, uint32_t *seq)
{
	static uint8_t bytes[10 * SIZE];
	uint32_t handle = segments_accepted(lone, OURS, seq);

	assert_int_equal(romon_stream_write(lone->engine, handle, bytes, sizeof(bytes)), sizeof(bytes));
	lone_run(lone, 0);
	assert_int_equal(lone->count, 10);
	lone_forget(lone);
	lone_run(lone, 5 * MS);
	return handle;
}

/* Everything has arrived and the reader is slow: nothing is left for a tail probe to send, so none is answered later. */
static void nothing_is_left_for_a_tail_probe(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = ten_on_the_way(lone, &seq), window;

	give_blocks(lone, seq, 5, (const uint32_t[]){5, 10}, 2);
	lone_run(lone, 150 * MS);
	assert_int_equal(lone->count, 0);
	window = window_of(lone, handle);
	give_blocks(lone, seq, 10, NULL, 0);
	assert_in_range(window_of(lone, handle), window, STREAM_WINDOW);
}

/* The answer to the last one is late; that it was sent twice shows by what comes behind it. */
static void the_answer_is_late(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = ten_on_the_way(lone, &seq), window;

	give_blocks(lone, seq, 9, NULL, 0);
	lone_run(lone, 25 * MS);
	assert_int_equal(lone->count, 1);
	window = window_of(lone, handle);
	give_blocks(lone, seq, 10, NULL, 0);
	give_blocks(lone, seq, 10, (const uint32_t[]){9, 10}, 2);
	assert_in_range(window_of(lone, handle), window, STREAM_WINDOW);
}

/* One segment was all that was on the way, and it was lost, as was what asked for it. */
static void lost_alone(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = ten_on_the_way(lone, &seq), window;

	give_blocks(lone, seq, 10, NULL, 0);
	window = window_of(lone, handle);
	romon_stream_write(lone->engine, handle, "x", 1);
	lone_run(lone, 300 * MS);
	assert_int_equal(lone->count, 3);
	seq++;
	give_blocks(lone, seq, 10, NULL, 0);
	assert_in_range(window_of(lone, handle), 0, window / 2);
}

/* All holes are filled at once, and nothing else is sent again. */
static void holes_are_filled(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = ten_on_the_way(lone, &seq), window = window_of(lone, handle);

	give_blocks(lone, seq, 1, (const uint32_t[]){2, 3, 4, 5, 6, 7}, 6);
	assert_int_equal(lone->count, 3); /* the second, the fourth, the sixth */
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(segments_read(&lone->sent[i]).seq, seq + (1 + 2 * i) * SIZE);
		assert_int_equal(segments_read(&lone->sent[i]).size, SIZE);
	}
	assert_in_range(window_of(lone, handle), window * 6 / 10, window * 8 / 10);
	lone_forget(lone);
	give_blocks(lone, seq, 10, NULL, 0);
	lone_run(lone, 20 * S);
	assert_int_equal(lone->count, 0);
}

/* One that came later than its successors, and was sent again for nothing: the window is what it was. */
static void no_loss_at_all(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = ten_on_the_way(lone, &seq), window = window_of(lone, handle);

	give_blocks(lone, seq, 0, (const uint32_t[]){1, 4}, 2);
	segments_sent(lone, DATA, 0, seq, irs, SIZE);
	assert_true(window_of(lone, handle) < window);
	give_blocks(lone, seq, 4, NULL, 0);
	assert_true(window_of(lone, handle) < window);
	give_blocks(lone, seq, 4, (const uint32_t[]){0, 1}, 2); /* it came twice */
	assert_in_range(window_of(lone, handle), window, 2 * window);
	assert_true(lone->engine->streams.slots[handle & (STREAMS_MAX - 1)]->flight.reordered);
	/* Since segments overtake each other here, the next one has time. */
	give_blocks(lone, seq, 4, (const uint32_t[]){5, 8}, 2);
	assert_int_equal(lone->count, 0);
	lone_run(lone, 10 * MS);
	segments_sent(lone, DATA, 0, seq + 4 * SIZE, irs, SIZE);
}

/* The path doubles segments that have nothing to do with the loss: that does not undo it. */
static void others_that_came_twice(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = ten_on_the_way(lone, &seq), window;

	give_blocks(lone, seq, 2, NULL, 0);
	give_blocks(lone, seq, 2, (const uint32_t[]){3, 6}, 2);
	segments_sent(lone, DATA, 0, seq + 2 * SIZE, irs, SIZE);
	window = window_of(lone, handle);
	give_blocks(lone, seq, 6, (const uint32_t[]){1, 2}, 2); /* before the loss */
	assert_int_equal(window_of(lone, handle), window);
	give_blocks(lone, seq, 6, (const uint32_t[]){2, 3}, 2); /* this is the one */
	assert_true(window_of(lone, handle) > window);
}

/* What was sent again is lost again: it does not take a timeout. */
static void lost_again(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = ten_on_the_way(lone, &seq);

	give_blocks(lone, seq, 0, (const uint32_t[]){1, 4}, 2);
	segments_sent(lone, DATA, 0, seq, irs, SIZE);
	romon_stream_write(lone->engine, handle, "more", 4);
	lone_run(lone, 1 * MS);
	lone_forget(lone);
	give_blocks(lone, seq, 0, (const uint32_t[]){1, 10}, 2); /* room for the new bytes, sent after the second copy */
	lone_run(lone, 5 * MS);
	assert_true(lone->count > 0);
	lone_forget(lone);
	{
		struct part segment = theirs;
		uint8_t bytes[8];
		uint32_t numbers[2] = {seq + SIZE, seq + 10 * SIZE + 4};

		for (unsigned i = 0; i < 8; i++)
			bytes[i] = (uint8_t)(numbers[i / 4] >> (24 - 8 * (i % 4)));
		segment.type = ACK;
		segment.seq = irs;
		segment.ack = seq;
		segment.size = 8;
		segment.data = bytes;
		segments_give(lone, &segment);
	}
	lone_run(lone, 20 * MS);
	segments_sent(lone, DATA, 0, seq, irs, SIZE);
}

/* The end of what was said is lost: nothing behind it tells, so the last segment is sent again, long before the timeout. */
static void the_end_is_probed(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = ten_on_the_way(lone, &seq), window;

	give_blocks(lone, seq, 8, NULL, 0);
	window = window_of(lone, handle);
	lone_run(lone, 19 * MS);
	assert_int_equal(lone->count, 0);
	lone_run(lone, 5 * MS);
	segments_sent(lone, DATA, 0, seq + 9 * SIZE, irs, SIZE);
	lone_run(lone, 5 * MS); /* a round trip: sooner it could only be the first copy */
	give_blocks(lone, seq, 8, (const uint32_t[]){9, 10}, 2); /* it tells of the ninth */
	lone_run(lone, 10 * MS);
	segments_sent(lone, DATA, 0, seq + 8 * SIZE, irs, SIZE);
	give_blocks(lone, seq, 10, NULL, 0);
	assert_true(window_of(lone, handle) < window);
	lone_run(lone, 20 * S);
	assert_int_equal(lone->count, 0);
}

/* Only the last one was lost, or not even that: what comes twice tells the two apart. */
static void the_last_one(void **state)
{
	for (unsigned twice = 0; twice < 2; twice++) {
		struct lone *lone = *state;
		uint32_t seq, handle = ten_on_the_way(lone, &seq), window;

		give_blocks(lone, seq, 9, NULL, 0);
		window = window_of(lone, handle);
		lone_run(lone, 25 * MS);
		segments_sent(lone, DATA, 0, seq + 9 * SIZE, irs, SIZE);
		if (twice == 1) {
			give_blocks(lone, seq, 10, (const uint32_t[]){9, 10}, 2);
			assert_int_equal(window_of(lone, handle), window);
		} else {
			give_blocks(lone, seq, 10, NULL, 0);
			assert_true(window_of(lone, handle) < window);
			segments_tear_down(state);
			segments_set_up(state);
		}
	}
}

/* The path held everything back for longer than the timeout: what was sent again for nothing comes twice, and the window is what it was. */
static void a_timeout_for_nothing(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = ten_on_the_way(lone, &seq), window = window_of(lone, handle), sent;

	lone_run(lone, 200 * MS);
	assert_true(window_of(lone, handle) < window);
	for (uint32_t i = 1; i <= 10; i++)
		give_blocks(lone, seq, i, NULL, 0);
	assert_true(window_of(lone, handle) < window);
	sent = (uint32_t)lone->count - 1; /* the first was a probe */
	assert_in_range(sent, 1, 10);
	for (uint32_t i = 0; i < sent; i++)
		give_blocks(lone, seq, 10, (const uint32_t[]){i, i + 1}, 2);
	assert_in_range(window_of(lone, handle), window, 2 * window);
	assert_false(lone->engine->streams.slots[handle & (STREAMS_MAX - 1)]->flight.reordered);
}

/* The reader of the other side is slow: it has everything. That is no loss, and nothing but the oldest segment is sent again, to ask. */
static void a_slow_reader_is_no_loss(void **state)
{
	struct lone *lone = *state;
	uint32_t seq, handle = ten_on_the_way(lone, &seq), window = window_of(lone, handle);

	give_blocks(lone, seq, 4, (const uint32_t[]){4, 10}, 2);
	for (size_t i = 0, answered = 0; i < 600; i++) {
		lone_run(lone, 100 * MS);
		for (; answered < lone->count; answered++)
			give_blocks(lone, seq, 4, (const uint32_t[]){4, 5, 4, 10}, 4);
	}
	assert_in_range(lone->count, 12, 20);
	for (size_t i = 0; i < lone->count; i++)
		assert_int_equal(segments_read(&lone->sent[i]).seq, seq + 4 * SIZE);
	segments_no_event(lone);
	assert_in_range(window_of(lone, handle), window, 2 * window);
}

/* Nothing is heard: the oldest bytes are tried once a second until all is given up, not ever more rarely. */
static void silence_is_tried_once_a_second(void **state)
{
	struct lone *lone = *state;
	uint32_t seq;
	struct romon_time last = lone->now;
	unsigned tries = 0;

	ten_on_the_way(lone, &seq);
	lone_run(lone, 14 * S);
	for (size_t i = 0; i < lone->count; i++) {
		if (lone->sent[i].data[14] != CRAFT_DATA || lone->sent[i].at.ns - last.ns < 100 * MS)
			continue;
		assert_in_range(lone->sent[i].at.ns - last.ns, 0, 1100 * MS);
		last = lone->sent[i].at;
		tries++;
	}
	assert_in_range(tries, 14, 25);
}

/* Blocks that cannot be: of what was not sent, of nothing, the wrong way round. */
static void nonsense(void **state)
{
	static const uint32_t blocks[][2] = {{20, 30}, {5, 5}, {7, 3}, {0xffff, 4}, {4, 0xffff}, {0, 0}};
	struct lone *lone = *state;
	uint32_t seq, handle = ten_on_the_way(lone, &seq);

	for (size_t i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		give_blocks(lone, seq, 2, blocks[i], 2);
	assert_int_equal(lone->engine->streams.slots[handle & (STREAMS_MAX - 1)]->flight.arrived, 0);
	lone_forget(lone);
	give_blocks(lone, seq, 10, NULL, 0);
	lone_run(lone, 20 * S);
	assert_int_equal(lone->count, 0);
	assert_true(romon_stream_info(lone->engine, handle, &(struct romon_stream_info){0}));
}

/* ---- memory ---- */

/* The reader has read everything while something early lies behind it, and memory is short: that is not given back. */
static void early_bytes_stay(void **state)
{
	static uint8_t bytes[64 * 1024];
	struct lone *lone = *state;
	uint32_t seq, handle = segments_accepted(lone, OURS, &seq);
	struct part segment = theirs;
	const uint8_t *read;

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 31 >> 4);
	segment.type = DATA;
	segment.ack = seq;
	segment.size = 1000;
	for (uint32_t at = 0; at < 40000; at += 1000) {
		if (at == 20000)
			continue;
		segment.seq = irs + at;
		segment.data = bytes + at;
		segments_give(lone, &segment);
	}
	lone->engine->streams.pool.used += BUFFER_POOL_MAX * 3 / 4;
	for (size_t done = 0, piece; done < 20000; done += piece) {
		piece = romon_stream_peek(lone->engine, handle, &read);
		assert_true(piece > 0);
		romon_stream_read(lone->engine, handle, piece);
	}
	segment.seq = irs + 20000;
	segment.data = bytes + 20000;
	segments_give(lone, &segment);
	for (size_t done = 20000, piece; done < 40000; done += piece) {
		piece = romon_stream_peek(lone->engine, handle, &read);
		assert_true(piece > 0);
		assert_memory_equal(read, bytes + done, piece);
		romon_stream_read(lone->engine, handle, piece);
	}
	lone->engine->streams.pool.used -= BUFFER_POOL_MAX * 3 / 4;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, segments_set_up, segments_tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(what_came_early_is_told),
		TEST(what_came_twice_is_told),
		TEST(no_more_blocks_than_there_is_room_for),
		TEST(what_is_withheld_is_told),
		TEST(blocks_are_told_beside_data),
		TEST(others_are_told_nothing),
		TEST(nothing_is_left_for_a_tail_probe),
		TEST(the_answer_is_late),
		TEST(lost_alone),
		TEST(holes_are_filled),
		TEST(no_loss_at_all),
		TEST(others_that_came_twice),
		TEST(lost_again),
		TEST(the_end_is_probed),
		TEST(the_last_one),
		TEST(a_timeout_for_nothing),
		TEST(a_slow_reader_is_no_loss),
		TEST(silence_is_tried_once_a_second),
		TEST(nonsense),
		TEST(early_bytes_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
