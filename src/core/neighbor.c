/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The neighbours on each port.
 */
#include "core/neighbor.h"

#include <string.h>

struct neighbor_key {
	uint32_t link;
	struct romon_mac mac;
	uint8_t zero[2];
};

struct neighbor {
	struct neighbor_key key;
	struct romon_time heard;
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

void neighbors_heard(struct neighbors *neighbors, uint32_t link, struct romon_mac mac, struct romon_time now)
{
	struct neighbor_key key = {.link = link, .mac = mac};
	struct neighbor *neighbor = table_put(&neighbors->table, &key, now);

	if (neighbor != NULL)
		neighbor->heard = now;
}

size_t neighbors_count(const struct neighbors *neighbors, uint32_t link, struct romon_time now)
{
	const struct neighbor *neighbor = NULL;
	size_t count = 0;

	while ((neighbor = table_next(&neighbors->table, neighbor)) != NULL)
		count += neighbor->key.link == link && !neighbor_dead(neighbor, now);
	return count;
}
