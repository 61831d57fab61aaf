/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls to romond. Connecting to a Unix socket never waits: where romond's backlog is full the call fails.
 */
#include "agent/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define READ_SIZE ((size_t)64 * 1024)

struct call {
	int fd;
	bool upgrading; /* what follows the answer is not ours to read */
	struct event *readable;
	call_answer *answer;
	void *ctx;
	char *input;
	size_t len, size;
	bool *freed; /* where a callback that frees the call leaves word of it */
};

bool call_failed_with(const struct message_reply *reply, const char *name)
{
	size_t len = strlen(MESSAGE_INTERFACE);

	return reply->error != NULL && strncmp(reply->error, MESSAGE_INTERFACE, len) == 0 && reply->error[len] == '.' &&
	       strcmp(reply->error + len + 1, name) == 0;
}

/* Hands out the whole messages that are there. False if the call is no more. */
static bool deliver(struct call *call)
{
	bool freed = false;
	char *end;

	call->freed = &freed;
	while ((end = memchr(call->input, '\0', call->len)) != NULL) {
		size_t len = (size_t)(end - call->input);
		struct message_reply reply = {0};
		bool good = message_reply_read(call->input, len, &reply);

		call->len -= len + 1;
		memmove(call->input, end + 1, call->len);
		call->answer(call->ctx, good ? &reply : NULL);
		message_reply_free(&reply);
		if (freed)
			return false;
	}
	call->freed = NULL;
	return true;
}

/* Reads what is there, up to the end of the answer if it is the last thing that is ours. */
static ssize_t fill(struct call *call)
{
	size_t room;
	ssize_t got;

	if (call->size - call->len < READ_SIZE) {
		size_t size = call->size * 2 + READ_SIZE;
		char *input = size <= MESSAGE_REPLY_MAX ? realloc(call->input, size) : NULL;

		if (input == NULL)
			return 0;
		call->input = input;
		call->size = size;
	}
	room = call->size - call->len;
	got = recv(call->fd, call->input + call->len, room, MSG_DONTWAIT | (call->upgrading ? MSG_PEEK : 0));
	if (got > 0 && call->upgrading) {
		const char *end = memchr(call->input + call->len, '\0', (size_t)got);

		got = recv(call->fd, call->input + call->len,
			end != NULL ? (size_t)(end + 1 - call->input) - call->len : (size_t)got, MSG_DONTWAIT);
	}
	return got;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct call *call = arg;
	ssize_t got = fill(call);

	(void)fd;
	(void)what;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0) {
		call->len += (size_t)got;
		deliver(call);
		return;
	}
	event_del(call->readable);
	call->answer(call->ctx, NULL);
}

static int connect_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* A call is short, and the socket's buffer empty: it goes out whole or not at all. */
static bool send_call(int fd, const char *method, json_t *parameters, enum message_mode mode)
{
	char name[128], *text;
	size_t len = 0;
	bool sent;

	snprintf(name, sizeof(name), "%s.%s", MESSAGE_INTERFACE, method);
	text = message_call_text(name, parameters, mode, &len);
	sent = text != NULL && send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
	free(text);
	return sent;
}

struct call *call_new(struct event_base *base, const char *socket_path, const char *method, json_t *parameters,
	enum message_mode mode, call_answer *answer, void *ctx)
{
	struct call *call = calloc(1, sizeof(*call));
	int fd = connect_to(socket_path);

	if (call == NULL || fd < 0) {
		json_decref(parameters);
		free(call);
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	*call = (struct call){.fd = fd, .upgrading = mode == MESSAGE_UPGRADE, .answer = answer, .ctx = ctx};
	call->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, call);
	if (!send_call(fd, method, parameters, mode) || call->readable == NULL || event_add(call->readable, NULL) != 0) {
		call_free(call);
		return NULL;
	}
	return call;
}

void call_free(struct call *call)
{
	if (call == NULL)
		return;
	if (call->freed != NULL)
		*call->freed = true;
	if (call->readable != NULL)
		event_free(call->readable);
	if (call->fd >= 0)
		close(call->fd);
	free(call->input);
	free(call);
}

int call_detach(struct call *call)
{
	int fd = call->fd;

	event_del(call->readable);
	call->fd = -1;
	return fd;
}
