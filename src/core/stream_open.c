/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How streams begin. A connector repeats its connect on a fixed schedule; an acceptor answers with its number and is half-open until
 * somebody shows by that number that he hears us: until then nobody is told and little is held, since anyone can forge a connect.
 */
#include "core/stream.h"

#include "core/engine.h"

#define PORT_TRIES 1024
#define PATH_FRESH_TIME (5 * ROMON_SECOND) /* a peer seen longer ago is looked for again, beside connecting to it */
#define DOUBT_TRIES 3                      /* connects without an answer before the path is doubted */

/* When connect or accept is sent again, after the first time [R]. */
static const int64_t schedule[] = {
	250 * ROMON_MILLISECOND, 750 * ROMON_MILLISECOND, 1750 * ROMON_MILLISECOND, 3750 * ROMON_MILLISECOND};

/* ---- the connecting end ---- */

/* 1024 and up, random, of no service and not in use with this peer. False: none was found. */
static bool choose_port(const struct romon_engine *engine, struct stream_key *key)
{
	for (unsigned i = 0; i < PORT_TRIES; i++) {
		key->local = (uint16_t)(WIRE_PORT_EPHEMERAL + engine_random(engine) % (UINT16_MAX + 1u - WIRE_PORT_EPHEMERAL));
		if (!stream_listens(&engine->streams, key->local) && stream_find(&engine->streams, key) == NULL)
			return true;
	}
	return false;
}

static void send_again(struct romon_engine *engine, struct stream *stream)
{
	int64_t first = stream->end - STREAM_OPEN_TIME;

	stream->timer = STREAM_NEVER;
	for (size_t i = sizeof(schedule) / sizeof(schedule[0]); i-- > 0;)
		if (first + schedule[i] > engine->now.ns)
			stream->timer = first + schedule[i];
	stream_ready(&engine->streams, stream, stream->connector ? STREAM_WANT_CONNECT : STREAM_WANT_ACCEPT);
}

static void begin(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	uint32_t node = topology_find(&engine->topology, stream->key.peer);

	stream->end = now.ns + STREAM_OPEN_TIME;
	if (!stream_find_path(engine, stream, now) || now.ns - engine->topology.nodes[node].seen.ns > PATH_FRESH_TIME)
		stream_ask(engine, stream, true, now);
	send_again(engine, stream);
	stream_schedule(&engine->streams, stream);
}

uint32_t stream_connect(struct romon_engine *engine, struct romon_mac peer, uint16_t port, struct romon_time now)
{
	struct stream_key key = {.peer = peer, .remote = port};
	bool wait = stream_opening(&engine->streams, peer, true) >= STREAM_HALF_OPEN_OF_PEER;
	struct stream *stream;

	if (!romon_id_valid(peer) || romon_mac_equal(peer, engine->self.id) || port <= WIRE_PORT_PING ||
		!choose_port(engine, &key))
		return 0;
	stream = stream_new(engine, &key, wait ? STREAM_WAITING : STREAM_CONNECTING);
	if (stream == NULL)
		return 0;
	stream->connector = true;
	stream_name(&engine->streams, stream);
	if (wait) {
		stream->end = now.ns + STREAM_TURN_TIME;
		stream_schedule(&engine->streams, stream);
	} else {
		begin(engine, stream, now);
	}
	return stream->handle;
}

void stream_next_turn(struct romon_engine *engine, struct romon_mac peer, struct romon_time now)
{
	struct stream *stream;

	TAILQ_FOREACH(stream, &engine->streams.waiting, phase_link)
	{
		if (romon_mac_equal(stream->key.peer, peer)) {
			stream_enter(engine, stream, STREAM_CONNECTING);
			begin(engine, stream, now);
			return;
		}
	}
}

void stream_open_timeout(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	if (stream->state == STREAM_CONNECTING && stream->tries == DOUBT_TRIES)
		stream_heal(engine, stream, now);
	send_again(engine, stream);
}

