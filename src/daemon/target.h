/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where a service leads, as the configuration writes it: `exec:/usr/sbin/sshd -i`, `unix:/run/shell.sock`, `tcp:127.0.0.1:8291`.
 */
#ifndef ROMON_TARGET_H
#define ROMON_TARGET_H

#include <stdbool.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "daemon/config.h"

#define TARGET_ARGS_MAX 32

enum target_kind { TARGET_EXEC, TARGET_UNIX, TARGET_TCP };

struct target {
	enum target_kind kind;
	bool own_machine; /* TCP: an address of the loopback interface */
	/* EXEC: words with blanks between them; no shell reads them, no quotes are known. They point into text. */
	char text[CONFIG_TEXT_MAX + 1];
	char *argv[TARGET_ARGS_MAX + 1];
	/* UNIX, TCP */
	struct sockaddr_storage address;
	socklen_t address_len;
};

/* False if it is none of the three. The target must not be copied afterwards. */
bool target_parse(const char *to, struct target *target);

#endif
