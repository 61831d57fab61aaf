/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One end of a connection to WinBox's port: the login, then messages. Bytes that came are given to it, bytes to send are taken from it; it
 * knows no socket and no clock. What it holds is bounded: one frame that comes, and what it was given to send.
 */
#ifndef WINBOX_CHANNEL_H
#define WINBOX_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "winbox/cipher.h"
#include "winbox/srp.h"

#define CHANNEL_NAME_MAX 220                                /* bytes of a login name: the hello is one chunk, not a full one */
#define CHANNEL_REFUSED "invalid user name or password (6)" /* what a refused login gets, byte for byte [T] */
#define CHANNEL_TEXT_MAX 254

enum channel_event {
	CHANNEL_MORE,          /* all bytes are taken; there may be some to send */
	CHANNEL_LOGIN,         /* the login is done: messages may be sent */
	CHANNEL_MESSAGE,       /* channel_message() has one */
	CHANNEL_REFUSED_LOGIN, /* name or password are wrong: over, once what is to be sent was */
	CHANNEL_BAD,           /* what came is not this protocol: over */
};

/* What a server's end asks for the account of a login name (without what stands behind its '+'). It answers with one in any case: for an
 * unknown name with one that nobody knows the password of, and *known false. */
struct channel_accounts {
	const struct srp_account *(*find)(void *ctx, const char *name, size_t len, struct srp_account *space, bool *known);
	void *ctx;
};

/* Fills buf with len random bytes. */
typedef void channel_random(void *buf, size_t len);

struct channel;

/* The server's end. NULL: no memory. curve must outlive the channel, as must accounts. */
struct channel *channel_server(struct curve *curve, const struct channel_accounts *accounts, channel_random *random);
/* The client's end, with its hello to be sent. The texts are copied, and wiped with it. NULL: no memory, or a name that is too long. */
struct channel *channel_client(struct curve *curve, const char *login, const char *password, channel_random *random);
void channel_free(struct channel *channel);

/* Takes bytes; *used says how many, and after CHANNEL_MESSAGE and CHANNEL_LOGIN there may be more to give. */
enum channel_event channel_input(struct channel *channel, const uint8_t *data, size_t len, size_t *used);
/* The message that came last: valid until the next call of channel_input(). The bytes may be changed. */
uint8_t *channel_message(struct channel *channel, size_t *len);
/* The bytes to send, until they are dropped. */
const uint8_t *channel_output(const struct channel *channel, size_t *len);
void channel_output_drop(struct channel *channel, size_t len);
/* Seals a message behind what is to be sent. False: no memory, longer than CIPHER_MESSAGE_MAX, or not logged in. */
bool channel_send(struct channel *channel, const uint8_t *message, size_t len);

/* The name that the client gave, with its options, and its length up to the '+'. "" before the hello. */
const char *channel_login(const struct channel *channel, size_t *name_len);
/* What the server said in place of a confirmation: printable text, or "". */
const char *channel_refusal(const struct channel *channel);
/* Has a server's end answered a hello? */
bool channel_challenged(const struct channel *channel);

#endif
