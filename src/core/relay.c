/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What every router does for the discovery of others (protocol.md sections 3 and 5): answer, pass on, pass answers back.
 */
#include "core/relay.h"

#include <stdlib.h>
#include <string.h>

#include "core/broken.h"
#include "core/engine.h"

/* (asker, parent, parent's out-link): one copy of a Discover, as sent by one port. */
struct answered_key {
	struct romon_mac asker, parent;
	uint32_t out_link;
};
struct answered {
	struct answered_key key;
	struct romon_time at;
};

struct asker {
	struct romon_mac id;
	uint16_t count; /* answers since */
	struct romon_time since;
};

/* One asker on one port: the copies heard there and the one sent. */
struct heard_key {
	struct romon_mac asker;
	uint8_t zero[2];
	uint32_t link;
};
struct heard {
	struct heard_key key;
	bool was_heard, was_sent;
	uint8_t hops; /* the fewest that a copy had */
	struct romon_time heard, sent;
	struct wire_hop way; /* back to the asker, of the one sent */
};
_Static_assert(sizeof(struct answered_key) == 16 && sizeof(struct heard_key) == 12, "keys without padding");

static bool recent(struct romon_time at, struct romon_time now)
{
	return now.ns - at.ns < RELAY_HOLD;
}

static bool answered_dead(const void *item, struct romon_time now)
{
	return !recent(((const struct answered *)item)->at, now);
}

static bool asker_dead(const void *item, struct romon_time now)
{
	return !recent(((const struct asker *)item)->since, now);
}

static bool heard_dead(const void *item, struct romon_time now)
{
	const struct heard *heard = item;

	return !(heard->was_heard && recent(heard->heard, now)) && !(heard->was_sent && recent(heard->sent, now));
}

void relay_init(struct relay *relay, const struct table_seed *seed)
{
	table_init(
		&relay->answered, seed, sizeof(struct answered_key), sizeof(struct answered), RELAY_ANSWERS_MAX, answered_dead);
	table_init(&relay->askers, seed, sizeof(struct romon_mac), sizeof(struct asker), RELAY_ASKERS_MAX, asker_dead);
	table_init(&relay->heard, seed, sizeof(struct heard_key), sizeof(struct heard), RELAY_HEARD_MAX, heard_dead);
}

static void pending_remove(struct relay *relay, size_t i)
{
	free(relay->pending[i].hops);
	relay->pending[i] = relay->pending[--relay->pending_count];
}

void relay_clear(struct relay *relay)
{
	while (relay->pending_count > 0)
		pending_remove(relay, relay->pending_count - 1);
	free(relay->pending);
	relay->pending = NULL;
	table_clear(&relay->answered);
	table_clear(&relay->askers);
	table_clear(&relay->heard);
}

void relay_forget_port(struct relay *relay, uint32_t link)
{
	for (size_t i = relay->pending_count; i-- > 0;)
		if (relay->pending[i].link == link)
			pending_remove(relay, i);
}

/* ---- answering ---- */

/* At most one answer to a copy, and so many for one asker and for all, within RELAY_HOLD. */
static bool may_answer(struct romon_engine *engine, struct port *port, const struct wire_message *message, struct romon_time now)
{
	struct relay *relay = &engine->relay;
	struct answered_key key = {message->src, message->routes[0].id, message->routes[0].out.link};
	struct answered *answered = table_find(&relay->answered, &key);
	struct asker *asker;

	if (answered != NULL && recent(answered->at, now)) {
		port_drop(port, ROMON_DROP_DUPLICATE);
		return false;
	}
	asker = table_put_by(&relay->askers, &message->src, engine->vouched, now);
	if (asker != NULL && !recent(asker->since, now)) {
		asker->since = now;
		asker->count = 0;
	}
	/* The table of all is asked last: an asker over its limit must not fill it. */
	if (asker == NULL || asker->count >= RELAY_ANSWERS_PER_ASKER ||
		(answered = table_put_by(&relay->answered, &key, engine->vouched, now)) == NULL) {
		port_drop(port, ROMON_DROP_ANSWER_LIMIT);
		return false;
	}
	answered->at = now;
	asker->count++;
	return true;
}

static struct wire_about about_self(const struct self *self, struct romon_time now)
{
	struct wire_about about = {.identity = (const uint8_t *)self->identity,
		.identity_len = (uint8_t)strlen(self->identity),
		.board = (const uint8_t *)self->board,
		.board_len = (uint8_t)strlen(self->board),
		.has_version = true,
		.has_uptime = self->send_uptime,
		.uptime = (uint32_t)((now.ns - self->started.ns) / ROMON_SECOND)};

