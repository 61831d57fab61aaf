/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon-sim: simulates a network of RoMON routers, over the core that runs in romond. Status 0: all checks held; 1: one did not; 2: wrong
 * usage.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/layout.h"
#include "sim/options.h"
#include "sim/run.h"
#include "sim/scale.h"
#include "sim/shrink.h"

static int usage_error(const char *error)
{
	fprintf(stderr, "romon-sim: %s\n", error);
	return 2;
}

static void help(void)
{
	puts("usage: romon-sim [--json] [--dot] [OPTION=VALUE ...]");
	puts("Simulates a network of RoMON routers; the same options are the same run. Options, and what they are without a "
	     "word:");
	options_help(stdout);
}

static int show_layout(const struct options *options)
{
	struct layout layout;
	char error[OPTIONS_ERROR];

	if (!layout_make(&layout, options, error)) {
		layout_free(&layout);
		return usage_error(error);
	}
	if (options->json)
		layout_json(&layout, stdout);
	else
		layout_dot(&layout, stdout);
	layout_free(&layout);
	return 0;
}

static int simulate(const struct options *options)
{
	struct result result;
	char error[OPTIONS_ERROR];

	if (!run(options, &result, NULL, error))
		return usage_error(error);
	if (options->json)
		result_json(options, &result, stdout);
	else
		result_print(options, &result, stdout);
	fflush(stdout);
	if (result.violated && options->shrink)
		shrink(options, &result, options->json ? stderr : stdout);
	return result.violated;
}

int main(int argc, char **argv)
{
	struct options options;
	char error[OPTIONS_ERROR];

	options_init(&options);
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			help();
			return 0;
		}
		if (!options_take(&options, argv[i], error))
			return usage_error(error);
	}
	if (options.routeros > 0 && options.secrets != SECRETS_NONE)
		return usage_error("routeros= goes with secrets=none only: how RouterOS hashes is not known");
	if (options.dot)
		return show_layout(&options);
	if (options.scale > 0)
		return scale(&options, error) ? 0 : usage_error(error);
	return simulate(&options);
}
