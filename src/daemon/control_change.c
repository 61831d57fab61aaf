/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How a call changes the configuration: on a copy, all of its values or none, saved before it is the running one.
 */
#include "daemon/control_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/router.h"

struct config *change_begin(struct client *client)
{
	struct config *config = config_copy(client->worker->config);

	if (config == NULL)
		client_fail(client, "Failed", "reason", "no memory");
	return config;
}

void change_commit(struct client *client, struct config *config, json_t *reply)
{
	struct config_error error;

	if (router_save(client->worker, config, &error)) {
		client_reply(client, reply);
		return;
	}
	json_decref(reply);
	config_free(config);
	client_fail(client, "Failed", "reason", error.reason);
}

void change_refuse(struct client *client, struct config *config, const struct config_error *error)
{
	/* RouterOS's own words for what is right in form but may not be. */
	bool failure = strncmp(error->reason, "failure: ", strlen("failure: ")) == 0;

	config_free(config);
	client_fail(client, failure ? "Failed" : "Invalid", "reason", error->reason);
}

/* The names and texts of the values as two lists, to be freed by the caller. False: no memory. */
static bool split(json_t *values, const char ***names, const char ***texts)
{
	size_t n = 0, count = json_object_size(values);
	const char *name;
	json_t *value;

	*names = calloc(count + 1, sizeof(**names));
	*texts = calloc(count + 1, sizeof(**texts));
	if (*names == NULL || *texts == NULL)
		return false;
	json_object_foreach(values, name, value)
	{
		(*names)[n] = name;
		(*texts)[n++] = json_string_value(value);
	}
	return true;
}

void change_add(struct client *client, struct args *args, const struct change_list *list)
{
	json_t *values = (json_t *)(uintptr_t)args_texts(args, "values");
	const char **names, **texts;
	struct config_error error;
	struct config *config;
	size_t number;
	bool added;

	if (!client_args_ok(client, args))
		return;
	config = change_begin(client);
	if (config == NULL)
		return;
	if (split(values, &names, &texts)) {
		added = list->add(config, names, texts, json_object_size(values), &number, &error);
	} else {
		snprintf(error.reason, sizeof(error.reason), "failure: no memory");
		added = false;
	}
	free(names);
	free(texts);
	if (added)
		list->commit(client, config, json_pack("{sI}", "number", (json_int_t)number));
	else
		change_refuse(client, config, &error);
}

void change_set(struct client *client, struct args *args, const struct change_list *list, size_t number)
{
	const json_t *values = args_texts(args, "values");
	struct config_error error;
	struct config *config;
	const char *name;
	json_t *value;

	if (!client_args_ok(client, args))
		return;
	config = change_begin(client);
	if (config == NULL)
		return;
	json_object_foreach((json_t *)(uintptr_t)values, name, value)
	{
		if (!list->set(config, number, name, json_string_value(value), &error)) {
			change_refuse(client, config, &error);
			return;
		}
	}
	list->commit(client, config, NULL);
}

void change_remove(struct client *client, const struct change_list *list, size_t number)
{
	struct config_error error;
	struct config *config = change_begin(client);

	if (config == NULL)
		return;
	if (list->remove(config, number, &error))
		list->commit(client, config, NULL);
	else
		change_refuse(client, config, &error);
}
