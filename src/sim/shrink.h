/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a run that fails to a smaller one that fails in the same check.
 */
#ifndef ROMON_SIM_SHRINK_H
#define ROMON_SIM_SHRINK_H

#include <stdio.h>

#include "sim/run.h"

/* Tries, for a minute or so, and prints the smallest run that it has found: its command, its faults, what is violated. */
void shrink(const struct options *options, const struct result *result, FILE *out);

#endif
