/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The programs that services run, as the monitor starts and counts them. What strangers reach is a whole process: nothing of romond's
 * sockets, signals, limits, environment or memory is in it.
 */
#ifndef ROMON_PROGRAMS_H
#define ROMON_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/types.h>

#include <romon/romon.h>

#include "daemon/config.h"
#include "daemon/target.h"

#define PROGRAMS_MAX 1024 /* at a time, of all services */

struct program {
	pid_t pid;
	char service[CONFIG_NAME_MAX + 1];
};

struct programs {
	struct program *list; /* memory for PROGRAMS_MAX, or NULL */
	size_t count;
};

/* The limits that romond changes for itself and that a program must have as they were. */
struct programs_limits {
	struct rlimit core, memlock;
};
/* To be called before privilege_hide(). */
void programs_limits_read(struct programs_limits *limits);

/* In a child: signals, umask and these limits as a program may expect them. */
void programs_clean(const struct programs_limits *limits);
/* Runs the program of the service for that router, its standard input and output connected to the descriptor that is returned (a stream
 * socket, not blocking). Or a negative errno: -EUSERS if as many run as may. */
int programs_start(struct programs *programs, const struct config_service *service, const struct target *target,
	struct romon_mac remote, const struct programs_limits *limits);
/* Takes note of those that have ended. To be called after SIGCHLD. */
void programs_reap(struct programs *programs);
/* Forgets them. They go on as long as they like: their connections end with the worker. */
void programs_free(struct programs *programs);

#endif
