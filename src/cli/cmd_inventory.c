/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon inventory: the routers as a dynamic inventory of Ansible, with what its ssh needs to reach them. Ansible takes values for
 * templates, so no text that a router chose gets into one; and a name only if nothing about it is special.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/call.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/proxy.h"

#define DURATION_DEFAULT 3.0 /* seconds, as of discover */
#define GROUP "romon"
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* Is this a name that Ansible takes for a host and for nothing else? 127.0.0.1 it would take for its localhost, where it runs what a
 * play delegates to this machine. */
static bool name_usable(const char *name)
{
	static const char *const taken[] = {"all", "ungrouped", GROUP, "localhost", "127.0.0.1"};

	if (!name || !*name || *name == '-' || strspn(name, NAME_CHARACTERS) != strlen(name))
		return false;
	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++) {
		if (strcmp(name, taken[i]) == 0)
			return false;
	}
	return true;
}

static bool name_unique(const json_t *routers, const char *name)
{
	size_t count = 0;

	for (size_t i = 0; i < json_array_size(routers); i++) {
		const char *other = json_string_value(json_object_get(json_array_get(routers, i), "identity"));

		count += other && strcmp(other, name) == 0;
	}
	return count == 1;
}

/* One option of ssh behind the others in args, quoted as Ansible takes it apart. */
static void option_write(FILE *args, const char *key, const char *value)
{
	char *text, *quoted;

	if (asprintf(&text, "-o%s=%s", key, value) < 0)
		cli_out_of_memory();
	quoted = proxy_quote(text);
	fprintf(args, "%s%s", ftell(args) > 0 ? " " : "", quoted);
	free(quoted);
	free(text);
}

static json_t *host_variables(const struct cli *cli, const char *id)
{
	char *proxy = proxy_command(cli, id), *text = NULL;
	json_t *variables = json_object();
	size_t size;
	FILE *args = open_memstream(&text, &size);

	if (!args)
		cli_out_of_memory();
	option_write(args, "ProxyCommand", proxy);
	option_write(args, "ProxyUseFdpass", proxy_fdpass(cli));
	option_write(args, "HostKeyAlias", id);
	option_write(args, "CanonicalizeHostname", "no");
	if (fclose(args) != 0)
		cli_out_of_memory();
	call_set(variables, "ansible_host", json_string(id));
	call_set(variables, "ansible_ssh_common_args", json_string(text));
	call_set(variables, "romon_id", json_string(id));
	free(text);
	free(proxy);
	return variables;
}

/* The variables of all hosts by their names: a new reference. */
static json_t *hosts(const struct cli *cli, const json_t *routers)
{
	json_t *all = json_object();

	for (size_t i = 0; i < json_array_size(routers); i++) {
		const json_t *router = json_array_get(routers, i);
		const char *address = json_string_value(json_object_get(router, "address"));
		const char *name = json_string_value(json_object_get(router, "identity"));
		char id[PROXY_ID_MAX];

		if (json_is_true(json_object_get(router, "active")) && address && proxy_id_read(address, id))
			call_set(all, name_usable(name) && name_unique(routers, name) ? name : id, host_variables(cli, id));
	}
	return all;
}

/* Takes over the reference to variables. */
static json_t *list_document(json_t *variables)
{
	json_t *document = json_object(), *group = json_object(), *meta = json_object(), *names = json_array(), *value;
	const char *name;

	json_object_foreach(variables, name, value)
	{
		if (json_array_append_new(names, json_string(name)) != 0)
			cli_out_of_memory();
	}
	call_set(group, "hosts", names);
	call_set(meta, "hostvars", variables);
	call_set(document, GROUP, group);
	call_set(document, "_meta", meta);
	return document;
}

static int inventory_print(const struct cli *cli, const json_t *routers, const char *host)
{
	json_t *all = hosts(cli, routers);

	if (!host) {
		output_json(list_document(all));
		return CLI_DONE;
	}

	json_t *one = json_incref(json_object_get(all, host));

	json_decref(all);
	if (!one)
		return cli_fail(CLI_NO, "romon: inventory: there is no host \"%s\"", host);
	output_json(one);
	return CLI_DONE;
}

int cmd_inventory(const struct cli *cli)
{
	const char *host = cli_value(cli, "host"), *text = cli_value(cli, "duration");
	double duration = DURATION_DEFAULT;
	struct message_reply reply;
	json_t *parameters;

	if (cli_flag(cli, "list") == (host != NULL))
		return cli_fail(CLI_USAGE, "romon: inventory: give either --list or --host NAME");
	if (text && !parse_duration(text, &duration))
		return cli_fail(
			CLI_USAGE, "romon: \"%s\" is no duration: write it like 10s, 1m30s or 00:00:10, up to 366d", text);
	parameters = json_object();
	call_set(parameters, "duration", json_real(duration));

	int status = call_once(cli, "Discover", parameters, duration, &reply);

	if (status != CLI_DONE)
		return status;
	status = inventory_print(cli, json_object_get(reply.parameters, "routers"), host);
	message_reply_free(&reply);
	return status;
}
