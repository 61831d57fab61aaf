/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Ping, both ends (protocol.md section 6).
 */
#include "core/ping.h"

#include <stdlib.h>
#include <string.h>

#include "core/broken.h"
#include "core/engine.h"
#include "core/forward.h"

enum slot_state { SLOT_FREE, SLOT_NO_PATH, SLOT_SENT };

/* One request whose fate is open. */
struct slot {
	uint32_t seq;
	enum slot_state state;
	struct romon_time since; /* sent, or began to wait for a path */
};

struct ping {
	struct romon_ping spec;
	uint32_t handle;
	uint16_t port; /* our source port */
	uint32_t next_seq;
	struct romon_time next; /* when it is due */
	uint32_t open;          /* slots in use */
	bool asking;            /* wants discovery */
	uint64_t looked;        /* generation of the topology at which no path was found */
	uint32_t slot_count;    /* slots[seq % slot_count] */
	struct slot slots[];
};

/* ---- the answering end ---- */

/* The list at the target, reversed, is the route for the answer [C]. The payload goes back unchanged, the ports swapped [C]. */
static void answer(struct romon_engine *engine, struct port *port, const struct wire_message *request)
{
	struct wire_message message = {.type = WIRE_DATA,
		.dst = request->src,
		.hop_count = request->hop_count,
		.src_port = request->dst_port,
		.dst_port = request->src_port,
		.payload = request->payload,
		.payload_len = request->payload_len};

	for (unsigned i = 0; i < message.hop_count; i++)
		message.hops[i] = request->hops[message.hop_count - 1u - i];
	if (engine_may_answer(engine, &engine->data_answers, port, wire_encoded_length(&message)))
		forward_send(engine, &message);
}

/* ---- the asking end ---- */

static void push_event(struct pings *pings, const struct romon_event *event)
{
	if (pings->events == NULL)
		pings->events = calloc(PING_EVENTS_MAX, sizeof(*pings->events));
	if (pings->events == NULL || pings->event_count == PING_EVENTS_MAX)
		return;
	pings->events[(pings->event_head + pings->event_count++) % PING_EVENTS_MAX] = *event;
}

bool ping_event(struct pings *pings, struct romon_event *event)
{
	if (pings->event_count == 0)
		return false;
	*event = pings->events[pings->event_head];
	pings->event_head = (pings->event_head + 1) % PING_EVENTS_MAX;
	pings->event_count--;
	return true;
}

static void want_path(struct romon_engine *engine, struct ping *ping, bool want, struct romon_time now)
{
	if (want && !ping->asking)
		discover_start(engine, now);
	else if (!want && ping->asking)
		discover_stop(engine);
	ping->asking = want;
}

/* Frees it and keeps the order of the others. */
static void ping_free(struct romon_engine *engine, size_t index)
{
	struct pings *pings = &engine->pings;
	struct ping *ping = pings->list[index];

	want_path(engine, ping, false, engine->now);
	memmove(&pings->list[index], &pings->list[index + 1], (--pings->count - index) * sizeof(struct ping *));
	free(ping);
}

void pings_free(struct pings *pings)
{
	for (size_t i = 0; i < pings->count; i++)
		free(pings->list[i]);
	free(pings->list);
	free(pings->events);
	*pings = (struct pings){0};
}

static bool port_used(const struct pings *pings, uint16_t port)
{
	for (size_t i = 0; i < pings->count; i++)
		if (pings->list[i]->port == port)
			return true;
	return false;
}

/* 1024 and up [C]; random, so that a stranger cannot guess which answers are waited for. */
static uint16_t choose_port(const struct romon_engine *engine)
{
	uint16_t port;

	do
		port = (uint16_t)(WIRE_PORT_EPHEMERAL + engine_random(engine) % (UINT16_MAX + 1u - WIRE_PORT_EPHEMERAL));
	while (port_used(&engine->pings, port));
	return port;
}

static uint32_t next_handle(struct pings *pings)
{
	if (++pings->last_handle == 0)
		pings->last_handle = 1;
	return pings->last_handle;
}

