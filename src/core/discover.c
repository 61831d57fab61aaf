/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The asker: one round of Discovers a second while somebody wants them, fewer in a large network (protocol.md section 5).
 */
#include "core/discover.h"

#include <string.h>

#include "core/broken.h"
#include "core/engine.h"
#include "core/text.h"

#define PAUSE (TOPOLOGY_STALE_ROUNDS * DISCOVER_INTERVAL) /* after this long without a round, nothing known counts as active */
#define WARN_INTERVAL (60 * ROMON_SECOND)

/* [C] n = p = 0, one route TLV: ourselves, no in-link, the port as out-link. */
static void ask(struct romon_engine *engine, struct port *port, struct romon_time now)
{
	struct wire_message message = {.eth_dst = romon_mac_group,
		.type = WIRE_DISCOVER,
		.src = engine->self.id,
		.dst = romon_mac_broadcast,
		.route_count = 1};

	port->discover = (struct discover_port){.asked = true, .at = now};
	message.routes[0] = (struct wire_route){.id = engine->self.id, .out = port_end(port)};
	port_send(engine, port, &message);
}

/* When the port may ask next: never twice within 1 s, and not before its neighbours had time to believe what it signs. */
static struct romon_time may_ask(const struct port *port)
{
	struct romon_time settled = auth_settled(port), next = {port->discover.at.ns + DISCOVER_INTERVAL};

	return port->discover.asked && next.ns > settled.ns ? next : settled;
}

static bool waits(const struct port *port)
{
	return port->discover.wanted && !port->conf.no_carrier;
}

static struct romon_time next_round(const struct discover *discover)
{
	return (struct romon_time){discover->round.ns + discover->interval};
}

/* In a large network a round costs so much that one who only watches it should not begin one each second. */
static void begin_round(struct discover *discover, struct romon_time now)
{
	int64_t interval = discover->answers * (ROMON_SECOND / DISCOVER_ANSWERS_PER_SECOND);

	if (discover->eager > 0)
		discover->eager--;
	if (discover->eager > 0 || interval < DISCOVER_INTERVAL)
		interval = DISCOVER_INTERVAL;
	discover->interval = interval < DISCOVER_INTERVAL_MAX ? interval : DISCOVER_INTERVAL_MAX;
	discover->answers = 0;
	discover->ever = true;
	discover->round = now;
}

void discover_run(struct romon_engine *engine, struct romon_time now)
{
	struct discover *discover = &engine->discover;

	if (discover->users == 0 && !(BROKEN(SILENCE) && discover->ever))
		return;
	if (!discover->ever || now.ns >= next_round(discover).ns) {
		begin_round(discover, now);
		topology_round(&engine->topology, 1);
		for (size_t i = 0; i < engine->port_count; i++)
			engine->ports[i].discover.wanted = true;
	}
	for (size_t i = 0; i < engine->port_count; i++)
		if (waits(&engine->ports[i]) && now.ns >= may_ask(&engine->ports[i]).ns)
			ask(engine, &engine->ports[i], now);
}

void discover_start(struct romon_engine *engine, struct romon_time now)
{
	struct discover *discover = &engine->discover;

	if (discover->users == 0 && discover->ever && now.ns - discover->round.ns > PAUSE)
		topology_round(&engine->topology, TOPOLOGY_STALE_ROUNDS);
	discover->users++;
	discover->eager = DISCOVER_EAGER_ROUNDS; /* somebody looks for something new */
	discover->interval = DISCOVER_INTERVAL;
	discover_run(engine, now);
}

void discover_stop(struct romon_engine *engine)
{
	if (engine->discover.users > 0)
		engine->discover.users--;
}

void discover_port_ready(struct port *port)
{
	port->discover.wanted = true;
}

void discover_wake(const struct romon_engine *engine, bool *set, struct romon_time *when)
{
	if (engine->discover.users == 0 && !(BROKEN(SILENCE) && engine->discover.ever))
		return;
	wake_at(set, when, engine->discover.ever ? next_round(&engine->discover) : engine->now);
	for (size_t i = 0; i < engine->port_count; i++)
		if (waits(&engine->ports[i]))
			wake_at(set, when, may_ask(&engine->ports[i]));
}

