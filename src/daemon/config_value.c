/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The properties of the configuration and their values. Every reader leaves its target alone when it fails.
 */
#include "daemon/config_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/target.h"
#include "winbox/address.h"

const struct properties settings_properties = {
	.count = 8,
	.list =
		{
			{"enabled", PROPERTY_FLAG, offsetof(struct config_settings, enabled), false},
			{"id", PROPERTY_ID, offsetof(struct config_settings, id), false},
			{"secrets", PROPERTY_SECRETS, offsetof(struct config_settings, secrets), false},
			{"identity", PROPERTY_TEXT, offsetof(struct config_settings, identity), false},
			{"board", PROPERTY_TEXT, offsetof(struct config_settings, board), false},
			{"unicast", PROPERTY_FLAG, offsetof(struct config_settings, unicast), false},
			{"datapath", PROPERTY_DATAPATH, offsetof(struct config_settings, datapath), false},
			{"answer-limit", PROPERTY_ANSWERS, offsetof(struct config_settings, answer_limit), false},
		},
};

const struct properties port_properties = {
	.count = 7,
	.list =
		{
			{"interface", PROPERTY_INTERFACE, offsetof(struct config_port, interface), false},
			{"forbid", PROPERTY_FLAG, offsetof(struct config_port, forbid), true},
			{"cost", PROPERTY_COST, offsetof(struct config_port, cost), true},
			{"secrets", PROPERTY_SECRETS, offsetof(struct config_port, secrets), true},
			{"datapath", PROPERTY_PORT_DATAPATH, offsetof(struct config_port, datapath), false},
			{"disabled", PROPERTY_FLAG, offsetof(struct config_port, disabled), false},
			{"comment", PROPERTY_TEXT, offsetof(struct config_port, comment), false},
		},
};

const struct properties service_properties = {
	.count = 7,
	.list =
		{
			{"name", PROPERTY_NAME, offsetof(struct config_service, name), false},
			{"port", PROPERTY_PORT, offsetof(struct config_service, port), true},
			{"to", PROPERTY_TARGET, offsetof(struct config_service, to), true},
			{"user", PROPERTY_NAME, offsetof(struct config_service, user), true},
			{"disabled", PROPERTY_FLAG, offsetof(struct config_service, disabled), true},
			{"max-streams", PROPERTY_STREAMS, offsetof(struct config_service, max_streams), true},
			{"comment", PROPERTY_TEXT, offsetof(struct config_service, comment), true},
		},
};

const struct properties agent_properties = {
	.count = 4,
	.list =
		{
			{"enabled", PROPERTY_FLAG, offsetof(struct config_agent, enabled), false},
			{"listen", PROPERTY_LISTEN, offsetof(struct config_agent, listen), false},
			{"port", PROPERTY_TCP_PORT, offsetof(struct config_agent, port), false},
			{"address", PROPERTY_NETWORKS, offsetof(struct config_agent, address), false},
		},
};

const struct property *property_find(const struct properties *properties, const char *name, struct config_error *error)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < properties->count; i++)
		if (strcmp(name, properties->list[i].name) == 0)
			return &properties->list[i];
	if (strcmp(name, "current-id") == 0)
		config_fail(error, 0, "current-id can only be read: set id");
	else if (len == 0 || len > WORD_MAX || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		config_fail(error, 0, "unknown property: romon.conf(5) names them all");
	else
		config_fail(error, 0, "unknown property %s: romon.conf(5) names them all", name);
	return NULL;
}

/* The value's only element, or NULL if it is a list. */
static const struct value_piece *only_piece(const struct value *value)
{
	return value->count == 1 && !value->parens ? &value->piece[0] : NULL;
}

static bool value_flag(const struct value_piece *piece, bool *flag)
{
	bool yes = strcmp(piece->bytes, "yes") == 0 || strcmp(piece->bytes, "true") == 0;

	if (!yes && strcmp(piece->bytes, "no") != 0 && strcmp(piece->bytes, "false") != 0)
		return false;
	*flag = yes;
	return true;
}

static bool value_datapath(const struct value_piece *piece, enum datapath_want first, enum datapath_want *want)
{
	for (unsigned i = first; i <= DATAPATH_WANT_PACKET; i++) {
		if (strcmp(piece->bytes, datapath_want_name((enum datapath_want)i)) == 0) {
			*want = (enum datapath_want)i;
			return true;
		}
	}
	return false;
}

