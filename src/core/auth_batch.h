/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Digests of many frames at a time, since side by side they cost a fraction (md5.h). Part of auth.h: who is believed is decided there,
 * frame by frame, and does not depend on when a digest was computed.
 */
#ifndef ROMON_AUTH_BATCH_H
#define ROMON_AUTH_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "core/md5.h"

#define AUTH_BATCH_MAX 64  /* frames */
#define AUTH_DIGEST_LEN 12 /* the first bytes of the HMAC, RFC 2403 */

struct auth_secret;

/* Frames and under which secret each is hashed; then the digests of all. */
struct auth_batch {
	size_t count, found; /* found: where auth_batch_find() goes on to look */
	struct {
		uint8_t *frame;
		uint32_t serial;
	} of[AUTH_BATCH_MAX];
	struct md5_text texts[AUTH_BATCH_MAX];
};

void auth_batch_init(struct auth_batch *batch);
/* Adds a frame whose length was checked, unless the batch is full. The frame and the secret must stay until the digests are computed. */
void auth_batch_add(struct auth_batch *batch, const struct auth_secret *secret, uint8_t *frame);
void auth_batch_compute(struct auth_batch *batch);
/* The digest of this frame under the secret with this serial, or NULL: it is not there. Frames are best asked for in the order in which
 * they were added. */
const uint8_t *auth_batch_find(struct auth_batch *batch, const uint8_t *frame, uint32_t serial);
/* Computes the digests, writes each into its frame, and empties the batch. */
void auth_batch_sign(struct auth_batch *batch);

/* The digest of one frame. */
void auth_digest(const struct auth_secret *secret, const uint8_t *frame, uint8_t digest[AUTH_DIGEST_LEN]);

#endif
