/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What must hold whenever a router takes or sends a frame.
 */
#include "sim/checks.h"

#include <stdarg.h>
#include <stdlib.h>

#include "core/engine.h"
#include "core/auth_peer.h"
#include "sim/memory.h"

#define RELAY_PATIENCE (20 * ROMON_MILLISECOND) /* a Discover waits at most 4 ms of a clock that may be slow */
#define WAKES_MAX 1000                          /* at one time, in which nothing is sent */

struct checks *checks_new(const struct world *world)
{
	struct checks *checks = memory_new(1, sizeof(*checks));

	checks->stations = memory_new(world->station_count, sizeof(*checks->stations));
	checks->jacks = memory_new(world->jack_count, sizeof(*checks->jacks));
	for (uint32_t i = 0; i < world->station_count; i++)
		checks->stations[i].froze = checks->stations[i].thawed = -ROMON_SECOND;
	checks->tables = check_tables_new(world->options->seed);
	return checks;
}

void checks_free(struct checks *checks, uint32_t stations)
{
	if (checks == NULL)
		return;
	for (uint32_t i = 0; i < stations; i++)
		free(checks->stations[i].heard);
	check_tables_free(checks->tables);
	free(checks->stations);
	free(checks->jacks);
	free(checks);
}

void checks_violated(struct world *world, enum check check, const char *format, ...)
{
	struct checks *checks = world->checks;
	va_list arguments;

	if (checks == NULL || checks->violated || (world->options->checks & 1ULL << check) == 0)
		return;
	checks->violated = true;
	checks->kind = check;
	checks->at = world->now;
	va_start(arguments, format);
	vsnprintf(checks->text, sizeof(checks->text), format, arguments);
	va_end(arguments);
}

bool checks_holds(struct world *world, enum check check, bool holds)
{
	world->checks->done[check]++;
	return holds;
}

/* ---- what happens to a router ---- */

void checks_started(struct world *world, uint32_t station)
{
	const struct station *s = &world->stations[station];

	if (world->checks == NULL)
		return;
	world->checks->stations[station].heard_count = 0;
	for (uint32_t i = 0; i < s->jack_count; i++)
		world->checks->jacks[s->first_jack + i] = (struct jack_checks){0};
}

void checks_frozen(struct world *world, uint32_t station)
{
	if (world->checks != NULL)
		world->checks->stations[station].froze = world->now;
}

void checks_thawed(struct world *world, uint32_t station)
{
	if (world->checks != NULL)
		world->checks->stations[station].thawed = world->now;
}

void checks_port_changed(struct world *world, uint32_t jack)
{
	if (world->checks != NULL)
		world->checks->jacks[jack] = (struct jack_checks){0};
}

void checks_woken(struct world *world, uint32_t station)
{
	struct station_checks *own;

	if (world->checks == NULL)
		return;
	own = &world->checks->stations[station];
	own->wakes = own->woken == world->now ? own->wakes + 1 : 0;
	own->woken = world->now;
	if (!checks_holds(world, CHECK_SILENCE, own->wakes < WAKES_MAX))
		checks_violated(world, CHECK_SILENCE, "router %u wants to be woken again and again", station);
}

/* ---- taking a frame ---- */

static uint64_t hash_list(struct romon_mac asker, const uint8_t *hops, size_t count)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < sizeof(asker.b); i++)
		hash = (hash ^ asker.b[i]) * 0x100000001b3ULL;
	for (size_t i = 0; i < count * FRAME_HOP_LEN; i++)
		hash = (hash ^ hops[i]) * 0x100000001b3ULL;
	return dice_mix(hash);
}

/* Remembers a Discover, with the hop that is added when it is passed on. */
static void remember(
	struct world *world, uint32_t station, uint32_t link, const struct passage *passage, const struct frame *frame)
{
	struct station_checks *own = &world->checks->stations[station];
	uint8_t list[256 * FRAME_HOP_LEN], *last = list + (size_t)frame->count * FRAME_HOP_LEN;
	int64_t since = world->now - RELAY_PATIENCE;

