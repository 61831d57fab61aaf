/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Segments in: what they bring, and what is answered.
 */
#include "core/stream.h"

#include "core/broken.h"
#include "core/engine.h"

#define UNACKED_MAX 8 /* segments in order that came in one go share an acknowledgement, up to so many */

/* Bytes that begin where the next ones are expected. */
static void take_next(struct romon_engine *engine, struct stream *stream, uint32_t end, struct romon_time now)
{
	bool gap = stream->early.count > 0;

	if (gap)
		end = ranges_advance(&stream->early, end);
	stream->in.len += end - stream->next;
	stream->next = end;
	stream_tell(&engine->streams, stream, ROMON_EVENT_STREAM_READABLE);
	stream_reach_close(&engine->streams, stream);
	stream->repeats = 0;
	stream->repeat_at = STREAM_NEVER;
	stream->withheld = stream_ack_number(stream) != end;
	stream->unacked++;
	if (gap || stream->unacked >= UNACKED_MAX)
		stream_acknowledge(engine, stream, now);
	else if (stream_ack_number(stream) != stream->told || stream_has_blocks(stream))
		stream_ready(&engine->streams, stream, STREAM_WANT_ACK);
}

/* It came twice: so the sender need not have sent it again, and learns that by our next acknowledgement. */
static void note_again(struct stream *stream, uint32_t from, uint32_t to)
{
	if ((int32_t)(stream->next - to) < 0 && !ranges_hold(&stream->early, stream->next, from, to))
		return;
	stream->again_from = from;
	stream->again_to = to;
}

static void take_data(
	struct romon_engine *engine, struct stream *stream, const struct wire_stream *segment, struct romon_time now)
{
	uint32_t seq = segment->seq, end = seq + (uint32_t)segment->data_len, offset, room;

	if (stream->close_known && (int32_t)(end - stream->close_seq) > 0)
		end = stream->close_seq;
	if ((int32_t)(seq - stream->next) < 0)
		seq = stream->next;
	offset = stream->in.len + (seq - stream->next);
	if ((int32_t)(end - seq) > 0) {
		room = buffer_reserve(&stream->in, &engine->streams.pool, offset + (end - seq));
		if (offset + (end - seq) > room)
			end = offset < room ? seq + (room - offset) : seq;
	}
	if ((int32_t)(end - seq) <= 0) { /* it came before: the sender has not heard our acknowledgement; or there is no room */
		note_again(stream, segment->seq, segment->seq + (uint32_t)segment->data_len);
		stream_acknowledge(engine, stream, now);
		return;
	}
	if (seq == stream->next) {
		buffer_put(&stream->in, offset, segment->data + (seq - segment->seq), end - seq);
		take_next(engine, stream, end, now);
		return;
	}
	stream->latest = seq;
	if (ranges_hold(&stream->early, stream->next, seq, end))
		note_again(stream, seq, end);
	else if (ranges_add(&stream->early, stream->next, seq, end) && !BROKEN(CONTENT))
		buffer_put(&stream->in, offset, segment->data + (seq - segment->seq), end - seq);
	stream_acknowledge(engine, stream, now); /* that says nothing new: something is missing */
}

/* ---- an open stream ---- */

/* Could a segment with these numbers come from the other end of this stream? */
static bool plausible(const struct stream *stream, const struct wire_stream *segment)
{
	uint32_t number = stream_ack_number(stream);
	int32_t ahead = (int32_t)(segment->seq + (uint32_t)segment->data_len - number), behind = (int32_t)(number - segment->seq);
	int32_t unsent = (int32_t)(segment->ack - stream->max), old = (int32_t)(stream->una - segment->ack);

	return ahead <= STREAM_WINDOW && behind <= STREAM_WINDOW && unsent <= 0 && old <= STREAM_WINDOW;
}

static void challenge(struct romon_engine *engine, struct port *port, struct stream *stream, struct romon_time now)
{
	port_drop(port, ROMON_DROP_BAD_SEGMENT);
	if (stream_may_challenge(engine, port, stream, now))
		stream_acknowledge(engine, stream, now);
}

static void receive_open(struct romon_engine *engine, struct port *port, struct stream *stream,
	const struct wire_message *message, const struct wire_stream *segment, struct romon_time now)
{
	struct streams *streams = &engine->streams;

	if (segment->type == WIRE_STREAM_ACCEPT && stream->connector && segment->seq == stream->irs &&
		segment->ack == stream->iss) {
		stream->alive = now;
		stream_ready(streams, stream, STREAM_WANT_ACK); /* our answer was lost, or it asks whether we are there */
		return;
	}
	if (segment->type == WIRE_STREAM_CONNECT || segment->type == WIRE_STREAM_ACCEPT || !plausible(stream, segment)) {
		challenge(engine, port, stream, now);
		return;
	}
	if ((int32_t)(segment->ack - stream->una) >= 0) {
		stream_follow(engine, stream, port, message, now);
		/* One who lacks what was acknowledged to us would ask for it for ever: no life. */
		stream->alive = now;
		stream->silent = 0;
	}
	stream_ask(engine, stream, false, now);
	if (stream->state == STREAM_OPEN)
		stream_take_ack(engine, stream, segment, now);
	if (segment->type == WIRE_STREAM_CLOSE) {
		stream_receive_close(engine, port, stream, segment, now);
		if (stream->state == STREAM_ENDED)
			return;
	} else {
		if (segment->data_len > 0)
			take_data(engine, stream, segment, now);
		stream_hear_close(stream, segment);
	}
	if (stream->state == STREAM_OPEN && stream->close_acked && stream->peer_closed)
		stream_settle(engine, stream, now);
	stream_schedule(streams, stream);
}

void stream_receive(struct romon_engine *engine, struct port *port, const struct wire_message *message, struct romon_time now)
{
	struct stream_key key = {.peer = message->src, .local = message->dst_port, .remote = message->src_port};
	struct wire_stream segment;
	struct stream *stream;

	if (!wire_stream_decode(message->payload, message->payload_len, &segment) || segment.type > WIRE_STREAM_CLOSE) {
		port_drop(port, ROMON_DROP_BAD_SEGMENT);
		return;
	}
	stream = stream_find(&engine->streams, &key);
	if (stream != NULL && stream->state == STREAM_OVER && stream->handle == 0 && segment.type == WIRE_STREAM_CONNECT &&
		segment.seq != stream->irs) { /* the peer uses the port again for a new one; the old one is not needed for that */
		stream_free(engine, stream);
		stream = NULL;
	}
	if (stream == NULL) {
		stream_receive_unknown(engine, port, &key, message, &segment, now);
		return;
	}
	switch (stream->state) {
	case STREAM_WAITING:
	case STREAM_CONNECTING:
		stream_receive_connecting(engine, port, stream, message, &segment, now);
		break;
	case STREAM_ACCEPTING:
		if (stream_receive_accepting(engine, port, stream, message, &segment, now))
			receive_open(engine, port, stream, message, &segment, now);
		break;
	default:
		receive_open(engine, port, stream, message, &segment, now);
		break;
	}
}
