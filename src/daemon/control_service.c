/* SPDX-License-Identifier: BSD-2-Clause
 *
 * org.varlink.service: what every Varlink service tells about itself.
 */
#include "daemon/client.h"

#include <string.h>

#include "daemon/log.h"

static const char description[] =
#include "io.openromon.varlink.h"
	;

static const char service_description[] =
	"# What every Varlink service answers.\n"
	"interface org.varlink.service\n"
	"\n"
	"method GetInfo() -> (vendor: string, product: string, version: string, url: string, interfaces: []string)\n"
	"method GetInterfaceDescription(interface: string) -> (description: string)\n"
	"\n"
	"error InterfaceNotFound (interface: string)\n"
	"error MethodNotFound (method: string)\n"
	"error MethodNotImplemented (method: string)\n"
	"error InvalidParameter (parameter: string)\n";

static void get_info(struct client *client, struct args *args)
{
	(void)args;
	client_reply(client, json_pack("{ss ss ss ss s[ss]}", "vendor", "OpenRoMON", "product", "romond", "version",
				     ROMON_VERSION, "url", "", "interfaces", "org.varlink.service", MESSAGE_INTERFACE));
}

static void get_interface_description(struct client *client, struct args *args)
{
	const char *name = args_text(args, "interface");

	if (!client_args_ok(client, args))
		return;
	if (strcmp(name, MESSAGE_INTERFACE) == 0)
		client_reply(client, json_pack("{ss}", "description", description));
	else if (strcmp(name, "org.varlink.service") == 0)
		client_reply(client, json_pack("{ss}", "description", service_description));
	else
		client_error(client, "org.varlink.service.InterfaceNotFound", json_pack("{ss}", "interface", name));
}

const struct method service_methods[] = {
	{"org.varlink.service.GetInfo", get_info, (const char *const[]){NULL}, false, false, false},
	{"org.varlink.service.GetInterfaceDescription", get_interface_description, (const char *const[]){"interface", NULL},
		false, false, false},
	{0},
};
