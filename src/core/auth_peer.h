/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Senders whose digest fitted, one for each secret: what they have proven, and the challenges that make them prove it. Part of auth.h.
 */
#ifndef ROMON_AUTH_PEER_H
#define ROMON_AUTH_PEER_H

#include "core/auth.h"

struct auth_peer_key {
	uint32_t link, serial;
	struct romon_mac mac;
	uint8_t zero[2];
};

struct auth_peer {
	struct auth_peer_key key;
	bool proven;
	uint32_t index;               /* the one proven */
	struct window group, unicast; /* by Ethernet destination: the two overtake each other */
	struct auth_nonce nonce;      /* our challenge, outstanding */
	struct romon_time asked;      /* it was last sent */
	uint8_t repeats;
	uint8_t spent[WIRE_NONCE_LEN];    /* our nonce to the group when it last proved its index: no longer good from it */
	uint8_t answered[WIRE_NONCE_LEN]; /* the last of its nonces that we returned */
	struct romon_time answered_at;
	struct romon_time heard;
};

/* What a frame's authentication field says. */
struct auth_mark {
	uint32_t index;
	uint64_t counter;
};

struct auth_peer *auth_peer_find(const struct auth *auth, uint32_t link, uint32_t serial, struct romon_mac mac);
/* Is the index the one that the sender has proven? */
bool auth_peer_knows(const struct auth_peer *peer, const struct auth_mark *mark);
/* The window for a frame with this Ethernet destination. */
struct window *auth_peer_window(struct auth_peer *peer, struct romon_mac eth_dst);

/* A frame fitted whose index is not proven: challenge its sender. */
void auth_peer_challenge(struct romon_engine *engine, struct port *port, const struct auth_secret *secret, struct romon_mac mac,
	struct romon_time now);
/* A SeqErr or Hello that fits. It is counted if it is dropped. */
void auth_peer_control(struct romon_engine *engine, struct port *port, struct auth_secret *secret,
	const struct wire_message *message, const struct auth_mark *mark, struct romon_time now);
/* Sends the Hellos to the group that are due on the port. */
void auth_peer_hello(struct romon_engine *engine, struct port *port, struct romon_time now);
/* Repeats challenges. */
void auth_peer_retry(struct romon_engine *engine, struct romon_time now);

#endif
