/* SPDX-License-Identifier: BSD-2-Clause
 *
 * WinBox's own way to a router that only RoMON reaches: winbox --romon AGENT ID USER PASSWORD.
 */
#ifndef CLI_WINBOX_ROMON_H
#define CLI_WINBOX_ROMON_H

#include "cli/cli.h"

/* Becomes WinBox, or where there is none a terminal on the router. Returns a status only after having said what is wrong. */
int winbox_romon(const struct cli *cli);

#endif
