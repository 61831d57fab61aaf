/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fuzz target: both ends of WinBox's connection, from the hello on. The input decides who says what, how it is cut, and what is damaged
 * on its way. Nobody gets in with a wrong password, an undamaged login succeeds, and every message that arrives is one that was sent,
 * in its order. The curve is curve_stub.c.
 */
#include <string.h>

#include "fuzz.h"
#include "tape.h"
#include "winbox/channel.h"

#define SENT_MAX 32
#define MESSAGE_MAX 1200

static uint64_t random_state;

static void random_fill(void *buf, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		random_state = random_state * 6364136223846793005u + 1442695040888963407u;
		((uint8_t *)buf)[i] = (uint8_t)(random_state >> 40);
	}
}

/* One end. */
struct end {
	struct channel *channel;
	bool in, over;
	size_t sent, arrived; /* messages to it: what the other end has sent, and what it has got of that */
	size_t lengths[SENT_MAX];
	uint8_t first[SENT_MAX];
};

struct world {
	struct tape tape;
	struct curve *curve;
	struct srp_account account;
	bool right;   /* name and password */
	bool damaged; /* something was, on the way */
	struct end client, server;
};

static const struct srp_account *find(void *ctx, const char *name, size_t len, struct srp_account *space, bool *known)
{
	struct world *world = ctx;

	*known = len == 4 && memcmp(name, "user", 4) == 0;
	*space = world->account;
	return space;
}

static bool was_sent(const struct end *end, const uint8_t *message, size_t len)
{
	for (size_t i = 0; i < end->sent; i++)
		if (end->lengths[i] == len && (len == 2 || end->first[i] == message[2]))
			return true;
	return false;
}

static void hear(struct world *world, struct end *end, enum channel_event event)
{
	const uint8_t *message;
	size_t len;

	switch (event) {
	case CHANNEL_LOGIN:
		must(!end->in && world->right);
		end->in = true;
		break;
	case CHANNEL_MESSAGE:
		must(end->in);
		message = channel_message(end->channel, &len);
		must(len >= 2 && message[0] == 'M' && message[1] == '2');
		if (world->damaged) {
			must(was_sent(end, message, len)); /* perhaps twice, or after one that was lost */
			break;
		}
		must(end->arrived < end->sent && len == end->lengths[end->arrived]);
		must(len == 2 || message[2] == end->first[end->arrived]);
		end->arrived++;
		break;
	case CHANNEL_REFUSED_LOGIN:
		must(!world->right || world->damaged);
		end->over = true;
		break;
	case CHANNEL_BAD:
		must(world->damaged);
		end->over = true;
		break;
	case CHANNEL_MORE:
		break;
	}
}

static void give(struct world *world, struct end *end, const uint8_t *data, size_t len)
{
	size_t at = 0, used;

	while (at < len && !end->over) {
		enum channel_event event = channel_input(end->channel, data + at, len - at, &used);

		must(used > 0 || event != CHANNEL_MORE);
		at += used;
		hear(world, end, event);
	}
}

/* Moves what waits from one end to the other, as the tape says. */
static void carry(struct world *world, struct end *from, struct end *to)
{
	uint8_t copy[4 * MESSAGE_MAX];
	unsigned how = tape_u8(&world->tape);
	size_t len, n;
	const uint8_t *data = channel_output(from->channel, &len);

	n = len < sizeof(copy) ? len : sizeof(copy);
	if (how & 1)
		n = n < 1u + how / 2 ? n : 1u + how / 2;
	if (n == 0)
		return;
	memcpy(copy, data, n);
	if ((how & 7) == 6) {
		world->damaged = true;
		copy[tape_u16(&world->tape) % n] ^= (uint8_t)(1 + tape_below(&world->tape, 255));
	}
	if ((how & 7) != 4) { /* else it comes twice */
		channel_output_drop(from->channel, n);
	} else {
		world->damaged = true;
	}
	give(world, to, copy, n);
}

