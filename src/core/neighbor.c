/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The neighbours on each port.
 */
#include "core/neighbor.h"

#include <stdlib.h>

struct neighbor_key {
	uint32_t link;
	struct romon_mac mac;
	uint8_t zero[2];
};

struct neighbor {
	struct neighbor_key key;
	struct romon_time heard;
	uint32_t serial;
	bool has_id;
	struct romon_mac id;
};
_Static_assert(sizeof(struct neighbor_key) <= TABLE_KEY_MAX, "fits a key, no padding");

static bool neighbor_dead(const void *item, struct romon_time now)
{
	const struct neighbor *neighbor = item;

	return now.ns - neighbor->heard.ns > NEIGHBOR_LIFETIME;
}

void neighbors_init(struct neighbors *neighbors, const struct table_seed *seed)
{
	table_init(&neighbors->table, seed, sizeof(struct neighbor_key), sizeof(struct neighbor), NEIGHBORS_MAX, neighbor_dead);
}

void neighbors_clear(struct neighbors *neighbors)
{
	table_clear(&neighbors->table);
}

/* Which router sent this very frame, if it says so. */
static bool sender_of(const struct wire_message *message, struct romon_mac *id)
{
	switch (message->type) {
	case WIRE_DISCOVER:
		*id = message->routes[0].id;
		return true;
	case WIRE_DISCOVER_RESP: /* from the one that answers, unless somebody passed it on */
		*id = message->routes[1].id;
		return romon_mac_equal(message->routes[1].in.mac, message->eth_src);
	case WIRE_SEQ_ERR:
	case WIRE_HELLO:
		*id = message->src;
		return true;
	default:
		return false;
	}
}

void neighbors_heard(struct neighbors *neighbors, uint32_t link, const struct wire_message *message, uint32_t serial,
	struct romon_time now)
{
	struct neighbor_key key = {.link = link, .mac = message->eth_src};
	struct neighbor *neighbor = table_put_by(&neighbors->table, &key, serial != 0, now);
	struct romon_mac id;

	if (neighbor == NULL)
		return;
	neighbor->heard = now;
	neighbor->serial = serial;
	if (sender_of(message, &id)) {
		neighbor->has_id = true;
		neighbor->id = id;
	}
}

void neighbors_forget_port(struct neighbors *neighbors, uint32_t link)
{
	struct neighbor *neighbor = NULL;

	while ((neighbor = table_next(&neighbors->table, neighbor)) != NULL) {
		if (neighbor->key.link == link) {
			table_remove(&neighbors->table, neighbor);
			neighbor = NULL; /* others may have moved */
		}
	}
}

size_t neighbors_count(const struct neighbors *neighbors, uint32_t link, struct romon_time now)
{
	const struct neighbor *neighbor = NULL;
	size_t count = 0;

	while ((neighbor = table_next(&neighbors->table, neighbor)) != NULL)
		count += neighbor->key.link == link && !neighbor_dead(neighbor, now);
	return count;
}

static int compare(const void *a, const void *b)
{
	const struct romon_neighbor *na = a, *nb = b;

	if (na->link != nb->link)
		return na->link < nb->link ? -1 : 1;
	return romon_mac_compare(na->mac, nb->mac);
}

size_t neighbors_list(const struct neighbors *neighbors, struct romon_neighbor *list, size_t max, struct romon_time now)
{
	const struct neighbor *neighbor = NULL;
	size_t count = 0;

	while ((neighbor = table_next(&neighbors->table, neighbor)) != NULL) {
		if (neighbor_dead(neighbor, now))
			continue;
		if (count < max)
			list[count] = (struct romon_neighbor){.link = neighbor->key.link,
				.mac = neighbor->key.mac,
				.has_id = neighbor->has_id,
				.id = neighbor->id,
				.serial = neighbor->serial,
				.secret = -1,
				.heard = neighbor->heard};
		count++;
	}
	if (max > 0)
		qsort(list, count < max ? count : max, sizeof(*list), compare);
	return count;
}
