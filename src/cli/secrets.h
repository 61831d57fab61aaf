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

/* Does this Settings or Port hold the secrets themselves? */
bool secrets_given(const json_t *entry);
/* Says that they were not, and returns the exit status. */
int secrets_refused(void);

/* What a person sees of them, to be freed. */
char *secrets_shown(const json_t *entry, bool sensitive);
/* Replaces the count in shown, made of entry, by the list. */
void secrets_json(json_t *shown, const json_t *entry, bool sensitive);

#endif
