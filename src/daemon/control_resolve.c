/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The method Resolve: which router an identity means, for clients that have to know before they connect.
 */
#include "daemon/resolve.h"

#include <stdlib.h>

static void resolve_end(struct client *client)
{
	struct resolve *resolve = client->state;

	resolve_stop(resolve);
	free(resolve);
}

static const struct job resolve_job = {.end = resolve_end};

static void resolve_found(struct client *client, struct romon_mac id)
{
	char text[ROMON_MAC_TEXT];

	client_reply(client, json_pack("{ss}", "id", romon_mac_text(id, text)));
}

static void resolve_call(struct client *client, struct args *args)
{
	const char *id = args_text(args, "id");
	struct resolve *resolve;

	if (!client_args_ok(client, args))
		return;
	resolve = calloc(1, sizeof(*resolve));
	if (resolve == NULL) {
		client_fail(client, "Failed", "reason", "no memory");
		return;
	}
	client->job = &resolve_job;
	client->state = resolve;
	resolve_start(resolve, client, id, resolve_found);
}

const struct method resolve_methods[] = {
	{"io.openromon.Resolve", resolve_call, (const char *const[]){"id", NULL}, false, true, false},
	{0},
};
