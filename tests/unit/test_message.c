/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Varlink messages: what is written is what is read, and what is no message is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/message.h"

static bool call_read(const char *text, struct message_call *call)
{
	memset(call, 0, sizeof(*call));
	return message_call_read(text, strlen(text), call);
}

static bool reply_read(const char *text, struct message_reply *reply)
{
	memset(reply, 0, sizeof(*reply));
	return message_reply_read(text, strlen(text), reply);
}

static void calls_are_read(void **state)
{
	struct message_call call;

	(void)state;
	assert_true(call_read("{\"method\":\"io.openromon.Ping\",\"parameters\":{\"id\":\"r1\"},\"more\":true}", &call));
	assert_string_equal(call.method, "io.openromon.Ping");
	assert_string_equal(json_string_value(json_object_get(call.parameters, "id")), "r1");
	assert_true(call.more && !call.oneway && !call.upgrade);
	message_call_free(&call);
	assert_null(call.root);

	assert_true(call_read("{\"method\":\"a.B\",\"oneway\":true,\"upgrade\":true,\"more\":false,\"parameters\":null}", &call));
	assert_null(call.parameters);
	assert_true(!call.more && call.oneway && call.upgrade);
	message_call_free(&call);
}

static void what_is_no_call_is_refused(void **state)
{
	static const char *const wrong[] = {
		"",
		"{",
		"null",
		"[]",
		"\"io.openromon.Ping\"",
		"{}",
		"{\"method\":null}",
		"{\"method\":7}",
		"{\"method\":\"a.B\"} x",
		"{\"method\":\"a.B\"}{}",
		"{\"method\":\"a.B\",\"method\":\"a.C\"}",
		"{\"method\":\"a.B\",\"parameters\":[]}",
		"{\"method\":\"a.B\",\"parameters\":\"x\"}",
		"{\"method\":\"a.B\",\"more\":1}",
		"{\"method\":\"a.B\",\"more\":null}",
		"{\"method\":\"a.B\",\"oneway\":\"yes\"}",
		"{\"method\":\"a.B\",\"upgrade\":[]}",
		"{\"method\":\"a.B\\u0000C\"}",
		"{\"method\":\"\xff\xfe\"}",
	};
	struct message_call call;
	char *deep;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (call_read(wrong[i], &call))
			fail_msg("taken: %s", wrong[i]);
		assert_null(call.root);
	}
	/* Half a million opening brackets must not exhaust the stack. */
	deep = malloc(500000);
	assert_non_null(deep);
	memset(deep, '[', 500000);
	assert_false(message_call_read(deep, 500000, &call));
	free(deep);
}

static void every_prefix_is_refused(void **state)
{
	static const char text[] =
		"{\"method\":\"io.openromon.Ping\",\"parameters\":{\"id\":\"r\\u00e4\",\"n\":[1,2.5e3]},\"more\":true}";
	struct message_call call;
	size_t len;

	(void)state;
	for (len = 0; len < strlen(text); len++) {
		/* A copy of just that size, so that reading past it shows under AddressSanitizer. */
		char *copy = malloc(len + 1);

		assert_non_null(copy);
		memcpy(copy, text, len);
		assert_false(message_call_read(copy, len, &call));
		free(copy);
	}
	assert_true(call_read(text, &call));
	message_call_free(&call);
}

static void replies_are_read(void **state)
{
	struct message_reply reply;

	(void)state;
	assert_true(reply_read("{\"parameters\":{\"a\":1},\"continues\":true}", &reply));
	assert_true(reply.continues && reply.error == NULL);
	assert_int_equal(json_integer_value(json_object_get(reply.parameters, "a")), 1);
	message_reply_free(&reply);

	assert_true(reply_read("{\"error\":\"io.openromon.NotRunning\"}", &reply));
	assert_string_equal(reply.error, "io.openromon.NotRunning");
	assert_true(!reply.continues && reply.parameters == NULL);
	message_reply_free(&reply);

	assert_true(reply_read("{}", &reply));
	message_reply_free(&reply);
	assert_false(reply_read("{\"error\":1}", &reply));
	assert_false(reply_read("{\"continues\":\"\"}", &reply));
	assert_false(reply_read("{\"parameters\":0}", &reply));
	assert_false(reply_read("7", &reply));
}

static void what_is_written_is_read(void **state)
{
	struct message_call call;
	struct message_reply reply;
	size_t len;
	char *text = message_call_text(
		"io.openromon.Set", json_pack("{s{ss}}", "values", "identity", "a\x1b[31m\"b\n"), MESSAGE_MORE, &len);

	(void)state;
	assert_non_null(text);
	assert_int_equal(len, strlen(text) + 1);
	assert_null(strchr(text, '\x1b')); /* control characters are escaped */
	assert_true(message_call_read(text, len - 1, &call));
	free(text);
	assert_string_equal(call.method, "io.openromon.Set");
	assert_true(call.more);
	assert_string_equal(
		json_string_value(json_object_get(json_object_get(call.parameters, "values"), "identity")), "a\x1b[31m\"b\n");
	message_call_free(&call);

	text = message_call_text("a.B", NULL, MESSAGE_ONCE, &len);
	assert_string_equal(text, "{\"method\":\"a.B\",\"parameters\":{}}");
	free(text);

	text = message_call_text("a.B", NULL, MESSAGE_UPGRADE, &len);
	assert_string_equal(text, "{\"method\":\"a.B\",\"upgrade\":true,\"parameters\":{}}");
	free(text);

	text = message_reply_text(json_pack("{sf}", "time", 0.000412), true, &len);
	assert_string_equal(text, "{\"continues\":true,\"parameters\":{\"time\":0.000412}}");
	assert_int_equal(len, strlen(text) + 1);
	free(text);

	text = message_error_text("io.openromon.Failed", json_pack("{ss}", "reason", "no"), &len);
	assert_true(message_reply_read(text, len - 1, &reply));
	free(text);
	assert_string_equal(reply.error, "io.openromon.Failed");
	message_reply_free(&reply);

	/* json_pack() gives NULL for what is no UTF-8: the message then has no parameters rather than wrong ones. */
	text = message_reply_text(json_pack("{ss}", "a", "\xff"), false, &len);
	assert_string_equal(text, "{\"parameters\":{}}");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_read),
		cmocka_unit_test(what_is_no_call_is_refused),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(replies_are_read),
		cmocka_unit_test(what_is_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
