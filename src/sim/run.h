/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A whole run: a time with faults, and then one in which they are healed and everything has to come right.
 */
#ifndef ROMON_SIM_RUN_H
#define ROMON_SIM_RUN_H

#include <stdio.h>

#include "sim/checks.h"
#include "sim/options.h"
#include "sim/world.h"

struct result {
	bool violated;
	enum check check;
	char text[300];
	double at; /* seconds since the beginning */
	uint64_t hash;
	struct world_totals totals;
	uint64_t done[CHECK_KINDS];
	double simulated, real; /* seconds; of all the network, and of one core */
	uint32_t routers;
	size_t fault_count;
};

/* False: *error says why it could not begin. With faults_to, the faults of the run are printed there. */
bool run(const struct options *options, struct result *result, FILE *faults_to, char error[OPTIONS_ERROR]);
void result_print(const struct options *options, const struct result *result, FILE *out);
void result_json(const struct options *options, const struct result *result, FILE *out);
/* The command that repeats it. */
void result_command(const struct options *options, FILE *out);

#endif
