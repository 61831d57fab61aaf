/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A hash table with a capacity: open addressing, linear probing, deletion by shifting back.
 */
#include "core/table.h"

#include <stdlib.h>
#include <string.h>

#include "core/broken.h"

#define SLOTS_MIN 16

void table_init(
	struct table *table, const struct table_seed *seed, size_t key_size, size_t item_size, size_t capacity, table_dead *dead)
{
	*table = (struct table){.key_size = key_size,
		.item_size = item_size,
		.capacity = capacity,
		.seed = seed,
		.dead = dead,
		.swept = {INT64_MIN}};
}

void table_clear(struct table *table)
{
	free(table->items);
	free(table->used);
	table->items = NULL;
	table->used = NULL;
	table->slots = table->count = 0;
}

static void *slot(const struct table *table, size_t i)
{
	return table->items + i * table->item_size;
}

/* Multilinear hashing: for any two keys the chance of a collision over all seeds is 2^-32. */
static size_t home(const struct table *table, const void *key)
{
	uint32_t words[TABLE_KEY_MAX / 4] = {0};
	uint64_t sum = table->seed->word[0];

	memcpy(words, key, table->key_size);
	for (size_t i = 0; i < TABLE_KEY_MAX / 4; i++)
		sum += table->seed->word[i + 1] * words[i];
	return (size_t)(sum >> 32) & (table->slots - 1);
}

/* The slot that holds key, or the empty one where it belongs. There is always an empty one. */
static size_t probe(const struct table *table, const void *key)
{
	size_t i = home(table, key);

	while (table->used[i] && memcmp(slot(table, i), key, table->key_size) != 0)
		i = (i + 1) & (table->slots - 1);
	return i;
}

void *table_find(const struct table *table, const void *key)
{
	size_t i;

	if (table->count == 0)
		return NULL;
	i = probe(table, key);
	return table->used[i] ? slot(table, i) : NULL;
}

/* Moves the items that are not dead to new arrays of this many slots. False, and nothing changed, without memory. */
static bool rebuild(struct table *table, size_t slots, table_dead *dead, struct romon_time now)
{
	struct table old = *table;

	table->items = malloc(slots * table->item_size);
	table->used = calloc(slots, sizeof(*table->used));
	if (table->items == NULL || table->used == NULL) {
		free(table->items);
		free(table->used);
		*table = old;
		return false;
	}
	table->slots = slots;
	table->count = 0;
	for (size_t i = 0; i < old.slots; i++) {
		if (!old.used[i] || (dead != NULL && dead(slot(&old, i), now)))
			continue;
		size_t to = probe(table, slot(&old, i));
		memcpy(slot(table, to), slot(&old, i), table->item_size);
		table->used[to] = true;
		table->count++;
	}
	free(old.items);
	free(old.used);
	return true;
}

/* Room for one more item within the limit and at most three quarters of the slots. */
static bool make_room(struct table *table, size_t limit, struct romon_time now)
{
	if (table->count >= limit && table->dead != NULL && now.ns - TABLE_SWEEP_INTERVAL >= table->swept.ns) {
		table->swept = now;
		if (!rebuild(table, table->slots, table->dead, now))
			return false;
	}
	if (table->count >= limit && !BROKEN(TABLE))
		return false;
	if (table->slots == 0)
		return rebuild(table, SLOTS_MIN, NULL, now);
	return (table->count + 1) * 4 <= table->slots * 3 || rebuild(table, table->slots * 2, NULL, now);
}

void *table_put(struct table *table, const void *key, struct romon_time now)
{
	return table_put_by(table, key, false, now);
}

void *table_put_by(struct table *table, const void *key, bool vouched, struct romon_time now)
{
	void *item = table_find(table, key);
	size_t i;

	if (item != NULL)
		return item;
	if (!make_room(table, vouched ? TABLE_FOR_VOUCHED(table->capacity) : table->capacity, now))
		return NULL;
	i = probe(table, key);
	table->used[i] = true;
	table->count++;
	item = slot(table, i);
	memset(item, 0, table->item_size);
	memcpy(item, key, table->key_size);
	return item;
}

void table_remove(struct table *table, void *item)
{
	size_t mask = table->slots - 1, hole = (size_t)((uint8_t *)item - table->items) / table->item_size;

	table->used[hole] = false;
	table->count--;
	for (size_t i = (hole + 1) & mask; table->used[i]; i = (i + 1) & mask) {
		/* An item may fill the hole if the hole lies between its home and where it is now. */
		if (((i - home(table, slot(table, i))) & mask) < ((i - hole) & mask))
			continue;
		memcpy(slot(table, hole), slot(table, i), table->item_size);
		table->used[hole] = true;
		table->used[i] = false;
		hole = i;
	}
}

void *table_next(const struct table *table, const void *item)
{
	size_t i = item == NULL ? 0 : (size_t)((const uint8_t *)item - table->items) / table->item_size + 1;

	while (i < table->slots && !table->used[i])
		i++;
	return i < table->slots ? slot(table, i) : NULL;
}
