/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Segments out. Data is cut anew at every transmission, from the oldest unacknowledged byte on: so a segment that was too large for a
 * path goes out smaller the next time.
 */
#include "core/stream.h"

#include "core/engine.h"

#define BURST 16        /* segments of one stream before it is another one's turn */
#define HEAL_TIMEOUTS 2 /* without a sign of life */
#define TRY_TIMEOUTS 3  /* likewise: then sizes are tried */
#define REPEATS 2       /* of an acknowledgement that lets the sender go on */

uint32_t stream_ack_number(const struct stream *stream)
{
	return stream->next - (stream->in.len > STREAM_WINDOW ? stream->in.len - STREAM_WINDOW : 0);
}

bool stream_outstanding(const struct stream *stream)
{
	return stream->max != stream->una || (stream->close_sent && !stream->close_acked);
}

void stream_start_timer(struct stream *stream, struct romon_time now)
{
	if (stream->timer != STREAM_NEVER)
		return;
	stream->timer = now.ns + rtt_timeout(&stream->rtt, stream->timeouts);
	stream->alive = now;
}

/* Every segment but connect and accept acknowledges. */
static void note_ack(struct stream *stream, struct romon_time now)
{
	uint32_t number = stream_ack_number(stream);

	if (stream->withheld && number != stream->told) { /* the sender may have nothing on the way that would ask again */
		stream->repeats = REPEATS;
		stream->repeat_at = now.ns + 200 * ROMON_MILLISECOND;
		stream->withheld = number != stream->next;
	}
	stream->told = number;
	stream->unacked = 0;
	stream->want &= ~(unsigned)STREAM_WANT_ACK;
}

static bool send_segment(
	struct romon_engine *engine, struct stream *stream, const struct wire_stream *segment, uint32_t offset, uint32_t len)
{
	uint8_t *payload = route_output(engine, &stream->route, WIRE_STREAM_LEN + len);

	if (payload == NULL)
		return false;
	wire_stream_encode(segment, payload, WIRE_STREAM_LEN);
	buffer_get(&stream->out, offset, payload + WIRE_STREAM_LEN, len);
	return true;
}

/* Our end is where the close stands, and where an acknowledgement continues. */
void stream_send_mark(struct romon_engine *engine, struct stream *stream, enum wire_stream_type type, uint8_t mark)
{
	struct wire_stream segment = {
		.type = (uint8_t)type, .unknown = mark, .seq = stream->max, .ack = stream_ack_number(stream)};

	send_segment(engine, stream, &segment, 0, 0);
}

static uint8_t closed_mark(const struct stream *stream)
{
	return stream->ours && stream->peer_closed ? WIRE_MARK_CLOSED : 0;
}

void stream_acknowledge(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	stream_send_mark(engine, stream, WIRE_STREAM_ACK, closed_mark(stream));
	note_ack(stream, now);
}

static void send_opening(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	struct wire_stream segment = {.type = stream->connector ? WIRE_STREAM_CONNECT : WIRE_STREAM_ACCEPT, .seq = stream->iss};
	uint32_t node = topology_find(&engine->topology, stream->key.peer);

	stream->want &= ~(unsigned)(STREAM_WANT_CONNECT | STREAM_WANT_ACCEPT);
	if (stream->state != STREAM_CONNECTING && stream->state != STREAM_ACCEPTING)
		return;
	if (stream->connector)
		stream->offered |= node != TOPOLOGY_SELF && engine->topology.nodes[node].has_uptime;
	else
		segment.ack = stream->irs;
	segment.unknown = (stream->connector ? stream->offered : stream->ours) ? WIRE_MARK_OURS : 0;
	if (send_segment(engine, stream, &segment, 0, 0)) {
		stream->tries++;
		stream->sent_at = now;
	}
}

/* A few segments of a window, evenly spaced, tell how long a round trip takes. */
static void note_time(struct stream *stream, uint32_t end, struct romon_time now)
{
	uint32_t apart = stream->congestion.window / STREAM_TIMES;

	if (stream->timing == STREAM_TIMES || (stream->timing > 0 && end - stream->times[stream->timing - 1].end < apart))
		return;
	stream->times[stream->timing++] = (struct stream_time){end, now};
}

/* Sends len bytes from seq on. One that cannot leave us is lost like one that is lost on the way; false tells of it. */
static bool send_bytes(struct romon_engine *engine, struct stream *stream, uint32_t seq, uint32_t len, struct romon_time now)
{
	struct wire_stream segment = {
		.type = WIRE_STREAM_DATA, .unknown = closed_mark(stream), .seq = seq, .ack = stream_ack_number(stream)};
	bool again = (int32_t)(seq - stream->max) < 0;

	if (again)
		stream->resent++;
	else
		note_time(stream, seq + len, now);
	if ((int32_t)(seq + len - stream->max) > 0)
		stream->max = seq + len;
	stream->sent_at = now;
	note_ack(stream, now);
	stream_start_timer(stream, now);
	return send_segment(engine, stream, &segment, seq - stream->una, len);
}

