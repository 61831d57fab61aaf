/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the users of the routers do: discovery and pings, and when streams begin.
 */
#include "sim/workload.h"

#include <stdlib.h>

#include "sim/checks.h"
#include "sim/memory.h"

#define STREAM_PAUSE (5 * ROMON_SECOND) /* at most, before a slot begins another one */
#define SERVICE_PORT 1024

/* Jobs: 0 changes who does what, the others begin the stream of slot n - 1. */
enum { JOB_CHANGE, JOB_STREAMS };

static uint32_t any_router(struct world *world)
{
	return (uint32_t)dice_below(&world->workload->dice, world->station_count - world->options->hostile);
}

/* ---- pings ---- */

static void ping_start(struct world *world, struct pinger *pinger)
{
	const struct station *s = &world->stations[pinger->from];
	struct romon_ping ping = {.id = world->stations[pinger->to].id,
		.size = (uint16_t)(4 + dice_below(&world->workload->dice, 200)),
		.interval = world->options->ping_interval};

	if (!station_runs(world, pinger->from) || pinger->from == pinger->to)
		return;
	pinger->handle = romon_engine_ping_start(s->engine, &ping, station_now(world, pinger->from));
	pinger->life = s->lives;
	pinger->seen = 0;
	pinger->newest = 0;
	station_flush(world, pinger->from);
}

static void ping_stop(struct world *world, struct pinger *pinger)
{
	const struct station *s = &world->stations[pinger->from];

	if (pinger->handle != 0 && s->engine != NULL && s->lives == pinger->life)
		romon_engine_ping_stop(s->engine, pinger->handle);
	pinger->handle = 0;
}

static void ping_replied(struct world *world, uint32_t station, const struct romon_event *event)
{
	struct workload *workload = world->workload;

	checks_ping_reply(world, station, event);
	world->totals.replies++;
	for (size_t i = 0; i < world->options->pings; i++) {
		struct pinger *pinger = &workload->pingers[i];
		uint32_t age;

		if (pinger->from != station || pinger->handle != event->ping)
			continue;
		if (event->seq > pinger->newest) {
			age = event->seq - pinger->newest;
			pinger->seen = age < 64 ? pinger->seen << age : 0;
			pinger->newest = event->seq;
		}
		age = pinger->newest - event->seq;
		if (world->checks != NULL && !checks_holds(world, CHECK_TWICE, age < 64 && (pinger->seen & 1ULL << age) == 0))
			checks_violated(
				world, CHECK_TWICE, "router %u is told of the answer to ping %u twice", station, event->seq);
		if (age < 64)
			pinger->seen |= 1ULL << age;
	}
}

/* ---- who does what ---- */

static void change(struct world *world)
{
	struct workload *workload = world->workload;
	const struct options *options = world->options;

	for (size_t i = 0; i < options->askers; i++) {
		struct asker *asker = &workload->askers[i];

		if (asker->station != NOBODY)
			station_discover(world, asker->station, false);
		asker->station = any_router(world);
		station_discover(world, asker->station, true);
	}
	for (size_t i = 0; i < options->pings; i++) {
		struct pinger *pinger = &workload->pingers[i];

		ping_stop(world, pinger);
		pinger->from = any_router(world);
		pinger->to = any_router(world);
		ping_start(world, pinger);
	}
	events_add(&world->events, world->now + options->change, EVENT_WORK, JOB_CHANGE, NULL);
}

struct workload *workload_new(struct world *world)
{
	struct workload *workload = memory_new(1, sizeof(*workload));
	const struct options *options = world->options;

	workload->dice = dice_make(options->seed, DICE_WORK, 0);
	workload->askers = memory_new(options->askers, sizeof(*workload->askers));
	workload->pingers = memory_new(options->pings, sizeof(*workload->pingers));
	for (size_t i = 0; i < options->askers; i++)
		workload->askers[i].station = NOBODY;
	events_add(&world->events, world->now, EVENT_WORK, JOB_CHANGE, NULL);
	for (uint32_t i = 0; i < options->streams; i++)
		events_add(&world->events, world->now + dice_between(&workload->dice, 0, STREAM_PAUSE), EVENT_WORK,
			JOB_STREAMS + i, NULL);
	return workload;
}

