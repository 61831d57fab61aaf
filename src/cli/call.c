/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls to the daemon, and what to say if they fail.
 */
#include "cli/call.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/agent.h"
#include "cli/secrets.h"

char *call_open_reason(const char *socket)
{
	const char *error = strerror(errno);
	bool absent = errno == ENOENT || errno == ENOTDIR || errno == ECONNREFUSED, denied = errno == EACCES || errno == EPERM;
	int length;
	char *text;

	if (absent)
		length = asprintf(&text,
			"romond is not running (%s: %s): start it with `systemctl start romond`, or name its socket with -s",
			socket, error);
	else if (denied)
		length = asprintf(&text,
			"%s: %s: be root, or join the group romon (`usermod -aG romon USER` as root, then log in again)", socket,
			error);
	else
		length = asprintf(&text, "cannot connect to romond at %s: %s", socket, error);
	if (length < 0)
		cli_out_of_memory();
	return text;
}

static int open_failure(const struct cli *cli)
{
	if (cli->agent)
		return cli_fail(CLI_UNREACHABLE, "romon: cannot start ssh: %s", strerror(errno));

	char *reason = call_open_reason(cli->socket);
	int status = cli_fail(CLI_UNREACHABLE, "romon: %s", reason);

	free(reason);
	return status;
}

int call_start(const struct cli *cli, const char *method, json_t *parameters, enum message_mode mode, struct client **client)
{
	*client = cli->agent ? agent_open(cli->agent) : client_open(cli->socket);
	if (!*client) {
		json_decref(parameters);
		return open_failure(cli);
	}
	if (client_call(*client, method, parameters, mode))
		return CLI_DONE;

	int error = errno, status;

	if (cli->agent) /* whose process has ended before it took anything */
		status = call_failure(cli, *client, CLIENT_CLOSED, NULL);
	else
		status = cli_fail(CLI_UNREACHABLE,
			"romon: romond does not take the call: %s; `systemctl status romond` may tell why", strerror(error));
	client_close(*client);
	*client = NULL;
	return status;
}

int call_timeout(const struct cli *cli, double seconds)
{
	double timeout = (seconds + CALL_PATIENCE) * 1000;

	return !cli->agent && timeout < 2e9 ? (int)timeout : -1;
}

static const char *detail(const struct message_reply *reply, const char *name)
{
	const char *text = json_string_value(json_object_get(reply->parameters, name));

	return text ? text : "";
}

static int ambiguous_failure(const struct message_reply *reply)
{
	const json_t *ids = json_object_get(reply->parameters, "ids");
	char list[512] = "";
	size_t length = 0;

	for (size_t i = 0; i < json_array_size(ids) && length < sizeof(list); i++) {
		const char *id = json_string_value(json_array_get(ids, i));

		length += (size_t)snprintf(list + length, sizeof(list) - length, "%s%s", i > 0 ? ", " : "", id ? id : "?");
	}
	return cli_fail(
		CLI_NO, "romon: several routers are called \"%s\": take one by its ID (%s)", detail(reply, "identity"), list);
}

/* The errors of the interface file, and those of Varlink itself. */
static int error_failure(const struct cli *cli, const struct message_reply *reply)
{
	const size_t prefix = strlen(MESSAGE_INTERFACE ".");
	const char *error = strncmp(reply->error, MESSAGE_INTERFACE ".", prefix) == 0 ? reply->error + prefix : "";
	const char *reason = detail(reply, "reason");

	if (strcmp(error, "NotRunning") == 0)
		return cli_fail(CLI_NO, "failure: RoMON not running: %s",
			cli->agent ? "it is disabled on the agent" : "switch it on with `romon set enabled=yes`");
	/* RouterOS's own words keep their form. */
	if (strcmp(error, "Failed") == 0)
		return cli_fail(CLI_NO, "%s%s", strncmp(reason, "failure: ", strlen("failure: ")) == 0 ? "" : "romon: ", reason);
	if (strcmp(error, "Unreachable") == 0)
		return cli_fail(CLI_UNREACHABLE, "romon: the agent %s: %s", cli->agent ? cli->agent->text : "", reason);
	if (strcmp(error, "Invalid") == 0)
		return cli_fail(CLI_USAGE, "romon: %s", reason);
	if (strcmp(error, "PermissionDenied") == 0 || strcmp(error, "NoSuchPort") == 0 || strcmp(error, "NoSuchService") == 0 ||
		strcmp(error, "Refused") == 0 || strcmp(error, "Timeout") == 0 || strcmp(error, "NoPath") == 0 ||
		strcmp(error, "Reset") == 0)
		return cli_fail(CLI_NO, "romon: %s", reason);
	if (strcmp(error, "NoSuchRouter") == 0)
		return cli_fail(CLI_NO, "romon: no router is called \"%s\": `romon discover` shows all, and their IDs",
			detail(reply, "identity"));
	if (strcmp(error, "AmbiguousRouter") == 0)
		return ambiguous_failure(reply);
	if (strcmp(reply->error, "org.varlink.service.InvalidParameter") == 0)
		return cli_fail(CLI_USAGE, "romon: romond does not take this value of %s: romon(8) says what it may be",
			detail(reply, "parameter"));
	return cli_fail(CLI_UNREACHABLE, "romon: romond answers %s: are romon and romond of the same version?", reply->error);
}

