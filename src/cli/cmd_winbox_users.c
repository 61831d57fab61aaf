/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon winbox-agent user print, add, set, remove: the file of the agent's users. romond knows where it is and never reads it; the agent
 * notices when it has changed.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/secrets.h"
#include "daemon/file.h"
#include "winbox/users.h"

#define AGENT_GROUP "romon-agent"

/* The file, read, and locked against another romon. */
struct book {
	char path[PATH_MAX];
	int lock; /* descriptor of the folder; -1: for reading only */
	struct users users;
};

static void book_close(struct book *book)
{
	users_free(&book->users);
	if (book->lock >= 0)
		close(book->lock);
}

/* Where romond says that the file is. */
static int book_path(const struct cli *cli, struct book *book)
{
	struct message_reply reply;
	int status = call_once(cli, "GetWinboxAgent", NULL, 0, &reply);

	if (status != CLI_DONE)
		return status;

	const char *path = json_string_value(json_object_get(json_object_get(reply.parameters, "agent"), "users"));

	snprintf(book->path, sizeof(book->path), "%s", path ? path : USERS_DEFAULT);
	message_reply_free(&reply);
	return CLI_DONE;
}

static int book_fail(const struct book *book)
{
	return cli_fail(CLI_NO, "romon: %s: %s%s", book->path, strerror(errno),
		errno == EACCES || errno == EPERM ? ": the agent's users are root's affair, run it as root" : "");
}

/* Reads what is there; no file holds no users. */
static int book_read(struct book *book)
{
	int fd = file_open(book->path);
	unsigned line = 0;
	size_t len;

	if (fd < 0)
		return errno == ENOENT ? CLI_DONE : book_fail(book);

	char *text = file_read(fd, USERS_FILE_MAX, &len);
	bool good = text && users_parse(text, len, &book->users, &line);

	close(fd);
	free(text);
	if (good)
		return CLI_DONE;
	return !text ? book_fail(book)
		     : cli_fail(CLI_NO, "romon: %s:%u: this line is no user: take it out, or move the file away", book->path,
			       line);
}

