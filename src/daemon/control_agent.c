/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The methods about the settings of `/tool romon winbox-agent`.
 */
#include "daemon/control_change.h"

static void get_agent(struct client *client, struct args *args)
{
	const struct config_agent *agent = config_agent(client->worker->config);

	(void)args;
	client_reply(client, json_pack("{s{sb ss si ss ss}}", "agent", "enabled", agent->enabled, "listen", agent->listen, "port",
				     (int)agent->port, "address", agent->address, "users", client->worker->agent_users));
}

/* The settings are as a list with one entry, which is always there. */
static bool set_one(struct config *config, size_t number, const char *name, const char *value, struct config_error *error)
{
	(void)number;
	return config_agent_set(config, name, value, error);
}

static void set_agent(struct client *client, struct args *args)
{
	static const struct change_list settings = {.set = set_one, .commit = change_commit};

	change_set(client, args, &settings, 0);
}

const struct method agent_methods[] = {
	{"io.openromon.GetWinboxAgent", get_agent, (const char *const[]){NULL}, false, false, false},
	{"io.openromon.SetWinboxAgent", set_agent, (const char *const[]){"values", NULL}, true, false, false},
	{0},
};
