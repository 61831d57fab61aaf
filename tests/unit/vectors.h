/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The test vectors: RoMON messages from a text file of lines `NAME HEX`, in which the hex begins at the RoMON header. The captured ones lie
 * beside the repository; frames of our own, with the same names and the same form, come with it.
 */
#ifndef TEST_VECTORS_H
#define TEST_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VECTORS_MAX 32
#define VECTOR_ETHERNET 14

struct vector {
	char name[40];
	size_t len;                           /* of the message */
	uint8_t frame[VECTOR_ETHERNET + 400]; /* room for an Ethernet header, EtherType filled in, then the message */
};

/* Runs the group of tests once for each set that exists, says in one line on stderr if the captured one does not, and returns how
 * many tests failed. */
int vectors_run(int (*group)(void));

/* Which set is the current one? */
bool vectors_captured(void);
/* All frames of the current set. */
const struct vector *vectors_all(size_t *count);
/* The frame of this name in the current set; the test fails if there is none. */
const struct vector *vector_get(const char *name);

#endif
