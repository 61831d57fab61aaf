/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The file of agents, $XDG_CONFIG_HOME/romon/agents. A person may edit it: what is not changed here stays as he wrote it, comments
 * too. It is replaced by renaming, so that it is the old or the new one whatever happens, and under a lock of its folder, so that no
 * change is lost.
 */
#include "cli/agents.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/agent.h"
#include "cli/call.h"

#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define FILE_NAME "agents"

/* Where it is. Texts are to be freed. */
struct place {
	char *folder;
	char *path;
};

static char *joined(const char *folder, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s", folder, name) < 0)
		cli_out_of_memory();
	return path;
}

/* The rules of the XDG base directories: a folder that is not absolute is none. */
static char *config_home(void)
{
	const char *xdg = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	const struct passwd *user;

	if (xdg && *xdg == '/')
		return joined(xdg, "romon");
	if (!home || *home != '/') {
		user = getpwuid(getuid());
		home = user ? user->pw_dir : "/";
	}

	char *config = joined(home, ".config"), *folder = joined(config, "romon");

	free(config);
	return folder;
}

/* A link is followed: what it points to is replaced. */
static struct place place_find(void)
{
	char *home = config_home(), *path = joined(home, FILE_NAME), *real = realpath(path, NULL);
	struct place place = {home, real ? real : path};
	char *slash;

	if (!real)
		return place;
	free(path);
	free(home);
	slash = strrchr(real, '/');
	place.folder = strndup(real, slash == real ? 1 : (size_t)(slash - real));
	if (!place.folder)
		cli_out_of_memory();
	return place;
}

static void place_free(const struct place *place)
{
	free(place->folder);
	free(place->path);
}

static int failure(const char *path)
{
	return cli_fail(CLI_NO, "romon: agents: %s: %s", path, strerror(errno));
}

bool agents_name_ok(const char *name)
{
	size_t length = strlen(name);

	return length > 0 && length <= AGENTS_NAME_MAX && !strchr("._-", *name) && strspn(name, NAME_CHARACTERS) == length;
}

/* Takes one line apart, in place. False if it is wrong; *name is NULL if there is nothing on it. */
static bool line_read(char *line, const char **name, const char **agent)
{
	const char *blanks = " \t\n";
	struct agent read;
	char *rest = NULL;

	*name = strtok_r(line, blanks, &rest);
	*agent = strtok_r(NULL, blanks, &rest);
	if (!*name || **name == '#') {
		*name = NULL;
		return true;
	}
	return agents_name_ok(*name) && *agent && agent_read(*agent, &read) && !strtok_r(NULL, blanks, &rest);
}

/* Reads the file, which need not be there, into a list; without the line of the agent called leave, into *text as well, which is to be
 * freed (both may be NULL). */
static int file_read(const char *path, const char *leave, json_t *list, char **text)
{
	FILE *in = fopen(path, "re"), *out = NULL;
	size_t size = 0, kept_size, number = 0;
	int status = CLI_DONE;
	char *line = NULL;

	if (!in && errno != ENOENT)
		return failure(path);
	if (text && !(out = open_memstream(text, &kept_size)))
		cli_out_of_memory();
	while (in && status == CLI_DONE && getline(&line, &size, in) >= 0) {
		const char *name, *agent;
		char *copy = strdup(line);

		if (!copy)
			cli_out_of_memory();
		number++;
		if (!line_read(line, &name, &agent))
			status = cli_fail(CLI_NO, "romon: agents: %s:%zu: a line is NAME AGENT, as `romon agent add` writes it",
				path, number);
		else if (name && json_array_append_new(list, json_pack("{ssss}", "name", name, "agent", agent)) != 0)
			cli_out_of_memory();
		if (out && (!name || !leave || strcmp(name, leave) != 0))
			fputs(copy, out);
		free(copy);
	}
	if (in && ferror(in))
		status = failure(path);
	if (in)
		fclose(in);
	if (out && fclose(out) != 0)
		cli_out_of_memory();
	free(line);
	return status;
}

static const char *list_find(const json_t *list, const char *name)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);

		if (strcmp(json_string_value(json_object_get(entry, "name")), name) == 0)
			return json_string_value(json_object_get(entry, "agent"));
	}
	return NULL;
}

int agents_list(json_t **list)
{
	struct place place = place_find();
	int status;

	*list = json_array();
	status = file_read(place.path, NULL, *list, NULL);
	if (status != CLI_DONE)
		json_decref(*list);
	place_free(&place);
	return status;
}

int agents_find(const char *name, char *agent)
{
	json_t *list;
	int status;

	*agent = '\0';
	if (!agents_name_ok(name))
		return CLI_DONE;
	status = agents_list(&list);
	if (status != CLI_DONE)
		return status;

	const char *found = list_find(list, name);

	if (found)
		strcpy(agent, found);
	json_decref(list);
	return CLI_DONE;
}

/* ---- changes ---- */

/* The folder and those above it, as far as they are missing. */
static bool folder_make(char *folder)
{
	for (char *slash = strchr(folder + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash)
			*slash = '\0';
		bool made = mkdir(folder, 0700) == 0 || errno == EEXIST;

		if (!slash || !made)
			return made;
		*slash = '/';
	}
}

/* A new file in the folder gets the text, and then the place of the old one. */
static bool file_replace(const struct place *place, int folder, const char *text)
{
	char *fresh = joined(place->folder, "." FILE_NAME ".XXXXXX");
	int fd = mkostemp(fresh, O_CLOEXEC), error;
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool done = out && fputs(text, out) >= 0 && fflush(out) == 0 && fsync(fd) == 0 && fchmod(fd, 0644) == 0;

	if (out)
		done &= fclose(out) == 0;
	done = done && rename(fresh, place->path) == 0;
	error = errno;
	if (!done && fd >= 0)
		unlink(fresh);
	fsync(folder);
	free(fresh);
	errno = error;
	return done;
}

/* Adds name, or, without an agent, removes it. The folder is locked. */
static int file_change(const struct place *place, int folder, const char *name, const char *agent)
{
	json_t *list = json_array();
	char *text = NULL, *changed;
	int status = file_read(place->path, name, list, &text);
	const char *known = status == CLI_DONE ? list_find(list, name) : NULL;

	if (status == CLI_DONE && agent && known)
		status = cli_fail(CLI_NO, "romon: there is an agent \"%s\" already, %s: remove it first", name, known);
	else if (status == CLI_DONE && !agent && !known)
		status = cli_fail(CLI_NO, "romon: there is no agent \"%s\": `romon agent print` shows all", name);
	if (status == CLI_DONE) {
		size_t length = strlen(text);
		const char *end = length > 0 && text[length - 1] != '\n' ? "\n" : "";

		if (asprintf(&changed, "%s%s%s%s%s%s", text, end, agent ? name : "", agent ? " " : "", agent ? agent : "",
			    agent ? "\n" : "") < 0)
			cli_out_of_memory();
		if (!file_replace(place, folder, changed))
			status = failure(place->path);
		free(changed);
	}
	json_decref(list);
	free(text);
	return status;
}

static int change(const char *name, const char *agent)
{
	struct place place = place_find();
	int folder = folder_make(place.folder) ? open(place.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	int status;

	if (folder < 0 || flock(folder, LOCK_EX) < 0)
		status = failure(place.folder);
	else
		status = file_change(&place, folder, name, agent);
	if (folder >= 0)
		close(folder);
	place_free(&place);
	return status;
}

int agents_add(const char *name, const char *agent)
{
	return change(name, agent);
}

int agents_remove(const char *name)
{
	return change(name, NULL);
}
