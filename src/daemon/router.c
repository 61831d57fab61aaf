/* SPDX-License-Identifier: BSD-2-Clause
 *
 * This router. While RoMON is enabled there is an engine, even if no interface takes part and no ID could be chosen: then it has
 * no ports, and an ID of its own making that nobody will see.
 */
#include "daemon/router.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "daemon/control.h"
#include "daemon/file.h"
#include "daemon/log.h"
#include "daemon/ports.h"
#include "daemon/store.h"

static uint64_t random_number(void *ctx)
{
	uint64_t number;

	(void)ctx;
	/* Cannot fail for so few bytes once the machine has entropy, and waits until it has. */
	while (getrandom(&number, sizeof(number), 0) != (ssize_t)sizeof(number))
		continue;
	return number;
}

const char *router_identity(const struct worker *worker)
{
	const struct config_settings *settings = config_settings(worker->config);

	return settings->identity[0] != '\0' ? settings->identity : worker->self.identity;
}

const char *router_board(const struct worker *worker)
{
	const struct config_settings *settings = config_settings(worker->config);

	return settings->board[0] != '\0' ? settings->board : worker->self.board;
}

/* The ID for now: the configured one, the kept one, or a new one, which is then kept. Zero if no interface could lend its MAC. */
static struct romon_mac choose_id(struct worker *worker)
{
	struct romon_mac id = config_settings(worker->config)->id;
	char text[ROMON_MAC_TEXT];
	const struct iface *list;
	size_t count;
	int error;

	if (!romon_mac_is_zero(id) || monitor_client_load_id(&worker->monitor, &id) == 0)
		return id;
	list = ifaces_list(worker->ifaces, &count);
	if (!ports_choose_id(worker->config, list, count, &id))
		return romon_mac_zero;
	error = -monitor_client_save_id(&worker->monitor, id);
	if (error != 0)
		log_warning("cannot keep the RoMON ID %s: %s", romon_mac_text(id, text), strerror(error));
	return id;
}

static bool set_engine(struct worker *worker)
{
	const struct romon_env env = {.random = random_number, .log = log_line};
	struct romon_router router = {
		.id = worker->id,
		.identity = router_identity(worker),
		.board = router_board(worker),
		.started = worker->started,
		.send_uptime = true,
		.unicast = config_settings(worker->config)->unicast,
		.answers = config_settings(worker->config)->answer_limit,
	};

	self_version(router.version);
	if (romon_mac_is_zero(router.id)) {
		uint64_t number = random_number(NULL);

		memcpy(router.id.b, &number, ROMON_MAC_LEN);
		router.id.b[0] = (uint8_t)((router.id.b[0] & 0xfc) | 0x02); /* locally administered, no group */
	}
	if (worker->engine != NULL)
		return romon_engine_set_router(worker->engine, &router);
	worker->engine = romon_engine_new(&env, &router);
	return worker->engine != NULL;
}

/* Brings the engine in line with the running configuration. */
static bool configure(struct worker *worker)
{
	struct romon_mac before = worker->id;
	char text[ROMON_MAC_TEXT];

	if (!config_settings(worker->config)->enabled) {
		if (worker->engine != NULL)
			log_info("RoMON is disabled");
		router_stop(worker);
		return true;
	}
	worker->id = choose_id(worker);
	if (!set_engine(worker)) {
		worker->id = before;
		return false;
	}
	if (!romon_mac_is_zero(worker->id) && !romon_mac_equal(before, worker->id))
		log_info("RoMON ID %s", romon_mac_text(worker->id, text));
	services_refresh(worker);
	datapaths_retry(worker);
	members_refresh(worker);
	return true;
}

bool router_apply(struct worker *worker, struct config *config)
{
	struct config *old = worker->config;

	worker->config = config;
	if (configure(worker)) {
		if (old != NULL)
			config_free(old);
		return true;
	}
	log_error("no memory for the new configuration");
	worker->config = old;
	config_free(config);
	return false;
}

/* Is the file still what the running configuration was read from? One that is not there holds nothing that could be lost. */
static bool file_unchanged(struct worker *worker)
{
	int fd = monitor_client_open_config(&worker->monitor);
	size_t found_len, len;
	char *found, *text;
	bool same;

	if (fd < 0)
		return fd == -ENOENT;
	found = file_read(fd, CONFIG_SIZE_MAX, &found_len);
	close(fd);
	text = config_text(worker->config, &len);
	same = found != NULL && text != NULL && found_len == len && memcmp(found, text, len) == 0;
	free(found);
	free(text);
	return same;
}

bool router_save(struct worker *worker, struct config *config, struct config_error *error)
{
	size_t len;
	char *text;
	int result;

	if (!file_unchanged(worker)) {
		error->line = 0;
		snprintf(error->reason, sizeof(error->reason),
			"failure: somebody changed the configuration file, which this would undo: reload romond first");
		return false;
	}
	text = config_text(config, &len);
	result = text == NULL ? -ENOMEM : monitor_client_replace_config(&worker->monitor, text, len);
	free(text);
	if (result != 0) {
		error->line = 0;
		snprintf(error->reason, sizeof(error->reason), "the configuration could not be saved: %s", strerror(-result));
		return false;
	}
	router_apply(worker, config);
	return true;
}

struct config *router_load(struct worker *worker, struct config_error *error)
{
	int fd = monitor_client_open_config(&worker->monitor);
	struct config *config;

	error->line = 0;
	if (fd >= 0) {
		config = store_load_fd(fd, error);
		close(fd);
		return config;
	}
	config = fd == -ENOENT ? config_new() : NULL;
	if (config == NULL)
		snprintf(error->reason, sizeof(error->reason), "%s", strerror(-fd));
	return config;
}

void router_refresh(struct worker *worker)
{
	if (worker->engine == NULL)
		return;
	if (romon_mac_is_zero(worker->id))
		configure(worker);
	else
		members_refresh(worker);
}

void router_stop(struct worker *worker)
{
	worker->id = romon_mac_zero;
	if (worker->engine == NULL)
		return;
	if (worker->control != NULL)
		control_not_running(worker->control);
	pumps_close(worker);
	services_forget(worker);
	worker_flush(worker); /* so that others hear of the ends */
	members_close(worker);
	asking_forget(&worker->asking);
	romon_engine_free(worker->engine);
	worker->engine = NULL;
}
