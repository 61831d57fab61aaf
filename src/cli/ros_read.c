/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Reading RouterOS's tables. The columns of numbers and MACs are told by what they look like, in the order that all versions have; those of
 * text by where their titles stand, and, if a name with wide characters has moved them, by the two blanks between columns.
 */
#include "cli/ros_read.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli/cli.h"
#include "cli/parse.h"
#include "cli/proxy.h"

#define BLANKS " \t"
#define ROWS_MAX 4096
#define HOPS_MAX 255
#define FLAGS_MAX 4
#define DIGITS "0123456789"

/* ---- words ---- */

/* Takes out what a terminal would not show: escape sequences, and control characters but the tab. */
static void line_clean(char *line)
{
	char *out = line;

	for (const char *in = line; *in; in++) {
		if (*in == '\x1b' && in[1] == '[') {
			in += 2 + strspn(in + 2, DIGITS ";?");
			if (!*in)
				break;
		} else if (*in == '\x1b' && in[1]) {
			in++;
		} else if (!iscntrl((unsigned char)*in) || *in == '\t') {
			*out++ = *in;
		}
	}
	*out = '\0';
}

/* The next word at *text, and its length; *text is moved behind it. NULL at the end. */
static const char *word_next(const char **text, size_t *length)
{
	const char *word = *text + strspn(*text, BLANKS);

	*length = strcspn(word, BLANKS);
	*text = word + *length;
	return *length > 0 ? word : NULL;
}

static bool word_id(const char *word, size_t length, char id[PROXY_ID_MAX])
{
	char copy[PROXY_ID_MAX];

	if (!word || length != PROXY_ID_MAX - 1)
		return false;
	memcpy(copy, word, length);
	copy[length] = '\0';
	return proxy_id_read(copy, id);
}

static bool word_number(const char *word, size_t length, json_int_t *number)
{
	char copy[16];
	uint64_t value;

	if (!word || length >= sizeof(copy))
		return false;
	memcpy(copy, word, length);
	copy[length] = '\0';
	if (!parse_number(copy, 0, UINT32_MAX, &value))
		return false;
	*number = (json_int_t)value;
	return true;
}

static bool id_next(const char **text, char id[PROXY_ID_MAX])
{
	size_t length;
	const char *word = word_next(text, &length);

	return word_id(word, length, id);
}

static bool number_next(const char **text, json_int_t *number)
{
	size_t length;
	const char *word = word_next(text, &length);

	return word_number(word, length, number);
}

/* "1ms", "1ms250us", "0ms". */
static bool word_time(const char *word, size_t length, double *seconds)
{
	char copy[32];

	if (length >= sizeof(copy) || length == 0 || strspn(word, DIGITS) == 0)
		return false;
	memcpy(copy, word, length);
	copy[length] = '\0';
	if (strspn(copy, DIGITS) == length)
		return false; /* without a unit it is something else */
	if (parse_duration(copy, seconds))
		return true;
	*seconds = 0;
	return strspn(copy, "0umsh") == length;
}

/* Text of a stranger's as JSON takes it: what is no UTF-8 becomes question marks. Null for nothing. */
static json_t *text_json(const char *text, size_t length)
{
	while (length > 0 && strchr(BLANKS, text[length - 1]))
		length--;
	while (length > 0 && strchr(BLANKS, *text)) {
		text++;
		length--;
	}
	if (length == 0)
		return json_null();

	json_t *value = json_stringn(text, length);
	char *copy;

	if (value)
		return value;
	if (!(copy = strndup(text, length)))
		cli_out_of_memory();
	for (char *c = copy; *c; c++)
		*c = (unsigned char)*c < 0x80 ? *c : '?';
	value = json_string(copy);
	free(copy);
	return value;
}

/* Is this what a person would have typed, and RouterOS shows again? */
static bool line_echo(const char *line)
{
	return *line == '[' && strstr(line, "] >");
}

static void said_keep(char said[ROS_SAID_MAX + 1], const char *line)
{
	line += strspn(line, BLANKS);
	if (!*said && !line_echo(line))
		snprintf(said, ROS_SAID_MAX + 1, "%s", line);
}

/* ---- discover ---- */

void ros_table_free(struct ros_table *table)
{
	json_decref(table->rows);
	json_decref(table->whole);
}

