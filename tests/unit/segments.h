/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One engine alone, with one port and a service, and the segments of a peer that a test makes one by one.
 */
#ifndef TEST_SEGMENTS_H
#define TEST_SEGMENTS_H

#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "lone.h"

#define S ROMON_SECOND
#define MS ROMON_MILLISECOND

/* Types and marks. */
enum { CONNECT, ACCEPT, DATA, ACK, CLOSE };
enum { OURS = 0xa0, RESET = 0xa1, REFUSED = 0xa2, NO_SERVICE = 0xa3, CLOSED = 0xa4 };
enum { PORTS_AT = 14 + 46 + 10, SEGMENT_AT = PORTS_AT + 4 }; /* of Data with one hop */
enum { SERVICE = 3, THEIR_PORT = 2000 };
static const uint64_t self = 0x0a0000000001, peer = 0x0a0000000002;
static const uint64_t our_mac = 0x020000000101, peer_mac = 0x020000000201;
static const uint32_t irs = 0xfffffff0; /* so that numbers wrap */

struct part {
	unsigned src_port, dst_port, type, mark;
	uint32_t seq, ack;
	size_t size;
	const uint8_t *data;
};

/* What a segment of the peer to our service begins with. */
static const struct part theirs = {.src_port = THEIR_PORT, .dst_port = SERVICE};

int segments_set_up(void **state); /* a struct lone */
int segments_tear_down(void **state);
void segments_craft(struct craft *craft, uint64_t from, const struct part *segment);
/* From the peer. */
void segments_give(struct lone *lone, const struct part *segment);
struct part segments_read(const struct lone_sent *sent);
/* Exactly one was sent, and it is this one; forgets it. */
void segments_sent(struct lone *lone, unsigned type, unsigned mark, uint32_t seq, uint32_t ack, size_t size);
/* The next event is of this type; returns its stream. */
uint32_t segments_event(struct lone *lone, enum romon_event_type type);
void segments_no_event(struct lone *lone);
/* A stream that the peer has opened with this mark; *seq becomes our number. */
uint32_t segments_accepted(struct lone *lone, unsigned mark, uint32_t *seq);

#endif