static void opened(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	if (stream->tries == 1) /* else nobody knows which of them was answered */
		rtt_sample(&stream->rtt, now.ns - stream->sent_at.ns);
	stream->timer = stream->end = STREAM_NEVER;
	stream->alive = now;
	stream_ask(engine, stream, false, now);
	stream_resize(engine, stream);
	congestion_init(&stream->congestion, stream->size, STREAM_WINDOW);
	stream_enter(engine, stream, STREAM_OPEN);
	stream_schedule(&engine->streams, stream);
}

static enum romon_stream_end reason_of(uint8_t mark)
{
	if (mark == WIRE_MARK_NO_SERVICE)
		return ROMON_STREAM_NO_SERVICE;
	return mark == WIRE_MARK_RESET ? ROMON_STREAM_RESET : ROMON_STREAM_REFUSED;
}

void stream_receive_connecting(struct romon_engine *engine, struct port *port, struct stream *stream,
	const struct wire_message *message, const struct wire_stream *segment, struct romon_time now)
{
	bool answer = segment->ack == stream->iss && stream->tries > 0;

	if (segment->type == WIRE_STREAM_ACCEPT && answer) {
		stream->irs = stream->next = stream->told = segment->seq;
		stream->ours = stream->offered && segment->unknown == WIRE_MARK_OURS;
		stream_follow(engine, stream, port, message, now);
		opened(engine, stream, now);
		stream_tell(&engine->streams, stream, ROMON_EVENT_STREAM_OPEN);
		stream_ready(&engine->streams, stream, STREAM_WANT_ACK);
		return;
	}
	if (segment->type == WIRE_STREAM_CLOSE && answer) {
		stream_end(engine, stream, reason_of(stream->offered ? segment->unknown : 0));
		return;
	}
	port_drop(port, ROMON_DROP_BAD_SEGMENT);
	/* The peer still has a stream of old with these ports: that one is no more. */
	if (segment->type != WIRE_STREAM_CONNECT && segment->type != WIRE_STREAM_CLOSE)
		stream_refuse(engine, &stream->key, message, segment, WIRE_MARK_RESET, now);
}

/* ---- the accepting end ---- */

void stream_refuse(struct romon_engine *engine, const struct stream_key *key, const struct wire_message *message,
	const struct wire_stream *segment, uint8_t mark, struct romon_time now)
{
	struct wire_stream close = {.type = WIRE_STREAM_CLOSE, .unknown = mark, .seq = segment->ack};
	struct wire_message answer = {.dst = key->peer, .src_port = key->local, .dst_port = key->remote};
	struct route route = {.l2mtu = 0};
	struct port *port;
	uint8_t *payload;

	if (!stream_limit_passes(&engine->streams.closes, now))
		return;
	close.ack = segment->seq + (uint32_t)segment->data_len;
	answer.hop_count = message->hop_count;
	for (unsigned i = 0; i < answer.hop_count; i++)
		answer.hops[i] = message->hops[answer.hop_count - 1u - i];
	if (!route_set(&route, engine, &answer))
		return;
	port = engine_port(engine, answer.hops[0].link); /* where the segment came in */
	payload = port != NULL && engine_may_answer(engine, &engine->data_answers, port, route.header_len + WIRE_STREAM_LEN)
			  ? route_output(engine, &route, WIRE_STREAM_LEN)
			  : NULL;
	if (payload != NULL)
		wire_stream_encode(&close, payload, WIRE_STREAM_LEN);
	route_free(&route);
}

