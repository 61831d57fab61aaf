/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The command line. RouterOS writes `/tool/romon/ping id=… count=5`, a shell user `romon ping … --count 5`; both are taken, and
 * options may stand anywhere. Which keys a command has stands in the table of commands; what a property may be is for the
 * daemon to judge.
 */
#include "cli/args.h"

#include <stdio.h>
#include <string.h>

#include "control/client.h"

/* What has been read so far beside *cli. */
struct reader {
	struct cli *cli;
	char *const *next; /* the next word of argv; NULL at the end */
	char name[64];     /* the command's words so far, joined by blanks */
	bool absolute;     /* began with a slash */
	size_t menus;      /* how many of "tool", "romon" came behind the slash */
	bool words_only;   /* behind "--" */
};

/* Is name one of the blank-separated names in list? */
static bool list_has(const char *list, const char *name, size_t length)
{
	while (list && *list) {
		size_t item = strcspn(list, " ");

		if (item == length && memcmp(list, name, length) == 0)
			return true;
		list += item + strspn(list + item, " ");
	}
	return false;
}

/* Adds a word to the command's name; fills cli->command once it is whole. */
static int command_take(struct reader *reader, const char *word)
{
	static const char *const menus[] = {"tool", "romon"};
	struct cli *cli = reader->cli;
	size_t length = strlen(reader->name);

	if (reader->absolute && reader->menus < 2 && length == 0) {
		if (strcmp(word, menus[reader->menus++]) == 0)
			return CLI_DONE;
		return cli_fail(
			CLI_USAGE, "romon: unknown menu \"%s\": a command begins with /tool/romon/, or without any slash", word);
	}
	int added = snprintf(reader->name + length, sizeof(reader->name) - length, "%s%s", length ? " " : "", word);

	if (cli->command || added < 0 || (size_t)added >= sizeof(reader->name) - length)
		return cli_fail(CLI_USAGE, "romon: unknown command \"%s\"; `romon help` lists them", reader->name);

	length = strlen(reader->name);
	bool begins = false;

	for (const struct command *command = commands; command->name; command++) {
		if (strcmp(command->name, reader->name) == 0)
			cli->command = command;
		begins |= strncmp(command->name, reader->name, length) == 0 && command->name[length] == ' ';
	}
	if (cli->command || begins)
		return CLI_DONE;
	return cli_fail(CLI_USAGE, "romon: unknown command \"%s\"; `romon help` lists them", reader->name);
}

/* A word of the command: "print", "port/print", "/tool/romon/port/print", "/tool romon port print". */
static int command_word(struct reader *reader, const char *word)
{
	char copy[128], *rest = NULL;

	if (strlen(word) >= sizeof(copy))
		return cli_fail(CLI_USAGE, "romon: unknown command \"%s\"; `romon help` lists them", word);
	strcpy(copy, word);
	if (word[0] == '/' && reader->name[0] == '\0')
		reader->absolute = true;
	for (char *part = strtok_r(copy, "/ ", &rest); part; part = strtok_r(NULL, "/ ", &rest)) {
		int status = command_take(reader, part);

		if (status != CLI_DONE)
			return status;
	}
	return CLI_DONE;
}

static int pair_add(struct reader *reader, const char *key, const char *value)
{
	struct cli *cli = reader->cli;

	if (cli_flag(cli, key))
		return cli_fail(CLI_USAGE, "romon: \"%s\" is given twice", key);
	if (cli->pair_count == CLI_PAIRS_MAX)
		return cli_fail(CLI_USAGE, "romon: too many arguments");
	cli->pairs[cli->pair_count++] = (struct cli_pair){key, value};
	return CLI_DONE;
}

/* Does the command have this key? */
static bool key_known(const struct command *command, const char *key, size_t length)
{
	if (command->keys && strcmp(command->keys, "*") == 0)
		return length > 0 && strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789-") >= length;
	return list_has(command->keys, key, length);
}

/* Behind a list of secrets it may be the rest of one that lacks its quotes, so it is not repeated. */
static int argument_unknown(const struct cli *cli, const char *argument)
{
	const struct command *command = cli->command;

	if (cli_value(cli, "secrets"))
		return cli_fail(CLI_USAGE, "romon: %s: unknown argument behind secrets: put a list with a blank in single quotes",
			command->name);
	return cli_fail(CLI_USAGE, "romon: %s: unknown argument \"%s\"; use: romon %s%s%s", command->name, argument,
		command->name, *command->synopsis ? " " : "", command->synopsis);
}

/* "key=value", in place: argv's text is ours, and the key ends where the '=' was. */
static int assignment_read(struct reader *reader, char *text, const char *shown)
{
	size_t length = strcspn(text, "=");

	if (!key_known(reader->cli->command, text, length))
		return argument_unknown(reader->cli, shown);
	text[length] = '\0';
	return pair_add(reader, text, text + length + 1);
}

