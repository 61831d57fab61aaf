/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Listeners. Only numeric addresses are taken: what a name stands for could change to something that others can reach.
 */
#include "cli/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/parse.h"

#define BACKLOG 128
#define ADDRESS_MAX 64

static int open_failure(struct listener *listener, const char *where)
{
	int error = errno;

	if (listener->fd >= 0)
		close(listener->fd);
	listener->fd = -1;
	return cli_fail(CLI_NO, "romon: cannot listen at %s: %s", where, strerror(error));
}

static int where_failure(const char *where)
{
	return cli_fail(
		CLI_USAGE, "romon: \"%s\" is no place to listen at: write PORT, ADDRESS:PORT, [IPV6]:PORT or unix:PATH", where);
}

/* Splits "[::1]:22", "127.0.0.1:22" or "22". */
static bool where_read(const char *where, char address[ADDRESS_MAX], uint64_t *number, const char **port)
{
	const char *colon = strrchr(where, ':');
	size_t length = colon ? (size_t)(colon - where) : 0;

	*port = colon ? colon + 1 : where;
	if (!parse_number(*port, 0, UINT16_MAX, number))
		return false;
	if (!colon)
		return strcpy(address, "127.0.0.1");
	if (length >= 2 && where[0] == '[' && where[length - 1] == ']') {
		where++;
		length -= 2;
	} else if (memchr(where, ':', length)) {
		return false;
	}
	if (length == 0 || length >= ADDRESS_MAX)
		return false;
	memcpy(address, where, length);
	address[length] = '\0';
	return true;
}

static bool tcp_listen(struct listener *listener, const struct addrinfo *info)
{
	struct sockaddr_storage bound;
	socklen_t length = sizeof(bound);
	char service[NI_MAXSERV];
	const int on = 1;

	listener->fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener->fd < 0 || setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
		bind(listener->fd, info->ai_addr, info->ai_addrlen) < 0 || listen(listener->fd, BACKLOG) < 0 ||
		getsockname(listener->fd, (struct sockaddr *)&bound, &length) < 0)
		return false;
	if (getnameinfo((struct sockaddr *)&bound, length, NULL, 0, service, sizeof(service), NI_NUMERICSERV) != 0)
		return false;
	listener->port = (uint16_t)strtoul(service, NULL, 10);
	return true;
}

static int tcp_open(struct listener *listener, const char *where)
{
	const struct addrinfo hints = {.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	struct addrinfo *info;
	char address[ADDRESS_MAX];
	const char *port;
	uint64_t number;

	if (!where_read(where, address, &number, &port) || getaddrinfo(address, port, &hints, &info) != 0)
		return where_failure(where);

	int status = tcp_listen(listener, info) ? CLI_DONE : open_failure(listener, where);

	listener->chosen = number == 0;
	freeaddrinfo(info);
	return status;
}

/* The socket is for its owner alone. */
static int unix_open(struct listener *listener, const char *where, const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return cli_fail(CLI_USAGE, "romon: \"%s\" is no path of a Unix socket: it must have 1 to %zu bytes", path,
			sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	listener->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask = umask(0177);
	bool bound = listener->fd >= 0 && bind(listener->fd, (const struct sockaddr *)&address, sizeof(address)) == 0;

	umask(mask);
	if (bound)
		listener->path = path;
	if (!bound || listen(listener->fd, BACKLOG) < 0)
		return open_failure(listener, where);
	return CLI_DONE;
}

int listener_open(struct listener *listener, const char *where)
{
	*listener = (struct listener){.fd = -1};
	if (strncmp(where, "unix:", 5) == 0)
		return unix_open(listener, where, where + 5);
	return tcp_open(listener, where);
}

void listener_close(struct listener *listener)
{
	close(listener->fd);
	if (listener->path)
		unlink(listener->path);
}

int listener_accept(const struct listener *listener)
{
	int fd = accept4(listener->fd, NULL, NULL, SOCK_CLOEXEC);
	const int on = 1;

	if (fd >= 0 && !listener->path)
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)); /* what came as a message goes on as one */
	return fd;
}
