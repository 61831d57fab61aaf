/* SPDX-License-Identifier: BSD-2-Clause
 *
 * MD5's compression function for several texts side by side, as wide as this machine can. Part of md5.h.
 */
#ifndef ROMON_MD5_LANES_H
#define ROMON_MD5_LANES_H

#include <stddef.h>
#include <stdint.h>

#define MD5_BLOCK 64
#define MD5_LANES_MAX 8

/* One way to do it. */
struct md5_lanes {
	const char *name;
	size_t lanes; /* texts at a time */
	/* Takes so many blocks of every text. state: word 0 of every lane, then word 1, and so on; data: where the
	 * blocks of each lane stand, one behind the other. */
	void (*compress)(uint32_t *state, const uint8_t *const *data, size_t blocks);
};

/* The ways that this machine can, from one lane to many; *count is how many. */
const struct md5_lanes *md5_lanes_all(size_t *count);

#endif
