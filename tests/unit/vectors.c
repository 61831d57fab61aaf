/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The test vectors. The build defines VECTORS_CAPTURED and VECTORS_OWN, the paths of the two files.
 */
#include "vectors.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct vector vectors[VECTORS_MAX];
static size_t vector_count;
static bool captured;

static void refuse(const char *path, const char *why)
{
	fprintf(stderr, "%s: %s\n", path, why);
	exit(1);
}

static void read_line(const char *path, const char *line)
{
	struct vector *vector = &vectors[vector_count];
	size_t at = strcspn(line, " ");
	const char *hex = line + at + strspn(line + at, " ");
	unsigned byte;

	if (vector_count == VECTORS_MAX || at >= sizeof(vector->name))
		refuse(path, "too many frames, or too long a name");
	*vector = (struct vector){.frame = {[12] = 0x88, [13] = 0xbf}};
	memcpy(vector->name, line, at);
	for (; sscanf(hex, "%2x", &byte) == 1; hex += 2) {
		if (VECTOR_ETHERNET + vector->len == sizeof(vector->frame))
			refuse(path, "a frame is too long");
		vector->frame[VECTOR_ETHERNET + vector->len++] = (uint8_t)byte;
	}
	vector_count++;
}

static bool load(const char *path)
{
	FILE *file = fopen(path, "r");
	char line[1024];

	vector_count = 0;
	if (file == NULL)
		return false;
	while (fgets(line, sizeof(line), file) != NULL)
		if (line[0] != '#' && line[0] != '\n')
			read_line(path, line);
	fclose(file);
	if (vector_count == 0)
		refuse(path, "no frames");
	return true;
}

int vectors_run(int (*group)(void))
{
	int failed = 0;

	captured = load(VECTORS_CAPTURED);
	if (captured)
		failed += group();
	else
		fprintf(stderr, "the captured frames are not here: testing with frames of our own making\n");
	captured = false;
	if (!load(VECTORS_OWN))
		refuse(VECTORS_OWN, "cannot be read");
	return failed + group();
}

bool vectors_captured(void)
{
	return captured;
}

const struct vector *vectors_all(size_t *count)
{
	*count = vector_count;
	return vectors;
}

const struct vector *vector_get(const char *name)
{
	for (size_t i = 0; i < vector_count; i++)
		if (strcmp(vectors[i].name, name) == 0)
			return &vectors[i];
	fail_msg("no vector %s", name);
	return NULL;
}
