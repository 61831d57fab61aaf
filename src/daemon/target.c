/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Targets of services. Programs are named by their whole path, machines by number: neither a search path nor a name server must
 * decide what a stranger reaches, and both may be out of order when RoMON is needed.
 */
#include "daemon/target.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

static bool parse_exec(const char *command, struct target *target)
{
	char *rest = target->text, *word;
	size_t count = 0;

	memcpy(target->text, command, strlen(command) + 1);
	while ((word = strsep(&rest, " ")) != NULL) {
		if (word[0] == '\0')
			continue;
		if (count == TARGET_ARGS_MAX)
			return false;
		target->argv[count++] = word;
	}
	return count > 0 && target->argv[0][0] == '/';
}

static bool parse_unix(const char *path, struct target *target)
{
	struct sockaddr_un *address = (struct sockaddr_un *)&target->address;

	if (path[0] != '/' || strlen(path) >= sizeof(address->sun_path))
		return false;
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, path, strlen(path) + 1);
	target->address_len = sizeof(*address);
	return true;
}

static bool parse_port(const char *text, in_port_t *port)
{
	unsigned long number;
	size_t len = strlen(text);

	if (len < 1 || len > 5 || strspn(text, "0123456789") != len)
		return false;
	number = strtoul(text, NULL, 10);
	*port = htons((uint16_t)number);
	return number >= 1 && number <= UINT16_MAX;
}

/* 127.0.0.1:8291 or [::1]:8291 */
static bool parse_tcp(const char *text, struct target *target)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&target->address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&target->address;
	const char *colon = strrchr(text, ':');
	char host[INET6_ADDRSTRLEN + 2];
	size_t len;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
		return false;
	len = (size_t)(colon - text);
	memcpy(host, text, len);
	host[len] = '\0';
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		in6->sin6_family = AF_INET6;
		target->address_len = sizeof(*in6);
		if (inet_pton(AF_INET6, host + 1, &in6->sin6_addr) != 1)
			return false;
		target->own_machine = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
		return parse_port(colon + 1, &in6->sin6_port);
	}
	in->sin_family = AF_INET;
	target->address_len = sizeof(*in);
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		return false;
	target->own_machine = ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return parse_port(colon + 1, &in->sin_port);
}

bool target_parse(const char *to, struct target *target)
{
	memset(target, 0, sizeof(*target));
	if (strlen(to) > CONFIG_TEXT_MAX)
		return false;
	if (strncmp(to, "exec:", 5) == 0) {
		target->kind = TARGET_EXEC;
		return parse_exec(to + 5, target);
	}
	if (strncmp(to, "unix:", 5) == 0) {
		target->kind = TARGET_UNIX;
		return parse_unix(to + 5, target);
	}
	target->kind = TARGET_TCP;
	return strncmp(to, "tcp:", 4) == 0 && parse_tcp(to + 4, target);
}
