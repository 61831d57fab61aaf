/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Everything that decides about a run, faults included, as given on the command line: `name=value` words. The same options are the
 * same run.
 */
#ifndef ROMON_SIM_OPTIONS_H
#define ROMON_SIM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "core/broken.h"

#define OPTIONS_ERROR 400 /* bytes of a message that says what is wrong, with the name of the file that it is about */

enum topology_kind {
	TOPOLOGY_LINE,
	TOPOLOGY_RING,
	TOPOLOGY_STAR,
	TOPOLOGY_TREE,
	TOPOLOGY_GRID,
	TOPOLOGY_MESH,      /* all on one segment */
	TOPOLOGY_GEOMETRIC, /* random places; who is near is linked */
	TOPOLOGY_RINGS,     /* a ring of rings */
	TOPOLOGY_ACCESS,    /* a ring of aggregation routers, whose access routers lie on two segments */
	TOPOLOGY_FILE,
	TOPOLOGY_KINDS
};

/* Faults that come and go. The order is that of the names in options.c. */
enum fault_kind {
	FAULT_CUT,       /* a cable carries nothing */
	FAULT_PARTITION, /* every cable out of a part of the network does */
	FAULT_ONE_WAY,   /* a port is heard by nobody, but hears */
	FAULT_WEATHER,   /* a cable delays, loses, reorders, duplicates */
	FAULT_CORRUPT,   /* a cable turns bits over */
	FAULT_NARROW,    /* a cable swallows what is larger than its ports think */
	FAULT_MTU,       /* a port gets a smaller MTU */
	FAULT_CARRIER,   /* a port loses its carrier */
	FAULT_CRASH,     /* a router ends, and starts again */
	FAULT_LOSE,      /* the same, and the state file is lost: it has another ID */
	FAULT_FREEZE,    /* a router's process stands still; frames wait in its sockets */
	FAULT_CLOCK,     /* a router's clock runs faster or slower */
	FAULT_FLOOD,     /* a switch sends everything to everybody */
	FAULT_FILTER,    /* a switch loses what is for the group address */
	FAULT_ISOLATE,   /* a switch does not let two of its ports talk to each other */
	FAULT_COST,      /* a port gets another cost */
	FAULT_FORBID,    /* a port takes no part */
	FAULT_KINDS
};

/* What must hold (checks.h). The order is that of the names in options.c. */
enum check {
	CHECK_ROUTE,    /* no frame leaves its written route */
	CHECK_HOPS,     /* none outlives its hop count */
	CHECK_ANSWER,   /* no answer without a question */
	CHECK_WRONG_ID, /* nothing is delivered to or believed from the wrong ID */
	CHECK_TWICE,    /* no answer and no byte of a stream is delivered twice */
	CHECK_CONTENT,  /* what comes out of a stream is what went in */
	CHECK_TABLE,    /* no table is over its capacity */
	CHECK_SECRET,   /* nothing is taken or sent that the secrets forbid */
	CHECK_BOUND,    /* no more frames in a round than docs/scale.md says */
	CHECK_SILENCE,  /* nobody speaks or wakes for nothing */
	CHECK_CONVERGE, /* faults healed: everybody sees everybody by the cheapest path within 3 rounds */
	CHECK_FINISH,   /* faults healed: every stream ends */
	CHECK_KINDS
};

enum secrets_kind {
	SECRETS_NONE,
	SECRETS_SHARED, /* one for all */
	SECRETS_ROTATE, /* from none to one, to another one, and so on, router by router */
};

enum costs_kind { COSTS_EVEN, COSTS_RANDOM };

struct options {
	enum topology_kind topology;
	char file[256];
	uint64_t routers, seed;
	int64_t time; /* nanoseconds, as all durations here */
	enum costs_kind costs;
	uint64_t mtu;

	uint64_t askers; /* routers that discover all the time */
	uint64_t pings;  /* pairs that ping at a time */
	int64_t ping_interval;
	uint64_t streams; /* at a time */
	uint64_t stream_bytes;
	int64_t change; /* the workload changes as often */

	int64_t delay, jitter;
	uint64_t loss, reorder, duplicate, corrupt; /* of a million */
	uint64_t skew;                              /* of clocks: at most so many millionths */
	bool floods, unicast, shared_mac;
	enum secrets_kind secrets;
	uint64_t routeros;        /* percent of the routers that speak only what RouterOS is known to speak */
	uint64_t hostile;         /* strangers on random cables */
	int64_t hostile_interval; /* mean time between two things that one of them does */

	uint64_t faults;        /* bits by enum fault_kind */
	int64_t fault_interval; /* mean time between two of them */
	char only[1024];        /* the numbers of those that happen; empty: all */

	bool heal, shrink;
	uint64_t checks; /* bits by enum check: those that end the run */
	uint64_t scale;  /* measure so many rounds of one asker, and nothing else */
	bool json, dot;
	char trace[256];
	enum broken broken; /* only where the core was built to be broken */
};

void options_init(struct options *options);
/* Takes one word of the command line. False: *error says why. */
bool options_take(struct options *options, const char *word, char error[OPTIONS_ERROR]);
/* The words that make these options, those left out that are as options_init() leaves them. Each has a space before it. */
void options_print(const struct options *options, FILE *out);
/* What can be given, one line each. */
void options_help(FILE *out);
const char *options_topology(const struct options *options);
/* Is fault number n to happen? */
bool options_happens(const struct options *options, unsigned n);
const char *fault_name(enum fault_kind kind);
const char *check_name(enum check check);

#endif
