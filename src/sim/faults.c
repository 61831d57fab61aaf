/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Faults that come and go: what each of them does to the network.
 */
#include "sim/faults.h"

#include <stdlib.h>

#include "sim/memory.h"

#define SHORTEST (100 * ROMON_MILLISECOND)

/* ---- drawing them ---- */

static int64_t lasts(struct dice *dice, enum fault_kind kind)
{
	switch (kind) {
	case FAULT_FREEZE:
		return dice_between(dice, 10 * ROMON_MILLISECOND, 20 * ROMON_SECOND);
	case FAULT_CRASH:
	case FAULT_LOSE:
		return dice_between(dice, SHORTEST, 10 * ROMON_SECOND);
	default:
		return dice_between(dice, SHORTEST, 60 * ROMON_SECOND);
	}
}

static uint32_t target_of(const struct world *world, struct dice *dice, enum fault_kind kind)
{
	switch (kind) {
	case FAULT_CUT:
	case FAULT_WEATHER:
	case FAULT_CORRUPT:
	case FAULT_NARROW:
	case FAULT_FLOOD:
	case FAULT_FILTER:
	case FAULT_ISOLATE:
		return (uint32_t)dice_below(dice, world->cable_count);
	case FAULT_PARTITION:
	case FAULT_CRASH:
	case FAULT_LOSE:
	case FAULT_FREEZE:
	case FAULT_CLOCK:
		return (uint32_t)dice_below(dice, world->station_count - world->options->hostile);
	default:
		return (uint32_t)dice_below(dice, world->jack_count);
	}
}

static void add(struct world *world, struct faults *faults, const struct fault *fault)
{
	uint32_t number = (uint32_t)faults->count++;

	faults->list = memory_room(faults->list, &faults->cap, faults->count, sizeof(*faults->list));
	faults->list[number] = *fault;
	if (!options_happens(world->options, number))
		return;
	events_add(&world->events, fault->at, EVENT_FAULT_BEGIN, number, NULL);
	events_add(&world->events, fault->until, EVENT_FAULT_END, number, NULL);
}

static void draw(struct world *world, struct faults *faults, int64_t end)
{
	struct dice dice = dice_make(world->options->seed, DICE_FAULTS, 0);
	uint64_t wanted = world->options->faults;
	int64_t at = world->now;

	while (wanted != 0 && world->cable_count > 0) {
		struct fault fault = {0};

		at += dice_between(&dice, 1, 2 * world->options->fault_interval);
		if (at >= end)
			return;
		do
			fault.kind = (enum fault_kind)dice_below(&dice, FAULT_KINDS);
		while ((wanted & 1ULL << fault.kind) == 0);
		fault.at = at;
		fault.until = at + lasts(&dice, fault.kind);
		if (fault.until > end)
			fault.until = end;
		fault.target = target_of(world, &dice, fault.kind);
		fault.dice = (struct dice){dice_throw(&dice)};
		add(world, faults, &fault);
	}
}

struct faults *faults_new(struct world *world)
{
	struct faults *faults = memory_new(1, sizeof(*faults));
	int64_t end = world->now + world->options->time;

	draw(world, faults, end);
	if (world->options->secrets != SECRETS_NONE) {
		size_t first = faults->count;

		rotation_plan(world, faults, world->now, end);
		for (size_t i = first; i < faults->count; i++)
			if (options_happens(world->options, (unsigned)i))
				events_add(&world->events, faults->list[i].at, EVENT_FAULT_BEGIN, (uint32_t)i, NULL);
	}
	return faults;
}

void faults_free(struct faults *faults)
{
	if (faults == NULL)
		return;
	for (size_t i = 0; i < faults->count; i++)
		free(faults->list[i].cut);
	free(faults->list);
	free(faults);
}

/* ---- what they do ---- */