static bool value_id(const struct value_piece *piece, struct romon_mac *id)
{
	struct romon_mac mac;

	if (!romon_mac_parse(piece->bytes, &mac) || (!romon_id_valid(mac) && !romon_mac_is_zero(mac)))
		return false;
	*id = mac;
	return true;
}

static bool value_large(const struct value_piece *piece, unsigned long min, unsigned long max, uint32_t *value)
{
	unsigned long number;

	if (piece->len < 1 || piece->len > 10 || strspn(piece->bytes, "0123456789") != piece->len)
		return false;
	number = strtoul(piece->bytes, NULL, 10);
	if (number < min || number > max)
		return false;
	*value = (uint32_t)number;
	return true;
}

static bool value_number(const struct value_piece *piece, unsigned long min, unsigned long max, uint16_t *value)
{
	uint32_t number;

	if (!value_large(piece, min, max, &number))
		return false;
	*value = (uint16_t)number;
	return true;
}

static bool is_utf8(const char *text, size_t len)
{
	char clean[VALUE_PIECE_MAX * 3 + 1]; /* the replacement of one bad byte has three */

	return romon_text_clean(clean, sizeof(clean), (const uint8_t *)text, len) == len && memcmp(clean, text, len) == 0;
}

/* UTF-8 without control characters (U+0080 to U+009F included), of at most max bytes: fit for terminals, logs and JSON. */
static bool is_text(const struct value_piece *piece, size_t max)
{
	for (size_t i = 0; i < piece->len; i++) {
		unsigned char c = (unsigned char)piece->bytes[i];

		/* A terminating NUL stands behind the last byte. */
		if (c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)piece->bytes[i + 1] < 0xa0))
			return false;
	}
	return piece->len <= max && is_utf8(piece->bytes, piece->len);
}

static bool value_text(const struct value_piece *piece, char text[CONFIG_TEXT_MAX + 1])
{
	if (!is_text(piece, CONFIG_TEXT_MAX))
		return false;
	memcpy(text, piece->bytes, piece->len + 1);
	return true;
}

static bool value_interface(const struct value_piece *piece, char interface[CONFIG_PATTERN_MAX + 1])
{
	if (piece->len == 0 || !is_text(piece, CONFIG_PATTERN_MAX) || strpbrk(piece->bytes, " /") != NULL)
		return false;
	memcpy(interface, piece->bytes, piece->len + 1);
	return true;
}

/* Fit for a command line, where it stands beside port numbers and options, and for the environment of a program. */
static bool value_name(const struct value_piece *piece, char name[CONFIG_NAME_MAX + 1])
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
	static const char all[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789.-";

	if (piece->len < 1 || piece->len > CONFIG_NAME_MAX || strchr(letters, piece->bytes[0]) == NULL ||
		strspn(piece->bytes, all) != piece->len)
		return false;
	memcpy(name, piece->bytes, piece->len + 1);
	return true;
}

static bool value_target(const struct value_piece *piece, char to[CONFIG_TEXT_MAX + 1])
{
	struct target target;

	return is_text(piece, CONFIG_TEXT_MAX) && target_parse(piece->bytes, &target) && value_text(piece, to);
}

/* A list of addresses or networks, joined by commas. */
static bool value_addresses(const struct value *value, bool networks, char text[CONFIG_TEXT_MAX + 1])
{
	struct address addresses[ADDRESS_LIST_MAX];
	struct network list[ADDRESS_LIST_MAX];
	char joined[CONFIG_TEXT_MAX + 1] = "";
	size_t len = 0, count;

	for (size_t i = 0; i < value->count; i++) {
		const struct value_piece *piece = &value->piece[i];

		if (len + piece->len + 1 > CONFIG_TEXT_MAX || (value->count > 1 && piece->len == 0) ||
			memchr(piece->bytes, ',', piece->len))
			return false;
		if (i > 0)
			joined[len++] = ',';
		memcpy(joined + len, piece->bytes, piece->len + 1);
		len += piece->len;
	}
	if (networks ? !network_list_parse(joined, list, &count) : !address_list_parse(joined, addresses, &count) || count == 0)
		return false;
	memcpy(text, joined, len + 1);
	return true;
}

