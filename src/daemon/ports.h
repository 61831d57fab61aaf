/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which interfaces take part, and as what: the port list applied to the interfaces. Pure functions.
 */
#ifndef ROMON_PORTS_H
#define ROMON_PORTS_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config.h"
#include "link/ifaces.h"

/* The entry that decides for this interface, or NULL if none does: an entry for the very name beats a pattern (the more characters before
 * its first wildcard the stronger, equal ones by their order), and that beats `all`, which stands for hardware ports only. Disabled
 * entries are skipped. */
const struct config_port *ports_entry(const struct config *config, const struct iface *list, size_t count,
                                      const struct iface *iface);

/* Does it take part: an Ethernet interface, no member of a bond or team, with an entry that does not forbid it? Whether it is up does
 * not matter here. Returns the entry or NULL. */
const struct config_port *ports_allowed(const struct config *config, const struct iface *list, size_t count,
                                        const struct iface *iface);

/* The MAC that becomes the RoMON ID where none is set: that of the allowed port with the lowest ifindex, hardware ports before all
 * others. False if there is none. */
bool ports_choose_id(const struct config *config, const struct iface *list, size_t count, struct romon_mac *id);

#endif
