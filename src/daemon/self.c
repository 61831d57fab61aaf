/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Name and board of this machine.
 */
#include "daemon/self.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <romon/romon.h>

#include "daemon/file.h"

static const char blanks[] = " \t\r\n";

/* Takes the first line of a file of sysfs, trimmed. False if there is no such file or nothing in it. */
static bool read_line(const char *path, char *text, size_t cap)
{
	int fd = file_open(path);
	size_t len;
	char *data, *start;

	if (fd < 0)
		return false;
	data = file_read(fd, 4096, &len);
	close(fd);
	if (data == NULL)
		return false;
	start = data + strspn(data, blanks);
	len = strcspn(start, "\r\n");
	while (len > 0 && strchr(blanks, start[len - 1]) != NULL)
		len--;
	len = romon_text_clean(text, cap, (const uint8_t *)start, len);
	free(data);
	return len > 0;
}

void self_read_identity(struct self *self)
{
	char name[256] = "";

	gethostname(name, sizeof(name) - 1);
	if (romon_text_clean(self->identity, sizeof(self->identity), (const uint8_t *)name, strlen(name)) == 0)
		snprintf(self->identity, sizeof(self->identity), "unknown");
}

void self_read(struct self *self)
{
	struct utsname names;

	self_read_identity(self);
	if (read_line("/sys/class/dmi/id/product_name", self->board, sizeof(self->board)) ||
		read_line("/proc/device-tree/model", self->board, sizeof(self->board)))
		return;
	snprintf(self->board, sizeof(self->board), "%s", uname(&names) == 0 ? names.machine : "unknown");
}

void self_version(uint8_t version[4])
{
	unsigned major = 0, minor = 0, patch = 0;

	sscanf(ROMON_VERSION, "%u.%u.%u", &major, &minor, &patch);
	version[0] = (uint8_t)major;
	version[1] = (uint8_t)minor;
	version[2] = 'f'; /* a final version */
	version[3] = (uint8_t)patch;
}
