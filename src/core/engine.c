/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The engine: what <romon/romon.h> promises, made of the modules. Frames go one way: decode, check, module, queue.
 */
#include "core/engine.h"

#include <stdlib.h>
#include <string.h>

#include "core/forward.h"
#include "core/text.h"

uint64_t engine_random(const struct romon_engine *engine)
{
	return engine->env.random(engine->env.ctx);
}

void engine_log(const struct romon_engine *engine, enum romon_log_level level, const char *text)
{
	engine->env.log(engine->env.ctx, level, text);
}

void wake_at(bool *set, struct romon_time *when, struct romon_time at)
{
	if (!*set || at.ns < when->ns)
		*when = at;
	*set = true;
}

static void copy_text(char out[ROMON_TEXT_MAX + 1], const char *text)
{
	size_t len = text_cut(text, ROMON_TEXT_MAX);

	memcpy(out, text, len);
	out[len] = '\0';
}

static void set_self(struct self *self, const struct romon_router *router)
{
	self->id = router->id;
	copy_text(self->identity, router->identity);
	copy_text(self->board, router->board);
	memcpy(self->version, router->version, sizeof(self->version));
	self->started = router->started;
	self->send_uptime = router->send_uptime;
	self->unicast = router->unicast;
}

/* A flood of one kind of question leaves the other kind's share alone: half for pings and streams, a quarter for discovery; the link has
 * the rest. */
static void set_answers(struct romon_engine *engine, uint32_t answers)
{
	uint32_t all = answers != 0 ? answers : ROMON_ANSWERS_DEFAULT;

	if (all / 2 == engine->data_answers.limit)
		return;
	budget_init(&engine->discovery_answers, all / 2 - all / ROMON_ANSWERS_LEFT, engine->now);
	budget_init(&engine->data_answers, all / 2, engine->now);
}

struct romon_engine *romon_engine_new(const struct romon_env *env, const struct romon_router *router)
{
	struct romon_engine *engine = calloc(1, sizeof(*engine));

	if (engine == NULL || !romon_id_valid(router->id)) {
		free(engine);
		return NULL;
	}
	engine->env = *env;
	for (size_t i = 0; i < sizeof(engine->seed.word) / sizeof(engine->seed.word[0]); i++)
		engine->seed.word[i] = engine_random(engine);
	set_self(&engine->self, router);
	set_answers(engine, router->answers);
	auth_init(&engine->auth, &engine->seed);
	streams_init(&engine->streams, &engine->seed);
	neighbors_init(&engine->neighbors, &engine->seed);
	relay_init(&engine->relay, &engine->seed);
	if (!topology_init(&engine->topology, &engine->seed, router->id)) {
		romon_engine_free(engine);
		return NULL;
	}
	return engine;
}

void romon_engine_free(struct romon_engine *engine)
{
	if (engine == NULL)
		return;
	streams_free(engine);
	pings_free(&engine->pings);
	topology_free(&engine->topology);
	relay_clear(&engine->relay);
	neighbors_clear(&engine->neighbors);
	queue_free(&engine->queue);
	for (size_t i = 0; i < engine->port_count; i++)
		auth_port_clear(&engine->auth, &engine->ports[i]);
	auth_clear(&engine->auth);
	free(engine->ports);
	free(engine);
}

bool romon_engine_set_router(struct romon_engine *engine, const struct romon_router *router)
{
	if (!romon_id_valid(router->id))
		return false;
	if (!romon_mac_equal(router->id, engine->self.id)) {
		struct topology fresh;

		if (!topology_init(&fresh, &engine->seed, router->id)) {
			topology_free(&fresh);
			return false;
		}
		streams_abandon(engine);
		fresh.generation = engine->topology.generation + 1;
		topology_free(&engine->topology);
		engine->topology = fresh;
	}
	set_self(&engine->self, router);
	set_answers(engine, router->answers);
	return true;
}