bool value_secrets(const struct value *value, struct config_secrets *secrets, struct config_error *error)
{
	const struct value_piece *first = &value->piece[0];

	for (size_t i = 0; i < value->count; i++) {
		if (value->piece[i].len > CONFIG_SECRET_LEN_MAX)
			return config_fail(error, 0, "secrets: number %zu is longer than %d bytes: shorten it", i + 1,
				CONFIG_SECRET_LEN_MAX);
		for (size_t j = 0; j < i; j++)
			if (strcmp(value->piece[i].bytes, value->piece[j].bytes) == 0)
				return config_fail(
					error, 0, "secrets: number %zu is the same as number %zu: take one out", i + 1, j + 1);
	}
	memset(secrets, 0, sizeof(*secrets));
	if (value->count == 1 && first->len == 0 && !(value->parens && first->quoted))
		return true;
	secrets->count = value->count;
	for (size_t i = 0; i < value->count; i++)
		memcpy(secrets->secret[i], value->piece[i].bytes, value->piece[i].len + 1);
	return true;
}

static bool is_list(const struct property *property)
{
	return property->kind == PROPERTY_SECRETS || property->kind == PROPERTY_LISTEN || property->kind == PROPERTY_NETWORKS;
}

bool property_store(const struct property *property, const struct value *value, void *object, struct config_error *error)
{
	void *target = (char *)object + property->offset;
	const struct value_piece *piece = only_piece(value);
	const char *need = NULL;

	if (piece == NULL && !is_list(property))
		return config_fail(
			error, 0, "%s is no list: put a value with a comma or parenthesis in double quotes", property->name);
	switch (property->kind) {
	case PROPERTY_FLAG:
		if (!value_flag(piece, target))
			need = "write yes or no";
		break;
	case PROPERTY_ID:
		if (!value_id(piece, target))
			need = "write six pairs of hexadecimal digits, 6C:3B:6B:48:0E:8B, no group address (first pair even), or "
			       "all zero";
		break;
	case PROPERTY_COST:
		if (!value_number(piece, 1, UINT16_MAX, target))
			need = "write a number from 1 to 65535";
		break;
	case PROPERTY_DATAPATH:
		if (!value_datapath(piece, DATAPATH_WANT_AUTO, target))
			need = "write auto, xdp or packet";
		break;
	case PROPERTY_PORT_DATAPATH:
		if (!value_datapath(piece, DATAPATH_WANT_DEFAULT, target))
			need = "write default, auto, xdp or packet";
		break;
	case PROPERTY_TEXT:
		if (!value_text(piece, target))
			need = "write at most 255 bytes of UTF-8 without control characters";
		break;
	case PROPERTY_INTERFACE:
		if (!value_interface(piece, target))
			need = "write a name or pattern of 1 to 63 bytes without blanks, slashes and control characters";
		break;
	case PROPERTY_SECRETS:
		return value_secrets(value, target, error);
	case PROPERTY_NAME:
		if (!value_name(piece, target))
			need = "write 1 to 31 letters, digits, and . _ -, a letter first";
		break;
	case PROPERTY_PORT:
		if (!value_number(piece, 2, UINT16_MAX, target))
			need = "write a number from 2 to 65535";
		break;
	case PROPERTY_ANSWERS:
		if (!value_large(piece, ROMON_ANSWERS_MIN, ROMON_ANSWERS_MAX, target))
			need = "write bytes in a second, from 100000 to 1000000000";
		break;
	case PROPERTY_STREAMS:
		if (!value_number(piece, 1, CONFIG_STREAMS_MAX, target))
			need = "write a number from 1 to 1000";
		break;
	case PROPERTY_TARGET:
		if (!value_target(piece, target))
			need = "write exec:/PROGRAM ARGUMENTS, unix:/PATH, tcp:127.0.0.1:PORT or tcp:[::1]:PORT";
		break;
	case PROPERTY_LISTEN:
		if (!value_addresses(value, false, target))
			need = "write 1 to 8 IP addresses of this machine, or 0.0.0.0 or :: for all";
		break;
	case PROPERTY_NETWORKS:
		if (!value_addresses(value, true, target))
			need = "write at most 8 networks, 192.168.88.0/24";
		break;
	case PROPERTY_TCP_PORT:
		if (!value_number(piece, 1024, UINT16_MAX, target))
			need = "write a number from 1024 to 65535";
		break;
	}
	return need == NULL || config_fail(error, 0, "bad value of %s: %s", property->name, need);
}

