/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The services of a configuration: the presets, and the rules that no single value can break.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/config_lexer.h"
#include "daemon/config_source.h"
#include "daemon/target.h"

static const struct config_service presets[CONFIG_SERVICE_PRESETS] = {
	{
		.name = "ssh",
		.is_default = true,
		.port = 3,
		.to = "exec:/usr/sbin/sshd -i",
		.user = "root",
		.max_streams = 10,
	},
	{
		.name = "winbox",
		.is_default = true,
		.port = 4,
		.to = "tcp:127.0.0.1:8291",
		.user = "nobody",
		.disabled = true,
		.max_streams = CONFIG_STREAMS_DEFAULT,
	},
};

struct config_service *config_service_new(struct config *config)
{
	size_t count = config->service_count + 1;
	struct config_service *services = realloc(config->services, count * sizeof(*services)), *service;
	struct source *sources;

	if (services == NULL)
		return NULL;
	config->services = services;
	sources = realloc(config->service_sources, count * sizeof(*sources));
	if (sources == NULL)
		return NULL;
	config->service_sources = sources;
	memset(&sources[config->service_count], 0, sizeof(*sources));
	service = &services[config->service_count];
	*service = (struct config_service){.user = "nobody", .max_streams = CONFIG_STREAMS_DEFAULT};
	config->service_count = count;
	return service;
}

bool config_service_presets(struct config *config)
{
	for (size_t i = 0; i < CONFIG_SERVICE_PRESETS; i++) {
		struct config_service *service = config_service_new(config);

		if (service == NULL)
			return false;
		*service = presets[i];
	}
	return true;
}

bool config_service_check(const struct config *config, size_t number, struct config_error *error)
{
	const struct config_service *service = &config->services[number];

	if (service->name[0] == '\0' || service->port == 0 || service->to[0] == '\0')
		return config_fail(error, 0, "add needs a name, a port and a target: write add name=NAME port=PORT to=TARGET");
	for (size_t i = 0; i < config->service_count; i++) {
		const struct config_service *other = &config->services[i];

		if (i == number)
			continue;
		if (strcmp(other->name, service->name) == 0)
			return config_fail(error, 0, "there is a service %s already: change that one", service->name);
		if (other->port == service->port)
			return config_fail(error, 0, "port %u is that of service %s: choose another one", (unsigned)service->port,
				other->name);
	}
	return true;
}

const struct config_service *config_services(const struct config *config, size_t *count)
{
	*count = config->service_count;
	return config->services;
}

const struct config_service *config_service_on(const struct config *config, uint16_t port)
{
	for (size_t i = 0; i < config->service_count; i++)
		if (config->services[i].port == port)
			return &config->services[i];
	return NULL;
}

/* Does it lead where only root may let others in? */
static bool is_guarded(const struct config_service *service)
{
	struct target target;

	return !target_parse(service->to, &target) || target.kind != TARGET_TCP || !target.own_machine;
}

static bool is_there(const struct config *config, const struct config_service *service)
{
	for (size_t i = 0; i < config->service_count; i++) {
		const struct config_service *other = &config->services[i];

		if (strcmp(other->name, service->name) == 0)
			return strcmp(other->to, service->to) == 0 && strcmp(other->user, service->user) == 0;
	}
	return false;
}

bool config_services_kept(const struct config *config, const struct config *changed)
{
	for (size_t i = 0; i < changed->service_count; i++)
		if (is_guarded(&changed->services[i]) && !is_there(config, &changed->services[i]))
			return false;
	return true;
}
