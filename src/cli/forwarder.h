/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A forward: each connection to a listener of this machine becomes a stream to a service of a router.
 */
#ifndef CLI_FORWARDER_H
#define CLI_FORWARDER_H

#include <sys/types.h>

#include "cli/dial.h"
#include "cli/listener.h"

#define FORWARDER_CONNECTIONS_MAX 1024 /* more wait in the listener's queue */

/* From now on the signals that end a program, and that of an ended child, are kept for the forwarder. */
void forwarder_signals_block(void);

/* Carries connections until a signal ends it, or, if child is not 0, that process has ended; the signal is passed on to it. Returns
 * CLI_DONE or the child's exit status, 128 + N if signal N killed it. */
int forwarder_run(const struct cli *cli, const struct listener *listener, const struct dial *dial, pid_t child);

#endif
