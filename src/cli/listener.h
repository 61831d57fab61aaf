/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a forward listens: a TCP port of this machine, or a Unix socket.
 */
#ifndef CLI_LISTENER_H
#define CLI_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

struct listener {
	int fd;
	uint16_t port;    /* the one that it got; 0 for a Unix socket */
	bool chosen;      /* by the kernel */
	const char *path; /* of a Unix socket, to be removed at the end; else NULL */
};

/* Listens at "[ADDRESS:]PORT" (by default 127.0.0.1; an IPv6 address stands in brackets; 0 chooses a port) or "unix:PATH". Returns
 * CLI_DONE, or a status after having said what is wrong. The text must outlive the listener. */
int listener_open(struct listener *listener, const char *where);
void listener_close(struct listener *listener);

/* Takes one connection: its descriptor, or -1 with errno set. */
int listener_accept(const struct listener *listener);

#endif
