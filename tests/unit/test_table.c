/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The hash table with a capacity, against a plain array; and the output queue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/queue.h"
#include "core/table.h"

#define CAPACITY 1000
#define KEYS 1500 /* that there are at all */

struct item {
	uint8_t key[10];
	uint16_t value;
	struct romon_time until;
};

static struct table_seed seed = {
	{0x9e3779b97f4a7c15ULL, 0xbf58476d1ce4e5b9ULL, 0x94d049bb133111ebULL, 0xd6e8feb86659fd93ULL, 0xa0761d6478bd642fULL}};
static const struct romon_time now = {1000 * ROMON_SECOND};

static bool item_dead(const void *item, struct romon_time at)
{
	return ((const struct item *)item)->until.ns <= at.ns;
}

static const uint8_t *key_of(unsigned number)
{
	static uint8_t key[10];

	memset(key, 0, sizeof(key));
	memcpy(key + 5, &number, sizeof(number));
	return key;
}

static uint32_t next_random(void)
{
	static uint64_t state = 5;

	state = state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(state >> 33);
}

/* Puts, finds and removes at random; after every step of a few, the table holds what the array says. */
static void behaves_as_a_plain_array(void **state)
{
	static uint16_t expected[KEYS]; /* 0: not there */
	struct table table;
	size_t count = 0, refused = 0;

	(void)state;
	table_init(&table, &seed, 10, sizeof(struct item), CAPACITY, NULL);
	assert_null(table_find(&table, key_of(1)));
	assert_null(table_next(&table, NULL));
	for (unsigned step = 0; step < 200000; step++) {
		/* Rounds of filling and of emptying. */
		unsigned number = next_random() % KEYS, kind = next_random() % 8 < (step / 20000 % 2 == 0 ? 6 : 2);
		struct item *item = table_find(&table, key_of(number));

		assert_int_equal(item != NULL ? item->value : 0, expected[number]);
		if (kind == 1) {
			struct item *put = table_put(&table, key_of(number), now);

			if (put == NULL) {
				assert_true(count == CAPACITY && item == NULL);
				refused++;
				continue;
			}
			assert_memory_equal(put->key, key_of(number), 10);
			if (item == NULL) {
				assert_true(put->value == 0 && put->until.ns == 0);
				count++;
			}
			put->value = expected[number] = (uint16_t)(1 + next_random() % 60000);
		} else if (item != NULL) {
			table_remove(&table, item);
			expected[number] = 0;
			count--;
		}
		assert_int_equal(table.count, count);
		if (step % 5000 == 0) {
			size_t walked = 0;

			for (struct item *i = table_next(&table, NULL); i != NULL; i = table_next(&table, i), walked++) {
				unsigned n;
				memcpy(&n, i->key + 5, sizeof(n));
				assert_int_equal(i->value, expected[n]);
			}
			assert_int_equal(walked, count);
		}
	}
	assert_true(refused > 1000);
	table_clear(&table);
	assert_null(table_find(&table, key_of(1)));
	assert_non_null(table_put(&table, key_of(1), now));
	table_clear(&table);
}

static void the_dead_make_room(void **state)
{
	struct table table;
	struct item *item;
	struct romon_time later = {now.ns + ROMON_SECOND};

	(void)state;
	table_init(&table, &seed, 10, sizeof(struct item), CAPACITY, item_dead);
	for (unsigned i = 0; i < CAPACITY; i++) {
		item = table_put(&table, key_of(i), now);
		assert_non_null(item);
		item->until.ns = now.ns + (i % 2 == 0 ? ROMON_SECOND : 10 * ROMON_SECOND);
	}
	assert_null(table_put(&table, key_of(5000), now));
	assert_non_null(table_put(&table, key_of(5), now)); /* who is there needs no room */
	for (unsigned i = 0; i < CAPACITY / 2; i++) {
		item = table_put(&table, key_of(6000 + i), later);
		assert_non_null(item);
		item->until.ns = later.ns + 10 * ROMON_SECOND;
	}
	assert_null(table_put(&table, key_of(7000), later));
	for (unsigned i = 0; i < CAPACITY; i++)
		assert_true((table_find(&table, key_of(i)) != NULL) == (i % 2 == 1));
	table_clear(&table);
}

