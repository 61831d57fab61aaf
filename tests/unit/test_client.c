/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The client of the control protocol against a socket that the test itself serves: how answers arrive in pieces or together,
 * what ends the waiting for them, and what is refused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cmocka.h>

#include "control/client.h"

struct both {
	char folder[64], path[80];
	struct client *client;
	int daemon; /* the other end of the connection */
	struct message_reply reply;
};

static int connect_both(void **state)
{
	static struct both both;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	both = (struct both){0};
	snprintf(both.folder, sizeof(both.folder), "%s/test_client.XXXXXX", P_tmpdir);
	assert_non_null(mkdtemp(both.folder));
	snprintf(both.path, sizeof(both.path), "%s/socket", both.folder);
	strcpy(address.sun_path, both.path);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	both.client = client_open(both.path);
	assert_non_null(both.client);
	both.daemon = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(both.daemon >= 0);
	close(listener);
	*state = &both;
	return 0;
}

static int disconnect_both(void **state)
{
	struct both *both = *state;

	message_reply_free(&both->reply);
	client_close(both->client);
	if (both->daemon >= 0)
		close(both->daemon);
	unlink(both->path);
	rmdir(both->folder);
	return 0;
}

static void answer(struct both *both, const char *bytes, size_t length)
{
	assert_int_equal(send(both->daemon, bytes, length, MSG_NOSIGNAL), length);
}

/* With the NUL that ends a message. */
#define ANSWER(both, text) answer(both, text, sizeof(text))
/* Without it. */
#define PIECE(both, text) answer(both, text, sizeof(text) - 1)

static enum client_result next(struct both *both, int timeout)
{
	return client_next(both->client, NULL, 0, timeout, &both->reply);
}

static void test_call(void **state)
{
	struct both *both = *state;
	struct message_call call;
	char text[200];

	assert_true(client_call(both->client, "Ping", json_pack("{s:s}", "id", "x"), MESSAGE_MORE));
	ssize_t length = recv(both->daemon, text, sizeof(text), 0);

	assert_true(length > 0 && text[length - 1] == '\0'); /* one whole message */
	assert_int_equal(strlen(text), length - 1);
	assert_true(message_call_read(text, (size_t)length - 1, &call));
	assert_string_equal(call.method, "io.openromon.Ping");
	assert_string_equal(json_string_value(json_object_get(call.parameters, "id")), "x");
	assert_true(call.more);
	message_call_free(&call);
}

/* Not a byte behind the answer is read, even if they come together, and in whatever pieces the answer comes. */
static void test_upgrade(void **state)
{
	struct both *both = *state;
	struct message_call call;
	char text[200];

	assert_true(client_call(both->client, "Connect", NULL, MESSAGE_UPGRADE));
	ssize_t length = recv(both->daemon, text, sizeof(text), 0);

	assert_true(length > 0 && message_call_read(text, (size_t)length - 1, &call));
	assert_true(call.upgrade && !call.more);
	message_call_free(&call);

	PIECE(both, "{\"parameters\":");
	assert_int_equal(next(both, 0), CLIENT_TIMEOUT);
	PIECE(both, "{}}\0{\"this\": \"is\"}\0data");
	assert_int_equal(next(both, 5000), CLIENT_REPLY);
	int fd = client_detach(both->client);

	both->client = NULL;
	length = recv(fd, text, sizeof(text), 0);
	assert_int_equal(length, sizeof("{\"this\": \"is\"}\0data") - 1);
	assert_memory_equal(text, "{\"this\": \"is\"}\0data", (size_t)length);
	close(fd);
}

static void test_two_at_once(void **state)
{
	struct both *both = *state;

	PIECE(both, "{\"parameters\":{\"a\":1},\"continues\":true}\0{\"error\":\"io.openromon.NotRunning\"}");
	assert_int_equal(next(both, 5000), CLIENT_REPLY);
	assert_true(both->reply.continues);
	assert_int_equal(json_integer_value(json_object_get(both->reply.parameters, "a")), 1);
	answer(both, "", 1); /* the second one ends only now */
	assert_int_equal(next(both, 5000), CLIENT_ERROR);
	assert_string_equal(both->reply.error, "io.openromon.NotRunning");
	assert_false(both->reply.continues);
}

static void test_in_pieces(void **state)
{
	struct both *both = *state;
	const char text[] = "{\"parameters\":{\"a\":1}}";

	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		answer(both, text + i, 1);
		assert_int_equal(next(both, 0), CLIENT_TIMEOUT);
	}
	answer(both, text + sizeof(text) - 1, 1);
	assert_int_equal(next(both, 5000), CLIENT_REPLY);
}

static void test_timeout(void **state)
{
	struct both *both = *state;

	PIECE(both, "{\"parameters\"");
	assert_int_equal(next(both, 20), CLIENT_TIMEOUT);
	ANSWER(both, ":{}}");
	assert_int_equal(next(both, 5000), CLIENT_REPLY); /* nothing of it was lost */
}

static void test_woken(void **state)
{
	struct both *both = *state;
	struct pollfd others[2] = {{.fd = -1}, {.events = POLLIN}};
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	others[1].fd = ends[0];
	assert_int_equal(client_next(both->client, others, 2, 20, &both->reply), CLIENT_TIMEOUT);
	assert_int_equal(write(ends[1], "", 1), 1);
	assert_int_equal(client_next(both->client, others, 2, 5000, &both->reply), CLIENT_WOKEN);
	assert_int_equal(others[0].revents, 0);
	assert_int_equal(others[1].revents, POLLIN);
	close(ends[0]);
	close(ends[1]);
}

static void test_closed(void **state)
{
	struct both *both = *state;

	ANSWER(both, "{}");
	PIECE(both, "{\"parameters\":{}}"); /* never ended */
	close(both->daemon);
	both->daemon = -1;
	assert_int_equal(next(both, 5000), CLIENT_REPLY);
	assert_null(both->reply.error);
	assert_int_equal(next(both, 5000), CLIENT_CLOSED);
	assert_false(client_call(both->client, "Set", NULL, MESSAGE_ONCE));
	assert_int_equal(errno, EPIPE);
}

static void test_garbage(void **state)
{
	struct both *both = *state;
	static const char *const garbage[] = {
		"", "{", "[]", "5", "{\"error\":1}", "{\"parameters\":[]}", "{\"continues\":1}", "{}{}"};

	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		answer(both, garbage[i], strlen(garbage[i]) + 1);
		assert_int_equal(next(both, 5000), CLIENT_GARBAGE);
		assert_null(both->reply.root);
	}
}

static void test_open_fails(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_null(client_open(path));
	assert_int_equal(errno, ENAMETOOLONG);
	assert_null(client_open("/nonexistent/socket"));
	assert_int_equal(errno, ENOENT);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, connect_both, disconnect_both)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(test_call),
		TEST(test_upgrade),
		TEST(test_two_at_once),
		TEST(test_in_pieces),
		TEST(test_timeout),
		TEST(test_woken),
		TEST(test_closed),
		TEST(test_garbage),
		cmocka_unit_test(test_open_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
