/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fuzz target: the configuration file, and changes of it. Up to the first NUL the input is a file; what follows are changes, each of two
 * texts that end with NUL: what to change (its first byte says of what), and the new value. Whatever parses is written back byte for byte,
 * and after every change the text that would be written parses to the same configuration.
 */
#include <string.h>

#include "daemon/config.h"
#include "daemon/target.h"
#include "fuzz.h"

#define TEXT_MAX 2000 /* of a name or a value: `romon set` takes any */

static void same_secrets(const struct config_secrets *a, const struct config_secrets *b)
{
	must(a->count == b->count && a->count <= CONFIG_SECRETS_MAX);
	for (size_t i = 0; i < a->count; i++)
		must(strcmp(a->secret[i], b->secret[i]) == 0);
}

static void same_settings(const struct config_settings *a, const struct config_settings *b)
{
	must(a->datapath == b->datapath && a->datapath != DATAPATH_WANT_DEFAULT);
	must(a->answer_limit == b->answer_limit && a->answer_limit >= ROMON_ANSWERS_MIN);
	must(a->enabled == b->enabled && a->unicast == b->unicast && romon_mac_equal(a->id, b->id));
	must(romon_mac_is_zero(a->id) || romon_id_valid(a->id));
	must(strcmp(a->identity, b->identity) == 0 && strcmp(a->board, b->board) == 0);
	same_secrets(&a->secrets, &b->secrets);
}

static void same_port(const struct config_port *a, const struct config_port *b)
{
	must(strcmp(a->interface, b->interface) == 0 && strcmp(a->comment, b->comment) == 0 && a->interface[0] != '\0');
	must(a->is_default == b->is_default && a->forbid == b->forbid && a->disabled == b->disabled && a->cost == b->cost);
	must(a->cost != 0);
	same_secrets(&a->secrets, &b->secrets);
}

static void same_service(const struct config_service *a, const struct config_service *b)
{
	must(strcmp(a->name, b->name) == 0 && strcmp(a->to, b->to) == 0 && strcmp(a->user, b->user) == 0);
	must(strcmp(a->comment, b->comment) == 0 && a->is_default == b->is_default && a->disabled == b->disabled);
	must(a->port == b->port && a->max_streams == b->max_streams && a->port > 1 && a->max_streams > 0);
}

static void same_agent(const struct config_agent *a, const struct config_agent *b)
{
	must(a->enabled == b->enabled && a->port == b->port && a->port >= 1024);
	must(strcmp(a->listen, b->listen) == 0 && strcmp(a->address, b->address) == 0 && a->listen[0] != '\0');
}

static void same(const struct config *a, const struct config *b)
{
	size_t count, other;
	const struct config_port *ports = config_ports(a, &count), *other_ports = config_ports(b, &other);
	const struct config_service *services, *other_services;

	same_settings(config_settings(a), config_settings(b));
	same_agent(config_agent(a), config_agent(b));
	must(count == other && count >= 1 && count <= CONFIG_PORTS_MAX);
	for (size_t i = 0; i < count; i++)
		same_port(&ports[i], &other_ports[i]);
	services = config_services(a, &count);
	other_services = config_services(b, &other);
	must(count == other && count >= 2 && count <= CONFIG_SERVICES_MAX);
	for (size_t i = 0; i < count; i++) {
		same_service(&services[i], &other_services[i]);
		must(config_service_on(a, services[i].port) == &services[i]);
	}
	must(config_services_kept(a, b));
}

/* What would be written is read as the same. */
static void written_is_read(const struct config *config)
{
	struct config_error error;
	size_t len;
	char *text = config_text(config, &len);
	struct config *again, *copy = config_copy(config);

	must(text != NULL && copy != NULL);
	again = config_parse(text, len, &error);
	must(again != NULL);
	same(config, again);
	same(config, copy);
	config_free(again);
	config_free(copy);
	free(text);
}

static void refused(const struct config_error *error)
{
	must(memchr(error->reason, '\0', sizeof(error->reason)) != NULL && error->reason[0] != '\0');
	must(strchr(error->reason, '\n') == NULL);
}

/* One change: of an entry with the number that the second byte says; or a new one, or one less. */
static bool change(struct config *config, char *what, const char *value, struct config_error *error)
{
	const char *names[] = {"interface", NULL, NULL}, *values[] = {value, value, value};
	const char *service_names[] = {"name", "port", "to", NULL}, *service_values[] = {value, "77", "tcp:127.0.0.1:7", value};
	size_t len = strlen(what), number = len > 1 ? (uint8_t)what[1] % 16 : 0;
	const char *name = len > 2 ? what + 2 : "";

	names[1] = service_names[3] = name;
	switch (what[0]) {
	case 'p':
		return config_port_set(config, number, name, value, error);
	case 'a':
		return config_port_add(config, names, values, name[0] != '\0' ? 2 : 1, &number, error);
	case 'r':
		return config_port_remove(config, number, error);
	case 's':
		return config_service_set(config, number, name, value, error);
	case 'n':
		return config_service_add(config, service_names, service_values, name[0] != '\0' ? 4 : 3, &number, error);
	case 'w':
		return config_agent_set(config, name, value, error);
	case 'd':
		return config_service_remove(config, number, error);
	default:
		return config_set(config, name, value, error);
	}
}

/* The next text of the input, cut to TEXT_MAX. */
static void next_text(const uint8_t **at, const uint8_t *end, char text[TEXT_MAX + 1])
{
	const uint8_t *nul = memchr(*at, '\0', (size_t)(end - *at));
	size_t len = (size_t)((nul != NULL ? nul : end) - *at);

	if (len > TEXT_MAX)
		len = TEXT_MAX;
	memcpy(text, *at, len);
	text[len] = '\0';
	*at = nul != NULL ? nul + 1 : end;
}

static void change_all(struct config *config, const uint8_t *at, const uint8_t *end)
{
	char what[TEXT_MAX + 1], value[TEXT_MAX + 1];

	while (at < end) {
		struct config *before = config_copy(config);
		struct config_error error;

		must(before != NULL);
		next_text(&at, end, what);
		next_text(&at, end, value);
		if (!change(config, what, value, &error)) {
			refused(&error);
			same(before, config);
		}
		config_services_kept(before, config);
		config_free(before);
		written_is_read(config);
	}
}

static void use_secrets(const struct config *config)
{
	char *text = config_secrets_text(&config_settings(config)->secrets);

	must(text != NULL);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *end = data + size, *nul = size > 0 ? memchr(data, '\0', size) : NULL;
	struct config_error error;
	size_t len = nul != NULL ? (size_t)(nul - data) : size, written;
	struct config *config = config_parse((const char *)data, len, &error);
	char *text;

	if (config == NULL) {
		refused(&error);
		/* A NUL is refused wherever it stands. */
		config = config_parse((const char *)data, size, &error);
		must(config == NULL);
		return 0;
	}
	text = config_text(config, &written);
	must(text != NULL && written == len && memcmp(text, data, len) == 0);
	free(text);
	written_is_read(config);
	use_secrets(config);
	if (nul != NULL)
		change_all(config, nul + 1, end);
	config_free(config);
	return 0;
}
