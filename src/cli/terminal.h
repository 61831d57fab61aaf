/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A screen that is redrawn in place: the terminal's second screen, without echo, given back on every way out but a crash.
 */
#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

#include <poll.h>

/* Can standard output be redrawn? */
bool terminal_is_live(void);

/* Takes the screen; terminal_leave(), exit() and ending signals give it back. There is one: no handle. */
void terminal_enter(void);
void terminal_leave(void);

/* The lines that fit; a usual number if the terminal does not tell. */
size_t terminal_rows(void);
/* Replaces what the screen shows by the lines of text, each cut at the right edge. False if the terminal is gone. */
bool terminal_draw(const char *text);

#define TERMINAL_FDS 2
enum terminal_event { TERMINAL_NOTHING, TERMINAL_REDRAW, TERMINAL_QUIT };

/* What to watch while the screen is held, and what it meant: call the second when one of fds has revents. A signal that ends
 * programs does so within it. */
void terminal_fds(struct pollfd fds[TERMINAL_FDS]);
enum terminal_event terminal_event(const struct pollfd fds[TERMINAL_FDS]);

#endif
