/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Finding a router by its identity: by the table of discovery, once that is complete. An identity is no address, any router can claim
 * it, so two of one identity are an error, and never is one of them chosen.
 */
#include "daemon/resolve.h"

#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

/* The IDs of the active routers with this identity, the last of which is put in *id. A new reference. */
static json_t *find_identity(const struct resolve *resolve, struct romon_mac *id)
{
	json_t *ids = json_array();
	char text[ROMON_MAC_TEXT];
	struct romon_seen seen;
	size_t i;

	for (i = 0; romon_engine_router(resolve->client->worker->engine, i, &seen); i++) {
		if (seen.active && strcmp(seen.identity, resolve->identity) == 0) {
			*id = seen.id;
			json_array_append_new(ids, json_string(romon_mac_text(seen.id, text)));
		}
	}
	return ids;
}

/* Ends the discovery that runs for this. */
static void stop_asking(struct resolve *resolve)
{
	if (resolve->timer == NULL)
		return;
	event_free(resolve->timer);
	resolve->timer = NULL;
	asking_stop(&resolve->client->worker->asking, resolve->client->worker->engine);
}

/* Everybody had time to answer. */
static void answered(evutil_socket_t fd, short what, void *arg)
{
	struct resolve *resolve = arg;
	struct client *client = resolve->client;
	struct romon_mac id;
	json_t *ids;

	(void)fd;
	(void)what;
	if (client->doomed)
		return;
	ids = find_identity(resolve, &id);
	/* What comes next may be the end of the job, and with it of resolve. */
	if (json_array_size(ids) == 0) {
		client_fail(client, "NoSuchRouter", "identity", resolve->identity);
	} else if (json_array_size(ids) > 1) {
		client_error(client, MESSAGE_INTERFACE ".AmbiguousRouter",
			json_pack("{ss sO}", "identity", resolve->identity, "ids", ids));
	} else {
		stop_asking(resolve);
		resolve->found(client, id);
	}
	json_decref(ids);
}

/* Is there just one router of that identity, by a table that is as good as new? */
static bool known_already(const struct resolve *resolve, struct romon_mac *id)
{
	json_t *ids = find_identity(resolve, id);
	bool known = asking_settled(&resolve->client->worker->asking) && json_array_size(ids) == 1;

	json_decref(ids);
	return known;
}

void resolve_start(struct resolve *resolve, struct client *client, const char *text,
	void (*found)(struct client *client, struct romon_mac id))
{
	const struct timeval wait = {.tv_sec = ASKING_SETTLED / ROMON_SECOND, .tv_usec = ASKING_SETTLED % ROMON_SECOND / 1000};
	struct romon_mac id;

	if (romon_mac_parse(text, &id)) {
		if (romon_id_valid(id))
			found(client, id);
		else
			client_fail(client, "Invalid", "reason", "neither zero nor a group address can be the ID of a router");
		return;
	}
	*resolve = (struct resolve){.client = client, .identity = strdup(text), .found = found};
	if (resolve->identity != NULL && known_already(resolve, &id)) {
		found(client, id);
		return;
	}
	resolve->timer = evtimer_new(client->worker->base, answered, resolve);
	if (resolve->timer != NULL)
		asking_start(&client->worker->asking, client->worker->engine);
	if (resolve->identity == NULL || resolve->timer == NULL || evtimer_add(resolve->timer, &wait) != 0)
		client_fail(client, "Failed", "reason", "no memory");
}

void resolve_stop(struct resolve *resolve)
{
	stop_asking(resolve);
	free(resolve->identity);
	resolve->identity = NULL;
}
