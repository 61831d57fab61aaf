/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The control socket: Varlink calls from local programs. What a method does is in the files named after the groups of methods
 * (control_config.c, control_discover.c, …); this is who connects, what they may, and how bytes become calls.
 */
#ifndef ROMON_CONTROL_H
#define ROMON_CONTROL_H

#include <romon/romon.h>

struct worker;
struct control;

/* Serves the listening socket fd, which it takes over. NULL: no memory. */
struct control *control_new(struct worker *worker, int fd);
void control_free(struct control *control);
/* Something that the engine has to say, for the client that it is about. */
void control_event(struct control *control, const struct romon_event *event);
/* Once a turn of the loop: what may have changed is told to those who follow it, and clients that are done with are let go. */
void control_settle(struct control *control);
/* RoMON was disabled, the engine is about to go: ends all calls that need it. */
void control_not_running(struct control *control);

#endif