/* A title may be cut to the width of its column. */
static bool title_is(const char *word, size_t length, const char *title)
{
	return length <= strlen(title) && strncasecmp(word, title, length) == 0;
}

static bool titles_read(const char *line, struct ros_titles *titles)
{
	const char *text = line, *word;
	size_t length;

	word = word_next(&text, &length);
	if (!word || length < 2 || !title_is(word, length, "ADDRESS"))
		return false;
	*titles = (struct ros_titles){true, SIZE_MAX, SIZE_MAX, SIZE_MAX};
	while ((word = word_next(&text, &length))) {
		size_t place = (size_t)(word - line);

		if (title_is(word, length, "IDENTITY"))
			titles->identity = place;
		else if (title_is(word, length, "VERSION"))
			titles->version = place;
		else if (title_is(word, length, "BOARD"))
			titles->board = place;
	}
	return true;
}

static bool table_heading(const char *line)
{
	return strncmp(line, "Flags:", 6) == 0 || strncmp(line, "Columns:", 8) == 0;
}

/* A table begins: that before it is whole. True if there was one. */
static bool table_begin(struct ros_table *table)
{
	bool whole = table->rows != NULL;

	if (whole) {
		json_decref(table->whole);
		table->whole = table->rows;
	}
	table->rows = json_array();
	return whole;
}

/* Does a column begin there: is a blank before it, and none in it? */
static bool column_fits(const char *line, size_t place)
{
	size_t length = strlen(line);

	return place == SIZE_MAX || place >= length || (place > 0 && line[place - 1] == ' ');
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* The text of the column that begins at place, up to where one of the others does. */
static json_t *column_json(const char *line, size_t place, const struct ros_titles *titles)
{
	size_t end = strlen(line);
	const size_t others[] = {titles->identity, titles->version, titles->board};

	if (place >= end)
		return json_null();
	for (size_t i = 0; i < 3; i++) {
		if (others[i] > place)
			end = smaller(end, others[i]);
	}
	return text_json(line + place, end - place);
}

/* The next of the columns that have two blanks between them; null if there are no more. */
static json_t *field_json(const char **text)
{
	const char *field = *text + strspn(*text, BLANKS), *end = strstr(field, "  ");
	size_t length = end ? (size_t)(end - field) : strlen(field);

	*text = field + length;
	return text_json(field, length);
}

/* Identity, version and board, which are behind the numbers; rest is where those end. */
static void texts_read(const struct ros_titles *titles, const char *line, const char *rest, json_t *router)
{
	bool placed = column_fits(line, titles->identity) && column_fits(line, titles->version) &&
		      column_fits(line, titles->board) &&
		      smaller(titles->identity, smaller(titles->version, titles->board)) >= (size_t)(rest - line);
	const struct {
		const char *key;
		size_t place;
	} columns[] = {{"identity", titles->identity}, {"version", titles->version}, {"board", titles->board}};

	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		json_t *value = columns[i].place == SIZE_MAX ? json_null()
				: placed                     ? column_json(line, columns[i].place, titles)
							     : field_json(&rest);

		json_object_set_new(router, columns[i].key, value);
	}
}

/* "A  6C:3B:6B:48:0E:8B  200  1  6C:3B:6B:48:0E:8B  1500  ...": a new reference, or NULL. */
static json_t *row_read(const struct ros_titles *titles, const char *line)
{
	char address[PROXY_ID_MAX], hop[PROXY_ID_MAX];
	const char *text = line, *word;
	json_int_t cost, hops, l2mtu;
	bool active = false;
	size_t length;

	word = word_next(&text, &length);
	if (word && length <= FLAGS_MAX && isalpha((unsigned char)*word)) {
		active = memchr(word, 'A', length) != NULL;
		word = word_next(&text, &length);
	}
	if (!word_id(word, length, address))
		return NULL;
	if (!number_next(&text, &cost) || !number_next(&text, &hops) || !id_next(&text, hop) || !number_next(&text, &l2mtu))
		return NULL;

	json_t *router = json_pack("{ss sb sI sI s[s] sI sn sn}", "address", address, "active", active, "cost", cost, "hops",
		hops, "path", hop, "l2mtu", l2mtu, "uptime", "last_seen");

	if (!router)
		cli_out_of_memory();
	texts_read(titles, line, text, router);
	return router;
}

