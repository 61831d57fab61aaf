/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The routers that links lead to, and whether they are still there: each is pinged once a second, for all its links together. A stream on
 * which nothing is said would not notice that the other side is gone.
 */
#ifndef AGENT_TARGETS_H
#define AGENT_TARGETS_H

#include <stdint.h>

#include "winbox/users.h"

#define TARGETS_LOST 5 /* echoes in a row: seconds after which a real agent gives a link up [T: 5.5 s] */

struct agent;
struct target;

/* The target with this ID, for one link more. NULL: no memory; the link then does without. */
struct target *target_join(struct agent *agent, const uint8_t id[USERS_ID]);
/* For one link less. NULL is ignored. */
void target_leave(struct agent *agent, struct target *target);
/* Something came from it. NULL is ignored. */
void target_heard(struct target *target);

#endif
