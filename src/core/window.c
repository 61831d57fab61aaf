/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The counters of one sender that were seen.
 */
#include "core/window.h"

#include <string.h>

static uint64_t *word_of(struct window *window, uint64_t counter)
{
	return &window->bits[counter % WINDOW_SIZE / 64];
}

static uint64_t bit_of(uint64_t counter)
{
	return UINT64_C(1) << (counter % 64);
}

bool window_fresh(const struct window *window, uint64_t counter)
{
	if (counter > window->top)
		return true;
	if (window->top - counter >= WINDOW_SIZE)
		return false;
	return counter != 0 && (window->bits[counter % WINDOW_SIZE / 64] & bit_of(counter)) == 0;
}

void window_mark(struct window *window, uint64_t counter)
{
	if (counter > window->top) {
		if (counter - window->top >= WINDOW_SIZE) {
			memset(window->bits, 0, sizeof(window->bits));
		} else {
			for (uint64_t c = window->top + 1; c < counter; c++)
				*word_of(window, c) &= ~bit_of(c);
		}
		window->top = counter;
	}
	if (window->top - counter < WINDOW_SIZE)
		*word_of(window, counter) |= bit_of(counter);
}

void window_reset(struct window *window, uint64_t counter)
{
	window->top = counter;
	memset(window->bits, 0xff, sizeof(window->bits));
}
