/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon ping: each reply as it comes, and totals. When ^C ends it, the connection is closed, which ends the ping in the daemon;
 * the totals are then those of what came.
 */
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/text.h"

/* What romond takes. */
#define SIZE_MIN 4 /* a payload begins with four bytes of our own */
#define SIZE_MAX_BYTES 65000
#define INTERVAL_MIN 0.001 /* seconds, as is the next */
#define INTERVAL_MAX 3600.0

struct totals {
	json_int_t sent, received;
	json_int_t loss;      /* percent */
	double min, avg, max; /* seconds; say something if received is not 0 */
	double sum;
	bool titled; /* the titles of the table stand already */
};

/* Milliseconds, with the noise of the multiplication cut off: 0.000412 s are 0.412 ms. Null for null. */
static json_t *milliseconds(const json_t *seconds)
{
	return json_is_number(seconds) ? json_real(round(json_number_value(seconds) * 1e9) / 1e6) : json_null();
}

static void totals_add(struct totals *totals, const json_t *reply)
{
	const json_t *time = json_object_get(reply, "time");
	double rtt = json_number_value(time);

	totals->sent++;
	if (json_is_number(time)) {
		totals->min = totals->received == 0 || rtt < totals->min ? rtt : totals->min;
		totals->max = totals->received == 0 || rtt > totals->max ? rtt : totals->max;
		totals->sum += rtt;
		totals->received++;
		totals->avg = totals->sum / (double)totals->received;
	}
	totals->loss = (totals->sent - totals->received) * 100 / totals->sent;
}

/* What the daemon counted, which is what stands at the end of a ping that was not interrupted. */
static void totals_take(struct totals *totals, const json_t *summary)
{
	totals->sent = json_integer_value(json_object_get(summary, "sent"));
	totals->received = json_integer_value(json_object_get(summary, "received"));
	totals->loss = json_integer_value(json_object_get(summary, "packet_loss"));
	totals->min = json_number_value(json_object_get(summary, "min_rtt"));
	totals->avg = json_number_value(json_object_get(summary, "avg_rtt"));
	totals->max = json_number_value(json_object_get(summary, "max_rtt"));
}

static void totals_json(const struct totals *totals)
{
	const double rtts[] = {totals->min, totals->avg, totals->max};
	static const char *const names[] = {"min-rtt", "avg-rtt", "max-rtt"};
	json_t *document = json_object();

	call_set(document, "sent", json_integer(totals->sent));
	call_set(document, "received", json_integer(totals->received));
	call_set(document, "packet-loss", json_integer(totals->loss));
	for (size_t i = 0; i < 3; i++) {
		json_t *seconds = totals->received > 0 ? json_real(rtts[i]) : json_null();

		call_set(document, names[i], milliseconds(seconds));
		json_decref(seconds);
	}
	output_json(document);
}

/* Once, and not before something stands below them: the answer may be an error. Placed where the contract puts them. */
static void titles_print(struct totals *totals)
{
	if (!totals->titled)
		puts("  SEQ HOST                                     TIME  STATUS");
	totals->titled = true;
}

static void totals_print(const struct totals *totals)
{
	char min[TEXT_RTT_MAX], avg[TEXT_RTT_MAX], max[TEXT_RTT_MAX];

	printf("  sent=%" JSON_INTEGER_FORMAT " received=%" JSON_INTEGER_FORMAT " packet-loss=%" JSON_INTEGER_FORMAT "%%",
		totals->sent, totals->received, totals->loss);
	if (totals->received > 0)
		printf(" min-rtt=%s avg-rtt=%s max-rtt=%s", text_rtt(totals->min, min), text_rtt(totals->avg, avg),
			text_rtt(totals->max, max));
	putchar('\n');
}

static void reply_json(const json_t *reply)
{
	json_t *document = output_pick(reply, "seq host time size status");

	call_set(document, "time", milliseconds(json_object_get(reply, "time")));
	output_json(document);
}

/* One line of the table. The widths are RouterOS's; they cannot be found out from the content, which comes line by line. */
static void reply_print(const json_t *reply)
{
	const json_t *time = json_object_get(reply, "time");
	const char *host = json_string_value(json_object_get(reply, "host"));
	const char *status = json_string_value(json_object_get(reply, "status"));
	char *shown_host = text_escape(host ? host : ""), *shown_status = text_escape(status ? status : "");
	char rtt[TEXT_RTT_MAX];
	bool ok = strcmp(shown_status, "ok") == 0;

	printf("%5" JSON_INTEGER_FORMAT " %-17s%29s%s%s\n", json_integer_value(json_object_get(reply, "seq")), shown_host,
		json_is_number(time) ? text_rtt(json_number_value(time), rtt) : "", ok ? "" : "  ", ok ? "" : shown_status);
	free(shown_host);
	free(shown_status);
}