/* What an agent can do to a call, beyond what romond can. */
static int agent_lost(const struct agent *agent, const struct client *client, enum client_result result)
{
	if (result == CLIENT_CLOSED)
		return agent_failure(agent, client_process(client));
	return cli_fail(CLI_UNREACHABLE,
		"romon: what the agent %s sent makes no sense: does its shell print something at login, or is its romon of "
		"another "
		"version?",
		agent->text);
}

int call_failure(const struct cli *cli, const struct client *client, enum client_result result, const struct message_reply *reply)
{
	if (cli->agent && (result == CLIENT_CLOSED || result == CLIENT_GARBAGE))
		return agent_lost(cli->agent, client, result);
	switch (result) {
	case CLIENT_ERROR:
		return error_failure(cli, reply);
	case CLIENT_TIMEOUT:
		return cli_fail(CLI_UNREACHABLE, "romon: romond does not answer; `systemctl restart romond` starts it anew");
	case CLIENT_CLOSED:
		return cli_fail(CLI_UNREACHABLE, "romon: romond closed the connection; `systemctl status romond` may tell why");
	default:
		return cli_fail(
			CLI_UNREACHABLE, "romon: what romond sent makes no sense: are romon and romond of the same version?");
	}
}

int call_once(const struct cli *cli, const char *method, json_t *parameters, double seconds, struct message_reply *reply)
{
	struct client *client;
	int status = call_start(cli, method, parameters, MESSAGE_ONCE, &client);

	*reply = (struct message_reply){0};
	if (status != CLI_DONE)
		return status;

	enum client_result result = client_next(client, NULL, 0, call_timeout(cli, seconds), reply);

	if (result != CLIENT_REPLY) {
		status = call_failure(cli, client, result, reply);
		message_reply_free(reply);
	}
	client_close(client);
	return status;
}

void call_set(json_t *parameters, const char *key, json_t *value)
{
	if (json_object_set_new(parameters, key, value) != 0)
		cli_out_of_memory();
}

int call_set_text(json_t *parameters, const char *key, const char *text)
{
	json_t *value = json_string(text);

	if (!value) /* which may be a secret, so it is not repeated */
		return cli_fail(CLI_USAGE, "romon: the value of %s is not UTF-8", key);
	call_set(parameters, key, value);
	return CLI_DONE;
}

/* secrets=- stands for a list on standard input. */
static int set_value(json_t *values, const struct cli_pair *pair)
{
	char *secrets;
	int status;

	if (strcmp(pair->key, "secrets") != 0 || strcmp(pair->value, "-") != 0)
		return call_set_text(values, pair->key, pair->value);
	secrets = secrets_read();
	if (!secrets)
		return CLI_USAGE;
	status = call_set_text(values, pair->key, secrets);
	explicit_bzero(secrets, strlen(secrets));
	free(secrets);
	return status;
}

int call_set_values(const struct cli *cli, json_t *parameters)
{
	json_t *values = json_object();
	int status = CLI_DONE;

	for (size_t i = 0; i < cli->pair_count && status == CLI_DONE; i++)
		status = set_value(values, &cli->pairs[i]);
	call_set(parameters, "values", values);
	return status;
}
