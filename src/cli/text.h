/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How values look to a person. Everything that goes to a terminal passes text_escape(): names and models of routers come from
 * strangers.
 */
#ifndef CLI_TEXT_H
#define CLI_TEXT_H

#include <jansson.h>

#define TEXT_RTT_MAX 32

/* A copy of UTF-8 text, to be freed, that cannot steer a terminal: control characters become \x1b, and what changes the
 * direction of text, is invisible, or cannot be shown in this locale becomes \u202e or \U000e0041. Never NULL: without memory
 * the program ends. */
char *text_escape(const char *utf8);

/* The same for a JSON document: such characters stand in strings only, and are written there as JSON escapes; the meaning
 * stays. What the locale cannot show stays too, since JSON is UTF-8. */
char *text_escape_json(const char *document);

/* A value of any JSON type as a table shows it, to be freed: yes and no for booleans, nothing for null, strings as they are. */
char *text_value(const json_t *value);

/* A list of secrets in the syntax of the configuration: "",mysecret. To be freed. */
char *text_secrets(const json_t *list);

/* A round-trip time of so many seconds: whole microseconds below 1 ms ("412us"), hundredths below 10 ms ("1.23ms"), else whole
 * milliseconds ("12ms"). Returns text. */
const char *text_rtt(double seconds, char text[TEXT_RTT_MAX]);

#endif
