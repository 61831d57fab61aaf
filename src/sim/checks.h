/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What must hold at every step, judged from the frames as they cross the cables, by a reading of our own (frame.h), and from what the
 * users of the routers are told. The first violation ends the run.
 *
 * checks.c looks at what a router takes and sends; a router sends what follows from a frame before it is given the next one, so whatever it
 * sends then can be held against that frame. checks_secret.c looks at what is taken under which secret. converge.c looks at what everybody
 * sees when the faults are healed.
 */
#ifndef ROMON_SIM_CHECKS_H
#define ROMON_SIM_CHECKS_H

#include "sim/frame.h"
#include "sim/world.h"

/* A Discover that a router heard, as it would pass it on. */
struct heard_copy {
	uint64_t list; /* hash of asker and hops, the last one added */
	uint32_t origin;
	uint16_t crossings;
	bool honest;
	int64_t at;
};

struct station_checks {
	struct heard_copy *heard; /* the oldest first, from heard_first on */
	size_t heard_first, heard_count, heard_cap;
	int64_t froze, thawed;
	uint64_t wakes; /* without anything sent, one after the other at the same time */
	int64_t woken;
};

struct jack_checks {
	bool asked;
	int64_t asked_at;          /* by its station's clock */
	uint64_t hashed, unhashed; /* the port's counters before the present frame */
};

struct check_tables;

struct checks {
	bool violated;
	enum check kind;
	char text[300];
	int64_t at;
	uint64_t done[CHECK_KINDS]; /* how often each was made */
	struct station_checks *stations;
	struct jack_checks *jacks;
	struct check_tables *tables;
	/* The frame that a router is taking now. */
	bool receiving, readable;
	uint32_t jack;
	const struct passage *passage;
	struct frame frame;
	unsigned answers, forwards; /* what it has sent because of it */
};

struct checks *checks_new(const struct world *world);
void checks_free(struct checks *checks, uint32_t stations);

/* Remembers the first violation. */
__attribute__((format(printf, 3, 4))) void checks_violated(struct world *world, enum check check, const char *format, ...);
/* Counts that a check was made, and whether it holds; returns that. */
bool checks_holds(struct world *world, enum check check, bool holds);

/* What happens to a router. */
void checks_started(struct world *world, uint32_t station);
void checks_frozen(struct world *world, uint32_t station);
void checks_thawed(struct world *world, uint32_t station);
void checks_port_changed(struct world *world, uint32_t jack);
void checks_woken(struct world *world, uint32_t station);

/* A router takes a frame: before, right after, and when what follows from it is sent. */
void checks_receive(struct world *world, uint32_t jack, const struct passage *passage);
void checks_received(struct world *world, uint32_t jack);
void checks_done(struct world *world);
/* It sends one. Fills in where the message comes from. */
void checks_sent(struct world *world, uint32_t station, const struct romon_frame *frame, struct passage *what);
void checks_tables(struct world *world, uint32_t station);
/* Does the router avoid an edge that has failed? */
bool checks_avoiding(const struct world *world, uint32_t station);
/* A ping's user is told of an answer. */
void checks_ping_reply(struct world *world, uint32_t station, const struct romon_event *event);

/* ---- checks_secret.c ---- */

struct check_tables *check_tables_new(uint64_t seed);
void check_tables_free(struct check_tables *tables);
/* The port has counted the frame as taken. */
void checks_taken(struct world *world, uint32_t jack, bool hashed);
/* Is it signed as the port's list says? */
void checks_signed(struct world *world, uint32_t station, uint32_t jack, const struct frame *frame);
/* One more Discover of this asker by this jack, passed on; and one more answer to it. */
void checks_passed_on(struct world *world, uint32_t jack, struct romon_mac asker);
void checks_answered(struct world *world, uint32_t station, struct romon_mac asker);

/* ---- converge.c ---- */

/* Everybody in viewers[0..count) has discovered for 3 rounds. */
void checks_converged(struct world *world, const uint32_t *viewers, size_t count);

#endif
