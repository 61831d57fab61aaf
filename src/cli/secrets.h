/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Secrets in the output of print and port print: their number, or, to root who asks with show-sensitive, themselves.
 */
#ifndef CLI_SECRETS_H
#define CLI_SECRETS_H

#include <stdbool.h>

#include <jansson.h>

/* The parameters of GetSettings and GetPorts. */
json_t *secrets_parameters(bool sensitive);

#define SECRETS_LINE_MAX 8192 /* bytes of a list on standard input */

/* Reads a list of secrets, one line, from standard input: on a terminal asks for it and does not show it. To be freed; NULL, with the
 * reason said, if there is none. */
char *secrets_read(void);

/* Reads one line, such as a password, in the same way: to be freed by secrets_wipe(). NULL if there is none. */
char *secrets_ask(const char *prompt);
/* Overwrites and frees a text, which may be NULL. */
void secrets_wipe(char *text);

/* Does this Settings or Port hold the secrets themselves? */
bool secrets_given(const json_t *entry);
/* Says that they were not, and returns the exit status. */
int secrets_refused(void);

/* What a person sees of them, to be freed. */
char *secrets_shown(const json_t *entry, bool sensitive);
/* Replaces the count in shown, made of entry, by the list. */
void secrets_json(json_t *shown, const json_t *entry, bool sensitive);

#endif
