/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The cheapest, the shortest and the quickest paths: Bellman and Ford's algorithm with a list of those that may improve others.
 */
#include "sim/paths.h"

#include <stdlib.h>

#include "sim/memory.h"

struct search {
	const struct world *world;
	struct path *paths;
	uint32_t *list; /* a ring */
	bool *listed;
	uint32_t head, count;
};

static void enlist(struct search *search, uint32_t station)
{
	if (search->listed[station])
		return;
	search->listed[station] = true;
	search->list[(search->head + search->count++) % search->world->station_count] = station;
}

static bool usable(const struct world *world, const struct jack *jack)
{
	return !jack->forbidden && !jack->no_carrier && world->cables[jack->cable].cuts == 0 &&
	       world->stations[jack->station].engine != NULL;
}

static bool improve(const struct path *from, struct path *to, uint32_t cost, int64_t delay)
{
	bool better = false;

	if (!to->reached || from->cost + cost < to->cost || (from->cost + cost == to->cost && from->hops + 1 < to->hops)) {
		to->cost = from->cost + cost;
		to->hops = from->hops + 1;
		better = true;
	}
	if (!to->reached || from->nearest + 1 < to->nearest) {
		to->nearest = from->nearest + 1;
		better = true;
	}
	if (!to->reached || from->delay + delay < to->delay) {
		to->delay = from->delay + delay;
		better = true;
	}
	to->reached = true;
	return better;
}

static void spread(struct search *search, uint32_t station)
{
	const struct world *world = search->world;
	const struct station *s = &world->stations[station];

	for (uint32_t i = 0; i < s->jack_count; i++) {
		const struct jack *out = &world->jacks[s->first_jack + i];
		const struct cable *cable = &world->cables[out->cable];

		if (!usable(world, out))
			continue;
		for (size_t c = 0; c < cable->count; c++) {
			const struct jack *in = &world->jacks[cable->jacks[c]];

			if (in->station != station && usable(world, in) &&
				improve(&search->paths[station], &search->paths[in->station], (uint32_t)out->cost + in->cost,
					cable->weather.delay))
				enlist(search, in->station);
		}
	}
}

void paths_from(const struct world *world, uint32_t station, struct path *paths)
{
	struct search search = {.world = world,
		.paths = paths,
		.list = memory_new(world->station_count, sizeof(*search.list)),
		.listed = memory_new(world->station_count, sizeof(*search.listed))};

	for (uint32_t i = 0; i < world->station_count; i++)
		paths[i] = (struct path){.reached = i == station};
	enlist(&search, station);
	while (search.count > 0) {
		uint32_t next = search.list[search.head];

		search.head = (search.head + 1) % world->station_count;
		search.count--;
		search.listed[next] = false;
		spread(&search, next);
	}
	free(search.list);
	free(search.listed);
}

uint32_t paths_limit(uint64_t mtu)
{
	uint64_t rest = 48 + 36 + 36 + 2 * (2 + 64) + 6 + 6; /* header, both routes, texts, version, uptime */
	uint64_t hops = mtu > rest ? (mtu - rest) / 10 : 0;

	return hops < 255 ? (uint32_t)hops : 255;
}

static uint32_t farthest(const struct world *world, const struct path *paths)
{
	uint32_t best = 0;

	for (uint32_t i = 0; i < world->station_count; i++)
		if (paths[i].reached && paths[i].nearest > paths[best].nearest)
			best = i;
	return best;
}

uint32_t paths_center(const struct world *world)
{
	struct path *a = memory_new(world->station_count, sizeof(*a)), *b = memory_new(world->station_count, sizeof(*b));
	uint32_t end, other, best = 0, least = UINT32_MAX;

	paths_from(world, 0, a);
	end = farthest(world, a);
	paths_from(world, end, a);
	other = farthest(world, a);
	paths_from(world, other, b);
	for (uint32_t i = 0; i < world->station_count; i++) {
		uint32_t worst = a[i].nearest > b[i].nearest ? a[i].nearest : b[i].nearest;

		if (a[i].reached && worst < least) {
			least = worst;
			best = i;
		}
	}
	free(a);
	free(b);
	return best;
}
