/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The methods about the port list of `/tool romon port`.
 */
#include "daemon/control_change.h"

#include <string.h>

#include "daemon/ports.h"

/* An interface that takes part, and how it is. */
static json_t *member_json(const struct worker *worker, const struct iface *iface)
{
	const struct member *member = members_find(worker, iface->index);
	const char *state = "active", *error = NULL, *path = NULL, *reason = NULL;

	if (!iface->up)
		state = "down";
	else if (member == NULL || member->link == NULL) {
		state = "failed";
		if (member == NULL)
			error = "it has no usable MAC address, or there are too many";
		else
			error = member->why != NULL ? member->why : strerror(member->error);
	} else {
		if (!iface->running)
			state = "no-carrier";
		path = datapath_name(member->datapath.path);
		reason = datapath_reason(member);
	}
	return json_pack("{ss ss ss? ss? ss?}", "interface", iface->name, "state", state, "error", error, "datapath", path,
		"datapath_reason", reason);
}

/* The interfaces that this entry decides for and lets take part. None while RoMON is disabled. */
static json_t *members_json(const struct worker *worker, const struct config_port *port)
{
	json_t *members = json_array();
	size_t i, count;
	const struct iface *list = ifaces_list(worker->ifaces, &count);

	for (i = 0; worker->engine != NULL && i < count; i++) {
		if (ports_allowed(worker->config, list, count, &list[i]) == port)
			json_array_append_new(members, member_json(worker, &list[i]));
	}
	return members;
}

static json_t *port_json(const struct worker *worker, const struct config_port *port, bool sensitive)
{
	return json_pack("{ss sb si si so? ss sb ss sb so}", "interface", port->interface, "forbid", port->forbid, "cost",
		(int)port->cost, "secrets", (int)port->secrets.count, "secret_list",
		sensitive ? secrets_json(&port->secrets) : NULL, "datapath", datapath_want_name(port->datapath), "disabled",
		port->disabled, "comment", port->comment, "default", port->is_default, "members", members_json(worker, port));
}

static void get_ports(struct client *client, struct args *args)
{
	bool refused, sensitive = secrets_wanted(client, args, &refused);
	const struct config_port *ports;
	size_t i, count;
	json_t *list;

	if (refused)
		return;
	list = json_array();
	ports = config_ports(client->worker->config, &count);
	for (i = 0; i < count; i++)
		json_array_append_new(list, port_json(client->worker, &ports[i], sensitive));
	client_reply(client, json_pack("{so}", "ports", list));
}

/* Finds the entry that the call names, by its number or its interface. False, and answered, if there is none. */
static bool find_port(struct client *client, struct args *args, size_t *number)
{
	const char *interface = args_optional_text(args, "interface");
	const struct config_port *ports;
	size_t i, count;
	int64_t given = 0;
	bool by_number = args_integer(args, "number", 0, CONFIG_PORTS_MAX, &given);

	if (args->bad == NULL && by_number == (interface != NULL))
		args->bad = "number";
	if (!client_args_ok(client, args))
		return false;
	ports = config_ports(client->worker->config, &count);
	for (i = 0; i < count; i++) {
		if (by_number ? i == (size_t)given : strcmp(ports[i].interface, interface) == 0) {
			*number = i;
			return true;
		}
	}
	client_fail(client, "NoSuchPort", "reason", "no such item: look it up in port print");
	return false;
}

static const struct change_list ports_list = {
	.add = config_port_add, .set = config_port_set, .remove = config_port_remove, .commit = change_commit};

static void add_port(struct client *client, struct args *args)
{
	change_add(client, args, &ports_list);
}

static void set_port(struct client *client, struct args *args)
{
	size_t number;

	if (find_port(client, args, &number))
		change_set(client, args, &ports_list, number);
}

static void remove_port(struct client *client, struct args *args)
{
	size_t number;

	if (find_port(client, args, &number))
		change_remove(client, &ports_list, number);
}

const struct method port_methods[] = {
	{"io.openromon.GetPorts", get_ports, (const char *const[]){"show_sensitive", NULL}, false, false, false},
	{"io.openromon.AddPort", add_port, (const char *const[]){"values", NULL}, true, false, false},
	{"io.openromon.SetPort", set_port, (const char *const[]){"number", "interface", "values", NULL}, true, false, false},
	{"io.openromon.RemovePort", remove_port, (const char *const[]){"number", "interface", NULL}, true, false, false},
	{0},
};
