/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The pieces that a connection to WinBox's port is cut into. A frame, up to 65,538 bytes, travels as chunks of 255 bytes and a rest, each
 * with its length and a tag before it. The reader takes bytes as they come, in any portions, and holds one frame.
 */
#ifndef WINBOX_CHUNK_H
#define WINBOX_CHUNK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHUNK_HEADER 2
#define CHUNK_MAX 255 /* bytes of data in a chunk */
#define CHUNK_TAG_LOGIN 0x06
#define CHUNK_TAG_MORE 0xff

enum chunk_result {
	CHUNK_MORE,  /* all that was given is taken, and no frame is whole */
	CHUNK_FRAME, /* a whole one: reader->frame, reader->len, until the next call */
	CHUNK_BAD,   /* this is no such connection, and will never be one again */
};

struct chunk_reader {
	bool session;   /* frames declare their length; before that, during the login, a frame is one chunk */
	uint8_t *frame; /* allocated to size: never for more than a frame declares */
	size_t size;
	size_t len;      /* of what the frame has so far */
	size_t declared; /* of the whole frame; 0: not known yet */
	uint8_t head[CHUNK_HEADER];
	size_t head_len;  /* bytes of the chunk's head that are there */
	size_t chunk_len; /* bytes that the present chunk still brings */
	bool done;        /* the frame was handed out */
	bool bad;
};

void chunk_reader_free(struct chunk_reader *reader); /* leaves one that may be used anew */
/* Takes bytes; *used says how many. */
enum chunk_result chunk_read(struct chunk_reader *reader, const uint8_t *data, size_t len, size_t *used);

/* Bytes that a frame needs on its way. */
size_t chunk_wire_len(size_t frame_len);
/* Cuts a frame into chunks, chunk_wire_len() bytes in all. */
void chunk_write(const uint8_t *frame, size_t len, uint8_t *wire);

#endif
