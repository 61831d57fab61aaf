/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A bounded writer of big-endian bytes.
 */
#include "core/writer.h"

#include <string.h>

struct writer writer_make(uint8_t *data, size_t cap)
{
	return (struct writer){.data = data, .cap = cap};
}

/* Room for len bytes, or NULL. */
static uint8_t *writer_room(struct writer *writer, size_t len)
{
	uint8_t *at = writer->data + writer->len;

	if (writer->failed || len > writer->cap - writer->len) {
		writer->failed = true;
		return NULL;
	}
	writer->len += len;
	return at;
}

void writer_copy(struct writer *writer, const uint8_t *data, size_t len)
{
	uint8_t *at = writer_room(writer, len);

	if (at != NULL && len > 0)
		memcpy(at, data, len);
}

void writer_zero(struct writer *writer, size_t len)
{
	uint8_t *at = writer_room(writer, len);

	if (at != NULL)
		memset(at, 0, len);
}

void writer_u8(struct writer *writer, uint8_t value)
{
	writer_copy(writer, &value, 1);
}

void writer_u16(struct writer *writer, uint16_t value)
{
	const uint8_t bytes[] = {(uint8_t)(value >> 8), (uint8_t)value};

	writer_copy(writer, bytes, sizeof(bytes));
}

void writer_u32(struct writer *writer, uint32_t value)
{
	const uint8_t bytes[] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};

	writer_copy(writer, bytes, sizeof(bytes));
}

void writer_mac(struct writer *writer, struct romon_mac mac)
{
	writer_copy(writer, mac.b, sizeof(mac.b));
}
