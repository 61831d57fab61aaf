/* SPDX-License-Identifier: BSD-2-Clause
 *
 * This router: the engine, switched on and off and told who it is by the configuration, and the choice of its RoMON ID.
 */
#ifndef ROMON_ROUTER_H
#define ROMON_ROUTER_H

#include "daemon/worker.h"

/* Makes config, which it takes over, the running configuration. False, with the reason logged and the old one still running, if
 * there is no memory for it. */
bool router_apply(struct worker *worker, struct config *config);
/* Writes config to the file, then makes it the running one. False, with config still the caller's, if it could not be saved:
 * *error says why. */
bool router_save(struct worker *worker, struct config *config, struct config_error *error);
/* Reads the configuration from the file. NULL, with *error filled, if it is not there whole. */
struct config *router_load(struct worker *worker, struct config_error *error);
/* The interfaces changed: chooses an ID where there is none, and refreshes the members. */
void router_refresh(struct worker *worker);
void router_stop(struct worker *worker);

/* Identity and board as others see them. */
const char *router_identity(const struct worker *worker);
const char *router_board(const struct worker *worker);

#endif
