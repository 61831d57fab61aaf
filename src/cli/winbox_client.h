/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A client of WinBox's port: our agent's, or a MikroTik router's. It waits for answers, one request at a time.
 */
#ifndef CLI_WINBOX_CLIENT_H
#define CLI_WINBOX_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "winbox/channel.h"
#include "winbox/m2.h"

#define WINBOX_PORT "8291"
#define WINBOX_SECONDS 10 /* for a connection, a login and an answer, each */

struct winbox {
	int fd;
	struct curve *curve;
	struct channel *channel;
	uint32_t requests;
	uint8_t request[CIPHER_MESSAGE_MAX];
	uint8_t answer[CIPHER_MESSAGE_MAX]; /* the last one */
	size_t answer_len;
	const char *step;  /* what was done last, for who looks closely: "login" */
	char problem[300]; /* why something failed, fit for a terminal */
};

/* Connects and logs in: up to three times, since RouterOS refuses every hundredth good login. False,
 * with problem filled, if that fails. Whatever comes of it, winbox_close() frees it. */
bool winbox_open(struct winbox *winbox, const char *host, const char *port, const char *login, const char *password);
void winbox_close(struct winbox *winbox);

/* Begins a request; fields may be added. */
struct m2_writer winbox_begin(struct winbox *winbox, const uint32_t *path, size_t count, uint32_t command);
/* Sends it, and waits for its answer: others are passed over. watched: a descriptor whose end is ours, too; -1: none. False, with problem
 * filled, if there is none; an error of the other side is an answer. */
bool winbox_ask(struct winbox *winbox, const struct m2_writer *request, double seconds, int watched);
/* The answer's error, 0 if it is a good one; then *text is its text, or "" */
uint32_t winbox_error(const struct winbox *winbox, char text[128]);

/* The password for user at host, from where the user keeps it: the file that ROMON_PASSWORD_FILE names, what the command in
 * ROMON_PASSWORD_COMMAND prints, or the terminal (or standard input, where that is none). To be freed by secrets_wipe(); NULL, and *problem
 * says why, if there is none. */
char *winbox_password(const char *user, const char *host, const char **problem);

#endif