	if (world->now - own->thawed < RELAY_PATIENCE && own->froze - RELAY_PATIENCE < since)
		since = own->froze - RELAY_PATIENCE;
	while (own->heard_count > 0 && own->heard[own->heard_first].at < since) {
		own->heard_first++;
		own->heard_count--;
	}
	if (own->heard_count == 0)
		own->heard_first = 0;
	if (own->heard_first > own->heard_count) { /* more is empty than is used */
		memmove(own->heard, own->heard + own->heard_first, own->heard_count * sizeof(*own->heard));
		own->heard_first = 0;
	}
	memcpy(list, frame->hops, (size_t)frame->count * FRAME_HOP_LEN);
	for (unsigned i = 0; i < 4; i++)
		last[i] = (uint8_t)(link >> (24 - 8 * i));
	memcpy(last + 4, frame->from.b, sizeof(frame->from.b));
	own->heard = memory_room(own->heard, &own->heard_cap, own->heard_first + own->heard_count + 1, sizeof(*own->heard));
	own->heard[own->heard_first + own->heard_count++] =
		(struct heard_copy){.list = hash_list(frame->source, list, frame->count + 1u),
			.origin = passage->origin,
			.crossings = passage->crossings,
			.honest = passage->honest,
			.at = world->now};
}

void checks_receive(struct world *world, uint32_t jack, const struct passage *passage)
{
	struct checks *checks = world->checks;
	const struct station *s = &world->stations[world->jacks[jack].station];
	struct romon_port_stats stats;

	if (checks == NULL)
		return;
	checks->receiving = true;
	checks->jack = jack;
	checks->passage = passage;
	checks->answers = checks->forwards = 0;
	checks->readable = frame_read(&checks->frame, passage->data, passage->len);
	if (romon_engine_port_stats(s->engine, world->jacks[jack].link, &stats)) {
		checks->jacks[jack].hashed = stats.hashed;
		checks->jacks[jack].unhashed = stats.unhashed;
	}
	if (checks->readable && checks->frame.type == FRAME_DISCOVER && checks->frame.count < 255)
		remember(world, world->jacks[jack].station, world->jacks[jack].link, passage, &checks->frame);
}

void checks_received(struct world *world, uint32_t jack)
{
	struct checks *checks = world->checks;
	const struct station *s = &world->stations[world->jacks[jack].station];
	struct romon_port_stats stats;

	if (checks == NULL || !romon_engine_port_stats(s->engine, world->jacks[jack].link, &stats))
		return;
	if (stats.unhashed != checks->jacks[jack].unhashed)
		checks_taken(world, jack, false);
	if (stats.hashed != checks->jacks[jack].hashed)
		checks_taken(world, jack, true);
}

void checks_done(struct world *world)
{
	if (world->checks != NULL)
		world->checks->receiving = false;
}

/* ---- sending one ---- */

/* What a router sends, and the frame that it may follow from. */
struct sending {
	struct world *world;
	uint32_t station;
	const struct jack *jack;
	const struct frame *out;
	const struct frame *in; /* NULL: it takes none */
	struct passage *what;
};

/* Counts the check of a route; a violation names the frame. */
static bool require(const struct sending *sending, enum check check, bool holds, const char *what)
{
	if (!checks_holds(sending->world, check, holds))
		checks_violated(sending->world, check, "router %u, port %u, a frame of type %u: %s", sending->station,
			sending->jack->link, sending->out->type, what);
	return holds;
}

/* It goes to the neighbour that the hop names, by the port that the hop names. */
static bool goes_by(const struct sending *sending, unsigned hop)
{
	struct romon_mac mac = frame_hop_mac(sending->out, hop);

	return frame_hop_link(sending->out, hop) == sending->jack->link &&
	       romon_mac_equal(sending->out->to, sending->world->options->unicast ? mac : romon_mac_group);
}

static void passes(const struct sending *sending)
{
	const struct passage *passage = sending->world->checks->passage;

	sending->what->origin = passage->origin;
	sending->what->crossings = (uint16_t)(passage->crossings + 1);
	sending->what->honest = passage->honest;
	sending->world->checks->forwards++;
}

