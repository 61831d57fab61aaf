/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The states of a connection. A server's end looks at no name before the key beside it is known to be good, and tells nobody but its
 * owner, by an event, why it ends.
 */
#include "winbox/channel.h"

#include <stdlib.h>
#include <string.h>

#include "winbox/chunk.h"

#define HELLO_REST (1 + CURVE_LEN + 1) /* behind the name: 00, the key and its parity */
#define CHALLENGE_LEN (CURVE_LEN + 1 + SRP_SALT)
#define OUTPUT_KEPT 4096 /* an empty output that is larger than this is given back */

enum state {
	SERVER_HELLO,     /* waits for the client's hello */
	SERVER_CONFIRM,   /* for its confirmation */
	CLIENT_CHALLENGE, /* for the server's challenge */
	CLIENT_CONFIRM,   /* for its confirmation */
	SESSION,
	OVER,
};

struct channel {
	enum state state;
	struct curve *curve;
	channel_random *random;
	struct chunk_reader reader;
	uint8_t *output; /* output_len bytes from output_at on */
	size_t output_at, output_len, output_size;
	const struct channel_accounts *accounts; /* server */
	struct srp *srp;                         /* until the login is over */
	bool known;                              /* server: the account is one */
	char login[CHANNEL_NAME_MAX + 1];
	size_t name_len;
	char *password; /* client, until it is used */
	char refusal[CHANNEL_TEXT_MAX + 1];
	struct cipher incoming, outgoing;
	uint8_t *message;
	size_t message_len;
};

static struct channel *channel_new(struct curve *curve, channel_random *random)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (channel == NULL)
		return NULL;
	channel->curve = curve;
	channel->random = random;
	channel->srp = calloc(1, sizeof(*channel->srp));
	if (channel->srp == NULL) {
		free(channel);
		return NULL;
	}
	return channel;
}

/* The login is over, well or not. */
static void forget_login(struct channel *channel)
{
	if (channel->srp != NULL)
		srp_wipe(channel->srp);
	free(channel->srp);
	channel->srp = NULL;
	if (channel->password != NULL)
		explicit_bzero(channel->password, strlen(channel->password));
	free(channel->password);
	channel->password = NULL;
}

void channel_free(struct channel *channel)
{
	if (channel == NULL)
		return;
	forget_login(channel);
	chunk_reader_free(&channel->reader);
	free(channel->output);
	explicit_bzero(channel, sizeof(*channel));
	free(channel);
}

/* Room for len bytes behind what is to be sent; NULL: no memory. */
static uint8_t *output_room(struct channel *channel, size_t len)
{
	size_t need = channel->output_len + len, size;
	uint8_t *grown;

	if (channel->output_at + need > channel->output_size && channel->output_at > 0) {
		memmove(channel->output, channel->output + channel->output_at, channel->output_len);
		channel->output_at = 0;
	}
	if (need > channel->output_size) {
		size = need > 2 * channel->output_size ? need : 2 * channel->output_size;
		grown = realloc(channel->output, size);
		if (grown == NULL)
			return NULL;
		channel->output = grown;
		channel->output_size = size;
	}
	channel->output_len += len;
	return channel->output + channel->output_at + channel->output_len - len;
}

const uint8_t *channel_output(const struct channel *channel, size_t *len)
{
	*len = channel->output_len;
	return channel->output + channel->output_at;
}

void channel_output_drop(struct channel *channel, size_t len)
{
	channel->output_at += len;
	channel->output_len -= len;
	if (channel->output_len > 0)
		return;
	channel->output_at = 0;
	if (channel->output_size > OUTPUT_KEPT) {
		free(channel->output);
		channel->output = NULL;
		channel->output_size = 0;
	}
}

/* A message of the login: one chunk. */
static bool send_login(struct channel *channel, const void *data, size_t len)
{
	uint8_t *wire = output_room(channel, chunk_wire_len(len));

	if (wire != NULL)
		chunk_write(data, len, wire);
	return wire != NULL;
}

/* Takes the login name, and finds where its options begin. */
static void set_login(struct channel *channel, const char *login, size_t len)
{
	const char *plus = memchr(login, '+', len);

	memcpy(channel->login, login, len);
	channel->login[len] = '\0';
	channel->name_len = plus != NULL ? (size_t)(plus - login) : len;
}

struct channel *channel_server(struct curve *curve, const struct channel_accounts *accounts, channel_random *random)
{
	struct channel *channel = channel_new(curve, random);

