/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Streams as the user of the engine sees them: what <romon/romon.h> promises.
 */
#include "core/stream.h"

#include <string.h>

#include "core/engine.h"

#define WRITE_MIN (32 * 1024) /* bytes that the user may have written ahead, whatever the window is */
#define WRITE_FEW (16 * 1024) /* the same while many streams share the memory */
#define SPACE (64 * 1024)     /* offered at a time */
#define ACK_STEP (4 * 1024)   /* a reader that goes on is worth an acknowledgement after so many bytes */

const char *romon_stream_end_text(enum romon_stream_end reason)
{
	static const char *const texts[] = {
		[ROMON_STREAM_DONE] = "done",
		[ROMON_STREAM_RESET] = "reset by the other side",
		[ROMON_STREAM_REFUSED] = "refused",
		[ROMON_STREAM_NO_SERVICE] = "no such service",
		[ROMON_STREAM_TIMEOUT] = "timeout",
		[ROMON_STREAM_NO_PATH] = "no path",
	};

	return (size_t)reason < sizeof(texts) / sizeof(texts[0]) ? texts[reason] : "unknown";
}

bool romon_engine_listen(struct romon_engine *engine, uint16_t port, bool on)
{
	uint8_t *byte = &engine->streams.listening[port / 8], bit = (uint8_t)(1u << (port % 8));

	if (port <= WIRE_PORT_PING)
		return false;
	if (on)
		*byte |= bit;
	else
		*byte &= (uint8_t)~bit;
	return true;
}

uint32_t romon_engine_stream_connect(struct romon_engine *engine, struct romon_mac id, uint16_t port, struct romon_time now)
{
	engine->now = now;
	return stream_connect(engine, id, port, now);
}

/* ---- writing ---- */

uint32_t stream_write_limit(const struct stream *stream)
{
	uint32_t limit = 2 * stream->congestion.window;

	if (limit < WRITE_MIN)
		return WRITE_MIN;
	return limit < BUFFER_MAX ? limit : BUFFER_MAX;
}

static struct stream *writable(struct romon_engine *engine, uint32_t handle)
{
	struct stream *stream = stream_by_handle(&engine->streams, handle);

	return stream != NULL && stream->state <= STREAM_OPEN && !stream->finished ? stream : NULL;
}

/* The room for up to want more bytes that stands in one piece; without any, the user will be told when there is. */
static uint32_t space(struct romon_engine *engine, struct stream *stream, size_t want, uint8_t **place)
{
	struct buffer_pool *pool = &engine->streams.pool;
	uint32_t limit = pool->used > BUFFER_POOL_MAX / 2 ? WRITE_FEW : stream_write_limit(stream), cap;

	if (want < limit && stream->out.len + want < limit)
		limit = stream->out.len + (uint32_t)want;
	cap = limit > stream->out.len ? buffer_reserve(&stream->out, pool, limit) : 0;
	if (cap < limit)
		limit = cap;
	if (limit <= stream->out.len) {
		stream->blocked = true;
		return 0;
	}
	return buffer_piece(&stream->out, stream->out.len, limit, place);
}

static void commit(struct romon_engine *engine, struct stream *stream, uint32_t len)
{
	stream->out.len += len;
	if (stream->state == STREAM_OPEN)
		stream_ready(&engine->streams, stream, 0);
}

size_t romon_stream_space(struct romon_engine *engine, uint32_t handle, uint8_t **place)
{
	struct stream *stream = writable(engine, handle);

	return stream != NULL ? space(engine, stream, SPACE, place) : 0;
}

void romon_stream_commit(struct romon_engine *engine, uint32_t handle, size_t len)
{
	struct stream *stream = writable(engine, handle);

	if (stream != NULL && len <= stream->out.cap - stream->out.len)
		commit(engine, stream, (uint32_t)len);
}

size_t romon_stream_write(struct romon_engine *engine, uint32_t handle, const void *data, size_t len)
{
	struct stream *stream = writable(engine, handle);
	size_t written = 0;

	while (stream != NULL && written < len) {
		uint8_t *place;
		uint32_t piece = space(engine, stream, len - written, &place);

		if (piece == 0)
			break;
		memcpy(place, (const uint8_t *)data + written, piece);
		commit(engine, stream, piece);
		written += piece;
	}
	return written;
}

void romon_stream_shutdown(struct romon_engine *engine, uint32_t handle)
{
	struct stream *stream = writable(engine, handle);

	if (stream == NULL)
		return;
	stream->finished = true;
	stream->blocked = false;
	if (stream->state == STREAM_OPEN)
		stream_ready(&engine->streams, stream, 0);
}

