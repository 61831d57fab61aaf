/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The rules of the secret lists, the digest, and who is believed. Layout of the authentication field [O]: index 4, counter 8,
 * HMAC-MD5-96 12 (RFC 2403), over both Ethernet addresses and then the message with the digest zero.
 */
#include "core/auth.h"

#include <stdlib.h>
#include <string.h>

#include <nettle/memops.h>

#include "core/auth_batch.h"
#include "core/auth_peer.h"
#include "core/broken.h"
#include "core/engine.h"
#include "core/reader.h"
#include "core/writer.h"

enum {
	AUTH_AT = WIRE_ETHERNET_LEN + 4,
	MARK_LEN = 12, /* index and counter */
};
_Static_assert(MARK_LEN + AUTH_DIGEST_LEN == WIRE_AUTH_LEN, "the field is used up");

static bool peer_dead(const void *item, struct romon_time now)
{
	return now.ns - ((const struct auth_peer *)item)->heard.ns > AUTH_PEER_LIFETIME;
}

void auth_init(struct auth *auth, const struct table_seed *seed)
{
	table_init(&auth->peers, seed, sizeof(struct auth_peer_key), sizeof(struct auth_peer), AUTH_PEERS_MAX, peer_dead);
}

void auth_clear(struct auth *auth)
{
	table_clear(&auth->peers);
}

void auth_port_init(struct romon_engine *engine, struct port *port)
{
	while (port->auth.index == 0)
		port->auth.index = (uint32_t)engine_random(engine);
}

static void secrets_free(struct auth_secret *secrets, size_t count)
{
	if (secrets != NULL)
		explicit_bzero(secrets, count * sizeof(*secrets));
	free(secrets);
}

/* Forgets the senders on this link under this secret; with serial 0 all of the link. */
static void forget_peers(struct auth *auth, uint32_t link, uint32_t serial)
{
	struct auth_peer *peer = NULL;

	while ((peer = table_next(&auth->peers, peer)) != NULL) {
		if (peer->key.link == link && (serial == 0 || peer->key.serial == serial)) {
			table_remove(&auth->peers, peer);
			peer = NULL; /* others may have moved */
		}
	}
}

void auth_port_clear(struct auth *auth, struct port *port)
{
	forget_peers(auth, port->conf.link, 0);
	secrets_free(port->auth.secrets, port->auth.count);
	port->auth.secrets = NULL;
	port->auth.count = 0;
}

static const struct auth_secret *secret_find(const struct auth_secret *list, size_t count, const struct romon_secret *secret)
{
	for (size_t i = 0; i < count; i++)
		if (list[i].len == secret->len && memcmp(list[i].bytes, secret->bytes, secret->len) == 0)
			return &list[i];
	return NULL;
}

/* A secret that the port has not had: its neighbours are told. */
static void secret_init(struct auth_secret *entry, struct auth *auth, const struct romon_secret *secret)
{
	entry->serial = ++auth->last_serial;
	entry->len = secret->len;
	memcpy(entry->bytes, secret->bytes, secret->len);
	md5_key_set(&entry->key, secret->bytes, secret->len);
	entry->hello = secret->len > 0;
}

bool auth_port_set(
	struct romon_engine *engine, struct port *port, const struct romon_secret *secrets, size_t count, struct romon_time now)
{
	struct auth_port *auth = &port->auth;
	struct auth_secret *list = count > 0 ? calloc(count, sizeof(*list)) : NULL;

	if (count > 0 && list == NULL)
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct auth_secret *old = secret_find(auth->secrets, auth->count, &secrets[i]);

		if (old != NULL)
			list[i] = *old;
		else
			secret_init(&list[i], &engine->auth, &secrets[i]);
		if (list[i].hello) {
			auth->hello_due = true;
			auth->hello_at = now;
		}
	}
	for (size_t i = 0; i < auth->count; i++) {
		bool stays = false;

		for (size_t k = 0; k < count; k++)
			stays |= list[k].serial == auth->secrets[i].serial;
		if (!stays)
			forget_peers(&engine->auth, port->conf.link, auth->secrets[i].serial);
	}
	secrets_free(auth->secrets, auth->count);
	auth->secrets = list;
	auth->count = count;
	if (count > 0 && list[0].len > 0 && list[0].hello)
		auth->settled.ns = now.ns + AUTH_SETTLE;
	return true;
}

void auth_port_hello(struct port *port, struct romon_time now)
{
	struct auth_port *auth = &port->auth;

	for (size_t i = 0; i < auth->count; i++) {
		if (auth->secrets[i].len == 0)
			continue;
		auth->secrets[i].hello = true;
		auth->hello_due = true;
		auth->hello_at = now;
	}
	if (auth->count > 0 && auth->secrets[0].len > 0)
		auth->settled.ns = now.ns + AUTH_SETTLE;
}

