/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A bounded reader of big-endian bytes.
 */
#include "core/reader.h"

#include <string.h>

struct reader reader_make(const uint8_t *data, size_t len)
{
	return (struct reader){.at = data, .left = len, .failed = false};
}

const uint8_t *reader_take(struct reader *reader, size_t len)
{
	const uint8_t *at = reader->at;

	if (reader->failed || len > reader->left) {
		reader->failed = true;
		return NULL;
	}
	reader->at += len;
	reader->left -= len;
	return at;
}

uint8_t reader_u8(struct reader *reader)
{
	const uint8_t *at = reader_take(reader, 1);

	return at != NULL ? at[0] : 0;
}

uint16_t reader_u16(struct reader *reader)
{
	const uint8_t *at = reader_take(reader, 2);

	return at != NULL ? (uint16_t)(at[0] << 8 | at[1]) : 0;
}

uint32_t reader_u32(struct reader *reader)
{
	const uint8_t *at = reader_take(reader, 4);

	return at != NULL ? (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3] : 0;
}

void reader_copy(struct reader *reader, uint8_t *out, size_t len)
{
	const uint8_t *at = reader_take(reader, len);

	if (at != NULL)
		memcpy(out, at, len);
	else
		memset(out, 0, len);
}

struct romon_mac reader_mac(struct reader *reader)
{
	struct romon_mac mac;

	reader_copy(reader, mac.b, sizeof(mac.b));
	return mac;
}

struct reader reader_child(struct reader *reader, size_t len)
{
	const uint8_t *at = reader_take(reader, len);

	return (struct reader){.at = at, .left = at != NULL ? len : 0, .failed = at == NULL};
}
