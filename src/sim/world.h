/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A simulated network: stations (routers, each with an engine, and strangers without), the cables between them, virtual time, and what
 * happens when. Only who has something to do is touched, so that a network in which nothing happens costs nothing.
 *
 * world.c makes it and runs it. station.c is a router: its engine, its clock, its process. cable.c carries frames. The rest of the
 * simulator looks and disturbs: checks.h, faults.h, hostile.h, workload.h.
 */
#ifndef ROMON_SIM_WORLD_H
#define ROMON_SIM_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <romon/romon.h>

#include "sim/dice.h"
#include "sim/events.h"
#include "sim/layout.h"
#include "sim/options.h"

#define NEVER INT64_MAX
#define STATION_SECRETS_MAX 3
#define NOBODY UINT32_MAX

/* A frame on its way, and where it comes from. */
struct passage {
	unsigned refs;
	uint32_t jack;      /* that sent it; NOBODY: nobody of ours */
	uint32_t origin;    /* the station that made the message; others only passed it on */
	uint16_t crossings; /* cables that the message has been sent on, this one included */
	bool honest;        /* made by a router, and not changed on the way */
	bool group;         /* sent to the group address */
	size_t len;
	uint8_t data[];
};

struct jack {
	uint32_t station, cable;
	uint32_t link; /* the engine's name for it: 1 and up within the station */
	struct romon_mac mac;
	uint16_t mtu, cost; /* now */
	bool forbidden, no_carrier, mute;
	uint32_t isolated; /* jacks of a cable with the same number here, not 0, do not hear each other */
};

struct weather {
	int64_t delay, jitter;
	uint32_t loss, reorder, duplicate, corrupt; /* of a million */
	uint32_t narrow;                            /* larger frames, Ethernet header not counted, are lost; 0: none */
};

struct cable {
	uint32_t *jacks;
	size_t count, cap;
	struct weather weather;
	unsigned cuts; /* faults that keep it from carrying anything */
	bool floods, filters;
	uint64_t frames, bytes; /* sent on it */
};

/* A clock that is not exactly right: at `base` of the world's it showed `shown`. */
struct clock {
	int64_t base, shown;
	int64_t ppm;
};

struct station {
	uint32_t first_jack, jack_count;
	struct romon_mac id;
	struct romon_engine *engine; /* NULL: it is down, or a stranger */
	bool hostile, routeros;
	uint32_t lives;       /* how often it was started */
	uint32_t ids;         /* how many IDs it has had */
	uint32_t discoverers; /* how many of the simulator's users want discovery there */
	bool discovers;       /* the engine knows */
	int64_t began;        /* this life */
	int64_t woken;        /* when it is to be woken; NEVER: not at all */
	bool frozen;
	struct passage **inbox; /* what came while it was frozen, and where */
	uint32_t *inbox_jacks;
	size_t inbox_count, inbox_cap, inbox_jacks_cap, inbox_bytes;
	struct clock clock;
	struct dice dice;
	uint8_t secrets[STATION_SECRETS_MAX]; /* numbers; 0 is the empty one */
	size_t secret_count;
};

struct world_totals {
	uint64_t frames, bytes; /* sent */
	uint64_t sent[6];       /* by message type; 0: any other */
	uint64_t deliveries, lost, overflows;
	uint64_t events, faults, crashes;
	uint64_t pings, replies, streams, streams_done, stream_bytes;
};

struct world {
	const struct options *options;
	struct layout layout;
	struct station *stations;
	uint32_t station_count;
	struct jack *jacks;
	uint32_t jack_count;
	struct cable *cables;
	uint32_t cable_count;
	int64_t now, started; /* nanoseconds */
	struct events events;
	struct dice weather;
	uint64_t hash; /* of everything that was sent and when */
	FILE *trace;
	struct world_totals totals;
	struct faults *faults;
	struct workload *workload;
	struct checks *checks;
	struct hostile *hostile;
	bool quiet;      /* faults are healed */
	int64_t tainted; /* when a router last took an unhashed frame that no router had made so */
};

/* Makes the network, everybody running. False: *error says why not. */
bool world_make(struct world *world, const struct options *options, char error[OPTIONS_ERROR]);
void world_free(struct world *world);
/* Runs until this time, or until a check was violated. */
void world_run(struct world *world, int64_t until);

struct romon_mac world_id(uint32_t station, uint32_t number);
/* The station that has this ID, or had it. NOBODY: none. */
uint32_t world_station(const struct world *world, struct romon_mac id);

/* ---- station.c ---- */

/* A new process with a new engine, as configured now. */
void station_start(struct world *world, uint32_t station);
/* It ends, without a word. */
void station_end(struct world *world, uint32_t station);
void station_freeze(struct world *world, uint32_t station);
void station_thaw(struct world *world, uint32_t station);
/* Its clock runs so many millionths too fast from now on. */
void station_skew(struct world *world, uint32_t station, int64_t ppm);
struct romon_time station_now(const struct world *world, uint32_t station);
/* Is somebody there to call? */
bool station_runs(const struct world *world, uint32_t station);
/* Lets the engine send, and its users take events. After every call of an engine. */
void station_flush(struct world *world, uint32_t station);
/* A frame reaches the jack. */
void station_take(struct world *world, uint32_t jack, struct passage *passage);
/* Tells the engine what the jack is now. */
void station_configure(struct world *world, uint32_t jack);
void station_set_secrets(struct world *world, uint32_t station);
/* The secret with this number. */
struct romon_secret station_secret(uint8_t number);
struct jack *station_jack(struct world *world, uint32_t station, uint32_t link);
/* Counts those who want discovery there; the first and the last tell the engine. */
void station_discover(struct world *world, uint32_t station, bool on);

/* ---- cable.c ---- */

/* Sends a copy of the frame. what: its lineage; only jack, origin, crossings and honest are read. */
void cable_send(struct world *world, uint32_t jack, const uint8_t *data, size_t len, const struct passage *what);
/* The passage reaches this jack, unless it may not. */
void cable_arrive(struct world *world, uint32_t jack, struct passage *passage);
void passage_release(struct passage *passage);

#endif
