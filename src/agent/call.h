/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls to romond, one connection to its control socket each, without waiting for the answers.
 */
#ifndef AGENT_CALL_H
#define AGENT_CALL_H

#include <event2/event.h>

#include "control/message.h"

struct call;

/* An answer; NULL: the connection ended, or made no sense. The call may be freed in it. */
typedef void call_answer(void *ctx, const struct message_reply *reply);

/* Calls a method of io.openromon. Takes over the reference to parameters. NULL: romond cannot be reached, or there is no memory. */
struct call *call_new(struct event_base *base, const char *socket_path, const char *method, json_t *parameters,
	enum message_mode mode, call_answer *answer, void *ctx);
/* Ends the call, and what romond does for it. NULL is ignored. */
void call_free(struct call *call);
/* After the answer to MESSAGE_UPGRADE: the descriptor, which becomes the caller's. */
int call_detach(struct call *call);

/* Is it this error of io.openromon? */
bool call_failed_with(const struct message_reply *reply, const char *name);

#endif
