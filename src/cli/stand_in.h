/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A small romond within this program: it stands in for one where an agent speaks another language. The command asks it over a socket
 * pair as it asks any romond.
 */
#ifndef ROMON_CLI_STAND_IN_H
#define ROMON_CLI_STAND_IN_H

#include <stdbool.h>

#include <jansson.h>

#include "cli/proxy.h"
#include "control/message.h"

struct stand_in {
	int fd;    /* whoever asks */
	bool over; /* he is gone, or there is nobody any more who could be asked for him */
};

/* Answers; takes the reference to parameters. Whoever has left in the middle of it makes it over. */
void stand_in_reply(struct stand_in *stand_in, json_t *parameters, bool continues);
/* The same for an error of ours, by its name without the interface. */
void stand_in_error(struct stand_in *stand_in, const char *name, json_t *parameters);
/* Reads the next call, to be freed by message_call_free(). False: there is none. */
bool stand_in_read(struct stand_in *stand_in, struct message_call *call);
/* The RoMON ID of the active router with this identity, of a table as Discover has it. False: there is none, or more, which was said. */
bool stand_in_pick(struct stand_in *stand_in, const json_t *routers, const char *name, char id[PROXY_ID_MAX]);

#endif
