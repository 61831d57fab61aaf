/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Strangers on a cable: they hear what is sent there, and send frames of their own: repeated ones, changed ones, floods of askers that do
 * not exist, answers that lie about costs, Data whose route leads round in circles. They know no secret.
 */
#ifndef ROMON_SIM_HOSTILE_H
#define ROMON_SIM_HOSTILE_H

#include "sim/world.h"

struct hostile;

/* For the last options->hostile stations of the world. */
struct hostile *hostile_new(struct world *world);
void hostile_free(struct hostile *hostile, const struct world *world);
/* A frame reaches a stranger. */
void hostile_hears(struct world *world, uint32_t station, const struct passage *passage);
/* It is time for something bad. */
void hostile_acts(struct world *world, uint32_t station);

#endif
