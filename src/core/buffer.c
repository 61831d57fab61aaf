/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A ring of bytes that grows as needed, by doubling.
 */
#include "core/buffer.h"

#include <stdlib.h>
#include <string.h>

/* What a ring of this size takes from the pool. */
static size_t charge(uint32_t cap)
{
	return cap > BUFFER_MIN ? cap - BUFFER_MIN : 0;
}

uint32_t buffer_piece(const struct buffer *buffer, uint32_t offset, uint32_t end, uint8_t **data)
{
	uint32_t at = (buffer->head + offset) & (buffer->cap - 1), size = end - offset;

	*data = buffer->data + at;
	return size < buffer->cap - at ? size : buffer->cap - at;
}

void buffer_get(const struct buffer *buffer, uint32_t offset, uint8_t *out, uint32_t size)
{
	uint8_t *data;
	uint32_t piece;

	if (size == 0)
		return;
	piece = buffer_piece(buffer, offset, offset + size, &data);
	memcpy(out, data, piece);
	memcpy(out + piece, buffer->data, size - piece);
}

void buffer_put(struct buffer *buffer, uint32_t offset, const uint8_t *data, uint32_t size)
{
	uint8_t *to;
	uint32_t piece;

	if (size == 0)
		return;
	piece = buffer_piece(buffer, offset, offset + size, &to);
	memcpy(to, data, piece);
	memcpy(buffer->data, data + piece, size - piece);
}

uint32_t buffer_reserve(struct buffer *buffer, struct buffer_pool *pool, uint32_t need)
{
	uint32_t cap = BUFFER_MIN;
	uint8_t *grown;

	if (need <= buffer->cap)
		return buffer->cap;
	while (cap < need && cap < BUFFER_MAX)
		cap *= 2;
	while (cap > BUFFER_MIN && pool->used - charge(buffer->cap) + charge(cap) > BUFFER_POOL_MAX)
		cap /= 2;
	grown = cap > buffer->cap ? malloc(cap) : NULL;
	if (grown == NULL)
		return buffer->cap;
	buffer_get(buffer, 0, grown, buffer->cap); /* all of it: bytes may stand behind len */
	pool->used += charge(cap) - charge(buffer->cap);
	free(buffer->data);
	buffer->data = grown;
	buffer->cap = cap;
	buffer->head = 0;
	return cap;
}

void buffer_drop(struct buffer *buffer, uint32_t size)
{
	buffer->len -= size;
	buffer->head = (buffer->head + size) & (buffer->cap - 1);
}

void buffer_rest(struct buffer *buffer, struct buffer_pool *pool)
{
	if (buffer->cap > BUFFER_MIN && pool->used > BUFFER_POOL_MAX / 2)
		buffer_free(buffer, pool);
}

void buffer_free(struct buffer *buffer, struct buffer_pool *pool)
{
	pool->used -= charge(buffer->cap);
	free(buffer->data);
	*buffer = (struct buffer){0};
}
