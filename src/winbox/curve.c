/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The curve, with OpenSSL's BIGNUM and EC functions.
 *
 * What is constant in time, and what is not. Multiplying a point by a scalar is: EC_POINT_mul() with one scalar, on a group whose order
 * and cofactor are known, is a Montgomery ladder over a number of bits that does not depend on the scalar, with blinded coordinates. So
 * are adding two points, but for the special cases of equal and opposite ones, and the way back to affine coordinates (a power with a
 * public exponent). The sum i * j + a, modulo the order, is but for the number of leading zero words. Not constant is finding the y to an
 * x: it is done with points that crossed the wire, with those that hide behind a validator, and with validators, whose holder can log in
 * nowhere. How often curve_mask() has to try depends on the validator: a server does it when it reads its users, not while one logs in.
 */
#include "winbox/curve.h"

#include <stdlib.h>
#include <string.h>

#include <nettle/sha2.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>

/* winbox.md's curve [K][V]. X = x + SHIFT leads from the Montgomery form, y stays. */
static const char curve_p[] = "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed";
static const char curve_a[] = "2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa984914a144";
static const char curve_b[] = "7b425ed097b425ed097b425ed097b425ed097b425ed097b4260b5e9c7710c864";
static const char curve_gx[] = "2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad245a";
static const char curve_gy[] = "5f51e65e475f794b1fe122d388b72eb36dc2b28192839e4dd6163a5d81312c14";
static const char curve_order[] = "1000000000000000000000000000000014def9dea2f79cd65812631a5cf5d3ed";
static const char curve_shift[] = "2aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad2451";

#define COFACTOR 8
#define MASK_TRIES 128 /* every second x has a point: more than these will never be needed */

struct curve {
	EC_GROUP *group;
	BN_CTX *ctx;
	BIGNUM *p, *order, *shift;
	BIGNUM *scalar, *other; /* to work with; they may hold secrets */
	BIGNUM *x, *y;
	EC_POINT *point, *second;
};

static bool constant(BIGNUM **number, const char *hex)
{
	return BN_hex2bn(number, hex) != 0;
}

static bool set_group(struct curve *curve)
{
	BIGNUM *a = NULL, *b = NULL, *gx = NULL, *gy = NULL, *cofactor = BN_new();
	EC_POINT *generator = NULL;
	bool done = cofactor != NULL && BN_set_word(cofactor, COFACTOR) && constant(&a, curve_a) && constant(&b, curve_b) &&
		    constant(&gx, curve_gx) && constant(&gy, curve_gy);

	if (done)
		curve->group = EC_GROUP_new_curve_GFp(curve->p, a, b, curve->ctx);
	if (curve->group != NULL)
		generator = EC_POINT_new(curve->group);
	done = generator != NULL && EC_POINT_set_affine_coordinates(curve->group, generator, gx, gy, curve->ctx) &&
	       EC_GROUP_set_generator(curve->group, generator, curve->order, cofactor);
	EC_POINT_free(generator);
	BN_free(a);
	BN_free(b);
	BN_free(gx);
	BN_free(gy);
	BN_free(cofactor);
	return done;
}

struct curve *curve_new(void)
{
	struct curve *curve = calloc(1, sizeof(*curve));

	if (curve == NULL)
		return NULL;
	curve->ctx = BN_CTX_secure_new();
	curve->scalar = BN_secure_new();
	curve->other = BN_secure_new();
	curve->x = BN_new();
	curve->y = BN_new();
	if (curve->ctx != NULL && curve->scalar != NULL && curve->other != NULL && curve->x != NULL && curve->y != NULL &&
		constant(&curve->p, curve_p) && constant(&curve->order, curve_order) && constant(&curve->shift, curve_shift) &&
		set_group(curve)) {
		curve->point = EC_POINT_new(curve->group);
		curve->second = EC_POINT_new(curve->group);
		if (curve->point != NULL && curve->second != NULL)
			return curve;
	}
	curve_free(curve);
	return NULL;
}

void curve_free(struct curve *curve)
{
	if (curve == NULL)
		return;
	EC_POINT_clear_free(curve->point);
	EC_POINT_clear_free(curve->second);
	EC_GROUP_free(curve->group);
	BN_clear_free(curve->scalar);
	BN_clear_free(curve->other);
	BN_clear_free(curve->x);
	BN_clear_free(curve->y);
	BN_free(curve->p);
	BN_free(curve->order);
	BN_free(curve->shift);
	BN_CTX_free(curve->ctx);
	free(curve);
}

/* OpenSSL notes every failure for somebody who asks. Nobody does. */
static bool forget(bool done)
{
	if (!done)
		ERR_clear_error();
	return done;
}

/* The point with this x. */
static bool lift(struct curve *curve, const struct curve_point *from, EC_POINT *point)
{
	return from->parity <= 1 && BN_bin2bn(from->x, CURVE_LEN, curve->x) != NULL &&
	       BN_mod_add(curve->x, curve->x, curve->shift, curve->p, curve->ctx) &&
	       EC_POINT_set_compressed_coordinates(curve->group, point, curve->x, from->parity, curve->ctx);
}

static bool export(struct curve *curve, const EC_POINT *point, struct curve_point *out)
{
	if (EC_POINT_is_at_infinity(curve->group, point) ||
		!EC_POINT_get_affine_coordinates(curve->group, point, curve->x, curve->y, curve->ctx) ||
		!BN_mod_sub(curve->x, curve->x, curve->shift, curve->p, curve->ctx) ||
		BN_bn2binpad(curve->x, out->x, CURVE_LEN) != CURVE_LEN)
		return false;
	out->parity = BN_is_odd(curve->y) ? 1 : 0;
	return true;
}

