/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Challenge and answer (docs/protocol.md section 7, [O]). A sender whose index is not proven gets a SeqErr with a nonce; its Hello that
 * returns the nonce proves index and counter. SeqErr and Hello are believed in nothing else, so that two routers that start together do
 * not lock each other out, and replayed ones can do nothing but draw an answer now and then.
 */
#include "core/auth_peer.h"

#include <string.h>

#include <nettle/memops.h>

#include "core/engine.h"

static const uint8_t no_nonce[WIRE_NONCE_LEN];

/* May an unproven sender cause one more SeqErr or Hello, if it is to be at most so many within any second? Then it is counted. */
static bool answer_take(struct auth_port *auth, size_t per_second, struct romon_time now)
{
	size_t nth_last = (auth->answer_next + AUTH_ANSWERS_PER_SECOND - per_second) % AUTH_ANSWERS_PER_SECOND;
	struct romon_time at = auth->answers[nth_last];

	if (at.ns != 0 && now.ns - at.ns < ROMON_SECOND)
		return false;
	auth->answers[auth->answer_next] = now;
	auth->answer_next = (auth->answer_next + 1) % AUTH_ANSWERS_PER_SECOND;
	return true;
}

static struct auth_peer_key key_of(uint32_t link, uint32_t serial, struct romon_mac mac)
{
	return (struct auth_peer_key){.link = link, .serial = serial, .mac = mac};
}

struct auth_peer *auth_peer_find(const struct auth *auth, uint32_t link, uint32_t serial, struct romon_mac mac)
{
	struct auth_peer_key key = key_of(link, serial, mac);

	return table_find(&auth->peers, &key);
}

static struct auth_peer *peer_put(struct romon_engine *engine, const struct port *port, const struct auth_secret *secret,
	struct romon_mac mac, struct romon_time now)
{
	struct auth_peer_key key = key_of(port->conf.link, secret->serial, mac);
	struct auth_peer *peer = table_put(&engine->auth.peers, &key, now);

	if (peer != NULL)
		peer->heard = now;
	return peer;
}

bool auth_peer_knows(const struct auth_peer *peer, const struct auth_mark *mark)
{
	return peer != NULL && peer->proven && peer->index == mark->index;
}

struct window *auth_peer_window(struct auth_peer *peer, struct romon_mac eth_dst)
{
	return romon_mac_is_group(eth_dst) ? &peer->group : &peer->unicast;
}

static bool nonce_alive(const struct auth_nonce *nonce, struct romon_time now)
{
	return nonce->valid && now.ns - nonce->made.ns <= AUTH_NONCE_LIFETIME;
}

/* A nonce is repeated unchanged until it is used or too old. */
static const uint8_t *nonce_get(const struct romon_engine *engine, struct auth_nonce *nonce, struct romon_time now)
{
	while (!nonce_alive(nonce, now)) {
		uint64_t random = engine_random(engine);

		memcpy(nonce->bytes, &random, sizeof(nonce->bytes));
		nonce->made = now;
		nonce->valid = random != 0;
	}
	return nonce->bytes;
}

static void control_send(struct romon_engine *engine, struct port *port, const struct auth_secret *secret, enum wire_type type,
	struct romon_mac target, const uint8_t *returned, const uint8_t *challenge)
{
	struct wire_message message = {.type = type,
		.eth_dst = romon_mac_is_zero(target) ? romon_mac_group : target,
		.src = engine->self.id,
		.dst = romon_mac_broadcast,
		.target = target};

	memcpy(message.returned, returned, WIRE_NONCE_LEN);
	memcpy(message.challenge, challenge, WIRE_NONCE_LEN);
	port_send_under(engine, port, &message, secret->serial);
}

/* ---- our challenges ---- */

static int64_t repeat_after(const struct auth_peer *peer)
{
	return AUTH_FIRST_REPEAT << peer->repeats;
}

static void retry_later(struct auth *auth, const struct auth_peer *peer)
{
	if (peer->repeats < AUTH_REPEATS)
		wake_at(&auth->retry, &auth->retry_at, (struct romon_time){peer->asked.ns + repeat_after(peer)});
}

