/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Secrets in the output of print and port print.
 */
#include "cli/secrets.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/text.h"

/* One line, without its end. False: there is none, or it is longer than size. */
static bool line_read(char *line, size_t size, bool *too_long)
{
	*too_long = false;
	if (!fgets(line, (int)size, stdin))
		return false;
	*too_long = !strchr(line, '\n') && strlen(line) == size - 1;
	line[strcspn(line, "\r\n")] = '\0';
	return !*too_long;
}

static struct termios terminal_shown; /* as it was before the echo was turned off */

/* ^C at the question must not leave a terminal that shows nothing. */
static void interrupted(int number)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal_shown);
	signal(number, SIG_DFL);
	raise(number);
}

static bool echo_off(void)
{
	struct termios hidden;

	if (tcgetattr(STDIN_FILENO, &terminal_shown) != 0)
		return false;
	signal(SIGINT, interrupted);
	signal(SIGTERM, interrupted);
	hidden = terminal_shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &hidden);
	return true;
}

static void echo_on(void)
{
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &terminal_shown);
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
}

void secrets_wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

/* A line that nobody should see, asked for if there is somebody to ask. */
static char *ask(const char *prompt, bool *too_long)
{
	bool terminal = echo_off();
	char *line = malloc(SECRETS_LINE_MAX);

	if (!line)
		cli_out_of_memory();
	if (terminal)
		fputs(prompt, stderr);
	bool read = line_read(line, SECRETS_LINE_MAX, too_long);

	if (terminal) {
		echo_on();
		fputc('\n', stderr);
	}
	if (read)
		return line;
	free(line);
	return NULL;
}

char *secrets_ask(const char *prompt)
{
	bool too_long;

	return ask(prompt, &too_long);
}

char *secrets_read(void)
{
	bool too_long;
	char *line = ask("secrets: ", &too_long);

	if (line)
		return line;
	cli_fail(CLI_USAGE, too_long ? "romon: the list of secrets on standard input is too long"
				     : "romon: secrets=- reads the list from standard input, and there is nothing");
	return NULL;
}

json_t *secrets_parameters(bool sensitive)
{
	json_t *parameters = json_object();

	call_set(parameters, "show_sensitive", json_boolean(sensitive));
	return parameters;
}

bool secrets_given(const json_t *entry)
{
	return json_is_array(json_object_get(entry, "secret_list"));
}

int secrets_refused(void)
{
	return cli_fail(CLI_NO, "romon: secrets are shown to root only: run it as root, or without show-sensitive");
}

char *secrets_shown(const json_t *entry, bool sensitive)
{
	json_int_t count = json_integer_value(json_object_get(entry, "secrets"));
	char *text = NULL;

	if (sensitive || count == 0)
		return text_secrets(json_object_get(entry, "secret_list"));
	if (asprintf(&text, "(%" JSON_INTEGER_FORMAT " not shown)", count) < 0)
		cli_out_of_memory();
	return text;
}

void secrets_json(json_t *shown, const json_t *entry, bool sensitive)
{
	if (sensitive)
		call_set(shown, "secrets", json_incref(json_object_get(entry, "secret_list")));
}
