/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The log: to the system log, or in the foreground to standard error. Lines hold nothing raw of what a stranger sent: who logs
 * such a thing cleans it first.
 */
#ifndef ROMON_LOG_H
#define ROMON_LOG_H

#include <stdbool.h>

#include <romon/romon.h>

/* name: of the program. Before this, lines go to standard error. foreground: they stay there, else they go to the system log.
 * verbose: debug lines too. */
void log_open(const char *name, bool foreground, bool verbose);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line, already made: what the engine calls (struct romon_env). ctx is not used. */
void log_line(void *ctx, enum romon_log_level level, const char *line);

#endif
