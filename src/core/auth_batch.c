/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the digest of a frame is computed of [O]: both Ethernet addresses, then the message with the digest zero; neither EtherType nor
 * padding.
 */
#include "core/auth_batch.h"

#include <string.h>

#include "core/auth.h"
#include "core/wire.h"

enum {
	ADDRESSES_LEN = 2 * ROMON_MAC_LEN,
	DIGEST_AT = WIRE_ETHERNET_LEN + 4 + WIRE_AUTH_LEN - AUTH_DIGEST_LEN,
	HEAD_MAX = MD5_BLOCK - ADDRESSES_LEN, /* bytes of the message that fit the text's head */
};
_Static_assert(DIGEST_AT + AUTH_DIGEST_LEN <= (int)WIRE_ETHERNET_LEN + HEAD_MAX, "what is zeroed lies in the head");
_Static_assert((int)WIRE_HEADER_LEN <= (int)HEAD_MAX, "the shortest message fits the head");

static void text_make(struct md5_text *text, const struct auth_secret *secret, const uint8_t *frame)
{
	size_t len = wire_frame_length(frame) - WIRE_ETHERNET_LEN, head = len < HEAD_MAX ? len : HEAD_MAX;

	text->key = &secret->key;
	memcpy(text->head, frame, ADDRESSES_LEN);
	memcpy(text->head + ADDRESSES_LEN, frame + WIRE_ETHERNET_LEN, head);
	memset(text->head + ADDRESSES_LEN + DIGEST_AT - WIRE_ETHERNET_LEN, 0, AUTH_DIGEST_LEN);
	text->head_len = ADDRESSES_LEN + head;
	text->rest = frame + WIRE_ETHERNET_LEN + head;
	text->rest_len = len - head;
}

void auth_batch_init(struct auth_batch *batch)
{
	batch->count = batch->found = 0;
}

void auth_batch_add(struct auth_batch *batch, const struct auth_secret *secret, uint8_t *frame)
{
	if (batch->count == AUTH_BATCH_MAX)
		return;
	batch->of[batch->count].frame = frame;
	batch->of[batch->count].serial = secret->serial;
	text_make(&batch->texts[batch->count], secret, frame);
	batch->count++;
}

void auth_batch_compute(struct auth_batch *batch)
{
	md5_hmac(batch->texts, batch->count);
}

const uint8_t *auth_batch_find(struct auth_batch *batch, const uint8_t *frame, uint32_t serial)
{
	for (size_t i = 0; i < batch->count; i++) {
		size_t at = (batch->found + i) % batch->count;

		if (batch->of[at].frame == frame && batch->of[at].serial == serial) {
			batch->found = at;
			return batch->texts[at].digest;
		}
	}
	return NULL;
}

void auth_batch_sign(struct auth_batch *batch)
{
	auth_batch_compute(batch);
	for (size_t i = 0; i < batch->count; i++)
		memcpy(batch->of[i].frame + DIGEST_AT, batch->texts[i].digest, AUTH_DIGEST_LEN);
	auth_batch_init(batch);
}

void auth_digest(const struct auth_secret *secret, const uint8_t *frame, uint8_t digest[AUTH_DIGEST_LEN])
{
	struct md5_text text;

	text_make(&text, secret, frame);
	md5_hmac(&text, 1);
	memcpy(digest, text.digest, AUTH_DIGEST_LEN);
}
