/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What ssh must be told. Names of strangers never get into a command: the ID stands there, which is hexadecimal.
 */
#include "cli/proxy.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/agent.h"
#include "cli/call.h"

#define PATH_SIZE 4096
#define RESOLVE_SECONDS 4 /* until everybody has answered */

bool proxy_id_read(const char *text, char id[PROXY_ID_MAX])
{
	size_t i;

	for (i = 0; i < PROXY_ID_MAX - 1; i++) {
		if (i % 3 == 2 ? text[i] != ':' : !isxdigit((unsigned char)text[i]))
			return false;
		id[i] = (char)toupper((unsigned char)text[i]);
	}
	id[i] = '\0';
	return text[i] == '\0';
}

/* By the daemon's rule about identities, which is the only one. */
int proxy_resolve(const struct cli *cli, const char *name, char id[PROXY_ID_MAX])
{
	struct message_reply reply;
	json_t *parameters;

	if (proxy_id_read(name, id))
		return CLI_DONE;
	parameters = json_object();

	int status = call_set_text(parameters, "id", name);

	if (status != CLI_DONE) {
		json_decref(parameters);
		return status;
	}
	status = call_once(cli, "Resolve", parameters, RESOLVE_SECONDS, &reply);
	if (status != CLI_DONE)
		return status;

	const char *found = json_string_value(json_object_get(reply.parameters, "id"));

	if (!found || !proxy_id_read(found, id))
		status = call_failure(cli, NULL, CLIENT_GARBAGE, &reply);
	message_reply_free(&reply);
	return status;
}

/* Writes text with each character c of special replaced: ' by '\'' and % by %%. */
static void escape_write(FILE *out, const char *text, const char *special)
{
	for (; *text; text++) {
		if (!strchr(special, *text))
			putc(*text, out);
		else
			fputs(*text == '%' ? "%%" : "'\\''", out);
	}
}

static void quoted_write(FILE *out, const char *word, bool percent)
{
	putc('\'', out);
	escape_write(out, word, percent ? "'%" : "'");
	putc('\'', out);
}

char *proxy_quote(const char *word)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		cli_out_of_memory();
	quoted_write(out, word, false);
	if (fclose(out) != 0)
		cli_out_of_memory();
	return text;
}

/* This very program, wherever it lies; after an upgrade its file may be gone, and the new one is where PATH says. */
static void program_find(char path[PATH_SIZE])
{
	ssize_t length = readlink("/proc/self/exe", path, PATH_SIZE);

	if (length > 0 && length < PATH_SIZE) {
		path[length] = '\0';
		if (access(path, X_OK) == 0)
			return;
	}
	strcpy(path, "romon");
}

const char *proxy_fdpass(const struct cli *cli)
{
	return cli->agent ? "no" : "yes";
}

char *proxy_command(const struct cli *cli, const char *id)
{
	char program[PATH_SIZE], *text = NULL, *absolute;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		cli_out_of_memory();
	program_find(program);
	quoted_write(out, program, true);
	if (cli->agent) {
		fputs(" -A ", out);
		quoted_write(out, cli->agent->text, true);
	} else if (strcmp(cli->socket, CLIENT_SOCKET_DEFAULT) != 0) {
		absolute = realpath(cli->socket, NULL); /* who runs the command may stand in another folder */
		fputs(" -s ", out);
		quoted_write(out, absolute ? absolute : cli->socket, true);
		free(absolute);
	}
	fprintf(out, " connect %s%s ssh", cli->agent ? "" : "--fdpass ", id);
	if (fclose(out) != 0)
		cli_out_of_memory();
	return text;
}
