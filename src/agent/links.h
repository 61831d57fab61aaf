/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Links: sessions on other routers, that a WinBox reaches through the one it has with us. Of a message that passes only its path changes.
 */
#ifndef AGENT_LINKS_H
#define AGENT_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/request.h"

#define LINK_ID_MIN 65536u /* a smaller number would be that of a handler of the router [T] */
#define LINK_ID_MAX 2147483647u

struct agent;
struct target;

/* The handler of [2]: opens a link. */
void link_connect(struct session *session, const struct request *request);
/* Sends a request on to the target of its path's link. False: there is no such link of this session. */
bool link_forward(struct session *session, const struct request *request);
/* Frees those that are over; or all of them. */
void links_settle(struct session *session);
void links_end(struct session *session);
/* Does any of them have more to send than its target takes? */
bool links_full(struct session *session);
/* Whether targets are read from. */
void links_pause(struct session *session, bool paused);
/* Ends the links to a target that has gone. */
void links_lost(struct agent *agent, const struct target *target);

#endif
