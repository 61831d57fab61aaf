/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Text without stdio: cleaning what strangers sent, versions, names of drop reasons, lines for the log.
 */
#include "core/text.h"

#include <string.h>

void line_add(struct line *line, const char *text)
{
	size_t room = sizeof(line->text) - 1 - line->len, len = strlen(text);

	if (len > room)
		len = room;
	memcpy(line->text + line->len, text, len);
	line->len += len;
	line->text[line->len] = '\0';
}

void line_add_number(struct line *line, uint32_t number)
{
	char digits[11];
	size_t at = sizeof(digits) - 1;

	digits[at] = '\0';
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number != 0);
	line_add(line, digits + at);
}

void line_add_mac(struct line *line, struct romon_mac mac)
{
	char text[ROMON_MAC_TEXT];

	line_add(line, romon_mac_text(mac, text));
}

size_t text_cut(const char *text, size_t max)
{
	size_t len = strlen(text);

	if (len <= max)
		return len;
	len = max;
	while (len > 0 && ((uint8_t)text[len] & 0xc0) == 0x80) /* text[len] continues a character */
		len--;
	return len;
}

/* Bytes of the UTF-8 character at in, or 0 if it is not one (RFC 3629: no overlong forms, surrogates, or beyond U+10FFFF). */
static size_t character_length(const uint8_t *in, size_t len)
{
	uint8_t first = in[0], low = 0x80, high = 0xbf;
	size_t need;

	if (first < 0x80)
		return first != 0;
	if (first >= 0xc2 && first <= 0xdf)
		need = 2;
	else if (first >= 0xe0 && first <= 0xef)
		need = 3;
	else if (first >= 0xf0 && first <= 0xf4)
		need = 4;
	else
		return 0;
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (len < need || in[1] < low || in[1] > high)
		return 0;
	for (size_t i = 2; i < need; i++)
		if ((in[i] & 0xc0) != 0x80)
			return 0;
	return need;
}

size_t romon_text_clean(char *out, size_t cap, const uint8_t *in, size_t len)
{
	static const uint8_t replacement[] = {0xef, 0xbf, 0xbd};
	size_t used = 0;

	for (size_t at = 0; at < len;) {
		size_t n = character_length(in + at, len - at);
		const uint8_t *from = n != 0 ? in + at : replacement;
		size_t put = n != 0 ? n : sizeof(replacement);

		if (used + put + 1 > cap)
			break;
		memcpy(out + used, from, put);
		used += put;
		at += n != 0 ? n : 1;
	}
	out[used] = '\0';
	return used;
}

/* [C] final, [R] beta, [I] the rest: 07 0D 66 00 is 7.13, 06 2F 62 07 is 6.47beta7, 07 0D 66 02 is 7.13.2. */
char *romon_version_text(const uint8_t version[4], char text[ROMON_VERSION_TEXT])
{
	struct line line = {.len = 0};
	uint8_t revision = version[3];

	line_add_number(&line, version[0]);
	line_add(&line, ".");
	line_add_number(&line, version[1]);
	switch (version[2]) {
	case 'a':
		line_add(&line, "alpha");
		break;
	case 'b':
		line_add(&line, "beta");
		break;
	case 'c':
		line_add(&line, "rc");
		break;
	default: /* 'f', final: the revision only if there is one */
		if (revision != 0)
			line_add(&line, ".");
		break;
	}
	if (revision != 0 || version[2] == 'a' || version[2] == 'b' || version[2] == 'c')
		line_add_number(&line, revision);
	memcpy(text, line.text, line.len + 1);
	return text;
}

const char *romon_drop_name(enum romon_drop reason)
{
	static const char *const names[ROMON_DROP_COUNT] = {
		[ROMON_DROP_TRUNCATED] = "truncated",
		[ROMON_DROP_BAD_LENGTH] = "bad-length",
		[ROMON_DROP_BAD_TYPE] = "bad-type",
		[ROMON_DROP_BAD_ID] = "bad-id",
		[ROMON_DROP_BAD_SOURCE] = "bad-source",
		[ROMON_DROP_NOT_FOR_US] = "not-for-us",
		[ROMON_DROP_BAD_HOPS] = "bad-hops",
		[ROMON_DROP_BAD_TLV] = "bad-tlv",
		[ROMON_DROP_NO_SECRET] = "no-secret",
		[ROMON_DROP_BAD_DIGEST] = "bad-digest",
		[ROMON_DROP_REPLAYED] = "replayed",
		[ROMON_DROP_UNKNOWN_INDEX] = "unknown-index",
		[ROMON_DROP_HASH_LIMIT] = "hash-limit",
		[ROMON_DROP_WRONG_ID] = "wrong-id",
		[ROMON_DROP_NO_PORT] = "no-port",
		[ROMON_DROP_NO_CARRIER] = "no-carrier",
		[ROMON_DROP_TOO_BIG] = "too-big",
		[ROMON_DROP_LOOP] = "loop",
		[ROMON_DROP_NOT_ASKED] = "not-asked",
		[ROMON_DROP_DUPLICATE] = "duplicate",
		[ROMON_DROP_ANSWER_LIMIT] = "answer-limit",
		[ROMON_DROP_RELAY_LIMIT] = "relay-limit",
		[ROMON_DROP_TABLE_FULL] = "table-full",
		[ROMON_DROP_NO_SERVICE] = "no-service",
		[ROMON_DROP_BAD_PING] = "bad-ping",
		[ROMON_DROP_LATE] = "late",
		[ROMON_DROP_QUEUE_FULL] = "queue-full",
		[ROMON_DROP_BAD_SEGMENT] = "bad-segment",
		[ROMON_DROP_NO_STREAM] = "no-stream",
		[ROMON_DROP_SEND_FAILED] = "send-failed",
		[ROMON_DROP_OVERRUN] = "overrun",
	};

	return names[reason];
}