static bool same_bytes(const struct frame *a, const struct frame *b)
{
	return a->body_len == b->body_len && memcmp(a->body, b->body, a->body_len) == 0 &&
	       romon_mac_equal(a->source, b->source) && romon_mac_equal(a->target, b->target) && a->count == b->count;
}

/* A frame of another's that is passed on: the next hop of its list, and the way back in the place of the last one. */
static void sent_data_on(const struct sending *sending)
{
	const struct frame *out = sending->out, *in = sending->in;
	const struct jack *by = &sending->world->jacks[sending->world->checks->jack];
	unsigned p = out->pointer;

	if (!require(sending, CHECK_ROUTE, in != NULL && in->type == FRAME_DATA, "Data that did not come"))
		return;
	passes(sending);
	require(sending, CHECK_HOPS, sending->what->crossings <= out->count, "Data outlives its hops");
	if (!require(sending, CHECK_ROUTE, p == in->pointer + 1u && p < out->count, "Data does not go on"))
		return;
	require(sending, CHECK_ROUTE, sending->world->checks->forwards == 1, "Data is passed on twice");
	require(sending, CHECK_ROUTE, goes_by(sending, p), "Data leaves its route");
	require(sending, CHECK_ROUTE,
		same_bytes(out, in) && frame_hops_equal(out, in, 0, p - 1) && frame_hops_equal(out, in, p, out->count - p),
		"Data is changed");
	require(sending, CHECK_ROUTE,
		frame_hop_link(out, p - 1) == by->link && romon_mac_equal(frame_hop_mac(out, p - 1), in->from),
		"the way back is wrong");
	for (unsigned i = 0; i < p; i++)
		require(sending, CHECK_ROUTE, !romon_mac_equal(frame_hop_mac(out, i), sending->jack->mac), "Data goes round");
}

/* An answer to a ping: the request has to be the one that is being taken. */
static void sent_ping_answer(const struct sending *sending)
{
	const struct frame *out = sending->out, *in = sending->in;

	if (!require(sending, CHECK_ANSWER,
		    in != NULL && in->type == FRAME_DATA && frame_target_port(in) == 1 &&
			    romon_mac_equal(in->source, out->target) && frame_source_port(in) == frame_target_port(out) &&
			    in->body_len == out->body_len && memcmp(in->body + 4, out->body + 4, in->body_len - 4) == 0,
		    "an answer to no ping"))
		return;
	require(sending, CHECK_WRONG_ID, romon_mac_equal(in->target, sending->world->stations[sending->station].id),
		"an answer to a ping for another router");
	require(sending, CHECK_TWICE, sending->world->checks->answers++ == 0, "a ping is answered twice");
	require(sending, CHECK_ROUTE, in->pointer + 1u == in->count && in->count == out->count,
		"an answer from the midst of a route");
}

/* Data of our own begins here, unless it has just come to us from another. */
static bool begins(const struct sending *sending)
{
	const struct frame *out = sending->out, *in = sending->in;
	bool own = romon_mac_equal(out->source, sending->world->stations[sending->station].id);

	return own && out->pointer == 0 && !(in != NULL && in->type == FRAME_DATA && same_bytes(out, in));
}

static void sent_data(const struct sending *sending)
{
	const struct frame *out = sending->out;

	if (!begins(sending)) {
		sent_data_on(sending);
		return;
	}
	require(sending, CHECK_ROUTE, out->count > 0 && goes_by(sending, 0), "Data leaves its route");
	if (frame_source_port(out) == 1)
		sent_ping_answer(sending);
}

/* An answer of our own has the question's list, and its first route. */
static void sent_own_answer(const struct sending *sending)
{
	const struct frame *out = sending->out, *in = sending->in;
	bool asked = in->count == out->count && romon_mac_equal(in->source, out->source) && out->body_len >= 36 &&
		     in->body_len >= 36 && memcmp(in->body, out->body, 36) == 0;

	require(sending, CHECK_ANSWER, asked, "an answer to another question");
	require(sending, CHECK_ANSWER, sending->world->jacks[sending->world->checks->jack].link == sending->jack->link,
		"an answer by another port");
	require(sending, CHECK_TWICE, sending->world->checks->answers++ == 0, "a question is answered twice");
	require(sending, CHECK_ROUTE, romon_mac_equal(out->to, sending->world->options->unicast ? in->from : romon_mac_group),
		"an answer to somebody else");
	checks_answered(sending->world, sending->station, out->source);
}

