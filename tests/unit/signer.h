/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Authentication made byte by byte after docs/protocol.md section 7, without the code under test: HMAC is put together here from plain
 * MD5, and SeqErr and Hello from bytes.
 */
#ifndef TEST_SIGNER_H
#define TEST_SIGNER_H

#include <romon/romon.h>

#include "craft.h"

#define SIGNER_AUTH 18 /* where the 24 bytes stand in a frame */

/* One who holds a secret and signs with it. */
struct signer {
	const char *secret;
	uint32_t index;
	uint64_t counter; /* of the last frame signed */
};

/* Signs with the next counter, or with this one. */
void signer_sign(struct signer *signer, struct craft *craft);
void signer_sign_as(const struct signer *signer, uint64_t counter, uint8_t *frame);
/* Does the frame carry a digest made with this secret? */
bool signer_fits(const char *secret, const uint8_t *frame);
/* Are all 24 bytes zero? */
bool signer_unhashed(const uint8_t *frame);
uint32_t signer_index(const uint8_t *frame);
uint64_t signer_counter(const uint8_t *frame);

void signer_seq_err(struct craft *craft, uint64_t eth_dst, uint64_t eth_src, uint64_t id, uint64_t target, uint64_t nonce);
void signer_hello(struct craft *craft, uint64_t eth_dst, uint64_t eth_src, uint64_t id, uint64_t target, uint64_t returned,
	uint64_t challenge);
/* Fields of a SeqErr or Hello. */
uint64_t signer_target(const uint8_t *frame);
uint64_t signer_returned(const uint8_t *frame); /* of a Hello */
uint64_t signer_challenge(const uint8_t *frame);

/* Gives the port the secrets up to NULL. */
void signer_list(struct romon_engine *engine, uint32_t link, const char *const *secrets, struct romon_time now);

#endif
