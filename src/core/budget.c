/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A token bucket that counts bytes.
 */
#include "core/budget.h"

/* What the bucket holds, in billionths of a byte; below 2^62 for every limit. */
static int64_t depth_of(const struct budget *budget)
{
	return (int64_t)budget->limit / 4 * ROMON_SECOND;
}

void budget_init(struct budget *budget, uint32_t limit, struct romon_time now)
{
	budget->limit = limit;
	budget->left = depth_of(budget);
	budget->at = now;
}

static void fill(struct budget *budget, struct romon_time now)
{
	int64_t passed = now.ns - budget->at.ns, depth = depth_of(budget);

	budget->at = now;
	if (passed >= ROMON_SECOND) {
		budget->left = depth;
		return;
	}
	budget->left += passed * (int64_t)(budget->limit / 4 * 3);
	if (budget->left > depth)
		budget->left = depth;
}

bool budget_take(struct budget *budget, size_t len, struct romon_time now)
{
	fill(budget, now);
	if ((int64_t)len * ROMON_SECOND > budget->left)
		return false;
	budget->left -= (int64_t)len * ROMON_SECOND;
	return true;
}
