/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon streams: the open streams of this machine, to others and from others.
 */
#include <stdio.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/text.h"

enum column { FLAGS, ADDRESS, IDENTITY, SERVICE, STATE, RECEIVED, SENT, RESENT, RTT, HOPS, PATH };

#define STREAMS_JSON "address identity port service outgoing state received sent unread unsent resent rtt hops path age"

static struct table *streams_table(void)
{
	struct table *table = table_new();

	table_column(table, "", TABLE_LEFT);
	table_column(table, "ADDRESS", TABLE_LEFT);
	table_column(table, "IDENTITY", TABLE_LEFT);
	table_column(table, "SERVICE", TABLE_LEFT);
	table_column(table, "STATE", TABLE_LEFT);
	table_column(table, "RECEIVED", TABLE_RIGHT);
	table_column(table, "SENT", TABLE_RIGHT);
	table_column(table, "RESENT", TABLE_RIGHT);
	table_column(table, "RTT", TABLE_RIGHT);
	table_column(table, "HOPS", TABLE_RIGHT);
	table_column(table, "PATH", TABLE_LEFT);
	return table;
}

static void stream_add(struct table *table, const json_t *stream)
{
	static const char *const fields[] = {
		[ADDRESS] = "address",
		[IDENTITY] = "identity",
		[STATE] = "state",
		[RECEIVED] = "received",
		[SENT] = "sent",
		[RESENT] = "resent",
		[HOPS] = "hops",
	};
	const json_t *service = json_object_get(stream, "service"), *rtt = json_object_get(stream, "rtt");
	const json_t *path = json_object_get(stream, "path");
	struct libscols_line *row = table_row(table, NULL);
	char text[TEXT_RTT_MAX];

	table_text(row, FLAGS, json_is_true(json_object_get(stream, "outgoing")) ? "O" : "");
	for (size_t i = ADDRESS; i <= HOPS; i++) {
		if (fields[i])
			table_value(row, i, json_object_get(stream, fields[i]));
	}
	table_value(row, SERVICE, json_is_string(service) ? service : json_object_get(stream, "port"));
	table_text(row, RTT, json_is_number(rtt) ? text_rtt(json_number_value(rtt), text) : "");
	table_value(row, PATH, json_array_get(path, 0));
	for (size_t i = 1; i < json_array_size(path); i++) /* as discover does: further IDs stand on lines of their own */
		table_value(table_row(table, NULL), PATH, json_array_get(path, i));
}

static void streams_print(const json_t *streams)
{
	struct table *table = streams_table();

	puts("Flags: O - outgoing\n"
	     "Columns: ADDRESS, IDENTITY, SERVICE, STATE, RECEIVED, SENT, RESENT, RTT, HOPS, PATH");
	for (size_t i = 0; i < json_array_size(streams); i++)
		stream_add(table, json_array_get(streams, i));
	table_print(table, stdout);
	table_free(table);
}

static void ends_print(const json_t *ends)
{
	static const char *const fields[] = {"address", "port", "reason"};
	struct table *table = table_new();

	table_column(table, "ADDRESS", TABLE_LEFT);
	table_column(table, "PORT", TABLE_RIGHT);
	table_column(table, "REASON", TABLE_LEFT);
	for (size_t i = 0; i < json_array_size(ends); i++) {
		struct libscols_line *row = table_row(table, NULL);

		for (size_t j = 0; j < sizeof(fields) / sizeof(*fields); j++)
			table_value(row, j, json_object_get(json_array_get(ends, i), fields[j]));
	}
	table_print(table, stdout);
	table_free(table);
}

/* romon streams ended: our streams that broke off, the latest first. A descriptor that ends cannot say why. */
static int streams_ended(const struct cli *cli)
{
	struct message_reply reply;
	int status = call_once(cli, "GetEnds", NULL, 0, &reply);

	if (status != CLI_DONE)
		return status;

	const json_t *ends = json_object_get(reply.parameters, "ends");

	if (cli->json) {
		json_t *document = json_object();

		call_set(document, "ended", output_pick_all(ends, "address port reason age"));
		output_json(document);
	} else {
		ends_print(ends);
	}
	message_reply_free(&reply);
	return CLI_DONE;
}

int cmd_streams(const struct cli *cli)
{
	struct message_reply reply;
	int status;

	if (cli_flag(cli, "ended"))
		return streams_ended(cli);
	status = call_once(cli, "GetStreams", NULL, 0, &reply);
	if (status != CLI_DONE)
		return status;

	const json_t *streams = json_object_get(reply.parameters, "streams");

	if (cli->json) {
		json_t *document = json_object();

		call_set(document, "streams", output_pick_all(streams, STREAMS_JSON));
		output_json(document);
	} else {
		streams_print(streams);
	}
	message_reply_free(&reply);
	return CLI_DONE;
}
