/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Segments out. Data is cut anew at every transmission, from the oldest unacknowledged byte on: so a segment that was too large for a
 * path goes out smaller the next time.
 */
#include "core/stream.h"

#include "core/broken.h"
#include "core/engine.h"

#define BURST 16                          /* segments of one stream before it is another one's turn */
#define CLOSE_PAUSE ROMON_SECOND          /* a close alone, which is repeated for 10 s, is repeated so often at least */
#define HEAL_TIMEOUTS 2                   /* without a sign of life */
#define SILENT_TIMEOUT ROMON_SECOND       /* between tries then */
#define TRY_TIMEOUTS 3                    /* likewise: then sizes are tried */
#define OTHERS_TIMEOUTS 8                 /* the reader of others may be slow: only one in so many asks for path and size */
#define REPEATS 2                         /* of an acknowledgement that lets the sender go on */
#define TAIL_MIN (20 * ROMON_MILLISECOND) /* a busy machine may be late with its answer by so much */

bool stream_outstanding(const struct stream *stream)
{
	return stream->max != stream->una || (stream->close_sent && !stream->close_acked);
}

uint32_t stream_in_path(const struct stream *stream)
{
	uint32_t pipe = flight_pipe(&stream->flight), left = stream->duplicates * stream->size;

	return pipe > left ? pipe - left : 0;
}

/* The last segment is answered within two round trips, or something was lost at the end, where nothing behind it tells (RFC 8985). */
static void start_tail_timer(struct stream *stream, struct romon_time now)
{
	int64_t wait = 2 * stream->rtt.smoothed;

	if (!stream->ours || stream->recovering || stream->guarded || stream->tail_sent || stream->probing ||
		stream->timeouts > 0)
		return;
	stream->tail_at = now.ns + (wait > TAIL_MIN ? wait : TAIL_MIN);
}

void stream_start_timer(struct stream *stream, struct romon_time now)
{
	if (stream->timer != STREAM_NEVER)
		return;
	stream->timer = now.ns + rtt_timeout(&stream->rtt, stream->timeouts);
	stream->alive = now;
	start_tail_timer(stream, now);
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
	if (!stream_has_blocks(stream)) /* only an ack tells of them */
		stream->want &= ~(unsigned)STREAM_WANT_ACK;
}

static bool send_segment(
	struct romon_engine *engine, struct stream *stream, const struct wire_stream *segment, uint32_t offset, uint32_t len)
{
	size_t head = WIRE_STREAM_LEN + segment->block_count * WIRE_BLOCK_LEN;
	uint8_t *payload = route_output(engine, &stream->route, head + len);

	if (payload == NULL)
		return false;
	wire_stream_encode(segment, payload, head);
	buffer_get(&stream->out, offset, payload + head, len);
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
	struct wire_stream segment = {
		.type = WIRE_STREAM_ACK, .unknown = closed_mark(stream), .seq = stream->max, .ack = stream_ack_number(stream)};

	stream_put_blocks(stream, &segment);
	send_segment(engine, stream, &segment, 0, 0);
	note_ack(stream, now);
	stream->want &= ~(unsigned)STREAM_WANT_ACK;
}

/* An accept, and each repetition of it, goes to somebody who may never have asked. */
static bool may_accept(struct romon_engine *engine, struct stream *stream)
{
	struct port *port = stream->route.hop_count > 0 ? engine_port(engine, stream->route.hops[0].link) : NULL;

	return stream->vouched || (port != NULL && engine_may_answer(engine, &engine->data_answers, port,
							   stream->route.header_len + WIRE_STREAM_LEN));
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
	if (!stream->connector && !may_accept(engine, stream))
		return;
	segment.unknown = (stream->connector ? stream->offered : stream->ours) ? WIRE_MARK_OURS : 0;
	if (send_segment(engine, stream, &segment, 0, 0)) {
		stream->tries++;
		stream->sent_at = now;
	}
}

