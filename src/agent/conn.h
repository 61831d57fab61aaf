/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A socket with a channel on it: WinBox's connection to us, or ours to a target over a stream. Bytes become messages and messages bytes;
 * what they mean is its owner's affair.
 */
#ifndef AGENT_CONN_H
#define AGENT_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <event2/event.h>

#include "winbox/channel.h"

#define CONN_FULL ((size_t)256 * 1024) /* bytes that wait to be taken, from which on nobody should add to them */

enum conn_end {
	CONN_CLOSED,   /* by the other side */
	CONN_BROKEN,   /* by an error of the socket */
	CONN_NONSENSE, /* the other side does not speak this protocol, or somebody has touched it on the way */
	CONN_STUCK,    /* the other side takes nothing any more */
	CONN_REFUSED,  /* name or password: ours to the client was sent, or the server's came */
};

/* What the owner hears. It may call conn_send() and conn_pause() in all of them, and conn_free() in none. */
struct conn_ops {
	void (*login)(void *owner);
	void (*message)(void *owner, uint8_t *message, size_t len); /* which may be changed */
	void (*drained)(void *owner);                               /* less than CONN_FULL waits again */
	void (*ended)(void *owner, enum conn_end end);              /* the last thing heard */
};

struct conn;

/* Takes over the descriptor and the channel in any case. write_timeout: seconds in which the other side has to take something. NULL: no
 * memory. */
struct conn *conn_new(
	struct event_base *base, int fd, struct channel *channel, int write_timeout, const struct conn_ops *ops, void *owner);
void conn_free(struct conn *conn);

/* Sends a message. False: it does not fit into one, or there is no memory. */
bool conn_send(struct conn *conn, const uint8_t *message, size_t len);
/* Whether bytes are taken from the other side. */
void conn_pause(struct conn *conn, bool paused);
size_t conn_backlog(const struct conn *conn);
const struct channel *conn_channel(const struct conn *conn);

#endif
