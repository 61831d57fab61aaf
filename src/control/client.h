/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The client's end of the control protocol: Varlink over a Unix stream socket, one JSON object and a NUL byte per message. At the other
 * end is romond, or a process that stands for one.
 * It knows the wire form only; what the methods mean stands in io.openromon.varlink.
 */
#ifndef CONTROL_CLIENT_H
#define CONTROL_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <poll.h>
#include <sys/types.h>

#include "control/message.h"

#define CLIENT_SOCKET_DEFAULT "/run/romon/romond.sock"

struct client;

/* Connects to the socket at path. NULL with errno set if that fails. */
struct client *client_open(const char *path);
/* The same over one of a pair of stream sockets, at whose other end is that process, a child of ours. Takes over the descriptor in any
 * case; the child ends when the client is closed, and is the caller's to wait for. NULL with errno set if there is no memory. */
struct client *client_over(int fd, pid_t process);
void client_close(struct client *client); /* NULL is ignored */

/* Calls a method of io.openromon, named without its interface. Takes over the reference to parameters (NULL: none). False with
 * errno set if it cannot be sent. */
bool client_call(struct client *client, const char *method, json_t *parameters, enum message_mode mode);

/* The connection itself, once a call with MESSAGE_UPGRADE was answered: no byte behind the answer has been read. The client is gone
 * then, and the descriptor the caller's. */
int client_detach(struct client *client);

/* The process of client_over(); 0: none. */
pid_t client_process(const struct client *client);

/* To be watched for POLLIN by who cannot wait in client_next(), which is then to be called with a timeout of 0. */
int client_fd(const struct client *client);

enum client_result {
	CLIENT_REPLY,   /* *reply holds an answer */
	CLIENT_ERROR,   /* *reply holds an error of the method */
	CLIENT_WOKEN,   /* one of the other descriptors has something to say */
	CLIENT_TIMEOUT, /* nothing came in time */
	CLIENT_CLOSED,  /* the daemon closed the connection, or it broke */
	CLIENT_GARBAGE, /* what came is not an answer in the sense of Varlink, or too long */
};

/* Waits for the next answer, for at most timeout milliseconds (negative: without end). others[0..count) are watched meanwhile,
 * their revents filled in; a complete answer goes before them. Frees what *reply held before; it starts out zeroed. */
enum client_result client_next(
	struct client *client, struct pollfd *others, nfds_t count, int timeout, struct message_reply *reply);

#endif