uint32_t ping_start(struct romon_engine *engine, const struct romon_ping *spec, struct romon_time now)
{
	struct pings *pings = &engine->pings;
	uint32_t slots, node;
	struct ping *ping;

	if (!romon_id_valid(spec->id) || spec->size < ROMON_PING_MIN || spec->interval < PING_INTERVAL_MIN ||
		spec->interval > PING_INTERVAL_MAX || pings->count == PINGS_MAX)
		return 0;
	if (pings->list == NULL)
		pings->list = calloc(PINGS_MAX, sizeof(struct ping *));
	/* A request is open for at most the wait for a path and then for its answer. */
	slots = (uint32_t)(2 * PING_ANSWER_TIME / spec->interval) + 2;
	ping = pings->list != NULL ? calloc(1, sizeof(*ping) + slots * sizeof(struct slot)) : NULL;
	if (ping == NULL)
		return 0;
	ping->spec = *spec;
	ping->handle = next_handle(pings);
	ping->port = choose_port(engine);
	ping->next = now;
	ping->looked = UINT64_MAX;
	ping->slot_count = slots;
	pings->list[pings->count++] = ping;
	node = topology_find(&engine->topology, spec->id);
	if (node == TOPOLOGY_SELF || now.ns - engine->topology.nodes[node].seen.ns > PING_FRESH_TIME)
		want_path(engine, ping, true, now);
	return ping->handle;
}

void ping_stop(struct romon_engine *engine, uint32_t handle)
{
	for (size_t i = 0; i < engine->pings.count; i++) {
		if (engine->pings.list[i]->handle == handle) {
			ping_free(engine, i);
			return;
		}
	}
}

/* Sends the request of a slot, if there is a path. */
static void send_request(struct romon_engine *engine, struct ping *ping, struct slot *slot, struct romon_time now)
{
	uint8_t payload[UINT16_MAX];
	struct wire_message message = {.dst = ping->spec.id,
		.src_port = ping->port,
		.dst_port = WIRE_PORT_PING,
		.payload = payload,
		.payload_len = ping->spec.size};
	uint32_t node = topology_find(&engine->topology, ping->spec.id);

	if (node != TOPOLOGY_SELF)
		message.hop_count = topology_path(&engine->topology, node, message.hops, now);
	if (message.hop_count == 0)
		return;
	wire_ping_encode(&(struct wire_ping){.seq = slot->seq}, payload, ping->spec.size);
	forward_send(engine, &message); /* one that does not fit its port is lost like one that is lost on the way */
	slot->state = SLOT_SENT;
	slot->since = now;
}

/* Requests that wait for a path look for one whenever the topology has changed. */
static void send_waiting(struct romon_engine *engine, struct ping *ping, struct romon_time now)
{
	if (ping->looked == engine->topology.generation)
		return;
	for (uint32_t i = 0; i < ping->slot_count; i++)
		if (ping->slots[i].state == SLOT_NO_PATH)
			send_request(engine, ping, &ping->slots[i], now);
	ping->looked = engine->topology.generation;
}

static void send_due(struct romon_engine *engine, struct ping *ping, struct romon_time now)
{
	struct slot *slot = &ping->slots[ping->next_seq % ping->slot_count];

	if ((ping->spec.count != 0 && ping->next_seq == ping->spec.count) || now.ns < ping->next.ns || slot->state != SLOT_FREE)
		return;
	*slot = (struct slot){.seq = ping->next_seq++, .state = SLOT_NO_PATH, .since = now};
	ping->open++;
	ping->next.ns += ping->spec.interval;
	if (ping->next.ns <= now.ns) /* we were late: no burst to catch up */
		ping->next.ns = now.ns + ping->spec.interval;
	send_request(engine, ping, slot, now);
	if (slot->state == SLOT_NO_PATH)
		want_path(engine, ping, true, now);
}

static bool slot_expired(const struct slot *slot, struct romon_time now)
{
	return slot->state != SLOT_FREE && now.ns - slot->since.ns >= PING_ANSWER_TIME;
}

/* An answer came at the time `at`. */
static void settle(struct pings *pings, struct ping *ping, struct slot *slot, enum romon_event_type type, struct romon_time at)
{
	struct romon_event event = {.type = type,
		.ping = ping->handle,
		.seq = slot->seq,
		.size = ping->spec.size,
		.rtt = type == ROMON_EVENT_PING_REPLY && at.ns > slot->since.ns ? at.ns - slot->since.ns : 0,
		.id = ping->spec.id};

	push_event(pings, &event);
	if (BROKEN(TWICE) && type == ROMON_EVENT_PING_REPLY)
		return;
	slot->state = SLOT_FREE;
	ping->open--;
}

