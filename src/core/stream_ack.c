/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Acknowledgements. Every segment but connect and accept has the number up to which everything came. Between ours an ack tells more: the
 * blocks that came beyond that number, and what came twice (RFC 2018, RFC 2883), so that a sender knows what became of each segment. From
 * others it has to guess by acknowledgements that say nothing new (RFC 5681, RFC 6582).
 */
#include "core/stream.h"

#include "core/engine.h"

#define DUPLICATES_LOST 3 /* acknowledgements that say nothing new: a segment is lost */

/* ---- what we acknowledge ---- */

uint32_t stream_ack_number(const struct stream *stream)
{
	return stream->next - (stream->in.len > STREAM_WINDOW ? stream->in.len - STREAM_WINDOW : 0);
}

bool stream_has_blocks(const struct stream *stream)
{
	return stream->ours &&
	       (stream->early.count > 0 || stream->again_from != stream->again_to || stream_ack_number(stream) != stream->next);
}

static void put_block(struct wire_stream *segment, unsigned max, uint32_t from, uint32_t to)
{
	if (segment->block_count < max)
		segment->blocks[segment->block_count++] = (struct wire_block){from, to};
}

/* What came twice stands first, then what came last, then the rest from the lowest on: who loses acks learns the most so. */
void stream_put_blocks(struct stream *stream, struct wire_stream *segment)
{
	unsigned max = stream->size / WIRE_BLOCK_LEN < WIRE_BLOCKS_MAX ? stream->size / WIRE_BLOCK_LEN : WIRE_BLOCKS_MAX;
	const struct range *latest = NULL, *list = stream->early.list;
	uint32_t number = stream_ack_number(stream);

	if (!stream_has_blocks(stream))
		return;
	if (stream->again_from != stream->again_to)
		put_block(segment, max, stream->again_from, stream->again_to);
	stream->again_from = stream->again_to;
	for (uint32_t i = 0; i < stream->early.count; i++)
		if (stream->latest - list[i].from < list[i].to - list[i].from)
			latest = &list[i];
	if (latest != NULL)
		put_block(segment, max, latest->from, latest->to);
	if (number != stream->next)
		put_block(segment, max, number, stream->next);
	for (uint32_t i = 0; i < stream->early.count; i++)
		if (&list[i] != latest)
			put_block(segment, max, list[i].from, list[i].to);
}

/* ---- what is acknowledged to us ---- */

/* The first block tells of bytes that came twice if it lies before the number or within the second one (RFC 2883). */
static bool tells_of_twice(const struct wire_stream *segment)
{
	const struct wire_block *first = &segment->blocks[0], *second = &segment->blocks[1];

	if (segment->block_count == 0)
		return false;
	if ((int32_t)(first->to - segment->ack) <= 0)
		return true;
	return segment->block_count > 1 && first->from - second->from < second->to - second->from &&
	       first->to - second->from <= second->to - second->from;
}

/* A loss is news unless one is being repaired, or a timeout has made less of the window already. */
static void begin_recovery(struct stream *stream)
{
	if (stream->recovering || stream->guarded)
		return;
	stream->recovering = true;
	stream->timed_out = false;
	stream->probing = false; /* what it was made of may go out again in smaller pieces; it will be made anew */
	stream->recover = stream->max;
	stream->doubted = 0;
	stream->doubted_from = stream->una;
	stream->tail_at = STREAM_NEVER;
	congestion_lost(&stream->congestion);
}

static void leave_recovery(struct stream *stream)
{
	stream->recovering = false;
	stream->duplicates = 0;
}

/* What was sent again had come before, every single segment of it: it was no loss. Another segment that came twice says nothing of that:
 * the path doubled it. */
static void came_twice(struct stream *stream, const struct wire_block *block)
{
	uint32_t from = block->from - stream->doubted_from, to = block->to - stream->doubted_from;

	if (stream->doubted == 0 || from >= to || to > stream->recover - stream->doubted_from)
		return;
	if (!stream->timed_out) /* then nothing was overtaken, but all of it late */
		flight_overtaken(&stream->flight);
	if (--stream->doubted == 0)
		congestion_restore(&stream->congestion);
}

/* Everything is there again that was on the way when the loss was seen; or the next hole is uncovered (RFC 6582). */
static void go_on_repairing(struct stream *stream)
{
	if ((int32_t)(stream->una - stream->recover) >= 0) {
		leave_recovery(stream);
		if (!stream->ours) /* it was known only roughly how much is on the way */
			congestion_recovered(&stream->congestion, stream->max - stream->una);
	} else if (!stream->ours) {
		flight_lose_first(&stream->flight);
	}
}

/* The answer to a tail probe: if that was a segment sent again, and did not come twice, the first copy was lost. */
static void tail_answered(struct stream *stream, bool twice)
{
	if (!stream->tail_sent || (int32_t)(stream->una - stream->tail) < 0)
		return;
	stream->tail_sent = false;
	if (!stream->tail_again || twice || stream->recovering || stream->guarded)
		return;
	congestion_lost(&stream->congestion);
	stream->doubted_from = stream->tail - stream->size;
	stream->recover = stream->tail;
	stream->doubted = 1; /* this may be the late answer to the first copy: then the second one is still to come twice */
	stream->timed_out = true;
}

