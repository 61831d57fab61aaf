/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The services of this router: which ports the engine listens on, and what becomes of a stream that somebody opened to one.
 */
#ifndef ROMON_SERVICES_H
#define ROMON_SERVICES_H

#include <stdbool.h>
#include <stddef.h>

#include <romon/romon.h>

#include "daemon/config.h"

struct worker;

struct services {
	uint16_t port[CONFIG_SERVICES_MAX]; /* that the engine listens on */
	size_t count;
};

/* Listens on the ports of the enabled services, and on no others. Connections that there are go on. */
void services_refresh(struct worker *worker);
/* The engine is gone. */
void services_forget(struct worker *worker);
/* A stream was accepted: connects it with its service, or refuses it. */
void services_accept(struct worker *worker, const struct romon_event *event);
/* Is there something to connect to, as far as can be known? */
bool services_available(const struct config_service *service);

#endif
