/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What an agent does for a machine that asks it: a filter between the control protocol on standard input and output, where a stranger may
 * write, and this machine's romond. Only what is named here gets through, and whom it may reach is decided on the RoMON ID.
 */
#ifndef CLI_SERVE_H
#define CLI_SERVE_H

#include "cli/cli.h"
#include "cli/allow.h"

/* Serves until standard input ends. Returns the exit status. */
int serve_run(const struct cli *cli, const struct allow *allow);

#endif
