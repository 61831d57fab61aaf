/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration as an object: made, copied, read, freed. Parsing is config_parse.c, changing is config_edit.c.
 */
#include "daemon/config.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/config_source.h"

struct config *config_new(void)
{
	struct config_error error;

	return config_parse("", 0, &error);
}

struct config *config_copy(const struct config *config)
{
	struct config_error error;

	return config_parse(config->text, config->len, &error);
}

void config_free(struct config *config)
{
	if (config == NULL)
		return;
	free(config->text);
	free(config->ports);
	free(config->port_sources);
	free(config->services);
	free(config->service_sources);
	free(config);
}

const struct config_settings *config_settings(const struct config *config)
{
	return &config->settings;
}

const struct config_port *config_ports(const struct config *config, size_t *count)
{
	*count = config->port_count;
	return config->ports;
}

enum datapath_want config_datapath(const struct config *config, const struct config_port *port)
{
	return port->datapath != DATAPATH_WANT_DEFAULT ? port->datapath : config->settings.datapath;
}

char *config_text(const struct config *config, size_t *len)
{
	char *text = malloc(config->len + 1);

	if (text == NULL)
		return NULL;
	memcpy(text, config->text, config->len + 1);
	*len = config->len;
	return text;
}
