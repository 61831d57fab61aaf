/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Clients and their calls. Everything is bounded: how many clients, how long a message, how much may wait to be written, and how
 * long. A client is freed in one place only, at the end of a turn, so that nothing in the middle of one finds it gone.
 */
#include "daemon/control.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>

#include "daemon/client.h"
#include "daemon/log.h"

#define CLIENTS_MAX 1024
#define CLIENTS_OTHERS_MAX 1000   /* root always finds a place */
#define BACKLOG_MAX (1024 * 1024) /* bytes unwritten after which a client is no reader */
#define WRITE_TIMEOUT_S 30        /* without a byte taken by the client */

struct control {
	struct worker *worker;
	struct evconnlistener *listener;
	struct client *clients[CLIENTS_MAX];
	size_t count;
};

static const struct method *const groups[] = {
	service_methods,
	config_methods,
	port_methods,
	discover_methods,
	resolve_methods,
	ping_methods,
	stats_methods,
	neighbor_methods,
	stream_methods,
	services_methods,
	agent_methods,
};

/* All that the account of the WinBox agent may call. Of Connect it may reach WinBox only, see there. */
static const char *const allowed_to_agent[] = {
	"io.openromon.Discover", "io.openromon.Map", "io.openromon.Ping", "io.openromon.Connect"};

size_t client_backlog(const struct client *client)
{
	return evbuffer_get_length(bufferevent_get_output(client->stream));
}

/* Queues one message, which it frees. A client that does not read what it has is dropped rather than served from ever more
 * memory. */
static void send_text(struct client *client, char *text, size_t len)
{
	if (!client->call.oneway &&
		(text == NULL || client_backlog(client) > BACKLOG_MAX || bufferevent_write(client->stream, text, len) != 0))
		client->doomed = true;
	free(text);
}

static void end_job(struct client *client)
{
	if (client->job != NULL)
		client->job->end(client);
	client->job = NULL;
	client->state = NULL;
}

/* The call is over. The next one may be waiting in the buffer already: that is looked at in the next turn. */
static void end_call(struct client *client)
{
	bool later = client->job != NULL;

	end_job(client);
	message_call_free(&client->call);
	client->busy = false;
	if (later)
		bufferevent_trigger(client->stream, EV_READ, BEV_TRIG_IGNORE_WATERMARKS | BEV_TRIG_DEFER_CALLBACKS);
}

void client_reply(struct client *client, json_t *parameters)
{
	size_t len = 0;
	char *text = message_reply_text(parameters, false, &len);

	send_text(client, text, len);
	end_call(client);
}

void client_error(struct client *client, const char *error, json_t *parameters)
{
	size_t len = 0;
	char *text = message_error_text(error, parameters, &len);

	send_text(client, text, len);
	end_call(client);
}

void client_update(struct client *client, json_t *parameters)
{
	size_t len = 0;
	char *text = message_reply_text(parameters, true, &len);

	send_text(client, text, len);
}

int client_upgrade(struct client *client, json_t *parameters)
{
	int fd = fcntl(bufferevent_getfd(client->stream), F_DUPFD_CLOEXEC, 0);
	bool idle = client_backlog(client) == 0 && evbuffer_get_length(bufferevent_get_input(client->stream)) == 0;
	size_t len = 0;
	char *text = message_reply_text(parameters, false, &len);

	/* From here on the bytes are not for us. */
	bufferevent_disable(client->stream, EV_READ | EV_WRITE);
	client->doomed = true;
	if (fd >= 0 && (!idle || text == NULL || send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len)) {
		close(fd);
		fd = -1;
	}
	free(text);
	end_job(client);
	message_call_free(&client->call);
	client->busy = false;
	return fd;
}

void client_fail(struct client *client, const char *name, const char *field, const char *text)
{
	char error[64] = MESSAGE_INTERFACE ".";

	strncat(error, name, sizeof(error) - strlen(error) - 1);
	client_error(client, error, field != NULL ? json_pack("{ss}", field, text) : NULL);
}

bool client_args_ok(struct client *client, const struct args *args)
{
	if (args->bad == NULL)
		return true;
	client_error(client, "org.varlink.service.InvalidParameter", json_pack("{ss}", "parameter", args->bad));
	return false;
}

static const struct method *method_find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		const struct method *method;

		for (method = groups[i]; method->name != NULL; method++) {
			if (strcmp(method->name, name) == 0)
				return method;
		}
	}
	return NULL;
}

/* Says which half of an unknown name is wrong. */
static void method_unknown(struct client *client)
{
	const char *name = client->call.method, *dot = strrchr(name, '.');
	size_t len = dot == NULL ? strlen(name) : (size_t)(dot - name);

	if ((len == strlen(MESSAGE_INTERFACE) && strncmp(name, MESSAGE_INTERFACE, len) == 0) ||
		(len == strlen("org.varlink.service") && strncmp(name, "org.varlink.service", len) == 0))
		client_error(client, "org.varlink.service.MethodNotFound", json_pack("{ss}", "method", name));
	else
		client_error(client, "org.varlink.service.InterfaceNotFound", json_pack("{ss%}", "interface", name, len));
}

static bool is_allowed_to_agent(const struct method *method)
{
	size_t i;

	for (i = 0; i < sizeof(allowed_to_agent) / sizeof(allowed_to_agent[0]); i++)
		if (strcmp(method->name, allowed_to_agent[i]) == 0)
			return true;
	return false;
}

