/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The record of a discovery. A RoMON ID is raw of 6 wherever it is known [T], lists of addresses are raw[] in other windows; all else is a
 * guess. A wrong one leaves a column of WinBox's empty, and nothing worse.
 */
#include "winbox/fields.h"

const struct fields_router fields_router[FIELDS_ROUTER] = {
	{"address", 0x1, M2_RAW},
	{"cost", 0x2, M2_U32},
	{"hops", 0x3, M2_U32},
	{"path", 0x4, M2_RAWS},
	{"l2mtu", 0x5, M2_U32},
	{"identity", 0x6, M2_STRING},
	{"version", 0x7, M2_STRING},
	{"board", 0x8, M2_STRING},
	{"uptime", 0x9, M2_U32},
	{"active", 0xa, M2_BOOL},
};
