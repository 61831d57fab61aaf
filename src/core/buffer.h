/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A ring of bytes that grows as needed, for one direction of one stream. What grows past a small minimum is taken from a pool that all
 * rings of an engine share; without room in it a ring stays as it is, and works on, only slower.
 */
#ifndef ROMON_BUFFER_H
#define ROMON_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUFFER_MIN 4096             /* bytes that every ring may have, whatever the pool says: so none of them ever starves */
#define BUFFER_MAX (512 * 1024)     /* of one ring */
#define BUFFER_POOL_MAX (32u << 20) /* of all rings together, the minimum of each not counted */

struct buffer_pool {
	size_t used;
};

struct buffer {
	uint8_t *data;
	uint32_t cap;  /* 0 or a power of two */
	uint32_t head; /* where the first byte stands */
	uint32_t len;  /* bytes in it from head on; what buffer_put() wrote behind them does not count yet */
};

/* Makes the ring at least need bytes large, if it can: otherwise as large as it can. Returns its size. */
uint32_t buffer_reserve(struct buffer *buffer, struct buffer_pool *pool, uint32_t need);
/* Writes size bytes at offset behind head, which lie within the size of the ring. */
void buffer_put(struct buffer *buffer, uint32_t offset, const uint8_t *data, uint32_t size);
/* Copies size bytes at offset behind head to out. */
void buffer_get(const struct buffer *buffer, uint32_t offset, uint8_t *out, uint32_t size);
/* The bytes at offset that stand in one piece, at most up to end (both behind head), as *data. Returns how many. */
uint32_t buffer_piece(const struct buffer *buffer, uint32_t offset, uint32_t end, uint8_t **data);
/* Drops the first size bytes. */
void buffer_drop(struct buffer *buffer, uint32_t size);
/* Nothing that matters is in it or behind its end: gives its memory back if that is much and half of the pool is used. */
void buffer_rest(struct buffer *buffer, struct buffer_pool *pool);
/* Gives everything back. */
void buffer_free(struct buffer *buffer, struct buffer_pool *pool);

#endif
