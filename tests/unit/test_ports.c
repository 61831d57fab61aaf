/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Which entry of the port list decides for an interface, which interfaces take part, and whose MAC becomes the RoMON ID.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "daemon/ports.h"

enum { LO, ETH0, ETH1, ETH2, ETH10, BR0, VETH0, BOND0, VLAN5, VLAN6, DOCKER, COUNT };

/* A host with four cards, eth1 in a bridge and eth2 in a bond; a VLAN on a card and one on the bridge. By ifindex. */
static struct iface host[COUNT] = {
	[LO] = {.index = 1, .name = "lo"},
	[ETH0] = {.index = 2, .name = "eth0", .device = true, .ethernet = true, .mac = {{2, 0, 0, 0, 0, 2}}},
	[ETH1] = {.index = 3,
		.name = "eth1",
		.device = true,
		.ethernet = true,
		.mac = {{2, 0, 0, 0, 0, 3}},
		.master = 6,
		.master_kind = IFACE_MASTER_BRIDGE},
	[ETH2] = {.index = 4,
		.name = "eth2",
		.device = true,
		.ethernet = true,
		.mac = {{2, 0, 0, 0, 0, 4}},
		.master = 8,
		.master_kind = IFACE_MASTER_BOND},
	[ETH10] = {.index = 5, .name = "eth10", .device = true, .ethernet = true, .mac = {{2, 0, 0, 0, 0, 5}}},
	[BR0] = {.index = 6, .name = "br0", .kind = "bridge", .ethernet = true, .mac = {{2, 0, 0, 0, 0, 6}}},
	[VETH0] = {.index = 7, .name = "veth0", .kind = "veth", .ethernet = true, .mac = {{2, 0, 0, 0, 0, 7}}},
	[BOND0] = {.index = 8, .name = "bond0", .kind = "bond", .ethernet = true, .mac = {{2, 0, 0, 0, 0, 4}}},
	[VLAN5] = {.index = 9, .name = "eth0.5", .kind = "vlan", .ethernet = true, .lower = 2, .mac = {{2, 0, 0, 0, 0, 2}}},
	[VLAN6] = {.index = 10, .name = "br0.6", .kind = "vlan", .ethernet = true, .lower = 6, .mac = {{2, 0, 0, 0, 0, 6}}},
	[DOCKER] = {.index = 11,
		.name = "veth1a2b",
		.kind = "veth",
		.ethernet = true,
		.mac = {{2, 0, 0, 0, 0, 11}},
		.master = 6,
		.master_kind = IFACE_MASTER_BRIDGE},
};

static struct config *ports(const char *entries)
{
	char text[1024] = "/tool romon port\n";
	struct config_error error;
	struct config *config;

	strcat(text, entries);
	config = config_parse(text, strlen(text), &error);
	if (config == NULL)
		fail_msg("line %u: %s", error.line, error.reason);
	return config;
}

/* The entry of that interface or pattern must decide; NULL: none may. */
static void assert_entry(const struct config *config, size_t iface, const char *interface)
{
	const struct config_port *entry = ports_entry(config, host, COUNT, &host[iface]);

	if (interface == NULL)
		assert_null(entry);
	else if (entry == NULL)
		fail_msg("no entry for %s", host[iface].name);
	else
		assert_string_equal(entry->interface, interface);
}

static bool allowed(const struct config *config, size_t iface)
{
	return ports_allowed(config, host, COUNT, &host[iface]) != NULL;
}

static void test_all_means_hardware(void **state)
{
	struct config *config = ports("");

	(void)state;
	assert_true(allowed(config, ETH0));
	assert_true(allowed(config, ETH1)); /* a bridge's member stays a port */
	assert_true(allowed(config, ETH10));
	assert_true(allowed(config, BOND0));
	assert_true(allowed(config, VLAN5));
	assert_false(allowed(config, ETH2)); /* a bond's member does not */
	assert_false(allowed(config, LO));
	assert_false(allowed(config, BR0));
	assert_false(allowed(config, VETH0));
	assert_false(allowed(config, VLAN6)); /* of a bridge */
	assert_false(allowed(config, DOCKER));
	assert_entry(config, ETH0, "all");
	assert_entry(config, VETH0, NULL);
	config_free(config);
}

