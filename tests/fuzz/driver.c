/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Runs a fuzz target over files, where no fuzzer is linked in: for continuous integration, for debuggers, and for AFL++ (@@). The
 * arguments are files and folders of files; each is one input. A file of the size of nothing is one, too.
 */
#include <dirent.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

#define INPUT_MAX (1024 * 1024)

/* What some targets prepare before their first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static size_t count;

static bool run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *read = malloc(INPUT_MAX), *input;
	size_t len;

	if (file == NULL || read == NULL) {
		perror(path);
		free(read);
		return false;
	}
	len = fread(read, 1, INPUT_MAX, file);
	fclose(file);
	input = malloc(len + (len == 0)); /* of its exact size, so that reading past it is noticed */
	if (input != NULL) {
		memcpy(input, read, len);
		LLVMFuzzerTestOneInput(input, len);
		count++;
	}
	free(input);
	free(read);
	return true;
}

static bool run(const char *path)
{
	struct dirent **names;
	struct stat status;
	bool all = true;
	int found;

	if (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))
		return run_file(path);
	found = scandir(path, &names, NULL, alphasort);
	for (int i = 0; i < found; i++) {
		char inner[4096];

		snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name);
		if (names[i]->d_name[0] != '.')
			all = run_file(inner) && all;
		free(names[i]);
	}
	if (found >= 0)
		free(names);
	return all && found >= 0;
}

int main(int argc, char **argv)
{
	bool all = argc > 1;

	if (LLVMFuzzerInitialize != NULL)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		all = run(argv[i]) && all;
	printf("%zu inputs\n", count);
	return all ? 0 : 1;
}