bool romon_engine_set_port(struct romon_engine *engine, const struct romon_port *conf, struct romon_time now)
{
	struct port *port = engine_port(engine, conf->link), *grown;
	struct romon_port old;

	engine->now = now;
	if (conf->link == 0 || conf->cost == 0 || !romon_id_valid(conf->mac))
		return false;
	if (port != NULL) {
		old = port->conf;
		port->conf = *conf;
		if (!romon_mac_equal(old.mac, conf->mac) || conf->no_carrier) { /* what is on its way carries the old address */
			queue_forget(&engine->queue, conf->link);
			relay_forget_port(&engine->relay, conf->link);
		}
		if (conf->no_carrier) {
			topology_forget_port(&engine->topology, conf->link);
			return true;
		}
		if (old.no_carrier || !romon_mac_equal(old.mac, conf->mac))
			auth_port_hello(port, now);
		return true;
	}
	if (engine->port_count == ROMON_PORTS_MAX)
		return false;
	grown = realloc(engine->ports, (engine->port_count + 1) * sizeof(*grown));
	if (grown == NULL)
		return false;
	engine->ports = grown;
	port = &engine->ports[engine->port_count++];
	*port = (struct port){.conf = *conf};
	auth_port_init(engine, port);
	discover_port_ready(port);
	return true;
}

void romon_engine_remove_port(struct romon_engine *engine, uint32_t link)
{
	struct port *port = engine_port(engine, link);

	if (port == NULL)
		return;
	queue_forget(&engine->queue, link);
	relay_forget_port(&engine->relay, link);
	topology_forget_port(&engine->topology, link);
	neighbors_forget_port(&engine->neighbors, link);
	auth_port_clear(&engine->auth, port);
	*port = engine->ports[--engine->port_count];
}

bool romon_engine_set_secrets(
	struct romon_engine *engine, uint32_t link, const struct romon_secret *secrets, size_t count, struct romon_time now)
{
	struct port *port = engine_port(engine, link);

	engine->now = now;
	if (port == NULL || count > ROMON_SECRETS_MAX)
		return false;
	return auth_port_set(engine, port, secrets, count, now);
}

struct port *engine_port(const struct romon_engine *engine, uint32_t link)
{
	for (size_t i = 0; i < engine->port_count; i++)
		if (engine->ports[i].conf.link == link)
			return &engine->ports[i];
	return NULL;
}

struct port *engine_port_by_mac(const struct romon_engine *engine, struct romon_mac mac)
{
	for (size_t i = 0; i < engine->port_count; i++)
		if (romon_mac_equal(engine->ports[i].conf.mac, mac))
			return &engine->ports[i];
	return NULL;
}

struct wire_end port_end(const struct port *port)
{
	return (struct wire_end){
		.link = port->conf.link, .l2mtu = port->conf.mtu, .cost = port->conf.cost, .mac = port->conf.mac};
}

void port_drop(struct port *port, enum romon_drop reason)
{
	port->stats.drops[reason]++;
}

uint8_t *port_output(struct romon_engine *engine, struct port *port, size_t len, uint32_t serial)
{
	uint8_t *frame;

	if (port->conf.no_carrier) {
		port_drop(port, ROMON_DROP_NO_CARRIER);
		return NULL;
	}
	if (len > (size_t)port->conf.mtu + WIRE_ETHERNET_LEN || len > WIRE_LENGTH_MAX) {
		port_drop(port, ROMON_DROP_TOO_BIG);
		return NULL;
	}
	frame = queue_push(&engine->queue, port->conf.link, len, serial);
	if (frame == NULL)
		port_drop(port, ROMON_DROP_QUEUE_FULL);
	return frame;
}

/* Where a frame for this neighbour goes: to it, or to everybody if the user wants it as the MikroTik page words it. */
static struct romon_mac address_of(const struct romon_engine *engine, struct romon_mac neighbor)
{
	return engine->self.unicast ? neighbor : romon_mac_group;
}

void port_address(const struct romon_engine *engine, const struct port *port, uint8_t *frame, struct romon_mac neighbor)
{
	wire_set_addresses(frame, address_of(engine, neighbor), port->conf.mac);
}

bool port_send(struct romon_engine *engine, struct port *port, struct wire_message *message)
{
	return port_send_under(engine, port, message, 0);
}

bool port_send_under(struct romon_engine *engine, struct port *port, struct wire_message *message, uint32_t serial)
{
	size_t len = wire_encoded_length(message);
	uint8_t *frame = port_output(engine, port, len, serial);

	if (frame == NULL)
		return false;
	message->eth_dst = address_of(engine, message->eth_dst);
	message->eth_src = port->conf.mac;
	wire_encode(message, frame, len);
	return true;
}

