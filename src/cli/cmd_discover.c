/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon discover: the table of routers; on a terminal redrawn whenever it changes, else once.
 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/routers.h"
#include "cli/terminal.h"

#define DURATION_DEFAULT 3.0 /* seconds: a round of discovery and two to repair lost frames */
#define FRAME_LINES 4        /* of the screen that are not rows of routers: two of heading, titles, and one at the bottom */

/* Draws what of the table fits. False if the terminal is gone. */
static bool screen_draw(const json_t *routers)
{
	size_t rows = terminal_rows(), size, hidden;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		cli_out_of_memory();
	hidden = routers_print(routers, rows > FRAME_LINES ? rows - FRAME_LINES : 1, out);
	if (hidden > 0)
		fprintf(out, "-- [Q quit] %zu more %s, in a taller window\n", hidden, hidden == 1 ? "router" : "routers");
	else
		fputs("-- [Q quit]\n", out);
	if (fclose(out) != 0)
		cli_out_of_memory();

	bool drawn = terminal_draw(text);

	free(text);
	return drawn;
}

/* Through an agent, ssh may ask its user for something before the first answer: it has the terminal until then. */
static int table_await(const struct cli *cli, struct client *client, json_t **routers, bool *more)
{
	struct message_reply reply = {0};
	enum client_result result = client_next(client, NULL, 0, -1, &reply);
	int status = result == CLIENT_REPLY ? CLI_DONE : call_failure(cli, client, result, &reply);

	if (status == CLI_DONE) {
		json_decref(*routers);
		*routers = json_incref(json_object_get(reply.parameters, "routers"));
		*more = reply.continues;
	}
	message_reply_free(&reply);
	return status;
}

/* Follows the table until the person or the daemon ends it. *routers is the last table, a reference of ours. */
static int table_follow(const struct cli *cli, struct client *client, json_t **routers)
{
	struct message_reply reply = {0};
	struct pollfd fds[TERMINAL_FDS];
	int status = CLI_DONE;

	for (bool more = true; more && screen_draw(*routers);) {
		terminal_fds(fds);
		enum client_result result = client_next(client, fds, TERMINAL_FDS, -1, &reply);

		if (result == CLIENT_WOKEN) {
			more = terminal_event(fds) != TERMINAL_QUIT;
		} else if (result == CLIENT_REPLY) {
			json_decref(*routers);
			*routers = json_incref(json_object_get(reply.parameters, "routers"));
			more = reply.continues;
		} else {
			terminal_leave(); /* the message belongs on the usual screen */
			status = call_failure(cli, client, result, &reply);
			break;
		}
	}
	message_reply_free(&reply);
	return status;
}

static int discover_live(const struct cli *cli, json_t *parameters)
{
	struct client *client;
	json_t *routers = json_array();
	bool more = true;
	int status = call_start(cli, "Discover", parameters, MESSAGE_MORE, &client);

	if (status == CLI_DONE) {
		if (cli->agent)
			status = table_await(cli, client, &routers, &more);
		if (status == CLI_DONE && more) {
			terminal_enter();
			status = table_follow(cli, client, &routers);
			terminal_leave();
		}
		client_close(client);
		if (status == CLI_DONE)
			routers_print(routers, 0, stdout); /* stays when the second screen is gone, and whole */
	}
	json_decref(routers);
	return status;
}

static int discover_once(const struct cli *cli, json_t *parameters, double duration)
{
	struct message_reply reply;
	int status = call_once(cli, "Discover", parameters, duration, &reply);

	if (status != CLI_DONE)
		return status;

	const json_t *routers = json_object_get(reply.parameters, "routers");

	if (cli->json) {
		json_t *document = json_object();

		call_set(document, "routers", output_pick_all(routers, ROUTERS_JSON));
		output_json(document);
	} else {
		routers_print(routers, 0, stdout);
	}
	message_reply_free(&reply);
	return CLI_DONE;
}

int cmd_discover(const struct cli *cli)
{
	const char *text = cli_value(cli, "duration");
	double duration = DURATION_DEFAULT;
	bool live = !cli->json && terminal_is_live();
	json_t *parameters = json_object();

	if (text && !parse_duration(text, &duration)) {
		json_decref(parameters);
		return cli_fail(
			CLI_USAGE, "romon: \"%s\" is no duration: write it like 10s, 1m30s or 00:00:10, up to 366d", text);
	}
	if (text || !live)
		call_set(parameters, "duration", json_real(duration));
	return live ? discover_live(cli, parameters) : discover_once(cli, parameters, duration);
}
