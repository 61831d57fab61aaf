/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Keys and frames of a session. Keys come the way of RFC 3079 (its strings and pads) and then HKDF of RFC 5869 with SHA-1.
 */
#include "winbox/cipher.h"

#include <string.h>

#include <nettle/cbc.h>
#include <nettle/hkdf.h>
#include <nettle/memops.h>
#include <nettle/sha1.h>

#define SEED 16
#define PAD 40

static const char from_client_text[] = "On the client side, this is the send key; on the server side, it is the receive key.";
static const char from_server_text[] = "On the client side, this is the receive key; on the server side, it is the send key.";

/* SHA1(secret || 40 bytes 00 || text || 40 bytes F2), of which 16 bytes count. */
static void seed_make(const uint8_t secret[CIPHER_SECRET], const char *text, uint8_t seed[SEED])
{
	uint8_t zeros[PAD], pad[PAD];
	struct sha1_ctx ctx;

	memset(zeros, 0, sizeof(zeros));
	memset(pad, 0xf2, sizeof(pad));
	sha1_init(&ctx);
	sha1_update(&ctx, CIPHER_SECRET, secret);
	sha1_update(&ctx, sizeof(zeros), zeros);
	sha1_update(&ctx, strlen(text), (const uint8_t *)text);
	sha1_update(&ctx, sizeof(pad), pad);
	sha1_digest(&ctx, SEED, seed);
	explicit_bzero(&ctx, sizeof(ctx));
}

static void direction(const uint8_t secret[CIPHER_SECRET], const char *text, struct cipher *cipher)
{
	uint8_t seed[SEED], prk[SHA1_DIGEST_SIZE], keys[AES128_KEY_SIZE + CIPHER_MAC];
	static const uint8_t no_salt[SHA1_DIGEST_SIZE];
	struct hmac_sha1_ctx ctx;

	seed_make(secret, text, seed);
	hmac_sha1_set_key(&ctx, sizeof(no_salt), no_salt);
	hkdf_extract(&ctx, (nettle_hash_update_func *)hmac_sha1_update, (nettle_hash_digest_func *)hmac_sha1_digest, sizeof(prk),
		SEED, seed, prk);
	hmac_sha1_set_key(&ctx, sizeof(prk), prk);
	hkdf_expand(&ctx, (nettle_hash_update_func *)hmac_sha1_update, (nettle_hash_digest_func *)hmac_sha1_digest, sizeof(prk),
		0, NULL, sizeof(keys), keys);
	aes128_set_encrypt_key(&cipher->encrypt, keys);
	aes128_set_decrypt_key(&cipher->decrypt, keys);
	hmac_sha1_set_key(&cipher->mac, CIPHER_MAC, keys + AES128_KEY_SIZE);
	explicit_bzero(&ctx, sizeof(ctx));
	explicit_bzero(seed, sizeof(seed));
	explicit_bzero(prk, sizeof(prk));
	explicit_bzero(keys, sizeof(keys));
}

void cipher_init(const uint8_t secret[CIPHER_SECRET], struct cipher *from_client, struct cipher *from_server)
{
	direction(secret, from_client_text, from_client);
	direction(secret, from_server_text, from_server);
}

static size_t text_len(size_t len)
{
	return (len + CIPHER_MAC) / CIPHER_BLOCK * CIPHER_BLOCK + CIPHER_BLOCK;
}

size_t cipher_frame_len(size_t len)
{
	return CIPHER_HEADER + text_len(len);
}

size_t cipher_declared_len(const uint8_t head[2])
{
	size_t text = (size_t)head[0] << 8 | head[1];

	return text >= CIPHER_TEXT_MIN && text % CIPHER_BLOCK == 0 ? CIPHER_HEADER + text : 0;
}

void cipher_seal(struct cipher *cipher, const uint8_t iv[CIPHER_BLOCK], const uint8_t *message, size_t len, uint8_t *frame)
{
	size_t text = text_len(len), pad = text - len - CIPHER_MAC;
	uint8_t *plain = frame + CIPHER_HEADER, chain[CIPHER_BLOCK];

	frame[0] = (uint8_t)(text >> 8);
	frame[1] = (uint8_t)text;
	memcpy(frame + 2, iv, CIPHER_BLOCK);
	memcpy(chain, iv, CIPHER_BLOCK);
	memcpy(plain, message, len);
	hmac_sha1_update(&cipher->mac, len, message);
	hmac_sha1_digest(&cipher->mac, CIPHER_MAC, plain + len);
	/* As PKCS #7 pads, but by one less: 0 stands for one byte [K][T]. */
	memset(plain + len + CIPHER_MAC, (int)(pad - 1), pad);
	cbc_encrypt(&cipher->encrypt, (nettle_cipher_func *)aes128_encrypt, CIPHER_BLOCK, chain, text, plain, plain);
}

uint8_t *cipher_open(struct cipher *cipher, uint8_t *frame, size_t frame_len, size_t *len)
{
	uint8_t *plain = frame + CIPHER_HEADER, mac[CIPHER_MAC];
	size_t text, pad;

	if (frame_len < CIPHER_HEADER || cipher_declared_len(frame) != frame_len)
		return NULL;
	text = frame_len - CIPHER_HEADER;
	cbc_decrypt(&cipher->decrypt, (nettle_cipher_func *)aes128_decrypt, CIPHER_BLOCK, frame + 2, text, plain, plain);
	/* Up to 17 bytes of any value: some write 16 more where one was needed [V]. What was padded wrongly fails like what was signed
	 * wrongly, and the connection ends either way, so there is nothing to learn from it. */
	pad = (size_t)plain[text - 1] + 1;
	if (pad > CIPHER_BLOCK + 1 || text < pad + CIPHER_MAC + strlen(CIPHER_MARK))
		return NULL;
	*len = text - pad - CIPHER_MAC;
	hmac_sha1_update(&cipher->mac, *len, plain);
	hmac_sha1_digest(&cipher->mac, CIPHER_MAC, mac);
	if (!memeql_sec(mac, plain + *len, CIPHER_MAC) || memcmp(plain, CIPHER_MARK, strlen(CIPHER_MARK)) != 0)
		return NULL;
	return plain;
}
