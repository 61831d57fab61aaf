/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The kept RoMON ID: the file `id` in the state folder, two words on one line, ID and machine-id. The machine-id is no secret
 * worth a hash here: the file is created for root alone.
 */
#include "daemon/kept_id.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/file.h"

#define MACHINE_ID_LEN 32
#define FILE_MAX (ROMON_MAC_TEXT + MACHINE_ID_LEN + 1) /* with the newline */

/* The machine-id, or "-" where the system has none (OpenWrt): the ID is then bound to nothing. */
static void machine_id(char text[MACHINE_ID_LEN + 1])
{
	int fd = file_open("/etc/machine-id");
	char *data = NULL;
	size_t len;

	if (fd >= 0) {
		data = file_read(fd, 256, &len);
		close(fd);
	}
	if (data != NULL && strspn(data, "0123456789abcdef") == MACHINE_ID_LEN)
		snprintf(text, MACHINE_ID_LEN + 1, "%.*s", MACHINE_ID_LEN, data);
	else
		snprintf(text, MACHINE_ID_LEN + 1, "-");
	free(data);
}

static void id_path(const char *state_dir, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%s/id", state_dir);
}

static void id_line(struct romon_mac id, char line[FILE_MAX + 1])
{
	char text[ROMON_MAC_TEXT], machine[MACHINE_ID_LEN + 1];

	machine_id(machine);
	snprintf(line, FILE_MAX + 1, "%s %s\n", romon_mac_text(id, text), machine);
}

int kept_id_load(const char *state_dir, struct romon_mac *id)
{
	char path[PATH_MAX], expected[FILE_MAX + 1] = "";
	struct romon_mac found = romon_mac_zero;
	char *data;
	size_t len;
	int fd;

	id_path(state_dir, path);
	fd = file_open(path);
	if (fd < 0)
		return errno;
	data = file_read(fd, FILE_MAX, &len);
	close(fd);
	if (data == NULL)
		return errno == EFBIG ? ENOENT : errno;
	/* The line is right if it is what would be written for this ID on this machine, and no other. */
	if (len >= ROMON_MAC_TEXT) {
		data[ROMON_MAC_TEXT - 1] = '\0';
		if (romon_mac_parse(data, &found) && romon_id_valid(found)) {
			id_line(found, expected);
			data[ROMON_MAC_TEXT - 1] = ' ';
		}
	}
	if (!romon_id_valid(found) || strcmp(data, expected) != 0) {
		free(data);
		return ENOENT;
	}
	free(data);
	*id = found;
	return 0;
}

int kept_id_save(const char *state_dir, struct romon_mac id)
{
	char path[PATH_MAX], line[FILE_MAX + 1];

	if (!romon_id_valid(id))
		return EINVAL;
	id_path(state_dir, path);
	id_line(id, line);
	return file_replace(path, line, strlen(line)) == 0 ? 0 : errno;
}