struct romon_time auth_settled(const struct port *port)
{
	return port->auth.settled;
}

/* [M] hashed with the first secret, unless the list is empty or its first entry is the empty secret. */
static struct auth_secret *signing_secret(struct auth_port *auth, uint32_t serial)
{
	for (size_t i = 0; i < auth->count; i++)
		if (serial == 0 ? i == 0 && auth->secrets[0].len > 0 : auth->secrets[i].serial == serial)
			return &auth->secrets[i];
	return NULL;
}

bool auth_sign(struct port *port, uint8_t *frame, uint32_t serial, struct auth_batch *batch)
{
	struct auth_port *auth = &port->auth;
	struct auth_secret *secret = signing_secret(auth, serial);
	struct writer writer = writer_make(frame + AUTH_AT, WIRE_AUTH_LEN);

	if (secret == NULL || BROKEN(SIGN)) {
		writer_zero(&writer, WIRE_AUTH_LEN);
		return serial == 0;
	}
	auth->counter++;
	writer_u32(&writer, auth->index);
	writer_u32(&writer, (uint32_t)(auth->counter >> 32));
	writer_u32(&writer, (uint32_t)auth->counter);
	if (batch->count == AUTH_BATCH_MAX)
		auth_batch_sign(batch);
	auth_batch_add(batch, secret, frame);
	return true;
}

/* [M] An unhashed message is accepted only if the list is empty or contains the empty secret. */
static bool takes_unhashed(const struct auth_port *auth)
{
	bool takes = auth->count == 0 || BROKEN(SECRET);

	for (size_t i = 0; i < auth->count; i++)
		takes |= auth->secrets[i].len == 0;
	return takes;
}

static bool receive_unhashed(struct port *port, bool control)
{
	if (control || !takes_unhashed(&port->auth)) {
		port_drop(port, ROMON_DROP_NO_SECRET);
		return false;
	}
	port->stats.unhashed++;
	return true;
}

/* The frame fits under this secret. */
static bool receive_fitting(struct romon_engine *engine, struct port *port, struct auth_secret *secret, struct auth_peer *peer,
	const struct wire_message *message, const struct auth_mark *mark, struct romon_time now)
{
	if (message->type == WIRE_SEQ_ERR || message->type == WIRE_HELLO) {
		auth_peer_control(engine, port, secret, message, mark, now);
		return false;
	}
	if (!auth_peer_knows(peer, mark)) {
		port_drop(port, ROMON_DROP_UNKNOWN_INDEX);
		auth_peer_challenge(engine, port, secret, message->eth_src, now);
		return false;
	}
	window_mark(auth_peer_window(peer, message->eth_dst), mark->counter);
	peer->heard = now;
	port->stats.hashed++;
	return true;
}

/* Counts one more digest for a sender without state; false if that is one too many in this second. */
static bool hash_take(struct auth_limit *limit, struct romon_time now)
{
	if (limit->count == 0 || now.ns - limit->since.ns >= ROMON_SECOND)
		*limit = (struct auth_limit){.since = now};
	if (limit->count == AUTH_HASHES_PER_SECOND)
		return false;
	limit->count++;
	return true;
}

static struct auth_mark mark_of(const struct wire_message *message)
{
	struct reader reader = reader_make(message->auth, WIRE_AUTH_LEN);
	struct auth_mark mark = {.index = reader_u32(&reader)};

	mark.counter = (uint64_t)reader_u32(&reader) << 32;
	mark.counter |= reader_u32(&reader);
	return mark;
}

/* A sender that has proven the index, and a counter that was not seen: the state by which to judge, or NULL. */
static struct auth_peer *peer_fresh(const struct romon_engine *engine, const struct port *port, const struct auth_secret *secret,
	const struct wire_message *message, const struct auth_mark *mark)
{
	struct auth_peer *peer = NULL;

	if (secret->len > 0)
		peer = auth_peer_find(&engine->auth, port->conf.link, secret->serial, message->eth_src);
	if (!auth_peer_knows(peer, mark) || !window_fresh(auth_peer_window(peer, message->eth_dst), mark->counter))
		return NULL;
	return peer;
}

void auth_ahead(const struct romon_engine *engine, struct port *port, uint8_t *frame, const struct wire_message *message,
	struct auth_batch *batch)
{
	struct auth_mark mark = mark_of(message);
	bool fresh[ROMON_SECRETS_MAX];
	struct romon_time heard = {0};
	size_t last = 0; /* one more than the entry that its sender used lately */

