/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The method GetStats: the counters by port, of the engine and of the program in the kernel.
 */
#include "daemon/client.h"

static json_t *drops_json(const struct romon_port_stats *stats)
{
	json_t *drops = json_object();
	int reason;

	for (reason = 0; reason < ROMON_DROP_COUNT; reason++) {
		if (stats->drops[reason] > 0)
			json_object_set_new(
				drops, romon_drop_name((enum romon_drop)reason), json_integer((json_int_t)stats->drops[reason]));
	}
	return drops;
}

static void get_stats(struct client *client, struct args *args)
{
	const struct worker *worker = client->worker;
	json_t *ports = json_array();
	struct romon_port_stats stats;
	size_t i;

	(void)args;
	for (i = 0; i < worker->members.count; i++) {
		const struct member *member = worker->members.list[i];

		if (!romon_engine_port_stats(worker->engine, member->port.link, &stats))
			continue;
		datapath_add_stats(member, &stats);
		members_add_lost(member, &stats);
		json_array_append_new(ports,
			json_pack("{ss sI sI sI sI sI so ss ss?}", "interface", member->name, "rx", (json_int_t)stats.rx, "tx",
				(json_int_t)stats.tx, "forwarded", (json_int_t)stats.forwarded, "hashed",
				(json_int_t)stats.hashed, "unhashed", (json_int_t)stats.unhashed, "drops", drops_json(&stats),
				"datapath", datapath_name(member->datapath.path), "datapath_reason", datapath_reason(member)));
	}
	client_reply(client, json_pack("{so}", "ports", ports));
}

const struct method stats_methods[] = {
	{"io.openromon.GetStats", get_stats, (const char *const[]){NULL}, false, false, false},
	{0},
};
