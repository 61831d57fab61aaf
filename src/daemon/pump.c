/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Pumps. Nothing is kept here: from the socket bytes are read into the stream's own buffer, only while that has room, and from the
 * stream they are shown to the socket, and taken away only as it accepts them. So a slow reader on one side slows the writer on the
 * other, and memory is bounded by what the engine allows a stream.
 */
#include "daemon/pump.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "daemon/log.h"
#include "daemon/worker.h"

#define TURN_MAX (256 * 1024) /* bytes of one pump and direction, before others have their turn */

struct pump {
	LIST_ENTRY(pump) link;
	struct worker *worker;
	struct pump_about about;
	struct romon_time began;
	uint32_t stream;
	int fd;
	struct event *readable; /* of the socket: pending while the stream has room */
	struct event *writable; /* of the socket: pending while something waits for it */
	bool read_all;          /* the socket has said all */
	bool told_end;          /* the socket knows that nothing more comes */
	bool deaf;              /* the socket takes nothing any more: what still comes is thrown away */
};

static struct pumps_bucket *bucket_of(struct worker *worker, uint32_t stream)
{
	return &worker->pumps.bucket[stream % PUMPS_BUCKETS];
}

static struct pump *find(struct worker *worker, uint32_t stream)
{
	struct pump *pump;

	LIST_FOREACH(pump, bucket_of(worker, stream), link)
	{
		if (pump->stream == stream)
			return pump;
	}
	return NULL;
}

static void pump_free(struct pump *pump)
{
	if (pump->readable != NULL)
		event_free(pump->readable);
	if (pump->writable != NULL)
		event_free(pump->writable);
	close(pump->fd);
	LIST_REMOVE(pump, link);
	pump->worker->pumps.count--;
	free(pump);
}

static void log_end(const struct pump *pump, const char *reason, uint64_t received, uint64_t sent)
{
	double seconds = (double)(worker_now().ns - pump->began.ns) / (double)ROMON_SECOND;
	char id[ROMON_MAC_TEXT];

	romon_mac_text(pump->about.id, id);
	if (pump->about.service[0] != '\0')
		log_info("service %s: connection from %s ended after %.1f s (%s), %llu bytes from there, %llu bytes to there",
			pump->about.service, id, seconds, reason, (unsigned long long)received, (unsigned long long)sent);
	else
		log_info("connection to %s port %u ended after %.1f s (%s), %llu bytes from there, %llu bytes to there", id,
			(unsigned)pump->about.port, seconds, reason, (unsigned long long)received, (unsigned long long)sent);
}

/* The stream of a client broke off. All that its connection can say is that it ends: the reason is kept for whoever asks. */
static void remember_end(const struct pump *pump, const char *reason, bool here)
{
	const struct pump_about *about = &pump->about;
	struct pumps *pumps = &pump->worker->pumps;

	if (about->service[0] == '\0')
		pumps->ends[pumps->end_count++ % PUMPS_ENDS] =
			(struct pump_end){about->number, about->id, about->port, here, reason, worker_now()};
}

/* The local side broke, or is gone: the stream ends, and the pump. */
static void break_off(struct pump *pump, const char *reason)
{
	struct romon_stream_info info = {0};

	romon_stream_info(pump->worker->engine, pump->stream, &info);
	log_end(pump, reason, info.received, info.sent);
	remember_end(pump, reason, true);
	romon_stream_reset(pump->worker->engine, pump->stream, ROMON_STREAM_RESET);
	pump_free(pump);
}

/* Is the socket's other end closed altogether? Known of Unix sockets only; a TCP socket tells when it is written to. */
static bool other_end_gone(const struct pump *pump)
{
	struct pollfd pfd = {.fd = pump->fd};

	return poll(&pfd, 1, 0) == 1 && (pfd.revents & POLLHUP);
}

/* A Unix socket that is closed with something unread in it tells that by this error, behind the last of what it has said. (A TCP socket
 * means that nothing of it can be relied on.) */
static bool closed_unread(const struct pump *pump, int error)
{
	int domain = 0;
	socklen_t len = sizeof(domain);

	return error == ECONNRESET && getsockopt(pump->fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

/* The socket has said all: so the other router learns that, and goes on sending if it likes. */
static void finish_reading(struct pump *pump)
{
	pump->read_all = true;
	event_del(pump->readable);
	romon_stream_shutdown(pump->worker->engine, pump->stream);
	pump->deaf |= other_end_gone(pump);
}

/* From the socket to the stream. False: the pump is gone. */
static bool pump_in(struct pump *pump)
{
	struct romon_engine *engine = pump->worker->engine;
	size_t room, done = 0;
	uint8_t *place;
	ssize_t n;

	while (!pump->read_all && done < TURN_MAX) {
		room = romon_stream_space(engine, pump->stream, &place);
		if (room == 0) { /* ROMON_EVENT_STREAM_WRITABLE will come */
			event_del(pump->readable);
			return true;
		}
		n = recv(pump->fd, place, room, MSG_DONTWAIT);
		if (n > 0) {
			romon_stream_commit(engine, pump->stream, (size_t)n);
			done += (size_t)n;
		} else if (n == 0 || closed_unread(pump, errno)) {
			finish_reading(pump);
		} else if (errno == EAGAIN || errno == EINTR) {
			break;
		} else {
			break_off(pump, strerror(errno));
			return false;
		}
	}
	if (!pump->read_all)
		event_add(pump->readable, NULL);
	return true;
}

/* What comes for a socket that takes nothing is thrown away while the socket's own last words are on their way; then the sender is told. */
static bool pump_away(struct pump *pump)
{
	struct romon_engine *engine = pump->worker->engine;
	struct romon_stream_info info;
	const uint8_t *data;
	size_t len;
	bool any = false;

	while ((len = romon_stream_peek(engine, pump->stream, &data)) > 0) {
		romon_stream_read(engine, pump->stream, len);
		any = true;
	}
	if (any && pump->read_all && romon_stream_info(engine, pump->stream, &info) && info.unsent == 0) {
		break_off(pump, "closed here");
		return false;
	}
	return true;
}

/* From the stream to the socket. False: the pump is gone. */
static bool pump_out(struct pump *pump)
{
	struct romon_engine *engine = pump->worker->engine;
	size_t len, done = 0;
	const uint8_t *data;
	ssize_t n;

	while (!pump->deaf && (len = romon_stream_peek(engine, pump->stream, &data)) > 0) {
		n = done < TURN_MAX ? send(pump->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL) : -1;
		if (n >= 0) {
			romon_stream_read(engine, pump->stream, (size_t)n);
			done += (size_t)n;
		} else if (done >= TURN_MAX || errno == EAGAIN || errno == EINTR) {
			event_add(pump->writable, NULL);
			return true;
		} else {
			/* It may have said something before it closed, which is still to be read. */
			pump->deaf = true;
		}
	}
	if (pump->deaf)
		return pump_away(pump);
	if (!pump->told_end && romon_stream_finished(engine, pump->stream)) {
		pump->told_end = shutdown(pump->fd, SHUT_WR) == 0 || errno != ENOTCONN;
		if (!pump->told_end) /* a TCP socket that is still connecting */
			event_add(pump->writable, NULL);
	}
	return true;
}

static void socket_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pump_in(arg);
}

static void socket_writable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	pump_out(arg);
}

