/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Random numbers of a simulation. Each purpose has dice of its own, made of the seed and a number, so that what one of them does not
 * throw changes nothing for the others: a run without one of its faults stays as similar to the run with it as can be.
 */
#ifndef ROMON_SIM_DICE_H
#define ROMON_SIM_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
	uint64_t state;
};

enum dice_purpose { DICE_LAYOUT, DICE_WEATHER, DICE_FAULTS, DICE_WORK, DICE_HOSTILE, DICE_STATIONS };

/* Dice number `number` of this purpose. */
struct dice dice_make(uint64_t seed, enum dice_purpose purpose, uint64_t number);
uint64_t dice_throw(struct dice *dice);
/* 0 to n - 1; 0 for n = 0. */
uint64_t dice_below(struct dice *dice, uint64_t n);
/* from to to, both included. */
int64_t dice_between(struct dice *dice, int64_t from, int64_t to);
/* True in so many of a million cases. Without a chance nothing is thrown. */
bool dice_chance(struct dice *dice, uint32_t of_a_million);

/* A well mixed 64 bit number made of another one. */
uint64_t dice_mix(uint64_t z);

#endif
