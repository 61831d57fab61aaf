/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Streams through the daemon's method Connect. What a name means, of a router or of a service, is for the daemon to say.
 */
#include "cli/dial.h"

#include <string.h>

#include "cli/agent.h"
#include "cli/call.h"
#include "cli/parse.h"

int dial_read(struct dial *dial, const char *id, const char *service)
{
	uint64_t port;

	*dial = (struct dial){.id = id, .service = service};
	if (!*id || !*service)
		return cli_fail(CLI_USAGE, "romon: the name of a %s must not be empty", *id ? "service" : "router");
	if (strspn(service, "0123456789") != strlen(service))
		return CLI_DONE;
	if (!parse_number(service, 2, UINT16_MAX, &port))
		return cli_fail(CLI_USAGE, "romon: \"%s\" is no port of a service: it must be a number from 2 to 65535", service);
	dial->port = (uint16_t)port;
	dial->service = NULL;
	return CLI_DONE;
}

int dial_start(const struct cli *cli, const struct dial *dial, bool fdpass, struct client **client)
{
	json_t *parameters = json_object();
	int status = call_set_text(parameters, "id", dial->id);

	if (status == CLI_DONE && dial->service)
		status = call_set_text(parameters, "service", dial->service);
	if (status != CLI_DONE) {
		json_decref(parameters);
		return status;
	}
	if (!dial->service)
		call_set(parameters, "port", json_integer(dial->port));
	call_set(parameters, "fdpass", json_boolean(fdpass));
	return call_start(cli, "Connect", parameters, MESSAGE_UPGRADE, client);
}

struct dial_stream dial_take(const struct cli *cli, struct client *client, const struct message_reply *reply)
{
	json_int_t number = json_integer_value(json_object_get(reply->parameters, "stream"));

	return (struct dial_stream){client_detach(client), cli->agent != NULL, number};
}

int dial_open(const struct cli *cli, const struct dial *dial, bool fdpass, struct dial_stream *stream)
{
	struct message_reply reply = {0};
	struct client *client;
	int status = dial_start(cli, dial, fdpass, &client);

	if (status != CLI_DONE)
		return status;

	enum client_result result = client_next(client, NULL, 0, call_timeout(cli, DIAL_SECONDS), &reply);

	if (result == CLIENT_REPLY) {
		*stream = dial_take(cli, client, &reply);
	} else {
		status = call_failure(cli, client, result, &reply);
		client_close(client);
	}
	message_reply_free(&reply);
	return status;
}

int dial_ask_end(const struct cli *cli, const struct dial_stream *stream, struct client **client)
{
	json_t *parameters = json_object();

	call_set(parameters, "stream", json_integer(stream->number));
	return call_start(cli, "AwaitEnd", parameters, MESSAGE_ONCE, client);
}

int dial_broke(const struct cli *cli, const char *verdict)
{
	if (!verdict && cli->agent)
		return cli_fail(CLI_NO, "romon: the agent %s is gone: the connection broke off", cli->agent->text);
	return cli_fail(CLI_NO, "romon: %s: the connection broke off", verdict && *verdict ? verdict : "reset");
}

int dial_ended(const struct cli *cli, const struct client *client, enum client_result result, const struct message_reply *reply,
	bool broke)
{
	const char *reason = json_string_value(json_object_get(reply->parameters, "reason"));
	bool unknown = result == CLIENT_ERROR && strcmp(reply->error, MESSAGE_INTERFACE ".NoSuchStream") == 0;

	if (result != CLIENT_REPLY && !unknown)
		return call_failure(cli, client, result, reply);
	if (result == CLIENT_REPLY && !reason && !broke)
		return CLI_DONE;
	return dial_broke(cli, result == CLIENT_REPLY && reason ? reason : "");
}

char *dial_reason(const struct cli *cli, const struct dial_stream *stream, bool broke)
{
	struct client *client = client_open(cli->socket);
	struct message_reply reply = {0};
	const char *reason = "reset";
	char *text;

	if (client && client_call(client, "AwaitEnd", json_pack("{sI}", "stream", stream->number), MESSAGE_ONCE) &&
		client_next(client, NULL, 0, -1, &reply) == CLIENT_REPLY) {
		const char *told = json_string_value(json_object_get(reply.parameters, "reason"));

		reason = told ? told : broke ? reason : "";
	}
	if (!(text = strdup(reason)))
		cli_out_of_memory();
	message_reply_free(&reply);
	client_close(client);
	return text;
}

int dial_await_end(const struct cli *cli, const struct dial_stream *stream, bool broke)
{
	struct message_reply reply = {0};
	struct client *client;
	int status = dial_ask_end(cli, stream, &client);

	if (status != CLI_DONE)
		return status;
	status = dial_ended(cli, client, client_next(client, NULL, 0, -1, &reply), &reply, broke);
	message_reply_free(&reply);
	client_close(client);
	return status;
}
