/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Ranges of sequence numbers in a small sorted array. Numbers wrap, so they are compared by their distance from the next expected one.
 */
#include "core/ranges.h"

#include <stdlib.h>
#include <string.h>

#define CAP_MIN 8

static bool make_room(struct ranges *ranges)
{
	uint32_t cap = ranges->cap != 0 ? ranges->cap * 2 : CAP_MIN;
	struct range *grown;

	if (ranges->count < ranges->cap)
		return true;
	if (ranges->count == RANGES_MAX)
		return false;
	grown = realloc(ranges->list, cap * sizeof(*grown));
	if (grown == NULL)
		return false;
	ranges->list = grown;
	ranges->cap = cap;
	return true;
}

bool ranges_add(struct ranges *ranges, uint32_t base, uint32_t from, uint32_t to)
{
	uint32_t first, last;

	/* Ranges [first, last) touch the new one. Most segments come in order: the search begins at the end. */
	for (last = ranges->count; last > 0 && ranges->list[last - 1].from - base > to - base; last--)
		;
	for (first = last; first > 0 && ranges->list[first - 1].to - base >= from - base; first--)
		;
	if (first == last) {
		if (!make_room(ranges))
			return false;
		memmove(&ranges->list[first + 1], &ranges->list[first], (ranges->count++ - first) * sizeof(struct range));
		ranges->list[first] = (struct range){from, to};
		return true;
	}
	if (ranges->list[first].from - base < from - base)
		from = ranges->list[first].from;
	if (ranges->list[last - 1].to - base > to - base)
		to = ranges->list[last - 1].to;
	ranges->list[first] = (struct range){from, to};
	memmove(&ranges->list[first + 1], &ranges->list[last], (ranges->count - last) * sizeof(struct range));
	ranges->count -= last - first - 1;
	return true;
}

bool ranges_hold(const struct ranges *ranges, uint32_t base, uint32_t from, uint32_t to)
{
	for (uint32_t i = 0; i < ranges->count; i++)
		if (ranges->list[i].from - base <= from - base && to - base <= ranges->list[i].to - base)
			return true;
	return false;
}

uint32_t ranges_advance(struct ranges *ranges, uint32_t next)
{
	uint32_t gone = 0;

	while (gone < ranges->count && (int32_t)(ranges->list[gone].from - next) <= 0) {
		if ((int32_t)(ranges->list[gone].to - next) > 0)
			next = ranges->list[gone].to;
		gone++;
	}
	if (gone > 0) {
		ranges->count -= gone;
		memmove(ranges->list, ranges->list + gone, ranges->count * sizeof(struct range));
	}
	return next;
}

void ranges_free(struct ranges *ranges)
{
	free(ranges->list);
	*ranges = (struct ranges){0};
}
