/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How values look to a person, and how text of strangers is made harmless. Relies on the locale having been set.
 */
#include "cli/text.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "cli/cli.h"

/* Code points that act instead of showing something: controls, what sets the direction of text, and what is invisible, which
 * lets one name pose as another. In order. */
static const struct range {
	uint32_t first, last;
} hidden[] = {
	{0x0000, 0x001f},   /* C0 controls */
	{0x007f, 0x009f},   /* DEL, C1 controls */
	{0x00ad, 0x00ad},   /* soft hyphen */
	{0x061c, 0x061c},   /* Arabic letter mark */
	{0x115f, 0x1160},   /* Hangul fillers */
	{0x180e, 0x180e},   /* Mongolian vowel separator */
	{0x200b, 0x200f},   /* zero width characters, direction marks */
	{0x2028, 0x202e},   /* line and paragraph separator, embeddings, overrides */
	{0x2060, 0x206f},   /* word joiner, isolates, deprecated controls */
	{0x3164, 0x3164},   /* Hangul filler */
	{0xfeff, 0xfeff},   /* byte order mark */
	{0xffa0, 0xffa0},   /* half width Hangul filler */
	{0xfff9, 0xfffb},   /* interlinear annotation */
	{0x1d173, 0x1d17a}, /* musical controls */
	{0xe0000, 0xe0fff}, /* tags, variation selectors */
};

static bool is_hidden(uint32_t point)
{
	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++) {
		if (point >= hidden[i].first && point <= hidden[i].last)
			return true;
	}
	return false;
}

/* The bytes of a character that begins with this one; 0 if none does. */
static size_t utf8_length(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* Decodes one character and returns its bytes; 0 if there is no valid one. */
static size_t utf8_read(const char *text, uint32_t *point)
{
	const unsigned char *in = (const unsigned char *)text;
	size_t length = utf8_length(in[0]);
	static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};

	if (length == 0)
		return 0;
	*point = length == 1 ? in[0] : in[0] & (0x7fu >> length);
	for (size_t i = 1; i < length; i++) {
		if ((in[i] & 0xc0) != 0x80) /* the terminating NUL too */
			return 0;
		*point = *point << 6 | (in[i] & 0x3f);
	}
	return *point < smallest[length] || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff) ? 0 : length;
}

static void escape_shown(FILE *out, uint32_t point)
{
	fprintf(out, point < 0x100 ? "\\x%02" PRIx32 : point < 0x10000 ? "\\u%04" PRIx32 : "\\U%08" PRIx32, point);
}

static void escape_json(FILE *out, uint32_t point)
{
	if (point < 0x10000) {
		fprintf(out, "\\u%04" PRIx32, point);
	} else { /* JSON writes the surrogates of UTF-16 */
		point -= 0x10000;
		fprintf(out, "\\u%04" PRIx32 "\\u%04" PRIx32, 0xd800 + (point >> 10), 0xdc00 + (point & 0x3ff));
	}
}

/* A stream into a buffer of its own. */
static FILE *buffer_open(char **text, size_t *size)
{
	FILE *out = open_memstream(text, size);

	if (!out)
		cli_out_of_memory();
	return out;
}

static void buffer_close(FILE *out)
{
	if (fclose(out) != 0)
		cli_out_of_memory();
}

static char *escape(const char *utf8, bool json)
{
	char *text = NULL;
	size_t size, length;
	FILE *out = buffer_open(&text, &size);

	for (; *utf8; utf8 += length) {
		uint32_t point = 0;

		length = utf8_read(utf8, &point);
		if (length == 0) {
			length = 1; /* only arguments can be so: whatever comes by JSON is valid */
			fprintf(out, "\\x%02x", (unsigned char)*utf8);
		} else if (is_hidden(point)) {
			(json ? escape_json : escape_shown)(out, point);
		} else if (!json && wcwidth((wchar_t)point) < 0) {
			escape_shown(out, point);
		} else {
			fwrite(utf8, 1, length, out);
		}
	}
	buffer_close(out);
	return text;
}

char *text_escape(const char *utf8)
{
	return escape(utf8, false);
}

char *text_escape_json(const char *document)
{
	return escape(document, true);
}

char *text_value(const json_t *value)
{
	char *text = NULL;
	int length = 0;

	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		text = strdup(json_string_value(value));
		break;
	case JSON_INTEGER:
		length = asprintf(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		length = asprintf(&text, "%.3f", json_real_value(value));
		break;
	case JSON_TRUE:
		text = strdup("yes");
		break;
	case JSON_FALSE:
		text = strdup("no");
		break;
	default:
		text = strdup("");
	}
	if (!text || length < 0)
		cli_out_of_memory();
	return text;
}

/* One secret, in quotes if it could be misread without. */
static void secret_write(FILE *out, const char *secret)
{
	if (*secret && !strpbrk(secret, " \t,\"#\\()[];=")) {
		fputs(secret, out);
		return;
	}
	fputc('"', out);
	for (; *secret; secret++) {
		if (*secret == '"' || *secret == '\\')
			fputc('\\', out);
		fputc(*secret, out);
	}
	fputc('"', out);
}

char *text_secrets(const json_t *list)
{
	char *text = NULL;
	size_t size, count = json_array_size(list);
	FILE *out = buffer_open(&text, &size);

	for (size_t i = 0; i < count; i++) {
		const char *secret = json_string_value(json_array_get(list, i));

		if (i > 0)
			fputc(',', out);
		if (count == 1 && secret && *secret == '\0')
			fputs("(\"\")", out); /* "" alone would be the empty list */
		else
			secret_write(out, secret ? secret : "");
	}
	buffer_close(out);
	return text;
}

const char *text_rtt(double seconds, char text[TEXT_RTT_MAX])
{
	double microseconds = seconds > 0 ? round(seconds * 1e6) : 0;

	if (!(microseconds < 1e12)) /* nothing that a ping could measure */
		microseconds = 1e12;
	uint64_t us = (uint64_t)microseconds, hundredths = (us + 5) / 10;

	if (us < 1000)
		snprintf(text, TEXT_RTT_MAX, "%" PRIu64 "us", us);
	else if (hundredths < 1000)
		snprintf(text, TEXT_RTT_MAX, "%" PRIu64 ".%02" PRIu64 "ms", hundredths / 100, hundredths % 100);
	else
		snprintf(text, TEXT_RTT_MAX, "%" PRIu64 "ms", (us + 500) / 1000);
	return text;
}
