/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Listening. What a connection needs of socket options it inherits from here: the process sets none later.
 */
#include "agent/listen.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/agent.h"
#include "agent/session.h"
#include "daemon/log.h"

#define BACKLOG 128
#define AT_ONCE 16 /* connections taken in one turn */

static bool set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) == 0;
}

/* A client that vanished is noticed within about a minute. */
static bool set_options(int fd, int family)
{
	return set(fd, SOL_SOCKET, SO_REUSEADDR, 1) && set(fd, IPPROTO_IP, IP_FREEBIND, 1) &&
	       (family != AF_INET6 || set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1)) && set(fd, IPPROTO_TCP, TCP_NODELAY, 1) &&
	       set(fd, SOL_SOCKET, SO_KEEPALIVE, 1) && set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 30) &&
	       set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 10) && set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

bool listeners_open(struct listeners *listeners, const struct address *addresses, size_t count, uint16_t port)
{
	for (size_t i = 0; i < count; i++) {
		struct sockaddr_storage storage;
		socklen_t len = address_socket(&addresses[i], port, &storage);
		int fd = socket(addresses[i].family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		char text[ADDRESS_TEXT];

		if (fd < 0 || !set_options(fd, addresses[i].family) || bind(fd, (struct sockaddr *)&storage, len) != 0 ||
			listen(fd, BACKLOG) != 0) {
			log_error("cannot listen on %s: %s", address_text(&addresses[i], port, text), strerror(errno));
			if (fd >= 0)
				close(fd);
			listeners_close(listeners);
			return false;
		}
		listeners->list[listeners->count++] = (struct listener){.fd = fd};
		log_info("listens on %s", address_text(&addresses[i], port, text));
	}
	return true;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	const struct timeval second = {.tv_sec = 1};
	struct listener *listener = arg;
	struct sockaddr_storage storage;
	struct address address;
	uint16_t port;

	(void)what;
	for (int i = 0; i < AT_ONCE; i++) {
		socklen_t len = sizeof(storage);
		int client = accept4(fd, (struct sockaddr *)&storage, &len, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (client < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
			event_del(listener->readable);
			event_add(listener->pause, &second);
		}
		if (client < 0)
			return;
		if (address_of_socket((struct sockaddr *)&storage, &address, &port))
			session_accept(listener->agent, client, &address, port);
		else
			close(client);
	}
}

static void pause_is_over(evutil_socket_t fd, short what, void *arg)
{
	struct listener *listener = arg;

	(void)fd;
	(void)what;
	event_add(listener->readable, NULL);
}

bool listeners_start(struct listeners *listeners, struct agent *agent)
{
	for (size_t i = 0; i < listeners->count; i++) {
		struct listener *listener = &listeners->list[i];

		listener->agent = agent;
		listener->readable = event_new(agent->base, listener->fd, EV_READ | EV_PERSIST, on_readable, listener);
		listener->pause = evtimer_new(agent->base, pause_is_over, listener);
		if (listener->readable == NULL || listener->pause == NULL || event_add(listener->readable, NULL) != 0)
			return false;
	}
	return true;
}

void listeners_close(struct listeners *listeners)
{
	for (size_t i = 0; i < listeners->count; i++) {
		if (listeners->list[i].readable != NULL)
			event_free(listeners->list[i].readable);
		if (listeners->list[i].pause != NULL)
			event_free(listeners->list[i].pause);
		close(listeners->list[i].fd);
	}
	listeners->count = 0;
}
