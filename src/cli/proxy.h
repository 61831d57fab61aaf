/* SPDX-License-Identifier: BSD-2-Clause
 *
 * ssh over a stream: what ssh must be told so that it runs this program instead of opening a TCP connection.
 */
#ifndef CLI_PROXY_H
#define CLI_PROXY_H

#include "cli/cli.h"

#define PROXY_ID_MAX 18 /* "6C:3B:6B:48:0E:8B" */

/* Takes text that is written like a RoMON ID, in upper case. False if it is none. */
bool proxy_id_read(const char *text, char id[PROXY_ID_MAX]);

/* The RoMON ID of a router that is named by its ID or its identity. Returns CLI_DONE, or a status after having said what is wrong. */
int proxy_resolve(const struct cli *cli, const char *name, char id[PROXY_ID_MAX]);

/* The value of ssh's ProxyCommand that connects to the ssh service of the router with this ID: a command for a shell, with ssh's own
 * escapes heeded. To be freed. */
char *proxy_command(const struct cli *cli, const char *id);
/* The value of ssh's ProxyUseFdpass that goes with it. */
const char *proxy_fdpass(const struct cli *cli);

/* A word as a shell reads it back, to be freed. */
char *proxy_quote(const char *word);

#endif
