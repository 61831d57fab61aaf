/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The filter. A call is read whole, taken apart, and made anew from what is known of it: no byte of the other side's reaches romond
 * as it was sent, and no method, parameter or way of calling that is not in the table. One call at a time, each on a connection of its
 * own.
 */
#include "cli/serve.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/call.h"
#include "cli/dial.h"
#include "cli/pump.h"

#define INPUT_STEP ((size_t)16 * 1024)
#define ERROR(name) MESSAGE_INTERFACE "." name

struct serve {
	const struct cli *cli;
	const struct allow *allow;
	char *input; /* read and not yet taken */
	size_t length, size;
	bool over; /* there is nobody any more to serve, or nothing to be said to him */
};

struct method {
	const char *name;
	const char *parameters; /* with blanks between */
};

/* Everything that looks, and Ping and Connect. AwaitEnd is not there: the verdict at the end of a stream says it. */
static const struct method methods[] = {
	{"GetSettings", "show_sensitive"},
	{"GetPorts", "show_sensitive"},
	{"GetServices", ""},
	{"GetNeighbors", ""},
	{"GetStats", ""},
	{"GetStreams", ""},
	{"GetEnds", ""},
	{"Discover", "duration"},
	{"Map", "duration"},
	{"Resolve", "id"},
	{"Ping", "id count size interval"},
	{"Connect", "id port service fdpass"},
};

/* ---- what may be done ---- */

static bool parameter_known(const struct method *method, const char *name)
{
	const char *words = method->parameters;
	size_t length = strlen(name), word;

	for (; *words; words += word + strspn(words + word, " ")) {
		word = strcspn(words, " ");
		if (word == length && memcmp(words, name, length) == 0)
			return true;
	}
	return false;
}

static const struct method *method_find(const char *name)
{
	const size_t prefix = strlen(MESSAGE_INTERFACE ".");

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (strncmp(name, MESSAGE_INTERFACE ".", prefix) == 0 && strcmp(name + prefix, methods[i].name) == 0)
			return &methods[i];
	}
	return NULL;
}

/* The service of a call to Connect, by its name or its port, of which there must be one. */
static bool service_allowed(const struct allow *allow, const json_t *parameters)
{
	const char *name = json_string_value(json_object_get(parameters, "service"));
	const json_t *port = json_object_get(parameters, "port");

	return (name != NULL) != json_is_integer(port) && allow_service(allow, name, json_integer_value(port));
}

/* ---- what is said ---- */

/* Frees the text. */
static void say(struct serve *serve, char *text, size_t length)
{
	const char *next = text;

	if (!text)
		cli_out_of_memory();
	while (length > 0 && !serve->over) {
		ssize_t put = write(STDOUT_FILENO, next, length);

		if (put < 0 && errno == EAGAIN) {
			struct pollfd ready = {.fd = STDOUT_FILENO, .events = POLLOUT};

			poll(&ready, 1, -1);
		} else if (put < 0 && errno != EINTR) {
			serve->over = true;
		} else if (put > 0) {
			next += put;
			length -= (size_t)put;
		}
	}
	free(text);
}

static void say_error(struct serve *serve, const char *error, const char *field, const char *text)
{
	size_t length;
	char *message = message_error_text(error, json_pack("{ss}", field, text), &length);

	say(serve, message, length);
}

static void refuse(struct serve *serve, const char *reason)
{
	say_error(serve, ERROR("PermissionDenied"), "reason", reason);
}

static void say_reply(struct serve *serve, const struct message_reply *reply)
{
	json_t *parameters = json_incref(reply->parameters);
	size_t length;
	char *text = reply->error ? message_error_text(reply->error, parameters, &length)
				  : message_reply_text(parameters, reply->continues, &length);

	say(serve, text, length);
}

/* ---- what is heard ---- */

/* Reads what is there; waits, if nothing is. What comes ahead of its turn is kept, up to the length of one call. */
static void input_fill(struct serve *serve)
{
	if (serve->length >= MESSAGE_CALL_MAX) {
		serve->over = true;
		return;
	}
	if (serve->size - serve->length < INPUT_STEP) {
		serve->size = serve->size * 2 + INPUT_STEP;
		if (!(serve->input = realloc(serve->input, serve->size)))
			cli_out_of_memory();
	}

	ssize_t got = read(STDIN_FILENO, serve->input + serve->length, serve->size - serve->length);

	if (got > 0) {
		serve->length += (size_t)got;
	} else if (got < 0 && errno == EAGAIN) {
		struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};

		poll(&ready, 1, -1);
	} else if (got == 0 || errno != EINTR) {
		serve->over = true;
	}
}

/* The next call, to be freed. False: there is none any more. */
static bool call_next(struct serve *serve, struct message_call *call)
{
	const char *end = NULL;

	while (!serve->over && !(end = serve->length > 0 ? memchr(serve->input, '\0', serve->length) : NULL))
		input_fill(serve);
	if (serve->over)
		return false;

	size_t length = (size_t)(end - serve->input);
	bool is_call = length < MESSAGE_CALL_MAX && message_call_read(serve->input, length, call) && !call->oneway;

	serve->length -= length + 1;
	memmove(serve->input, end + 1, serve->length);
	return is_call;
}

/* ---- romond ---- */

/* Opens a connection and calls; what fails is said. */
static struct client *romond_call(struct serve *serve, const struct method *method, json_t *parameters, enum message_mode mode)
{
	struct client *client = client_open(serve->cli->socket);

	if (client && client_call(client, method->name, parameters, mode))
		return client;

	char *reason = call_open_reason(serve->cli->socket);

	if (!client)
		json_decref(parameters);

	say_error(serve, ERROR("Unreachable"), "reason", reason);
	free(reason);
	client_close(client);
	return NULL;
}