/* Either reading of the list (docs/protocol.md section 3). */
static void sent_answer(const struct sending *sending)
{
	const struct frame *out = sending->out, *in = sending->in;
	bool down, up;

	if (!require(sending, CHECK_ANSWER,
		    in != NULL && (in->type == FRAME_DISCOVER ||
					  (in->type == FRAME_ANSWER && romon_mac_equal(in->target, out->target))),
		    "nobody has asked"))
		return;
	if (in->type == FRAME_DISCOVER) {
		require(sending, CHECK_WRONG_ID, romon_mac_equal(out->target, sending->world->stations[sending->station].id),
			"an answer in the name of another");
		sent_own_answer(sending);
		return;
	}
	down = out->pointer + 1 == in->pointer && goes_by(sending, out->pointer);
	up = out->pointer == in->pointer + 1 && goes_by(sending, in->pointer);
	require(sending, CHECK_ROUTE, down || up, "an answer leaves its route");
	require(sending, CHECK_ROUTE, same_bytes(out, in) && frame_hops_equal(out, in, 0, in->count), "an answer is changed");
	require(sending, CHECK_ROUTE, sending->world->checks->forwards == 0, "an answer is passed on twice");
	passes(sending);
	require(sending, CHECK_HOPS, sending->what->crossings <= out->count + 1, "an answer outlives its hops");
}

/* The port may ask once a second. */
static void sent_question(const struct sending *sending)
{
	struct jack_checks *jack = &sending->world->checks->jacks[sending->jack - sending->world->jacks];
	const struct romon_engine *engine = sending->world->stations[sending->station].engine;
	int64_t now = station_now(sending->world, sending->station).ns;
	/* One who wanted to know may have given up while the question stood in the queue. */
	bool wanted = engine->discover.users > 0 || engine->pings.count > 0 || engine->streams.count > 0;

	require(sending, CHECK_ROUTE, sending->out->count == 0 && sending->out->pointer == 0, "a question with hops");
	require(sending, CHECK_SILENCE, wanted, "nobody wants to know");
	require(sending, CHECK_BOUND, !jack->asked || now - jack->asked_at >= ROMON_SECOND, "asked twice in a second");
	jack->asked = true;
	jack->asked_at = now;
}

static void sent_discover(const struct sending *sending)
{
	const struct frame *out = sending->out;
	const struct station_checks *own = &sending->world->checks->stations[sending->station];
	const struct heard_copy *copy = NULL;
	uint64_t list;

	if (romon_mac_equal(out->source, sending->world->stations[sending->station].id)) {
		sent_question(sending);
		return;
	}
	if (!require(sending, CHECK_ROUTE, out->count > 0 && out->pointer == out->count, "a Discover with a wrong pointer"))
		return;
	require(sending, CHECK_ROUTE, frame_hop_link(out, out->count - 1u) != sending->jack->link,
		"a Discover leaves where it came in");
	list = hash_list(out->source, out->hops, out->count);
	for (size_t i = own->heard_first + own->heard_count; i-- > own->heard_first && copy == NULL;)
		if (own->heard[i].list == list)
			copy = &own->heard[i];
	if (!require(sending, CHECK_ROUTE, copy != NULL, "a Discover that did not come"))
		return;
	sending->what->origin = copy->origin;
	sending->what->crossings = (uint16_t)(copy->crossings + 1);
	sending->what->honest = copy->honest;
	require(sending, CHECK_HOPS, sending->what->crossings <= out->count + 1, "a Discover outlives its hops");
	checks_passed_on(sending->world, (uint32_t)(sending->jack - sending->world->jacks), out->source);
}

