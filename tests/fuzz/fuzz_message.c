/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fuzz target: messages of the control socket, as calls and as answers. What is read is written again, and then read as the same.
 */
#include <string.h>

#include "control/message.h"
#include "fuzz.h"

static void same(const json_t *a, const json_t *b)
{
	json_t *empty = json_object();

	must(json_equal(a != NULL ? a : empty, b != NULL ? b : empty));
	json_decref(empty);
}

/* Numbers are written with nine digits: one that needs more is another number when it is read again. */
static bool has_real(const json_t *value)
{
	const char *key;
	json_t *inner;
	size_t i;

	if (json_is_real(value))
		return true;
	json_object_foreach((json_t *)(uintptr_t)value, key, inner)
	{
		if (has_real(inner))
			return true;
	}
	json_array_foreach(value, i, inner)
	{
		if (has_real(inner))
			return true;
	}
	return false;
}

static void as_call(const char *text, size_t len)
{
	struct message_call call, again;
	size_t written;
	char *copy;

	if (!message_call_read(text, len, &call))
		return;
	copy = message_call_text(call.method, json_incref(call.parameters),
		call.upgrade ? MESSAGE_UPGRADE
		: call.more  ? MESSAGE_MORE
			     : MESSAGE_ONCE,
		&written);
	must(copy != NULL && copy[written - 1] == '\0' && strlen(copy) == written - 1);
	must(message_call_read(copy, written - 1, &again));
	must(strcmp(call.method, again.method) == 0 && again.upgrade == call.upgrade);
	must(again.more == (call.more && !call.upgrade));
	if (!has_real(call.parameters))
		same(call.parameters, again.parameters);
	free(copy);
	message_call_free(&call);
	message_call_free(&again);
}

static void as_reply(const char *text, size_t len)
{
	struct message_reply reply, again;
	size_t written;
	char *copy;

	if (!message_reply_read(text, len, &reply))
		return;
	if (reply.error != NULL)
		copy = message_error_text(reply.error, json_incref(reply.parameters), &written);
	else
		copy = message_reply_text(json_incref(reply.parameters), reply.continues, &written);
	must(copy != NULL && strlen(copy) == written - 1);
	must(message_reply_read(copy, written - 1, &again));
	must((reply.error == NULL) == (again.error == NULL));
	must(reply.error == NULL ? again.continues == reply.continues : strcmp(reply.error, again.error) == 0);
	if (!has_real(reply.parameters))
		same(reply.parameters, again.parameters);
	free(copy);
	message_reply_free(&reply);
	message_reply_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	as_call((const char *)data, size);
	as_reply((const char *)data, size);
	return 0;
}
