/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The method GetNeighbors: who was heard on each port, and which secrets he has proven to hold. Of secrets it tells the numbers only.
 */
#include "daemon/client.h"

#include <stdlib.h>

/* The entries of the list that are among the bits of proven. */
static json_t *entries_json(uint32_t proven)
{
	json_t *entries = json_array();
	int i;

	for (i = 0; i < ROMON_SECRETS_MAX; i++) {
		if (proven & 1u << i)
			json_array_append_new(entries, json_integer(i));
	}
	return entries;
}

static json_t *neighbor_json(const struct member *member, const struct romon_neighbor *neighbor)
{
	double age = (double)(worker_now().ns - neighbor->heard.ns) / ROMON_SECOND;
	char mac[ROMON_MAC_TEXT], id[ROMON_MAC_TEXT];
	bool hashed = neighbor->serial != 0;

	romon_mac_text(neighbor->id, id);
	return json_pack("{ss ss ss? sb so so sf}", "interface", member->name, "mac", romon_mac_text(neighbor->mac, mac),
		"address", neighbor->has_id ? id : NULL, "hashed", hashed, "secret",
		neighbor->secret >= 0 ? json_integer(neighbor->secret) : json_null(), "proven", entries_json(neighbor->proven),
		"last_seen", age);
}

static void get_neighbors(struct client *client, struct args *args)
{
	const struct worker *worker = client->worker;
	struct romon_engine *engine = worker->engine;
	size_t i, count = romon_engine_neighbors(engine, NULL, 0, worker_now());
	struct romon_neighbor *neighbors = calloc(count + 1, sizeof(*neighbors));
	json_t *list = json_array();

	(void)args;
	if (neighbors != NULL) {
		count = romon_engine_neighbors(engine, neighbors, count, worker_now());
		for (i = 0; i < count; i++) {
			const struct member *member = members_find(worker, neighbors[i].link);

			if (member != NULL) /* else it was heard on a port that is gone */
				json_array_append_new(list, neighbor_json(member, &neighbors[i]));
		}
	}
	free(neighbors);
	client_reply(client, json_pack("{so}", "neighbors", list));
}

const struct method neighbor_methods[] = {
	{"io.openromon.GetNeighbors", get_neighbors, (const char *const[]){NULL}, false, true, false},
	{0},
};
