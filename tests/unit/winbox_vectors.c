/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The vectors of WinBox's protocol. The build defines WINBOX_VECTORS and WINBOX_VECTORS_OWN, the folders.
 */
#include "winbox_vectors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX (2 * BYTES_MAX + 64)

static FILE *file;
static struct vector_block present;
static char pending[TEXT_MAX]; /* the line that begins the next block */

static void end(const char *what, const char *name)
{
	fprintf(stderr, "%s: %s\n", name, what);
	exit(1);
}

void winbox_vectors_open(const char *name)
{
	char path[512];

	if (file != NULL)
		fclose(file);
	snprintf(path, sizeof(path), "%s/%s", WINBOX_VECTORS, name);
	file = fopen(path, "r");
	if (file == NULL) {
		snprintf(path, sizeof(path), "%s/own-%s", WINBOX_VECTORS_OWN, name);
		fprintf(stderr, "the published vectors are not here: testing with %s\n", strrchr(path, '/') + 1);
		file = fopen(path, "r");
	}
	if (file == NULL)
		end("cannot be read", path);
	pending[0] = '\0';
}

static void split(char *line)
{
	struct vector_line *entry = &present.lines[present.count];
	char *rest = line + strcspn(line, " "), *second, direction[sizeof(entry->direction)] = "";

	if (present.count == LINES_MAX)
		end("too many lines", line);
	if (*rest != '\0')
		*rest++ = '\0';
	second = rest + strcspn(rest, " ");
	if (*second != '\0' && second - rest < 16 && memchr(rest, '=', (size_t)(second - rest)) == NULL) {
		memcpy(direction, rest, (size_t)(second - rest));
		rest = second + 1;
	}
	memcpy(entry->direction, direction, sizeof(direction));
	if (strcmp(line, "wire") == 0 || strcmp(line, "message") == 0)
		snprintf(entry->name, sizeof(entry->name), "%s %s", line, direction);
	else
		snprintf(entry->name, sizeof(entry->name), "%s", line);
	entry->text = strdup(rest);
	present.count++;
}

const struct vector_block *winbox_vectors_next(void)
{
	char line[TEXT_MAX];

	while (present.count > 0)
		free(present.lines[--present.count].text);
	if (pending[0] != '\0')
		split(pending);
	pending[0] = '\0';
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '#' || line[0] == '\0')
			continue;
		if (strncmp(line, "vector ", 7) == 0 && present.count > 0) {
			strcpy(pending, line);
			break;
		}
		split(line);
	}
	return present.count > 0 ? &present : NULL;
}

static const char *find(const struct vector_block *block, const char *name, size_t n)
{
	for (size_t i = 0; i < block->count; i++)
		if (strcmp(block->lines[i].name, name) == 0 && n-- == 0)
			return block->lines[i].text;
	return NULL;
}

bool winbox_vector_has(const struct vector_block *block, const char *name)
{
	return find(block, name, 0) != NULL;
}

const char *winbox_vector_text(const struct vector_block *block, const char *name, size_t n)
{
	const char *text = find(block, name, n);

	if (text == NULL)
		end("not in the vectors", name);
	return text;
}

size_t winbox_hex(const char *text, uint8_t bytes[BYTES_MAX])
{
	size_t len = 0;
	unsigned byte;

	for (; len < BYTES_MAX && sscanf(text, "%2x", &byte) == 1; text += 2)
		bytes[len++] = (uint8_t)byte;
	if (*text != '\0')
		end("no hex, or too long", text);
	return len;
}

size_t winbox_vector_bytes(const struct vector_block *block, const char *name, size_t n, uint8_t bytes[BYTES_MAX])
{
	return winbox_hex(winbox_vector_text(block, name, n), bytes);
}
