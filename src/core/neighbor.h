/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The neighbours on each port: the MACs that a valid frame came from in the last minute, which routers they are, and what their frames
 * were hashed with. Their number decides how long a Discover waits before it is passed on.
 */
#ifndef ROMON_NEIGHBOR_H
#define ROMON_NEIGHBOR_H

#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "core/table.h"
#include "core/wire.h"

#define NEIGHBOR_LIFETIME (60 * ROMON_SECOND)
#define NEIGHBORS_MAX 1024

struct neighbors {
	struct table table;
};

void neighbors_init(struct neighbors *neighbors, const struct table_seed *seed);
void neighbors_clear(struct neighbors *neighbors);
/* A valid frame came in by this port, hashed with the secret of this serial or (0) unhashed. Without room it is not remembered: nothing but
 * a wait depends on it. */
void neighbors_heard(struct neighbors *neighbors, uint32_t link, const struct wire_message *message, uint32_t serial,
	struct romon_time now);
/* The port is gone. */
void neighbors_forget_port(struct neighbors *neighbors, uint32_t link);
/* How many were heard on this port in the last 60 s. */
size_t neighbors_count(const struct neighbors *neighbors, uint32_t link, struct romon_time now);

/* Fills up to max entries, by port and MAC, all but secret and proven; returns how many there are. */
size_t neighbors_list(const struct neighbors *neighbors, struct romon_neighbor *list, size_t max, struct romon_time now);

#endif
