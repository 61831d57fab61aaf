/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What all commands of romon share.
 */
#include "cli/cli.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text.h"

static const struct cli_pair *pair_find(const struct cli *cli, const char *key)
{
	for (size_t i = 0; i < cli->pair_count; i++) {
		if (strcmp(cli->pairs[i].key, key) == 0)
			return &cli->pairs[i];
	}
	return NULL;
}

const char *cli_value(const struct cli *cli, const char *key)
{
	const struct cli_pair *pair = pair_find(cli, key);

	return pair ? pair->value : NULL;
}

bool cli_flag(const struct cli *cli, const char *flag)
{
	return pair_find(cli, flag) != NULL;
}

int cli_fail(enum cli_status status, const char *format, ...)
{
	va_list arguments;
	char *line = NULL;

	va_start(arguments, format);
	int length = vasprintf(&line, format, arguments);
	va_end(arguments);
	if (length < 0)
		cli_out_of_memory();

	char *shown = text_escape(line);

	fflush(stdout); /* what was said before stands before it, where both go the same way */
	fprintf(stderr, "%s\n", shown);
	free(shown);
	free(line);
	return (int)status;
}

void cli_out_of_memory(void)
{
	fputs("romon: out of memory\n", stderr);
	exit(CLI_UNREACHABLE);
}