static void warn_duplicate(struct romon_engine *engine, const struct port *port, struct romon_mac mac, struct romon_time now)
{
	struct discover *discover = &engine->discover;
	struct line line = {.len = 0};

	if (discover->stranger && now.ns - discover->warned.ns < WARN_INTERVAL)
		return;
	discover->stranger = true;
	discover->warned = now;
	line_add(&line, "another router uses our RoMON ID ");
	line_add_mac(&line, engine->self.id);
	line_add(&line, ": its Discover came from MAC ");
	line_add_mac(&line, mac);
	line_add(&line, " (port ");
	line_add_number(&line, port->conf.link);
	line_add(&line, "); give one of the two another id");
	engine_log(engine, ROMON_LOG_WARNING, line.text);
}

/* A copy of our own that came round names a port of ours as the first one it was sent from; hops stand nearest to the asker first. */
void discover_own(struct romon_engine *engine, struct port *port, const struct wire_message *message, struct romon_time now)
{
	struct romon_mac first = message->hop_count > 0 ? message->hops[0].mac : message->eth_src;
	bool ours = engine_port_by_mac(engine, first) != NULL;

	for (unsigned i = 0; i < message->hop_count && !ours; i++)
		ours = engine_port_by_mac(engine, message->hops[i].mac) != NULL;
	if (!ours)
		warn_duplicate(engine, port, first, now);
	port_drop(port, ROMON_DROP_DUPLICATE);
}

/* Does the answer come the way that its hop list says, in one of the two readings of protocol.md section 3? */
static bool came_home(struct romon_engine *engine, const struct port *port, const struct wire_message *message)
{
	uint8_t n = message->hop_count;

	if (n == 0)
		return true;
	if (message->hop_pointer == 0 && romon_mac_equal(message->hops[0].mac, port->conf.mac))
		return true;
	if (message->hop_pointer == n && romon_mac_equal(message->hops[n - 1].mac, port->conf.mac)) {
		engine->relay.second_reading = true;
		return true;
	}
	return false;
}

/* Could the two routes of an answer be an edge of this network? */
static bool plausible(const struct romon_engine *engine, const struct port *port, const struct wire_message *message)
{
	const struct wire_route *parent = &message->routes[0], *child = &message->routes[1];
	bool direct = romon_mac_equal(parent->id, engine->self.id);

	return romon_mac_equal(child->id, message->dst) && !romon_mac_equal(child->id, engine->self.id) &&
	       !romon_mac_equal(child->id, parent->id) && parent->out.link != 0 && child->in.link != 0 &&
	       romon_id_valid(child->in.mac) && romon_id_valid(parent->out.mac) && direct == (message->hop_count == 0) &&
	       (!direct || parent->out.link == port->conf.link);
}

void discover_answer(struct romon_engine *engine, struct port *port, const struct wire_message *message, struct romon_time now)
{
	struct topology_report report = {.parent = message->routes[0].id,
		.child = message->routes[1].id,
		.parent_end =
			message->hop_count == 0 ? port_end(port) : message->routes[0].out, /* of our own port we know better */
		.child_end = message->routes[1].in,
		.about = &message->about,
		.vouched = engine->vouched};

	if (!port->discover.asked || now.ns - port->discover.at.ns > DISCOVER_ANSWER_TIME) {
		port_drop(port, ROMON_DROP_NOT_ASKED);
	} else if (!plausible(engine, port, message)) {
		port_drop(port, ROMON_DROP_BAD_TLV);
	} else if (!came_home(engine, port, message)) {
		port_drop(port, ROMON_DROP_BAD_HOPS);
	} else {
		engine->discover.answers++;
		if (!topology_report(&engine->topology, &report, now))
			port_drop(port, ROMON_DROP_TABLE_FULL);
	}
}