	memcpy(about.version, self->version, sizeof(about.version));
	return about;
}

/* The question's header with the destination filled in, and the way back as it was recorded [C]. */
static void answer(struct romon_engine *engine, struct port *port, const struct wire_message *question, struct romon_time now)
{
	uint8_t n = question->hop_count;
	struct wire_message message = {.eth_dst = question->eth_src,
		.type = WIRE_DISCOVER_RESP,
		.src = question->src,
		.dst = engine->self.id,
		.hop_count = n,
		.hop_pointer = engine->relay.second_reading ? 0 : n,
		.route_count = 2,
		.about = about_self(&engine->self, now)};

	for (unsigned i = 0; i < n; i++)
		message.hops[i] = question->hops[engine->relay.second_reading ? n - 1u - i : i];
	message.routes[0] = question->routes[0];
	message.routes[1] = (struct wire_route){.id = engine->self.id, .in = port_end(port)};
	if (engine_may_answer(engine, &engine->discovery_answers, port, wire_encoded_length(&message)))
		port_send(engine, port, &message);
}

/* ---- passing on ---- */

/* What the longest answer adds to the Discover that it answers: a route, two texts, version, uptime. */
#define ANSWER_ROOM (2 + WIRE_ROUTE_LEN + 2 * (2 + ROMON_TEXT_MAX) + 6 + 6)

/* Would a Discover with this many hops, and any answer to it, fit this port? */
static bool list_fits(const struct port *port, unsigned hops)
{
	return hops <= ROMON_HOPS_MAX && WIRE_HOPS_AT + hops * WIRE_HOP_LEN + 2 + WIRE_ROUTE_LEN + ANSWER_ROOM <= port->conf.mtu;
}

static bool under_limit(struct port *port, bool vouched, struct romon_time now)
{
	unsigned limit = vouched ? TABLE_FOR_VOUCHED(RELAY_PER_SECOND) : RELAY_PER_SECOND;

	if (port->relay.count == 0 || now.ns - port->relay.since.ns >= ROMON_SECOND) {
		port->relay.since = now;
		port->relay.count = 0;
	}
	if (port->relay.count >= limit)
		return false;
	port->relay.count++;
	return true;
}

static struct heard *heard_put(struct romon_engine *engine, struct romon_mac asker, uint32_t link, struct romon_time now)
{
	struct heard_key key = {.asker = asker, .link = link};

	return table_put_by(&engine->relay.heard, &key, engine->vouched, now);
}

/* A copy with this many hops was heard on the port: remember it, and withdraw one with no fewer that waits to leave there. */
static bool note_heard(struct romon_engine *engine, const struct wire_message *message, uint32_t link, struct romon_time now)
{
	struct heard *heard = heard_put(engine, message->src, link, now);
	struct relay *relay = &engine->relay;

	for (size_t i = relay->pending_count; i-- > 0;) {
		const struct relay_pending *pending = &relay->pending[i];

		if (pending->link == link && romon_mac_equal(pending->asker, message->src) &&
			pending->hop_count >= message->hop_count)
			pending_remove(relay, i);
	}
	if (heard == NULL)
		return false;
	if (!heard->was_heard || !recent(heard->heard, now) || message->hop_count <= heard->hops) {
		heard->was_heard = true;
		heard->hops = message->hop_count;
		heard->heard = now;
	}
	return true;
}

static void send_pending(struct romon_engine *engine, struct port *port, const struct relay_pending *pending)
{
	struct wire_message message = {.eth_dst = romon_mac_group,
		.type = WIRE_DISCOVER,
		.src = pending->asker,
		.dst = romon_mac_broadcast,
		.hop_count = pending->hop_count,
		.hop_pointer = pending->hop_count,
		.route_count = 1};

	memcpy(message.hops, pending->hops, pending->hop_count * sizeof(*pending->hops));
	message.routes[0] = (struct wire_route){.id = engine->self.id, .in = pending->in, .out = port_end(port)};
	port->relay.spoke = true;
	port->relay.spoke_at = engine->now;
	port_send(engine, port, &message);
}

/* Was a Discover sent there so lately that whoever is there has answered it, and is a known neighbour still? On a segment where others
 * speak, only those who do are known. */
static bool knows_all(const struct port *port, struct romon_time now)
{
	return (port->discover.asked && now.ns - port->discover.at.ns < NEIGHBOR_LIFETIME) ||
	       (port->relay.spoke && now.ns - port->relay.spoke_at.ns < NEIGHBOR_LIFETIME);
}

