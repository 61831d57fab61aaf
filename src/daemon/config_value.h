/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The properties of the configuration and what values they take: from the elements that config_lexer.h reads to the fields of the
 * structs in config.h, and back to the text that is written.
 */
#ifndef ROMON_CONFIG_VALUE_H
#define ROMON_CONFIG_VALUE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config.h"
#include "daemon/config_lexer.h"

enum property_kind {
	PROPERTY_FLAG,          /* bool: yes or no */
	PROPERTY_ID,            /* struct romon_mac: zero or a RoMON ID */
	PROPERTY_COST,          /* uint16_t: 1 to 65535 */
	PROPERTY_DATAPATH,      /* enum datapath_want: auto, xdp, packet */
	PROPERTY_PORT_DATAPATH, /* the same, and default */
	PROPERTY_TEXT,          /* char[CONFIG_TEXT_MAX + 1] */
	PROPERTY_INTERFACE,     /* char[CONFIG_PATTERN_MAX + 1] */
	PROPERTY_SECRETS,       /* struct config_secrets */
	PROPERTY_NAME,          /* char[CONFIG_NAME_MAX + 1]: of a service or user */
	PROPERTY_PORT,          /* uint16_t: 2 to 65535 */
	PROPERTY_ANSWERS,       /* uint32_t: ROMON_ANSWERS_MIN to ROMON_ANSWERS_MAX */
	PROPERTY_STREAMS,       /* uint16_t: 1 to CONFIG_STREAMS_MAX */
	PROPERTY_TARGET,        /* char[CONFIG_TEXT_MAX + 1] that target_parse() takes */
	PROPERTY_LISTEN,        /* char[CONFIG_TEXT_MAX + 1]: addresses, one at least */
	PROPERTY_NETWORKS,      /* char[CONFIG_TEXT_MAX + 1]: networks */
	PROPERTY_TCP_PORT,      /* uint16_t: 1024 to 65535 */
};

struct property {
	const char *name;
	enum property_kind kind;
	size_t offset;  /* of its field in the object that it belongs to */
	bool of_preset; /* may be changed in a preset, such as the entry `all`, too */
};

/* What an object of one kind (the settings, an entry of the port list) may have set. */
#define PROPERTIES_MAX 8
struct properties {
	size_t count;
	struct property list[PROPERTIES_MAX];
};
extern const struct properties settings_properties; /* of struct config_settings */
extern const struct properties port_properties;     /* of struct config_port */
extern const struct properties service_properties;  /* of struct config_service */
extern const struct properties agent_properties;    /* of struct config_agent */

/* The property of that name, which need not be a well-formed one, or NULL with *error filled. */
const struct property *property_find(const struct properties *properties, const char *name, struct config_error *error);
/* Sets it in the object. False with *error filled, and the object unchanged, if the value will not do. */
bool property_store(const struct property *property, const struct value *value, void *object, struct config_error *error);
/* The same from a text of its own, without a line around it: a text property need not be quoted there. */
bool property_store_text(const struct property *property, const char *text, void *object, struct config_error *error);
/* The property's value as it is written to the file. To be freed. NULL: no memory. */
char *property_text(const struct property *property, const void *object);

/* Reads a list of secrets: "" is the empty list, ("") the list of one empty secret. The same one twice is a slip and refused. */
bool value_secrets(const struct value *value, struct config_secrets *secrets, struct config_error *error);

#endif
