/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon print, romon set: the settings of `/tool romon`.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/secrets.h"
#include "cli/text.h"

/* One line, the name right-aligned as RouterOS prints a menu's properties. */
static void property_print(const char *name, char *value)
{
	char *shown = text_escape(value);

	printf("%12s:%s%s\n", name, *shown ? " " : "", shown);
	free(shown);
	free(value);
}

static void settings_print(const json_t *settings, bool sensitive)
{
	static const char *const names[] = {
		"enabled", "id", "current-id", "identity", "board", "unicast", "datapath", "answer-limit"};
	json_t *picked = output_pick(settings, "enabled id current-id identity board unicast datapath answer-limit");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		property_print(names[i], text_value(json_object_get(picked, names[i])));
	property_print("secrets", secrets_shown(settings, sensitive));
	json_decref(picked);
}

int cmd_print(const struct cli *cli)
{
	bool sensitive = cli_flag(cli, "show-sensitive");
	struct message_reply reply;
	int status = call_once(cli, "GetSettings", secrets_parameters(sensitive), 0, &reply);

	if (status != CLI_DONE)
		return status;

	const json_t *settings = json_object_get(reply.parameters, "settings");

	if (sensitive && !secrets_given(settings)) {
		status = secrets_refused();
	} else if (cli->json) {
		json_t *shown =
			output_pick(settings, "enabled id current-id identity board unicast datapath answer-limit secrets");

		secrets_json(shown, settings, sensitive);
		output_json(shown);
	} else {
		settings_print(settings, sensitive);
	}
	message_reply_free(&reply);
	return status;
}

int cmd_set(const struct cli *cli)
{
	struct message_reply reply;

	if (cli->pair_count == 0)
		return cli_fail(CLI_USAGE, "romon: set: nothing to set; use: romon set PROPERTY=VALUE ..., such as enabled=yes");

	json_t *parameters = json_object();
	int status = call_set_values(cli, parameters);

	if (status != CLI_DONE) {
		json_decref(parameters);
		return status;
	}
	status = call_once(cli, "Set", parameters, 0, &reply);
	message_reply_free(&reply);
	return status;
}