/* Prints what comes until the summary or ^C. */
static int ping_follow(const struct cli *cli, struct client *client, int interrupt, struct totals *totals)
{
	struct pollfd fds[] = {{.fd = interrupt, .events = POLLIN}};
	struct message_reply reply = {0};
	enum client_result result;
	bool more = true;

	while (more && (result = client_next(client, fds, 1, -1, &reply)) != CLIENT_WOKEN) {
		if (result != CLIENT_REPLY) {
			int status = call_failure(cli, client, result, &reply);

			message_reply_free(&reply);
			return status;
		}

		const json_t *one = json_object_get(reply.parameters, "reply");
		const json_t *summary = json_object_get(reply.parameters, "summary");

		if (json_is_object(one)) {
			totals_add(totals, one);
			if (!cli->json)
				titles_print(totals);
			(cli->json ? reply_json : reply_print)(one);
		}
		if (json_is_object(summary))
			totals_take(totals, summary);
		more = reply.continues && output_flush();
	}
	message_reply_free(&reply);
	return CLI_DONE;
}

/* SIGINT as something to wait for beside the answers. */
static int interrupt_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	int fd = signalfd(-1, &set, SFD_CLOEXEC);

	if (fd < 0)
		cli_out_of_memory();
	return fd;
}

static int number_set(const struct cli *cli, json_t *parameters, const char *key, uint64_t min, uint64_t max)
{
	const char *text = cli_value(cli, key);
	uint64_t number;

	if (!text)
		return CLI_DONE;
	if (!parse_number(text, min, max, &number))
		return cli_fail(CLI_USAGE, "romon: ping: %s=%s: it must be a number from %ju to %ju", key, text, (uintmax_t)min,
			(uintmax_t)max);
	call_set(parameters, key, json_integer((json_int_t)number));
	return CLI_DONE;
}

/* The call's parameters from the command line. */
static int parameters_set(const struct cli *cli, json_t *parameters)
{
	const char *id = cli_value(cli, "id"), *interval = cli_value(cli, "interval");
	double seconds;

	if (cli->word_count > 0 && id)
		return cli_fail(CLI_USAGE, "romon: ping: two routers are named, \"%s\" and \"%s\": give one", cli->words[0], id);
	if (cli->word_count > 0)
		id = cli->words[0];
	if (!id || !*id)
		return cli_fail(CLI_USAGE, "romon: ping: which router? Use: romon ping %s", cli->command->synopsis);
	if (interval && !parse_duration(interval, &seconds))
		return cli_fail(CLI_USAGE, "romon: \"%s\" is no duration: write it like 1s, 200ms or 00:00:10", interval);
	if (interval && (seconds < INTERVAL_MIN || seconds > INTERVAL_MAX))
		return cli_fail(CLI_USAGE, "romon: ping: interval=%s: it must be from 1ms to 1h", interval);
	if (interval)
		call_set(parameters, "interval", json_real(seconds));

	int status = call_set_text(parameters, "id", id);

	if (status == CLI_DONE)
		status = number_set(cli, parameters, "count", 1, UINT32_MAX);
	if (status == CLI_DONE)
		status = number_set(cli, parameters, "size", SIZE_MIN, SIZE_MAX_BYTES);
	return status;
}

int cmd_ping(const struct cli *cli)
{
	struct totals totals = {0};
	struct client *client;
	json_t *parameters = json_object();
	int status = parameters_set(cli, parameters);

	if (status != CLI_DONE) {
		json_decref(parameters);
		return status;
	}

	int interrupt = interrupt_open();

	status = call_start(cli, "Ping", parameters, MESSAGE_MORE, &client);
	if (status == CLI_DONE) {
		status = ping_follow(cli, client, interrupt, &totals);
		client_close(client);
	}
	close(interrupt);
	if (status != CLI_DONE)
		return status;
	if (cli->json) {
		totals_json(&totals);
	} else {
		titles_print(&totals);
		totals_print(&totals);
	}
	return totals.received > 0 ? CLI_DONE : CLI_NO;
}
