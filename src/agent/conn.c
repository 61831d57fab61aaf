/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Sockets with channels. Output is written at the end of a turn of the loop or when there is room, so that what one turn has to say goes
 * out together.
 */
#include "agent/conn.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 16384

struct conn {
	int fd;
	struct channel *channel;
	struct event *readable, *writable;
	struct timeval write_timeout;
	const struct conn_ops *ops;
	void *owner;
	bool paused;
	bool full;    /* more than CONN_FULL waited, and drained() is owed */
	bool closing; /* ends as soon as all is written */
	bool over;
};

static void end(struct conn *conn, enum conn_end reason)
{
	if (conn->over)
		return;
	conn->over = true;
	event_del(conn->readable);
	event_del(conn->writable);
	/* A login that was refused stays one, whether or not the other side waits for the words. */
	conn->ops->ended(conn->owner, conn->closing ? CONN_REFUSED : reason);
}

/* Asks to be called when there is room, if anything waits. */
static void want_room(struct conn *conn)
{
	size_t len;

	channel_output(conn->channel, &len);
	if (len > 0 && !conn->over && !event_pending(conn->writable, EV_WRITE, NULL))
		event_add(conn->writable, &conn->write_timeout);
}

static void written(struct conn *conn)
{
	size_t len;

	channel_output(conn->channel, &len);
	if (len == 0 && conn->closing) {
		end(conn, CONN_REFUSED);
	} else if (conn->full && len < CONN_FULL) {
		conn->full = false;
		conn->ops->drained(conn->owner);
	}
	want_room(conn);
}

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;
	size_t len;
	const uint8_t *data = channel_output(conn->channel, &len);
	ssize_t sent;

	if (what & EV_TIMEOUT) {
		end(conn, CONN_STUCK);
		return;
	}
	sent = send(fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent >= 0)
		channel_output_drop(conn->channel, (size_t)sent);
	else if (errno != EAGAIN && errno != EINTR) {
		end(conn, CONN_BROKEN);
		return;
	}
	written(conn);
}

/* One event of the channel. */
static void heard(struct conn *conn, enum channel_event event)
{
	uint8_t *message;
	size_t len;

	switch (event) {
	case CHANNEL_MORE:
		break;
	case CHANNEL_LOGIN:
		conn->ops->login(conn->owner);
		break;
	case CHANNEL_MESSAGE:
		message = channel_message(conn->channel, &len);
		conn->ops->message(conn->owner, message, len);
		break;
	case CHANNEL_REFUSED_LOGIN:
		/* A server has its refusal to send first. */
		channel_output(conn->channel, &len);
		conn->closing = len > 0;
		event_del(conn->readable);
		if (!conn->closing)
			end(conn, CONN_REFUSED);
		break;
	case CHANNEL_BAD:
		end(conn, CONN_NONSENSE);
		break;
	}
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct conn *conn = arg;
	uint8_t data[READ_SIZE];
	ssize_t got = recv(fd, data, sizeof(data), MSG_DONTWAIT);
	size_t at = 0, used;

	(void)what;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got <= 0) {
		end(conn, got == 0 ? CONN_CLOSED : CONN_BROKEN);
		return;
	}
	while (at < (size_t)got && !conn->over && !conn->closing) {
		enum channel_event event = channel_input(conn->channel, data + at, (size_t)got - at, &used);

		at += used;
		heard(conn, event);
	}
	want_room(conn);
}

struct conn *conn_new(
	struct event_base *base, int fd, struct channel *channel, int write_timeout, const struct conn_ops *ops, void *owner)
{
	struct conn *conn = channel != NULL ? calloc(1, sizeof(*conn)) : NULL;

	if (conn == NULL) {
		channel_free(channel);
		close(fd);
		return NULL;
	}
	*conn = (struct conn){
		.fd = fd, .channel = channel, .write_timeout = {.tv_sec = write_timeout}, .ops = ops, .owner = owner};
	conn->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, conn);
	conn->writable = event_new(base, fd, EV_WRITE, on_writable, conn);
	if (conn->readable == NULL || conn->writable == NULL || event_add(conn->readable, NULL) != 0) {
		conn_free(conn);
		return NULL;
	}
	want_room(conn);
	return conn;
}

void conn_free(struct conn *conn)
{
	if (conn == NULL)
		return;
	if (conn->readable != NULL)
		event_free(conn->readable);
	if (conn->writable != NULL)
		event_free(conn->writable);
	channel_free(conn->channel);
	close(conn->fd);
	free(conn);
}

bool conn_send(struct conn *conn, const uint8_t *message, size_t len)
{
	if (conn->over || !channel_send(conn->channel, message, len))
		return false;
	conn->full |= conn_backlog(conn) >= CONN_FULL;
	want_room(conn);
	return true;
}

void conn_pause(struct conn *conn, bool paused)
{
	if (conn->over || conn->closing || paused == conn->paused)
		return;
	conn->paused = paused;
	if (paused)
		event_del(conn->readable);
	else
		event_add(conn->readable, NULL);
}

size_t conn_backlog(const struct conn *conn)
{
	size_t len;

	channel_output(conn->channel, &len);
	return len;
}

const struct channel *conn_channel(const struct conn *conn)
{
	return conn->channel;
}
