/* SPDX-License-Identifier: BSD-2-Clause
 *
 * sd_notify: one datagram to the Unix socket in NOTIFY_SOCKET, a path or (first character '@') an abstract name.
 */
#include "daemon/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/log.h"

void notify_send(const char *state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path == NULL ? 0 : strlen(path);
	socklen_t addr_len;
	int fd;

	if (len == 0)
		return;
	if (len >= sizeof(addr.sun_path) || (path[0] != '/' && path[0] != '@')) {
		log_warning("NOTIFY_SOCKET is no usable socket name");
		return;
	}
	memcpy(addr.sun_path, path, len);
	if (path[0] == '@')
		addr.sun_path[0] = '\0';
	/* An abstract name ends where the length says, without a NUL. */
	addr_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/' ? 1 : 0));
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&addr, addr_len) < 0)
		log_warning("cannot notify the service manager: %s", strerror(errno));
	if (fd >= 0)
		close(fd);
}
