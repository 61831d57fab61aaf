/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Small files, read whole and replaced whole.
 */
#ifndef ROMON_FILE_H
#define ROMON_FILE_H

#include <stddef.h>
#include <sys/types.h>

/* Opens a regular file for reading; anything else (a pipe would make the caller wait) is refused. -1 with errno. */
int file_open(const char *path);
/* Reads all of fd, from its beginning, at most max bytes. Returns a buffer to be freed, with a NUL behind its *len bytes; NULL
 * with errno (EFBIG: it is longer). */
char *file_read(int fd, size_t max, size_t *len);
/* Replaces the file, or creates it, with mode 0600: after a crash at any point there is the old one or the new one. The owner of an
 * old one is kept; a symbolic link is followed. 0, or -1 with errno. */
int file_replace(const char *path, const void *data, size_t len);
/* The same, but that group may read it. */
int file_replace_shared(const char *path, const void *data, size_t len, gid_t group);
/* Creates the folder that path lies in, if it is missing (its own parent must be there). 0, or -1 with errno. */
int file_make_parent(const char *path);

#endif
