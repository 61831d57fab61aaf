/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What discovery costs in a network without faults: frames and bytes of each round, time to the full table, memory.
 */
#ifndef ROMON_SIM_SCALE_H
#define ROMON_SIM_SCALE_H

#include "sim/options.h"

/* One router in the middle of the network asks for options->scale rounds. Prints one JSON object. False: *error says why not. */
bool scale(const struct options *options, char error[OPTIONS_ERROR]);

#endif
