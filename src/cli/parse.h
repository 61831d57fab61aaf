/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a person types as a value: numbers, durations, and the name of an entry of the port list. Pure functions.
 */
#ifndef CLI_PARSE_H
#define CLI_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARSE_DURATION_MAX (366.0 * 86400) /* seconds */
#define PARSE_NAME_MAX 63                  /* bytes of the name of an entry, such as an interface or pattern */

/* A decimal number of min to max, digits only. False, and *value untouched, if not. */
bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value);

/* A duration as RouterOS writes it ("10s", "1m30s", "500ms", "00:00:10") or a bare number of seconds ("1.5"): more than nothing
 * and at most PARSE_DURATION_MAX. False, and *seconds untouched, if not. */
bool parse_duration(const char *text, double *seconds);

/* An entry of a list, by its number or its name. */
struct parse_entry {
	bool by_number;
	uint32_t number;
	char name[PARSE_NAME_MAX + 1];
};

/* "3" or "[find KEY=NAME]", with key "interface=" also "[find default=yes]". False, and *entry untouched, if not. */
bool parse_entry(const char *text, const char *key, struct parse_entry *entry);

#endif
