/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A hash table with a capacity, for what strangers make a router remember. Items have one size and begin with their key, which is at
 * most 16 bytes without padding. The hash is universal over a random seed, so that nobody can choose keys that collide. When the
 * table is full, items that are dead by then make room; if there are none, the newcomer is refused.
 */
#ifndef ROMON_TABLE_H
#define ROMON_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#define TABLE_KEY_MAX 16
#define TABLE_FOR_VOUCHED(capacity) ((capacity) + (capacity) / 8) /* full of strangers, there is room for others */
#define TABLE_SWEEP_INTERVAL (50 * ROMON_MILLISECOND) /* a full table is not searched for the dead more often */

struct table_seed {
	uint64_t word[TABLE_KEY_MAX / 4 + 1];
};

/* May the item make room for another one? */
typedef bool table_dead(const void *item, struct romon_time now);

struct table {
	uint8_t *items; /* slots of item_size */
	bool *used;
	size_t slots, count;
	size_t key_size, item_size, capacity;
	const struct table_seed *seed;
	table_dead *dead; /* NULL: items never die */
	struct romon_time swept;
};

void table_init(struct table *table, const struct table_seed *seed, size_t key_size, size_t item_size, size_t capacity,
	table_dead *dead);
/* Frees the items and leaves an empty table. */
void table_clear(struct table *table);

/* The item with this key, or NULL. Pointers to items hold until the next put or remove. */
void *table_find(const struct table *table, const void *key);
/* The item with this key; if there is none, a new one, zero behind its key. NULL if the table is full or memory is. */
void *table_put(struct table *table, const void *key, struct romon_time now);
/* The same for somebody whom a secret vouches for, or else for a stranger: the former may fill TABLE_FOR_VOUCHED(). */
void *table_put_by(struct table *table, const void *key, bool vouched, struct romon_time now);
void table_remove(struct table *table, void *item);
/* The item after this one (NULL: the first), in no order; NULL after the last. */
void *table_next(const struct table *table, const void *item);

#endif
