/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The port list applied to the interfaces. One entry decides everything about an interface, nothing is merged.
 */
#include "daemon/ports.h"

#include <fnmatch.h>
#include <string.h>

/* How strongly an entry other than `all` speaks for an interface of that name: not at all (0), the more the longer what stands
 * before its first wildcard, and most if it is the name itself. */
static size_t entry_strength(const struct config_port *port, const char *name)
{
	size_t fixed = strcspn(port->interface, "*?[");

	if (port->interface[fixed] == '\0')
		return strcmp(port->interface, name) == 0 ? CONFIG_PATTERN_MAX + 2 : 0;
	return fnmatch(port->interface, name, FNM_NOESCAPE) == 0 ? 1 + fixed : 0;
}

const struct config_port *ports_entry(
	const struct config *config, const struct iface *list, size_t count, const struct iface *iface)
{
	const struct config_port *entry = NULL, *ports;
	size_t strongest = 0, entries;

	ports = config_ports(config, &entries);
	for (size_t i = 1; i < entries; i++) {
		size_t strength = ports[i].disabled ? 0 : entry_strength(&ports[i], iface->name);

		if (strength > strongest) {
			strongest = strength;
			entry = &ports[i];
		}
	}
	if (entry == NULL && ifaces_hardware(list, count, iface))
		entry = &ports[0];
	return entry;
}

const struct config_port *ports_allowed(
	const struct config *config, const struct iface *list, size_t count, const struct iface *iface)
{
	const struct config_port *entry;

	if (!iface->ethernet || iface->master_kind == IFACE_MASTER_BOND)
		return NULL;
	entry = ports_entry(config, list, count, iface);
	return entry != NULL && !entry->forbid ? entry : NULL;
}

bool ports_choose_id(const struct config *config, const struct iface *list, size_t count, struct romon_mac *id)
{
	const struct iface *best = NULL;

	/* The list is in the order of the ifindexes, so the first of its kind is the one. */
	for (size_t i = 0; i < count; i++) {
		if (!romon_id_valid(list[i].mac) || ports_allowed(config, list, count, &list[i]) == NULL)
			continue;
		if (ifaces_hardware(list, count, &list[i])) {
			best = &list[i];
			break;
		}
		if (best == NULL)
			best = &list[i];
	}
	if (best == NULL)
		return false;
	*id = best->mac;
	return true;
}
