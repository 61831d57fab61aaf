/* SPDX-License-Identifier: BSD-2-Clause
 *
 * An agent that is a RouterOS router. It has no romond: what romond would answer is read out of what its command line prints, over ssh.
 */
#ifndef CLI_ROS_H
#define CLI_ROS_H

#include "cli/agent.h"

/* Of struct agent_kind. */
int ros_serve(const struct agent *agent, int fd);
int ros_ssh(const struct cli *cli, const char *name);

#endif
