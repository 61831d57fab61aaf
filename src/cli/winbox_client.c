/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A client of WinBox's port.
 */
#include "cli/winbox_client.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/secrets.h"

#define ATTEMPTS 3
#define ATTEMPT_PAUSE_MS 100
#define PASSWORD_MAX 1024
#define REPLY_PATH 11 /* the object that WinBox asks as, [0, 11] [P] */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void random_fill(void *data, size_t len)
{
	if (getrandom(data, len, 0) != (ssize_t)len)
		abort(); /* so few bytes come at once or not at all */
}

__attribute__((format(printf, 2, 3))) static bool fail(struct winbox *winbox, const char *form, ...)
{
	va_list args;

	va_start(args, form);
	vsnprintf(winbox->problem, sizeof(winbox->problem), form, args);
	va_end(args);
	return false;
}

/* ---- the connection ---- */

/* Waits until the descriptor is ready, or somebody has left whom we do this for. */
static bool await(struct winbox *winbox, short events, double end, int watched)
{
	struct pollfd fds[] = {{.fd = winbox->fd, .events = events}, {.fd = watched, .events = POLLRDHUP}};

	for (;;) {
		double left = end - now();
		int ready = left > 0 ? poll(fds, 2, (int)(left * 1000) + 1) : 0;

		if (ready < 0 && errno == EINTR)
			continue;
		if (fds[1].revents)
			return fail(winbox, "given up");
		if (ready <= 0)
			return fail(winbox, "no answer within %d s", WINBOX_SECONDS);
		return true;
	}
}

/* Connects to one address. */
static bool connect_to(struct winbox *winbox, const struct addrinfo *found)
{
	int on = 1, error = 0;
	socklen_t len = sizeof(error);

	winbox->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (winbox->fd < 0)
		return fail(winbox, "%s", strerror(errno));
	setsockopt(winbox->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(winbox->fd, found->ai_addr, found->ai_addrlen) == 0)
		return true;
	if (errno != EINPROGRESS)
		return fail(winbox, "%s", strerror(errno));
	if (!await(winbox, POLLOUT, now() + WINBOX_SECONDS, -1))
		return false;
	getsockopt(winbox->fd, SOL_SOCKET, SO_ERROR, &error, &len);
	return error == 0 || fail(winbox, "%s", strerror(error));
}

static bool connect_any(struct winbox *winbox, const char *host, const char *port)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found;
	int error = getaddrinfo(host, port, &hints, &found);
	bool done = false;

	winbox->step = "connect";
	if (error)
		return fail(winbox, "%s: %s", host, gai_strerror(error));
	for (const struct addrinfo *next = found; next && !done; next = next->ai_next) {
		if (winbox->fd >= 0)
			close(winbox->fd);
		done = connect_to(winbox, next);
	}
	freeaddrinfo(found);
	return done;
}

static bool flush(struct winbox *winbox, double end, int watched)
{
	const uint8_t *data;
	size_t len;

	while ((data = channel_output(winbox->channel, &len), len) > 0) {
		ssize_t sent = send(winbox->fd, data, len, MSG_NOSIGNAL);

		if (sent >= 0)
			channel_output_drop(winbox->channel, (size_t)sent);
		else if (errno != EAGAIN && errno != EINTR)
			return fail(winbox, "the connection broke: %s", strerror(errno));
		else if (!await(winbox, POLLOUT, end, watched))
			return false;
	}
	return true;
}

/* What came and was not yet given to the channel: bytes behind a message wait for the next call. */
static uint8_t input[16384];
static size_t input_at, input_len;

/* The next event but CHANNEL_MORE. False: the connection is over. */
static bool next_event(struct winbox *winbox, enum channel_event *event, double end, int watched)
{
	*event = CHANNEL_MORE;
	while (*event == CHANNEL_MORE) {
		size_t used = 0;

		if (input_at == input_len) {
			ssize_t got;

			if (!flush(winbox, end, watched) || !await(winbox, POLLIN, end, watched))
				return false;
			got = recv(winbox->fd, input, sizeof(input), 0);
			if (got < 0 && (errno == EAGAIN || errno == EINTR))
				continue;
			if (got <= 0)
				return fail(winbox, got == 0 ? "it closed the connection" : "the connection broke");
			input_at = 0;
			input_len = (size_t)got;
		}
		*event = channel_input(winbox->channel, input + input_at, input_len - input_at, &used);
		input_at += used;
	}
	return true;
}

/* ---- the login ---- */

/* One attempt. *again: it was refused, and may succeed the next time. */
static bool attempt(
	struct winbox *winbox, const char *host, const char *port, const char *login, const char *password, bool *again)
{
	enum channel_event event;

