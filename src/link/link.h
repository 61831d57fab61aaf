/* SPDX-License-Identifier: BSD-2-Clause
 *
 * All frame I/O behind one small set of functions. A link is one interface opened for RoMON frames; how it carries them is its
 * own affair (a packet socket today). A capture (pcap.h) can be put around any of them.
 */
#ifndef ROMON_LINK_H
#define ROMON_LINK_H

#include <stddef.h>
#include <stdint.h>

#include <romon/romon.h>

#define LINK_BATCH 64 /* frames that one receive returns at most */

struct link;

struct link_ops {
	const char *name; /* of the data path: "packet" */
	/* Fills up to max frames, and no more than LINK_BATCH. Their bytes may be changed; all links may share the memory, so they
	 * are valid until the next receive of any link. Returns how many (0: none waiting), or -1 with errno when the interface is
	 * gone (ENODEV, ENXIO) or went down (ENETDOWN): said once, and receiving goes on when it comes up again. */
	int (*receive)(struct link *link, struct romon_frame *frames, size_t max);
	/* Sends count frames in order. Returns how many the kernel took; a smaller number comes with errno for the first refused:
	 * EAGAIN or ENOBUFS (no room now), EMSGSIZE (larger than the MTU), ENETDOWN, ENXIO or ENODEV (down, gone). */
	int (*send)(struct link *link, const struct romon_frame *frames, size_t count);
	/* The descriptor that becomes readable when receive has something. */
	int (*fd)(const struct link *link);
	/* How many frames have come since the link was made that there was no room for. NULL: it does not know. */
	uint64_t (*lost)(struct link *link);
	void (*close)(struct link *link); /* frees the link too */
};

struct link {
	const struct link_ops *ops;
	uint32_t ifindex;
};

#endif
