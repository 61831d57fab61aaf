/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A request of WinBox's, and answers to it. How an answer mirrors its request stands here alone.
 */
#ifndef AGENT_REQUEST_H
#define AGENT_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "winbox/m2.h"

#define REQUEST_PATH_MAX 16
#define REQUEST_SENDER_MAX 128 /* bytes of the field that says who asks */

struct session;

/* Whom an answer goes to: what has to be kept of a request that is answered later. */
struct reply_to {
	bool wanted;
	bool has_id;
	uint32_t id;
	size_t path_count;
	uint32_t path[REQUEST_PATH_MAX]; /* of the handler, which answers */
	size_t sender_len;
	uint8_t sender[REQUEST_SENDER_MAX]; /* the request's field FROM, with its mark, so that it is a message */
};

struct request {
	const uint8_t *message;
	size_t len;
	bool answer; /* it is itself an answer, and nothing to answer */
	uint32_t command;
	struct reply_to reply; /* reply.path: whom the request is for */
};

/* Takes a valid message apart. */
void request_read(struct request *request, const uint8_t *message, size_t len);

/* Begins a good answer; what it says is to be added before reply_send(). There is one at a time. */
struct m2_writer reply_begin(const struct reply_to *to);
/* Sends it, if an answer is wanted. */
void reply_send(struct session *session, const struct reply_to *to, struct m2_writer *writer);
void reply_done(struct session *session, const struct reply_to *to);
/* text may be NULL. */
void reply_error(struct session *session, const struct reply_to *to, uint32_t error, const char *text);
/* The same from the first path_count numbers of the path: as far as there is one. */
void reply_no_path(struct session *session, const struct reply_to *to, size_t path_count);

#define REPLY_NOT_RUNNING "RoMON not running" /* the words of RouterOS */

#endif
