/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The far end of a port of a lone engine, played byte by byte: a router that holds a secret, or says so.
 */
#ifndef TEST_FAR_H
#define TEST_FAR_H

#include "lone.h"
#include "signer.h"

struct far {
	struct lone *lone;
	uint32_t link;              /* of the engine */
	uint64_t near_id, near_mac; /* the engine and its port */
	uint64_t id, mac;
	struct signer signer; /* secret NULL: sends unhashed */
};

/* Signs a frame, unless the far end sends unhashed, and gives it to the engine. */
void far_give(struct far *far, struct craft *craft);
/* A ping request for the engine, over the one link between the two. */
void far_ping_make(const struct far *far, struct craft *craft);
/* Sends one: is it answered, and with nothing else? */
bool far_ping(struct far *far);
void far_seq_err(struct far *far, uint64_t nonce);
/* To the engine alone, or to the group. */
void far_hello(struct far *far, uint64_t returned, uint64_t challenge);
void far_hello_all(struct far *far, uint64_t challenge);
/* Proves index and counter: asks for a challenge, and returns it. Nothing that the engine sends meanwhile is kept. */
void far_prove(struct far *far);

#endif