/* Keys that would all collide in a table whose hash is known do not under another seed. */
static void the_seed_decides_the_places(void **state)
{
	struct table_seed other = seed;
	struct table a, b;
	unsigned moved = 0, at = 0;
	struct item *x, *y;

	(void)state;
	other.word[2] ^= 0x5555555555555555ULL;
	table_init(&a, &seed, 10, sizeof(struct item), CAPACITY, NULL);
	table_init(&b, &other, 10, sizeof(struct item), CAPACITY, NULL);
	for (unsigned i = 0; i < 500; i++) {
		assert_non_null(table_put(&a, key_of(i * 4096), now));
		assert_non_null(table_put(&b, key_of(i * 4096), now));
	}
	for (x = table_next(&a, NULL), y = table_next(&b, NULL); x != NULL && y != NULL;
		x = table_next(&a, x), y = table_next(&b, y), at++)
		moved += memcmp(x->key, y->key, 10) != 0;
	assert_int_equal(at, 500);
	assert_true(moved > 400);
	table_clear(&a);
	table_clear(&b);
}

/* ---- the queue ---- */

static bool push(struct queue *queue, uint32_t link, size_t len, uint8_t fill)
{
	uint8_t *bytes = queue_push(queue, link, len, 1000 + fill);

	if (bytes != NULL)
		memset(bytes, fill, len);
	return bytes != NULL;
}

/* Takes up to max frames, each of which must come with the serial that it was pushed with. */
static size_t pop(struct queue *queue, struct romon_frame *frames, size_t max)
{
	size_t count = 0;
	uint32_t serial;

	while (count < max && queue_pop(queue, &frames[count], &serial)) {
		assert_int_equal(serial, 1000 + frames[count].data[0]);
		count++;
	}
	return count;
}

static void frames_come_out_in_order(void **state)
{
	struct queue queue = {0};
	struct romon_frame frames[7];
	uint8_t in = 0, out = 0;

	(void)state;
	assert_int_equal(pop(&queue, frames, 7), 0);
	for (unsigned round = 0; round < 500; round++) {
		size_t count;

		for (unsigned i = 0; i < round % 11; i++, in++)
			assert_true(push(&queue, 1u + in % 3u, 60u + in, in));
		count = pop(&queue, frames, 7);
		for (size_t i = 0; i < count; i++, out++) {
			assert_true(frames[i].link == 1u + out % 3u && frames[i].len == 60u + out);
			assert_true(frames[i].data[0] == out && frames[i].data[frames[i].len - 1] == out);
		}
		if (round % 50 == 0)
			while (pop(&queue, frames, 1) == 1)
				assert_int_equal(frames[0].data[0], out++);
	}
	queue_free(&queue);
}

static void a_link_can_be_forgotten(void **state)
{
	struct queue queue = {0};
	struct romon_frame frames[10];

	(void)state;
	for (uint8_t i = 0; i < 9; i++)
		assert_true(push(&queue, 1u + i % 3u, 100, i));
	assert_int_equal(pop(&queue, frames, 1), 1);
	queue_forget(&queue, 2);
	assert_true(push(&queue, 2, 100, 9)); /* of the same number, but new */
	assert_int_equal(pop(&queue, frames, 10), 6);
	for (size_t i = 0; i + 1 < 6; i++)
		assert_int_not_equal(frames[i].link, 2);
	assert_true(frames[5].link == 2 && frames[5].data[0] == 9);
	assert_int_equal(pop(&queue, frames, 10), 0);
	queue_free(&queue);
}

static void it_has_a_capacity_and_gives_memory_back(void **state)
{
	static struct romon_frame frames[QUEUE_FRAMES_MAX];
	struct queue queue = {0};
	size_t count = 0;

	(void)state;
	while (push(&queue, 1, 1, 1))
		count++;
	assert_int_equal(count, QUEUE_FRAMES_MAX);
	assert_int_equal(pop(&queue, frames, QUEUE_FRAMES_MAX), QUEUE_FRAMES_MAX);
	for (count = 0; push(&queue, 1, 10000, 2); count++)
		;
	assert_int_equal(count, QUEUE_BYTES_MAX / 10000);
	assert_true(push(&queue, 1, QUEUE_BYTES_MAX % 10000, 3)); /* to the last byte */
	assert_false(push(&queue, 1, 1, 4));
	assert_int_equal(pop(&queue, frames, QUEUE_FRAMES_MAX), count + 1);
	assert_int_equal(frames[count - 1].data[9999], 2);
	assert_true(push(&queue, 1, 100, 5));
	assert_in_range(queue.bytes_cap, 100, 65536);
	queue_free(&queue);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(behaves_as_a_plain_array),
		cmocka_unit_test(the_dead_make_room),
		cmocka_unit_test(the_seed_decides_the_places),
		cmocka_unit_test(frames_come_out_in_order),
		cmocka_unit_test(a_link_can_be_forgotten),
		cmocka_unit_test(it_has_a_capacity_and_gives_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
