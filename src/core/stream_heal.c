/* SPDX-License-Identifier: BSD-2-Clause
 *
 * When segments do not come through: another path first, then another size. Both are found out by trying; discovery, which runs meanwhile,
 * may tell of a path that is better than either.
 */
#include "core/stream.h"

#include <string.h>

#include "core/engine.h"

const uint16_t stream_sizes[4] = {512, 1024, 1280, 1400};

uint32_t stream_size_for(const struct stream *stream, uint32_t l2mtu)
{
	uint32_t headers = STREAM_OVERHEAD + (uint32_t)stream->route.hop_count * WIRE_HOP_LEN;

	return l2mtu >= headers + STREAM_SIZE_MIN ? l2mtu - headers : STREAM_SIZE_MIN;
}

uint32_t stream_size_uncapped(const struct romon_engine *engine, const struct stream *stream)
{
	const struct port *port = stream->route.hop_count > 0 ? engine_port(engine, stream->route.hops[0].link) : NULL;
	uint16_t l2mtu = stream->route.l2mtu;

	if (port != NULL && port->conf.mtu < l2mtu)
		l2mtu = port->conf.mtu;
	return stream_size_for(stream, l2mtu);
}

void stream_resize(const struct romon_engine *engine, struct stream *stream)
{
	uint32_t size = stream_size_uncapped(engine, stream);

	if (stream->cap != 0 && stream_size_for(stream, stream->cap) < size)
		size = stream_size_for(stream, stream->cap);
	if (stream->congestion.segment != 0 && stream->congestion.segment != size)
		congestion_segment(&stream->congestion, size);
	stream->size = size;
}

/* The topology's path to the peer, as the head of a message. Returns its L2MTU; 0: there is none. */
static uint16_t known_path(
	struct romon_engine *engine, const struct stream *stream, struct wire_message *message, struct romon_time now)
{
	uint32_t node = topology_find(&engine->topology, stream->key.peer);

	/* Others may have told of the peer before it speaks for itself. Until then nobody knows whether it is ours, and our connect has to
	 * say that: without it our close would end both ways. */
	if (stream->state == STREAM_CONNECTING && !engine->topology.nodes[node].answered)
		return 0;
	message->hop_count = node != TOPOLOGY_SELF ? topology_path(&engine->topology, node, message->hops, now) : 0;
	if (message->hop_count == 0)
		return 0;
	message->dst = stream->key.peer;
	message->src_port = stream->key.local;
	message->dst_port = stream->key.remote;
	return engine->topology.nodes[node].label.l2mtu;
}

bool stream_find_path(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	struct wire_message path = {.hop_count = 0};
	uint16_t l2mtu = known_path(engine, stream, &path, now);

	if (l2mtu == 0)
		return false;
	if (route_is(&stream->route, path.hops, path.hop_count)) {
		if (stream->route.l2mtu == l2mtu)
			return false;
	} else {
		if (!route_set(&stream->route, engine, &path))
			return false;
		stream->cap = 0;
		stream->trying = stream->probing = false;
	}
	stream->route.l2mtu = l2mtu;
	stream_resize(engine, stream);
	return true;
}

static void follow(struct romon_engine *engine, struct stream *stream, const struct port *port,
	const struct wire_message *message, struct romon_time now)
{
	struct wire_message path = {.hop_count = 0}, back;
	uint16_t l2mtu;

	l2mtu = known_path(engine, stream, &path, now);
	back.eth_dst = back.eth_src = romon_mac_zero; /* route_output() fills them in */
	memset(back.auth, 0, sizeof(back.auth));
	back.dst = stream->key.peer;
	back.src_port = stream->key.local;
	back.dst_port = stream->key.remote;
	back.payload = NULL;
	back.hop_count = message->hop_count;
	for (unsigned i = 0; i < back.hop_count; i++)
		back.hops[i] = message->hops[back.hop_count - 1u - i];
	if (!route_set(&stream->route, engine, &back))
		return;
	if (l2mtu == 0 || !route_is(&stream->route, path.hops, path.hop_count))
		l2mtu = port->conf.mtu < STREAM_L2MTU_GUESS ? port->conf.mtu : STREAM_L2MTU_GUESS;
	stream->route.l2mtu = l2mtu;
	stream_resize(engine, stream);
}

