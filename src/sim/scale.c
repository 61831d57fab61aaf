/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What discovery costs in a network without faults.
 */
#include "sim/scale.h"

#include <malloc.h>
#include <stdlib.h>
#include <time.h>

#include <jansson.h>

#include "sim/checks.h"
#include "sim/memory.h"
#include "sim/paths.h"
#include "sim/world.h"

static double machine_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Bytes that are allocated, those of the events left out. */
static double memory_used(const struct world *world)
{
	struct mallinfo2 info = mallinfo2();

	return (double)(info.uordblks + info.hblkhd) - (double)(world->events.cap * sizeof(*world->events.heap));
}

struct measured {
	struct world *world;
	uint32_t asker;
	struct path *paths;
	uint32_t reachable, seen;
	uint32_t hops;      /* of the farthest */
	int64_t round_trip; /* the longest */
	int64_t complete;   /* after the first round began, the last answer that was news came */
	int64_t began;
};

/* Who is seen rightly, and when the last of them was. */
static void look(struct measured *m)
{
	struct romon_seen *seen = memory_new(1, sizeof(*seen));
	struct romon_engine *engine = m->world->stations[m->asker].engine;

	m->seen = 0;
	m->complete = 0;
	for (size_t i = 0; romon_engine_router(engine, i, seen); i++) {
		uint32_t station = world_station(m->world, seen->id);
		int64_t after = seen->last_seen.ns - m->began;

		if (station == NOBODY || !seen->active || !seen->reachable || seen->cost != m->paths[station].cost)
			continue;
		m->seen++;
		if (after > m->complete)
			m->complete = after;
	}
	free(seen);
}

static void expect(struct measured *m)
{
	uint32_t limit = paths_limit(m->world->options->mtu);

	paths_from(m->world, m->asker, m->paths);
	for (uint32_t i = 0; i < m->world->station_count; i++) {
		if (i == m->asker || !m->paths[i].reached || m->paths[i].nearest > limit)
			continue;
		m->reachable++;
		if (m->paths[i].nearest > m->hops)
			m->hops = m->paths[i].nearest;
		if (2 * m->paths[i].delay > m->round_trip)
			m->round_trip = 2 * m->paths[i].delay;
	}
}

/* What the cable that carried most has carried. Counts anew from here. */
static void busiest(struct world *world, uint64_t *frames, uint64_t *bytes)
{
	*frames = *bytes = 0;
	for (uint32_t c = 0; c < world->cable_count; c++) {
		if (world->cables[c].frames > *frames)
			*frames = world->cables[c].frames;
		if (world->cables[c].bytes > *bytes)
			*bytes = world->cables[c].bytes;
		world->cables[c].frames = world->cables[c].bytes = 0;
	}
}

static json_t *one_round(struct measured *m)
{
	struct world *world = m->world;
	struct world_totals before = world->totals;
	struct romon_port_stats stats;
	uint64_t received = 0, now_received = 0, frames, bytes;
	const struct station *s = &world->stations[m->asker];
	double began = machine_seconds();

	for (uint32_t i = 1; i <= s->jack_count; i++)
		if (romon_engine_port_stats(s->engine, i, &stats))
			received += stats.rx;
	world_run(world, world->now + ROMON_SECOND);
	for (uint32_t i = 1; i <= s->jack_count; i++)
		if (romon_engine_port_stats(s->engine, i, &stats))
			now_received += stats.rx;
	look(m);
	busiest(world, &frames, &bytes);
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f}", "cable-frames", (json_int_t)frames, "cable-bytes",
		(json_int_t)bytes, "discovers", (json_int_t)(world->totals.sent[1] - before.sent[1]), "answers",
		(json_int_t)(world->totals.sent[2] - before.sent[2]), "bytes", (json_int_t)(world->totals.bytes - before.bytes),
		"received", (json_int_t)(now_received - received), "seen", (json_int_t)m->seen, "cpu", machine_seconds() - began);
}

bool scale(const struct options *options, char error[OPTIONS_ERROR])
{
	struct options quiet = *options;
	struct world world;
	struct measured m = {.world = &world};
	json_t *rounds = json_array(), *whole;
	double began, idle, complete = 0, empty;

	quiet.askers = quiet.pings = quiet.streams = quiet.faults = quiet.hostile = 0;
	empty = (double)(mallinfo2().uordblks + mallinfo2().hblkhd);
	began = machine_seconds();
	if (!world_make(&world, &quiet, error)) {
		world_free(&world);
		return false;
	}
	world_run(&world, ROMON_SECOND);
	idle = memory_used(&world) - empty;
	m.asker = paths_center(&world);
	m.paths = memory_new(world.station_count, sizeof(*m.paths));
	expect(&m);
	m.began = station_now(&world, m.asker).ns;
	station_discover(&world, m.asker, true);
	for (uint64_t i = 0; i < options->scale; i++) {
		json_array_append_new(rounds, one_round(&m));
		if (i == 0)
			complete = (double)m.complete;
	}
	whole = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:o}", "topology", options_topology(options),
		"routers", (json_int_t)world.station_count, "cables", (json_int_t)world.cable_count, "ports",
		(json_int_t)world.jack_count, "reachable", (json_int_t)m.reachable, "hops", (json_int_t)m.hops, "round-trip-ms",
		(double)m.round_trip / 1e6, "complete-ms", complete / 1e6, "idle-bytes", idle / world.station_count, "bytes",
		(memory_used(&world) - empty) / world.station_count, "cpu", machine_seconds() - began, "rounds", rounds);
	json_dumpf(whole, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(whole);
	free(m.paths);
	world_free(&world);
	return true;
}