uint8_t *port_pass_on(struct romon_engine *engine, struct port *port, const uint8_t *frame, struct romon_mac to)
{
	size_t len = wire_frame_length(frame);
	uint8_t *out = port_output(engine, port, len, 0);

	if (out == NULL)
		return NULL;
	memcpy(out, frame, len);
	port_address(engine, port, out, to);
	port->stats.forwarded++;
	return out;
}

bool engine_may_answer(struct romon_engine *engine, struct budget *budget, struct port *port, size_t len)
{
	if (engine->vouched || budget_take(budget, len, engine->now))
		return true;
	port_drop(port, ROMON_DROP_ANSWER_LIMIT);
	return false;
}

/* Is the frame one that this port may take [M][R][I]? */
static bool check_addresses(struct port *port, const struct wire_message *message)
{
	if (!romon_id_valid(message->eth_src) || romon_mac_equal(message->eth_src, port->conf.mac)) {
		port_drop(port, ROMON_DROP_BAD_SOURCE);
		return false;
	}
	if (!romon_mac_equal(message->eth_dst, romon_mac_group) && !romon_mac_equal(message->eth_dst, port->conf.mac)) {
		port_drop(port, ROMON_DROP_NOT_FOR_US);
		return false;
	}
	return true;
}

static void dispatch(struct romon_engine *engine, struct port *port, const uint8_t *frame, struct wire_message *message)
{
	bool own = romon_mac_equal(message->src, engine->self.id);

	switch (message->type) {
	case WIRE_DISCOVER:
		if (own)
			discover_own(engine, port, message, engine->now);
		else
			relay_discover(engine, port, message, engine->now);
		break;
	case WIRE_DISCOVER_RESP:
		if (own)
			discover_answer(engine, port, message, engine->now);
		else
			relay_answer(engine, port, frame, message);
		break;
	case WIRE_DATA:
		forward_data(engine, port, frame, message, engine->now);
		break;
	case WIRE_SEQ_ERR: /* auth_receive() has dealt with them */
	case WIRE_HELLO:
		break;
	}
}

static void receive_frame(struct romon_engine *engine, const struct romon_frame *frame)
{
	struct port *port = engine_port(engine, frame->link);
	struct wire_message message;
	enum romon_drop why;
	uint32_t serial;

	if (port == NULL)
		return;
	port->stats.rx++;
	if (!wire_decode(frame->data, frame->len, &message, &why)) {
		port_drop(port, why);
		return;
	}
	if (!check_addresses(port, &message))
		return;
	if (!auth_receive(engine, port, frame->data, &message, &serial, engine->now))
		return;
	neighbors_heard(&engine->neighbors, port->conf.link, &message, serial, engine->now);
	engine->vouched = serial != 0;
	engine->came = frame->came.ns != 0 && frame->came.ns < engine->now.ns ? frame->came : engine->now;
	dispatch(engine, port, frame->data, &message);
	engine->vouched = false;
}

/* Collects the digests that will be asked for while these frames are received, so that they are computed together. */
static void look_ahead(
	const struct romon_engine *engine, const struct romon_frame *frames, size_t count, struct auth_batch *batch)
{
	for (size_t i = 0; i < count; i++) {
		struct port *port = engine_port(engine, frames[i].link);
		struct wire_message message;
		enum romon_drop why;

		if (port == NULL || port->auth.count == 0)
			continue;
		if (wire_decode_header(frames[i].data, frames[i].len, &message, &why) && wire_hashed(&message))
			auth_ahead(engine, port, frames[i].data, &message, batch);
	}
	auth_batch_compute(batch);
}

static void receive_batch(struct romon_engine *engine, const struct romon_frame *frames, size_t count)
{
	struct auth_batch ahead;

	auth_batch_init(&ahead);
	if (count > 1)
		look_ahead(engine, frames, count, &ahead);
	engine->auth.ahead = &ahead;
	for (size_t i = 0; i < count; i++)
		receive_frame(engine, &frames[i]);
	engine->auth.ahead = NULL;
}