void stream_follow(struct romon_engine *engine, struct stream *stream, const struct port *port,
	const struct wire_message *message, struct romon_time now)
{
	if (!route_answers(&stream->route, message))
		follow(engine, stream, port, message, now);
}

void stream_ask(struct romon_engine *engine, struct stream *stream, bool want, struct romon_time now)
{
	struct streams *streams = &engine->streams;

	if (want && !stream->asking) {
		TAILQ_INSERT_TAIL(&streams->asking, stream, asking_link);
		stream->asking = true;
		discover_start(engine, now);
	} else if (!want && stream->asking) {
		TAILQ_REMOVE(&streams->asking, stream, asking_link);
		stream->asking = false;
		discover_stop(engine);
	}
}

void stream_heal(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	struct wire_message path;

	/* Another stream to this peer may have doubted the path before; then there is another one to try already. */
	if (known_path(engine, stream, &path, now) != 0 && route_is(&stream->route, path.hops, path.hop_count))
		topology_doubt(&engine->topology, topology_find(&engine->topology, stream->key.peer), now);
	stream_ask(engine, stream, true, now);
	stream_find_path(engine, stream, now);
}

void stream_measure(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	stream_ask(engine, stream, true, now);
	stream_find_path(engine, stream, now);
}

/* In a round of discovery that began after something was last sent to it, the peer has answered, and so has every router on the way by
 * the present path: what was cut is whole again. */
static bool path_is_back(struct romon_engine *engine, const struct stream *stream, struct romon_time now)
{
	const struct topology *topology = &engine->topology;
	struct wire_message path = {.hop_count = 0};
	const struct node *peer;

	if (known_path(engine, stream, &path, now) == 0 || !route_is(&stream->route, path.hops, path.hop_count))
		return false;
	peer = &topology->nodes[topology_find(topology, stream->key.peer)];
	return peer->label.stale == 0 && peer->round == topology->round && stream->sent_at.ns < engine->discover.round.ns;
}

/* A path is there to be tried now, rather than when the timer says so. */
static void try_now(struct streams *streams, struct stream *stream, unsigned timeouts, struct romon_time now)
{
	stream_resend_all(stream);
	stream->timer = now.ns + rtt_timeout(&stream->rtt, timeouts);
	stream_ready(streams, stream, 0);
	stream_schedule(streams, stream);
}

void streams_look(struct romon_engine *engine, struct romon_time now)
{
	struct streams *streams = &engine->streams;
	struct stream *stream;

	if (TAILQ_EMPTY(&streams->asking) || streams->looked == engine->topology.generation)
		return;
	streams->looked = engine->topology.generation;
	TAILQ_FOREACH(stream, &streams->asking, asking_link)
	{
		bool other = stream_find_path(engine, stream, now),
		     open = stream->state == STREAM_OPEN && stream_outstanding(stream);

		if (other && stream->state == STREAM_CONNECTING)
			stream_ready(streams, stream, STREAM_WANT_CONNECT);
		else if (other && open)
			try_now(streams, stream, 0, now);
		else if (open && path_is_back(engine, stream, now))
			try_now(streams, stream, stream->timeouts, now);
		else if (other)
			stream_idle_again(engine, stream, now);
	}
}

void stream_learn_size(const struct romon_engine *engine, struct stream *stream, uint32_t ack, struct romon_time now)
{
	if (stream->probing && (int32_t)(ack - stream->probed) >= 0) { /* the larger one came through */
		stream->probing = false;
		stream->cap = 0;
		stream_resize(engine, stream);
	}
	if (!stream->trying)
		return;
	for (size_t i = 0; i < sizeof(stream_sizes) / sizeof(stream_sizes[0]); i++) {
		uint32_t size = stream_size_for(stream, stream_sizes[i]);

		if (size < stream->tried_size && ack - stream->tried == size) {
			stream->cap = stream_sizes[i];
			stream->cap_until.ns = now.ns + STREAM_SIZE_TIME;
			flight_lose_all(&stream->flight); /* what went out in larger pieces is cut anew */
			stream_resize(engine, stream);
			return;
		}
	}
	stream->trying = false;
	if (ack - stream->tried == stream->tried_size) { /* the largest passed: size was not what stood in the way */
		stream->cap = 0;
		stream_resize(engine, stream);
	}
}
