/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Small files. Used by the monitor, so nothing here waits for anybody but the disk.
 */
#include "daemon/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int file_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

char *file_read(int fd, size_t max, size_t *len)
{
	char *data = NULL;
	size_t got = 0, size = 0;

	for (;;) {
		ssize_t n;

		/* One byte more than allowed is asked for, to tell a file of max bytes from a longer one; and one stays for the
		 * NUL. */
		if (size - got < 2) {
			char *grown;

			size = size == 0 ? 4096 : size * 2;
			if (size > max + 2)
				size = max + 2;
			grown = realloc(data, size);
			if (grown == NULL)
				break;
			data = grown;
		}
		n = pread(fd, data + got, size - got - 1, (off_t)got);
		if (n < 0)
			break;
		got += (size_t)n;
		if (n == 0) {
			data[got] = '\0';
			*len = got;
			return data;
		}
		if (got > max) {
			errno = EFBIG;
			break;
		}
	}
	free(data);
	return NULL;
}

/* Makes the entry of the folder that path lies in durable. */
static int sync_parent(const char *path)
{
	char copy[PATH_MAX];
	int fd, result;

	snprintf(copy, sizeof(copy), "%s", path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	result = fsync(fd);
	close(fd);
	return result;
}

static bool write_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return fsync(fd) == 0;
}

/* Gives the new file the owner of the old one, where there is an old one. Its mode stays 0600: there may be secrets in it now. */
static bool take_owner(int fd, const char *old)
{
	struct stat st;

	if (stat(old, &st) != 0)
		return errno == ENOENT;
	return fchown(fd, st.st_uid, st.st_gid) == 0;
}

int file_replace(const char *path, const void *data, size_t len)
{
	return file_replace_shared(path, data, len, (gid_t)-1);
}

int file_replace_shared(const char *path, const void *data, size_t len, gid_t group)
{
	char real[PATH_MAX], new[PATH_MAX];
	bool written;
	int fd, error;

	if (realpath(path, real) == NULL) {
		if (errno != ENOENT)
			return -1;
		if (snprintf(real, sizeof(real), "%s", path) >= (int)sizeof(real)) {
			errno = ENAMETOOLONG;
			return -1;
		}
	}
	if (snprintf(new, sizeof(new), "%s.new", real) >= (int)sizeof(new)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	/* What a crash left there. */
	unlink(new);
	fd = open(new, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	written = take_owner(fd, real) && (group == (gid_t)-1 || (fchown(fd, (uid_t)-1, group) == 0 && fchmod(fd, 0640) == 0)) &&
		  write_all(fd, data, len);
	error = errno;
	if (close(fd) != 0 && written) {
		written = false;
		error = errno;
	}
	if (written && rename(new, real) == 0)
		return sync_parent(real);
	if (written)
		error = errno;
	unlink(new);
	errno = error;
	return -1;
}

int file_make_parent(const char *path)
{
	char copy[PATH_MAX];
	const char *parent;

	if (snprintf(copy, sizeof(copy), "%s", path) >= (int)sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	parent = dirname(copy);
	if (mkdir(parent, 0755) == 0 || errno == EEXIST)
		return 0;
	return -1;
}
