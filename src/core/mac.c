/* SPDX-License-Identifier: BSD-2-Clause
 *
 * MAC addresses and RoMON IDs: comparison, kinds, text.
 */
#include <string.h>

#include <romon/romon.h>

const struct romon_mac romon_mac_zero = {{0, 0, 0, 0, 0, 0}};
const struct romon_mac romon_mac_broadcast = {{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
const struct romon_mac romon_mac_group = {{0x01, 0x80, 0xc2, 0x00, 0x88, 0xbf}};

int romon_mac_compare(struct romon_mac a, struct romon_mac b)
{
	return memcmp(a.b, b.b, sizeof(a.b));
}

bool romon_mac_equal(struct romon_mac a, struct romon_mac b)
{
	return romon_mac_compare(a, b) == 0;
}

bool romon_mac_is_zero(struct romon_mac mac)
{
	return romon_mac_equal(mac, romon_mac_zero);
}

bool romon_mac_is_group(struct romon_mac mac)
{
	return (mac.b[0] & 1) != 0;
}

bool romon_id_valid(struct romon_mac id)
{
	return !romon_mac_is_zero(id) && !romon_mac_is_group(id);
}

char *romon_mac_text(struct romon_mac mac, char text[ROMON_MAC_TEXT])
{
	static const char digits[] = "0123456789ABCDEF";

	for (size_t i = 0; i < ROMON_MAC_LEN; i++) {
		text[3 * i] = digits[mac.b[i] >> 4];
		text[3 * i + 1] = digits[mac.b[i] & 15];
		text[3 * i + 2] = ':';
	}
	text[ROMON_MAC_TEXT - 1] = '\0';
	return text;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool romon_mac_parse(const char *text, struct romon_mac *mac)
{
	struct romon_mac read;

	if (strlen(text) != ROMON_MAC_TEXT - 1)
		return false;
	for (size_t i = 0; i < ROMON_MAC_LEN; i++) {
		int high = digit_value(text[3 * i]), low = digit_value(text[3 * i + 1]);
		char after = text[3 * i + 2];
		bool joined = i == ROMON_MAC_LEN - 1 ? after == '\0' : after == ':' || after == '-';

		if (high < 0 || low < 0 || !joined)
			return false;
		read.b[i] = (uint8_t)(high << 4 | low);
	}
	*mac = read;
	return true;
}
