/* SPDX-License-Identifier: BSD-2-Clause
 *
 * IP addresses and networks.
 */
#include "winbox/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ELEMENT_MAX 64

static unsigned bits(const struct address *address)
{
	return address->family == AF_INET ? 32 : 128;
}

bool address_parse(const char *text, struct address *address)
{
	memset(address, 0, sizeof(*address));
	address->family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;
	return inet_pton(address->family, text, address->bytes) == 1;
}

bool network_parse(const char *text, struct network *network)
{
	const char *slash = strchr(text, '/');
	size_t len = slash != NULL ? (size_t)(slash - text) : strlen(text), digits = slash != NULL ? strlen(slash + 1) : 0;
	char address[ELEMENT_MAX];

	if (len >= sizeof(address))
		return false;
	memcpy(address, text, len);
	address[len] = '\0';
	if (!address_parse(address, &network->address))
		return false;
	network->prefix = bits(&network->address);
	if (slash == NULL)
		return true;
	if (digits < 1 || digits > 3 || strspn(slash + 1, "0123456789") != digits ||
		strtoul(slash + 1, NULL, 10) > network->prefix)
		return false;
	network->prefix = (unsigned)strtoul(slash + 1, NULL, 10);
	return true;
}

bool network_has(const struct network *network, const struct address *address)
{
	unsigned whole = network->prefix / 8, rest = network->prefix % 8;

	if (network->address.family != address->family || memcmp(network->address.bytes, address->bytes, whole) != 0)
		return false;
	return rest == 0 || ((network->address.bytes[whole] ^ address->bytes[whole]) >> (8 - rest)) == 0;
}

/* Takes the next element of a list; false if it is too long. */
static bool element(const char **text, char out[ELEMENT_MAX])
{
	size_t len = strcspn(*text, ",");

	if (len >= ELEMENT_MAX)
		return false;
	memcpy(out, *text, len);
	out[len] = '\0';
	*text += len;
	*text += **text == ',';
	return true;
}

bool address_list_parse(const char *text, struct address *list, size_t *count)
{
	char one[ELEMENT_MAX];

	for (*count = 0; *text != '\0'; ++*count)
		if (*count == ADDRESS_LIST_MAX || !element(&text, one) || !address_parse(one, &list[*count]))
			return false;
	return true;
}

bool network_list_parse(const char *text, struct network *list, size_t *count)
{
	char one[ELEMENT_MAX];

	for (*count = 0; *text != '\0'; ++*count)
		if (*count == ADDRESS_LIST_MAX || !element(&text, one) || !network_parse(one, &list[*count]))
			return false;
	return true;
}

socklen_t address_socket(const struct address *address, uint16_t port, struct sockaddr_storage *storage)
{
	struct sockaddr_in *in = (struct sockaddr_in *)storage;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)storage;

	memset(storage, 0, sizeof(*storage));
	if (address->family == AF_INET) {
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, address->bytes, sizeof(in->sin_addr));
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, address->bytes, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}

bool address_of_socket(const struct sockaddr *socket_address, struct address *address, uint16_t *port)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)socket_address;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)socket_address;

	memset(address, 0, sizeof(*address));
	address->family = socket_address->sa_family;
	if (address->family == AF_INET) {
		memcpy(address->bytes, &in->sin_addr, sizeof(in->sin_addr));
		*port = ntohs(in->sin_port);
	} else if (address->family == AF_INET6) {
		memcpy(address->bytes, &in6->sin6_addr, sizeof(in6->sin6_addr));
		*port = ntohs(in6->sin6_port);
	} else {
		return false;
	}
	return true;
}

const char *address_text(const struct address *address, uint16_t port, char text[ADDRESS_TEXT])
{
	char host[INET6_ADDRSTRLEN] = "?";

	inet_ntop(address->family, address->bytes, host, sizeof(host));
	snprintf(text, ADDRESS_TEXT, address->family == AF_INET6 ? "[%s]:%u" : "%s:%u", host, (unsigned)port);
	return text;
}
