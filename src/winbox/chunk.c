/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Chunks to frames and back. A frame of the session ends where the length that it declares is reached, also with a full chunk: RouterOS
 * sends no empty one behind it [T], others do, and so that is passed over [T].
 */
#include "winbox/chunk.h"

#include <stdlib.h>
#include <string.h>

#include "winbox/cipher.h"

void chunk_reader_free(struct chunk_reader *reader)
{
	if (reader->frame != NULL)
		explicit_bzero(reader->frame, reader->size);
	free(reader->frame);
	memset(reader, 0, sizeof(*reader));
}

/* Room for a frame of so many bytes. */
static bool reserve(struct chunk_reader *reader, size_t size)
{
	uint8_t *frame;

	if (size <= reader->size)
		return true;
	/* Not realloc(), which might leave a copy of what was decrypted in here. */
	frame = malloc(size);
	if (frame == NULL)
		return false;
	if (reader->frame != NULL) {
		memcpy(frame, reader->frame, reader->len);
		explicit_bzero(reader->frame, reader->size);
		free(reader->frame);
	}
	reader->frame = frame;
	reader->size = size;
	return true;
}

/* The head of a chunk is there: may it stand here? */
static bool begin_chunk(struct chunk_reader *reader)
{
	size_t len = reader->head[0];
	bool first = reader->len == 0;

	if (first && reader->session && len == 0 && reader->head[1] == CHUNK_TAG_MORE) {
		reader->head_len = 0; /* the empty chunk behind a frame whose last one was full */
		return true;
	}
	if (reader->head[1] != (first ? CHUNK_TAG_LOGIN : CHUNK_TAG_MORE) || len == 0)
		return false;
	if (!reader->session && len == CHUNK_MAX)
		return false;
	/* The declared length is in the first chunk, whole; no chunk goes beyond it, and none ends before it but a full one. */
	if (reader->session && first && len < CHUNK_MAX && len < CIPHER_HEADER)
		return false;
	if (reader->declared != 0 &&
		(reader->len + len > reader->declared || (len < CHUNK_MAX && reader->len + len != reader->declared)))
		return false;
	reader->chunk_len = len;
	return reserve(reader, reader->len + len);
}

/* The first two bytes of a frame say how long it will be. */
static bool declare(struct chunk_reader *reader)
{
	size_t whole = reader->len + reader->chunk_len; /* of the first chunk */

	reader->declared = cipher_declared_len(reader->frame);
	if (reader->declared == 0 || whole > reader->declared || (whole < CHUNK_MAX && whole != reader->declared))
		return false;
	return reserve(reader, reader->declared);
}

/* Takes bytes of the present chunk's data. */
static bool take_data(struct chunk_reader *reader, const uint8_t *data, size_t len, size_t *used)
{
	size_t n = len < reader->chunk_len ? len : reader->chunk_len;

	/* The length first, alone: not a byte is stored beyond what it allows. */
	if (reader->session && reader->declared == 0 && n > 2 - reader->len)
		n = 2 - reader->len;
	memcpy(reader->frame + reader->len, data, n);
	reader->len += n;
	reader->chunk_len -= n;
	*used += n;
	if (reader->session && reader->declared == 0 && reader->len == 2)
		return declare(reader);
	return true;
}

static bool frame_whole(const struct chunk_reader *reader)
{
	return reader->head_len == CHUNK_HEADER && reader->chunk_len == 0 &&
	       (!reader->session || reader->len == reader->declared);
}

/* Ready for the next frame. */
static void restart(struct chunk_reader *reader)
{
	reader->len = 0;
	reader->declared = 0;
	reader->head_len = 0;
	reader->chunk_len = 0;
	reader->done = false;
}

enum chunk_result chunk_read(struct chunk_reader *reader, const uint8_t *data, size_t len, size_t *used)
{
	*used = 0;
	if (reader->done)
		restart(reader);
	while (!reader->bad && *used < len) {
		if (reader->head_len < CHUNK_HEADER) {
			reader->head[reader->head_len++] = data[(*used)++];
			if (reader->head_len == CHUNK_HEADER && !begin_chunk(reader))
				reader->bad = true;
			continue;
		}
		if (!take_data(reader, data + *used, len - *used, used)) {
			reader->bad = true;
		} else if (frame_whole(reader)) {
			reader->done = true;
			return CHUNK_FRAME;
		} else if (reader->chunk_len == 0) {
			reader->head_len = 0;
		}
	}
	return reader->bad ? CHUNK_BAD : CHUNK_MORE;
}

size_t chunk_wire_len(size_t frame_len)
{
	return frame_len + (frame_len + CHUNK_MAX - 1) / CHUNK_MAX * CHUNK_HEADER;
}

void chunk_write(const uint8_t *frame, size_t len, uint8_t *wire)
{
	uint8_t tag = CHUNK_TAG_LOGIN;

	while (len > 0) {
		size_t n = len < CHUNK_MAX ? len : CHUNK_MAX;

		wire[0] = (uint8_t)n;
		wire[1] = tag;
		memcpy(wire + CHUNK_HEADER, frame, n);
		wire += CHUNK_HEADER + n;
		frame += n;
		len -= n;
		tag = CHUNK_TAG_MORE;
	}
}