/* Sends len bytes from seq on. One that cannot leave us is lost like one that is lost on the way; false tells of it. */
static bool send_bytes(struct romon_engine *engine, struct stream *stream, uint32_t seq, uint32_t len, struct romon_time now)
{
	struct wire_stream segment = {
		.type = WIRE_STREAM_DATA, .unknown = closed_mark(stream), .seq = seq, .ack = stream_ack_number(stream)};

	stream->sent_at = now;
	note_ack(stream, now);
	stream_start_timer(stream, now);
	return send_segment(engine, stream, &segment, seq - stream->una, len);
}

/* Is it time to try a segment that is larger than those which are known to pass? */
static bool tries_larger(const struct stream *stream, struct romon_time now)
{
	return stream->cap != 0 && now.ns >= stream->cap_until.ns && stream->flight.lost == 0 && !stream->recovering;
}

/* How much of what was never sent, and of room bytes that the window leaves, may go out as the next segment; 0: nothing. */
static uint32_t next_length(struct romon_engine *engine, struct stream *stream, uint32_t room, struct romon_time now)
{
	uint32_t flight = stream->max - stream->una, left = stream->out.len - flight;

	if (left == 0 || stream->probing || flight >= STREAM_WINDOW)
		return 0;
	if (room > STREAM_WINDOW - flight)
		room = STREAM_WINDOW - flight;
	if (tries_larger(stream, now)) {
		uint32_t large = stream_size_uncapped(engine, stream);

		if (left >= large && room < large && flight > 0) /* wait for the room */
			return 0;
		if (left >= large) { /* try a larger one, and nothing behind it until it is answered */
			stream->probing = true;
			stream->probed = stream->max + large;
			return large;
		}
	}
	if (left > stream->size)
		left = stream->size;
	if (room < left && flight > 0) /* no splinters: there will be room for more */
		return 0;
	return left < room ? left : room;
}

static bool send_new(struct romon_engine *engine, struct stream *stream, uint32_t room, struct romon_time now)
{
	uint32_t len = next_length(engine, stream, room, now), seq = stream->max;

	if (len == 0 || !flight_add(&stream->flight, seq + len, now))
		return false;
	stream->max += len;
	return send_bytes(engine, stream, seq, len, now);
}

/* A lost segment, or as much of it as fits one now. */
static bool send_lost(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	uint32_t seq, len;

	if (!flight_next_lost(&stream->flight, stream->size, &seq, &len))
		return false;
	flight_resend(&stream->flight, seq, len, now);
	stream->resent++;
	stream->doubted++;
	return send_bytes(engine, stream, seq, len, now);
}

/* What is lost goes first. False: there is nothing that may be sent, or it could not leave us. */
static bool send_data(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	uint32_t pipe = stream_in_path(stream);

	if (stream->max == stream->una && now.ns - stream->sent_at.ns > rtt_timeout(&stream->rtt, 0))
		congestion_idle(&stream->congestion);
	if (pipe >= stream->congestion.window)
		return false;
	return stream->flight.lost > 0 ? send_lost(engine, stream, now)
				       : send_new(engine, stream, stream->congestion.window - pipe, now);
}

/* The oldest bytes once more, whatever became of them: the answer tells whether the peer lives. */
static void send_probe(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	uint32_t flight = stream->max - stream->una;

	stream->want &= ~(unsigned)STREAM_WANT_PROBE;
	if (flight == 0)
		return;
	stream->resent++;
	send_bytes(engine, stream, stream->una, flight < stream->size ? flight : stream->size, now);
}

