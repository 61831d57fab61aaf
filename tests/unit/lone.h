/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One engine alone: a test gives it frames and looks at what it sends. Time stands still but for lone_run().
 */
#ifndef TEST_LONE_H
#define TEST_LONE_H

#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "craft.h"

struct lone_sent {
	struct romon_time at;
	uint32_t link;
	size_t len;
	uint8_t *data;
};

struct lone {
	struct romon_engine *engine;
	struct romon_router router;
	struct romon_time now;
	uint64_t seed;
	/* What the engine's next random numbers are, before those of the seed. */
	uint64_t chosen[4];
	size_t chosen_count;
	/* Every frame sent since lone_forget(). */
	struct lone_sent *sent;
	size_t count, cap;
	char log[256]; /* the latest line */
	unsigned logs;
};

/* A router with this ID and no ports; identity "lone", board "test", version 7.13, no uptime. */
void lone_open(struct lone *lone, uint64_t id);
void lone_close(struct lone *lone);
/* Of the usual MTU 1500 and cost 100. */
void lone_port(struct lone *lone, uint32_t link, uint64_t mac);
void lone_port_of(struct lone *lone, uint32_t link, uint64_t mac, uint16_t mtu, uint16_t cost);
void lone_give(struct lone *lone, uint32_t link, const struct craft *craft);
void lone_give_bytes(struct lone *lone, uint32_t link, const uint8_t *frame, size_t len);
/* Lets time pass, and the engine act when it wants to. */
void lone_run(struct lone *lone, int64_t ns);
void lone_forget(struct lone *lone);
/* How many were sent by the link of this type (0: any). */
size_t lone_count(const struct lone *lone, uint32_t link, unsigned type);
/* The only one sent by the link of this type; the test fails if there is not exactly one. */
const struct lone_sent *lone_only(const struct lone *lone, uint32_t link, unsigned type);
uint64_t lone_drops(const struct lone *lone, uint32_t link, enum romon_drop reason);
/* Drops of all ports and reasons. */
uint64_t lone_all_drops(const struct lone *lone);
/* Takes the frame, sends nothing, and counts one drop, for this reason on the link. */
void lone_refuses(struct lone *lone, uint32_t link, const struct craft *craft, enum romon_drop reason);

#endif