	for (size_t i = 0; i < port->auth.count; i++) {
		const struct auth_peer *peer = peer_fresh(engine, port, &port->auth.secrets[i], message, &mark);

		fresh[i] = peer != NULL;
		if (peer != NULL && (last == 0 || peer->heard.ns > heard.ns)) {
			heard = peer->heard;
			last = i + 1;
		}
	}
	for (size_t i = 0; i < last; i++)
		if (fresh[i])
			auth_batch_add(batch, &port->auth.secrets[i], frame);
}

/* From those that were computed ahead, or now. */
static void get_digest(struct auth *auth, const struct auth_secret *secret, const uint8_t *frame, uint8_t digest[AUTH_DIGEST_LEN])
{
	const uint8_t *ahead = auth->ahead != NULL ? auth_batch_find(auth->ahead, frame, secret->serial) : NULL;

	if (ahead != NULL)
		memcpy(digest, ahead, AUTH_DIGEST_LEN);
	else
		auth_digest(secret, frame, digest);
}

/* Tries one secret after the other. A counter that was seen costs no digest. Where no more digests may be computed for unknown senders,
 * those who are known under another secret are still heard. */
static bool receive_hashed(struct romon_engine *engine, struct port *port, const uint8_t *frame,
	const struct wire_message *message, uint32_t *serial, struct romon_time now)
{
	struct auth_mark mark = mark_of(message);
	enum romon_drop why = ROMON_DROP_NO_SECRET;

	for (size_t i = 0; i < port->auth.count; i++) {
		struct auth_secret *secret = &port->auth.secrets[i];
		struct auth_peer *peer;
		uint8_t digest[AUTH_DIGEST_LEN];

		if (secret->len == 0)
			continue;
		peer = auth_peer_find(&engine->auth, port->conf.link, secret->serial, message->eth_src);
		if (auth_peer_knows(peer, &mark) && !window_fresh(auth_peer_window(peer, message->eth_dst), mark.counter) &&
			!BROKEN(REPLAY)) {
			why = ROMON_DROP_REPLAYED;
			continue;
		}
		if (peer == NULL && !hash_take(&port->auth.hashes, now)) {
			why = ROMON_DROP_HASH_LIMIT;
			continue;
		}
		get_digest(&engine->auth, secret, frame, digest);
		*serial = secret->serial;
		if (memeql_sec(digest, message->auth + MARK_LEN, AUTH_DIGEST_LEN))
			return receive_fitting(engine, port, secret, peer, message, &mark, now);
		if (why == ROMON_DROP_NO_SECRET)
			why = ROMON_DROP_BAD_DIGEST;
	}
	port_drop(port, why);
	return false;
}

bool auth_receive(struct romon_engine *engine, struct port *port, const uint8_t *frame, const struct wire_message *message,
	uint32_t *serial, struct romon_time now)
{
	bool control = message->type == WIRE_SEQ_ERR || message->type == WIRE_HELLO;

	*serial = 0;
	if (!wire_hashed(message))
		return receive_unhashed(port, control);
	return receive_hashed(engine, port, frame, message, serial, now);
}

void auth_run(struct romon_engine *engine, struct romon_time now)
{
	for (size_t i = 0; i < engine->port_count; i++)
		if (engine->ports[i].auth.hello_due && engine->ports[i].auth.hello_at.ns <= now.ns)
			auth_peer_hello(engine, &engine->ports[i], now);
	if (engine->auth.retry && engine->auth.retry_at.ns <= now.ns)
		auth_peer_retry(engine, now);
}

void auth_wake(const struct romon_engine *engine, bool *set, struct romon_time *when)
{
	for (size_t i = 0; i < engine->port_count; i++)
		if (engine->ports[i].auth.hello_due)
			wake_at(set, when, engine->ports[i].auth.hello_at);
	if (engine->auth.retry)
		wake_at(set, when, engine->auth.retry_at);
}

int auth_entry(const struct port *port, uint32_t serial)
{
	for (size_t i = 0; i < port->auth.count; i++)
		if (port->auth.secrets[i].serial == serial)
			return (int)i;
	return -1;
}

uint32_t auth_proven(const struct romon_engine *engine, const struct port *port, struct romon_mac mac)
{
	uint32_t proven = 0;

	for (size_t i = 0; i < port->auth.count; i++) {
		const struct auth_peer *peer = auth_peer_find(&engine->auth, port->conf.link, port->auth.secrets[i].serial, mac);

		if (peer != NULL && peer->proven)
			proven |= 1u << i;
	}
	return proven;
}
