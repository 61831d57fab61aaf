/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The agents that a person has given a name: lines of NAME and AGENT in a file of his own.
 */
#ifndef CLI_AGENTS_H
#define CLI_AGENTS_H

#include <stdbool.h>

#include <jansson.h>

#define AGENTS_NAME_MAX 63

/* Can an agent be called so? */
bool agents_name_ok(const char *name);

/* All of these return CLI_DONE, or a status after having said what is wrong. */

/* The agent of that name; "" if there is none. agent has room for AGENT_TEXT_MAX characters. */
int agents_find(const char *name, char *agent);
/* All, in the order of the file, as [{"name", "agent"}]: a new reference. */
int agents_list(json_t **list);
/* Saves one under a name that is not used yet, or removes it. The file is replaced as a whole, or stays as it is. */
int agents_add(const char *name, const char *agent);
int agents_remove(const char *name);

#endif
