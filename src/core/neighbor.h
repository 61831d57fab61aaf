/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The neighbours on each port: the MACs that a valid frame came from in the last minute. Their number decides how long a Discover
 * waits before it is passed on.
 */
#ifndef ROMON_NEIGHBOR_H
#define ROMON_NEIGHBOR_H

#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "core/table.h"

#define NEIGHBOR_LIFETIME (60 * ROMON_SECOND)
#define NEIGHBORS_MAX 1024

struct neighbors {
	struct table table;
};

void neighbors_init(struct neighbors *neighbors, const struct table_seed *seed);
void neighbors_clear(struct neighbors *neighbors);
/* A valid frame came in by this port from this MAC. Without room it is not remembered: nothing but a wait depends on it. */
void neighbors_heard(struct neighbors *neighbors, uint32_t link, struct romon_mac mac, struct romon_time now);
/* How many were heard on this port in the last 60 s. */
size_t neighbors_count(const struct neighbors *neighbors, uint32_t link, struct romon_time now);

#endif
