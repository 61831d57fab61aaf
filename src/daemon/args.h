/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The parameters of one call, read straight down and checked once: the first wrong one is remembered, and what is read after it
 * does not matter. null counts as absent, as Varlink has it.
 */
#ifndef ROMON_ARGS_H
#define ROMON_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

struct args {
	const json_t *object; /* may be NULL: none were given */
	const char *bad;      /* name of the first that is missing, unknown or wrong; NULL: all is well so far */
};

/* Complains about the first that is not in names, which ends with NULL. */
void args_known(struct args *args, const char *const *names);
/* A text that must be there; "" if it is not. */
const char *args_text(struct args *args, const char *name);
/* A text that may be there, else NULL. */
const char *args_optional_text(struct args *args, const char *name);
/* False if absent. */
bool args_flag(struct args *args, const char *name);
/* True, with *value filled, if there is such a number from min to max. */
bool args_integer(struct args *args, const char *name, int64_t min, int64_t max, int64_t *value);
/* The same for a time given in seconds, whole or not; all in nanoseconds. */
bool args_time(struct args *args, const char *name, int64_t min, int64_t max, int64_t *ns);
/* An object whose values are all text, which must be there; else NULL. */
const json_t *args_texts(struct args *args, const char *name);

#endif
