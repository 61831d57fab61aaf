/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The networks that the simulator can make.
 */
#include "sim/layout.h"

#include <math.h>
#include <stdlib.h>

#include "sim/dice.h"
#include "sim/memory.h"

#define TREE_CHILDREN 4
#define NEAR 7.0        /* neighbours of a router in a random geometric network, on average */
#define ACCESS_GROUP 25 /* routers: one that aggregates, and those on its segment */

/* What a layout is made of. */
struct maker {
	struct layout *layout;
	const struct options *options;
	struct dice dice;
};

uint32_t layout_cable(struct layout *layout)
{
	return layout->cables++;
}

void layout_join(struct layout *layout, uint32_t router, uint32_t cable, uint16_t mtu, uint16_t cost)
{
	layout->jacks = memory_room(layout->jacks, &layout->cap, layout->count + 1, sizeof(*layout->jacks));
	layout->jacks[layout->count++] = (struct layout_jack){.router = router, .cable = cable, .mtu = mtu, .cost = cost};
}

static void join(struct maker *maker, uint32_t router, uint32_t cable)
{
	uint16_t cost = maker->options->costs == COSTS_RANDOM ? (uint16_t)dice_between(&maker->dice, 1, 300) : 100;

	layout_join(maker->layout, router, cable, (uint16_t)maker->options->mtu, cost);
}

static void wire(struct maker *maker, uint32_t a, uint32_t b)
{
	uint32_t cable = layout_cable(maker->layout);

	join(maker, a, cable);
	join(maker, b, cable);
}

static void make_line(struct maker *maker, bool ring)
{
	uint32_t n = maker->layout->routers;

	for (uint32_t i = 0; i + 1 < n; i++)
		wire(maker, i, i + 1);
	if (ring && n > 2)
		wire(maker, n - 1, 0);
}

/* A hub and its leaves. It has as many ports as may be; if there are more leaves, they share. */
static void make_star(struct maker *maker)
{
	uint32_t leaves = maker->layout->routers - 1, ports = leaves < LAYOUT_JACKS_MAX ? leaves : LAYOUT_JACKS_MAX;

	for (uint32_t p = 0; p < ports; p++)
		join(maker, 0, layout_cable(maker->layout));
	for (uint32_t i = 0; i < leaves; i++)
		join(maker, i + 1, i % ports);
}

static void make_tree(struct maker *maker)
{
	for (uint32_t i = 1; i < maker->layout->routers; i++)
		wire(maker, (i - 1) / TREE_CHILDREN, i);
}

static void make_grid(struct maker *maker)
{
	uint32_t n = maker->layout->routers, width = (uint32_t)ceil(sqrt(n));

	for (uint32_t i = 0; i < n; i++) {
		if (i % width + 1 < width && i + 1 < n)
			wire(maker, i, i + 1);
		if (i + width < n)
			wire(maker, i, i + width);
	}
}

static void make_mesh(struct maker *maker)
{
	uint32_t cable = layout_cable(maker->layout);

	for (uint32_t i = 0; i < maker->layout->routers; i++)
		join(maker, i, cable);
}

struct place {
	double x, y;
	uint32_t part; /* of the network: places with a way between them have the same */
	uint32_t jacks;
};

static double distance(const struct place *a, const struct place *b)
{
	return (a->x - b->x) * (a->x - b->x) + (a->y - b->y) * (a->y - b->y);
}

static uint32_t part_of(struct place *places, uint32_t i)
{
	while (places[i].part != i)
		i = places[i].part = places[places[i].part].part;
	return i;
}

static void link_places(struct maker *maker, struct place *places, uint32_t a, uint32_t b)
{
	wire(maker, a, b);
	places[a].jacks++;
	places[b].jacks++;
	places[part_of(places, a)].part = part_of(places, b);
}

