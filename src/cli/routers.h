/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Routers as discovery reports them, for discover and map.
 */
#ifndef CLI_ROUTERS_H
#define CLI_ROUTERS_H

#include <stdio.h>

#include <jansson.h>

/* Members of a router in JSON output, for output_pick(). */
#define ROUTERS_JSON "address active cost hops path l2mtu identity version board uptime last-seen"

/* Writes the table, two lines about its columns first. A router takes a line for each ID of its path; at most lines of those are
 * written (0: all), and then no router partly. Returns how many routers were left out. */
size_t routers_print(const json_t *routers, size_t lines, FILE *out);

#endif
