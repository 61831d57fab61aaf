/* SPDX-License-Identifier: BSD-2-Clause
 *
 * For tests that need interfaces: each gets an empty network namespace, which vanishes with the test program. Needs root; a test
 * is skipped, and counted as such, without. Include after cmocka.h.
 */
#ifndef TEST_NETNS_H
#define TEST_NETNS_H

#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "link/ifaces.h"

#define NETNS_PATIENCE 10000 /* milliseconds that a condition may take to come true */

/* Begins a test. */
static inline void netns_enter(void)
{
	if (geteuid() != 0) {
		print_message("skipped: needs root, for a network namespace\n");
		skip();
	}
	assert_int_equal(unshare(CLONE_NEWNET), 0);
}

/* Runs the ip command. */
__attribute__((format(printf, 1, 2))) static inline void ip(const char *format, ...)
{
	char command[256] = "ip ";
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(command + 3, sizeof command - 3, format, arguments);
	va_end(arguments);
	if (system(command) != 0) {
		fail_msg("failed: %s", command);
	}
}

static inline const struct iface *iface_named(const struct ifaces *ifaces, const char *name)
{
	size_t count;
	const struct iface *list = ifaces_list(ifaces, &count);

	for (size_t i = 0; i < count; i++) {
		if (strcmp(list[i].name, name) == 0) {
			return &list[i];
		}
	}
	return NULL;
}

static inline void await_readable(int fd)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	assert_int_equal(poll(&wait, 1, NETNS_PATIENCE), 1);
}

/* Waits until the kernel would carry frames. */
static inline void await_running(const char *name)
{
	struct ifaces *ifaces = ifaces_open();
	const struct iface *iface;

	assert_non_null(ifaces);
	while (!(iface = iface_named(ifaces, name)) || !iface->running) {
		await_readable(ifaces_fd(ifaces));
		assert_true(ifaces_update(ifaces) >= 0);
	}
	ifaces_close(ifaces);
}

/* A cable: two interfaces of Ethernet, up and running. */
static inline void veth_add(const char *a, const char *b)
{
	ip("link add %s type veth peer name %s", a, b);
	ip("link set %s up", a);
	ip("link set %s up", b);
	await_running(a);
	await_running(b);
}

#endif
