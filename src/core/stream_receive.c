/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Segments in: what they acknowledge, what they bring, and what is answered.
 */
#include "core/stream.h"

#include <string.h>

#include "core/engine.h"

#define UNACKED_MAX 8     /* segments in order that came in one go share an acknowledgement, up to so many */
#define DUPLICATES_LOST 3 /* acknowledgements that say nothing new: a segment is lost */

/* ---- what it acknowledges ---- */

static void leave_recovery(struct stream *stream)
{
	stream->recovering = false;
	stream->inflate = 0;
	stream->duplicates = 0;
}

/* During recovery every acknowledgement that advances uncovers the next hole, until all is there that was on the way (RFC 6582). */
static void recover(struct romon_engine *engine, struct stream *stream, uint32_t acked)
{
	if ((int32_t)(stream->una - stream->recover) >= 0) {
		leave_recovery(stream);
		congestion_recovered(&stream->congestion, stream->max - stream->una);
		return;
	}
	stream->inflate = stream->inflate > acked ? stream->inflate - acked : 0;
	stream->inflate += stream->size;
	stream_ready(&engine->streams, stream, STREAM_WANT_RESEND);
}

/* The youngest segment that this acknowledgement covers, of those whose time was noted. */
static void measure(struct stream *stream, struct romon_time now)
{
	unsigned covered = 0;
	int64_t rtt;

	while (covered < stream->timing && (int32_t)(stream->una - stream->times[covered].end) >= 0)
		covered++;
	if (covered == 0)
		return;
	rtt = now.ns - stream->times[covered - 1].at.ns;
	stream->timing -= covered;
	memmove(stream->times, stream->times + covered, stream->timing * sizeof(stream->times[0]));
	rtt_sample(&stream->rtt, rtt);
	congestion_measured(&stream->congestion, rtt);
}

static void advance(struct romon_engine *engine, struct stream *stream, uint32_t ack, struct romon_time now)
{
	uint32_t acked = ack - stream->una, flight = stream->max - stream->una;
	bool filled = flight + 2 * stream->size >= stream->congestion.window;

	buffer_drop(&stream->out, &engine->streams.pool, acked);
	stream->sent += acked;
	stream->una = ack;
	if ((int32_t)(stream->nxt - ack) < 0)
		stream->nxt = ack;
	measure(stream, now);
	stream->timeouts = stream->silent = 0;
	stream_learn_size(engine, stream, ack, now);
	if (stream->recovering) {
		recover(engine, stream, acked);
	} else {
		leave_recovery(stream);
		if (filled)
			congestion_acked(&stream->congestion, acked, stream->rtt.smoothed, now);
	}
	if (stream->guarded && (int32_t)(ack - stream->recover) >= 0)
		stream->guarded = false;
	if (stream->una == stream->max && stream->close_sent)
		stream->close_at = now; /* from here on only the close is repeated */
	stream->timer = STREAM_NEVER;
	if (stream_outstanding(stream))
		stream_start_timer(stream, now);
	stream_ready(&engine->streams, stream, 0);
	if (stream->blocked && stream->out.len <= stream_write_limit(stream) / 4 * 3) {
		stream->blocked = false;
		stream_tell(&engine->streams, stream, ROMON_EVENT_STREAM_WRITABLE);
	}
}

static void lose_segment(struct romon_engine *engine, struct stream *stream)
{
	stream->recovering = stream->guarded = true;
	stream->probing = false; /* what it was made of may go out again in smaller pieces; it will be made anew */
	stream->recover = stream->max;
	congestion_lost(&stream->congestion);
	stream->inflate = DUPLICATES_LOST * stream->size;
	stream_ready(&engine->streams, stream, STREAM_WANT_RESEND);
}

/* An acknowledgement that says nothing new, while something is on the way. */
static void duplicate(struct romon_engine *engine, struct stream *stream)
{
	if (stream->timeouts > 0) {
		/* The answer to a retransmission: the other side lives, has everything, and its reader is slow. */
		congestion_restore(&stream->congestion);
		stream->nxt = stream->max;
		return;
	}
	stream->duplicates++;
	if (stream->recovering ||
		stream->duplicates < DUPLICATES_LOST) /* a segment has left the path, so one more may go (RFC 3042) */
		stream->inflate += stream->size;
	else if (stream->duplicates == DUPLICATES_LOST && !stream->guarded)
		lose_segment(engine, stream);
	stream_ready(&engine->streams, stream, 0);
}

static void take_ack(struct romon_engine *engine, struct stream *stream, const struct wire_stream *segment, struct romon_time now)
{
	int32_t step = (int32_t)(segment->ack - stream->una);

	if (step > 0)
		advance(engine, stream, segment->ack, now);
	else if (step == 0 && segment->type == WIRE_STREAM_ACK && segment->data_len == 0 && stream->max != stream->una)
		duplicate(engine, stream);
}

/* ---- what it brings ---- */

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
	else if (stream_ack_number(stream) != stream->told)
		stream_ready(&engine->streams, stream, STREAM_WANT_ACK);
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
		stream_acknowledge(engine, stream, now);
		return;
	}
	if (seq == stream->next) {
		buffer_put(&stream->in, offset, segment->data + (seq - segment->seq), end - seq);
		take_next(engine, stream, end, now);
		return;
	}
	if (ranges_add(&stream->early, stream->next, seq, end))
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
	if (stream_limit_passes(&engine->streams.challenges, now))
		stream_acknowledge(engine, stream, now);
}

static void receive_open(struct romon_engine *engine, struct port *port, struct stream *stream,
	const struct wire_message *message, const struct wire_stream *segment, struct romon_time now)
{
	struct streams *streams = &engine->streams;

	if (segment->type == WIRE_STREAM_ACCEPT && stream->connector && segment->seq == stream->irs &&
		segment->ack == stream->iss) {
		stream_ready(streams, stream, STREAM_WANT_ACK); /* our answer was lost */
		return;
	}
	if (segment->type == WIRE_STREAM_CONNECT || segment->type == WIRE_STREAM_ACCEPT || !plausible(stream, segment)) {
		challenge(engine, port, stream, now);
		return;
	}
	if ((int32_t)(segment->ack - stream->una) >= 0)
		stream_follow(engine, stream, port, message, now);
	stream->alive = now;
	stream->silent = 0;
	stream_ask(engine, stream, false, now);
	if (stream->state == STREAM_OPEN)
		take_ack(engine, stream, segment, now);
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