/* A message from one end to the other. */
static void send(struct world *world, struct end *from, struct end *to)
{
	uint8_t message[MESSAGE_MAX] = "M2";
	size_t len = 2 + tape_u16(&world->tape) % (MESSAGE_MAX - 2);

	memset(message + 2, tape_u8(&world->tape), len - 2);
	if (to->sent == SENT_MAX || !channel_send(from->channel, message, len)) {
		must(to->sent == SENT_MAX || !from->in || from->over);
		return;
	}
	must(from->in);
	to->lengths[to->sent] = len;
	to->first[to->sent++] = message[2];
}

/* Bytes of the tape, as if they came from outside. */
static void invent(struct world *world, struct end *to)
{
	size_t got;
	const uint8_t *data = tape_bytes(&world->tape, tape_u8(&world->tape), &got);

	if (got > 0)
		world->damaged = true;
	give(world, to, data, got);
}

static void turn(struct world *world)
{
	struct end *ends[] = {&world->client, &world->server};
	unsigned what = tape_below(&world->tape, 8);
	struct end *from = ends[what & 1], *to = ends[1 - (what & 1)];

	if (what < 4)
		carry(world, from, to);
	else if (what < 6)
		send(world, from, to);
	else
		invent(world, to);
}

/* With nothing damaged on the way, all arrives. */
static void finish(struct world *world)
{
	for (int i = 0; i < 8 && !world->damaged; i++) {
		struct end *from = i % 2 == 0 ? &world->client : &world->server,
			   *to = i % 2 == 0 ? &world->server : &world->client;
		size_t len;
		const uint8_t *data = channel_output(from->channel, &len);
		uint8_t *copy = malloc(len + 1);

		if (len > 0)
			memcpy(copy, data, len);
		channel_output_drop(from->channel, len);
		give(world, to, copy, len);
		free(copy);
	}
	if (world->damaged)
		return;
	must(world->client.in == world->right && world->server.in == world->right);
	must(world->client.arrived == world->client.sent && world->server.arrived == world->server.sent);
}

/* What the ends tell of each other is bounded, and fit for a terminal. */
static void look(const struct world *world)
{
	const char *refusal = channel_refusal(world->client.channel);
	size_t name_len;
	const char *name = channel_login(world->server.channel, &name_len);

	must(name_len <= strlen(name) && strlen(name) <= CHANNEL_NAME_MAX);
	must(name[0] == '\0' || channel_challenged(world->server.channel) || world->server.over);
	for (size_t i = 0; refusal[i] != '\0'; i++)
		must(refusal[i] >= ' ' && refusal[i] <= '~' && i < CHANNEL_TEXT_MAX);
}

static const char *const logins[] = {"user", "user+r", "nobody", "user+", "a very long name that is nobody's at all"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world = {.tape = {data, size}};
	const struct channel_accounts accounts = {find, &world};
	struct srp_validator validator;
	unsigned login = tape_below(&world.tape, 5), password = tape_below(&world.tape, 2);
	static const uint8_t salt[SRP_SALT] = "0123456789abcde";

	random_state = 1 + (uint64_t)login;
	world.curve = curve_new();
	world.right = password == 0 && strncmp(logins[login], "user", 4) == 0;
	must(srp_validator_make(world.curve, "user", 4, "secret", 6, salt, &validator));
	must(srp_account_make(world.curve, &validator, &world.account));
	world.server.channel = channel_server(world.curve, &accounts, random_fill);
	world.client.channel = channel_client(world.curve, logins[login], password == 0 ? "secret" : "wrong", random_fill);
	must(world.server.channel != NULL && world.client.channel != NULL);
	while (tape_left(&world.tape) > 0)
		turn(&world);
	finish(&world);
	look(&world);
	channel_free(world.client.channel);
	channel_free(world.server.channel);
	curve_free(world.curve);
	return 0;
}
