/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The replay window against a plain model: a ring that remembers, for each of the last counters, when it was seen last.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/window.h"

#define MODEL_RANGE 4096 /* how far left of the highest counter anything is asked */
#define STEPS 10000000

/* The model: seen[c % range] holds c once c was seen. It knows nothing of words, bits or moving. */
struct model {
	uint64_t top, floor; /* all up to floor are seen */
	uint64_t seen[MODEL_RANGE];
};

static bool model_fresh(const struct model *model, uint64_t counter)
{
	if (counter == 0 || counter <= model->floor || (counter <= model->top && model->top - counter >= WINDOW_SIZE))
		return false;
	return model->seen[counter % MODEL_RANGE] != counter;
}

static void model_mark(struct model *model, uint64_t counter)
{
	model->seen[counter % MODEL_RANGE] = counter;
	if (counter > model->top)
		model->top = counter;
}

static uint64_t random_state;

static uint64_t random_next(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/* New, repeated, reordered, far ahead, too old, at the edges. */
static uint64_t choose(uint64_t top)
{
	uint64_t back;

	switch (random_next() % 8) {
	case 0:
	case 1:
	case 2:
		return top + 1;
	case 3:
		return top + 1 + random_next() % 70;
	case 4:
		return top + random_next() % (3 * WINDOW_SIZE);
	case 5:
		back = WINDOW_SIZE - 2 + random_next() % 4;
		break;
	default:
		back = random_next() % (2 * WINDOW_SIZE);
		break;
	}
	return top > back ? top - back : 0;
}

static void same_as_model(void **state)
{
	static struct model model;
	struct window window = {0};
	size_t fresh = 0, stale = 0;

	(void)state;
	random_state = 0x9e3779b97f4a7c15;
	memset(&model, 0, sizeof(model));
	for (size_t i = 0; i < STEPS; i++) {
		uint64_t counter = choose(window.top);
		bool expected = model_fresh(&model, counter);

		assert_int_equal(window_fresh(&window, counter), expected);
		fresh += expected;
		stale += !expected;
		if (expected) {
			window_mark(&window, counter);
			model_mark(&model, counter);
		}
		if (random_next() % 50000 == 0) { /* a Hello installs a new start */
			uint64_t start = random_next() % 5000;

			window_reset(&window, start);
			memset(&model, 0, sizeof(model));
			model.top = model.floor = start;
		}
	}
	assert_true(fresh > STEPS / 4 && stale > STEPS / 10); /* both were tried */
}

static void nothing_within_the_window_is_lost(void **state)
{
	struct window window = {0};

	(void)state;
	window_mark(&window, 5000);
	for (uint64_t c = 5000 - WINDOW_SIZE + 1; c < 5000; c++) {
		assert_true(window_fresh(&window, c));
		window_mark(&window, c);
		assert_false(window_fresh(&window, c));
	}
	assert_false(window_fresh(&window, 5000 - WINDOW_SIZE));
	assert_false(window_fresh(&window, 0));
	assert_true(window_fresh(&window, UINT64_MAX));
	window_mark(&window, UINT64_MAX);
	assert_false(window_fresh(&window, UINT64_MAX));
	assert_true(window_fresh(&window, UINT64_MAX - WINDOW_SIZE + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_as_model),
		cmocka_unit_test(nothing_within_the_window_is_lost),
	};

	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