/* ---- reading ---- */

size_t romon_stream_peek(struct romon_engine *engine, uint32_t handle, const uint8_t **data)
{
	struct stream *stream = stream_by_handle(&engine->streams, handle);
	uint8_t *place;
	uint32_t piece;

	if (stream == NULL || stream->in.len == 0)
		return 0;
	piece = buffer_piece(&stream->in, 0, stream->in.len, &place);
	*data = place;
	return piece;
}

void romon_stream_read(struct romon_engine *engine, uint32_t handle, size_t len)
{
	struct stream *stream = stream_by_handle(&engine->streams, handle);
	struct streams *streams = &engine->streams;
	uint32_t number;

	if (stream == NULL || len == 0 || len > stream->in.len)
		return;
	buffer_drop(&stream->in, (uint32_t)len);
	if (stream->in.len == 0 && stream->early.count == 0)
		buffer_rest(&stream->in, &streams->pool);
	stream->received += len;
	number = stream_ack_number(stream);
	if (stream->withheld && number != stream->told && (number == stream->next || number - stream->told >= ACK_STEP))
		stream_ready(streams, stream, STREAM_WANT_ACK);
	if (stream->state == STREAM_OVER && stream->in.len == 0) {
		buffer_free(&stream->in, &streams->pool); /* it lingers, and needs none for that */
		stream_tell(streams, stream, ROMON_EVENT_STREAM_CLOSED);
	}
}

bool romon_stream_finished(struct romon_engine *engine, uint32_t handle)
{
	const struct stream *stream = stream_by_handle(&engine->streams, handle);

	return stream != NULL && stream->peer_closed && stream->in.len == 0;
}

/* ---- ending ---- */

void romon_stream_reset(struct romon_engine *engine, uint32_t handle, enum romon_stream_end reason)
{
	struct stream *stream = stream_by_handle(&engine->streams, handle);

	if (stream == NULL)
		return;
	if (stream->state == STREAM_OPEN)
		stream_break(engine, stream, reason);
	/* What is broken is kept only to tell its user, who knows. */
	stream = stream_by_handle(&engine->streams, handle);
	stream_free(engine, stream);
}

/* ---- looking ---- */

/* The IDs on the way, if it is the one that the topology knows. */
static void describe_path(struct romon_engine *engine, const struct stream *stream, struct romon_stream_info *info)
{
	struct topology *topology = &engine->topology;
	uint32_t node = topology_find(topology, stream->key.peer);
	struct wire_hop hops[ROMON_HOPS_MAX];
	uint8_t count = node != TOPOLOGY_SELF ? topology_path(topology, node, hops, engine->now) : 0;

	info->hops = stream->route.hop_count;
	info->path_known = count > 0 && route_is(&stream->route, hops, count);
	for (unsigned i = count; info->path_known && i-- > 0; node = topology->nodes[node].label.previous)
		info->path[i] = topology->nodes[node].id;
}

bool romon_stream_info(struct romon_engine *engine, uint32_t handle, struct romon_stream_info *info)
{
	const struct stream *stream = stream_by_handle(&engine->streams, handle);

	if (stream == NULL)
		return false;
	*info = (struct romon_stream_info){.id = stream->key.peer,
		.local_port = stream->key.local,
		.remote_port = stream->key.remote,
		.connector = stream->connector,
		.ours = stream->ours,
		.state = stream->state < STREAM_OPEN ? ROMON_STREAM_CONNECTING : ROMON_STREAM_OPEN,
		.received = stream->received,
		.sent = stream->sent,
		.unread = stream->in.len,
		.unsent = stream->out.len,
		.resent = stream->resent,
		.window = stream->congestion.window,
		.segment = stream->size,
		.rtt = stream->rtt.smoothed,
		.began = stream->began};
	if (stream->finished || stream->peer_closed || stream->state > STREAM_OPEN)
		info->state = ROMON_STREAM_CLOSING;
	describe_path(engine, stream, info);
	return true;
}

uint32_t romon_stream_next(const struct romon_engine *engine, uint32_t handle)
{
	const struct streams *streams = &engine->streams;

	for (size_t i = handle != 0 ? (handle & (STREAMS_MAX - 1)) + 1 : 0; streams->slots != NULL && i < STREAMS_MAX; i++)
		if (streams->slots[i] != NULL)
			return streams->slots[i]->handle;
	return 0;
}