/* All cables between a part of the network, grown around the target, and the rest. */
static void partition(struct world *world, struct fault *fault)
{
	bool *inside = memory_new(world->station_count, sizeof(*inside));
	uint32_t *found = memory_new(world->station_count, sizeof(*found));
	uint64_t size = 1 + dice_below(&fault->dice, world->station_count / 2);
	size_t count = 1, cap = 0;

	inside[found[0] = fault->target] = true;
	for (size_t i = 0; i < count && count < size; i++) {
		const struct station *s = &world->stations[found[i]];

		for (uint32_t k = 0; k < s->jack_count; k++) {
			const struct cable *cable = &world->cables[world->jacks[s->first_jack + k].cable];

			for (size_t c = 0; c < cable->count && count < size; c++) {
				uint32_t next = world->jacks[cable->jacks[c]].station;

				if (!inside[next])
					found[count++] = next;
				inside[next] = true;
			}
		}
	}
	fault->cut_count = 0;
	for (uint32_t c = 0; c < world->cable_count; c++) {
		size_t in = 0;

		for (size_t i = 0; i < world->cables[c].count; i++)
			in += inside[world->jacks[world->cables[c].jacks[i]].station];
		if (in == 0 || in == world->cables[c].count)
			continue;
		fault->cut = memory_room(fault->cut, &cap, fault->cut_count + 1, sizeof(*fault->cut));
		fault->cut[fault->cut_count++] = c;
		world->cables[c].cuts++;
	}
	free(inside);
	free(found);
}

static struct weather storm(struct fault *fault, const struct weather *usual)
{
	struct weather weather = *usual;

	weather.delay = dice_between(&fault->dice, 0, 200 * ROMON_MILLISECOND);
	weather.jitter = dice_between(&fault->dice, 0, weather.delay);
	weather.loss = (uint32_t)dice_below(&fault->dice, 500000);
	weather.reorder = (uint32_t)dice_below(&fault->dice, 200000);
	weather.duplicate = (uint32_t)dice_below(&fault->dice, 200000);
	return weather;
}

/* Two jacks of a cable, or more, that do not hear each other. */
static void isolate(struct world *world, struct fault *fault)
{
	struct cable *cable = &world->cables[fault->target];

	fault->value = ++world->faults->isolations;
	for (size_t i = 0; i < cable->count; i++) {
		struct jack *jack = &world->jacks[cable->jacks[i]];

		if (jack->isolated == 0 && dice_below(&fault->dice, 2) == 0)
			jack->isolated = fault->value;
	}
}

static void connect_again(struct world *world, const struct fault *fault)
{
	const struct cable *cable = &world->cables[fault->target];

	for (size_t i = 0; i < cable->count; i++)
		if (world->jacks[cable->jacks[i]].isolated == fault->value)
			world->jacks[cable->jacks[i]].isolated = 0;
}

/* Only one fault of a kind at a time changes the same thing; a second one does nothing. */
static bool taken(const struct world *world, const struct fault *fault)
{
	for (size_t i = 0; i < world->faults->count; i++) {
		const struct fault *other = &world->faults->list[i];

		if (other->at > fault->at)
			break;
		if (!other->active || other->rotation || other->target != fault->target)
			continue;
		if (other->kind == fault->kind || (other->kind == FAULT_WEATHER && fault->kind == FAULT_CORRUPT) ||
			(other->kind == FAULT_CORRUPT && fault->kind == FAULT_WEATHER) ||
			(other->kind >= FAULT_CRASH && other->kind <= FAULT_FREEZE && fault->kind >= FAULT_CRASH &&
				fault->kind <= FAULT_FREEZE))
			return true;
	}
	return false;
}

static void crash(struct world *world, const struct fault *fault)
{
	struct station *s = &world->stations[fault->target];

	station_end(world, fault->target);
	world->totals.crashes++;
	if (fault->kind == FAULT_LOSE)
		s->id = world_id(fault->target, ++s->ids);
}