	*again = false;
	channel_free(winbox->channel);
	winbox->channel = NULL;
	input_at = input_len = 0;
	if (!connect_any(winbox, host, port))
		return false;
	winbox->step = "login";
	winbox->channel = channel_client(winbox->curve, login, password, random_fill);
	if (!winbox->channel)
		return fail(winbox, "a login name has 1 to %d bytes", CHANNEL_NAME_MAX);
	if (!next_event(winbox, &event, now() + WINBOX_SECONDS, -1))
		return false;
	*again = event == CHANNEL_REFUSED_LOGIN;
	if (*again)
		return fail(winbox, "it says: %s", channel_refusal(winbox->channel));
	return event == CHANNEL_LOGIN || fail(winbox, "what it answers is no login of WinBox (EC-SRP5)");
}

bool winbox_open(struct winbox *winbox, const char *host, const char *port, const char *login, const char *password)
{
	bool again = true, done = false;

	winbox->fd = -1;
	winbox->channel = NULL;
	winbox->requests = 0;
	winbox->answer_len = 0;
	winbox->problem[0] = '\0';
	winbox->curve = curve_new();
	if (!winbox->curve)
		cli_out_of_memory();
	for (int i = 0; i < ATTEMPTS && again && !done; i++) {
		if (i > 0)
			poll(NULL, 0, ATTEMPT_PAUSE_MS);
		done = attempt(winbox, host, port, login, password, &again);
	}
	return done;
}

void winbox_close(struct winbox *winbox)
{
	channel_free(winbox->channel);
	curve_free(winbox->curve);
	if (winbox->fd >= 0)
		close(winbox->fd);
	explicit_bzero(winbox->answer, winbox->answer_len);
}

/* ---- requests ---- */

struct m2_writer winbox_begin(struct winbox *winbox, const uint32_t *path, size_t count, uint32_t command)
{
	static const uint32_t own[] = {0, REPLY_PATH};
	struct m2_writer writer = m2_writer_make(winbox->request, sizeof(winbox->request));

	m2_put_u32s(&writer, M2_TO, path, count);
	m2_put_u32s(&writer, M2_FROM, own, 2);
	m2_put_bool(&writer, M2_REPLY, true);
	m2_put_u32(&writer, M2_REQUEST, ++winbox->requests);
	m2_put_u32(&writer, M2_COMMAND, command);
	return writer;
}

bool winbox_ask(struct winbox *winbox, const struct m2_writer *request, double seconds, int watched)
{
	double end = now() + seconds;
	enum channel_event event;

	if (request->failed || !channel_send(winbox->channel, request->data, request->len))
		return fail(winbox, "the request is too long");
	for (;;) {
		const uint8_t *message;
		size_t len;

		if (!next_event(winbox, &event, end, watched))
			return false;
		message = event == CHANNEL_MESSAGE ? channel_message(winbox->channel, &len) : NULL;
		if (!message || !m2_valid(message, len))
			return fail(winbox, "what it sends makes no sense");
		if (m2_u32(message, len, M2_TYPE, 0) != M2_TYPE_REPLY || m2_u32(message, len, M2_REQUEST, 0) != winbox->requests)
			continue;
		memcpy(winbox->answer, message, len);
		winbox->answer_len = len;
		return true;
	}
}

uint32_t winbox_error(const struct winbox *winbox, char text[128])
{
	struct m2_field field;
	size_t len = 0;

	if (m2_find(winbox->answer, winbox->answer_len, M2_ERROR_TEXT, M2_STRING, &field))
		for (; len < field.len && len < 127; len++)
			text[len] = (char)(field.data[len] >= ' ' && field.data[len] < 0x7f ? field.data[len] : '?');
	text[len] = '\0';
	return m2_u32(winbox->answer, winbox->answer_len, M2_ERROR, 0);
}

/* ---- the password ---- */

/* The first line of it. Takes over the file. */
static char *line_of(FILE *file)
{
	char *line = file ? malloc(PASSWORD_MAX) : NULL;
	bool read = line && fgets(line, PASSWORD_MAX, file);

	if (read)
		line[strcspn(line, "\r\n")] = '\0';
	else
		free(line);
	return read ? line : NULL;
}

char *winbox_password(const char *user, const char *host, const char **problem)
{
	const char *path = getenv("ROMON_PASSWORD_FILE"), *command = getenv("ROMON_PASSWORD_COMMAND");
	char question[300], *password;
	FILE *file;

	if (path) {
		file = fopen(path, "re");
		password = line_of(file);
		if (file)
			fclose(file);
		*problem = "there is no password in the file that ROMON_PASSWORD_FILE names";
	} else if (command) {
		file = popen(command, "re"); /* the user's own words, for his own shell */
		password = line_of(file);
		if (file && pclose(file) != 0) {
			secrets_wipe(password);
			password = NULL;
		}
		*problem = "the command in ROMON_PASSWORD_COMMAND gives no password";
	} else {
		snprintf(question, sizeof(question), "password of %s at %s: ", user, host);
		password = secrets_ask(question);
		*problem = "a password is needed: on the terminal, standard input, or by ROMON_PASSWORD_FILE or "
			   "ROMON_PASSWORD_COMMAND";
	}
	return password;
}