/* An answer that does not come puts the path in doubt and asks for a better one. */
static void expire(struct romon_engine *engine, struct ping *ping, struct romon_time now)
{
	uint32_t oldest = ping->next_seq >= ping->slot_count ? ping->next_seq - ping->slot_count : 0;
	bool lost = false;

	for (uint32_t seq = oldest; seq != ping->next_seq && ping->open > 0; seq++) { /* in the order in which they were sent */
		struct slot *slot = &ping->slots[seq % ping->slot_count];

		if (!slot_expired(slot, now) || engine->pings.event_count >= PING_EVENTS_MAX - 1)
			continue;
		lost |= slot->state == SLOT_SENT;
		settle(&engine->pings, ping, slot, ROMON_EVENT_PING_TIMEOUT, now);
	}
	if (lost) {
		uint32_t node = topology_find(&engine->topology, ping->spec.id);

		if (node != TOPOLOGY_SELF)
			topology_doubt(&engine->topology, node, now);
		want_path(engine, ping, true, now);
	}
}

static bool finished(const struct ping *ping)
{
	return ping->spec.count != 0 && ping->next_seq == ping->spec.count && ping->open == 0;
}

void ping_run(struct romon_engine *engine, struct romon_time now)
{
	struct pings *pings = &engine->pings;

	for (size_t i = pings->count; i-- > 0;) {
		struct ping *ping = pings->list[i];

		expire(engine, ping, now);
		send_waiting(engine, ping, now);
		send_due(engine, ping, now);
		if (finished(ping) && pings->event_count < PING_EVENTS_MAX) {
			push_event(pings,
				&(struct romon_event){.type = ROMON_EVENT_PING_DONE, .ping = ping->handle, .id = ping->spec.id});
			ping_free(engine, i);
		}
	}
}

void ping_wake(const struct romon_engine *engine, bool *set, struct romon_time *when)
{
	for (size_t i = 0; i < engine->pings.count; i++) {
		const struct ping *ping = engine->pings.list[i];

		if (ping->spec.count == 0 || ping->next_seq != ping->spec.count)
			wake_at(set, when, ping->next);
		for (uint32_t s = 0; s < ping->slot_count && ping->open > 0; s++)
			if (ping->slots[s].state != SLOT_FREE)
				wake_at(set, when, (struct romon_time){ping->slots[s].since.ns + PING_ANSWER_TIME});
		if (finished(ping))
			wake_at(set, when, engine->now);
	}
}

static void take_answer(struct romon_engine *engine, struct port *port, const struct wire_message *message, struct romon_time now)
{
	struct pings *pings = &engine->pings;
	struct wire_ping read;

	wire_ping_decode(message->payload, message->payload_len, &read); /* its length was checked */
	for (size_t i = 0; i < pings->count; i++) {
		struct ping *ping = pings->list[i];
		struct slot *slot = &ping->slots[read.seq % ping->slot_count];

		if (ping->port != message->dst_port || !romon_mac_equal(ping->spec.id, message->src) ||
			message->payload_len != ping->spec.size)
			continue;
		if (slot->state != SLOT_SENT || slot->seq != read.seq || slot_expired(slot, now))
			break;
		settle(pings, ping, slot, ROMON_EVENT_PING_REPLY, engine->came);
		want_path(engine, ping, false, now);
		return;
	}
	port_drop(port, ROMON_DROP_LATE);
}

void ping_receive(struct romon_engine *engine, struct port *port, struct wire_message *message, struct romon_time now)
{
	bool request = message->dst_port == WIRE_PORT_PING && message->src_port >= WIRE_PORT_EPHEMERAL;
	bool reply = message->src_port == WIRE_PORT_PING && message->dst_port >= WIRE_PORT_EPHEMERAL;

	if ((!request && !reply) || message->payload_len < ROMON_PING_MIN)
		port_drop(port, ROMON_DROP_BAD_PING); /* two port 1s would echo for ever */
	else if (request)
		answer(engine, port, message);
	else
		take_answer(engine, port, message, now);
}