bool pump_start(struct worker *worker, const struct pump_about *about, uint32_t stream, int fd)
{
	struct pump *pump = calloc(1, sizeof(*pump));

	if (pump == NULL) {
		close(fd);
		romon_stream_reset(worker->engine, stream, ROMON_STREAM_REFUSED);
		return false;
	}
	*pump = (struct pump){.worker = worker, .about = *about, .began = worker_now(), .stream = stream, .fd = fd};
	LIST_INSERT_HEAD(bucket_of(worker, stream), pump, link);
	worker->pumps.count++;
	pump->readable = event_new(worker->base, fd, EV_READ, socket_readable, pump);
	pump->writable = event_new(worker->base, fd, EV_WRITE, socket_writable, pump);
	if (pump->readable == NULL || pump->writable == NULL || event_add(pump->readable, NULL) != 0) {
		break_off(pump, "no memory");
		return false;
	}
	pump_out(pump);
	return true;
}

/* Numbers begin with the time since the machine was started, in microseconds: a romond that is started later begins with more than one
 * before it can have come to. */
uint64_t pumps_number(struct worker *worker)
{
	struct pumps *pumps = &worker->pumps;

	if (pumps->first == 0)
		pumps->first = pumps->next = (uint64_t)worker_now().ns / 1000;
	return pumps->next++;
}

bool pumps_numbered(const struct worker *worker, uint64_t number)
{
	return number >= worker->pumps.first && number < worker->pumps.next;
}

uint32_t pumps_stream(const struct worker *worker, uint64_t number)
{
	size_t i;

	for (i = 0; i < PUMPS_BUCKETS; i++) {
		const struct pump *pump;

		LIST_FOREACH(pump, &worker->pumps.bucket[i], link)
		{
			if (pump->about.number == number && pump->about.service[0] == '\0')
				return pump->stream;
		}
	}
	return 0;
}

const struct pump_end *pumps_end(const struct worker *worker, uint64_t number)
{
	const struct pumps *pumps = &worker->pumps;
	size_t i, count = pumps->end_count < PUMPS_ENDS ? pumps->end_count : PUMPS_ENDS;

	for (i = 1; i <= count; i++) {
		const struct pump_end *end = &pumps->ends[(pumps->end_count - i) % PUMPS_ENDS];

		if (end->number == number)
			return end;
	}
	return NULL;
}

const struct pump_about *pumps_about(const struct worker *worker, uint32_t stream)
{
	const struct pump *pump;

	LIST_FOREACH(pump, &worker->pumps.bucket[stream % PUMPS_BUCKETS], link)
	{
		if (pump->stream == stream)
			return &pump->about;
	}
	return NULL;
}

size_t pumps_of(const struct worker *worker, const char *service)
{
	size_t i, count = 0;

	for (i = 0; i < PUMPS_BUCKETS; i++) {
		const struct pump *pump;

		LIST_FOREACH(pump, &worker->pumps.bucket[i], link)
		{
			count += strcmp(pump->about.service, service) == 0;
		}
	}
	return count;
}

void pumps_event(struct worker *worker, const struct romon_event *event)
{
	struct pump *pump = find(worker, event->stream);

	if (pump == NULL)
		return;
	switch (event->type) {
	case ROMON_EVENT_STREAM_READABLE:
		pump_out(pump);
		break;
	case ROMON_EVENT_STREAM_WRITABLE:
		pump_in(pump);
		break;
	case ROMON_EVENT_STREAM_CLOSED:
		if (event->reason != ROMON_STREAM_DONE)
			remember_end(pump, romon_stream_end_text(event->reason), false);
		log_end(pump, romon_stream_end_text(event->reason), event->received, event->sent);
		pump_free(pump);
		break;
	default:
		break;
	}
}

void pumps_close(struct worker *worker)
{
	size_t i;

	for (i = 0; i < PUMPS_BUCKETS; i++) {
		while (!LIST_EMPTY(&worker->pumps.bucket[i]))
			break_off(LIST_FIRST(&worker->pumps.bucket[i]), "closed here");
	}
}
