/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Tells the service manager about us: the protocol of sd_notify(3), without its library.
 */
#ifndef ROMON_NOTIFY_H
#define ROMON_NOTIFY_H

/* Sends a state such as "READY=1" to the socket that NOTIFY_SOCKET names. Without one nothing happens. */
void notify_send(const char *state);

#endif
