/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The counters of one sender that were seen: all up to a horizon, and of the last 1,024 each on its own, so that frames may overtake one
 * another and none is taken twice. Counter 0 is never used.
 */
#ifndef ROMON_WINDOW_H
#define ROMON_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_SIZE 1024 /* counters; a power of two */

struct window {
	uint64_t top; /* the highest counter seen */
	uint64_t bits[WINDOW_SIZE / 64]; /* bit (c % WINDOW_SIZE), for c in (top - WINDOW_SIZE, top]: seen */
};

/* Was the counter neither seen before nor is it left of the window? */
bool window_fresh(const struct window *window, uint64_t counter);
/* It is seen now; the window moves if need be. */
void window_mark(struct window *window, uint64_t counter);
/* All counters up to this one are seen, and none beyond. */
void window_reset(struct window *window, uint64_t counter);

#endif