	if (channel != NULL) {
		channel->state = SERVER_HELLO;
		channel->accounts = accounts;
	}
	return channel;
}

struct channel *channel_client(struct curve *curve, const char *login, const char *password, channel_random *random)
{
	uint8_t hello[CHANNEL_NAME_MAX + HELLO_REST], scalar[SRP_HASH];
	size_t len = strlen(login);
	struct channel *channel = len > 0 && len <= CHANNEL_NAME_MAX ? channel_new(curve, random) : NULL;
	bool done = false;

	if (channel == NULL)
		return NULL;
	channel->state = CLIENT_CHALLENGE;
	set_login(channel, login, len);
	channel->password = strdup(password);
	random(scalar, sizeof(scalar));
	if (channel->password != NULL && srp_client_begin(curve, channel->srp, scalar)) {
		memcpy(hello, login, len + 1);
		memcpy(hello + len + 1, channel->srp->client.x, CURVE_LEN);
		hello[len + 1 + CURVE_LEN] = channel->srp->client.parity;
		done = send_login(channel, hello, len + HELLO_REST);
	}
	explicit_bzero(scalar, sizeof(scalar));
	if (done)
		return channel;
	channel_free(channel);
	return NULL;
}

static enum channel_event over(struct channel *channel, enum channel_event event)
{
	channel->state = OVER;
	forget_login(channel);
	return event;
}

/* C>S name 00 key parity */
static enum channel_event take_hello(struct channel *channel, const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, 0, len);
	size_t name_len = end != NULL ? (size_t)(end - data) : 0;
	struct srp_account space;
	const struct srp_account *account;
	struct srp_challenge challenge;
	struct curve_point key;
	uint8_t scalar[SRP_HASH], wire[CHALLENGE_LEN];
	bool done;

	if (name_len == 0 || name_len > CHANNEL_NAME_MAX || len != name_len + HELLO_REST)
		return over(channel, CHANNEL_BAD);
	set_login(channel, (const char *)data, name_len);
	memcpy(key.x, data + name_len + 1, CURVE_LEN);
	key.parity = data[name_len + 1 + CURVE_LEN];
	account = channel->accounts->find(channel->accounts->ctx, channel->login, channel->name_len, &space, &channel->known);
	channel->random(scalar, sizeof(scalar));
	/* A multiple of the cofactor: whatever of small order the client put into its key, nothing comes of it [O]. */
	scalar[SRP_HASH - 1] &= 0xf8;
	done = srp_server_begin(channel->curve, channel->srp, &key, account, scalar, &challenge);
	explicit_bzero(scalar, sizeof(scalar));
	if (!done)
		return over(channel, CHANNEL_BAD);
	memcpy(wire, challenge.key.x, CURVE_LEN);
	wire[CURVE_LEN] = challenge.key.parity;
	memcpy(wire + CURVE_LEN + 1, challenge.salt, SRP_SALT);
	if (!send_login(channel, wire, sizeof(wire)))
		return over(channel, CHANNEL_BAD);
	channel->state = SERVER_CONFIRM;
	return CHANNEL_MORE;
}

/* From here on frames are encrypted. */
static enum channel_event begin_session(struct channel *channel, const uint8_t secret[SRP_HASH], bool server)
{
	cipher_init(secret, server ? &channel->incoming : &channel->outgoing, server ? &channel->outgoing : &channel->incoming);
	forget_login(channel);
	channel->reader.session = true;
	channel->state = SESSION;
	return CHANNEL_LOGIN;
}

/* C>S confirmation. A login with a name that nobody has goes the same way to the same end. */
static enum channel_event take_client_confirm(struct channel *channel, const uint8_t *data, size_t len)
{
	uint8_t answer[SRP_HASH], secret[SRP_HASH];
	enum channel_event event;
	bool right;

	if (len != SRP_HASH)
		return over(channel, CHANNEL_BAD);
	right = srp_server_confirm(channel->curve, channel->srp, data, answer, secret);
	if (right && channel->known)
		event = send_login(channel, answer, sizeof(answer)) ? begin_session(channel, secret, true)
								    : over(channel, CHANNEL_BAD);
	else
		event = over(channel,
			send_login(channel, CHANNEL_REFUSED, strlen(CHANNEL_REFUSED)) ? CHANNEL_REFUSED_LOGIN : CHANNEL_BAD);
	explicit_bzero(secret, sizeof(secret));
	return event;
}

