/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Authentication, integrity and replay prevention, hop by hop. The rules of the secret lists are the MikroTik page's [M]; the layout of
 * the 24 bytes, and SeqErr and Hello, which keep receivers in step, are ours [O] (docs/protocol.md section 7), since nobody has
 * published RouterOS's. Everything that knows them is behind this interface: the day the layout is known, it is what to replace.
 *
 * A port signs what it sends with the first secret of its list, and takes what any secret of the list fits. What fits is believed only
 * within a sequence of counters that the sender has proven to be its present one, by returning a nonce. Nothing that does not fit makes
 * state or draws an answer.
 */
#ifndef ROMON_AUTH_H
#define ROMON_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "core/auth_batch.h"
#include "core/table.h"
#include "core/window.h"
#include "core/wire.h"

#define AUTH_PEERS_MAX 4096                      /* (port, sender, secret) triples */
#define AUTH_PEER_LIFETIME (3600 * ROMON_SECOND) /* one that is silent for longer may make room for another */
#define AUTH_NONCE_LIFETIME (30 * ROMON_SECOND)
#define AUTH_REPEATS 3 /* of a challenge, after 0.3, 0.6 and 1.2 s */
#define AUTH_FIRST_REPEAT (300 * ROMON_MILLISECOND)
#define AUTH_ANSWER_HOLD (300 * ROMON_MILLISECOND) /* the same nonce is answered once within this */
#define AUTH_ANSWERS_PER_SECOND 20                 /* SeqErrs and Hellos of a port that unproven senders cause */
#define AUTH_HELLOS_PER_SECOND 16    /* of these: the rest is for SeqErrs, so that replayed frames cannot use all up */
#define AUTH_HASHES_PER_SECOND 20000 /* digests a port computes for senders it has no state of */
#define AUTH_HELLO_SPREAD (20 * ROMON_MILLISECOND)
#define AUTH_SETTLE (25 * ROMON_MILLISECOND) /* the spread and some round trips */
#define AUTH_HELLO_HOLD ROMON_SECOND /* between two Hellos to the group that neighbours caused */

struct port;

struct auth_nonce {
	bool valid;
	uint8_t bytes[WIRE_NONCE_LEN]; /* never all zero */
	struct romon_time made;
};

/* One entry of a port's list. */
struct auth_secret {
	uint32_t serial; /* never 0, never given twice; stays with the secret while the port has it, wherever it stands */
	uint8_t len;     /* 0: the empty secret, which means unhashed */
	uint8_t bytes[ROMON_SECRET_LEN_MAX];
	struct md5_key key;
	struct auth_nonce group;      /* in our Hellos to the group */
	bool hello;                   /* a Hello to the group is to be sent under it */
	struct romon_time hello_sent; /* the last one that a neighbour caused */
};

/* So many events in the second that began at since. */
struct auth_limit {
	struct romon_time since;
	uint32_t count;
};

/* Per port. */
struct auth_port {
	uint32_t index;   /* random, not zero: drawn when the port came up */
	uint64_t counter; /* of the last frame signed */
	struct auth_secret *secrets;
	size_t count;
	struct romon_time answers[AUTH_ANSWERS_PER_SECOND]; /* when the last ones were sent; answers[answer_next] is the oldest */
	size_t answer_next;
	struct auth_limit hashes;
	struct romon_time settled;
	bool hello_due; /* under the secrets that are marked */
	struct romon_time hello_at;
};

/* All ports. */
struct auth {
	struct table peers;
	struct auth_batch *ahead; /* digests of the frames that are being received; NULL: none */
	uint32_t last_serial;
	bool retry;
	struct romon_time retry_at; /* no challenge is to be repeated before */
};

void auth_init(struct auth *auth, const struct table_seed *seed);
void auth_clear(struct auth *auth);

/* Draws the index of a new port, which has no secrets yet. */
void auth_port_init(struct romon_engine *engine, struct port *port);
/* Wipes the secrets and forgets the senders. */
void auth_port_clear(struct auth *auth, struct port *port);
/* Replaces the list. Secrets that stay keep what was proven under them, those that go lose it. False: no memory, nothing changed. */
bool auth_port_set(
	struct romon_engine *engine, struct port *port, const struct romon_secret *secrets, size_t count, struct romon_time now);
/* Tells the neighbours under every secret that we are here: the port came up or has another MAC. */
void auth_port_hello(struct port *port, struct romon_time now);

/* When the port's neighbours have had time to prove themselves and to believe it, after it came up with a secret that signs. */
struct romon_time auth_settled(const struct port *port);

/* Fills the authentication field of a frame that leaves by the port, encoded or passed on: by the rules with serial 0, else under that
 * secret. The digest comes when the batch is signed; a full one is signed here. False: the secret is gone, and the frame must not
 * be sent. */
bool auth_sign(struct port *port, uint8_t *frame, uint32_t serial, struct auth_batch *batch);
/* Adds to the batch what auth_receive() will want to know of a hashed frame, as far as that is sure to be wanted: nothing of a sender that
 * is not known, or of a counter that was seen. Of the message only the header is read. */
void auth_ahead(const struct romon_engine *engine, struct port *port, uint8_t *frame, const struct wire_message *message,
	struct auth_batch *batch);
/* May this decoded frame go on to the engine? *serial is then that of the secret that verified it, 0 for none. False: it was dropped and
 * counted, or it was a SeqErr or Hello and has done its work. */
bool auth_receive(struct romon_engine *engine, struct port *port, const uint8_t *frame, const struct wire_message *message,
	uint32_t *serial, struct romon_time now);

void auth_run(struct romon_engine *engine, struct romon_time now);
void auth_wake(const struct romon_engine *engine, bool *set, struct romon_time *when);

/* Which entry of the port's list has this serial? -1: none. */
int auth_entry(const struct port *port, uint32_t serial);
/* Which entries of the port's list has this neighbour proven to hold? Bit n: the entry with number n. */
uint32_t auth_proven(const struct romon_engine *engine, const struct port *port, struct romon_mac mac);

#endif
