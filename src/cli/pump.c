/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A pump between two ends. Descriptors need not be set to O_NONBLOCK, which others would notice who share them, as one's terminal is
 * shared: sockets are asked not to wait with every call, and others are read and written only after poll() and only as much as cannot
 * block then. A half has memory only while bytes wait in it: thousands of idle connections cost nothing.
 */
#include "cli/pump.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cli.h"

#define PUMP_SIZE ((size_t)64 * 1024)

void pump_start(struct pump *pump, struct pump_end near, struct pump_end far)
{
	*pump = (struct pump){.there = {.from = near.in, .to = far.out}, .back = {.from = far.in, .to = near.out}};
}

void pump_free(struct pump *pump)
{
	free(pump->there.data);
	free(pump->back.data);
}

static void half_drop(struct pump_half *half)
{
	free(half->data);
	half->data = NULL;
	half->start = half->end = 0;
}

/* What is not waited for is left out (-1), lest it wake us again and again. Where bytes would go is always watched for its end. */
static void half_fds(const struct pump_half *half, struct pollfd fds[2])
{
	bool reading = !half->ended && !half->over && !half->data;

	fds[0] = (struct pollfd){.fd = reading ? half->from : -1, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = half->over ? -1 : half->to, .events = half->data ? POLLOUT : 0};
}

void pump_fds(const struct pump *pump, struct pollfd fds[PUMP_FDS])
{
	half_fds(&pump->there, fds);
	half_fds(&pump->back, fds + 2);
}

/* An end that comes when nothing can be sent any more either is no orderly one. */
static void half_read(struct pump_half *half, const struct pump_half *reverse)
{
	if (!(half->data = malloc(PUMP_SIZE)))
		cli_out_of_memory();

	ssize_t got = recv(half->from, half->data, PUMP_SIZE, MSG_DONTWAIT);

	if (got < 0 && errno == ENOTSOCK)
		got = read(half->from, half->data, PUMP_SIZE);
	if (got > 0) {
		half->end = (size_t)got;
		return;
	}

	int error = errno;

	half_drop(half);
	if (got < 0 && (error == EAGAIN || error == EINTR))
		return;
	half->ended = true;
	half->broken = got == 0 ? reverse->refused : error != EIO; /* EIO: the terminal is gone, which is how its input ends */
}

/* A pipe that poll() calls writable takes PIPE_BUF bytes without blocking. */
static void half_write(struct pump_half *half)
{
	size_t length = half->end - half->start;
	ssize_t put = send(half->to, half->data + half->start, length, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (put < 0 && errno == ENOTSOCK)
		put = write(half->to, half->data + half->start, length < PIPE_BUF ? length : PIPE_BUF);
	if (put >= 0) {
		half->start += (size_t)put;
		if (half->start == half->end)
			half_drop(half);
	} else if (errno != EAGAIN && errno != EINTR) {
		half->over = half->refused = true;
		half_drop(half);
	}
}

/* Passes the end on. Nothing is read while something waits, so all is written. */
static void half_end(struct pump_half *half)
{
	shutdown(half->to, SHUT_WR); /* what is no socket ends when its owner closes it */
	half->over = true;
}

static void half_step(struct pump_half *half, const struct pump_half *reverse, const struct pollfd fds[2])
{
	if (!half->over && fds[1].revents & (POLLERR | POLLHUP | POLLNVAL)) {
		half->over = half->refused = true;
		half_drop(half);
	} else if (half->data && fds[1].revents & POLLOUT) {
		half_write(half);
	} else if (fds[0].revents) {
		half_read(half, reverse);
	}
}

enum pump_state pump_step(struct pump *pump, const struct pollfd fds[PUMP_FDS])
{
	struct pump_half *there = &pump->there, *back = &pump->back;

	half_step(there, back, fds);
	half_step(back, there, fds + 2);
	if (there->broken || back->broken)
		return PUMP_BROKE;
	if (there->ended && !there->over)
		half_end(there);
	if (there->over && (back->ended || back->over))
		return there->refused ? PUMP_BROKE : PUMP_SAID;
	if (back->ended && !back->over)
		half_end(back);
	return PUMP_RUNS;
}

void pump_settle(struct pump *pump)
{
	if (!pump->back.over)
		half_end(&pump->back);
}
