/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Who is connected to whom: routers, cables, and jacks, each of which is where a router is plugged into a cable. A cable of two jacks is a
 * wire; one of more is a segment with a switch in it.
 */
#ifndef ROMON_SIM_LAYOUT_H
#define ROMON_SIM_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "sim/options.h"

#define LAYOUT_JACKS_MAX 250 /* of one router: an engine has 256 ports */

struct layout_jack {
	uint32_t router, cable;
	uint16_t mtu, cost;
};

struct layout {
	uint32_t routers, cables;
	struct layout_jack *jacks; /* in the order in which they were plugged in */
	size_t count, cap;
	char **names; /* of routers, or NULL */
	size_t names_cap;
};

/* The network that the options want. False: *error says why there is none (only of a file). */
bool layout_make(struct layout *layout, const struct options *options, char error[OPTIONS_ERROR]);
void layout_free(struct layout *layout);

uint32_t layout_cable(struct layout *layout);
void layout_join(struct layout *layout, uint32_t router, uint32_t cable, uint16_t mtu, uint16_t cost);
/* Reads options->file (layout_file.c). */
bool layout_read(struct layout *layout, const struct options *options, char error[OPTIONS_ERROR]);

/* The network as a picture for Graphviz, and as JSON. */
void layout_dot(const struct layout *layout, FILE *out);
void layout_json(const struct layout *layout, FILE *out);

#endif