/* A text given alone needs no quotes to show where it ends, and a shell has taken those away that its user wrote. */
static bool scan_plain_text(const char *text, struct value *value, struct config_error *error)
{
	struct value_piece *piece = &value->piece[0];

	if (strpbrk(text, "\"\\") != NULL)
		return config_fail(error, 0, "a quote or backslash: put the value in double quotes, with \\\" and \\\\ inside");
	if (strlen(text) > VALUE_PIECE_MAX)
		return config_fail(error, 0, "the value is longer than %d bytes: shorten it", VALUE_PIECE_MAX);
	value->parens = false;
	value->count = 1;
	piece->quoted = false;
	piece->len = strlen(text);
	memcpy(piece->bytes, text, piece->len + 1);
	return true;
}

bool property_store_text(const struct property *property, const char *text, void *object, struct config_error *error)
{
	struct cursor cursor = {.text = text, .len = strlen(text)};
	struct value value;

	if ((property->kind == PROPERTY_TEXT || property->kind == PROPERTY_TARGET) && text[0] != '"') {
		if (!scan_plain_text(text, &value, error))
			return false;
	} else {
		if (!value_scan(&cursor, &value, error))
			return false;
		if (cursor.at != cursor.len)
			return config_fail(error, 0, "bad value of %s: put a value with blanks in double quotes", property->name);
	}
	return property_store(property, &value, object, error);
}

/* Writes one element, in quotes if RouterOS or value_scan() could take it for anything else. */
static void write_piece(FILE *out, const char *bytes)
{
	size_t len = strlen(bytes);
	bool utf8 = is_utf8(bytes, len);

	if (len > 0 && strspn(bytes, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:*@+%!") == len) {
		fputs(bytes, out);
		return;
	}
	fputc('"', out);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)bytes[i];

		if (c == '"' || c == '\\' || c == '$')
			fprintf(out, "\\%c", c);
		else if (c < ' ' || c == 0x7f || (c >= 0x80 && !utf8))
			fprintf(out, "\\%02X", c);
		else
			fputc(c, out);
	}
	fputc('"', out);
}

static void write_secrets(FILE *out, const struct config_secrets *secrets)
{
	if (secrets->count == 0) {
		fputs("\"\"", out);
	} else if (secrets->count == 1 && secrets->secret[0][0] == '\0') {
		fputs("(\"\")", out);
	} else {
		for (size_t i = 0; i < secrets->count; i++) {
			if (i > 0)
				fputc(',', out);
			write_piece(out, secrets->secret[i]);
		}
	}
}

char *property_text(const struct property *property, const void *object)
{
	const void *source = (const char *)object + property->offset;
	char mac[ROMON_MAC_TEXT], *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	switch (property->kind) {
	case PROPERTY_FLAG:
		fputs(*(const bool *)source ? "yes" : "no", out);
		break;
	case PROPERTY_ID:
		fputs(romon_mac_text(*(const struct romon_mac *)source, mac), out);
		break;
	case PROPERTY_COST:
	case PROPERTY_PORT:
	case PROPERTY_STREAMS:
	case PROPERTY_TCP_PORT:
		fprintf(out, "%u", *(const uint16_t *)source);
		break;
	case PROPERTY_DATAPATH:
	case PROPERTY_PORT_DATAPATH:
		fputs(datapath_want_name(*(const enum datapath_want *)source), out);
		break;
	case PROPERTY_ANSWERS:
		fprintf(out, "%u", *(const uint32_t *)source);
		break;
	case PROPERTY_TEXT:
	case PROPERTY_INTERFACE:
	case PROPERTY_NAME:
	case PROPERTY_TARGET:
		write_piece(out, source);
		break;
	case PROPERTY_SECRETS:
		write_secrets(out, source);
		break;
	case PROPERTY_LISTEN:
	case PROPERTY_NETWORKS:
		/* None of their characters needs quotes. */
		fputs(*(const char *)source != '\0' ? (const char *)source : "\"\"", out);
		break;
	}
	if (fclose(out) != 0) { /* also without memory while it was written */
		free(text);
		return NULL;
	}
	return text;
}

char *config_secrets_text(const struct config_secrets *secrets)
{
	const struct property whole = {.kind = PROPERTY_SECRETS, .offset = 0};

	return property_text(&whole, secrets);
}
