/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Opening the control socket.
 */
#include "daemon/listener.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/file.h"
#include "daemon/log.h"

#define BACKLOG 64

static int unix_socket(void)
{
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* Makes sure that nothing stands at the path. A socket that refuses connections belongs to nobody any more. */
static bool clear_path(const struct sockaddr_un *addr)
{
	struct stat st;
	int fd, error;

	if (lstat(addr->sun_path, &st) != 0) {
		if (errno == ENOENT)
			return true;
		log_error("%s: %s", addr->sun_path, strerror(errno));
		return false;
	}
	if (!S_ISSOCK(st.st_mode)) {
		log_error("%s exists and is no socket", addr->sun_path);
		return false;
	}
	fd = unix_socket();
	if (fd < 0) {
		log_error("socket: %s", strerror(errno));
		return false;
	}
	error = connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0 ? 0 : errno;
	close(fd);
	if (error == 0 || error == EAGAIN) {
		log_error("another romond serves %s", addr->sun_path);
		return false;
	}
	if (error == ECONNREFUSED)
		error = unlink(addr->sun_path) == 0 ? 0 : errno;
	if (error != 0) {
		log_error("cannot replace the control socket %s: %s", addr->sun_path, strerror(error));
		return false;
	}
	return true;
}

int listener_open(const char *path, gid_t group)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	mode_t mask;
	int fd, bound;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		log_error("the path of the control socket is too long: %s", path);
		return -1;
	}
	memcpy(addr.sun_path, path, strlen(path));
	if (file_make_parent(path) != 0) {
		log_error("cannot create the folder of %s: %s", path, strerror(errno));
		return -1;
	}
	if (!clear_path(&addr))
		return -1;
	fd = unix_socket();
	if (fd < 0) {
		log_error("socket: %s", strerror(errno));
		return -1;
	}
	/* Until the group is set nobody else may connect. */
	mask = umask(0177);
	bound = bind(fd, (const struct sockaddr *)&addr, sizeof(addr));
	umask(mask);
	if (bound == 0 && chown(path, 0, group) == 0 && chmod(path, 0660) == 0 && listen(fd, BACKLOG) == 0)
		return fd;
	log_error("cannot listen on %s: %s", addr.sun_path, strerror(errno));
	if (bound == 0)
		unlink(path);
	close(fd);
	return -1;
}