/* point = scalar * base; base NULL: of G. */
static bool multiply(struct curve *curve, const uint8_t scalar[CURVE_LEN], const EC_POINT *base, EC_POINT *point)
{
	if (BN_bin2bn(scalar, CURVE_LEN, curve->scalar) == NULL)
		return false;
	return base != NULL ? EC_POINT_mul(curve->group, point, NULL, base, curve->scalar, curve->ctx)
			    : EC_POINT_mul(curve->group, point, curve->scalar, NULL, NULL, curve->ctx);
}

/* Is cofactor * point infinity? */
static bool small_order(struct curve *curve, EC_POINT *point)
{
	for (int n = 1; n < COFACTOR; n *= 2)
		if (!EC_POINT_dbl(curve->group, point, point, curve->ctx))
			return true;
	return EC_POINT_is_at_infinity(curve->group, point);
}

bool curve_usable(struct curve *curve, const struct curve_point *point)
{
	return forget(lift(curve, point, curve->point) && !small_order(curve, curve->point));
}

bool curve_base(struct curve *curve, const uint8_t scalar[CURVE_LEN], struct curve_point *out)
{
	return forget(multiply(curve, scalar, NULL, curve->point) && export(curve, curve->point, out));
}

static void hash(const uint8_t in[CURVE_LEN], uint8_t out[CURVE_LEN])
{
	struct sha256_ctx ctx;

	sha256_init(&ctx);
	sha256_update(&ctx, CURVE_LEN, in);
	sha256_digest(&ctx, CURVE_LEN, out);
}

bool curve_mask(struct curve *curve, const uint8_t x[CURVE_LEN], uint8_t parity, struct curve_point *out)
{
	struct curve_point candidate = {.parity = parity};
	uint8_t seed[CURVE_LEN];

	hash(x, seed);
	for (int n = 0; n < MASK_TRIES; n++) {
		/* Hashed in every round, and counted up before it is hashed [K]. */
		hash(seed, candidate.x);
		if (lift(curve, &candidate, curve->point))
			return export(curve, curve->point, out);
		ERR_clear_error();
		for (int i = CURVE_LEN - 1; i >= 0 && ++seed[i] == 0; i--)
			;
	}
	return false;
}

bool curve_masked(struct curve *curve, const uint8_t scalar[CURVE_LEN], const struct curve_point *mask, struct curve_point *out)
{
	return forget(multiply(curve, scalar, NULL, curve->point) && lift(curve, mask, curve->second) &&
		      EC_POINT_add(curve->group, curve->point, curve->point, curve->second, curve->ctx) &&
		      export(curve, curve->point, out));
}

/* The x of curve->point, which nothing of this is left of then. */
static bool secret(struct curve *curve, uint8_t z[CURVE_LEN])
{
	struct curve_point point;
	bool done = export(curve, curve->point, &point);

	if (done)
		memcpy(z, point.x, CURVE_LEN);
	explicit_bzero(&point, sizeof(point));
	BN_clear(curve->x);
	BN_clear(curve->y);
	BN_clear(curve->scalar);
	BN_clear(curve->other);
	EC_POINT_set_to_infinity(curve->group, curve->point);
	return forget(done);
}

bool curve_server_secret(struct curve *curve, const uint8_t b[CURVE_LEN], const struct curve_point *wa,
	const uint8_t j[CURVE_LEN], const struct curve_point *gamma, uint8_t z[CURVE_LEN])
{
	return forget(lift(curve, gamma, curve->second) && multiply(curve, j, curve->second, curve->point) &&
		       lift(curve, wa, curve->second) &&
		       EC_POINT_add(curve->group, curve->second, curve->second, curve->point, curve->ctx) &&
		       multiply(curve, b, curve->second, curve->point)) &&
	       secret(curve, z);
}

/* curve->scalar = (i * j + a) mod r */
static bool exponent(struct curve *curve, const uint8_t i[CURVE_LEN], const uint8_t j[CURVE_LEN], const uint8_t a[CURVE_LEN])
{
	return BN_bin2bn(i, CURVE_LEN, curve->scalar) != NULL && BN_bin2bn(j, CURVE_LEN, curve->other) != NULL &&
	       BN_mod_mul(curve->scalar, curve->scalar, curve->other, curve->order, curve->ctx) &&
	       BN_bin2bn(a, CURVE_LEN, curve->other) != NULL &&
	       BN_mod_add(curve->scalar, curve->scalar, curve->other, curve->order, curve->ctx);
}

bool curve_client_secret(struct curve *curve, const uint8_t i[CURVE_LEN], const uint8_t j[CURVE_LEN], const uint8_t a[CURVE_LEN],
	const struct curve_point *wb, const struct curve_point *mask, uint8_t z[CURVE_LEN])
{
	return forget(lift(curve, wb, curve->point) && lift(curve, mask, curve->second) &&
		       EC_POINT_add(curve->group, curve->second, curve->point, curve->second, curve->ctx) &&
		       exponent(curve, i, j, a) &&
		       EC_POINT_mul(curve->group, curve->point, NULL, curve->second, curve->scalar, curve->ctx)) &&
	       secret(curve, z);
}
