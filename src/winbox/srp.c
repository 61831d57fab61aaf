/* SPDX-License-Identifier: BSD-2-Clause
 *
 * EC-SRP5. The names of the values are those that the published descriptions use: i and gamma of the password, j of the keys, z the common
 * point.
 */
#include "winbox/srp.h"

#include <string.h>

#include <nettle/memops.h>
#include <nettle/sha2.h>

/* SHA256 of several parts, which ends with one that is NULL. */
struct part {
	const void *data;
	size_t len;
};

static void hash(const struct part *parts, uint8_t out[SRP_HASH])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	for (; parts->data != NULL; parts++)
		sha256_update(&ctx, parts->len, parts->data);
	sha256_digest(&ctx, SRP_HASH, out);
	explicit_bzero(&ctx, sizeof(ctx));
}

void srp_wipe(struct srp *srp)
{
	explicit_bzero(srp, sizeof(*srp));
}

/* i = SHA256(salt || SHA256(name ":" password)) [K] */
static void private_validator(const char *name, size_t name_len, const char *password, size_t password_len,
	const uint8_t salt[SRP_SALT], uint8_t i[SRP_HASH])
{
	uint8_t inner[SRP_HASH];

	hash((const struct part[]){{name, name_len}, {":", 1}, {password, password_len}, {NULL, 0}}, inner);
	hash((const struct part[]){{salt, SRP_SALT}, {inner, sizeof(inner)}, {NULL, 0}}, i);
	explicit_bzero(inner, sizeof(inner));
}

bool srp_validator_make(struct curve *curve, const char *name, size_t name_len, const char *password, size_t password_len,
	const uint8_t salt[SRP_SALT], struct srp_validator *validator)
{
	uint8_t i[SRP_HASH];
	bool done;

	private_validator(name, name_len, password, password_len, salt, i);
	memcpy(validator->salt, salt, SRP_SALT);
	done = curve_base(curve, i, &validator->gamma);
	explicit_bzero(i, sizeof(i));
	return done;
}

bool srp_account_make(struct curve *curve, const struct srp_validator *validator, struct srp_account *account)
{
	account->validator = *validator;
	return curve_usable(curve, &validator->gamma) && curve_mask(curve, validator->gamma.x, 0, &account->mask);
}

/* What both ends make of the two keys. */
static void join_keys(struct srp *srp)
{
	hash((const struct part[]){{srp->client.x, CURVE_LEN}, {srp->server.x, CURVE_LEN}, {NULL, 0}}, srp->j);
}

static void confirm_client(struct srp *srp)
{
	hash((const struct part[]){{srp->j, SRP_HASH}, {srp->z, SRP_HASH}, {NULL, 0}}, srp->client_confirm);
}

static void confirm_server(const struct srp *srp, uint8_t out[SRP_HASH])
{
	hash((const struct part[]){{srp->j, SRP_HASH}, {srp->client_confirm, SRP_HASH}, {srp->z, SRP_HASH}, {NULL, 0}}, out);
}

static void make_secret(const struct srp *srp, uint8_t secret[SRP_HASH])
{
	hash((const struct part[]){{srp->z, SRP_HASH}, {NULL, 0}}, secret);
}

bool srp_server_begin(struct curve *curve, struct srp *srp, const struct curve_point *client, const struct srp_account *account,
	const uint8_t scalar[SRP_HASH], struct srp_challenge *challenge)
{
	if (!curve_usable(curve, client) || !curve_masked(curve, scalar, &account->mask, &srp->server))
		return false;
	memcpy(srp->scalar, scalar, SRP_HASH);
	srp->client = *client;
	srp->gamma = account->validator.gamma;
	join_keys(srp);
	challenge->key = srp->server;
	memcpy(challenge->salt, account->validator.salt, SRP_SALT);
	return true;
}

bool srp_server_confirm(
	struct curve *curve, struct srp *srp, const uint8_t confirm[SRP_HASH], uint8_t answer[SRP_HASH], uint8_t secret[SRP_HASH])
{
	if (!curve_server_secret(curve, srp->scalar, &srp->client, srp->j, &srp->gamma, srp->z))
		return false;
	confirm_client(srp);
	confirm_server(srp, answer);
	make_secret(srp, secret);
	return memeql_sec(srp->client_confirm, confirm, SRP_HASH);
}

bool srp_client_begin(struct curve *curve, struct srp *srp, const uint8_t scalar[SRP_HASH])
{
	memcpy(srp->scalar, scalar, SRP_HASH);
	return curve_base(curve, scalar, &srp->client);
}

bool srp_client_confirm(struct curve *curve, struct srp *srp, const char *name, size_t name_len, const char *password,
	size_t password_len, const struct srp_challenge *challenge, uint8_t confirm[SRP_HASH])
{
	struct curve_point gamma, mask;
	uint8_t i[SRP_HASH];
	bool done;

	private_validator(name, name_len, password, password_len, challenge->salt, i);
	srp->server = challenge->key;
	join_keys(srp);
	done = curve_usable(curve, &challenge->key) && curve_base(curve, i, &gamma) && curve_mask(curve, gamma.x, 1, &mask) &&
	       curve_client_secret(curve, i, srp->j, srp->scalar, &challenge->key, &mask, srp->z);
	explicit_bzero(i, sizeof(i));
	explicit_bzero(&gamma, sizeof(gamma));
	if (!done)
		return false;
	confirm_client(srp);
	memcpy(confirm, srp->client_confirm, SRP_HASH);
	return true;
}

bool srp_client_end(struct srp *srp, const uint8_t confirm[SRP_HASH], uint8_t secret[SRP_HASH])
{
	uint8_t expected[SRP_HASH];
	bool right;

	confirm_server(srp, expected);
	right = memeql_sec(expected, confirm, SRP_HASH);
	if (right)
		make_secret(srp, secret);
	explicit_bzero(expected, sizeof(expected));
	return right;
}
