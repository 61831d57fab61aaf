/* SPDX-License-Identifier: BSD-2-Clause
 *
 * HMAC-MD5 (RFC 2104, RFC 1321) of many texts at a time. One MD5 is a chain in which each operation waits for the one before, so
 * most of a processor rests; side by side in the elements of vectors, several take hardly longer than one. The texts of a batch may differ
 * in length and key.
 */
#ifndef ROMON_MD5_H
#define ROMON_MD5_H

#include <stddef.h>
#include <stdint.h>

#include "core/md5_lanes.h"

#define MD5_DIGEST_LEN 16

/* A secret, prepared: MD5's state after the first block of the inner and of the outer hash. */
struct md5_key {
	uint32_t inner[4], outer[4];
};

/* A text in two pieces, so that only the first has to be copied to be changed: a head of at most a block, which is whole if anything
 * follows, and the rest where it stands. */
struct md5_text {
	const struct md5_key *key;
	uint8_t head[MD5_BLOCK];
	size_t head_len;
	const uint8_t *rest;
	size_t rest_len;
	uint8_t digest[MD5_DIGEST_LEN]; /* the result */
};

void md5_key_set(struct md5_key *key, const uint8_t *secret, size_t len);

/* Computes the digests of all the texts, in the widest way that their number is worth. */
void md5_hmac(struct md5_text *texts, size_t count);
/* The same in one way of md5_lanes_all(). */
void md5_hmac_by(const struct md5_lanes *lanes, struct md5_text *texts, size_t count);

#endif
