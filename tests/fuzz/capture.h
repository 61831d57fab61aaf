/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reads captures: pcapng (what `romond --pcap` writes) and pcap, of either byte order. So a capture of a real network can be played to a
 * router under test.
 */
#ifndef FUZZ_CAPTURE_H
#define FUZZ_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CAPTURE_INTERFACES_MAX 64

enum capture_kind { CAPTURE_PCAP, CAPTURE_PCAPNG };

struct capture {
	const uint8_t *at;
	size_t left;
	enum capture_kind kind;
	bool swapped; /* its byte order is not ours */
	bool fine;    /* pcap: stamps are nanoseconds, not microseconds */
	/* Interfaces of the present section: link type, and how many units of its stamps make a second. */
	uint32_t interfaces;
	uint16_t type[CAPTURE_INTERFACES_MAX];
	uint64_t units[CAPTURE_INTERFACES_MAX];
};

/* One Ethernet frame, as far as it was captured. */
struct capture_frame {
	uint32_t interface; /* from 0 */
	uint64_t ns;        /* since 1970; 0: not told */
	const uint8_t *data;
	size_t len;
};

/* False: neither of the two. The bytes must stay as long as the capture and its frames are used. */
bool capture_open(struct capture *capture, const uint8_t *data, size_t len);
/* The next Ethernet frame; what is of another kind is passed over. False: there are no more, or what follows is damaged. */
bool capture_next(struct capture *capture, struct capture_frame *frame);

#endif