/* Opens the file; to be closed if that worked. */
static int book_open(const struct cli *cli, struct book *book, bool change)
{
	char folder[PATH_MAX];
	int status;

	*book = (struct book){.lock = -1};
	status = book_path(cli, book);
	if (status == CLI_DONE && change) {
		strcpy(folder, book->path);
		book->lock = open(dirname(folder), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (book->lock < 0 || flock(book->lock, LOCK_EX) != 0)
			status = book_fail(book);
	}
	if (status == CLI_DONE)
		status = book_read(book);
	if (status != CLI_DONE)
		book_close(book);
	return status;
}

static void random_fill(void *data, size_t len)
{
	if (getrandom(data, len, 0) != (ssize_t)len)
		abort(); /* so few bytes come at once or not at all */
}

/* Writes the file, which root and the agent may read. */
static int book_save(struct book *book)
{
	const struct group *group = getgrnam(AGENT_GROUP);
	size_t len;

	if (!group)
		return cli_fail(CLI_NO, "romon: there is no group " AGENT_GROUP ": create it with systemd-sysusers");
	if (!book->users.has_secret) {
		random_fill(book->users.secret, USERS_SECRET);
		book->users.has_secret = true;
	}

	char *text = users_text(&book->users, &len);

	if (!text)
		cli_out_of_memory();
	bool good = file_replace_shared(book->path, text, len, group->gr_gid) == 0;

	free(text);
	return good ? CLI_DONE : book_fail(book);
}

/* Asks for the new password, on a terminal twice. To be freed; NULL, with the reason said, if there is none. */
static char *password_new(void)
{
	bool terminal = isatty(STDIN_FILENO);
	char *password = secrets_ask("password: "), *again = terminal && password ? secrets_ask("repeat password: ") : NULL;

	if (!password || (terminal && !again)) {
		cli_fail(CLI_USAGE,
			"romon: the password is read from the terminal or standard input, and there is none, or a too long one");
	} else if (again && strcmp(password, again) != 0) {
		cli_fail(CLI_USAGE, "romon: the two passwords differ: nothing was changed");
	} else {
		secrets_wipe(again);
		return password;
	}
	secrets_wipe(password);
	secrets_wipe(again);
	return NULL;
}

/* Gives the user a password, of which only the validator is kept. */
static int password_set(struct user *user)
{
	struct curve *curve = curve_new();
	char *password = curve ? password_new() : NULL;
	uint8_t salt[SRP_SALT];
	bool done;

	if (!curve)
		cli_out_of_memory();
	if (!password) {
		curve_free(curve);
		return CLI_USAGE;
	}
	random_fill(salt, sizeof(salt));
	done = srp_validator_make(curve, user->name, strlen(user->name), password, strlen(password), salt, &user->validator);
	secrets_wipe(password);
	curve_free(curve);
	if (!done)
		cli_out_of_memory();
	return CLI_DONE;
}

static int targets_set(const struct cli *cli, struct user *user)
{
	const char *targets = cli_value(cli, "targets");

	if (!targets || users_targets_parse(user, targets))
		return CLI_DONE;
	return cli_fail(CLI_USAGE,
		"romon: %s: targets is a list of at most %d RoMON IDs with commas between, or \"\" for all routers",
		cli->command->name, USERS_TARGETS_MAX);
}

/* The name on the command line, NULL after having said that it is none. */
static const char *name_given(const struct cli *cli)
{
	const char *name = cli->word_count > 0 ? cli->words[0] : "";

	if (users_name_valid(name))
		return name;
	cli_fail(CLI_USAGE, "romon: %s: which user? A name has 1 to %d bytes, without blanks and +; use: romon %s %s",
		cli->command->name, USERS_NAME_MAX, cli->command->name, cli->command->synopsis);
	return NULL;
}

static int find_failed(const char *name)
{
	return cli_fail(CLI_NO, "romon: there is no user %s: look it up in winbox-agent user print", name);
}

static json_t *user_json(const struct user *user)
{
	json_t *object = json_object(), *targets = json_array(), *name = json_string(user->name);
	char id[USERS_ID_TEXT];

	for (size_t i = 0; i < user->target_count; i++)
		json_array_append_new(targets, json_string(users_id_text(user->targets[i], id)));
	call_set(object, "name", name ? name : json_null()); /* one that is not UTF-8 cannot be in JSON */
	call_set(object, "targets", targets);
	return object;
}

static void users_print(const struct users *users)
{
	struct table *table = table_new();

	puts("Columns: NAME, TARGETS");
	table_column(table, "NAME", TABLE_LEFT);
	table_column(table, "TARGETS", TABLE_LEFT);
	for (size_t i = 0; i < users->count; i++) {
		const struct user *user = &users->list[i];
		char id[USERS_ID_TEXT];

		/* One ID a line, as paths are shown. */
		for (size_t j = 0; j == 0 || j < user->target_count; j++) {
			struct libscols_line *row = table_row(table, NULL);

			table_text(row, 0, j == 0 ? user->name : "");
			table_text(row, 1, user->target_count == 0 ? "all" : users_id_text(user->targets[j], id));
		}
	}
	table_print(table, stdout);
	table_free(table);
}

int cmd_winbox_user_print(const struct cli *cli)
{
	struct book book;
	int status = book_open(cli, &book, false);

	if (status != CLI_DONE)
		return status;
	if (cli->json) {
		json_t *document = json_object(), *list = json_array();

		for (size_t i = 0; i < book.users.count; i++)
			json_array_append_new(list, user_json(&book.users.list[i]));
		call_set(document, "users", list);
		output_json(document);
	} else {
		users_print(&book.users);
	}
	book_close(&book);
	return CLI_DONE;
}

int cmd_winbox_user_add(const struct cli *cli)
{
	const char *name = name_given(cli);
	struct book book;

	if (!name)
		return CLI_USAGE;

	int status = book_open(cli, &book, true);

	if (status != CLI_DONE)
		return status;
	if (users_find(&book.users, name, strlen(name))) {
		status = cli_fail(CLI_NO, "romon: there is a user %s already: change it by winbox-agent user set", name);
	} else {
		struct user *user = users_add(&book.users, name);

		status = user ? targets_set(cli, user) : cli_fail(CLI_NO, "romon: there cannot be more than %d users", USERS_MAX);
		if (status == CLI_DONE)
			status = password_set(user);
		if (status == CLI_DONE)
			status = book_save(&book);
	}
	book_close(&book);
	return status;
}

int cmd_winbox_user_set(const struct cli *cli)
{
	const char *name = name_given(cli);
	struct book book;

	if (!name)
		return CLI_USAGE;
	if (!cli_value(cli, "targets") && !cli_flag(cli, "password"))
		return cli_fail(CLI_USAGE, "romon: winbox-agent user set: nothing to set; use: romon winbox-agent user set %s",
			cli->command->synopsis);

	int status = book_open(cli, &book, true);

	if (status != CLI_DONE)
		return status;

	struct user *user = users_find(&book.users, name, strlen(name));

	status = user ? targets_set(cli, user) : find_failed(name);
	if (status == CLI_DONE && cli_flag(cli, "password"))
		status = password_set(user);
	if (status == CLI_DONE)
		status = book_save(&book);
	book_close(&book);
	return status;
}

int cmd_winbox_user_remove(const struct cli *cli)
{
	const char *name = name_given(cli);
	struct book book;

	if (!name)
		return CLI_USAGE;

	int status = book_open(cli, &book, true);

	if (status != CLI_DONE)
		return status;

	struct user *user = users_find(&book.users, name, strlen(name));

	if (user) {
		users_remove(&book.users, user);
		status = book_save(&book);
	} else {
		status = find_failed(name);
	}
	book_close(&book);
	return status;
}
