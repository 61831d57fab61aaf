/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A network moves from one secret to the next, router by router: first everybody takes the new one, then everybody signs with it, then
 * everybody forgets the old one. A router that is down at its time has the new list when it starts: lists stand in a file.
 */
#include "sim/faults.h"

#include <stdlib.h>
#include <string.h>

#include "sim/memory.h"

#define STAGE (20 * ROMON_SECOND) /* in which all routers change */
#define STAGES 3

/* The number of the secret of the nth rotation: 0, which is none, is the first and never comes again. */
static uint8_t secret_of(uint32_t n)
{
	return (uint8_t)(n == 0 ? 0 : 1 + (n - 1) % 250);
}

/* The list in stage n of all. */
static size_t list_of(uint32_t stage, uint8_t list[STATION_SECRETS_MAX])
{
	uint8_t old = secret_of(stage / STAGES), next = secret_of(stage / STAGES + 1);

	switch (stage % STAGES) {
	case 0:
		list[0] = old;
		return old == 0 ? 0 : 1;
	case 1:
		list[0] = old;
		list[1] = next;
		return 2;
	default:
		list[0] = next;
		list[1] = old;
		return 2;
	}
}

static void set_list(struct world *world, uint32_t station, uint32_t stage)
{
	struct station *s = &world->stations[station];

	s->secret_count = list_of(stage, s->secrets);
	station_set_secrets(world, station);
}

void rotation_step(struct world *world, const struct fault *fault)
{
	set_list(world, fault->target, fault->value);
}

void rotation_plan(struct world *world, struct faults *faults, int64_t start, int64_t end)
{
	struct dice dice = dice_make(world->options->seed, DICE_FAULTS, 1);
	uint32_t routers = world->station_count - (uint32_t)world->options->hostile;
	uint32_t stage = world->options->secrets == SECRETS_SHARED ? STAGES : 0;

	for (uint32_t i = 0; i < routers; i++)
		world->stations[i].secret_count = list_of(stage, world->stations[i].secrets);
	if (world->options->secrets == SECRETS_SHARED)
		return;
	/* Only whole rotations, so that all have the same list in the end. */
	for (int64_t at = start; at + 2 * STAGE < end; at += 2 * STAGE) {
		stage++;
		for (uint32_t i = 0; i < routers; i++) {
			int64_t when = at + dice_between(&dice, 0, STAGE);
			struct fault step = {.rotation = true, .at = when, .until = when, .target = i, .value = stage};

			faults->list = memory_room(faults->list, &faults->cap, faults->count + 1, sizeof(*faults->list));
			faults->list[faults->count++] = step;
		}
	}
}
