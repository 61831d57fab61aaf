/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The methods about the services of `/tool romon service`.
 */
#include "daemon/control_change.h"

#include <stdio.h>
#include <string.h>

#include "daemon/services.h"

static json_t *service_json(const struct worker *worker, const struct config_service *service)
{
	return json_pack("{ss si ss ss sb si ss sb sb sI}", "name", service->name, "port", (int)service->port, "to", service->to,
		"user", service->user, "disabled", service->disabled, "max_streams", (int)service->max_streams, "comment",
		service->comment, "default", service->is_default, "available", services_available(service), "streams",
		(json_int_t)pumps_of(worker, service->name));
}

static void get_services(struct client *client, struct args *args)
{
	const struct config_service *services;
	json_t *list = json_array();
	size_t i, count;

	(void)args;
	services = config_services(client->worker->config, &count);
	for (i = 0; i < count; i++)
		json_array_append_new(list, service_json(client->worker, &services[i]));
	client_reply(client, json_pack("{so}", "services", list));
}

/* As change_commit(), unless the change is one for the file. The monitor would refuse it anyway, in fewer words. */
static void commit(struct client *client, struct config *config, json_t *reply)
{
	struct config_error error;

	if (config_services_kept(client->worker->config, config)) {
		change_commit(client, config, reply);
		return;
	}
	json_decref(reply);
	snprintf(error.reason, sizeof(error.reason),
		"failure: exec:, unix: and tcp: to other machines lead through root's rights: write the service into %s, and "
		"reload",
		client->worker->config_path);
	change_refuse(client, config, &error);
}

/* Finds the entry that the call names, by its number or its name. False, and answered, if there is none. */
static bool find_service(struct client *client, struct args *args, size_t *number)
{
	const char *name = args_optional_text(args, "name");
	const struct config_service *services;
	size_t i, count;
	int64_t given = 0;
	bool by_number = args_integer(args, "number", 0, CONFIG_SERVICES_MAX, &given);

	if (args->bad == NULL && by_number == (name != NULL))
		args->bad = "number";
	if (!client_args_ok(client, args))
		return false;
	services = config_services(client->worker->config, &count);
	for (i = 0; i < count; i++) {
		if (by_number ? i == (size_t)given : strcmp(services[i].name, name) == 0) {
			*number = i;
			return true;
		}
	}
	client_fail(client, "NoSuchService", "reason", "no such item: look it up in service print");
	return false;
}

static const struct change_list services_list = {
	.add = config_service_add, .set = config_service_set, .remove = config_service_remove, .commit = commit};

static void add_service(struct client *client, struct args *args)
{
	change_add(client, args, &services_list);
}

static void set_service(struct client *client, struct args *args)
{
	size_t number;

	if (find_service(client, args, &number))
		change_set(client, args, &services_list, number);
}

static void remove_service(struct client *client, struct args *args)
{
	size_t number;

	if (find_service(client, args, &number))
		change_remove(client, &services_list, number);
}

const struct method services_methods[] = {
	{"io.openromon.GetServices", get_services, (const char *const[]){NULL}, false, false, false},
	{"io.openromon.AddService", add_service, (const char *const[]){"values", NULL}, true, false, false},
	{"io.openromon.SetService", set_service, (const char *const[]){"number", "name", "values", NULL}, true, false, false},
	{"io.openromon.RemoveService", remove_service, (const char *const[]){"number", "name", NULL}, true, false, false},
	{0},
};
