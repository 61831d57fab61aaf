/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Idle streams. One on which nothing is said costs nothing, and may be left so for days; but of a router that lost its power nobody would
 * ever hear: the program that was started for it would hold its place for ever, and whoever waits for an answer or an end would wait as
 * long. So the accepting end asks for a sign of life after a long silence, by what every peer must answer because an answer may have been
 * lost: the last byte that it has, once more, or if there was none the accept. Not even a router that knows nothing of this needs to be
 * changed for it. The connecting end asks only after it was not asked.
 */
#include "core/stream.h"

#include "core/engine.h"

#define IDLE_TIME (600 * ROMON_SECOND) /* of silence, before the first question */
#define IDLE_MORE (150 * ROMON_SECOND) /* of it at the connecting end: two questions of the other one may be lost */
#define IDLE_PAUSE (60 * ROMON_SECOND) /* from one question to the next */
#define IDLE_LOOK (5 * ROMON_SECOND)   /* of discovery with each of them but the first, for another path */
#define IDLE_TRIES 10

/* A connecting end that has said nothing repeats the byte before its first one, for which there is no meaning but among ours. */
static bool may_ask(const struct stream *stream)
{
	bool can = !stream->connector || stream->ours || stream->una != stream->iss;

	return can && stream->state == STREAM_OPEN && !stream_outstanding(stream);
}

/* Has something been heard since we asked last? */
static bool heard(const struct stream *stream)
{
	return stream->idle.tries == 0 || stream->alive.ns >= stream->idle.asked.ns;
}

int64_t stream_idle_due(const struct stream *stream)
{
	if (!may_ask(stream))
		return STREAM_NEVER;
	if (!heard(stream))
		return stream->idle.next;
	return stream->alive.ns + IDLE_TIME + (stream->connector ? IDLE_MORE : 0);
}

void stream_idle_note(struct stream *stream, uint32_t acked)
{
	buffer_get(&stream->out, acked - 1, &stream->idle.last, 1);
}

static void ask(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	bool data = stream->connector || stream->una != stream->iss;
	struct wire_stream segment = {.type = WIRE_STREAM_DATA, .seq = stream->una - 1, .ack = stream_ack_number(stream)};
	uint8_t *payload;

	if (!data)
		segment = (struct wire_stream){.type = WIRE_STREAM_ACCEPT,
			.unknown = stream->ours ? WIRE_MARK_OURS : 0,
			.seq = stream->iss,
			.ack = stream->irs};
	payload = route_output(engine, &stream->route, WIRE_STREAM_LEN + (data ? 1 : 0));
	if (payload == NULL)
		return;
	wire_stream_encode(&segment, payload, WIRE_STREAM_LEN);
	if (data)
		payload[WIRE_STREAM_LEN] = stream->idle.last;
	stream->idle.asked = now;
	stream->resent++;
}

void stream_idle_again(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	if (may_ask(stream) && !heard(stream))
		ask(engine, stream, now);
}

bool stream_idle_run(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	struct stream_idle *idle = &stream->idle;

	if (heard(stream)) {
		idle->tries = 0;
	} else if (stream->asking) {
		stream_ask(engine, stream, false, now);
		idle->next = now.ns + IDLE_PAUSE - IDLE_LOOK;
		return true;
	} else if (idle->tries == IDLE_TRIES) {
		stream_break(engine, stream, ROMON_STREAM_TIMEOUT);
		return false;
	} else {
		stream_heal(engine, stream, now);
	}
	idle->tries++;
	idle->asked = now; /* even if the frame finds no port */
	idle->next = now.ns + (stream->asking ? IDLE_LOOK : IDLE_PAUSE);
	ask(engine, stream, now);
	return true;
}
