/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The records of the agent's tables: which of our values stands under which key. Nobody has published the keys of a discovery's record, so
 * those are guesses, in one table: the day that somebody reads them from a router, it is the only place to change.
 */
#ifndef AGENT_ROWS_H
#define AGENT_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "winbox/m2.h"

#define ROWS_ID 6
#define ROWS_PING_ID 0x1       /* raw: the target, in a request and in a record [T] */
#define ROWS_PING_SIZE 0x2     /* u32 [I] */
#define ROWS_PING_COUNT 0x3    /* u32 [T] */
#define ROWS_PING_INTERVAL 0x4 /* u32, milliseconds [T] */

/* One echo. */
struct rows_echo {
	uint8_t id[ROWS_ID];
	uint32_t seq, sent, received; /* the latter two up to this one */
	bool answered;
	uint32_t milliseconds;
};

/* Fills a record of the table of routers: number is its own, router what Discover tells of it. */
void rows_router(struct m2_writer *record, uint32_t number, const json_t *router);
void rows_echo(struct m2_writer *record, const struct rows_echo *echo);

#endif