/* Further IDs of a long path stand below it, each on a line of its own. */
static bool hop_read(const char *line, json_t *rows)
{
	const char *text = line, *word;
	char hop[PROXY_ID_MAX];
	size_t length;

	word = word_next(&text, &length);
	if (!word_id(word, length, hop) || word_next(&text, &length) || json_array_size(rows) == 0)
		return false;

	json_t *path = json_object_get(json_array_get(rows, json_array_size(rows) - 1), "path");

	if (json_array_size(path) < HOPS_MAX)
		json_array_append_new(path, json_string(hop));
	return true;
}

bool ros_table_line(struct ros_table *table, char *line)
{
	struct ros_titles titles;
	json_t *router;

	line_clean(line);
	if (line[strspn(line, BLANKS)] == '\0' || table_heading(line))
		return false;
	if (titles_read(line, &titles)) {
		table->titles = titles;
		return table_begin(table);
	}
	if (table->titles.read && hop_read(line, table->rows))
		return false;
	router = table->titles.read ? row_read(&table->titles, line) : NULL;
	if (!router)
		said_keep(table->said, line);
	else if (json_array_size(table->rows) < ROWS_MAX)
		json_array_append_new(table->rows, router);
	else
		json_decref(router);
	return false;
}

/* ---- ping ---- */

/* "sent=5 received=5 packet-loss=0% ...": the counts are what RouterOS says, the times those that were seen. */
static bool summary_read(struct ros_ping *ping, const char *line)
{
	const char *sent = strstr(line, "sent="), *received = strstr(line, "received=");
	json_int_t counts[2];

	if (!sent || !received)
		return false;
	sent += strlen("sent=");
	received += strlen("received=");
	if (!word_number(sent, strspn(sent, DIGITS), &counts[0]) || !word_number(received, strspn(received, DIGITS), &counts[1]))
		return false;
	ping->sent = counts[0];
	ping->received = counts[1];
	return true;
}

static void ping_count(struct ros_ping *ping, bool ok, double seconds)
{
	ping->sent++;
	if (!ok)
		return;
	ping->min = ping->timed == 0 || seconds < ping->min ? seconds : ping->min;
	ping->max = ping->timed == 0 || seconds > ping->max ? seconds : ping->max;
	ping->sum += seconds;
	ping->timed++;
	ping->received++;
}

json_t *ros_ping_line(struct ros_ping *ping, char *line, const char *host, json_int_t size)
{
	const char *text = line, *word, *status = NULL;
	char from[PROXY_ID_MAX];
	double seconds = 0;
	json_int_t seq;
	size_t length;
	bool ok = false;

	line_clean(line);
	if (line[strspn(line, BLANKS)] == '\0' || (!line_echo(line) && summary_read(ping, line)))
		return NULL;
	word = word_next(&text, &length);
	if (length == 3 && strncasecmp(word, "SEQ", 3) == 0) {
		ping->titled = true;
		return NULL;
	}
	if (!ping->titled || !word_number(word, length, &seq)) {
		said_keep(ping->said, line);
		return NULL;
	}
	while ((word = word_next(&text, &length)) && !ok && !status) {
		if (word_id(word, length, from))
			host = from;
		else if (word_time(word, length, &seconds))
			ok = true;
		else if (isalpha((unsigned char)*word))
			status = word;
	}
	ping_count(ping, ok, seconds);
	return json_pack("{sI ss so so so}", "seq", seq, "host", host, "time", ok ? json_real(seconds) : json_null(), "size",
		size > 0 ? json_integer(size) : json_null(), "status",
		ok       ? json_string("ok")
		: status ? text_json(status, strlen(status))
			 : json_string("timeout"));
}

json_t *ros_ping_summary(const struct ros_ping *ping)
{
	bool any = ping->timed > 0;
	json_int_t lost = ping->sent > ping->received ? ping->sent - ping->received : 0;

	return json_pack("{sI sI sI so so so}", "sent", ping->sent, "received", ping->received, "packet_loss",
		ping->sent > 0 ? lost * 100 / ping->sent : 0, "min_rtt", any ? json_real(ping->min) : json_null(), "avg_rtt",
		any ? json_real(ping->sum / (double)ping->timed) : json_null(), "max_rtt",
		any ? json_real(ping->max) : json_null());
}
