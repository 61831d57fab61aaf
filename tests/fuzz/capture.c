/* SPDX-License-Identifier: BSD-2-Clause
 *
 * pcapng (draft-ietf-opsawg-pcapng) and pcap (draft-ietf-opsawg-pcap). Relies on lengths being checked in one place, take().
 */
#include "capture.h"

#include <string.h>

#define MAGIC_PCAP 0xa1b2c3d4U
#define MAGIC_PCAP_FINE 0xa1b23c4dU
#define MAGIC_ORDER 0x1a2b3c4dU
#define BLOCK_SECTION 0x0a0d0d0aU /* the same in both byte orders */
#define BLOCK_INTERFACE 1U
#define BLOCK_SIMPLE 3U
#define BLOCK_PACKET 6U
#define TYPE_ETHERNET 1
#define OPTION_END 0
#define OPTION_RESOLUTION 9
#define MICROSECONDS 1000000U
#define NANOSECONDS 1000000000U

/* The next len bytes, which are passed over; NULL if there are not so many. */
static const uint8_t *take(struct capture *capture, size_t len)
{
	const uint8_t *bytes = capture->at;

	if (len > capture->left)
		return NULL;
	capture->at += len;
	capture->left -= len;
	return bytes;
}

static uint32_t u32(const struct capture *capture, const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return capture->swapped ? __builtin_bswap32(value) : value;
}

static uint16_t u16(const struct capture *capture, const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return capture->swapped ? __builtin_bswap16(value) : value;
}

static bool open_pcap(struct capture *capture)
{
	const uint8_t *header = take(capture, 24);
	uint32_t magic;

	if (header == NULL)
		return false;
	for (unsigned i = 0; i < 2; i++) {
		capture->swapped = i == 1;
		magic = u32(capture, header);
		capture->fine = magic == MAGIC_PCAP_FINE;
		if (magic != MAGIC_PCAP && magic != MAGIC_PCAP_FINE)
			continue;
		return (u32(capture, header + 20) & 0xffff) == TYPE_ETHERNET;
	}
	return false;
}

bool capture_open(struct capture *capture, const uint8_t *data, size_t len)
{
	*capture = (struct capture){.at = data, .left = len, .kind = CAPTURE_PCAPNG};
	if (len >= 12 && u32(capture, data) == BLOCK_SECTION)
		return true; /* the section header is read as the first of the blocks */
	capture->kind = CAPTURE_PCAP;
	return open_pcap(capture);
}

static bool next_pcap(struct capture *capture, struct capture_frame *frame)
{
	const uint8_t *header = take(capture, 16);
	uint32_t len;

	if (header == NULL)
		return false;
	len = u32(capture, header + 8);
	frame->interface = 0;
	frame->ns = u32(capture, header) * (uint64_t)NANOSECONDS + u32(capture, header + 4) * (capture->fine ? 1ULL : 1000ULL);
	frame->data = take(capture, len);
	frame->len = len;
	return frame->data != NULL;
}

/* A new section: its byte order, and interfaces counted from 0 again. */
static bool read_section(struct capture *capture)
{
	uint32_t magic;

	if (capture->left < 12)
		return false;
	capture->swapped = false;
	magic = u32(capture, capture->at + 8);
	capture->swapped = magic != MAGIC_ORDER;
	capture->interfaces = 0;
	return u32(capture, capture->at + 8) == MAGIC_ORDER;
}

/* Units in a second: ten or two to the power of what the option says. */
static uint64_t resolution(uint8_t value)
{
	uint64_t units = 1;
	unsigned power = value & 0x7f;

	if (value & 0x80)
		return power < 64 ? 1ULL << power : 0;
	for (; power > 0 && units <= UINT64_MAX / 10; power--)
		units *= 10;
	return power == 0 ? units : 0;
}

static void read_interface(struct capture *capture, const uint8_t *body, size_t len)
{
	uint32_t number = capture->interfaces;
	size_t at = 8;

	if (len < 8 || number == CAPTURE_INTERFACES_MAX)
		return;
	capture->interfaces++;
	capture->type[number] = u16(capture, body);
	capture->units[number] = MICROSECONDS;
	while (len - at >= 4) {
		uint16_t code = u16(capture, body + at), size = u16(capture, body + at + 2);

		at += 4;
		if (code == OPTION_END || size > len - at)
			return;
		if (code == OPTION_RESOLUTION && size >= 1)
			capture->units[number] = resolution(body[at]);
		at += ((size_t)size + 3) & ~(size_t)3;
		if (at > len)
			return;
	}
}

static bool is_ethernet(const struct capture *capture, uint32_t interface)
{
	return interface < capture->interfaces && capture->type[interface] == TYPE_ETHERNET;
}

static bool read_packet(const struct capture *capture, const uint8_t *body, size_t len, struct capture_frame *frame)
{
	uint64_t stamp, units;

	if (len < 20)
		return false;
	frame->interface = u32(capture, body);
	frame->len = u32(capture, body + 12);
	frame->data = body + 20;
	if (frame->len > len - 20 || !is_ethernet(capture, frame->interface))
		return false;
	stamp = (uint64_t)u32(capture, body + 4) << 32 | u32(capture, body + 8);
	units = capture->units[frame->interface];
	frame->ns = 0;
	if (units != 0 && stamp / units < UINT64_MAX / NANOSECONDS - 1)
		frame->ns =
			stamp / units * NANOSECONDS + (uint64_t)((double)(stamp % units) * (double)NANOSECONDS / (double)units);
	return true;
}

static bool read_simple(const struct capture *capture, const uint8_t *body, size_t len, struct capture_frame *frame)
{
	if (len < 4 || !is_ethernet(capture, 0))
		return false;
	*frame = (struct capture_frame){.data = body + 4, .len = u32(capture, body)};
	if (frame->len > len - 4) /* what is longer was cut to the interface's limit */
		frame->len = len - 4;
	return true;
}

/* Blocks until one of them is a frame. */
static bool next_block(struct capture *capture, struct capture_frame *frame)
{
	while (capture->left >= 12) {
		const uint8_t *block;
		uint32_t type, total;

		type = u32(capture, capture->at);
		if (type == BLOCK_SECTION && !read_section(capture))
			return false;
		total = u32(capture, capture->at + 4);
		if (total < 12 || total % 4 != 0)
			return false;
		block = take(capture, total);
		if (block == NULL || u32(capture, block + total - 4) != total)
			return false;
		if (type == BLOCK_INTERFACE)
			read_interface(capture, block + 8, total - 12);
		else if (type == BLOCK_PACKET && read_packet(capture, block + 8, total - 12, frame))
			return true;
		else if (type == BLOCK_SIMPLE && read_simple(capture, block + 8, total - 12, frame))
			return true;
	}
	return false;
}

bool capture_next(struct capture *capture, struct capture_frame *frame)
{
	return capture->kind == CAPTURE_PCAP ? next_pcap(capture, frame) : next_block(capture, frame);
}