static void challenge_sent(struct romon_engine *engine, struct auth_peer *peer, struct romon_time now)
{
	peer->asked = now;
	retry_later(&engine->auth, peer);
}

static void send_challenge(struct romon_engine *engine, struct port *port, const struct auth_secret *secret,
	struct auth_peer *peer, struct romon_time now)
{
	if (answer_take(&port->auth, AUTH_ANSWERS_PER_SECOND, now))
		control_send(engine, port, secret, WIRE_SEQ_ERR, peer->key.mac, no_nonce, nonce_get(engine, &peer->nonce, now));
	challenge_sent(engine, peer, now);
}

void auth_peer_challenge(struct romon_engine *engine, struct port *port, const struct auth_secret *secret, struct romon_mac mac,
	struct romon_time now)
{
	struct auth_peer *peer = peer_put(engine, port, secret, mac, now);

	if (peer == NULL)
		return;
	if (!nonce_alive(&peer->nonce, now))
		peer->repeats = 0;
	else if (peer->repeats < AUTH_REPEATS || now.ns - peer->asked.ns < repeat_after(peer))
		return; /* it is asked, and will be asked again */
	send_challenge(engine, port, secret, peer, now);
}

void auth_peer_retry(struct romon_engine *engine, struct romon_time now)
{
	struct auth_peer *peer = NULL;

	engine->auth.retry = false;
	while ((peer = table_next(&engine->auth.peers, peer)) != NULL) {
		struct port *port = engine_port(engine, peer->key.link);
		int entry = port != NULL ? auth_entry(port, peer->key.serial) : -1;

		if (entry < 0 || !nonce_alive(&peer->nonce, now) || peer->repeats == AUTH_REPEATS)
			continue;
		if (now.ns - peer->asked.ns >= repeat_after(peer)) {
			peer->repeats++;
			send_challenge(engine, port, &port->auth.secrets[entry], peer, now);
		} else {
			retry_later(&engine->auth, peer);
		}
	}
}

/* ---- their challenges ---- */

/* May a nonce be returned now? A sender who has proven its index is answered always: whatever it sends is new. One who finds the answers
 * used up, perhaps by replayed frames, is challenged, so that it can become such a sender. */
static bool may_answer(struct romon_engine *engine, struct port *port, const struct auth_secret *secret,
	const struct auth_peer *peer, const uint8_t *nonce, bool known, struct romon_time now)
{
	if (known)
		return true;
	if (memcmp(peer->answered, nonce, WIRE_NONCE_LEN) == 0 && now.ns - peer->answered_at.ns < AUTH_ANSWER_HOLD) {
		port_drop(port, ROMON_DROP_DUPLICATE);
		return false;
	}
	if (!answer_take(&port->auth, AUTH_HELLOS_PER_SECOND, now)) {
		port_drop(port, ROMON_DROP_ANSWER_LIMIT);
		auth_peer_challenge(engine, port, secret, peer->key.mac, now);
		return false;
	}
	return true;
}

/* Returns their nonce, with a challenge of ours if they have not proven their index. */
static void answer_challenge(struct romon_engine *engine, struct port *port, const struct auth_secret *secret,
	struct auth_peer *peer, const uint8_t *nonce, bool known, struct romon_time now)
{
	const uint8_t *challenge = no_nonce;

	if (!may_answer(engine, port, secret, peer, nonce, known, now))
		return;
	memcpy(peer->answered, nonce, WIRE_NONCE_LEN);
	peer->answered_at = now;
	if (!known) {
		if (!nonce_alive(&peer->nonce, now))
			peer->repeats = 0;
		challenge = nonce_get(engine, &peer->nonce, now);
	}
	control_send(engine, port, secret, WIRE_HELLO, peer->key.mac, nonce, challenge);
	if (!known)
		challenge_sent(engine, peer, now);
}

/* Is this the nonce that we wait for, to this sender alone or to the group? */
static bool nonce_fits(
	const struct auth_peer *peer, const struct auth_secret *secret, const uint8_t *returned, struct romon_time now)
{
	bool own = nonce_alive(&peer->nonce, now) && memeql_sec(peer->nonce.bytes, returned, WIRE_NONCE_LEN);
	bool group = nonce_alive(&secret->group, now) && memeql_sec(secret->group.bytes, returned, WIRE_NONCE_LEN);

	return own || (group && !memeql_sec(peer->spent, returned, WIRE_NONCE_LEN));
}