/* A server that does not want us says so in words [T]. */
static enum channel_event take_refusal(struct channel *channel, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] < 0x20 || data[i] > 0x7e)
			return over(channel, CHANNEL_BAD);
	memcpy(channel->refusal, data, len);
	channel->refusal[len] = '\0';
	return over(channel, CHANNEL_REFUSED_LOGIN);
}

/* S>C key parity salt */
static enum channel_event take_challenge(struct channel *channel, const uint8_t *data, size_t len)
{
	struct srp_challenge challenge;
	uint8_t confirm[SRP_HASH];

	if (len != CHALLENGE_LEN)
		return take_refusal(channel, data, len);
	memcpy(challenge.key.x, data, CURVE_LEN);
	challenge.key.parity = data[CURVE_LEN];
	memcpy(challenge.salt, data + CURVE_LEN + 1, SRP_SALT);
	if (!srp_client_confirm(channel->curve, channel->srp, channel->login, channel->name_len, channel->password,
		    strlen(channel->password), &challenge, confirm) ||
		!send_login(channel, confirm, sizeof(confirm)))
		return over(channel, CHANNEL_BAD);
	channel->state = CLIENT_CONFIRM;
	return CHANNEL_MORE;
}

/* S>C confirmation */
static enum channel_event take_server_confirm(struct channel *channel, const uint8_t *data, size_t len)
{
	uint8_t secret[SRP_HASH];
	enum channel_event event;

	if (len != SRP_HASH)
		return take_refusal(channel, data, len);
	if (!srp_client_end(channel->srp, data, secret))
		return over(channel, CHANNEL_BAD);
	event = begin_session(channel, secret, false);
	explicit_bzero(secret, sizeof(secret));
	return event;
}

static enum channel_event take_frame(struct channel *channel, uint8_t *frame, size_t len)
{
	switch (channel->state) {
	case SERVER_HELLO:
		return take_hello(channel, frame, len);
	case SERVER_CONFIRM:
		return take_client_confirm(channel, frame, len);
	case CLIENT_CHALLENGE:
		return take_challenge(channel, frame, len);
	case CLIENT_CONFIRM:
		return take_server_confirm(channel, frame, len);
	case SESSION:
		channel->message = cipher_open(&channel->incoming, frame, len, &channel->message_len);
		return channel->message != NULL ? CHANNEL_MESSAGE : over(channel, CHANNEL_BAD);
	default:
		return CHANNEL_BAD;
	}
}

enum channel_event channel_input(struct channel *channel, const uint8_t *data, size_t len, size_t *used)
{
	enum channel_event event = CHANNEL_MORE;
	size_t at = 0, n;

	while (event == CHANNEL_MORE && channel->state != OVER && at < len) {
		enum chunk_result result = chunk_read(&channel->reader, data + at, len - at, &n);

		at += n;
		if (result == CHUNK_BAD)
			event = over(channel, CHANNEL_BAD);
		else if (result == CHUNK_FRAME)
			event = take_frame(channel, channel->reader.frame, channel->reader.len);
	}
	*used = at;
	return event == CHANNEL_MORE && channel->state == OVER ? CHANNEL_BAD : event;
}

uint8_t *channel_message(struct channel *channel, size_t *len)
{
	*len = channel->message_len;
	return channel->message;
}

bool channel_send(struct channel *channel, const uint8_t *message, size_t len)
{
	uint8_t iv[CIPHER_BLOCK], *frame, *wire;
	size_t frame_len = cipher_frame_len(len);

	if (channel->state != SESSION || len > CIPHER_MESSAGE_MAX)
		return false;
	frame = malloc(frame_len);
	wire = frame != NULL ? output_room(channel, chunk_wire_len(frame_len)) : NULL;
	if (wire != NULL) {
		channel->random(iv, sizeof(iv));
		cipher_seal(&channel->outgoing, iv, message, len, frame);
		chunk_write(frame, frame_len, wire);
	}
	free(frame);
	return wire != NULL;
}

const char *channel_login(const struct channel *channel, size_t *name_len)
{
	*name_len = channel->name_len;
	return channel->login;
}

const char *channel_refusal(const struct channel *channel)
{
	return channel->refusal;
}

bool channel_challenged(const struct channel *channel)
{
	return channel->state != SERVER_HELLO;
}
