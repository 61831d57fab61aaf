/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A curve that takes no time, in the place of src/winbox/curve.c: the numbers modulo a prime, with addition. All that the login relies
 * on holds in it, but for secrecy: so a fuzzer gets as far as with the real one, ten thousand times as often.
 */
#include "winbox/curve.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PRIME 2147483647u /* points are 1 to PRIME - 1, and 0 is infinity */
#define PLACE (CURVE_LEN - 4)

struct curve {
	int unused;
};

struct curve *curve_new(void)
{
	return calloc(1, sizeof(struct curve));
}

void curve_free(struct curve *curve)
{
	free(curve);
}

static uint64_t number(const uint8_t bytes[CURVE_LEN])
{
	uint64_t value = 0;

	for (size_t i = 0; i < CURVE_LEN; i++)
		value = (value << 8 | bytes[i]) % PRIME;
	return value;
}

/* A point as it travels: small, and with a parity that means nothing but must be one. 0 if it is none. */
static uint64_t lift(const struct curve_point *point)
{
	static const uint8_t zeros[PLACE];
	uint64_t value = number(point->x);

	if (point->parity > 1 || memcmp(point->x, zeros, PLACE) != 0)
		return 0;
	return value;
}

static bool export(uint64_t value, uint8_t x[CURVE_LEN])
{
	memset(x, 0, CURVE_LEN);
	for (int i = 0; i < 4; i++)
		x[CURVE_LEN - 1 - i] = (uint8_t)(value >> 8 * i);
	return value != 0;
}

bool curve_usable(struct curve *curve, const struct curve_point *point)
{
	(void)curve;
	return lift(point) != 0;
}

bool curve_base(struct curve *curve, const uint8_t scalar[CURVE_LEN], struct curve_point *out)
{
	(void)curve;
	out->parity = 0;
	return export(number(scalar), out->x);
}

/* The one with odd parity is the other's opposite. */
bool curve_mask(struct curve *curve, const uint8_t x[CURVE_LEN], uint8_t parity, struct curve_point *out)
{
	uint64_t value = (number(x) * 48271 + 7) % PRIME;

	(void)curve;
	out->parity = 0;
	return export(parity ? PRIME - value : value, out->x);
}

bool curve_masked(struct curve *curve, const uint8_t scalar[CURVE_LEN], const struct curve_point *mask, struct curve_point *out)
{
	(void)curve;
	out->parity = 0;
	return export((number(scalar) + number(mask->x)) % PRIME, out->x);
}

bool curve_server_secret(struct curve *curve, const uint8_t b[CURVE_LEN], const struct curve_point *wa,
	const uint8_t j[CURVE_LEN], const struct curve_point *gamma, uint8_t z[CURVE_LEN])
{
	(void)curve;
	return export(number(b) * ((lift(wa) + number(j) * number(gamma->x)) % PRIME) % PRIME, z);
}

bool curve_client_secret(struct curve *curve, const uint8_t i[CURVE_LEN], const uint8_t j[CURVE_LEN], const uint8_t a[CURVE_LEN],
	const struct curve_point *wb, const struct curve_point *mask, uint8_t z[CURVE_LEN])
{
	(void)curve;
	return export((number(i) * number(j) + number(a)) % PRIME * ((lift(wb) + number(mask->x)) % PRIME) % PRIME, z);
}
