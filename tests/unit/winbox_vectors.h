/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The vectors of WinBox's protocol: text files of lines "NAME VALUE" or "NAME DIRECTION VALUE". The published ones lie beside the
 * repository; a clone without them tests with some of our own, in the same form.
 */
#ifndef TEST_WINBOX_VECTORS_H
#define TEST_WINBOX_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINES_MAX 256
#define BYTES_MAX 4096

struct vector_line {
	char name[48];      /* "wire S>C_challenge" */
	char direction[16]; /* "C>A"; "" if there is none */
	char *text;         /* the rest of the line */
};

/* The lines of a file, of its block number `block` if the file has blocks ("vector ..."); comments are left out. */
struct vector_block {
	size_t count;
	struct vector_line lines[LINES_MAX];
};

/* Opens NAME ("winbox-m2.txt") of the published vectors, or else our own. Ends the program if there are neither. Says on stderr, once,
 * that they are our own. */
void winbox_vectors_open(const char *name);
/* The next block of the file, or NULL. A file without blocks is one. */
const struct vector_block *winbox_vectors_next(void);
/* A value of the block: its text, which must be there, or its bytes in hex. The n-th of that name. */
const char *winbox_vector_text(const struct vector_block *block, const char *name, size_t n);
size_t winbox_vector_bytes(const struct vector_block *block, const char *name, size_t n, uint8_t bytes[BYTES_MAX]);
bool winbox_vector_has(const struct vector_block *block, const char *name);
size_t winbox_hex(const char *text, uint8_t bytes[BYTES_MAX]);

#endif