void checks_sent(struct world *world, uint32_t station, const struct romon_frame *frame, struct passage *what)
{
	struct frame out;
	struct sending sending = {
		.world = world, .station = station, .jack = station_jack(world, station, frame->link), .what = what};

	what->origin = station;
	what->crossings = 1;
	what->honest = true;
	if (world->checks == NULL)
		return;
	if (sending.jack == NULL || !frame_read(&out, frame->data, frame->len)) {
		checks_violated(world, CHECK_ROUTE, "router %u sends a frame that is none", station);
		return;
	}
	sending.out = &out;
	if (world->checks->receiving && world->checks->readable && world->jacks[world->checks->jack].station == station)
		sending.in = &world->checks->frame;
	world->checks->stations[station].wakes = 0;
	require(&sending, CHECK_ROUTE, romon_mac_equal(out.from, sending.jack->mac), "it is sent in another's name");
	require(&sending, CHECK_ROUTE, out.len <= sending.jack->mtu + 14u && out.len == frame->len, "it does not fit the port");
	checks_signed(world, station, (uint32_t)(sending.jack - world->jacks), &out);
	if (out.type == FRAME_DATA)
		sent_data(&sending);
	else if (out.type == FRAME_ANSWER)
		sent_answer(&sending);
	else if (out.type == FRAME_DISCOVER)
		sent_discover(&sending);
}

void checks_ping_reply(struct world *world, uint32_t station, const struct romon_event *event)
{
	const struct checks *checks = world->checks;
	uint32_t origin;

	if (checks == NULL)
		return;
	if (!checks_holds(world, CHECK_ANSWER, checks->receiving && checks->readable && checks->frame.type == FRAME_DATA)) {
		checks_violated(world, CHECK_ANSWER, "router %u: a ping has an answer that did not come", station);
		return;
	}
	origin = checks->passage->origin;
	if (!checks->passage->honest)
		return;
	if (!checks_holds(world, CHECK_WRONG_ID, origin == world_station(world, event->id)))
		checks_violated(world, CHECK_WRONG_ID, "router %u: the answer of router %u counts as another's", station, origin);
}

bool checks_avoiding(const struct world *world, uint32_t station)
{
	const struct romon_engine *engine = world->stations[station].engine;

	return engine != NULL && engine->topology.avoided_count > 0;
}

/* ---- tables ---- */

/* A table that is full of strangers has some room for those whom a secret vouches for. */
static size_t room(size_t max, bool vouched)
{
	return vouched ? TABLE_FOR_VOUCHED(max) : max;
}

void checks_tables(struct world *world, uint32_t station)
{
	const struct romon_engine *e = world->stations[station].engine;
	bool vouched = world->stations[station].secret_count > 0;
	const struct {
		const char *name;
		size_t count, max;
	} tables[] = {{"answered", e->relay.answered.count, room(RELAY_ANSWERS_MAX, vouched)},
		{"askers", e->relay.askers.count, room(RELAY_ASKERS_MAX, vouched)},
		{"heard", e->relay.heard.count, room(RELAY_HEARD_MAX, vouched)},
		{"pending", e->relay.pending_count, RELAY_PENDING_MAX},
		{"neighbors", e->neighbors.table.count, room(NEIGHBORS_MAX, vouched)},
		{"peers", e->auth.peers.count, AUTH_PEERS_MAX},
		{"nodes", e->topology.node_len, room(TOPOLOGY_NODES_MAX, vouched)},
		{"members", e->topology.member_len, room(TOPOLOGY_MEMBERS_MAX, vouched)},
		{"segments", e->topology.segment_len, room(TOPOLOGY_MEMBERS_MAX, vouched)},
		{"avoided", e->topology.avoided_count, TOPOLOGY_AVOIDED_MAX}, {"pings", e->pings.count, PINGS_MAX},
		{"ping events", e->pings.event_count, PING_EVENTS_MAX}, {"streams", e->streams.count, STREAMS_MAX},
		{"half open", e->streams.half_open_count, room(STREAM_HALF_OPEN_MAX, vouched)},
		{"queue", e->queue.count, QUEUE_FRAMES_MAX}, {"queue bytes", e->queue.bytes_len, QUEUE_BYTES_MAX}};

	if (world->checks == NULL)
		return;
	world->checks->done[CHECK_TABLE]++;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		if (tables[i].count > tables[i].max)
			checks_violated(world, CHECK_TABLE, "router %u: the table '%s' holds %zu, more than %zu", station,
				tables[i].name, tables[i].count, tables[i].max);
}
