/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an agent reaches for a machine that asks it: lists of RoMON IDs and of services, as a person writes them. Pure functions.
 */
#ifndef CLI_ALLOW_H
#define CLI_ALLOW_H

#include <stdbool.h>
#include <stdint.h>

/* Lists with commas between, in which nothing is wrong; NULL: no limit. */
struct allow {
	const char *ids;
	const char *services; /* names or ports */
};

/* The first item of a list that is wrong, to be freed; NULL: all is well. */
char *allow_ids_wrong(const char *ids);
char *allow_services_wrong(const char *services);

/* Is this RoMON ID among them? */
bool allow_id(const struct allow *allow, const char *id);
/* Is this service, which is asked for by its name or, with name NULL, by its port? A name stands for itself alone, since what the
 * list of the agent's romond takes it for can change; but for ssh and winbox, which are the ports that everybody has them on. */
bool allow_service(const struct allow *allow, const char *name, int64_t port);

#endif
