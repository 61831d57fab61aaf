/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One end of an emulated wire: everything that an interface receives, and a way to send by it.
 */
#ifndef EMULATOR_TAP_H
#define EMULATOR_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "way.h"

#define TAP_BATCH 64

struct tap {
	int fd;
	uint64_t refused; /* frames that the interface did not take */
};

/* Opens a packet socket on the interface. False: errno tells why. */
bool tap_open(struct tap *tap, const char *interface);
void tap_close(struct tap *tap);
/* Gives at most TAP_BATCH frames that have come to the way. Returns how many. */
unsigned tap_receive(struct tap *tap, struct way *way, int64_t now);
/* Sends what is due in the way. */
void tap_send(struct tap *tap, struct way *way, int64_t now);
/* How many frames the kernel has dropped since the last call, because they were not fetched in time. */
uint64_t tap_overruns(const struct tap *tap);

#endif
