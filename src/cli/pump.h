/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A pump carries bytes between two ends, both ways: what is read at one is written at the other, held back while that one takes
 * nothing, and the end of one direction is passed on while the other goes on. It waits for nothing itself, so that many fit into one
 * poll().
 */
#ifndef CLI_PUMP_H
#define CLI_PUMP_H

#include <stdbool.h>
#include <stddef.h>

#include <poll.h>

/* Where bytes come from and where they go: twice the same socket, or standard input and output. */
struct pump_end {
	int in, out;
};

/* One direction. */
struct pump_half {
	int from, to;
	char *data; /* read and not yet written: [start, end); NULL if there is none */
	size_t start, end;
	bool ended;   /* nothing more comes */
	bool over;    /* nothing more goes: the other end was told so, or is gone */
	bool broken;  /* nothing more comes because from broke */
	bool refused; /* nothing more goes because to is gone */
};

struct pump {
	struct pump_half there, back; /* near to far, far to near */
};

#define PUMP_FDS 4

/* The descriptors stay the caller's to close, once the pump is freed. */
void pump_start(struct pump *pump, struct pump_end near, struct pump_end far);
void pump_free(struct pump *pump);

/* What to poll for, and what to do with the result. The latter returns false when nothing is left to be done: both directions are
 * over, or one end broke and what it had sent has been passed on as far as that is possible. */
void pump_fds(const struct pump *pump, struct pollfd fds[PUMP_FDS]);
bool pump_step(struct pump *pump, const struct pollfd fds[PUMP_FDS]);

#endif
