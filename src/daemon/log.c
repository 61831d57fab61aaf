/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The log. On standard error a line begins with "<4>" when the journal listens there (it takes the priority from that), else with
 * what syslog itself would print: "romond[812]: warning: ".
 */
#include "daemon/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

static const struct {
	int priority;
	const char *name;
} log_levels[] = {
	[ROMON_LOG_ERROR] = {LOG_ERR, "error"},
	[ROMON_LOG_WARNING] = {LOG_WARNING, "warning"},
	[ROMON_LOG_INFO] = {LOG_INFO, "info"},
	[ROMON_LOG_DEBUG] = {LOG_DEBUG, "debug"},
};

static struct {
	const char *name;
	bool syslog;
	bool journal;
	bool verbose;
} log_state = {.name = "romond"};

/* Is standard error the stream that systemd connected to the journal? JOURNAL_STREAM names it as DEVICE:INODE. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 && fstat(STDERR_FILENO, &st) == 0 &&
	       st.st_dev == device && st.st_ino == inode;
}

void log_open(const char *name, bool foreground, bool verbose)
{
	log_state.name = name;
	log_state.verbose = verbose;
	log_state.syslog = !foreground;
	log_state.journal = foreground && stderr_is_journal();
	/* At once: the worker may not open sockets later. */
	if (log_state.syslog)
		openlog(name, LOG_PID | LOG_NDELAY, LOG_DAEMON);
}

void log_line(void *ctx, enum romon_log_level level, const char *line)
{
	(void)ctx;
	if (level == ROMON_LOG_DEBUG && !log_state.verbose)
		return;
	if (log_state.syslog)
		syslog(log_levels[level].priority, "%s", line);
	else if (log_state.journal)
		fprintf(stderr, "<%d>%s\n", log_levels[level].priority, line);
	else
		fprintf(stderr, "%s[%d]: %s: %s\n", log_state.name, getpid(), log_levels[level].name, line);
}

static void log_va(enum romon_log_level level, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

static void log_va(enum romon_log_level level, const char *format, va_list args)
{
	char line[512];

	vsnprintf(line, sizeof(line), format, args);
	log_line(NULL, level, line);
}

#define LOG_FUNCTION(function, level) \
	void function(const char *format, ...) \
	{ \
		va_list args; \
\
		va_start(args, format); \
		log_va(level, format, args); \
		va_end(args); \
	}

LOG_FUNCTION(log_error, ROMON_LOG_ERROR)
LOG_FUNCTION(log_warning, ROMON_LOG_WARNING)
LOG_FUNCTION(log_info, ROMON_LOG_INFO)
LOG_FUNCTION(log_debug, ROMON_LOG_DEBUG)
