/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the users of the routers do: some discover all the time, some ping each other, some send each other bytes over streams and look at
 * every one that comes out. Now and then it is others who do so.
 */
#ifndef ROMON_SIM_WORKLOAD_H
#define ROMON_SIM_WORKLOAD_H

#include "sim/world.h"

struct asker {
	uint32_t station; /* NOBODY: none */
};

struct pinger {
	uint32_t from, to;
	uint32_t handle; /* 0: does not ping now */
	uint32_t life;   /* of the station it was started in */
	uint64_t seen;   /* bit n: the answer to seq newest - n was told */
	uint32_t newest;
};

/* One end of a stream. The first bytes that the one who connected writes say what is to come. */
struct end {
	bool used, connector;
	bool ours;                      /* the stream is known to be one between two of ours */
	uint32_t station, handle, peer; /* peer: station, of the connector's end */
	uint64_t key;                   /* what the bytes are made of; known to an acceptor when the head has come */
	uint64_t to_write, written, to_read, read;
	bool shut, finished;
	int64_t began;
	uint32_t slot; /* of the connector's end */
};

struct workload {
	struct dice dice;
	struct asker *askers;
	struct pinger *pingers;
	struct end *ends;
	size_t end_count, end_cap;
	uint64_t streams; /* begun */
	uint64_t checked; /* bytes that came out as they should */
};

struct workload *workload_new(struct world *world);
void workload_free(struct workload *workload);
/* It is time for job n. */
void workload_acts(struct world *world, uint32_t job);
/* A router has started, or will have ended: what its users did goes on, or is over. */
void workload_started(struct world *world, uint32_t station);
void workload_ended(struct world *world, uint32_t station);
/* Takes the engine's events. True: it was called meanwhile, and may have something to send. */
bool workload_events(struct world *world, uint32_t station);
/* Nobody begins anything any more, and nobody asks or pings. Streams go on. */
void workload_stop(struct world *world);
/* Streams that have neither finished nor failed and should have, of those whose connecting end lives. One of them in *unfinished. */
size_t workload_unfinished(const struct world *world, const struct end **unfinished);

/* ---- talk.c: streams ---- */

void talk_begin(struct world *world, uint32_t slot);
void talk_event(struct world *world, uint32_t station, const struct romon_event *event);
void talk_ended(struct world *world, uint32_t station);

#endif
