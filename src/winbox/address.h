/* SPDX-License-Identifier: BSD-2-Clause
 *
 * IP addresses and networks, as the configuration of the WinBox agent writes them: by number, since the agent must not wait for a name
 * server.
 */
#ifndef WINBOX_ADDRESS_H
#define WINBOX_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define ADDRESS_TEXT 80 /* bytes of an address, its port and a NUL: "[2001:db8::1]:8291" */
#define ADDRESS_LIST_MAX 8

struct address {
	int family; /* AF_INET or AF_INET6 */
	uint8_t bytes[16];
};

struct network {
	struct address address;
	unsigned prefix;
};

bool address_parse(const char *text, struct address *address);
/* "192.168.88.0/24"; an address alone is a network of one. */
bool network_parse(const char *text, struct network *network);
bool network_has(const struct network *network, const struct address *address);

/* Lists with commas between: at most ADDRESS_LIST_MAX elements. False if one of them is wrong or there are too many. "" is an empty
 * list. */
bool address_list_parse(const char *text, struct address *list, size_t *count);
bool network_list_parse(const char *text, struct network *list, size_t *count);

/* To and from what the socket calls take. */
socklen_t address_socket(const struct address *address, uint16_t port, struct sockaddr_storage *storage);
bool address_of_socket(const struct sockaddr *socket_address, struct address *address, uint16_t *port);
/* Writes it for people. Returns text. */
const char *address_text(const struct address *address, uint16_t port, char text[ADDRESS_TEXT]);

#endif
