/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Users of streams in a network in memory: each end writes bytes that its port and their place determine, and checks those that it reads.
 */
#ifndef TEST_TALK_H
#define TEST_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "net.h"

#define TALK_PORT 3
#define TALK_ENDS_MAX 4096

struct talk_end {
	unsigned router;
	uint32_t handle; /* 0: closed */
	bool connector;
	uint32_t seed_in, seed_out;
	uint64_t to_write, written, read;
	bool after;      /* writes when the other side has finished */
	bool open_ended; /* does not finish after its last byte */
	bool paused;     /* does not read */
	uint64_t pace;   /* at most so many bytes read at a time; 0: all */
	bool open, shut, finished, closed;
	enum romon_stream_end reason;
	uint64_t sent, received; /* as the last event told */
	struct romon_time opened_at, read_at, finished_at, closed_at;
};

/* What those that are connected to do. */
struct talk_service {
	uint64_t to_write;
	bool after, open_ended, paused, refuses;
	enum romon_stream_end refusal;
};

struct talk {
	struct net *net;
	struct talk_end *ends;
	size_t count, opened, finished, closed; /* of all ends */
	struct talk_service service;
	bool open_ended; /* as those that connect begin */
	bool forget;     /* closed ends are used again */
	uint64_t wrong;
};

/* Puts users on all routers; all of them listen at TALK_PORT. */
void talk_begin(struct talk *talk, struct net *net);
void talk_end(struct talk *talk);
/* Connects, to write so many bytes. */
struct talk_end *talk_connect(struct talk *talk, unsigned from, unsigned to, uint64_t to_write);
/* The end that the other one is connected to; NULL: none yet. */
struct talk_end *talk_other(struct talk *talk, const struct talk_end *end);
/* After changing what an end does. */
void talk_go(struct talk *talk, struct talk_end *end);
/* Runs until all ends are closed. False: not within ns. */
bool talk_all_closed(struct talk *talk, int64_t ns);

#endif