static void test_named_interfaces_take_part(void **state)
{
	struct config *config = ports("add interface=br0\nadd interface=veth*\nadd interface=eth2\nadd interface=lo\n");

	(void)state;
	assert_true(allowed(config, BR0));
	assert_true(allowed(config, VETH0));
	assert_true(allowed(config, DOCKER)); /* matched, in a bridge or not */
	assert_false(allowed(config, VLAN6));
	assert_false(allowed(config, ETH2)); /* not even then */
	assert_false(allowed(config, LO));   /* no Ethernet */
	config_free(config);
}

static void test_name_beats_pattern_beats_all(void **state)
{
	struct config *config = ports("add interface=eth* cost=1\nadd interface=eth1* cost=2\nadd interface=eth1 cost=3\n"
				      "add interface=eth[0-9] cost=4\n");

	(void)state;
	assert_entry(config, ETH1, "eth1");
	assert_entry(config, ETH10, "eth1*"); /* four characters beat three */
	assert_entry(config, ETH0, "eth*");   /* equal to eth[0-9], and first */
	assert_entry(config, VLAN5, "eth*");
	assert_entry(config, BOND0, "all");
	assert_entry(config, VETH0, NULL);
	config_free(config);
	config = ports("add interface=eth[0-9] cost=4\nadd interface=eth* cost=1\n");
	assert_entry(config, ETH0, "eth[0-9]");
	assert_entry(config, ETH10, "eth*");
	config_free(config);
	config = ports("add interface=*\nadd interface=?r0\n");
	assert_entry(config, BR0, "*"); /* nothing before the wildcard in either */
	assert_entry(config, ETH0, "*");
	config_free(config);
	config = ports("add interface=veth0\nadd interface=veth\n");
	assert_entry(config, DOCKER, NULL); /* a name is the whole name */
	config_free(config);
}

/* One entry decides everything: what it does not say is its default, not another entry's. */
static void test_nothing_is_merged(void **state)
{
	struct config *config = ports("set 0 cost=7 forbid=yes\nadd interface=eth* cost=50 forbid=yes\nadd interface=eth1\n");
	const struct config_port *entry = ports_allowed(config, host, COUNT, &host[ETH1]);

	(void)state;
	assert_non_null(entry);
	assert_int_equal(entry->cost, 100);
	assert_false(allowed(config, ETH0));
	assert_false(allowed(config, BOND0)); /* by the forbidden `all` */
	config_free(config);
	config = ports("add interface=eth1 forbid=yes\n");
	assert_false(allowed(config, ETH1));
	assert_true(allowed(config, ETH0));
	config_free(config);
}

static void test_disabled_entries_are_skipped(void **state)
{
	struct config *config =
		ports("add interface=eth1 disabled=yes forbid=yes\nadd interface=eth1* cost=9\nadd interface=br0 disabled=yes\n");

	(void)state;
	assert_entry(config, ETH1, "eth1*");
	assert_entry(config, BR0, NULL);
	config_free(config);
}

static void assert_id(const char *entries, const struct iface *list, size_t count, size_t expected)
{
	struct config *config = ports(entries);
	struct romon_mac id = romon_mac_zero;

	assert_true(ports_choose_id(config, list, count, &id));
	assert_memory_equal(id.b, host[expected].mac.b, ROMON_MAC_LEN);
	config_free(config);
}

static void test_choice_of_id(void **state)
{
	struct iface changed[COUNT];
	struct config *config = ports("set 0 forbid=yes\n");
	struct romon_mac id = {{9}};

	(void)state;
	assert_false(ports_choose_id(config, host, COUNT, &id));
	assert_int_equal(id.b[0], 9);
	config_free(config);
	assert_id("", host, COUNT, ETH0);
	assert_id("add interface=eth0 forbid=yes\n", host, COUNT, ETH1);
	/* Hardware first, though others have lower ifindexes. */
	assert_id("add interface=eth* forbid=yes\nadd interface=br0\n", host, COUNT, BOND0);
	assert_id("set 0 forbid=yes\nadd interface=veth*\nadd interface=br0\n", host, COUNT, BR0);
	/* A MAC that cannot be an ID is passed over. */
	memcpy(changed, host, sizeof(host));
	changed[ETH0].mac = romon_mac_zero;
	changed[ETH1].mac = romon_mac_group;
	assert_id("", changed, COUNT, ETH10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_means_hardware),
		cmocka_unit_test(test_named_interfaces_take_part),
		cmocka_unit_test(test_name_beats_pattern_beats_all),
		cmocka_unit_test(test_nothing_is_merged),
		cmocka_unit_test(test_disabled_entries_are_skipped),
		cmocka_unit_test(test_choice_of_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
