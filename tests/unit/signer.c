/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Authentication made byte by byte, for tests.
 */
#include "signer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <nettle/md5.h>

enum { BLOCK = 64, DIGEST_AT = SIGNER_AUTH + 12, BODY = CRAFT_BODY + 8 };

/* RFC 2104 for keys of at most a block, which are all that the tests sign with; longer ones are hashed first. */
static void hmac(const char *secret, const uint8_t *text, size_t len, uint8_t digest[MD5_DIGEST_SIZE])
{
	uint8_t key[BLOCK] = {0}, pad[BLOCK];
	struct md5_ctx md5;

	md5_init(&md5);
	if (strlen(secret) > BLOCK) {
		md5_update(&md5, strlen(secret), (const uint8_t *)secret);
		md5_digest(&md5, MD5_DIGEST_SIZE, key);
	} else {
		memcpy(key, secret, strlen(secret));
	}
	for (size_t i = 0; i < BLOCK; i++)
		pad[i] = key[i] ^ 0x36;
	md5_update(&md5, BLOCK, pad);
	md5_update(&md5, len, text);
	md5_digest(&md5, MD5_DIGEST_SIZE, digest);
	for (size_t i = 0; i < BLOCK; i++)
		pad[i] = key[i] ^ 0x5c;
	md5_update(&md5, BLOCK, pad);
	md5_update(&md5, MD5_DIGEST_SIZE, digest);
	md5_digest(&md5, MD5_DIGEST_SIZE, digest);
}

/* What is hashed: both addresses, then the message from its type on, the 12 bytes zero; without EtherType and padding. */
static void digest_of(const char *secret, const uint8_t *frame, uint8_t digest[MD5_DIGEST_SIZE])
{
	static uint8_t text[65536];
	size_t len = (size_t)craft_number(frame + 16, 2);

	memcpy(text, frame, 12);
	memcpy(text + 12, frame + 14, len - 14);
	memset(text + DIGEST_AT - 2, 0, 12);
	hmac(secret, text, len - 2, digest);
}

static void put(uint8_t *at, size_t bytes, uint64_t value)
{
	for (size_t i = 0; i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

void signer_sign_as(const struct signer *signer, uint64_t counter, uint8_t *frame)
{
	uint8_t digest[MD5_DIGEST_SIZE];

	put(frame + SIGNER_AUTH, 4, signer->index);
	put(frame + SIGNER_AUTH + 4, 8, counter);
	digest_of(signer->secret, frame, digest);
	memcpy(frame + DIGEST_AT, digest, 12);
}

void signer_sign(struct signer *signer, struct craft *craft)
{
	signer_sign_as(signer, ++signer->counter, craft->data);
}

bool signer_fits(const char *secret, const uint8_t *frame)
{
	uint8_t digest[MD5_DIGEST_SIZE];

	digest_of(secret, frame, digest);
	return memcmp(digest, frame + DIGEST_AT, 12) == 0;
}

bool signer_unhashed(const uint8_t *frame)
{
	static const uint8_t zero[24];

	return memcmp(frame + SIGNER_AUTH, zero, sizeof(zero)) == 0;
}

uint32_t signer_index(const uint8_t *frame)
{
	return (uint32_t)craft_number(frame + SIGNER_AUTH, 4);
}

uint64_t signer_counter(const uint8_t *frame)
{
	return craft_number(frame + SIGNER_AUTH + 4, 8);
}

static void nonce_add(struct craft *craft, uint64_t nonce)
{
	craft_u32(craft, (uint32_t)(nonce >> 32));
	craft_u32(craft, (uint32_t)nonce);
}

void signer_seq_err(struct craft *craft, uint64_t eth_dst, uint64_t eth_src, uint64_t id, uint64_t target, uint64_t nonce)
{
	craft_begin(craft, eth_dst, eth_src, CRAFT_SEQ_ERR, id, CRAFT_ALL);
	craft_mac(craft, target);
	craft_zero(craft, 2);
	nonce_add(craft, nonce);
	craft_end(craft);
}

void signer_hello(struct craft *craft, uint64_t eth_dst, uint64_t eth_src, uint64_t id, uint64_t target, uint64_t returned,
	uint64_t challenge)
{
	craft_begin(craft, eth_dst, eth_src, CRAFT_HELLO, id, CRAFT_ALL);
	craft_mac(craft, target);
	craft_zero(craft, 2);
	nonce_add(craft, returned);
	nonce_add(craft, challenge);
	craft_end(craft);
}

uint64_t signer_target(const uint8_t *frame)
{
	return craft_number(frame + CRAFT_BODY, 6);
}

uint64_t signer_returned(const uint8_t *frame)
{
	assert_int_equal(frame[14], CRAFT_HELLO);
	return craft_number(frame + BODY, 8);
}

uint64_t signer_challenge(const uint8_t *frame)
{
	return craft_number(frame + BODY + (frame[14] == CRAFT_HELLO ? 8 : 0), 8);
}

void signer_list(struct romon_engine *engine, uint32_t link, const char *const *secrets, struct romon_time now)
{
	struct romon_secret list[ROMON_SECRETS_MAX];
	size_t count = 0;

	for (; secrets[count] != NULL; count++) {
		assert_in_range(count, 0, ROMON_SECRETS_MAX - 1);
		list[count].len = (uint8_t)strlen(secrets[count]);
		memcpy(list[count].bytes, secrets[count], list[count].len);
	}
	assert_true(romon_engine_set_secrets(engine, link, list, count, now));
}
