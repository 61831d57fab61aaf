/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which handler a request is for: the agent's own ones, links, and what to answer where there is none.
 */
#ifndef AGENT_HANDLERS_H
#define AGENT_HANDLERS_H

#include "agent/request.h"

/* Handles a request, which is a valid message. */
void handlers_dispatch(struct session *session, const struct request *request);

#endif
