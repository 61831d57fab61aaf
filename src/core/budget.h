/* SPDX-License-Identifier: BSD-2-Clause
 *
 * So many bytes in any second, whenever it begins: a bucket that holds a quarter of them, and into which the other three flow evenly.
 */
#ifndef ROMON_BUDGET_H
#define ROMON_BUDGET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

struct budget {
	uint32_t limit;       /* bytes in a second */
	int64_t left;         /* billionths of a byte */
	struct romon_time at; /* when that was so */
};

/* A full one. A changed limit holds from the next second on. */
void budget_init(struct budget *budget, uint32_t limit, struct romon_time now);
/* Takes len bytes out. False, and nothing taken, if there are not so many. */
bool budget_take(struct budget *budget, size_t len, struct romon_time now);

#endif
