/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The TCP ports that WinBox connects to.
 */
#ifndef AGENT_LISTEN_H
#define AGENT_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include <event2/event.h>

#include "winbox/address.h"

struct agent;

struct listeners {
	size_t count;
	struct listener {
		struct agent *agent;
		int fd;
		struct event *readable;
		struct event *pause; /* after one that could not be taken */
	} list[ADDRESS_LIST_MAX];
};

/* Opens them. False, and logged, if one cannot be. */
bool listeners_open(struct listeners *listeners, const struct address *addresses, size_t count, uint16_t port);
/* From now on connections are taken. */
bool listeners_start(struct listeners *listeners, struct agent *agent);
void listeners_close(struct listeners *listeners);

#endif
