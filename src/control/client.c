/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The client's end of the control protocol. message.c knows the form of the messages, poll() waits; it keeps no state but the
 * connection and what was read of it.
 */
#include "control/client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define CLIENT_READ_SIZE ((size_t)16 * 1024)
#define CLIENT_SEND_SECONDS 10 /* for a daemon that does not read */
#define CLIENT_OTHERS_MAX 4

struct client {
	int fd;
	pid_t process;  /* at the other end; 0: romond itself */
	bool upgrading; /* what follows the next answer is not ours to read */
	char *input;    /* bytes read and not yet given out */
	size_t length;  /* of input */
	size_t size;    /* allocated */
	size_t scanned; /* of length: known to hold no NUL */
};

struct client *client_open(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	strcpy(address.sun_path, path);

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return NULL;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return NULL;
	}
	return client_over(fd, 0);
}

struct client *client_over(int fd, pid_t process)
{
	const struct timeval limit = {.tv_sec = CLIENT_SEND_SECONDS};
	struct client *client = calloc(1, sizeof(*client));

	if (!client || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0) {
		int error = errno;

		free(client);
		close(fd);
		errno = error;
		return NULL;
	}
	client->fd = fd;
	client->process = process;
	return client;
}

pid_t client_process(const struct client *client)
{
	return client->process;
}

void client_close(struct client *client)
{
	if (!client)
		return;
	if (client->fd >= 0)
		close(client->fd);
	free(client->input);
	free(client);
}

static bool send_all(int fd, const char *data, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, data, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return false;
		data += sent;
		length -= (size_t)sent;
	}
	return true;
}

int client_detach(struct client *client)
{
	int fd = client->fd;

	client->fd = -1;
	client_close(client);
	return fd;
}

int client_fd(const struct client *client)
{
	return client->fd;
}

bool client_call(struct client *client, const char *method, json_t *parameters, enum message_mode mode)
{
	char name[128];
	size_t length;

	snprintf(name, sizeof(name), "%s.%s", MESSAGE_INTERFACE, method);

	char *text = message_call_text(name, parameters, mode, &length);

	if (!text) {
		errno = ENOMEM;
		return false;
	}

	client->upgrading = mode == MESSAGE_UPGRADE;
	bool sent = send_all(client->fd, text, length);
	int error = errno;

	free(text);
	errno = error;
	return sent;
}

/* Takes one whole message out of the input. False if there is none yet. */
static bool input_take(struct client *client, struct message_reply *reply, enum client_result *result)
{
	const char *end = client->length > client->scanned
				  ? memchr(client->input + client->scanned, '\0', client->length - client->scanned)
				  : NULL;

	client->scanned = client->length;
	if (!end)
		return false;

	size_t length = (size_t)(end - client->input);

	*result = !message_reply_read(client->input, length, reply) ? CLIENT_GARBAGE : reply->error ? CLIENT_ERROR : CLIENT_REPLY;
	client->length -= length + 1;
	client->scanned = 0;
	memmove(client->input, end + 1, client->length);
	return true;
}

/* How many of the bytes that wait to be read, up to room, belong to the answer that an upgrade awaits. Like recv(). */
static ssize_t answer_peek(struct client *client, size_t room)
{
	char *input = client->input + client->length;
	ssize_t got = recv(client->fd, input, room, MSG_DONTWAIT | MSG_PEEK);
	const char *end = got > 0 ? memchr(input, '\0', (size_t)got) : NULL;

	return end ? end + 1 - input : got;
}

/* Reads what is there; the socket is known to be readable. Returns CLIENT_REPLY if that went well. */
static enum client_result input_fill(struct client *client)
{
	if (client->length >= MESSAGE_REPLY_MAX)
		return CLIENT_GARBAGE;
	if (client->size - client->length < CLIENT_READ_SIZE) {
		size_t size = client->size * 2 + CLIENT_READ_SIZE;
		char *input = realloc(client->input, size);

		if (!input)
			return CLIENT_CLOSED;
		client->input = input;
		client->size = size;
	}

	size_t room = client->size - client->length;
	ssize_t got = client->upgrading ? answer_peek(client, room) : (ssize_t)room;

	if (got > 0)
		got = recv(client->fd, client->input + client->length, (size_t)got, MSG_DONTWAIT);
	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return CLIENT_REPLY;
	if (got <= 0)
		return CLIENT_CLOSED;
	client->length += (size_t)got;
	return CLIENT_REPLY;
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

enum client_result client_next(
	struct client *client, struct pollfd *others, nfds_t count, int timeout, struct message_reply *reply)
{
	struct pollfd fds[1 + CLIENT_OTHERS_MAX] = {{.fd = client->fd, .events = POLLIN}};
	long long end = now_ms() + timeout;
	enum client_result result;

	if (count > CLIENT_OTHERS_MAX)
		abort();
	message_reply_free(reply);
	while (!input_take(client, reply, &result)) {
		int rest = timeout < 0 ? -1 : (int)(end > now_ms() ? end - now_ms() : 0);

		if (count > 0)
			memcpy(fds + 1, others, count * sizeof(*others));
		int ready = poll(fds, 1 + count, rest);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready < 0)
			return CLIENT_CLOSED;
		if (ready == 0)
			return CLIENT_TIMEOUT;
		if (count > 0)
			memcpy(others, fds + 1, count * sizeof(*others));
		for (nfds_t i = 0; i < count; i++) {
			if (others[i].revents)
				return CLIENT_WOKEN;
		}
		result = input_fill(client);
		if (result != CLIENT_REPLY)
			return result;
	}
	return result;
}
