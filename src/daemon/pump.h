/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What joins a stream of the engine with a local socket: a service's, or that of a client of the control socket. Bytes go both ways as
 * fast as the slower side takes them, each direction ends by itself, and what breaks one side breaks the other.
 */
#ifndef ROMON_PUMP_H
#define ROMON_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include <romon/romon.h>

#include "daemon/config.h"

struct worker;
struct event;
struct pump;

/* Who is connected to what. */
struct pump_about {
	struct romon_mac id; /* the other router */
	uint16_t port;
	char service[CONFIG_NAME_MAX + 1]; /* of ours; empty: this side connected */
	uint64_t number;                   /* of one that this side connected, as its client knows it: pumps_number() */
};

/* How a connection of ours broke off. */
struct pump_end {
	uint64_t number;
	struct romon_mac id;
	uint16_t port;
	bool here; /* not the stream broke, but its client went away, or RoMON was disabled */
	const char *reason;
	struct romon_time when;
};

#define PUMPS_BUCKETS 256
#define PUMPS_ENDS 4096 /* that are remembered: as many as can break at once */
struct pumps {
	LIST_HEAD(pumps_bucket, pump) bucket[PUMPS_BUCKETS]; /* by handle; zeroed it is empty */
	size_t count;
	struct pump_end ends[PUMPS_ENDS]; /* a ring */
	size_t end_count;                 /* so far; number i is in ends[i % PUMPS_ENDS] */
	uint64_t first, next;             /* the numbers that were given out: [first, next); both 0: none */
};

/* Begins. Takes the socket over in any case, and the stream: if it fails, that is reset. False: no memory. */
bool pump_start(struct worker *worker, const struct pump_about *about, uint32_t stream, int fd);
/* A number for a stream that a client has connected. No romond on this machine has given it out before. */
uint64_t pumps_number(struct worker *worker);
/* Was that number given out? */
bool pumps_numbered(const struct worker *worker, uint64_t number);
/* The stream of that number; 0 if it is over. */
uint32_t pumps_stream(const struct worker *worker, uint64_t number);
/* How a stream that is over broke off; NULL: in good order, or so long ago that it is forgotten. */
const struct pump_end *pumps_end(const struct worker *worker, uint64_t number);
/* What the stream is; NULL: no pump has it. */
const struct pump_about *pumps_about(const struct worker *worker, uint32_t stream);
/* How many streams the service of that name has. */
size_t pumps_of(const struct worker *worker, const char *service);
/* An event of any stream. */
void pumps_event(struct worker *worker, const struct romon_event *event);
/* Ends all. */
void pumps_close(struct worker *worker);

#endif