void workload_free(struct workload *workload)
{
	if (workload == NULL)
		return;
	free(workload->askers);
	free(workload->pingers);
	free(workload->ends);
	free(workload);
}

void workload_acts(struct world *world, uint32_t job)
{
	uint32_t slot = job - JOB_STREAMS;

	if (world->quiet)
		return;
	if (job == JOB_CHANGE) {
		change(world);
		return;
	}
	for (size_t i = 0; i < world->workload->end_count; i++)
		if (world->workload->ends[i].used && world->workload->ends[i].connector && world->workload->ends[i].slot == slot)
			slot = NOBODY; /* it is still busy */
	if (slot != NOBODY)
		talk_begin(world, slot);
	events_add(&world->events, world->now + dice_between(&world->workload->dice, ROMON_SECOND / 10, STREAM_PAUSE), EVENT_WORK,
		job, NULL);
}

void workload_started(struct world *world, uint32_t station)
{
	struct workload *workload = world->workload;
	struct station *s = &world->stations[station];

	romon_engine_listen(s->engine, SERVICE_PORT, true);
	if (workload == NULL || world->quiet)
		return;
	for (size_t i = 0; i < world->options->askers; i++)
		if (workload->askers[i].station == station)
			station_discover(world, station, true);
	for (size_t i = 0; i < world->options->pings; i++)
		if (workload->pingers[i].from == station)
			ping_start(world, &workload->pingers[i]);
}

void workload_ended(struct world *world, uint32_t station)
{
	for (size_t i = 0; world->workload != NULL && i < world->options->pings; i++)
		if (world->workload->pingers[i].from == station)
			world->workload->pingers[i].handle = 0;
	talk_ended(world, station);
}

bool workload_events(struct world *world, uint32_t station)
{
	struct romon_engine *engine = world->stations[station].engine;
	struct romon_event event;
	bool any = false;

	while (romon_engine_event(engine, &event)) {
		any = true;
		if (event.type == ROMON_EVENT_PING_REPLY) {
			world->totals.pings++;
			ping_replied(world, station, &event);
		} else if (event.type == ROMON_EVENT_PING_TIMEOUT) {
			world->totals.pings++;
		} else if (event.type >= ROMON_EVENT_STREAM_OPEN) {
			talk_event(world, station, &event);
		}
	}
	return any;
}

void workload_stop(struct world *world)
{
	struct workload *workload = world->workload;

	for (size_t i = 0; i < world->options->askers; i++) {
		if (workload->askers[i].station != NOBODY)
			station_discover(world, workload->askers[i].station, false);
		workload->askers[i].station = NOBODY;
	}
	for (size_t i = 0; i < world->options->pings; i++)
		ping_stop(world, &workload->pingers[i]);
}

/* Is there somebody at the other end, or something that was written and not taken? Of one who only waits to read nobody can say that it
 * should know that there is nothing to come: streams have no keepalive. */
static bool should_end(const struct world *world, const struct end *end)
{
	struct romon_stream_info info;

	for (size_t i = 0; i < world->workload->end_count; i++) {
		const struct end *other = &world->workload->ends[i];

		if (other->used && !other->connector && other->key == end->key)
			return true;
	}
	return romon_stream_info(world->stations[end->station].engine, end->handle, &info) &&
	       (info.unsent > 0 || info.state == ROMON_STREAM_CONNECTING);
}

size_t workload_unfinished(const struct world *world, const struct end **unfinished)
{
	size_t count = 0;

	for (size_t i = 0; i < world->workload->end_count; i++) {
		const struct end *end = &world->workload->ends[i];

		if (!end->used || !end->connector || end->began <= world->tainted || !should_end(world, end))
			continue;
		*unfinished = end;
		count++;
	}
	return count;
}
