/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Questions about this router: does RoMON run, and what is its ID? romond is asked each time.
 */
#ifndef AGENT_SETTINGS_H
#define AGENT_SETTINGS_H

#include "agent/request.h"

struct question;

/* The commands of the handler. */
void settings_check(struct session *session, const struct request *request);
void settings_get(struct session *session, const struct request *request);
void questions_end(struct session *session);

#endif
