/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The control socket as a file: created by root before the worker is forked, removed by the monitor at the end.
 */
#ifndef ROMON_LISTENER_H
#define ROMON_LISTENER_H

#include <sys/types.h>

/* Listens on path, mode 0660, of root and group (or of root's own group for (gid_t)-1). The socket of a dead daemon is replaced;
 * a live one is left alone. Returns a non-blocking descriptor, or -1 with the error logged. */
int listener_open(const char *path, gid_t group);

#endif
