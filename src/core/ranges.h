/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which bytes of a stream have come early: ranges of sequence numbers beyond the next expected one, in order, apart from each other.
 */
#ifndef ROMON_RANGES_H
#define ROMON_RANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RANGES_MAX 128 /* what would be one more is forgotten, and comes again */

struct range {
	uint32_t from, to; /* to: behind the last byte */
};

struct ranges {
	struct range *list;
	uint32_t count, cap;
};

/* Adds [from, to). base is the next expected number: order is distance from it. False: no room, nothing changed. */
bool ranges_add(struct ranges *ranges, uint32_t base, uint32_t from, uint32_t to);
/* Are all of [from, to), which lie behind base, among them? */
bool ranges_hold(const struct ranges *ranges, uint32_t base, uint32_t from, uint32_t to);
/* Everything below next has come: takes what lies below it out, and returns where the run of bytes that begins there ends. */
uint32_t ranges_advance(struct ranges *ranges, uint32_t next);
void ranges_free(struct ranges *ranges);

#endif
