/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the emulator is told in words: options of a way as `name=value`.
 */
#ifndef EMULATOR_COMMAND_H
#define EMULATOR_COMMAND_H

#include <stdbool.h>

#include "way.h"

#define COMMAND_WORDS_MAX 32

/* Cuts a line into its words. Returns how many; more than COMMAND_WORDS_MAX are left out. */
unsigned command_split(char *line, char **words);
/* Sets one option. False: there is none of that name, or that is no value for it. */
bool command_option(struct way_options *options, const char *word);

#endif