/* A port has one index for all its secrets: with a new one, what was proven under the other secrets is over too. */
static void forget_older(const struct romon_engine *engine, const struct port *port, const struct auth_peer *peer)
{
	for (size_t i = 0; i < port->auth.count; i++) {
		struct auth_peer *other =
			auth_peer_find(&engine->auth, port->conf.link, port->auth.secrets[i].serial, peer->key.mac);

		if (other != NULL && other->index != peer->index)
			other->proven = false;
	}
}

/* All counters up to the Hello's are seen. For the index that is already known the windows only move forward, so that frames that the
 * Hello has overtaken are still taken. Whichever nonce it was, neither is good again from this sender: else a Hello from before its
 * restart, with a nonce that went to the group and is still alive, could bring its old index back. */
static void prove(struct romon_engine *engine, const struct port *port, const struct auth_secret *secret, struct auth_peer *peer,
	const struct auth_mark *mark)
{
	if (!auth_peer_knows(peer, mark)) {
		window_reset(&peer->group, mark->counter);
		window_reset(&peer->unicast, mark->counter);
		peer->proven = true;
		peer->index = mark->index;
		forget_older(engine, port, peer);
	}
	memcpy(peer->spent, secret->group.bytes, WIRE_NONCE_LEN);
	peer->nonce.valid = false;
}

/* A neighbour has come up that we know nothing of: we tell the group that we are here too, spread over some milliseconds. */
static void return_hello(struct romon_engine *engine, struct port *port, struct auth_secret *secret, struct romon_time now)
{
	struct auth_port *auth = &port->auth;

	if (secret->hello || (secret->hello_sent.ns != 0 && now.ns - secret->hello_sent.ns < AUTH_HELLO_HOLD) ||
		!answer_take(auth, AUTH_HELLOS_PER_SECOND, now))
		return;
	secret->hello = true;
	secret->hello_sent = now;
	if (!auth->hello_due)
		auth->hello_at.ns = now.ns + (int64_t)(engine_random(engine) % (AUTH_HELLO_SPREAD + 1));
	auth->hello_due = true;
}

void auth_peer_hello(struct romon_engine *engine, struct port *port, struct romon_time now)
{
	port->auth.hello_due = false;
	for (size_t i = 0; i < port->auth.count; i++) {
		struct auth_secret *secret = &port->auth.secrets[i];

		if (!secret->hello)
			continue;
		secret->hello = false;
		control_send(engine, port, secret, WIRE_HELLO, romon_mac_zero, no_nonce, nonce_get(engine, &secret->group, now));
	}
}

void auth_peer_control(struct romon_engine *engine, struct port *port, struct auth_secret *secret,
	const struct wire_message *message, const struct auth_mark *mark, struct romon_time now)
{
	bool to_all = message->type == WIRE_HELLO && romon_mac_is_zero(message->target), known;
	struct auth_peer *peer;

	if (!to_all && !romon_mac_equal(message->target, port->conf.mac)) {
		port_drop(port, ROMON_DROP_NOT_FOR_US);
		return;
	}
	peer = peer_put(engine, port, secret, message->eth_src, now);
	if (peer == NULL) {
		port_drop(port, ROMON_DROP_TABLE_FULL);
		return;
	}
	known = auth_peer_knows(peer, mark); /* then its counter is fresh: that was looked at before the digest */
	if (memcmp(message->returned, no_nonce, WIRE_NONCE_LEN) != 0 && nonce_fits(peer, secret, message->returned, now)) {
		prove(engine, port, secret, peer, mark);
		known = true;
	}
	if (known) {
		window_mark(auth_peer_window(peer, message->eth_dst), mark->counter);
		port->stats.hashed++;
		neighbors_heard(&engine->neighbors, port->conf.link, message, secret->serial, now);
	}
	if (memcmp(message->challenge, no_nonce, WIRE_NONCE_LEN) != 0)
		answer_challenge(engine, port, secret, peer, message->challenge, known, now);
	if (to_all && !known)
		return_hello(engine, port, secret, now);
}
