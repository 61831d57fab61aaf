/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The frames of a session after the login: one message each, authenticated by HMAC-SHA1 and encrypted by AES-128-CBC under keys of its
 * direction. A frame knows nothing of the one before it: within a session nothing tells a repeated one [K].
 */
#ifndef WINBOX_CIPHER_H
#define WINBOX_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <nettle/aes.h>
#include <nettle/hmac.h>

#define CIPHER_SECRET 32
#define CIPHER_BLOCK 16
#define CIPHER_MAC 20
#define CIPHER_HEADER (2 + CIPHER_BLOCK)                      /* length of the ciphertext, big-endian; IV */
#define CIPHER_TEXT_MIN 32                                    /* bytes of ciphertext: mark, MAC and padding */
#define CIPHER_TEXT_MAX 65520                                 /* the largest multiple of 16 that 16 bits hold */
#define CIPHER_FRAME_MAX (CIPHER_HEADER + CIPHER_TEXT_MAX)    /* bytes of a frame */
#define CIPHER_MESSAGE_MAX (CIPHER_TEXT_MAX - CIPHER_MAC - 1) /* bytes of a message: one of padding at least */
#define CIPHER_MARK "M2"                                      /* what every message begins with */

/* One direction of a session. Wiped by who holds it. */
struct cipher {
	struct aes128_ctx encrypt, decrypt;
	struct hmac_sha1_ctx mac;
};

/* Both directions' keys from the secret of the login: what the client sends, and what the server sends [K]. */
void cipher_init(const uint8_t secret[CIPHER_SECRET], struct cipher *from_client, struct cipher *from_server);

/* Bytes of the frame that holds a message of len bytes, at most CIPHER_MESSAGE_MAX. */
size_t cipher_frame_len(size_t len);
/* Makes the frame of a message, cipher_frame_len() bytes. */
void cipher_seal(struct cipher *cipher, const uint8_t iv[CIPHER_BLOCK], const uint8_t *message, size_t len, uint8_t *frame);
/* Opens a frame in place. The message within it, *len bytes, or NULL if it is none of the other side's. */
uint8_t *cipher_open(struct cipher *cipher, uint8_t *frame, size_t frame_len, size_t *len);

/* Can a frame begin with these two bytes? Then its length, else 0. */
size_t cipher_declared_len(const uint8_t head[2]);

#endif
