/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Services. The engine accepts a stream only from a peer that has proved that it hears us, so a forged connect starts nothing. What the
 * service is the monitor decides by the configuration that it reads itself.
 */
#include "daemon/services.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "daemon/log.h"
#include "daemon/pump.h"
#include "daemon/target.h"
#include "daemon/worker.h"

static const struct config_service *enabled_on(const struct worker *worker, uint16_t port)
{
	const struct config_service *service = config_service_on(worker->config, port);

	return service != NULL && !service->disabled ? service : NULL;
}

void services_refresh(struct worker *worker)
{
	struct services *services = &worker->services;
	const struct config_service *list;
	size_t i, count;

	for (i = 0; i < services->count; i++) {
		if (enabled_on(worker, services->port[i]) == NULL)
			romon_engine_listen(worker->engine, services->port[i], false);
	}
	services->count = 0;
	list = config_services(worker->config, &count);
	for (i = 0; i < count; i++) {
		if (!list[i].disabled && romon_engine_listen(worker->engine, list[i].port, true))
			services->port[services->count++] = list[i].port;
	}
}

void services_forget(struct worker *worker)
{
	worker->services.count = 0;
}

static void refuse(struct worker *worker, const struct romon_event *event, const char *name, int error)
{
	bool absent = error == ENOENT || error == EACCES;
	char id[ROMON_MAC_TEXT];

	log_info("service %s: connection from %s refused: %s", name, romon_mac_text(event->id, id),
		error == EUSERS ? "max-streams are open already" : strerror(error));
	romon_stream_reset(worker->engine, event->stream, absent ? ROMON_STREAM_NO_SERVICE : ROMON_STREAM_REFUSED);
}

void services_accept(struct worker *worker, const struct romon_event *event)
{
	const struct config_service *service = enabled_on(worker, event->port);
	struct pump_about about = {.id = event->id, .port = event->port};
	char id[ROMON_MAC_TEXT];
	int fd;

	if (service == NULL) { /* disabled while the stream was being opened */
		romon_stream_reset(worker->engine, event->stream, ROMON_STREAM_NO_SERVICE);
		return;
	}
	if (pumps_of(worker, service->name) >= service->max_streams) {
		refuse(worker, event, service->name, EUSERS);
		return;
	}
	fd = monitor_client_start_service(&worker->monitor, event->port, event->id);
	if (fd < 0) {
		refuse(worker, event, service->name, -fd);
		return;
	}
	memcpy(about.service, service->name, sizeof(about.service));
	log_info("service %s: connection from %s", service->name, romon_mac_text(event->id, id));
	pump_start(worker, &about, event->stream, fd);
}

bool services_available(const struct config_service *service)
{
	struct target target;

	return target_parse(service->to, &target) && (target.kind != TARGET_EXEC || access(target.argv[0], X_OK) == 0);
}
