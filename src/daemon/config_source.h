/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A configuration from the inside: its text, what the text says, and where in the text each thing was said. The text is the
 * truth: config_edit.c changes it in place and has it parsed anew, so what is written back always means what the daemon runs
 * with. Shared by config.c, config_agent.c, config_parse.c, config_service.c and config_edit.c, by nobody else.
 */
#ifndef ROMON_CONFIG_SOURCE_H
#define ROMON_CONFIG_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config.h"
#include "daemon/config_value.h"

#define CONFIG_PRESET_FAILURE "failure: only cost, forbid and secrets can be changed for preset" /* RouterOS's words */
#define CONFIG_SERVICE_FAILURE "failure: the name of a preset cannot be changed"

/* Bytes [start, end) of the text. */
struct span {
	size_t start;
	size_t end;
};

/* A command, with the physical lines that it covers. */
struct statement {
	bool present;
	struct span lines; /* line end included */
	size_t tail;       /* behind its last word: another property goes here */
	bool absolute;     /* it names its menu itself, and leaves the current one alone */
};

/* Where one object (the settings, an entry of the port list) was described. */
struct source {
	struct statement statement;        /* its `add`, or its last `set` */
	struct span value[PROPERTIES_MAX]; /* of each property; start 0: not set */
};

enum menu { MENU_ROMON, MENU_PORT, MENU_SERVICE, MENU_AGENT, MENU_COUNT, MENU_NONE = MENU_COUNT };

struct config {
	char *text; /* NUL-terminated */
	size_t len;
	struct config_settings settings;
	struct source settings_source;
	struct config_agent agent;
	struct source agent_source;
	struct config_port *ports;   /* entry 0 is `all` */
	struct source *port_sources; /* as many as ports */
	size_t port_count;
	struct config_service *services; /* the presets first */
	struct source *service_sources;  /* as many as services */
	size_t service_count;
	size_t menu_end[MENU_COUNT]; /* behind the line of each menu; 0: there is none */
};

#define CONFIG_SERVICE_PRESETS 2

/* Gives the agent its default values. */
void config_agent_defaults(struct config *config);
/* Appends a service with the default values. NULL without memory. The pointers to services that were got before are void then. */
struct config_service *config_service_new(struct config *config);
/* Appends the presets. False without memory. */
bool config_service_presets(struct config *config);
/* May service number be as it is, beside all others? */
bool config_service_check(const struct config *config, size_t number, struct config_error *error);

#endif
