/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Writing M2, in the forms that RouterOS and WinBox choose [P][K]: a u32 up to 255 in one byte, a length up to 255 in one byte, arrays with
 * two.
 */
#include "winbox/m2.h"

#include <string.h>

#define KIND_SHORT 1

static uint8_t *room(struct m2_writer *writer, size_t len)
{
	uint8_t *at = writer->data + writer->len;

	if (writer->failed || len > writer->max - writer->len) {
		writer->failed = true;
		return NULL;
	}
	writer->len += len;
	return at;
}

static void put_number(struct m2_writer *writer, uint64_t value, size_t bytes)
{
	uint8_t *at = room(writer, bytes);

	for (size_t i = 0; at != NULL && i < bytes; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void put_data(struct m2_writer *writer, const void *data, size_t len)
{
	uint8_t *at = room(writer, len);

	if (at != NULL && len > 0)
		memcpy(at, data, len);
}

static void put_head(struct m2_writer *writer, uint32_t key, enum m2_kind kind, unsigned flags)
{
	put_number(writer, key, 3);
	put_number(writer, (uint64_t)kind << 3 | flags, 1);
}

struct m2_writer m2_writer_make(uint8_t *data, size_t max)
{
	struct m2_writer writer = {.data = data, .max = max};

	put_data(&writer, "M2", M2_MARK);
	return writer;
}

void m2_put_bool(struct m2_writer *writer, uint32_t key, bool value)
{
	put_head(writer, key, M2_BOOL, value ? 1 : 0);
}

void m2_put_u32(struct m2_writer *writer, uint32_t key, uint32_t value)
{
	put_head(writer, key, M2_U32, value <= UINT8_MAX ? KIND_SHORT : 0);
	put_number(writer, value, value <= UINT8_MAX ? 1 : 4);
}

void m2_put_u64(struct m2_writer *writer, uint32_t key, uint64_t value)
{
	put_head(writer, key, M2_U64, 0);
	put_number(writer, value, 8);
}

void m2_put_ipv6(struct m2_writer *writer, uint32_t key, const uint8_t address[16])
{
	put_head(writer, key, M2_IPV6, 0);
	put_data(writer, address, 16);
}

void m2_put_bytes(struct m2_writer *writer, uint32_t key, enum m2_kind kind, const void *data, size_t len)
{
	if (len > UINT16_MAX)
		writer->failed = true;
	put_head(writer, key, kind, len <= UINT8_MAX ? KIND_SHORT : 0);
	put_number(writer, len, len <= UINT8_MAX ? 1 : 2);
	put_data(writer, data, len);
}

void m2_put_text(struct m2_writer *writer, uint32_t key, const char *text)
{
	m2_put_bytes(writer, key, M2_STRING, text, strlen(text));
}

void m2_put_u32s(struct m2_writer *writer, uint32_t key, const uint32_t *numbers, size_t count)
{
	m2_put_array(writer, key, M2_U32S, count);
	for (size_t i = 0; i < count; i++)
		put_number(writer, numbers[i], 4);
}

void m2_put_array(struct m2_writer *writer, uint32_t key, enum m2_kind kind, size_t count)
{
	if (count > UINT16_MAX)
		writer->failed = true;
	put_head(writer, key, kind, 0);
	put_number(writer, count, 2);
}

void m2_put_element_number(struct m2_writer *writer, enum m2_kind kind, uint64_t value)
{
	put_number(writer, value, kind == M2_BOOLS ? 1 : kind == M2_U32S ? 4 : 8);
}

void m2_put_element_ipv6(struct m2_writer *writer, const uint8_t address[16])
{
	put_data(writer, address, 16);
}

void m2_put_element_bytes(struct m2_writer *writer, const void *data, size_t len)
{
	if (len > UINT16_MAX)
		writer->failed = true;
	put_number(writer, len, 2);
	put_data(writer, data, len);
}

void m2_put_elements(struct m2_writer *writer, uint32_t key, enum m2_kind kind, size_t count, const uint8_t *elements, size_t len)
{
	m2_put_array(writer, key, kind, count);
	put_data(writer, elements, len);
}

void m2_put_field(struct m2_writer *writer, uint32_t key, const uint8_t *message, const struct m2_field *field)
{
	put_number(writer, key, 3);
	put_data(writer, message + field->begin + 3, field->end - field->begin - 3);
}

size_t m2_reroute(const uint8_t *message, size_t len, uint32_t key, size_t remove, const uint32_t *prefix, size_t count,
	uint8_t *out, size_t max)
{
	struct m2_writer writer = {.data = out, .max = max};
	struct m2_field field = {.begin = M2_MARK, .end = M2_MARK, .data = message}, found;
	size_t at = M2_MARK;

	while (m2_next(message, len, &at, &found)) {
		if (found.key == key) {
			field = found;
			break;
		}
	}
	if (len < M2_MARK || field.count < remove || (field.key == key && field.kind != M2_U32S))
		return 0;
	put_data(&writer, message, field.begin);
	m2_put_array(&writer, key, M2_U32S, field.count - remove + count);
	for (size_t i = 0; i < count; i++)
		put_number(&writer, prefix[i], 4);
	put_data(&writer, field.data + 4 * remove, 4 * (field.count - remove));
	put_data(&writer, message + field.end, len - field.end);
	return writer.failed ? 0 : writer.len;
}
