/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An agent for WinBox as an agent of romon's: it is asked over TCP 8291 as WinBox asks it.
 */
#ifndef CLI_WINBOX_KIND_H
#define CLI_WINBOX_KIND_H

#include "cli/agent.h"

/* Stands for a romond, see struct agent_kind. */
int winbox_kind_serve(const struct agent *agent, int fd);

#endif
