/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon winbox-probe: what a server on WinBox's port answers, step by step, for reports of what does not work. Of answers it shows keys and
 * kinds, and of values only those that tell nothing of the network.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/agent.h"
#include "cli/call.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/secrets.h"
#include "cli/text.h"
#include "cli/winbox_client.h"
#include "winbox/fields.h"

#define SHOWN_MAX 1024

struct probe {
	const struct cli *cli;
	struct winbox winbox;
	json_t *steps; /* for JSON; NULL: for people */
	bool good;
};

/* One step, told at once. */
__attribute__((format(printf, 4, 5))) static void tell(struct probe *probe, const char *step, bool good, const char *form, ...)
{
	char *said;
	va_list args;

	va_start(args, form);
	if (vasprintf(&said, form, args) < 0)
		cli_out_of_memory();
	va_end(args);
	probe->good &= good;
	if (probe->steps) {
		json_t *text = json_string(said);

		json_array_append_new(
			probe->steps, json_pack("{ss sb so}", "step", step, "ok", good, "answer", text ? text : json_null()));
	} else {
		char *shown = text_escape(said);

		printf("%-22s %-4s %s\n", step, good ? "ok" : "no", shown);
		free(shown);
		output_flush();
	}
	free(said);
}

/* Keys and kinds of a message, "1/0 65/6", those of its records once each record's keys differ. */
static void describe(const uint8_t *message, size_t len, char text[SHOWN_MAX], unsigned depth)
{
	struct m2_field field, element;
	size_t at = M2_MARK, within = 0;

	while (m2_next(message, len, &at, &field)) {
		size_t used = strlen(text);

		if (field.key >= 0xff0000 || used + 64 > SHOWN_MAX)
			continue;
		snprintf(text + used, SHOWN_MAX - used, "%s%x/%u", used > 0 && text[used - 1] != '{' ? " " : "",
			(unsigned)field.key, (unsigned)field.kind);
		if (field.kind != M2_MESSAGES || depth > 0 || !m2_element(&field, &within, &element))
			continue;
		used = strlen(text);
		snprintf(text + used, SHOWN_MAX - used, "=%zux{", field.count);
		describe(element.data, element.len, text, depth + 1);
		strcat(text, "}");
	}
}

/* Asks, and tells what comes. False: the connection is over. */
static bool ask(struct probe *probe, const char *step, struct m2_writer *request)
{
	char text[128], keys[SHOWN_MAX] = "";
	uint32_t error;

	if (!winbox_ask(&probe->winbox, request, WINBOX_SECONDS, -1)) {
		tell(probe, step, false, "%s", probe->winbox.problem);
		return false;
	}
	error = winbox_error(&probe->winbox, text);
	describe(probe->winbox.answer, probe->winbox.answer_len, keys, 0);
	if (error)
		tell(probe, step, false, "error %x%s%s", (unsigned)error, *text ? ": " : "", text);
	else
		tell(probe, step, true, "%s", *keys ? keys : "empty");
	return true;
}

static bool ask_plain(struct probe *probe, const char *step, uint32_t first, uint32_t second, uint32_t command)
{
	const uint32_t path[] = {first, second};
	struct m2_writer request = winbox_begin(&probe->winbox, path, 2, command);

	return ask(probe, step, &request);
}

static bool ask_query(struct probe *probe, const char *step, uint32_t query, uint32_t command)
{
	const uint32_t path[] = {FIELDS_ROMON, FIELDS_ROMON_DISCOVERY};
	struct m2_writer request = winbox_begin(&probe->winbox, path, 2, command);

	m2_put_u32(&request, M2_ID, query);
	return ask(probe, step, &request);
}

/* All that the server may be asked, and that changes nothing there. */
static void talk(struct probe *probe)
{
	uint32_t query;

	if (!ask_plain(probe, "system", 13, 4, FIELDS_SYSTEM_INFORMATION) ||
		!ask_plain(probe, "romon", FIELDS_ROMON, FIELDS_ROMON_SETTINGS, FIELDS_CHECK) ||
		!ask_plain(probe, "romon settings", FIELDS_ROMON, FIELDS_ROMON_SETTINGS, M2_CMD_GET) ||
		!ask_plain(probe, "romon ports", FIELDS_ROMON, FIELDS_ROMON_PORTS, M2_CMD_GETALL) ||
		!ask_plain(probe, "discover start", FIELDS_ROMON, FIELDS_ROMON_DISCOVERY, M2_CMD_START))
		return;
	query = m2_u32(probe->winbox.answer, probe->winbox.answer_len, M2_ID, 0);
	if (query && ask_query(probe, "discover poll", query, M2_CMD_GETALL))
		ask_query(probe, "discover cancel", query, M2_CMD_CANCEL);
}

static void run(struct probe *probe, const char *host, const char *port, const char *user, const char *password)
{
	bool open = winbox_open(&probe->winbox, host, port, user, password);

	if (strcmp(probe->winbox.step, "connect") == 0) {
		tell(probe, "connect", false, "%s port %s: %s", host, port, probe->winbox.problem);
	} else {
		tell(probe, "connect", true, "%s port %s", host, port);
		tell(probe, "login", open, "%s", open ? user : probe->winbox.problem);
	}
	if (open)
		talk(probe);
	winbox_close(&probe->winbox);
}

int cmd_winbox_probe(const struct cli *cli)
{
	static struct probe probe;
	struct agent agent;
	const char *user, *problem;
	char *password;

	if (cli->word_count < 1 || !agent_read(cli->words[0], &agent) || *agent.kind->prefix)
		return cli_fail(
			CLI_USAGE, "romon: winbox-probe: which server? Use: romon winbox-probe %s", cli->command->synopsis);
	user = agent.user ? agent.user : "admin";
	password = winbox_password(user, agent.host, &problem);
	if (!password)
		return cli_fail(CLI_NO, "romon: %s", problem);
	probe.cli = cli;
	probe.good = true;
	probe.steps = cli->json ? json_array() : NULL;
	run(&probe, agent.host, agent.port ? agent.port : WINBOX_PORT, user, password);
	secrets_wipe(password);
	if (cli->json)
		output_json(json_pack("{so}", "steps", probe.steps));
	return probe.good ? CLI_DONE : CLI_NO;
}
