/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The limits of an agent. What is not understood allows nothing.
 */
#include "cli/allow.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "cli/parse.h"
#include "cli/proxy.h"

#define PORT_MIN 2 /* of services */

static const struct {
	const char *name;
	int64_t port;
} known[] = {{"ssh", 3}, {"winbox", 4}};

#define KNOWN (sizeof(known) / sizeof(*known))

/* The length of the item at *list, which is moved behind it and its comma; *item is where it begins. False at the end. */
static bool item_next(const char **list, const char **item, size_t *length)
{
	if (!*list)
		return false;
	*item = *list;
	*length = strcspn(*list, ",");
	*list = (*list)[*length] ? *list + *length + 1 : NULL;
	return true;
}

static bool id_ok(const char *item)
{
	char id[PROXY_ID_MAX];

	return proxy_id_read(item, id);
}

/* A number that is no port would be taken for a name, and allow nothing: not what was meant. */
static bool service_ok(const char *item)
{
	uint64_t port;

	if (strspn(item, "0123456789") == strlen(item))
		return parse_number(item, PORT_MIN, UINT16_MAX, &port);
	return strlen(item) <= PARSE_NAME_MAX;
}

static char *first_wrong(const char *list, bool (*ok)(const char *item))
{
	const char *item;
	size_t length;

	while (item_next(&list, &item, &length)) {
		char *copy = strndup(item, length);

		if (!copy)
			cli_out_of_memory();
		if (!ok(copy))
			return copy;
		free(copy);
	}
	return NULL;
}

char *allow_ids_wrong(const char *ids)
{
	return first_wrong(ids, id_ok);
}

char *allow_services_wrong(const char *services)
{
	return first_wrong(services, service_ok);
}

static bool listed(const char *list, const char *wanted)
{
	const char *item;
	size_t length;

	while (item_next(&list, &item, &length)) {
		if (length == strlen(wanted) && memcmp(item, wanted, length) == 0)
			return true;
	}
	return false;
}

bool allow_id(const struct allow *allow, const char *id)
{
	const char *list = allow->ids, *item;
	size_t length;

	if (!list)
		return true;
	while (item_next(&list, &item, &length)) {
		if (length == strlen(id) && strncasecmp(item, id, length) == 0)
			return true;
	}
	return false;
}

bool allow_service(const struct allow *allow, const char *name, int64_t port)
{
	char number[32];

	if (!allow->services)
		return true;
	if (name)
		port = 0;
	for (size_t i = 0; name && i < KNOWN; i++) {
		if (strcmp(known[i].name, name) == 0)
			port = known[i].port;
	}
	if (name && listed(allow->services, name))
		return true;
	for (size_t i = 0; i < KNOWN; i++) {
		if (known[i].port == port && listed(allow->services, known[i].name))
			return true;
	}
	snprintf(number, sizeof(number), "%" PRId64, port);
	return port >= PORT_MIN && listed(allow->services, number);
}