/* One segment more than the window has room for: a new one if there is one, else the last. */
static void send_tail(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	uint32_t seq, len;

	stream->want &= ~(unsigned)STREAM_WANT_TAIL;
	if (stream->flight.count == 0 || stream->recovering || stream->guarded || stream->probing)
		return;
	stream->tail_again = !send_new(engine, stream, stream->size, now);
	stream->tail_sent = !stream->tail_again || flight_repeat_last(&stream->flight, &seq, &len, now);
	stream->tail = stream->max;
	if (!stream->tail_again || !stream->tail_sent) /* the last one has arrived: the reader is slow */
		return;
	stream->resent++;
	send_bytes(engine, stream, seq, len, now);
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

		if (size < stream->size && size < stream->out.len) {
			stream->resent++;
			send_bytes(engine, stream, stream->una, size, now);
		}
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
	bool last = stream->max - stream->una == stream->out.len && stream->flight.lost == 0 &&
		    (stream->ours || stream->out.len == 0);

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
	if ((stream->want & STREAM_WANT_PROBE) != 0)
		send_probe(engine, stream, now);
	if ((stream->want & STREAM_WANT_TAIL) != 0)
		send_tail(engine, stream, now);
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

/* Everything that is not known to have arrived goes out again, as fast as the window lets it. */
void stream_resend_all(struct stream *stream)
{
	flight_lose_all(&stream->flight);
	stream->recovering = stream->tail_sent = false;
	stream->timed_out = true;
	stream->guarded = true; /* RFC 6582: that what was sent before is lost is no news */
	stream->recover = stream->max;
	stream->duplicates = stream->doubted = 0;
	stream->doubted_from = stream->una;
	stream->tail_at = stream->overdue_at = STREAM_NEVER;
	if (stream->close_sent)
		stream->want |= STREAM_WANT_CLOSE;
}

/* True: everything has arrived, and the peer only keeps from acknowledging it, as its reader is slow. */
static bool all_arrived(const struct stream *stream)
{
	return stream->flight.count > 0 && flight_pipe(&stream->flight) + stream->flight.lost == 0;
}

static void back_off(struct stream *stream)
{
	stream->timeouts++;
	if (stream->max != stream->una)
		congestion_timeout(&stream->congestion, stream->timeouts == 1);
}

/* So many timeouts in a row, though the peer may answer: what is small comes through, and what is large does not. */
static bool stuck(const struct stream *stream, unsigned timeouts)
{
	if (stream->max == stream->una || all_arrived(stream))
		return false;
	return stream->ours ? stream->timeouts >= timeouts : stream->timeouts % OTHERS_TIMEOUTS == timeouts;
}

/* When to try again after a timeout. One of ours that is not heard at all is tried once a second: on a path that is whole only now and
 * then, longer pauses would miss those times until the stream is given up. */
static int64_t backed_off(const struct stream *stream)
{
	int64_t wait = rtt_timeout(&stream->rtt, stream->timeouts), once = rtt_timeout(&stream->rtt, 0);

	if (!stream->ours || stream->silent < HEAL_TIMEOUTS || wait <= SILENT_TIMEOUT)
		return wait;
	return once > SILENT_TIMEOUT ? once : SILENT_TIMEOUT;
}

void stream_timeout(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	unsigned want = all_arrived(stream) ? STREAM_WANT_PROBE : 0;

	stream->timer = STREAM_NEVER;
	if (!stream_outstanding(stream) || BROKEN(FINISH))
		return;
	stream->silent++;
	if (stream->probing) { /* the larger segment did not pass; that is no congestion */
		stream->probing = false;
		stream->cap_until.ns = now.ns + STREAM_SIZE_TIME;
		congestion_idle(&stream->congestion);
	} else {
		back_off(stream);
	}
	stream_resend_all(stream);
	stream->timer = now.ns + backed_off(stream);
	if (stream->max == stream->una && stream->timer > now.ns + CLOSE_PAUSE)
		stream->timer = now.ns + CLOSE_PAUSE;
	if (stream->silent >= HEAL_TIMEOUTS)
		stream_heal(engine, stream, now);
	else if (stuck(stream, HEAL_TIMEOUTS))
		stream_measure(engine, stream, now);
	if ((stream->silent >= TRY_TIMEOUTS && stream->max != stream->una) || stuck(stream, TRY_TIMEOUTS))
		want |= STREAM_WANT_TRIAL;
	stream_ready(&engine->streams, stream, want);
}

void stream_tail_timeout(struct romon_engine *engine, struct stream *stream)
{
	stream->tail_at = STREAM_NEVER;
	stream_ready(&engine->streams, stream, STREAM_WANT_TAIL);
}
