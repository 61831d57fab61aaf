/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every stand-in for a romond says and hears.
 */
#include "cli/stand_in.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Frees the text. */
static void say(struct stand_in *stand_in, char *text, size_t length)
{
	size_t done = 0;

	if (!text)
		cli_out_of_memory();
	while (done < length && !stand_in->over) {
		ssize_t put = send(stand_in->fd, text + done, length - done, MSG_NOSIGNAL); /* he may leave in the middle of it */

		if (put > 0)
			done += (size_t)put;
		else if (errno != EINTR)
			stand_in->over = true;
	}
	free(text);
}

void stand_in_reply(struct stand_in *stand_in, json_t *parameters, bool continues)
{
	size_t length = 0;
	char *text = message_reply_text(parameters, continues, &length);

	say(stand_in, text, length);
}

void stand_in_error(struct stand_in *stand_in, const char *name, json_t *parameters)
{
	char error[64];
	size_t length = 0;

	snprintf(error, sizeof(error), "%s.%s", MESSAGE_INTERFACE, name);

	char *text = message_error_text(error, parameters, &length);

	say(stand_in, text, length);
}

bool stand_in_read(struct stand_in *stand_in, struct message_call *call)
{
	char *text = NULL;
	size_t size = 0;
	FILE *in = stand_in->over ? NULL : fdopen(dup(stand_in->fd), "r");
	ssize_t length = in ? getdelim(&text, &size, '\0', in) : -1;
	bool read = length > 0 && text[length - 1] == '\0' && message_call_read(text, (size_t)length - 1, call);

	free(text);
	if (in)
		fclose(in);
	return read;
}

bool stand_in_pick(struct stand_in *stand_in, const json_t *routers, const char *name, char id[PROXY_ID_MAX])
{
	json_t *ids = json_array(), *router;
	size_t i, count;

	json_array_foreach(routers, i, router)
	{
		const char *identity = json_string_value(json_object_get(router, "identity"));

		if (identity && json_is_true(json_object_get(router, "active")) && strcmp(identity, name) == 0)
			json_array_append(ids, json_object_get(router, "address"));
	}
	count = json_array_size(ids);
	if (count == 1)
		proxy_id_read(json_string_value(json_array_get(ids, 0)), id);
	else if (count == 0)
		stand_in_error(stand_in, "NoSuchRouter", json_pack("{ss}", "identity", name));
	else
		stand_in_error(stand_in, "AmbiguousRouter", json_pack("{ss sO}", "identity", name, "ids", ids));
	json_decref(ids);
	return count == 1;
}