static void dispatch(struct client *client)
{
	const struct method *method = method_find(client->call.method);
	struct args args = {.object = client->call.parameters};

	if (method == NULL) {
		method_unknown(client);
		return;
	}
	args_known(&args, method->parameters);
	if (client->call.upgrade != method->upgrade)
		args.bad = "upgrade";
	if (!client_args_ok(client, &args))
		return;
	if (method->root && !client->root)
		client_fail(client, "PermissionDenied", "reason", "only root may change the configuration");
	else if (client->agent && !is_allowed_to_agent(method))
		client_fail(client, "PermissionDenied", "reason",
			"the WinBox agent may discover, ping and connect to WinBox, and nothing else");
	else if (method->running && client->worker->engine == NULL)
		client_fail(client, "NotRunning", NULL, NULL);
	else
		method->call(client, &args);
}

/* Takes the first call from the input. False if there is no whole one; what is none dooms the client. */
static bool take_call(struct client *client)
{
	struct evbuffer *input = bufferevent_get_input(client->stream);
	struct evbuffer_ptr end = evbuffer_search(input, "", 1, NULL);
	const char *text;

	if (end.pos < 0)
		return false;
	text = (const char *)evbuffer_pullup(input, end.pos + 1);
	if (text == NULL || !message_call_read(text, (size_t)end.pos, &client->call)) {
		log_debug("a client sent something that is no call");
		client->doomed = true;
		return false;
	}
	evbuffer_drain(input, (size_t)end.pos + 1);
	client->busy = true;
	return true;
}

static void stream_readable(struct bufferevent *stream, void *arg)
{
	struct client *client = arg;

	while (!client->busy && !client->doomed && !client->closing && take_call(client))
		dispatch(client);
	/* What is left is the beginning of one call, or calls that wait for the one being answered. If that is as much as is ever
	 * read, nothing would be heard of this client any more, not even that it left. */
	if (evbuffer_get_length(bufferevent_get_input(stream)) >= MESSAGE_CALL_MAX) {
		log_debug("a client sent more than %d bytes ahead", MESSAGE_CALL_MAX);
		client->doomed = true;
	}
	/* libevent calls again and again while its mark is reached. */
	if (client->doomed)
		bufferevent_disable(stream, EV_READ);
}

static void stream_written(struct bufferevent *stream, void *arg)
{
	struct client *client = arg;

	(void)stream;
	if (client->closing)
		client->doomed = true;
}

/* The other side is gone, or takes nothing. What was answered before it closed its end is still written. */
static void stream_ended(struct bufferevent *stream, short what, void *arg)
{
	struct client *client = arg;

	if ((what & BEV_EVENT_EOF) && client_backlog(client) > 0) {
		end_job(client);
		client->closing = true;
		bufferevent_disable(stream, EV_READ);
	} else
		client->doomed = true;
}

static void client_free(struct client *client)
{
	end_job(client);
	message_call_free(&client->call);
	if (client->stream != NULL)
		bufferevent_free(client->stream);
	free(client);
}

/* Makes a client of a connection, which it takes over in any case. */
static struct client *client_new(struct control *control, int fd)
{
	const struct timeval write_timeout = {.tv_sec = WRITE_TIMEOUT_S};
	struct ucred cred = {.uid = (uid_t)-1};
	socklen_t len = sizeof(cred);
	struct client *client = calloc(1, sizeof(*client));

	if (client != NULL)
		client->stream = bufferevent_socket_new(control->worker->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (client == NULL || client->stream == NULL) {
		close(fd);
		free(client);
		return NULL;
	}
	getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len);
	client->control = control;
	client->worker = control->worker;
	client->root = cred.uid == 0;
	client->agent = cred.uid != 0 && cred.uid == control->worker->agent;
	bufferevent_setcb(client->stream, stream_readable, stream_written, stream_ended, client);
	bufferevent_setwatermark(client->stream, EV_READ, 0, MESSAGE_CALL_MAX);
	bufferevent_set_timeouts(client->stream, NULL, &write_timeout);
	if (control->count >= (client->root ? CLIENTS_MAX : CLIENTS_OTHERS_MAX) ||
		bufferevent_enable(client->stream, EV_READ) != 0) {
		log_debug("too many clients");
		client_free(client);
		return NULL;
	}
	return client;
}

static void accepted(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int len, void *arg)
{
	struct control *control = arg;
	struct client *client = client_new(control, fd);

	(void)listener;
	(void)addr;
	(void)len;
	if (client != NULL)
		control->clients[control->count++] = client;
}

struct control *control_new(struct worker *worker, int fd)
{
	struct control *control = calloc(1, sizeof(*control));

	if (control == NULL)
		return NULL;
	control->worker = worker;
	/* It listens already (backlog 0: leave that alone). */
	control->listener =
		evconnlistener_new(worker->base, accepted, control, LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_CLOSE_ON_FREE, 0, fd);
	if (control->listener == NULL) {
		free(control);
		return NULL;
	}
	return control;
}

void control_free(struct control *control)
{
	size_t i;

	for (i = 0; i < control->count; i++)
		client_free(control->clients[i]);
	evconnlistener_free(control->listener);
	free(control);
}

void control_event(struct control *control, const struct romon_event *event)
{
	size_t i;

	for (i = 0; i < control->count; i++) {
		struct client *client = control->clients[i];

		if (client->job != NULL && client->job->event != NULL)
			client->job->event(client, event);
	}
}

void control_settle(struct control *control)
{
	size_t i, kept = 0;

	for (i = 0; i < control->count; i++) {
		struct client *client = control->clients[i];

		if (!client->doomed && client->job != NULL && client->job->settle != NULL)
			client->job->settle(client);
		if (client->doomed)
			client_free(client);
		else
			control->clients[kept++] = client;
	}
	control->count = kept;
}

void control_not_running(struct control *control)
{
	size_t i;

	for (i = 0; i < control->count; i++) {
		if (control->clients[i]->job != NULL)
			client_fail(control->clients[i], "NotRunning", NULL, NULL);
	}
}
