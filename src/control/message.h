/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The messages of the control socket, in Varlink's wire form: a JSON object ended by a NUL byte. Built and read with jansson, by
 * the daemon and by its clients alike; how bytes get from one to the other is the affair of each.
 */
#ifndef ROMON_MESSAGE_H
#define ROMON_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* A call is at most this long, its NUL included: the daemon closes the connection of a longer one. An answer may be longer (the
 * table of a large network), and a client accepts it up to MESSAGE_REPLY_MAX. */
#define MESSAGE_CALL_MAX (1024 * 1024)
#define MESSAGE_REPLY_MAX (64 * 1024 * 1024)

#define MESSAGE_INTERFACE "io.openromon"

/* What a client asks. */
struct message_call {
	json_t *root;       /* holds all below */
	const char *method; /* "io.openromon.Ping" */
	json_t *parameters; /* an object, or NULL if the call has none */
	bool more;          /* several answers are welcome */
	bool oneway;        /* no answer is wanted */
	bool upgrade;       /* after the answer the connection is to carry something else */
};

/* What the daemon answers. */
struct message_reply {
	json_t *root;       /* holds all below */
	const char *error;  /* "io.openromon.NotRunning", or NULL: no error */
	json_t *parameters; /* an object, or NULL if the answer has none */
	bool continues;     /* more answers to the same call follow */
};

/* What a caller wants besides one answer. */
enum message_mode {
	MESSAGE_ONCE,
	MESSAGE_MORE,    /* several answers are welcome */
	MESSAGE_UPGRADE, /* after the answer the connection is to carry something else */
};

/* Read one message, len bytes without its NUL. False, and nothing to free, if it is no such message. */
bool message_call_read(const char *text, size_t len, struct message_call *call);
bool message_reply_read(const char *text, size_t len, struct message_reply *reply);
/* Free what was read. A structure of zeros is fine, and is what they leave. */
void message_call_free(struct message_call *call);
void message_reply_free(struct message_reply *reply);

/* Build one message: a string to be freed, *len its bytes with the NUL that ends the message. They take over the reference to
 * parameters, which may be NULL (then the message has an empty object). NULL: no memory, or parameters that no JSON can hold. */
char *message_call_text(const char *method, json_t *parameters, enum message_mode mode, size_t *len);
char *message_reply_text(json_t *parameters, bool continues, size_t *len);
char *message_error_text(const char *error, json_t *parameters, size_t *len);

#endif