/* "--key=value", "--key value", "--flag". */
static int long_argument(struct reader *reader, char *text)
{
	const struct command *command = reader->cli->command;
	char *key = text + 2;

	if (!command)
		return cli_fail(CLI_USAGE, "romon: unknown option %s; `romon help` lists them", text);
	if (list_has(command->flags, key, strlen(key)))
		return pair_add(reader, key, NULL);
	if (strchr(key, '='))
		return assignment_read(reader, key, text);
	if (!key_known(command, key, strlen(key)))
		return argument_unknown(reader->cli, text);
	if (!*reader->next)
		return cli_fail(CLI_USAGE, "romon: %s needs a value", text);
	return pair_add(reader, key, *reader->next++);
}

/* "-s VALUE" or "-sVALUE". */
static int option_value(struct reader *reader, const char *text, const char **value, const char *what)
{
	if (text[2])
		*value = text + 2;
	else if (*reader->next)
		*value = *reader->next++;
	else
		return cli_fail(CLI_USAGE, "romon: %s needs %s", text, what);
	return CLI_DONE;
}

static int option_read(struct reader *reader, char *text)
{
	struct cli *cli = reader->cli;

	if (strcmp(text, "--") == 0 && cli->command && cli->command->rest) {
		cli->rest = reader->next;
		while (*reader->next)
			reader->next++;
	} else if (strcmp(text, "--") == 0)
		reader->words_only = true;
	else if (strcmp(text, "-j") == 0 || strcmp(text, "--json") == 0)
		cli->json = true;
	else if (strcmp(text, "-h") == 0 || strcmp(text, "--help") == 0)
		cli->help = true;
	else if (strcmp(text, "-V") == 0 || strcmp(text, "--version") == 0)
		cli->version = true;
	else if (strncmp(text, "-s", 2) == 0)
		return option_value(reader, text, &cli->socket, "the path of romond's control socket");
	else if (strncmp(text, "-A", 2) == 0)
		return option_value(reader, text, &cli->agent_text, "an agent: [USER@]HOST[:PORT] or a saved name");
	else if (strncmp(text, "--", 2) == 0)
		return long_argument(reader, text);
	else
		return cli_fail(CLI_USAGE, "romon: unknown option %s; `romon help` lists them", text);
	return CLI_DONE;
}

/* "[find", "interface=eth7]" are one argument that the shell took apart: joins the words up to the closing bracket. */
static int find_join(struct reader *reader, const char *word)
{
	struct cli *cli = reader->cli;
	size_t length = 0;

	for (;; word = *reader->next++) {
		int added = snprintf(cli->find + length, sizeof(cli->find) - length, "%s%s", length ? " " : "", word);

		if (added < 0 || (size_t)added >= sizeof(cli->find) - length)
			return cli_fail(CLI_USAGE, "romon: the expression in brackets is too long");
		length += (size_t)added;
		if (cli->find[length - 1] == ']')
			break;
		if (!*reader->next)
			return cli_fail(CLI_USAGE, "romon: \"%s\" lacks its closing bracket", cli->find);
	}
	cli->words[cli->word_count++] = cli->find;
	return CLI_DONE;
}

/* A word behind the command. */
static int argument_read(struct reader *reader, char *word)
{
	struct cli *cli = reader->cli;
	const struct command *command = cli->command;
	bool room = cli->word_count < command->words;

	if (command->entry && room && word[0] == '[')
		return find_join(reader, word);
	if (!reader->words_only && strchr(word, '='))
		return assignment_read(reader, word, word);
	if (!reader->words_only && list_has(command->flags, word, strlen(word)))
		return pair_add(reader, word, NULL);
	if (!room)
		return argument_unknown(cli, word);
	cli->words[cli->word_count++] = word;
	return CLI_DONE;
}

int args_read(int argc, char *const *argv, struct cli *cli)
{
	struct reader reader = {.cli = cli, .next = argc > 0 ? argv + 1 : argv};
	int status = CLI_DONE;

	*cli = (struct cli){0};
	while (status == CLI_DONE && *reader.next) {
		char *word = *reader.next++;

		if (!reader.words_only && word[0] == '-' && word[1] != '\0')
			status = option_read(&reader, word);
		else if (!cli->command)
			status = command_word(&reader, word);
		else
			status = argument_read(&reader, word);
	}
	if (status == CLI_DONE && cli->socket && cli->agent_text)
		return cli_fail(CLI_USAGE, "romon: -s and -A exclude each other: an agent's romond has the socket that it has");
	if (!cli->socket)
		cli->socket = CLIENT_SOCKET_DEFAULT;
	if (status == CLI_DONE && !cli->command && reader.name[0] != '\0' && !cli->help)
		return cli_fail(CLI_USAGE, "romon: \"%s\" lacks its second word; `romon help` lists the commands", reader.name);
	return status;
}