/* filled: the window was in use. */
static void advance(struct romon_engine *engine, struct stream *stream, uint32_t ack, bool filled, struct romon_time now)
{
	uint32_t acked = ack - stream->una;

	stream_idle_note(stream, acked);
	buffer_drop(&stream->out, acked);
	if (stream->out.len == 0)
		buffer_rest(&stream->out, &engine->streams.pool);
	stream->sent += acked;
	stream->una = ack;
	stream->timeouts = stream->silent = 0;
	stream_learn_size(engine, stream, ack, now);
	if (stream->recovering) {
		go_on_repairing(stream);
	} else {
		leave_recovery(stream);
		if (filled)
			congestion_acked(&stream->congestion, acked, stream->rtt.smoothed, now);
	}
	if (stream->guarded && (int32_t)(ack - stream->recover) >= 0)
		stream->guarded = false;
	if (stream->una == stream->max && stream->close_sent)
		stream->close_at = now; /* from here on only the close is repeated */
	stream->timer = stream->tail_at = STREAM_NEVER;
	if (stream_outstanding(stream))
		stream_start_timer(stream, now);
	stream_ready(&engine->streams, stream, 0);
	if (stream->blocked && stream->out.len <= stream_write_limit(stream) / 4 * 3) {
		stream->blocked = false;
		stream_tell(&engine->streams, stream, ROMON_EVENT_STREAM_WRITABLE);
	}
}

/* From a router that is not ours: an acknowledgement that says nothing new, while something is on the way. */
static void duplicate(struct romon_engine *engine, struct stream *stream)
{
	if (stream->timeouts > 0) {
		/* The answer to a retransmission: the other side lives, has everything, and its reader is slow. */
		congestion_restore(&stream->congestion);
		flight_spare(&stream->flight);
		return;
	}
	stream->duplicates++; /* a segment has left the path, so one more may go (RFC 3042) */
	if (stream->duplicates == DUPLICATES_LOST && !stream->recovering && !stream->guarded) {
		begin_recovery(stream);
		flight_lose_first(&stream->flight);
	}
	stream_ready(&engine->streams, stream, 0);
}

void stream_overdue(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	const struct congestion *congestion = &stream->congestion;
	uint32_t lost = flight_detect(&stream->flight, congestion->shortest, stream->rtt.smoothed,
		stream->recovering || stream->guarded, now, &stream->overdue_at);

	if (lost == 0)
		return;
	begin_recovery(stream);
	stream_ready(&engine->streams, stream, 0);
}

/* From one of ours: what came beyond the number. */
static void take_blocks(struct romon_engine *engine, struct stream *stream, const struct wire_stream *segment, bool twice,
	struct flight_news *news, struct romon_time now)
{
	for (unsigned i = twice ? 1 : 0; i < segment->block_count; i++) {
		const struct wire_block *block = &segment->blocks[i];
		uint32_t from = block->from - stream->una, to = block->to - stream->una;

		if (from < to && to <= stream->max - stream->una)
			flight_arrive(&stream->flight, block->from, block->to, stream->congestion.shortest, now, news);
	}
	if (twice)
		came_twice(stream, &segment->blocks[0]);
	if (news->bytes > 0)
		stream_ready(&engine->streams, stream, 0);
	/* Nothing is missing, and no timeout was a loss: the reader is slow. */
	if (stream->timeouts > 0 && stream->flight.count > 0 && flight_pipe(&stream->flight) + stream->flight.lost == 0)
		congestion_restore(&stream->congestion);
}

void stream_take_ack(struct romon_engine *engine, struct stream *stream, const struct wire_stream *segment, struct romon_time now)
{
	int32_t step = (int32_t)(segment->ack - stream->una);
	bool twice = stream->ours && tells_of_twice(segment);
	bool filled = stream_in_path(stream) + 2 * stream->size >= stream->congestion.window;
	struct flight_news news = {0};

	if (step < 0)
		return;
	flight_acknowledge(&stream->flight, segment->ack, stream->congestion.shortest, now, &news);
	if (stream->ours)
		take_blocks(engine, stream, segment, twice, &news, now);
	if (news.rtt > 0) {
		rtt_sample(&stream->rtt, news.rtt);
		congestion_measured(&stream->congestion, news.rtt, now);
	}
	if (step > 0)
		advance(engine, stream, segment->ack, filled, now);
	else if (!stream->ours && segment->type == WIRE_STREAM_ACK && stream->max != stream->una)
		duplicate(engine, stream);
	tail_answered(stream, twice);
	if (stream->ours && (stream->flight.arrivals > 0 || stream->recovering || stream->guarded))
		stream_overdue(engine, stream, now);
}
