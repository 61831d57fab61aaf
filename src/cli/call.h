/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Calls to the daemon, with every way in which they can fail told to the person and turned into an exit status.
 */
#ifndef CLI_CALL_H
#define CLI_CALL_H

#include "cli/cli.h"
#include "control/client.h"

/* How long the daemon may take for an answer, beyond the time that the call itself asks for. */
#define CALL_PATIENCE 10 /* seconds */

/* Connects to the daemon and sends a call; takes over the reference to parameters. Returns CLI_DONE with *client, to be closed,
 * or a status after having said what is wrong. */
int call_start(const struct cli *cli, const char *method, json_t *parameters, enum message_mode mode, struct client **client);

/* Says what became of a call that did not end in CLIENT_REPLY, and returns the exit status for it. */
int call_failure(
	const struct cli *cli, const struct client *client, enum client_result result, const struct message_reply *reply);

/* How long an answer may take that takes so many seconds by itself, as client_next() has it. Through an agent there is no limit, since ssh
 * may ask its user for something first. */
int call_timeout(const struct cli *cli, double seconds);

/* Why romond cannot be reached, as errno has it: text to be freed. */
char *call_open_reason(const char *socket);

/* One call, one answer: within seconds (what the call takes by itself) and CALL_PATIENCE. Returns CLI_DONE with *reply to be
 * freed by message_reply_free(), or a status after having said what is wrong. */
int call_once(const struct cli *cli, const char *method, json_t *parameters, double seconds, struct message_reply *reply);

/* Sets parameters[key], a new reference; ends the program without memory. Refuses (CLI_USAGE) text that is not UTF-8. */
void call_set(json_t *parameters, const char *key, json_t *value);
int call_set_text(json_t *parameters, const char *key, const char *text);
/* All key=value of the command line as one object "values". */
int call_set_values(const struct cli *cli, json_t *parameters);

#endif