void faults_begin(struct world *world, uint32_t number)
{
	struct fault *fault = &world->faults->list[number];
	struct cable *cable = fault->target < world->cable_count ? &world->cables[fault->target] : NULL;
	struct jack *jack = fault->target < world->jack_count ? &world->jacks[fault->target] : NULL;

	if (fault->rotation) {
		rotation_step(world, fault);
		return;
	}
	if (taken(world, fault))
		return;
	fault->active = true;
	world->totals.faults++;
	switch (fault->kind) {
	case FAULT_CUT:
		cable->cuts++;
		break;
	case FAULT_PARTITION:
		partition(world, fault);
		break;
	case FAULT_ONE_WAY:
		jack->mute = true;
		break;
	case FAULT_WEATHER:
		fault->weather = cable->weather;
		cable->weather = storm(fault, &cable->weather);
		break;
	case FAULT_CORRUPT:
		fault->weather = cable->weather;
		cable->weather.corrupt = (uint32_t)dice_below(&fault->dice, 200000);
		break;
	case FAULT_NARROW:
		cable->weather.narrow = (uint32_t)dice_between(&fault->dice, 300, 1400);
		break;
	case FAULT_MTU:
		fault->before = jack->mtu;
		jack->mtu = (uint16_t)dice_between(&fault->dice, 300, jack->mtu > 300 ? jack->mtu : 300);
		station_configure(world, fault->target);
		break;
	case FAULT_CARRIER:
		jack->no_carrier = true;
		station_configure(world, fault->target);
		break;
	case FAULT_CRASH:
	case FAULT_LOSE:
		crash(world, fault);
		break;
	case FAULT_FREEZE:
		station_freeze(world, fault->target);
		break;
	case FAULT_CLOCK:
		if (world->stations[fault->target].engine != NULL)
			station_skew(world, fault->target, dice_between(&fault->dice, -300000, 300000));
		break;
	case FAULT_FLOOD:
		fault->before = cable->floods;
		cable->floods = true;
		break;
	case FAULT_FILTER:
		cable->filters = true;
		break;
	case FAULT_ISOLATE:
		isolate(world, fault);
		break;
	case FAULT_COST:
		fault->before = jack->cost;
		jack->cost = (uint16_t)dice_between(&fault->dice, 1, 1000);
		station_configure(world, fault->target);
		break;
	case FAULT_FORBID:
		jack->forbidden = true;
		station_configure(world, fault->target);
		break;
	case FAULT_KINDS:
		break;
	}
}

static void end_jack(struct world *world, const struct fault *fault)
{
	struct jack *jack = &world->jacks[fault->target];

	switch (fault->kind) {
	case FAULT_ONE_WAY:
		jack->mute = false;
		return;
	case FAULT_MTU:
		jack->mtu = (uint16_t)fault->before;
		break;
	case FAULT_CARRIER:
		jack->no_carrier = false;
		break;
	case FAULT_COST:
		jack->cost = (uint16_t)fault->before;
		break;
	default:
		jack->forbidden = false;
	}
	station_configure(world, fault->target);
}

void faults_end(struct world *world, uint32_t number)
{
	struct fault *fault = &world->faults->list[number];
	struct cable *cable = fault->target < world->cable_count ? &world->cables[fault->target] : NULL;

	if (!fault->active)
		return;
	fault->active = false;
	switch (fault->kind) {
	case FAULT_CUT:
		cable->cuts--;
		break;
	case FAULT_PARTITION:
		for (size_t i = 0; i < fault->cut_count; i++)
			world->cables[fault->cut[i]].cuts--;
		break;
	case FAULT_WEATHER:
	case FAULT_CORRUPT:
		fault->weather.narrow = cable->weather.narrow;
		cable->weather = fault->weather;
		break;
	case FAULT_NARROW:
		cable->weather.narrow = 0;
		break;
	case FAULT_CRASH:
	case FAULT_LOSE:
		station_start(world, fault->target);
		break;
	case FAULT_FREEZE:
		station_thaw(world, fault->target);
		break;
	case FAULT_CLOCK:
		if (world->stations[fault->target].engine != NULL)
			station_skew(world, fault->target, 0);
		break;
	case FAULT_FLOOD:
		cable->floods = fault->before != 0;
		break;
	case FAULT_FILTER:
		cable->filters = false;
		break;
	case FAULT_ISOLATE:
		connect_again(world, fault);
		break;
	default:
		end_jack(world, fault);
	}
}

void faults_heal(struct world *world)
{
	for (size_t i = 0; i < world->faults->count; i++)
		if (world->faults->list[i].active)
			faults_end(world, (uint32_t)i);
	for (uint32_t c = 0; c < world->cable_count; c++)
		world->cables[c].weather = (struct weather){.delay = world->options->delay, .jitter = world->options->jitter};
}

void faults_print(const struct world *world, FILE *out)
{
	for (size_t i = 0; i < world->faults->count; i++) {
		const struct fault *fault = &world->faults->list[i];

		if (!options_happens(world->options, (unsigned)i))
			continue;
		fprintf(out, "  fault %zu: %s %u, from %.6f s to %.6f s\n", i,
			fault->rotation ? "secrets" : fault_name(fault->kind), fault->target,
			(double)(fault->at - world->started) / 1e9, (double)(fault->until - world->started) / 1e9);
	}
}
