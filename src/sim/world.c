/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A simulated network: made from a layout, and run event by event.
 */
#include "sim/world.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sim/checks.h"
#include "sim/faults.h"
#include "sim/hostile.h"
#include "sim/memory.h"
#include "sim/workload.h"

#ifdef ROMON_BROKEN
enum broken romon_broken;
#endif

#define CLOCK_SPREAD (1000000 * ROMON_SECOND) /* clocks begin anywhere within this */

struct romon_mac world_id(uint32_t station, uint32_t number)
{
	return (struct romon_mac){{0x0a, (uint8_t)(station >> 24), (uint8_t)(station >> 16), (uint8_t)(station >> 8),
		(uint8_t)station, (uint8_t)number}};
}

static uint32_t station_in(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

uint32_t world_station(const struct world *world, struct romon_mac id)
{
	uint32_t station = station_in(id.b + 1);

	return id.b[0] == 0x0a && station < world->station_count && id.b[5] <= world->stations[station].ids ? station : NOBODY;
}

static struct romon_mac mac_of(uint32_t station, uint32_t link)
{
	struct romon_mac mac = world_id(station, link);

	mac.b[0] = 0x02;
	return mac;
}

/* Stations and jacks in the order of stations; the strangers come last, each on a cable of its choice. */
static void make_stations(struct world *world, struct dice *dice)
{
	struct layout *layout = &world->layout;
	uint32_t hostile = (uint32_t)world->options->hostile, routers = layout->routers, jack = 0;

	for (uint32_t i = 0; i < hostile && layout->cables > 0; i++)
		layout_join(layout, routers + i, (uint32_t)dice_below(dice, layout->cables), 1500, 100);
	world->station_count = routers + hostile;
	world->stations = memory_new(world->station_count, sizeof(*world->stations));
	world->jack_count = (uint32_t)layout->count;
	world->jacks = memory_new(layout->count, sizeof(*world->jacks));
	for (size_t i = 0; i < layout->count; i++)
		world->stations[layout->jacks[i].router].jack_count++;
	for (uint32_t i = 0; i < world->station_count; i++) {
		struct station *s = &world->stations[i];

		s->first_jack = jack;
		jack += s->jack_count;
		s->jack_count = 0;
		s->id = world_id(i, 0);
		s->hostile = i >= routers;
		s->routeros = world->options->secrets == SECRETS_NONE && dice_below(dice, 100) < world->options->routeros;
		s->woken = NEVER;
		s->dice = dice_make(world->options->seed, DICE_STATIONS, i);
		s->clock.shown = dice_between(dice, 0, CLOCK_SPREAD);
		if (world->options->skew > 0)
			s->clock.ppm = dice_between(dice, -(int64_t)world->options->skew, (int64_t)world->options->skew);
	}
}

static void make_cables(struct world *world)
{
	const struct options *o = world->options;

	world->cable_count = world->layout.cables;
	world->cables = memory_new(world->cable_count, sizeof(*world->cables));
	for (size_t i = 0; i < world->layout.count; i++) {
		const struct layout_jack *plan = &world->layout.jacks[i];
		struct station *s = &world->stations[plan->router];
		struct cable *cable = &world->cables[plan->cable];
		uint32_t number = s->first_jack + s->jack_count++;

		world->jacks[number] = (struct jack){.station = plan->router,
			.cable = plan->cable,
			.link = s->jack_count,
			.mac = mac_of(plan->router, o->shared_mac ? 1 : s->jack_count),
			.mtu = plan->mtu,
			.cost = plan->cost};
		cable->jacks = memory_room(cable->jacks, &cable->cap, cable->count + 1, sizeof(*cable->jacks));
		cable->jacks[cable->count++] = number;
	}
	for (uint32_t c = 0; c < world->cable_count; c++) {
		world->cables[c].floods = o->floods;
		world->cables[c].weather = (struct weather){.delay = o->delay,
			.jitter = o->jitter,
			.loss = (uint32_t)o->loss,
			.reorder = (uint32_t)o->reorder,
			.duplicate = (uint32_t)o->duplicate,
			.corrupt = (uint32_t)o->corrupt};
	}
}

bool world_make(struct world *world, const struct options *options, char error[OPTIONS_ERROR])
{
	struct dice dice = dice_make(options->seed, DICE_LAYOUT, 1);

#ifdef ROMON_BROKEN
	romon_broken = options->broken;
#endif
	*world = (struct world){.options = options, .tainted = -1, .weather = dice_make(options->seed, DICE_WEATHER, 0)};
	if (!layout_make(&world->layout, options, error))
		return false;
	if (options->trace[0] != '\0' && (world->trace = fopen(options->trace, "we")) == NULL) {
		snprintf(error, OPTIONS_ERROR, "%s: %s", options->trace, strerror(errno));
		return false;
	}
	make_stations(world, &dice);
	make_cables(world);
	if (options->checks != 0)
		world->checks = checks_new(world);
	world->faults = faults_new(world);
	world->hostile = hostile_new(world);
	for (uint32_t i = 0; i < world->station_count; i++)
		if (!world->stations[i].hostile)
			station_start(world, i);
	world->workload = workload_new(world);
	return true;
}

void world_free(struct world *world)
{
	struct event event;

	for (uint32_t i = 0; i < world->station_count; i++) {
		station_end(world, i);
		free(world->stations[i].inbox);
		free(world->stations[i].inbox_jacks);
	}
	while (events_take(&world->events, NEVER, &event))
		if (event.passage != NULL)
			passage_release(event.passage);
	events_free(&world->events);
	for (uint32_t c = 0; c < world->cable_count; c++)
		free(world->cables[c].jacks);
	checks_free(world->checks, world->station_count);
	faults_free(world->faults);
	hostile_free(world->hostile, world);
	workload_free(world->workload);
	if (world->trace != NULL)
		fclose(world->trace);
	free(world->stations);
	free(world->jacks);
	free(world->cables);
	layout_free(&world->layout);
}

static void wake(struct world *world, uint32_t station)
{
	struct station *s = &world->stations[station];

	if (s->woken != world->now || !station_runs(world, station))
		return; /* it has been called since */
	s->woken = NEVER;
	checks_woken(world, station);
	station_flush(world, station);
}

static void happen(struct world *world, const struct event *event)
{
	switch (event->type) {
	case EVENT_ARRIVE:
		cable_arrive(world, event->who, event->passage);
		break;
	case EVENT_WAKE:
		wake(world, event->who);
		break;
	case EVENT_FAULT_BEGIN:
		faults_begin(world, event->who);
		break;
	case EVENT_FAULT_END:
		faults_end(world, event->who);
		break;
	case EVENT_WORK:
		workload_acts(world, event->who);
		break;
	case EVENT_HOSTILE:
		hostile_acts(world, event->who);
		break;
	}
}

void world_run(struct world *world, int64_t until)
{
	struct event event;

	while ((world->checks == NULL || !world->checks->violated) && events_take(&world->events, until, &event)) {
		world->now = event.at;
		world->totals.events++;
		happen(world, &event);
	}
	if (world->checks == NULL || !world->checks->violated)
		world->now = until;
}
