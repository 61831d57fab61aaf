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
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/cli.h"

#define PUMP_SIZE ((size_t)64 * 1024)
#define PUMP_VERDICT 0xFF000000

void pump_start(struct pump *pump, struct pump_end near, struct pump_end far)
{
	*pump = (struct pump){
		.there = {.from = near.in, .to = far.out, .unframe = near.framed, .frame = far.framed},
		.back = {.from = far.in, .to = near.out, .unframe = far.framed, .frame = near.framed},
	};
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

/* Behind the end of framed bytes there is still the verdict. */
static bool half_reads(const struct pump_half *half)
{
	if (half->unframe && half->ended)
		return !half->judged || half->rest > 0;
	return !half->ended && !half->over && !half->data;
}

/* What is not waited for is left out (-1), lest it wake us again and again. Where bytes would go is always watched for its end. */
static void half_fds(const struct pump_half *half, struct pollfd fds[2])
{
	bool reading = half_reads(half);

	fds[0] = (struct pollfd){.fd = reading ? half->from : -1, .events = POLLIN};
	fds[1] = (struct pollfd){.fd = half->over ? -1 : half->to, .events = half->data ? POLLOUT : 0};
}

void pump_fds(const struct pump *pump, struct pollfd fds[PUMP_FDS])
{
	half_fds(&pump->there, fds);
	half_fds(&pump->back, fds + 2);
}

/* Like read(), without waiting where that can be had. */
static ssize_t take(int fd, void *place, size_t size)
{
	ssize_t got = recv(fd, place, size, MSG_DONTWAIT);

	return got < 0 && errno == ENOTSOCK ? read(fd, place, size) : got;
}

/* Nothing came, as errno and got say. An end that comes when nothing can be sent any more either is no orderly one, nor is one of framed
 * bytes that was not announced. */
static void half_stop(struct pump_half *half, ssize_t got, const struct pump_half *reverse)
{
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	half->broken =
		got == 0 ? half->unframe || reverse->refused : errno != EIO; /* EIO: the terminal is gone: so its input ends */
	half->ended = true;
	half->rest = 0;
}

static void head_put(uint8_t head[PUMP_HEAD], uint32_t value)
{
	for (size_t i = 0; i < PUMP_HEAD; i++)
		head[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* A whole head is there: what follows? */
static void head_take(struct pump_half *half)
{
	uint32_t value =
		(uint32_t)half->head[0] << 24 | (uint32_t)half->head[1] << 16 | (uint32_t)half->head[2] << 8 | half->head[3];

	half->head_length = 0;
	if (value >= PUMP_VERDICT && value - PUMP_VERDICT <= PUMP_REASON_MAX && !half->judged) {
		half->judged = true;
		half->rest = value - PUMP_VERDICT;
		half->broken = half->rest > 0 || !half->ended;
	} else if (value > PUMP_SIZE || half->ended) {
		half->ended = half->broken = true;
	} else if (value == 0) {
		half->ended = true;
	} else {
		half->rest = value;
	}
}

static void head_read(struct pump_half *half, const struct pump_half *reverse)
{
	ssize_t got = take(half->from, half->head + half->head_length, PUMP_HEAD - half->head_length);

	if (got <= 0) {
		half_stop(half, got, reverse);
		return;
	}
	half->head_length += (size_t)got;
	if (half->head_length == PUMP_HEAD)
		head_take(half);
}

static void reason_read(struct pump_half *half, const struct pump_half *reverse)
{
	ssize_t got = take(half->from, half->reason + half->reason_length, half->rest);

	if (got <= 0) {
		half_stop(half, got, reverse);
		return;
	}
	half->reason_length += (size_t)got;
	half->rest -= (size_t)got;
}

static void half_read(struct pump_half *half, const struct pump_half *reverse)
{
	size_t head = half->frame ? PUMP_HEAD : 0;

	if (!(half->data = malloc(head + PUMP_SIZE)))
		cli_out_of_memory();

	ssize_t got = take(half->from, half->data + head, half->unframe ? half->rest : PUMP_SIZE);

	if (got <= 0) {
		int error = errno;

		half_drop(half);
		errno = error;
		half_stop(half, got, reverse);
		return;
	}
	if (half->unframe)
		half->rest -= (size_t)got;
	if (half->frame)
		head_put((uint8_t *)half->data, (uint32_t)got);
	half->end = head + (size_t)got;
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
	if (half->frame && !half->ending) {
		half->ending = true;
		if (!(half->data = calloc(1, PUMP_HEAD)))
			cli_out_of_memory();
		half->end = PUMP_HEAD;
	} else if (!half->data) {
		if (!half->frame)
			shutdown(half->to, SHUT_WR); /* what is no socket ends when its owner closes it */
		half->over = true;
	}
}

static void half_step(struct pump_half *half, const struct pump_half *reverse, const struct pollfd fds[2])
{
	if (!half->over && fds[1].revents & (POLLERR | POLLHUP | POLLNVAL)) {
		half->over = half->refused = true;
		half_drop(half);
	} else if (half->data && fds[1].revents & POLLOUT) {
		half_write(half);
	} else if (fds[0].revents && half->unframe && half->rest == 0) {
		head_read(half, reverse);
	} else if (fds[0].revents && half->judged) {
		reason_read(half, reverse);
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
		return back->judged && back->rest > 0 ? PUMP_RUNS : PUMP_BROKE; /* the reason is still on its way */
	if (there->ended && !there->over)
		half_end(there);
	if (there->over && (back->ended || back->over) && (!back->unframe || back->judged || there->refused))
		return there->refused ? PUMP_BROKE : PUMP_SAID;
	if (back->ended && !back->over)
		half_end(back);
	return PUMP_RUNS;
}

const char *pump_verdict(const struct pump *pump)
{
	return pump->back.judged ? pump->back.reason : NULL;
}

void pump_settle(struct pump *pump)
{
	if (!pump->back.over)
		half_end(&pump->back);
}

static bool put_all(int fd, const uint8_t *data, size_t length)
{
	while (length > 0) {
		ssize_t put = write(fd, data, length);

		if (put < 0 && errno == EAGAIN) {
			struct pollfd ready = {.fd = fd, .events = POLLOUT};

			poll(&ready, 1, -1);
		} else if (put < 0 && errno != EINTR) {
			return false;
		} else if (put > 0) {
			data += put;
			length -= (size_t)put;
		}
	}
	return true;
}

void pump_judge(struct pump *pump, const char *reason)
{
	struct pump_half *back = &pump->back;
	size_t length = strnlen(reason, PUMP_REASON_MAX);
	uint8_t frames[2 * PUMP_HEAD] = {0}, *verdict = frames + PUMP_HEAD;
	const uint8_t *first =
		length > 0 || back->over ? verdict : frames; /* the end before a good verdict, unless it was said */

	head_put(verdict, (uint32_t)(PUMP_VERDICT + length));
	if (put_all(back->to, first, (size_t)(verdict + PUMP_HEAD - first)))
		put_all(back->to, (const uint8_t *)reason, length);
}
