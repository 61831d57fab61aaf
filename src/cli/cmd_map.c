/* SPDX-License-Identifier: BSD-2-Clause
 *
 * romon map: the whole network, as a tree of the paths from here, for Graphviz, or as JSON.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/call.h"
#include "cli/cli.h"
#include "cli/output.h"
#include "cli/parse.h"
#include "cli/routers.h"
#include "cli/text.h"

#define DURATION_DEFAULT 3.0 /* seconds */

static const char *member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* ---- tree ---- */

enum column { FLAGS, ADDRESS, COST, L2MTU, IDENTITY, VERSION, BOARD };

struct tree {
	struct table *table;
	const json_t *routers;
	struct libscols_line **rows; /* of each router; NULL: not yet in the table */
	struct libscols_line *root;  /* here */
};

/* The router next to the last on the path to this one. Only one with a shorter path counts, so that whatever the daemon says
 * there is no circle. */
static bool parent_find(const struct tree *tree, const json_t *router, size_t *parent)
{
	const json_t *path = json_object_get(router, "path");
	size_t hops = json_array_size(path);

	if (hops < 2)
		return false;

	const char *id = json_string_value(json_array_get(path, hops - 2));

	for (size_t i = 0; id && i < json_array_size(tree->routers); i++) {
		const json_t *candidate = json_array_get(tree->routers, i);

		if (strcmp(member(candidate, "address"), id) == 0 && json_array_size(json_object_get(candidate, "path")) < hops) {
			*parent = i;
			return true;
		}
	}
	return false;
}

/* Puts a router into the table, those on the way to it first. As deep as the longest path: at most 255 IDs. */
static struct libscols_line *row_add(struct tree *tree, size_t index)
{
	static const char *const fields[] = {
		[ADDRESS] = "address",
		[COST] = "cost",
		[L2MTU] = "l2mtu",
		[IDENTITY] = "identity",
		[VERSION] = "version",
		[BOARD] = "board",
	};
	const json_t *router = json_array_get(tree->routers, index);
	struct libscols_line *above = tree->root;
	size_t parent;

	if (tree->rows[index])
		return tree->rows[index];
	if (json_array_size(json_object_get(router, "path")) == 0)
		above = NULL; /* no way leads there any more */
	else if (parent_find(tree, router, &parent))
		above = row_add(tree, parent);

	struct libscols_line *row = table_row(tree->table, above);

	tree->rows[index] = row;
	if (json_is_true(json_object_get(router, "active")))
		table_text(row, FLAGS, "A");
	for (size_t i = ADDRESS; i <= BOARD; i++)
		table_value(row, i, json_object_get(router, fields[i]));
	return row;
}

static void tree_print(const char *id, const json_t *routers)
{
	static const char *const titles[] = {"", "ADDRESS", "COST", "L2MTU", "IDENTITY", "VERSION", "BOARD"};
	size_t count = json_array_size(routers);
	struct tree tree = {.table = table_new(), .routers = routers, .rows = calloc(count + 1, sizeof(struct libscols_line *))};

	if (!tree.rows)
		cli_out_of_memory();
	for (size_t i = FLAGS; i <= BOARD; i++)
		table_column(tree.table, titles[i],
			i == ADDRESS              ? TABLE_TREE
			: i == COST || i == L2MTU ? TABLE_RIGHT
						  : TABLE_LEFT);
	tree.root = table_row(tree.table, NULL);
	table_text(tree.root, FLAGS, "*");
	table_text(tree.root, ADDRESS, id);
	for (size_t i = 0; i < count; i++)
		row_add(&tree, i);

	puts("Flags: * - here, A - active\nColumns: ADDRESS, COST, L2MTU, IDENTITY, VERSION, BOARD");
	table_print(tree.table, stdout);
	table_free(tree.table);
	free(tree.rows);
}

/* ---- Graphviz ---- */

/* Text inside a quoted string of DOT: made harmless first, then the escapes themselves kept from DOT. */
static void dot_text(const char *text)
{
	char *shown = text_escape(text);

	for (const char *at = shown; *at; at++) {
		if (*at == '"' || *at == '\\')
			putchar('\\');
		putchar(*at);
	}
	free(shown);
}

static void dot_node(const char *id, const char *identity, const char *style)
{
	fputs("\t\"", stdout);
	dot_text(id);
	fputs("\" [label=\"", stdout);
	if (*identity) {
		dot_text(identity);
		fputs("\\n", stdout);
	}
	dot_text(id);
	printf("\"%s]\n", style);
}

static void dot_print(const char *id, const json_t *routers, const json_t *links)
{
	puts("graph romon {\n\tnode [shape=box]");
	dot_node(id, "", ", penwidth=2");
	for (size_t i = 0; i < json_array_size(routers); i++) {
		const json_t *router = json_array_get(routers, i);

		dot_node(member(router, "address"), member(router, "identity"),
			json_is_true(json_object_get(router, "active")) ? "" : ", style=dashed");
	}
	for (size_t i = 0; i < json_array_size(links); i++) {
		const json_t *link = json_array_get(links, i);

		fputs("\t\"", stdout);
		dot_text(member(link, "a"));
		fputs("\" -- \"", stdout);
		dot_text(member(link, "b"));
		printf("\" [taillabel=\"%" JSON_INTEGER_FORMAT "\", headlabel=\"%" JSON_INTEGER_FORMAT
		       "\", label=\"L2MTU %" JSON_INTEGER_FORMAT "\"]\n",
			json_integer_value(json_object_get(link, "cost_a")), json_integer_value(json_object_get(link, "cost_b")),
			json_integer_value(json_object_get(link, "l2mtu")));
	}
	puts("}");
}

int cmd_map(const struct cli *cli)
{
	const char *text = cli_value(cli, "duration");
	double duration = DURATION_DEFAULT;
	struct message_reply reply;

	if (cli->json && cli_flag(cli, "dot"))
		return cli_fail(CLI_USAGE, "romon: map: --json and --dot exclude each other");
	if (text && !parse_duration(text, &duration))
		return cli_fail(
			CLI_USAGE, "romon: \"%s\" is no duration: write it like 10s, 1m30s or 00:00:10, up to 366d", text);

	json_t *parameters = json_object();

	call_set(parameters, "duration", json_real(duration));
	int status = call_once(cli, "Map", parameters, duration, &reply);

	if (status != CLI_DONE)
		return status;

	const json_t *routers = json_object_get(reply.parameters, "routers"), *links = json_object_get(reply.parameters, "links");

	if (cli->json) {
		json_t *document = json_object();

		call_set(document, "routers", output_pick_all(routers, ROUTERS_JSON));
		call_set(document, "links", output_pick_all(links, "a b cost-a cost-b l2mtu mac-a mac-b"));
		output_json(document);
	} else if (cli_flag(cli, "dot")) {
		dot_print(member(reply.parameters, "id"), routers, links);
	} else {
		tree_print(member(reply.parameters, "id"), routers);
	}
	message_reply_free(&reply);
	return CLI_DONE;
}
