/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What will happen, by time; of equal times, what was planned first.
 */
#ifndef ROMON_SIM_EVENTS_H
#define ROMON_SIM_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct passage;

enum event_type {
	EVENT_ARRIVE,      /* passage reaches jack `who` */
	EVENT_WAKE,        /* the engine of station `who` wanted to be called */
	EVENT_FAULT_BEGIN, /* fault `who` */
	EVENT_FAULT_END,
	EVENT_WORK,    /* job `who` of the workload */
	EVENT_HOSTILE, /* station `who` does something bad */
};

struct event {
	int64_t at; /* nanoseconds */
	uint64_t order;
	enum event_type type;
	uint32_t who;
	struct passage *passage;
};

struct events {
	struct event *heap;
	size_t count, cap;
	uint64_t order;
};

void events_add(struct events *events, int64_t at, enum event_type type, uint32_t who, struct passage *passage);
/* Takes the first one, if it is not later than until. */
bool events_take(struct events *events, int64_t until, struct event *event);
/* Frees the list; passages in it are the caller's. */
void events_free(struct events *events);

#endif
