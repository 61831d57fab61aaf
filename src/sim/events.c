/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What will happen: a heap by time and order.
 */
#include "sim/events.h"

#include <stdlib.h>

#include "sim/memory.h"

static bool before(const struct event *a, const struct event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void events_add(struct events *events, int64_t at, enum event_type type, uint32_t who, struct passage *passage)
{
	struct event event = {.at = at, .order = events->order++, .type = type, .who = who, .passage = passage};
	size_t i = events->count++;

	events->heap = memory_room(events->heap, &events->cap, events->count, sizeof(*events->heap));
	for (; i > 0 && before(&event, &events->heap[(i - 1) / 2]); i = (i - 1) / 2)
		events->heap[i] = events->heap[(i - 1) / 2];
	events->heap[i] = event;
}

bool events_take(struct events *events, int64_t until, struct event *event)
{
	struct event last;
	size_t i = 0, child;

	if (events->count == 0 || events->heap[0].at > until)
		return false;
	*event = events->heap[0];
	last = events->heap[--events->count];
	while ((child = 2 * i + 1) < events->count) {
		if (child + 1 < events->count && before(&events->heap[child + 1], &events->heap[child]))
			child++;
		if (!before(&events->heap[child], &last))
			break;
		events->heap[i] = events->heap[child];
		i = child;
	}
	if (events->count > 0)
		events->heap[i] = last;
	return true;
}

void events_free(struct events *events)
{
	free(events->heap);
	*events = (struct events){0};
}
