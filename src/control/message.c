/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Varlink messages to and from JSON text. Everything read here comes from the other end of a socket: jansson checks that it is
 * JSON and UTF-8 and bounds its depth, this file checks its shape, and whoever takes the parameters checks those.
 */
#include "control/message.h"

#include <stdlib.h>
#include <string.h>

/* Nine digits tell nanoseconds of a second apart, and keep 0.000412 from being printed with all the noise of a double. */
#define MESSAGE_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(9))

/* Takes a member that must be true or false where it is there at all. */
static bool read_flag(const json_t *root, const char *name, bool *flag)
{
	const json_t *value = json_object_get(root, name);

	*flag = json_is_true(value);
	return value == NULL || json_is_boolean(value);
}

/* Takes the member "parameters", which must be an object where it is there at all; null counts as absent. */
static bool read_parameters(const json_t *root, json_t **parameters)
{
	json_t *value = json_object_get(root, "parameters");

	if (json_is_null(value))
		value = NULL;
	*parameters = value;
	return value == NULL || json_is_object(value);
}

static json_t *read_object(const char *text, size_t len)
{
	json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(root))
		return root;
	json_decref(root);
	return NULL;
}

bool message_call_read(const char *text, size_t len, struct message_call *call)
{
	struct message_call new = {.root = read_object(text, len)};

	if (new.root == NULL)
		return false;
	new.method = json_string_value(json_object_get(new.root, "method"));
	if (new.method != NULL && read_parameters(new.root, &new.parameters) && read_flag(new.root, "more", &new.more) &&
		read_flag(new.root, "oneway", &new.oneway) && read_flag(new.root, "upgrade", &new.upgrade)) {
		*call = new;
		return true;
	}
	json_decref(new.root);
	return false;
}

bool message_reply_read(const char *text, size_t len, struct message_reply *reply)
{
	struct message_reply new = {.root = read_object(text, len)};
	const json_t *error;

	if (new.root == NULL)
		return false;
	error = json_object_get(new.root, "error");
	new.error = json_string_value(error);
	if ((error == NULL || new.error != NULL) && read_parameters(new.root, &new.parameters) &&
		read_flag(new.root, "continues", &new.continues)) {
		*reply = new;
		return true;
	}
	json_decref(new.root);
	return false;
}

void message_call_free(struct message_call *call)
{
	json_decref(call->root);
	memset(call, 0, sizeof(*call));
}

void message_reply_free(struct message_reply *reply)
{
	json_decref(reply->root);
	memset(reply, 0, sizeof(*reply));
}

/* Adds the parameters to the message and makes text of it. Takes over both references. */
static char *finish(json_t *root, json_t *parameters, size_t *len)
{
	char *text = NULL;

	if (parameters == NULL)
		parameters = json_object();
	if (json_object_set_new(root, "parameters", parameters) == 0)
		text = json_dumps(root, MESSAGE_FLAGS);
	json_decref(root);
	if (text != NULL)
		*len = strlen(text) + 1;
	return text;
}

char *message_call_text(const char *method, json_t *parameters, enum message_mode mode, size_t *len)
{
	json_t *root = mode == MESSAGE_ONCE
			       ? json_pack("{ss}", "method", method)
			       : json_pack("{ss sb}", "method", method, mode == MESSAGE_MORE ? "more" : "upgrade", 1);

	return finish(root, parameters, len);
}

char *message_reply_text(json_t *parameters, bool continues, size_t *len)
{
	return finish(continues ? json_pack("{sb}", "continues", 1) : json_object(), parameters, len);
}

char *message_error_text(const char *error, json_t *parameters, size_t *len)
{
	return finish(json_pack("{ss}", "error", error), parameters, len);
}
