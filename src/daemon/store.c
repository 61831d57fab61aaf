/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration file, as the monitor handles it: the worker's wishes are parsed here once more before they reach the disk.
 */
#include "daemon/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/file.h"

#define STORE_SEALS (F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE)

struct config *store_load_fd(int fd, struct config_error *error)
{
	struct config *config;
	size_t len;
	char *text = file_read(fd, CONFIG_SIZE_MAX, &len);

	if (text == NULL) {
		error->line = 0;
		snprintf(error->reason, sizeof(error->reason), "%s", errno == EFBIG ? "longer than 256 KiB" : strerror(errno));
		return NULL;
	}
	config = config_parse(text, len, error);
	free(text);
	return config;
}

struct config *store_load(const char *path, struct config_error *error)
{
	int fd = file_open(path);
	struct config *config;

	if (fd >= 0) {
		config = store_load_fd(fd, error);
		close(fd);
		return config;
	}
	config = errno == ENOENT ? config_new() : NULL;
	if (config == NULL) {
		error->line = 0;
		snprintf(error->reason, sizeof(error->reason), "%s", errno == EINVAL ? "not a regular file" : strerror(errno));
	}
	return config;
}

/* May the worker replace present by this? */
static bool may_replace(const struct config *present, const struct config *config)
{
	struct config *defaults = present == NULL ? config_new() : NULL;
	bool kept = (present != NULL || defaults != NULL) && config_services_kept(present != NULL ? present : defaults, config);

	config_free(defaults);
	return kept;
}

int store_replace(const char *path, int memfd, const struct config *present)
{
	struct config_error error;
	struct config *config;
	int result = EINVAL, seals;
	size_t len;
	char *text;

	/* The seals are asked for first: what has them is memory and not a file whose owner could make every call on it wait. */
	seals = fcntl(memfd, F_GET_SEALS);
	if (seals < 0 || (seals & STORE_SEALS) != STORE_SEALS)
		return EINVAL;
	text = file_read(memfd, CONFIG_SIZE_MAX, &len);
	if (text == NULL)
		return errno;
	config = config_parse(text, len, &error);
	if (config != NULL && !may_replace(present, config))
		result = EPERM;
	else if (config != NULL)
		result = file_make_parent(path) == 0 && file_replace(path, text, len) == 0 ? 0 : errno;
	config_free(config);
	free(text);
	return result;
}
