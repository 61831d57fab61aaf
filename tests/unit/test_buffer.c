/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The rings and the ranges that streams are made of, against plain arrays.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/buffer.h"
#include "core/ranges.h"

static uint64_t seed = 1;

static uint32_t random_below(uint32_t bound)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % bound;
}

/* Bytes go in at the end and out at the front, in pieces of any size, while the ring grows. */
static void a_ring_keeps_its_bytes(void **state)
{
	static uint8_t bytes[70000], out[70000];
	struct buffer_pool pool = {0};
	struct buffer buffer = {0};
	uint32_t in = 0, gone = 0;

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		uint32_t size = random_below(2000), at;

		if (buffer_reserve(&buffer, &pool, buffer.len + size) < buffer.len + size)
			size = buffer.cap - buffer.len;
		if (buffer.len + size > 65000)
			size = 0;
		for (uint32_t b = 0; b < size; b++)
			bytes[b] = (uint8_t)((in + b) * 7 >> 3);
		buffer_put(&buffer, buffer.len, bytes, size);
		buffer.len += size;
		in += size;
		at = random_below(buffer.len + 1);
		size = random_below(buffer.len - at + 1);
		buffer_get(&buffer, at, out, size);
		for (uint32_t b = 0; b < size; b++)
			assert_int_equal(out[b], (uint8_t)((gone + at + b) * 7 >> 3));
		size = random_below(buffer.len + 1) / (1 + random_below(4));
		buffer_drop(&buffer, size);
		gone += size;
	}
	assert_int_equal(pool.used, buffer.cap - BUFFER_MIN);
	buffer_free(&buffer, &pool);
	assert_int_equal(pool.used, 0);
}

static void early_bytes_survive_growing(void **state)
{
	struct buffer_pool pool = {0};
	struct buffer buffer = {0};
	uint8_t out[6];

	(void)state;
	buffer_reserve(&buffer, &pool, 10);
	buffer_put(&buffer, 0, (const uint8_t *)"xxx", 3);
	buffer.len = 3;
	buffer_drop(&buffer, 2);
	buffer_put(&buffer, 4000, (const uint8_t *)"early", 6); /* wraps nowhere near len */
	buffer_reserve(&buffer, &pool, 100000);
	buffer_get(&buffer, 4000, out, 6);
	assert_memory_equal(out, "early", 6);
	buffer_free(&buffer, &pool);
}

static void the_pool_is_a_bound(void **state)
{
	static struct buffer buffers[200];
	struct buffer_pool pool = {0};
	size_t total = 0;

	(void)state;
	for (size_t i = 0; i < 200; i++) {
		assert_in_range(buffer_reserve(&buffers[i], &pool, BUFFER_MAX), BUFFER_MIN, BUFFER_MAX);
		assert_true(pool.used <= BUFFER_POOL_MAX);
		total += buffers[i].cap;
	}
	assert_int_equal(total, pool.used + 200 * BUFFER_MIN);
	assert_int_equal(buffers[199].cap, BUFFER_MIN); /* what everyone may have */
	/* What is empty is given back while much is used, and kept otherwise. */
	buffers[0].len = 10;
	buffer_drop(&buffers[0], 10);
	buffer_rest(&buffers[0], &pool);
	assert_int_equal(buffers[0].cap, 0);
	for (size_t i = 1; i < 60; i++)
		buffer_free(&buffers[i], &pool);
	buffer_reserve(&buffers[0], &pool, 100000);
	buffers[0].len = 10;
	buffer_drop(&buffers[0], 10);
	buffer_rest(&buffers[0], &pool);
	assert_int_equal(buffers[0].cap, 131072);
	for (size_t i = 0; i < 200; i++)
		buffer_free(&buffers[i], &pool);
	assert_int_equal(pool.used, 0);
}

/* Ranges in any order, against one flag for each number; the numbers wrap. */
static void ranges_against_flags(void **state)
{
	enum { SPAN = 300 };
	const uint32_t origin = 0xffffff80;

	(void)state;
	for (unsigned run = 0; run < 2000; run++) {
		bool here[SPAN + 1] = {false};
		struct ranges ranges = {0};
		uint32_t next = 0;

		while (next < SPAN) {
			uint32_t from = next + random_below(SPAN - next), to = from + 1 + random_below(20), reached;

			if (to > SPAN)
				to = SPAN;
			if (from == next) {
				memset(here + from, 1, to - from);
				reached = ranges_advance(&ranges, origin + to) - origin;
				while (here[next])
					next++;
				assert_int_equal(reached, next);
			} else if (ranges_add(&ranges, origin + next, origin + from, origin + to)) {
				memset(here + from, 1, to - from);
			}
			for (uint32_t i = 0; i < ranges.count; i++) { /* in order, apart, and true */
				assert_true(ranges.list[i].from != ranges.list[i].to);
				assert_false(here[ranges.list[i].from - 1 - origin]);
				assert_false(here[ranges.list[i].to - origin]);
				for (uint32_t n = ranges.list[i].from; n != ranges.list[i].to; n++)
					assert_true(here[n - origin]);
			}
		}
		assert_int_equal(ranges.count, 0);
		ranges_free(&ranges);
	}
}

static void ranges_are_bounded(void **state)
{
	struct ranges ranges = {0};

	(void)state;
	for (uint32_t i = 1; i <= RANGES_MAX; i++)
		assert_true(ranges_add(&ranges, 0, i * 10, i * 10 + 5));
	assert_false(ranges_add(&ranges, 0, 5, 6));
	assert_true(ranges_add(&ranges, 0, 15, 20)); /* what joins others needs no room */
	assert_int_equal(ranges.count, RANGES_MAX - 1);
	assert_int_equal(ranges_advance(&ranges, 10), 25);
	ranges_free(&ranges);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_keeps_its_bytes),
		cmocka_unit_test(early_bytes_survive_growing),
		cmocka_unit_test(the_pool_is_a_bound),
		cmocka_unit_test(ranges_against_flags),
		cmocka_unit_test(ranges_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
