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

enum pump_state {
	PUMP_RUNS,
	PUMP_SAID,  /* both have said all, and it was passed on, but for the end to near, if far's came last: pump_settle() */
	PUMP_BROKE, /* one end broke, and what it had sent has been passed on as far as that is possible */
};

#define PUMP_FDS 4

/* The descriptors stay the caller's to close, once the pump is freed. */
void pump_start(struct pump *pump, struct pump_end near, struct pump_end far);
void pump_free(struct pump *pump);

/* What to poll for, and what to do with the result. */
void pump_fds(const struct pump *pump, struct pollfd fds[PUMP_FDS]);
enum pump_state pump_step(struct pump *pump, const struct pollfd fds[PUMP_FDS]);

/* Once both have said all: tells near that nothing more comes. Far's end looks the same if the stream behind it broke, so whoever has to
 * know asks before (dial_ask_end()). */
void pump_settle(struct pump *pump);

#endif
