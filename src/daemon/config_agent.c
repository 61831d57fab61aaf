/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The settings of the WinBox agent in a configuration. The agent is a program of its own and gets them on its command line.
 */
#include "daemon/config_source.h"

static const struct config_agent defaults = {.listen = "127.0.0.1", .port = CONFIG_AGENT_PORT};

void config_agent_defaults(struct config *config)
{
	config->agent = defaults;
}

const struct config_agent *config_agent(const struct config *config)
{
	return &config->agent;
}
