/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The records of the agent's tables.
 */
#ifndef AGENT_ROWS_H
#define AGENT_ROWS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "winbox/m2.h"

#define ROWS_ID 6

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