/* How long a Discover waits before it leaves by the port: on a segment of several neighbours, one of them may be first. */
static int64_t wait_of(const struct romon_engine *engine, const struct port *port, struct romon_time now)
{
	size_t neighbors = neighbors_count(&engine->neighbors, port->conf.link, now);

	if (neighbors == 1 && knows_all(port, now))
		return 0;
	return (int64_t)(engine_random(engine) % (uint64_t)((neighbors < 2 ? RELAY_WAIT_FEW : RELAY_WAIT_MANY) + 1));
}

/* The copy to pass on: one hop more than it came with. False without memory. */
static bool pending_make(
	struct relay_pending *pending, const struct port *in, const struct port *out, const struct wire_message *message)
{
	uint8_t n = message->hop_count;

	*pending = (struct relay_pending){
		.asker = message->src, .link = out->conf.link, .in = port_end(in), .hop_count = (uint8_t)(n + 1)};
	pending->hops = malloc(pending->hop_count * sizeof(*pending->hops));
	if (pending->hops == NULL)
		return false;
	memcpy(pending->hops, message->hops, n * sizeof(*pending->hops));
	pending->hops[n] = (struct wire_hop){.link = in->conf.link, .mac = message->eth_src};
	return true;
}

static bool pending_add(struct relay *relay, const struct relay_pending *pending)
{
	if (relay->pending == NULL)
		relay->pending = calloc(RELAY_PENDING_MAX, sizeof(*relay->pending));
	if (relay->pending == NULL || relay->pending_count == RELAY_PENDING_MAX)
		return false;
	relay->pending[relay->pending_count++] = *pending;
	return true;
}

static void pass_on_by(
	struct romon_engine *engine, struct port *in, struct port *out, const struct wire_message *message, struct romon_time now)
{
	struct heard *heard = heard_put(engine, message->src, out->conf.link, now);
	struct relay_pending pending;
	int64_t wait;

	if (heard == NULL) {
		port_drop(in, ROMON_DROP_TABLE_FULL);
		return;
	}
	if (((heard->was_sent && recent(heard->sent, now)) ||
		    (heard->was_heard && recent(heard->heard, now) && heard->hops <= message->hop_count + 1)) &&
		!BROKEN(BOUND))
		return;
	if (!under_limit(out, engine->vouched, now)) {
		port_drop(in, ROMON_DROP_RELAY_LIMIT);
		return;
	}
	heard->was_sent = true;
	heard->sent = now;
	heard->way = (struct wire_hop){.link = in->conf.link, .mac = message->eth_src};
	if (!pending_make(&pending, in, out, message))
		return;
	wait = wait_of(engine, out, now);
	pending.due = (struct romon_time){now.ns + wait};
	if (wait > 0 && pending_add(&engine->relay, &pending))
		return;
	send_pending(engine, out, &pending);
	free(pending.hops);
}

/* By every other port, unless the list says that it has been here. */
static void pass_on(struct romon_engine *engine, struct port *in, const struct wire_message *message, struct romon_time now)
{
	unsigned hops = message->hop_count + 1u;

	for (unsigned i = 0; i < message->hop_count; i++)
		if (engine_port_by_mac(engine, message->hops[i].mac) != NULL)
			return;
	for (size_t i = 0; i < engine->port_count; i++) {
		struct port *out = &engine->ports[i];

		if (out == in || out->conf.no_carrier)
			continue;
		if (list_fits(in, hops) && list_fits(out, hops))
			pass_on_by(engine, in, out, message, now);
		else
			port_drop(out, ROMON_DROP_TOO_BIG);
	}
}

void relay_discover(struct romon_engine *engine, struct port *port, const struct wire_message *message, struct romon_time now)
{
	if (!note_heard(engine, message, port->conf.link, now)) {
		port_drop(port, ROMON_DROP_TABLE_FULL);
		return;
	}
	if (romon_mac_equal(message->routes[0].id, engine->self.id)) { /* our own copy, heard by another port on that segment */
		port_drop(port, ROMON_DROP_DUPLICATE);
		return;
	}
	if (!may_answer(engine, port, message, now))
		return;
	answer(engine, port, message, now);
	pass_on(engine, port, message, now);
}

void relay_run(struct romon_engine *engine, struct romon_time now)
{
	struct relay *relay = &engine->relay;

	for (size_t i = relay->pending_count; i-- > 0;) {
		if (relay->pending[i].due.ns > now.ns)
			continue;
		send_pending(engine, engine_port(engine, relay->pending[i].link), &relay->pending[i]);
		pending_remove(relay, i);
	}
}

