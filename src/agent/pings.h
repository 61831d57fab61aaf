/* SPDX-License-Identifier: BSD-2-Clause
 *
 * WinBox's ping window: a query as of discovery, but that each echo is told once.
 */
#ifndef AGENT_PINGS_H
#define AGENT_PINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/request.h"

struct ping;

/* The commands of the handler. */
void ping_start(struct session *session, const struct request *request);
void ping_poll(struct session *session, const struct request *request);
void ping_cancel(struct session *session, const struct request *request);
void pings_end(struct session *session);

#endif
