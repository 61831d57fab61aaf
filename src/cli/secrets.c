/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Secrets in the output of print and port print.
 */
#include "cli/secrets.h"

#include <stdio.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/text.h"

json_t *secrets_parameters(bool sensitive)
{
	json_t *parameters = json_object();

	call_set(parameters, "show_sensitive", json_boolean(sensitive));
	return parameters;
}

bool secrets_given(const json_t *entry)
{
	return json_is_array(json_object_get(entry, "secret_list"));
}

int secrets_refused(void)
{
	return cli_fail(CLI_NO, "romon: secrets are shown to root only: run it as root, or without show-sensitive");
}

char *secrets_shown(const json_t *entry, bool sensitive)
{
	json_int_t count = json_integer_value(json_object_get(entry, "secrets"));
	char *text = NULL;

	if (sensitive || count == 0)
		return text_secrets(json_object_get(entry, "secret_list"));
	if (asprintf(&text, "(%" JSON_INTEGER_FORMAT " not shown)", count) < 0)
		cli_out_of_memory();
	return text;
}

void secrets_json(json_t *shown, const json_t *entry, bool sensitive)
{
	if (sensitive)
		call_set(shown, "secrets", json_incref(json_object_get(entry, "secret_list")));
}