void relay_wake(const struct romon_engine *engine, bool *set, struct romon_time *when)
{
	for (size_t i = 0; i < engine->relay.pending_count; i++)
		wake_at(set, when, engine->relay.pending[i].due);
}

/* ---- passing answers back ---- */

/* Where an answer goes next. */
struct way {
	uint8_t hop;     /* leave over this entry of the list */
	uint8_t pointer; /* with this pointer */
};

/* First reading: the list is nearest to the asker first, p counts down from n [C for n = 0, I beyond]. */
static bool first_reading(
	const struct romon_engine *engine, const struct port *port, const struct wire_message *m, struct way *way)
{
	uint8_t n = m->hop_count, p = m->hop_pointer;

	if (p == 0)
		return false; /* at the asker, and that is not us */
	if (p == n ? !romon_mac_equal(m->routes[0].id, engine->self.id) : !romon_mac_equal(m->hops[p].mac, port->conf.mac))
		return false;
	*way = (struct way){.hop = (uint8_t)(p - 1), .pointer = (uint8_t)(p - 1)};
	return true;
}

/* Second reading: the list is reversed, p counts up from 0. */
static bool second_reading(
	const struct romon_engine *engine, const struct port *port, const struct wire_message *m, struct way *way)
{
	uint8_t n = m->hop_count, p = m->hop_pointer;

	if (p == n)
		return false;
	if (p == 0 ? !romon_mac_equal(m->routes[0].id, engine->self.id) : !romon_mac_equal(m->hops[p - 1].mac, port->conf.mac))
		return false;
	*way = (struct way){.hop = p, .pointer = (uint8_t)(p + 1)};
	return true;
}

/* This asker's Discover, if it was passed on by the port so lately that an answer may come back there; else NULL. */
static const struct heard *passed_on(const struct romon_engine *engine, struct romon_mac asker, uint32_t link)
{
	struct heard_key key = {.asker = asker, .link = link};
	const struct heard *heard = table_find(&engine->relay.heard, &key);

	return heard != NULL && heard->was_sent && engine->now.ns - heard->sent.ns <= DISCOVER_ANSWER_TIME ? heard : NULL;
}

/* An answer to the group (unicast=no) is also heard by routers that it is not for, and may fit one of them in the reading that is not
 * meant: where hops lead to and fro over one segment it would multiply. So it goes the way that the question came. */
static bool meant_for_us(
	const struct romon_engine *engine, const struct port *port, const struct wire_message *message, const struct way *way)
{
	const struct wire_hop *hop = &message->hops[way->hop];
	const struct heard *question;

	if (!romon_mac_equal(message->eth_dst, romon_mac_group))
		return true;
	question = passed_on(engine, message->src, port->conf.link);
	return question != NULL && question->way.link == hop->link && romon_mac_equal(question->way.mac, hop->mac);
}

void relay_answer(struct romon_engine *engine, struct port *port, const uint8_t *frame, const struct wire_message *message)
{
	const struct wire_hop *hop;
	struct way way;
	struct port *out;
	uint8_t *copy;
	bool second = false;

	if (!first_reading(engine, port, message, &way) || !meant_for_us(engine, port, message, &way)) {
		second = second_reading(engine, port, message, &way) && meant_for_us(engine, port, message, &way);
		if (!second) {
			port_drop(port, ROMON_DROP_BAD_HOPS);
			return;
		}
	}
	hop = &message->hops[way.hop];
	out = engine_port(engine, hop->link);
	if (out == NULL) {
		port_drop(port, ROMON_DROP_NO_PORT);
		return;
	}
	/* It came by the port that the question left by, and leads on to another router: where both readings fit one frame, it would run
	 * between two of our ports for ever. */
	if (!romon_id_valid(hop->mac) || out == port || engine_port_by_mac(engine, hop->mac) != NULL) {
		port_drop(port, ROMON_DROP_BAD_HOPS);
		return;
	}
	/* One crafted frame must not be enough to change how we speak: it has to be an answer to something. */
	if (BROKEN(ANSWER))
		answer(engine, port, message, engine->now);
	engine->relay.second_reading |= second && passed_on(engine, message->src, port->conf.link) != NULL;
	copy = port_pass_on(engine, out, frame, hop->mac);
	if (copy != NULL)
		wire_set_pointer(copy, way.pointer);
}
