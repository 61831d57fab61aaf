/* SPDX-License-Identifier: BSD-2-Clause
 *
 * How streams end. A close takes no sequence number, so an acknowledgement of the last byte does not say whether the close behind it has
 * come. Between ours a mark says so (WIRE_MARK_CLOSED); from others an acknowledgement after the close is taken for it.
 */
#include "core/stream.h"

#include "core/engine.h"

uint8_t stream_mark_of(enum romon_stream_end reason)
{
	switch (reason) {
	case ROMON_STREAM_REFUSED:
		return WIRE_MARK_REFUSED;
	case ROMON_STREAM_NO_SERVICE:
		return WIRE_MARK_NO_SERVICE;
	default:
		return WIRE_MARK_RESET;
	}
}

void stream_break(struct romon_engine *engine, struct stream *stream, enum romon_stream_end reason)
{
	if (stream->state == STREAM_OPEN)
		stream_send_mark(engine, stream, WIRE_STREAM_CLOSE, stream->ours ? stream_mark_of(reason) : 0);
	stream_end(engine, stream, reason);
}

bool stream_hear_close(struct stream *stream, const struct wire_stream *segment)
{
	bool said = stream->ours ? segment->unknown == WIRE_MARK_CLOSED : true;

	if (!stream->close_sent || stream->close_acked || !said || segment->ack != stream->max || stream->out.len > 0)
		return false;
	if (!stream->ours && !stream->peer_closed) { /* or it was on its way before our close: so that is repeated for its time */
		stream->close_heard = true;
		return false;
	}
	stream->close_acked = true;
	if (stream->max == stream->una)
		stream->timer = STREAM_NEVER;
	return stream->ours;
}

void stream_settle(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	struct streams *streams = &engine->streams;

	stream->timer = stream->tail_at = stream->overdue_at = STREAM_NEVER;
	stream_ask(engine, stream, false, now);
	buffer_free(&stream->out, &streams->pool);
	stream->close_acked = true;
	stream->end = now.ns + STREAM_LINGER;
	stream->close_answered = now;
	stream_enter(engine, stream, STREAM_OVER);
	stream->reason = ROMON_STREAM_DONE;
	if (stream->in.len == 0) {
		buffer_free(&stream->in, &streams->pool);
		stream_tell(streams, stream, ROMON_EVENT_STREAM_CLOSED);
	}
	stream_schedule(streams, stream);
}

void stream_reach_close(struct streams *streams, struct stream *stream)
{
	if (!stream->close_known || stream->peer_closed || stream->next != stream->close_seq)
		return;
	stream->peer_closed = true;
	ranges_free(&stream->early);
	stream_tell(streams, stream, ROMON_EVENT_STREAM_READABLE);
	if (stream->ours || stream->finished)
		return;
	/* From others a close means both ends: what is not sent has nobody to go to. */
	stream->finished = true;
	if (stream->out.len > 0)
		buffer_free(&stream->out, &streams->pool);
	flight_free(&stream->flight);
	flight_init(&stream->flight, stream->max);
	stream->una = stream->max;
}

/* True: it is one, and the stream is no more. */
static bool take_reset(struct romon_engine *engine, struct port *port, struct stream *stream, const struct wire_stream *segment,
	struct romon_time now)
{
	enum romon_stream_end reason = ROMON_STREAM_RESET;

	if (segment->unknown == WIRE_MARK_REFUSED)
		reason = ROMON_STREAM_REFUSED;
	else if (segment->unknown == WIRE_MARK_NO_SERVICE)
		reason = ROMON_STREAM_NO_SERVICE;
	else if (segment->unknown != WIRE_MARK_RESET)
		return false;
	if (stream->state == STREAM_OVER)
		return true;
	if (segment->seq == stream->next || segment->seq == stream->told) {
		stream_end(engine, stream, reason);
		return true;
	}
	/* Whoever is no more answers this with a reset that has the right number (RFC 5961). */
	port_drop(port, ROMON_DROP_BAD_SEGMENT);
	if (stream_may_challenge(engine, port, stream, now))
		stream_acknowledge(engine, stream, now);
	return true;
}

void stream_receive_close(struct romon_engine *engine, struct port *port, struct stream *stream,
	const struct wire_stream *segment, struct romon_time now)
{
	bool heard, was_over = stream->state == STREAM_OVER;

	if (stream->ours && take_reset(engine, port, stream, segment, now))
		return;
	if (!stream->close_known && (int32_t)(segment->seq - stream->next) >= 0) {
		stream->close_known = true;
		stream->close_seq = segment->seq;
	}
	if (!stream->close_known || segment->seq != stream->close_seq) {
		port_drop(port, ROMON_DROP_BAD_SEGMENT);
		if (stream_may_challenge(engine, port, stream, now))
			stream_acknowledge(engine, stream, now);
		return;
	}
	stream_reach_close(&engine->streams, stream);
	heard = stream_hear_close(stream, segment);
	if (was_over && now.ns - stream->close_answered.ns < RTT_TIMEOUT_MIN)
		return; /* or two of them could answer each other for ever */
	stream->close_answered = now;
	if (heard && stream->peer_closed) /* it answers ours and tells of its own: with that all is said */
		return;
	stream_ready(&engine->streams, stream,
		stream->finished && stream->peer_closed ? STREAM_WANT_CLOSE | STREAM_WANT_ACK : STREAM_WANT_ACK);
}
