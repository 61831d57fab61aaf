/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The configuration: the text that RouterOS prints on `export`, parsed whole or refused whole, changed one property at a time, and
 * written back with the comments and the order that its author gave it. Works on memory; the monitor reads and writes the file.
 */
#ifndef ROMON_CONFIG_H
#define ROMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#include "link/datapath.h"

#define CONFIG_SIZE_MAX (256 * 1024) /* bytes of a configuration file */
#define CONFIG_PORTS_MAX 512         /* entries of the port list, `all` included */
#define CONFIG_SECRETS_MAX 8
#define CONFIG_SECRET_LEN_MAX 128
#define CONFIG_TEXT_MAX 255   /* identity, board, comment: bytes */
#define CONFIG_PATTERN_MAX 63 /* interface name or pattern: bytes */
#define CONFIG_COST_DEFAULT 100
#define CONFIG_SERVICES_MAX 64  /* services, the presets included */
#define CONFIG_NAME_MAX 31      /* name of a service, or of a user: bytes */
#define CONFIG_STREAMS_MAX 1000 /* of one service at a time */
#define CONFIG_STREAMS_DEFAULT 64
#define CONFIG_AGENT_PORT 8291

struct config_secrets {
	size_t count; /* 0: the empty list */
	char secret[CONFIG_SECRETS_MAX][CONFIG_SECRET_LEN_MAX + 1];
};

/* One entry of the port list. Entry 0 is always `all`. */
struct config_port {
	char interface[CONFIG_PATTERN_MAX + 1]; /* "all", a name, or a shell pattern */
	bool is_default;                        /* the entry `all` */
	bool forbid;
	bool disabled;
	uint16_t cost;
	struct config_secrets secrets;
	enum datapath_want datapath;
	char comment[CONFIG_TEXT_MAX + 1];
};

/* What other routers can connect to. Services 0 and 1 are always the presets ssh and winbox. */
struct config_service {
	char name[CONFIG_NAME_MAX + 1];
	bool is_default;                /* a preset */
	uint16_t port;                  /* no two services have the same */
	char to[CONFIG_TEXT_MAX + 1];   /* as target_parse() takes it */
	char user[CONFIG_NAME_MAX + 1]; /* whom a program runs as */
	bool disabled;
	uint16_t max_streams;
	char comment[CONFIG_TEXT_MAX + 1];
};

/* The settings of `/tool romon winbox-agent`: where WinBox may log in to reach the routers of the overlay. Lists have commas between. */
struct config_agent {
	bool enabled;
	char listen[CONFIG_TEXT_MAX + 1];  /* addresses of this machine, one at least */
	uint16_t port;                     /* TCP */
	char address[CONFIG_TEXT_MAX + 1]; /* networks that may connect; "": all */
};

/* The settings of `/tool romon`. An empty identity or board means: what the machine says. */
struct config_settings {
	bool enabled;
	struct romon_mac id; /* zero: choose one */
	struct config_secrets secrets;
	char identity[CONFIG_TEXT_MAX + 1];
	char board[CONFIG_TEXT_MAX + 1];
	bool unicast;
	enum datapath_want datapath; /* not DATAPATH_WANT_DEFAULT */
	uint32_t answer_limit; /* bytes in a second, ROMON_ANSWERS_MIN to ROMON_ANSWERS_MAX */
};

struct config; /* settings, ports, services, and the text that they came from */

/* What is wrong and what to do, on one line. line is 0 where there is none (a value given to `romon set`). */
struct config_error {
	unsigned line;
	char reason[256];
};

struct config *config_new(void); /* the defaults: disabled, `all` with cost 100. NULL: no memory */
/* Parses len bytes. NULL with *error filled if anything in it is wrong. */
struct config *config_parse(const char *text, size_t len, struct config_error *error);
struct config *config_copy(const struct config *config); /* NULL: no memory */
void config_free(struct config *config);

/* What they return is the configuration's, and valid until it is changed. */
const struct config_settings *config_settings(const struct config *config);
const struct config_agent *config_agent(const struct config *config);
const struct config_port *config_ports(const struct config *config, size_t *count);
/* What holds for the interfaces of this entry: never DATAPATH_WANT_DEFAULT. */
enum datapath_want config_datapath(const struct config *config, const struct config_port *port);
const struct config_service *config_services(const struct config *config, size_t *count);
/* The one on this port, disabled or not; NULL if there is none. */
const struct config_service *config_service_on(const struct config *config, uint16_t port);
/* Does changed lead nobody through root's rights to where config does not? A program, a socket file and another machine's TCP port are
 * reached with these rights, so a service that has one must have had the very same, as the same user, before. */
bool config_services_kept(const struct config *config, const struct config *changed);

/* Change one property, its value in RouterOS's syntax. False with *error filled, and nothing changed, if name or value are wrong. */
bool config_set(struct config *config, const char *name, const char *value, struct config_error *error);
bool config_agent_set(struct config *config, const char *name, const char *value, struct config_error *error);
bool config_port_set(struct config *config, size_t number, const char *name, const char *value, struct config_error *error);
/* Adds an entry with these properties (names[i]=values[i]; "interface" must be among them) and returns its number in *number. */
bool config_port_add(struct config *config, const char *const *names, const char *const *values, size_t count, size_t *number,
	struct config_error *error);
bool config_port_remove(struct config *config, size_t number, struct config_error *error);
/* The same for services; to add one, "name", "port" and "to" must be among its properties. */
bool config_service_set(struct config *config, size_t number, const char *name, const char *value, struct config_error *error);
bool config_service_add(struct config *config, const char *const *names, const char *const *values, size_t count, size_t *number,
	struct config_error *error);
bool config_service_remove(struct config *config, size_t number, struct config_error *error);

/* The text to write to the file: lines that did not change keep their form and their comments. To be freed. NULL: no memory. */
char *config_text(const struct config *config, size_t *len);

/* A list of secrets as RouterOS prints it: `"",mysecret`. Returns a string to be freed, NULL without memory. */
char *config_secrets_text(const struct config_secrets *secrets);

#endif
