/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line: options, a command as RouterOS writes it, and its arguments.
 */
#ifndef CLI_ARGS_H
#define CLI_ARGS_H

#include "cli/cli.h"

/* Reads argv into *cli. Returns CLI_DONE, or CLI_USAGE after having said what is wrong. Without a command, cli->command is
 * NULL. */
int args_read(int argc, char *const *argv, struct cli *cli);

#endif
