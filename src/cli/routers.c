/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The table of routers, as RouterOS prints it.
 */
#include "cli/routers.h"

#include "cli/output.h"

enum column { FLAGS, ADDRESS, COST, HOPS, PATH, L2MTU, IDENTITY, VERSION, BOARD };

static struct table *routers_table(void)
{
	struct table *table = table_new();

	table_column(table, "", TABLE_LEFT);
	table_column(table, "ADDRESS", TABLE_LEFT);
	table_column(table, "COST", TABLE_RIGHT);
	table_column(table, "HOPS", TABLE_RIGHT);
	table_column(table, "PATH", TABLE_LEFT);
	table_column(table, "L2MTU", TABLE_RIGHT);
	table_column(table, "IDENTITY", TABLE_LEFT);
	table_column(table, "VERSION", TABLE_LEFT);
	table_column(table, "BOARD", TABLE_LEFT);
	return table;
}

static void router_add(struct table *table, const json_t *router)
{
	static const char *const fields[] = {
		[ADDRESS] = "address",
		[COST] = "cost",
		[HOPS] = "hops",
		[L2MTU] = "l2mtu",
		[IDENTITY] = "identity",
		[VERSION] = "version",
		[BOARD] = "board",
	};
	const json_t *path = json_object_get(router, "path");
	struct libscols_line *row = table_row(table, NULL);

	if (json_is_true(json_object_get(router, "active")))
		table_text(row, FLAGS, "A");
	for (size_t i = ADDRESS; i <= BOARD; i++) {
		if (i != PATH)
			table_value(row, i, json_object_get(router, fields[i]));
	}
	table_value(row, PATH, json_array_get(path, 0));
	for (size_t i = 1; i < json_array_size(path); i++) /* further IDs stand on lines of their own */
		table_value(table_row(table, NULL), PATH, json_array_get(path, i));
}

size_t routers_print(const json_t *routers, size_t lines, FILE *out)
{
	struct table *table = routers_table();
	size_t count = json_array_size(routers), used = 0, shown = 0;

	for (; shown < count; shown++) {
		const json_t *router = json_array_get(routers, shown);
		size_t height = json_array_size(json_object_get(router, "path"));

		used += height > 0 ? height : 1;
		if (lines > 0 && used > lines)
			break;
		router_add(table, router);
	}
	fputs("Flags: A - active\nColumns: ADDRESS, COST, HOPS, PATH, L2MTU, IDENTITY, VERSION, BOARD\n", out);
	table_print(table, out);
	table_free(table);
	return count - shown;
}
