/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A bounded reader of big-endian bytes. Reading past the end gives zeros and marks the reader as failed for good, so that a decoder
 * is straight-line code with one check at its end. A child reader cannot leave the part of its parent that it was given.
 */
#ifndef ROMON_READER_H
#define ROMON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

struct reader {
	const uint8_t *at;
	size_t left;
	bool failed;
};

struct reader reader_make(const uint8_t *data, size_t len);
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
struct romon_mac reader_mac(struct reader *reader);
/* Copies len bytes to out; out is zeroed if there are not so many. */
void reader_copy(struct reader *reader, uint8_t *out, size_t len);
/* Passes over len bytes and returns where they begin; NULL if there are not so many. */
const uint8_t *reader_take(struct reader *reader, size_t len);
/* A reader of the next len bytes, which this one passes over. Failed, like its parent, if there are not so many. */
struct reader reader_child(struct reader *reader, size_t len);

#endif