/* May one more be half-open? The oldest makes room if it had its chance. */
static bool may_open(struct romon_engine *engine, struct romon_mac peer, struct romon_time now)
{
	struct streams *streams = &engine->streams;
	struct stream *oldest = TAILQ_FIRST(&streams->half_open);

	if (stream_opening(streams, peer, false) >= STREAM_HALF_OPEN_OF_PEER)
		return false;
	if (streams->half_open_count < (engine->vouched ? TABLE_FOR_VOUCHED(STREAM_HALF_OPEN_MAX) : STREAM_HALF_OPEN_MAX))
		return true;
	if (now.ns - oldest->began.ns < STREAM_HALF_OPEN_KEPT)
		return false;
	stream_free(engine, oldest);
	return true;
}

/* One that finds no room among those half-open gets no answer: it will come again. */
static void accept_connect(struct romon_engine *engine, struct port *port, const struct stream_key *key,
	const struct wire_message *message, const struct wire_stream *segment, struct romon_time now)
{
	struct stream *stream;

	if (!may_open(engine, key->peer, now)) {
		port_drop(port, ROMON_DROP_TABLE_FULL);
		return;
	}
	stream = stream_new(engine, key, STREAM_ACCEPTING);
	if (stream == NULL) {
		port_drop(port, ROMON_DROP_TABLE_FULL);
		stream_refuse(engine, key, message, segment, segment->unknown == WIRE_MARK_OURS ? WIRE_MARK_REFUSED : 0, now);
		return;
	}
	stream->irs = stream->next = stream->told = segment->seq;
	stream->ours = segment->unknown == WIRE_MARK_OURS;
	stream->vouched = engine->vouched;
	stream->end = now.ns + STREAM_OPEN_TIME;
	stream_follow(engine, stream, port, message, now);
	send_again(engine, stream);
	stream_schedule(&engine->streams, stream);
}

void stream_receive_unknown(struct romon_engine *engine, struct port *port, const struct stream_key *key,
	const struct wire_message *message, const struct wire_stream *segment, struct romon_time now)
{
	bool connect = segment->type == WIRE_STREAM_CONNECT;
	uint8_t mark = WIRE_MARK_RESET;

	if (connect && stream_listens(&engine->streams, key->local) && key->remote >= WIRE_PORT_EPHEMERAL) {
		accept_connect(engine, port, key, message, segment, now);
		return;
	}
	port_drop(port, connect ? ROMON_DROP_NO_SERVICE : ROMON_DROP_NO_STREAM);
	if (connect)
		mark = segment->unknown == WIRE_MARK_OURS ? WIRE_MARK_NO_SERVICE : 0;
	if (segment->type != WIRE_STREAM_CLOSE) /* never, or two routers that know nothing would go on for ever */
		stream_refuse(engine, key, message, segment, mark, now);
}

bool stream_receive_accepting(struct romon_engine *engine, struct port *port, struct stream *stream,
	const struct wire_message *message, const struct wire_stream *segment, struct romon_time now)
{
	bool proof = segment->ack == stream->iss && segment->seq - stream->irs <= STREAM_WINDOW;

	if (segment->type == WIRE_STREAM_CONNECT && segment->seq == stream->irs) {
		stream_follow(engine, stream, port, message, now);
		stream_ready(&engine->streams, stream, STREAM_WANT_ACCEPT);
		return false;
	}
	if ((segment->type == WIRE_STREAM_ACK || segment->type == WIRE_STREAM_DATA) && proof) {
		opened(engine, stream, now);
		stream_name(&engine->streams, stream);
		stream_tell(&engine->streams, stream, ROMON_EVENT_STREAM_ACCEPTED);
		return true;
	}
	if (segment->type == WIRE_STREAM_CLOSE && stream->ours && segment->unknown == WIRE_MARK_RESET && proof) {
		stream_free(engine, stream);
		return false;
	}
	/* A plain close comes again, and by then its sender has answered our accept. */
	port_drop(port, ROMON_DROP_BAD_SEGMENT);
	if (segment->type == WIRE_STREAM_CONNECT && stream_may_challenge(engine, port, stream, now))
		stream_ready(&engine->streams, stream, STREAM_WANT_ACK);
	return false;
}
