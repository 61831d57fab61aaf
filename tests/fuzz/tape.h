/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An input read from its beginning to its end as a series of small decisions. Behind the end there are only zeros: tape_left() says
 * when to stop.
 */
#ifndef FUZZ_TAPE_H
#define FUZZ_TAPE_H

#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "core/wire.h"

struct tape {
	const uint8_t *at;
	size_t left;
};

size_t tape_left(const struct tape *tape);
uint8_t tape_u8(struct tape *tape);
uint16_t tape_u16(struct tape *tape);
uint32_t tape_u32(struct tape *tape);
/* A number below limit, which is at most 256. */
unsigned tape_below(struct tape *tape, unsigned limit);
/* Up to len of the next bytes; *got says how many. */
const uint8_t *tape_bytes(struct tape *tape, size_t len, size_t *got);
/* A pause: nothing, microseconds, up to more than any timer lasts. */
int64_t tape_pause(struct tape *tape);

/* Addresses and IDs out of few, so that what belongs together is met often. Number 0 is zero, 1 the group, 2 everybody. */
struct romon_mac tape_mac(struct tape *tape);
struct romon_mac tape_mac_number(unsigned number);
/* A message of any type whose fields are small numbers, valid or not; texts and payloads lead into the tape. */
void tape_message(struct tape *tape, struct wire_message *message);

#endif