/* How much of what the window leaves may go out as the next segment; 0: nothing. */
static uint32_t next_length(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	uint32_t flight = stream->nxt - stream->una, left = stream->out.len - flight, limit;

	if (left == 0 || stream->probing)
		return 0;
	if (stream->max == stream->una && now.ns - stream->sent_at.ns > rtt_timeout(&stream->rtt, 0))
		congestion_idle(&stream->congestion);
	limit = stream->congestion.window + stream->inflate;
	if (limit > STREAM_WINDOW)
		limit = STREAM_WINDOW;
	if (flight >= limit)
		return 0;
	limit -= flight;
	if (stream->cap != 0 && now.ns >= stream->cap_until.ns && stream->nxt == stream->max && !stream->recovering) {
		uint32_t large = stream_size_uncapped(engine, stream);

		if (left >= large && limit < large && flight > 0) /* wait for the room */
			return 0;
		if (left >= large) { /* try a larger one, and nothing behind it until it is answered */
			stream->probing = true;
			stream->probed = stream->nxt + large;
			return large;
		}
	}
	if (left > stream->size)
		left = stream->size;
	if (limit < left && flight > 0) /* no splinters: there will be room for more */
		return 0;
	return left < limit ? left : limit;
}

static bool send_data(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	uint32_t len = next_length(engine, stream, now), seq = stream->nxt;

	if (len == 0)
		return false;
	stream->nxt += len;
	return send_bytes(engine, stream, seq, len, now);
}

static void resend_first(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	uint32_t flight = stream->max - stream->una;

	stream->want &= ~(unsigned)STREAM_WANT_RESEND;
	stream->timing = 0; /* nobody knows which copy will be acknowledged (Karn) */
	if (flight > 0)
		send_bytes(engine, stream, stream->una, flight < stream->size ? flight : stream->size, now);
}

/* The same bytes in every size below the present one, the smallest first: the acknowledgement tells which of them passed. */
static void send_trial(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	stream->want &= ~(unsigned)STREAM_WANT_TRIAL;
	stream->trying = true;
	stream->tried = stream->una;
	stream->tried_size = stream->size;
	for (size_t i = 0; i < sizeof(stream_sizes) / sizeof(stream_sizes[0]); i++) {
		uint32_t size = stream_size_for(stream, stream_sizes[i]);

		if (size < stream->size && size < stream->out.len)
			send_bytes(engine, stream, stream->una, size, now);
	}
}

static void send_close(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	stream->want &= ~(unsigned)STREAM_WANT_CLOSE;
	if (!stream->close_sent)
		stream->close_at = now;
	stream->close_sent = true;
	stream_send_mark(engine, stream, WIRE_STREAM_CLOSE, closed_mark(stream));
	note_ack(stream, now);
	if (!stream->close_acked)
		stream_start_timer(stream, now);
}

/* The close goes out behind the last byte; to a router that may take it for the end of both ways, only when that byte has come. */
static bool close_is_due(const struct stream *stream)
{
	bool last = stream->nxt - stream->una == stream->out.len && (stream->ours || stream->out.len == 0);

	return stream->finished && last && (!stream->close_sent || (stream->want & STREAM_WANT_CLOSE) != 0);
}

bool stream_output(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	unsigned burst = BURST;

	if ((stream->want & (STREAM_WANT_CONNECT | STREAM_WANT_ACCEPT)) != 0)
		send_opening(engine, stream, now);
	if (stream->state == STREAM_ACCEPTING && (stream->want & STREAM_WANT_ACK) != 0)
		stream_acknowledge(engine, stream, now);
	if (stream->state != STREAM_OPEN && stream->state != STREAM_OVER)
		return false;
	if ((stream->want & STREAM_WANT_TRIAL) != 0)
		send_trial(engine, stream, now);
	if ((stream->want & STREAM_WANT_RESEND) != 0)
		resend_first(engine, stream, now);
	while (burst > 0 && send_data(engine, stream, now))
		burst--;
	if (burst == 0)
		return true;
	if (close_is_due(stream))
		send_close(engine, stream, now);
	if ((stream->want & STREAM_WANT_ACK) != 0)
		stream_acknowledge(engine, stream, now);
	return false;
}

/* Everything unacknowledged goes out again, as fast as the window lets it (go back N). */
void stream_resend_all(struct stream *stream)
{
	stream->nxt = stream->una;
	stream->timing = 0;
	stream->recovering = false;
	stream->guarded = true; /* RFC 6582: duplicates of what was sent before are no news */
	stream->recover = stream->max;
	stream->duplicates = 0;
	stream->inflate = 0;
	if (stream->close_sent)
		stream->want |= STREAM_WANT_CLOSE;
}

void stream_timeout(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	bool probe = stream->probing;

	stream->timer = STREAM_NEVER;
	if (!stream_outstanding(stream))
		return;
	stream->silent++;
	if (probe) { /* the larger segment did not pass; that is no congestion */
		stream->probing = false;
		stream->cap_until.ns = now.ns + STREAM_SIZE_TIME;
		congestion_idle(&stream->congestion);
	} else {
		stream->timeouts++;
		if (stream->max != stream->una)
			congestion_timeout(&stream->congestion, stream->timeouts == 1);
	}
	stream_resend_all(stream);
	stream->timer = now.ns + rtt_timeout(&stream->rtt, stream->timeouts);
	if (stream->silent >= HEAL_TIMEOUTS)
		stream_heal(engine, stream, now);
	stream_ready(
		&engine->streams, stream, stream->silent >= TRY_TIMEOUTS && stream->max != stream->una ? STREAM_WANT_TRIAL : 0);
}
