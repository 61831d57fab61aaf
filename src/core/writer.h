/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A bounded writer of big-endian bytes. What does not fit is not written and marks the writer as failed for good.
 */
#ifndef ROMON_WRITER_H
#define ROMON_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

struct writer {
	uint8_t *data;
	size_t cap;
	size_t len;
	bool failed;
};

struct writer writer_make(uint8_t *data, size_t cap);
void writer_u8(struct writer *writer, uint8_t value);
void writer_u16(struct writer *writer, uint16_t value);
void writer_u32(struct writer *writer, uint32_t value);
void writer_mac(struct writer *writer, struct romon_mac mac);
void writer_copy(struct writer *writer, const uint8_t *data, size_t len);
void writer_zero(struct writer *writer, size_t len);

#endif
