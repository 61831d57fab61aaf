/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a person types as a value. Written by hand rather than with strtod() and sscanf(): those take signs, blanks, exponents,
 * "inf" and the decimal comma of a locale.
 */
#include "cli/parse.h"

#include <stdio.h>
#include <string.h>

#define DIGITS_MAX 12 /* of a number's whole part: keeps a double exact */

bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	uint64_t number = 0;

	if (*text == '\0' || strlen(text) > DIGITS_MAX)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		number = number * 10 + (uint64_t)(*text - '0');
	}
	if (number < min || number > max)
		return false;
	*value = number;
	return true;
}

/* Reads "12" or "1.5" at *text and moves *text behind it. */
static bool decimal_read(const char **text, double *value)
{
	const char *digits = *text;
	size_t whole = strspn(digits, "0123456789");
	double number = 0, scale = 1;

	if (whole == 0 || whole > DIGITS_MAX)
		return false;
	for (size_t i = 0; i < whole; i++)
		number = number * 10 + (digits[i] - '0');
	digits += whole;
	if (*digits == '.') {
		size_t fraction = strspn(++digits, "0123456789");

		if (fraction == 0 || fraction > DIGITS_MAX)
			return false;
		for (size_t i = 0; i < fraction; i++) {
			number = number * 10 + (digits[i] - '0');
			scale *= 10;
		}
		digits += fraction;
	}
	*value = number / scale; /* divided once, so that 0.1 is the double nearest to it */
	*text = digits;
	return true;
}

/* Two digits below 60 and a colon before them, as in the minutes of 00:01:30. */
static bool sixtieth_read(const char **text, double *value)
{
	const char *start = *text + 1;

	*text = start;
	return start[-1] == ':' && strspn(start, "0123456789") == 2 && decimal_read(text, value) && *value < 60;
}

static bool clock_read(const char *text, double *seconds)
{
	double hours, minutes, rest;

	if (!decimal_read(&text, &hours) || !sixtieth_read(&text, &minutes) || !sixtieth_read(&text, &rest) || *text)
		return false;
	*seconds = hours * 3600 + minutes * 60 + rest;
	return true;
}

/* The longest unit first: each may stand once, and only behind a longer one. */
static const struct unit {
	const char *name;
	double factor, divisor; /* in seconds; two, because 500 / 1000 is exact and 500 * 0.001 is not */
} units[] = {{"w", 604800, 1}, {"d", 86400, 1}, {"h", 3600, 1}, {"m", 60, 1}, {"s", 1, 1}, {"ms", 1, 1e3}, {"us", 1, 1e6}};

#define UNITS (sizeof(units) / sizeof(*units))

static bool units_read(const char *text, double *seconds)
{
	size_t next = 0;

	*seconds = 0;
	while (*text) {
		double value;

		if (!decimal_read(&text, &value))
			return false;
		size_t length = strcspn(text, "0123456789.");

		while (next < UNITS && (strlen(units[next].name) != length || strncmp(units[next].name, text, length) != 0))
			next++;
		if (next == UNITS)
			return false;
		*seconds += value * units[next].factor / units[next].divisor;
		text += length;
		next++;
	}
	return true;
}

bool parse_duration(const char *text, double *seconds)
{
	const char *end = text;
	double value;

	if (!(decimal_read(&end, &value) && *end == '\0') && !clock_read(text, &value) && !units_read(text, &value))
		return false;
	if (!(value > 0 && value <= PARSE_DURATION_MAX))
		return false;
	*seconds = value;
	return true;
}

/* Copies the value behind "key=", without the quotes that may stand around it. */
static bool condition_value(const char *condition, const char *key, char value[PARSE_NAME_MAX + 1])
{
	size_t skip = strlen(key);

	if (strncmp(condition, key, skip) != 0)
		return false;
	condition += skip;

	size_t length = strlen(condition);

	if (length >= 2 && condition[0] == '"' && condition[length - 1] == '"') {
		condition++;
		length -= 2;
	}
	if (length == 0 || length > PARSE_NAME_MAX || memchr(condition, '"', length))
		return false;
	memcpy(value, condition, length);
	value[length] = '\0';
	return true;
}

/* The one condition between "[find" and "]". */
static bool find_read(const char *text, const char *key, char name[PARSE_NAME_MAX + 1])
{
	char copy[PARSE_NAME_MAX + 64], value[PARSE_NAME_MAX + 1], *rest = NULL;
	size_t length = strlen(text);

	if (length < 2 || length > sizeof(copy) || text[0] != '[' || text[length - 1] != ']')
		return false;
	snprintf(copy, sizeof(copy), "%.*s", (int)(length - 2), text + 1);

	const char *find = strtok_r(copy, " \t", &rest);
	const char *condition = strtok_r(NULL, " \t", &rest);

	if (!find || strcmp(find, "find") != 0 || !condition || strtok_r(NULL, " \t", &rest))
		return false;
	if (condition_value(condition, key, name))
		return true;
	if (strcmp(key, "interface=") != 0 || !condition_value(condition, "default=", value) || strcmp(value, "yes") != 0)
		return false;
	strcpy(name, "all"); /* the name of the default entry */
	return true;
}

bool parse_entry(const char *text, const char *key, struct parse_entry *entry)
{
	struct parse_entry found = {0};
	uint64_t number;

	if (parse_number(text, 0, UINT32_MAX, &number)) {
		found.by_number = true;
		found.number = (uint32_t)number;
	} else if (!find_read(text, key, found.name)) {
		return false;
	}
	*entry = found;
	return true;
}