/* Those that are near each other are linked; then each part of the network with the nearest place of what is already connected. */
static void make_geometric(struct maker *maker)
{
	uint32_t n = maker->layout->routers;
	struct place *places = memory_new(n, sizeof(*places));
	double near = NEAR / (3.14159 * n);

	for (uint32_t i = 0; i < n; i++)
		places[i] = (struct place){.x = (double)dice_below(&maker->dice, 1 << 30) / (1 << 30),
			.y = (double)dice_below(&maker->dice, 1 << 30) / (1 << 30),
			.part = i};
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < i; k++)
			if (distance(&places[i], &places[k]) < near && places[i].jacks < LAYOUT_JACKS_MAX / 2 &&
				places[k].jacks < LAYOUT_JACKS_MAX / 2)
				link_places(maker, places, i, k);
	for (uint32_t i = 1; i < n; i++) {
		uint32_t best = 0;

		if (part_of(places, i) == part_of(places, 0))
			continue;
		for (uint32_t k = 1; k < n; k++)
			if (part_of(places, k) == part_of(places, 0) &&
				distance(&places[i], &places[k]) < distance(&places[i], &places[best]))
				best = k;
		link_places(maker, places, i, best);
	}
	free(places);
}

/* Rings of about as many routers as there are rings; the first routers of all rings are a ring. */
static void make_rings(struct maker *maker)
{
	uint32_t n = maker->layout->routers, size = (uint32_t)ceil(sqrt(n)), rings = (n + size - 1) / size;

	for (uint32_t r = 0; r < rings; r++) {
		uint32_t first = r * size, end = first + size < n ? first + size : n;

		for (uint32_t i = first; i + 1 < end; i++)
			wire(maker, i, i + 1);
		if (end - first > 2)
			wire(maker, end - 1, first);
		if (rings > 1 && (r + 1 < rings || rings > 2))
			wire(maker, first, (r + 1) % rings * size);
	}
}

/* Aggregation routers in a ring; each group's access routers lie on a segment of their own aggregation router and on one of the next,
 * as VLANs on their uplinks would have it. */
static void make_access(struct maker *maker)
{
	uint32_t n = maker->layout->routers, groups = (n + ACCESS_GROUP - 1) / ACCESS_GROUP;

	for (uint32_t g = 0; g < groups; g++) {
		uint32_t first = g * ACCESS_GROUP, end = first + ACCESS_GROUP < n ? first + ACCESS_GROUP : n;
		uint32_t next = (g + 1) % groups * ACCESS_GROUP, own, other;

		if (groups > 1 && (g + 1 < groups || groups > 2))
			wire(maker, first, next);
		if (end - first < 2)
			continue;
		own = layout_cable(maker->layout);
		other = layout_cable(maker->layout);
		join(maker, first, own);
		join(maker, next, other);
		for (uint32_t i = first + 1; i < end; i++) {
			join(maker, i, own);
			join(maker, i, other);
		}
	}
}

bool layout_make(struct layout *layout, const struct options *options, char error[OPTIONS_ERROR])
{
	struct maker maker = {layout, options, dice_make(options->seed, DICE_LAYOUT, 0)};

	*layout = (struct layout){.routers = (uint32_t)options->routers};
	switch (options->topology) {
	case TOPOLOGY_LINE:
	case TOPOLOGY_RING:
		make_line(&maker, options->topology == TOPOLOGY_RING);
		break;
	case TOPOLOGY_STAR:
		make_star(&maker);
		break;
	case TOPOLOGY_TREE:
		make_tree(&maker);
		break;
	case TOPOLOGY_GRID:
		make_grid(&maker);
		break;
	case TOPOLOGY_MESH:
		make_mesh(&maker);
		break;
	case TOPOLOGY_GEOMETRIC:
		make_geometric(&maker);
		break;
	case TOPOLOGY_RINGS:
		make_rings(&maker);
		break;
	case TOPOLOGY_ACCESS:
		make_access(&maker);
		break;
	case TOPOLOGY_FILE:
	case TOPOLOGY_KINDS:
		layout->routers = 0;
		return layout_read(layout, options, error);
	}
	return true;
}

void layout_free(struct layout *layout)
{
	for (size_t i = 0; layout->names != NULL && i < layout->routers; i++)
		free(layout->names[i]);
	free(layout->names);
	free(layout->jacks);
	*layout = (struct layout){0};
}
