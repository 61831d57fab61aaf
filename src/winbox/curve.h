/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The curve of WinBox's login, Curve25519 in Weierstrass form, with OpenSSL's arithmetic. Points go in and come out as they travel; what
 * the login needs of them is computed whole, so that no caller holds a coordinate, and a fuzzer can put another curve behind this.
 */
#ifndef WINBOX_CURVE_H
#define WINBOX_CURVE_H

#include <stdbool.h>
#include <stdint.h>

#define CURVE_LEN 32 /* bytes of a scalar and of a coordinate, big-endian both */

/* A point as it travels and is stored [K]: the x of the Montgomery form, and which of the two y belong to it. */
struct curve_point {
	uint8_t x[CURVE_LEN];
	uint8_t parity; /* 0: y is even; 1: odd */
};

struct curve;

struct curve *curve_new(void); /* NULL: no memory */
void curve_free(struct curve *curve);

/* All below return false, and leave *out alone, if a point that came in is none, what came out is no point but infinity, or there is no
 * memory. */

/* Is there such a point, and is it one that a login may use? Those of order 1, 2, 4 and 8 are not. */
bool curve_usable(struct curve *curve, const struct curve_point *point);
/* scalar * G. */
bool curve_base(struct curve *curve, const uint8_t scalar[CURVE_LEN], struct curve_point *out);
/* The point that hides the server's key, made of a validator: redp1(x, parity) [K]. Takes longer for some x than for others. */
bool curve_mask(struct curve *curve, const uint8_t x[CURVE_LEN], uint8_t parity, struct curve_point *out);
/* scalar * G + mask: the server's key. */
bool curve_masked(struct curve *curve, const uint8_t scalar[CURVE_LEN], const struct curve_point *mask, struct curve_point *out);
/* The server's half of the secret: x of b * (wa + j * gamma). */
bool curve_server_secret(struct curve *curve, const uint8_t b[CURVE_LEN], const struct curve_point *wa,
	const uint8_t j[CURVE_LEN], const struct curve_point *gamma, uint8_t z[CURVE_LEN]);
/* The client's half: x of (i * j + a) * (wb + mask), mask being the one with odd parity. */
bool curve_client_secret(struct curve *curve, const uint8_t i[CURVE_LEN], const uint8_t j[CURVE_LEN], const uint8_t a[CURVE_LEN],
	const struct curve_point *wb, const struct curve_point *mask, uint8_t z[CURVE_LEN]);

#endif
