/* SPDX-License-Identifier: BSD-2-Clause
 *
 * When the faults are healed, everybody sees everybody by the cheapest path.
 */
#include <stdlib.h>

#include "sim/checks.h"
#include "sim/memory.h"
#include "sim/paths.h"

static bool neighbors(const struct world *world, uint32_t a, uint32_t b)
{
	const struct station *s = &world->stations[a];

	for (uint32_t i = 0; i < s->jack_count; i++) {
		const struct cable *cable = &world->cables[world->jacks[s->first_jack + i].cable];

		for (size_t c = 0; c < cable->count; c++)
			if (world->jacks[cable->jacks[c]].station == b)
				return true;
	}
	return false;
}

/* Does the path lead from neighbour to neighbour to the target? */
static bool leads(const struct world *world, uint32_t viewer, const struct romon_seen *seen)
{
	uint32_t at = viewer;

	for (unsigned i = 0; i < seen->hops; i++) {
		uint32_t next = world_station(world, seen->path[i]);

		if (next == NOBODY || !neighbors(world, at, next))
			return false;
		at = next;
	}
	return at == world_station(world, seen->id);
}

static void look(struct world *world, uint32_t viewer, uint32_t target, const struct path *path, const struct romon_seen *seen)
{
	const char *wrong = NULL;

	if (!seen->active || !seen->reachable)
		wrong = "not active";
	else if (seen->cost != path->cost)
		wrong = "cost";
	else if (seen->hops != path->hops)
		wrong = "hops";
	else if (!leads(world, viewer, seen))
		wrong = "path";
	if (!checks_holds(world, CHECK_CONVERGE, wrong == NULL))
		checks_violated(world, CHECK_CONVERGE, "router %u sees router %u wrongly: %s; cost %u and %u hops, not %u and %u",
			viewer, target, wrong, seen->cost, seen->hops, path->cost, path->hops);
}

static void view(struct world *world, uint32_t viewer, struct path *paths, bool *found)
{
	struct romon_seen *seen = memory_new(1, sizeof(*seen));
	struct romon_engine *engine = world->stations[viewer].engine;
	uint32_t limit = paths_limit(world->options->mtu);

	paths_from(world, viewer, paths);
	for (uint32_t i = 0; i < world->station_count; i++)
		found[i] = i == viewer || !paths[i].reached || paths[i].nearest > limit;
	for (size_t i = 0; romon_engine_router(engine, i, seen); i++) {
		uint32_t target = world_station(world, seen->id);

		if (target == NOBODY || found[target] || !romon_mac_equal(seen->id, world->stations[target].id))
			continue;
		found[target] = true;
		look(world, viewer, target, &paths[target], seen);
	}
	for (uint32_t i = 0; i < world->station_count; i++)
		if (!checks_holds(world, CHECK_CONVERGE, found[i]))
			checks_violated(world, CHECK_CONVERGE, "router %u does not see router %u, %u hops away", viewer, i,
				paths[i].nearest);
	free(seen);
}

void checks_converged(struct world *world, const uint32_t *viewers, size_t count)
{
	struct path *paths = memory_new(world->station_count, sizeof(*paths));
	bool *found = memory_new(world->station_count, sizeof(*found));

	for (size_t i = 0; i < count; i++)
		if (world->stations[viewers[i]].engine != NULL)
			view(world, viewers[i], paths, found);
	free(paths);
	free(found);
}
