/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A pump carries bytes between two ends, both ways: what is read at one is written at the other, held back while that one takes
 * nothing, and the end of one direction is passed on while the other goes on. It waits for nothing itself, so that many fit into one
 * poll().
 *
 * Between a command and an agent there is one more program, ssh, which does not pass on the end of one direction while the other is
 * open, and whose own end can mean anything. There the bytes travel in frames, each a head of four bytes, most significant first, and what
 * follows it:
 *
 *	0		the end of this direction
 *	1 to 0x10000	so many bytes
 *	0xFF000000 + n	only from the agent, and last: the verdict. n is 0: both sides have said all, and have got all; else the n bytes of
 *			text that follow say why the stream broke off
 *
 * Whatever ends without a verdict has broken off.
 */
#ifndef CLI_PUMP_H
#define CLI_PUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <poll.h>

/* Where bytes come from and where they go: twice the same socket, or standard input and output. */
struct pump_end {
	int in, out;
	bool framed;
};

#define PUMP_HEAD 4
#define PUMP_REASON_MAX 127

/* One direction. */
struct pump_half {
	int from, to;
	bool unframe; /* what is read is framed, */
	bool frame;   /* what is written */
	char *data;   /* read and not yet written: [start, end); NULL if there is none */
	size_t start, end;
	uint8_t head[PUMP_HEAD]; /* of a frame, head_length bytes so far */
	size_t head_length;
	size_t rest; /* of a frame, to be read */
	bool ended;  /* nothing more comes */
	bool ending; /* the frame that says so waits to be written */
	bool over;   /* nothing more goes: the other end was told so, or is gone */
	bool judged; /* the verdict has come: reason_length bytes of the reason are read, of reason_length + rest */
	size_t reason_length;
	char reason[PUMP_REASON_MAX + 1];
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

/* Did a verdict come? Only of a framed far end, and it is why then why the stream broke off; "": it did not. */
const char *pump_verdict(const struct pump *pump);

/* Once both have said all: tells near that nothing more comes. Far's end looks the same if the stream behind it broke, so where no verdict
 * has come whoever has to know asks before (dial_ask_end()). */
void pump_settle(struct pump *pump);
/* The same for a framed near end, with a verdict: "" or why the stream broke off. May wait for near to take it. */
void pump_judge(struct pump *pump, const char *reason);

#endif
