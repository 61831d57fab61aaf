/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Random numbers of a simulation: splitmix64.
 */
#include "sim/dice.h"

uint64_t dice_mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

struct dice dice_make(uint64_t seed, enum dice_purpose purpose, uint64_t number)
{
	return (struct dice){dice_mix(dice_mix(dice_mix(seed + 1) ^ (uint64_t)purpose) + number)};
}

uint64_t dice_throw(struct dice *dice)
{
	return dice_mix(dice->state += 0x9e3779b97f4a7c15ULL);
}

uint64_t dice_below(struct dice *dice, uint64_t n)
{
	return n == 0 ? 0 : dice_throw(dice) % n;
}

int64_t dice_between(struct dice *dice, int64_t from, int64_t to)
{
	return from + (int64_t)dice_below(dice, (uint64_t)(to - from) + 1);
}

bool dice_chance(struct dice *dice, uint32_t of_a_million)
{
	return of_a_million != 0 && dice_below(dice, 1000000) < of_a_million;
}