/* The next answer. False: there is none, which was said, or nobody to say it to. */
static bool romond_next(struct serve *serve, struct client *client, struct message_reply *reply)
{
	enum client_result result;

	do {
		struct pollfd asker = {.fd = STDIN_FILENO, .events = POLLIN};

		result = client_next(client, &asker, 1, -1, reply);
		if (result == CLIENT_WOKEN)
			input_fill(serve);
	} while (result == CLIENT_WOKEN && !serve->over);
	if (result == CLIENT_REPLY || result == CLIENT_ERROR)
		return true;
	if (!serve->over)
		say_error(serve, ERROR("Unreachable"), "reason",
			result == CLIENT_CLOSED ? "its romond closed the connection" : "what its romond sent makes no sense");
	return false;
}

/* The connection has become a stream: carries it to its end, and says what that was. */
static void stream_carry(struct serve *serve, const struct dial_stream *stream)
{
	enum pump_state state = PUMP_RUNS;
	struct pollfd fds[PUMP_FDS];
	struct pump pump;
	char *reason;

	pump_start(&pump, (struct pump_end){STDIN_FILENO, STDOUT_FILENO, true}, (struct pump_end){stream->fd, stream->fd, false});
	while (state == PUMP_RUNS && !pump.back.refused) {
		pump_fds(&pump, fds);
		if (poll(fds, PUMP_FDS, -1) >= 0)
			state = pump_step(&pump, fds);
	}
	serve->over = true;
	if (!pump.back.refused && !pump.there.broken) {
		reason = dial_reason(serve->cli, stream, state == PUMP_BROKE);
		pump_judge(&pump, reason);
		free(reason);
	}
	pump_free(&pump);
}

/* ---- one call ---- */

/* Passes a call on, and what comes of it back. Takes over the reference to parameters. */
static void call_pass(struct serve *serve, const struct method *method, json_t *parameters, bool more)
{
	bool connects = strcmp(method->name, "Connect") == 0, goes_on;
	struct message_reply reply = {0};
	struct client *client = romond_call(serve, method, parameters,
		connects ? MESSAGE_UPGRADE
		: more   ? MESSAGE_MORE
			 : MESSAGE_ONCE);

	do {
		goes_on = client && romond_next(serve, client, &reply);
		if (goes_on)
			say_reply(serve, &reply);
		if (goes_on && connects && !reply.error && !serve->over) {
			struct dial_stream stream = dial_take(serve->cli, client, &reply);

			client = NULL;
			stream_carry(serve, &stream);
			close(stream.fd);
		}
	} while (goes_on && reply.continues && !serve->over);
	message_reply_free(&reply);
	client_close(client);
}

/* Puts the RoMON ID in the place of an identity, so that it is the ID which is decided on, and which is used. False: it is not allowed, or
 * nobody's, which was said. */
static bool id_settle(struct serve *serve, json_t *parameters)
{
	static const struct method resolve = {"Resolve", "id"};
	const char *given = json_string_value(json_object_get(parameters, "id"));
	struct message_reply reply = {0};
	struct client *client;
	bool allowed = false;

	if (!given) {
		say_error(serve, "org.varlink.service.InvalidParameter", "parameter", "id");
		return false;
	}
	client = romond_call(serve, &resolve, json_pack("{ss}", "id", given), MESSAGE_ONCE);
	if (client && romond_next(serve, client, &reply)) {
		json_t *id = json_object_get(reply.parameters, "id");

		allowed = !reply.error && json_is_string(id) && allow_id(serve->allow, json_string_value(id));
		if (reply.error)
			say_reply(serve, &reply);
		else if (!allowed)
			refuse(serve, "the agent does not reach this router for you");
		else
			json_object_set(parameters, "id", id);
	}
	message_reply_free(&reply);
	client_close(client);
	return allowed;
}

/* A copy of the parameters, if the method has them all; a new reference. NULL: no, which was said. */
static json_t *parameters_take(struct serve *serve, const struct method *method, const json_t *given)
{
	json_t *taken = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)given, key, value)
	{
		if (!parameter_known(method, key)) {
			say_error(serve, "org.varlink.service.InvalidParameter", "parameter", key);
			json_decref(taken);
			return NULL;
		}
		if (strcmp(key, "show_sensitive") == 0 && !json_is_false(value) && !json_is_null(value)) {
			refuse(serve, "an agent shows no secrets: log in there");
			json_decref(taken);
			return NULL;
		}
		json_object_set(taken, key, value);
	}
	return taken;
}

static void call_serve(struct serve *serve, const struct message_call *call)
{
	const struct method *method = method_find(call->method);
	json_t *parameters;

	if (!method) {
		refuse(serve, "an agent looks, pings and connects, and does nothing else: log in there");
		return;
	}
	if (!(parameters = parameters_take(serve, method, call->parameters)))
		return;
	if (call->upgrade != (strcmp(method->name, "Connect") == 0))
		say_error(serve, "org.varlink.service.InvalidParameter", "parameter", "upgrade");
	else if (call->upgrade && !service_allowed(serve->allow, parameters))
		refuse(serve, "the agent does not connect you to this service");
	else if (call->upgrade && serve->length > 0)
		serve->over = true; /* nothing may be sent before the answer */
	else if (!serve->allow->ids || !parameter_known(method, "id") || id_settle(serve, parameters))
		call_pass(serve, method, json_incref(parameters), call->more);
	json_decref(parameters);
}

int serve_run(const struct cli *cli, const struct allow *allow)
{
	struct serve serve = {.cli = cli, .allow = allow};
	struct message_call call = {0};

	while (call_next(&serve, &call)) {
		call_serve(&serve, &call);
		message_call_free(&call);
	}
	message_call_free(&call);
	free(serve.input);
	return CLI_DONE;
}