void romon_engine_heard(struct romon_engine *engine, uint32_t link, struct romon_mac neighbor, struct romon_time now)
{
	const struct wire_message message = {.type = WIRE_DATA, .eth_src = neighbor};

	engine->now = now;
	if (engine_port(engine, link) != NULL && romon_id_valid(neighbor))
		neighbors_heard(&engine->neighbors, link, &message, 0, now);
}

void romon_engine_receive(struct romon_engine *engine, const struct romon_frame *frames, size_t count, struct romon_time now)
{
	engine->now = now;
	for (size_t i = 0; i < count; i += AUTH_BATCH_MAX)
		receive_batch(engine, frames + i, count - i < AUTH_BATCH_MAX ? count - i : AUTH_BATCH_MAX);
}

size_t romon_engine_send(struct romon_engine *engine, struct romon_frame *frames, size_t max, struct romon_time now)
{
	struct auth_batch batch;
	size_t count = 0;
	uint32_t serial;

	engine->now = now;
	auth_batch_init(&batch);
	auth_run(engine, now);
	discover_run(engine, now);
	relay_run(engine, now);
	ping_run(engine, now);
	stream_run(engine, max, now);
	while (count < max && queue_pop(&engine->queue, &frames[count], &serial)) {
		struct port *port = engine_port(engine, frames[count].link); /* removing a port forgets its frames */

		if (!auth_sign(port, frames[count].data, serial, &batch))
			continue;
		port->stats.tx++;
		count++;
	}
	auth_batch_sign(&batch);
	return count;
}

bool romon_engine_wake(const struct romon_engine *engine, struct romon_time *when)
{
	bool set = false;

	discover_wake(engine, &set, when);
	auth_wake(engine, &set, when);
	relay_wake(engine, &set, when);
	ping_wake(engine, &set, when);
	stream_wake(engine, &set, when);
	return set;
}

void romon_engine_discover_start(struct romon_engine *engine, struct romon_time now)
{
	engine->now = now;
	discover_start(engine, now);
}

void romon_engine_discover_stop(struct romon_engine *engine)
{
	discover_stop(engine);
}

size_t romon_engine_router_count(struct romon_engine *engine)
{
	return topology_seen_count(&engine->topology, engine->now);
}

bool romon_engine_router(struct romon_engine *engine, size_t index, struct romon_seen *seen)
{
	return topology_seen(&engine->topology, index, seen, engine->now);
}

uint64_t romon_engine_generation(const struct romon_engine *engine)
{
	return engine->topology.generation;
}

size_t romon_engine_edge_count(struct romon_engine *engine)
{
	return topology_edge_count(&engine->topology, engine->now);
}

bool romon_engine_edge(struct romon_engine *engine, size_t index, struct romon_edge *edge)
{
	return topology_edge(&engine->topology, index, edge, engine->now);
}

uint32_t romon_engine_ping_start(struct romon_engine *engine, const struct romon_ping *ping, struct romon_time now)
{
	engine->now = now;
	return ping_start(engine, ping, now);
}

void romon_engine_ping_stop(struct romon_engine *engine, uint32_t handle)
{
	ping_stop(engine, handle);
}

bool romon_engine_event(struct romon_engine *engine, struct romon_event *event)
{
	return ping_event(&engine->pings, event) || stream_event(engine, event);
}

size_t romon_engine_neighbors(struct romon_engine *engine, struct romon_neighbor *neighbors, size_t max, struct romon_time now)
{
	size_t count = neighbors_list(&engine->neighbors, neighbors, max, now);

	for (size_t i = 0; i < count && i < max; i++) {
		const struct port *port = engine_port(engine, neighbors[i].link);

		if (port == NULL)
			continue;
		neighbors[i].secret = auth_entry(port, neighbors[i].serial);
		neighbors[i].proven = auth_proven(engine, port, neighbors[i].mac);
	}
	return count;
}

bool romon_engine_port_stats(const struct romon_engine *engine, uint32_t link, struct romon_port_stats *stats)
{
	const struct port *port = engine_port(engine, link);

	if (port == NULL)
		return false;
	*stats = port->stats;
	return true;
}

void romon_engine_count_drop(struct romon_engine *engine, uint32_t link, enum romon_drop reason)
{
	struct port *port = engine_port(engine, link);

	if (port != NULL)
		port_drop(port, reason);
}
