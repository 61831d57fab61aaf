/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What this machine says of itself where the configuration does not: its name and its board.
 */
#ifndef ROMON_SELF_H
#define ROMON_SELF_H

#include <stdint.h>

#include "daemon/config.h"

/* Valid UTF-8. Never empty: "unknown" where the machine will not say. */
struct self {
	char identity[CONFIG_TEXT_MAX + 1];
	char board[CONFIG_TEXT_MAX + 1];
};

/* Reads both. The board is to be found in files of the kernel: the DMI product, else the device tree's model, else the machine
 * type. */
void self_read(struct self *self);
/* The name alone, anew: hosts are renamed while they run. */
void self_read_identity(struct self *self);
/* This program's version as the four bytes of a version TLV. */
void self_version(uint8_t version[4]);

#endif
