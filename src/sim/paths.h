/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The cheapest paths through a simulated network, computed from what is plugged in where, without the code under test.
 */
#ifndef ROMON_SIM_PATHS_H
#define ROMON_SIM_PATHS_H

#include "sim/world.h"

struct path {
	bool reached;
	uint32_t cost, hops; /* of the cheapest way, and of those the one with the fewest hops */
	uint32_t nearest;    /* hops of the shortest way, whatever it costs */
	int64_t delay;       /* of the quickest way, one way */
};

/* paths[station] for every way from this one. paths has room for all stations. */
void paths_from(const struct world *world, uint32_t station, struct path *paths);
/* How many hops a Discover can have that may be answered on a port of this MTU (docs/protocol.md section 5). */
uint32_t paths_limit(uint64_t mtu);
/* A router that is about as far from one end of the network as from the other. */
uint32_t paths_center(const struct world *world);

#endif
