/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Faults that come and go. All of them are drawn before the run begins, so that each has a number and one can be left out without
 * changing the others. The rotation of secrets is among them.
 */
#ifndef ROMON_SIM_FAULTS_H
#define ROMON_SIM_FAULTS_H

#include <stdint.h>

#include "sim/world.h"

struct fault {
	enum fault_kind kind;
	bool rotation; /* not a fault at all: a router gets another list of secrets, number `value` */
	int64_t at, until;
	uint32_t target; /* station, jack or cable, as the kind has it */
	uint32_t value;
	struct dice dice;
	/* While it lasts. */
	bool active;
	uint32_t before;
	struct weather weather;
	uint32_t *cut;
	size_t cut_count;
};

struct faults {
	struct fault *list;
	size_t count, cap;
	uint32_t isolations;
};

/* Draws them, and plans those that the options do not leave out. */
struct faults *faults_new(struct world *world);
void faults_free(struct faults *faults);
void faults_begin(struct world *world, uint32_t number);
void faults_end(struct world *world, uint32_t number);
/* Ends all that last, and lets every cable carry everything. */
void faults_heal(struct world *world);
/* One line of each that happens. */
void faults_print(const struct world *world, FILE *out);

/* ---- rotation.c ---- */

/* Plans the changes of all routers' secrets, from start to end; gives them their first lists. */
void rotation_plan(struct world *world, struct faults *faults, int64_t start, int64_t end);
void rotation_step(struct world *world, const struct fault *fault);

#endif
