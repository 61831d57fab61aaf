/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The methods about the settings of `/tool romon`, and what is shown of secrets.
 */
#include "daemon/control_change.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/router.h"

/* A secret may hold any bytes. One that is not UTF-8 is shown as the configuration writes it, with \\HH for each such byte. */
static json_t *secret_json(const char *secret)
{
	json_t *text = json_string(secret);
	struct config_secrets one = {.count = 1};
	char *written;

	if (text != NULL)
		return text;
	snprintf(one.secret[0], sizeof(one.secret[0]), "%s", secret);
	written = config_secrets_text(&one);
	text = json_string(written);
	free(written);
	return text;
}

json_t *secrets_json(const struct config_secrets *secrets)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < secrets->count; i++)
		json_array_append_new(list, secret_json(secrets->secret[i]));
	return list;
}

bool secrets_wanted(struct client *client, struct args *args, bool *refused)
{
	bool wanted = args_flag(args, "show_sensitive");

	*refused = !client_args_ok(client, args);
	if (!*refused && wanted && !client->root) {
		client_fail(client, "PermissionDenied", "reason", "secrets are shown to root only");
		*refused = true;
	}
	return wanted && !*refused;
}

static void get_settings(struct client *client, struct args *args)
{
	const struct worker *worker = client->worker;
	const struct config_settings *settings = config_settings(worker->config);
	char id[ROMON_MAC_TEXT], current[ROMON_MAC_TEXT];
	bool refused, sensitive = secrets_wanted(client, args, &refused);

	if (refused)
		return;
	romon_mac_text(worker->id, current);
	client_reply(
		client, json_pack("{s{sb ss ss? ss ss sb ss sI si so?}}", "settings", "enabled", settings->enabled, "id",
				romon_mac_text(settings->id, id), "current_id", romon_mac_is_zero(worker->id) ? NULL : current,
				"identity", router_identity(worker), "board", router_board(worker), "unicast", settings->unicast,
				"datapath", datapath_want_name(settings->datapath), "answer_limit",
				(json_int_t)settings->answer_limit, "secrets", (int)settings->secrets.count, "secret_list",
				sensitive ? secrets_json(&settings->secrets) : NULL));
}

/* The settings are as a list with one entry, which is always there. */
static bool set_one(struct config *config, size_t number, const char *name, const char *value, struct config_error *error)
{
	(void)number;
	return config_set(config, name, value, error);
}

static void set(struct client *client, struct args *args)
{
	static const struct change_list settings = {.set = set_one, .commit = change_commit};

	change_set(client, args, &settings, 0);
}

const struct method config_methods[] = {
	{"io.openromon.GetSettings", get_settings, (const char *const[]){"show_sensitive", NULL}, false, false, false},
	{"io.openromon.Set", set, (const char *const[]){"values", NULL}, true, false, false},
	{0},
};
