/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Segments on the way, in an array that slides: the oldest are taken off at the front, new ones are put at the end.
 */
#include "core/flight.h"

#include <stdlib.h>
#include <string.h>

#define CAP_MIN 16
#define CAP_KEPT 64     /* an empty array above this is given back */
#define OVERTAKEN_MAX 3 /* arrivals after a segment that need no patience, where none ever overtook another (RFC 5681) */
#define PATIENCE_MAX 16

static struct flight_segment *segment_at(const struct flight *flight, uint32_t index)
{
	return &flight->list[flight->first + index];
}

static uint32_t begin_of(const struct flight *flight, uint32_t index)
{
	return index == 0 ? flight->una : segment_at(flight, index - 1)->end;
}

static uint32_t length_of(const struct flight *flight, uint32_t index)
{
	return segment_at(flight, index)->end - begin_of(flight, index);
}

void flight_init(struct flight *flight, uint32_t seq)
{
	*flight = (struct flight){.una = seq, .highest = seq, .patience = 1};
}

void flight_free(struct flight *flight)
{
	free(flight->list);
	flight->list = NULL;
	flight->cap = flight->first = flight->count = 0;
	flight->arrived = flight->lost = 0;
	flight->arrivals = 0;
}

uint32_t flight_end(const struct flight *flight)
{
	return begin_of(flight, flight->count);
}

uint32_t flight_pipe(const struct flight *flight)
{
	return flight_end(flight) - flight->una - flight->arrived - flight->lost;
}

/* Room for one more at the end. */
static bool make_room(struct flight *flight)
{
	uint32_t cap = flight->cap != 0 ? flight->cap * 2 : CAP_MIN;
	struct flight_segment *grown;

	if (flight->first + flight->count < flight->cap)
		return true;
	if (flight->first > flight->cap / 2) {
		memmove(flight->list, segment_at(flight, 0), flight->count * sizeof(*grown));
		flight->first = 0;
		return true;
	}
	if (cap > 2 * FLIGHT_SEGMENTS_MAX)
		return false;
	grown = realloc(flight->list, cap * sizeof(*grown));
	if (grown == NULL)
		return false;
	flight->list = grown;
	flight->cap = cap;
	return true;
}

bool flight_add(struct flight *flight, uint32_t end, struct romon_time now)
{
	if (flight->count >= FLIGHT_SEGMENTS_MAX || !make_room(flight))
		return false;
	*segment_at(flight, flight->count++) = (struct flight_segment){.at = now, .end = end};
	return true;
}

/* Takes what is known of one out of the sums. */
static void forget_state(struct flight *flight, uint32_t index)
{
	struct flight_segment *segment = segment_at(flight, index);

	if (segment->state == FLIGHT_LOST) {
		flight->lost -= length_of(flight, index);
	} else if (segment->state == FLIGHT_ARRIVED) {
		flight->arrived -= length_of(flight, index);
		flight->arrivals--;
	}
	segment->state = FLIGHT_WAITING;
}

/* A segment has arrived that was not known to: what does that tell of the path? */
static void learn(struct flight *flight, const struct flight_segment *segment, uint32_t len, int64_t shortest,
	struct romon_time now, struct flight_news *news)
{
	int64_t rtt = now.ns - segment->at.ns;

	news->bytes += len;
	if ((int32_t)(segment->end - flight->highest) > 0)
		flight->highest = segment->end;
	else if (!segment->again && segment->end != flight->highest)
		flight->reordered = true;
	if (!segment->again)
		news->rtt = rtt;
	else if (rtt < shortest) /* the first copy has arrived, not this one */
		return;
	if (flight->newest_rtt == 0 || segment->at.ns > flight->newest.ns ||
		(segment->at.ns == flight->newest.ns && (int32_t)(segment->end - flight->newest_end) > 0)) {
		flight->newest = segment->at;
		flight->newest_end = segment->end;
		flight->newest_rtt = rtt > 0 ? rtt : 1;
	}
}

void flight_acknowledge(struct flight *flight, uint32_t ack, int64_t shortest, struct romon_time now, struct flight_news *news)
{
	while (flight->count > 0 && (int32_t)(segment_at(flight, 0)->end - ack) <= 0) {
		struct flight_segment *segment = segment_at(flight, 0);

		if (segment->state != FLIGHT_ARRIVED)
			learn(flight, segment, segment->end - flight->una, shortest, now, news);
		forget_state(flight, 0);
		flight->una = segment->end;
		flight->first++;
		flight->count--;
	}
	if (flight->count == 0) {
		flight->first = 0;
		if (flight->cap > CAP_KEPT)
			flight_free(flight);
	} else if (ack != flight->una) { /* a piece of the oldest: it was sent again in another size */
		if (segment_at(flight, 0)->state == FLIGHT_LOST)
			flight->lost -= ack - flight->una;
		else if (segment_at(flight, 0)->state == FLIGHT_ARRIVED)
			flight->arrived -= ack - flight->una;
		else
			news->bytes += ack - flight->una;
	}
	flight->una = ack;
	if ((int32_t)(flight->highest - ack) < 0)
		flight->highest = ack;
}

void flight_arrive(
	struct flight *flight, uint32_t from, uint32_t to, int64_t shortest, struct romon_time now, struct flight_news *news)
{
	for (uint32_t i = 0; i < flight->count; i++) {
		struct flight_segment *segment = segment_at(flight, i);
		uint32_t begin = begin_of(flight, i);

		if ((int32_t)(segment->end - to) > 0)
			break;
		if ((int32_t)(begin - from) < 0 || segment->state == FLIGHT_ARRIVED)
			continue;
		forget_state(flight, i);
		segment->state = FLIGHT_ARRIVED;
		flight->arrived += segment->end - begin;
		flight->arrivals++;
		learn(flight, segment, segment->end - begin, shortest, now, news);
	}
}

static bool sent_before_newest(const struct flight *flight, const struct flight_segment *segment)
{
	if (segment->at.ns != flight->newest.ns)
		return segment->at.ns < flight->newest.ns;
	return (int32_t)(segment->end - flight->newest_end) < 0;
}

uint32_t flight_detect(
	struct flight *flight, int64_t shortest, int64_t smoothed, bool hurry, struct romon_time now, int64_t *again_at)
{
	int64_t wait = flight->patience * (shortest / 4);
	uint32_t lost = 0;

	*again_at = INT64_MAX;
	if (wait > smoothed)
		wait = smoothed;
	if (!flight->reordered && (hurry || flight->arrivals >= OVERTAKEN_MAX))
		wait = 0;
	for (uint32_t i = 0; i < flight->count && flight->newest_rtt != 0; i++) {
		struct flight_segment *segment = segment_at(flight, i);
		int64_t deadline = segment->at.ns + flight->newest_rtt + wait;

		if (segment->state != FLIGHT_WAITING || !sent_before_newest(flight, segment))
			continue;
		if (deadline <= now.ns) {
			segment->state = FLIGHT_LOST;
			lost += length_of(flight, i);
		} else if (deadline < *again_at) {
			*again_at = deadline;
		}
	}
	flight->lost += lost;
	return lost;
}

void flight_lose_first(struct flight *flight)
{
	if (flight->count == 0 || segment_at(flight, 0)->state != FLIGHT_WAITING)
		return;
	segment_at(flight, 0)->state = FLIGHT_LOST;
	flight->lost += length_of(flight, 0);
}

void flight_lose_all(struct flight *flight)
{
	for (uint32_t i = 0; i < flight->count; i++)
		if (segment_at(flight, i)->state == FLIGHT_WAITING)
			segment_at(flight, i)->state = FLIGHT_LOST;
	flight->lost = flight_end(flight) - flight->una - flight->arrived;
}

void flight_spare(struct flight *flight)
{
	for (uint32_t i = 0; i < flight->count; i++)
		if (segment_at(flight, i)->state == FLIGHT_LOST)
			segment_at(flight, i)->state = FLIGHT_WAITING;
	flight->lost = 0;
}

void flight_overtaken(struct flight *flight)
{
	flight->reordered = true;
	if (flight->patience < PATIENCE_MAX)
		flight->patience++;
}

bool flight_next_lost(const struct flight *flight, uint32_t max, uint32_t *seq, uint32_t *len)
{
	uint32_t i = 0;

	if (flight->lost == 0)
		return false;
	while (segment_at(flight, i)->state != FLIGHT_LOST)
		i++;
	*seq = begin_of(flight, i);
	for (*len = 0; i < flight->count && *len < max && segment_at(flight, i)->state == FLIGHT_LOST; i++)
		*len += length_of(flight, i);
	if (*len > max)
		*len = max;
	return true;
}

static uint32_t find(const struct flight *flight, uint32_t seq)
{
	uint32_t index = 0;

	while (index < flight->count && begin_of(flight, index) != seq)
		index++;
	return index;
}

/* Makes one of the segment at index and the next. */
static void join(struct flight *flight, uint32_t index)
{
	memmove(segment_at(flight, 1), segment_at(flight, 0), index * sizeof(*flight->list));
	flight->first++;
	flight->count--;
}

/* Makes two of the one at index, of which the first has len bytes. Without room it stays one. */
static void split(struct flight *flight, uint32_t index, uint32_t len)
{
	if (!make_room(flight))
		return;
	memmove(segment_at(flight, index + 1), segment_at(flight, index), (flight->count - index) * sizeof(*flight->list));
	flight->count++;
	segment_at(flight, index)->end = begin_of(flight, index) + len;
}

void flight_resend(struct flight *flight, uint32_t seq, uint32_t len, struct romon_time now)
{
	uint32_t index = find(flight, seq);
	struct flight_segment *segment;

	while (index + 1 < flight->count && length_of(flight, index) < len && segment_at(flight, index + 1)->state == FLIGHT_LOST)
		join(flight, index);
	if (index == flight->count || segment_at(flight, index)->state != FLIGHT_LOST)
		return;
	if (len < length_of(flight, index))
		split(flight, index, len); /* without room all of it counts as sent: what is not, is lost once more */
	segment = segment_at(flight, index);
	flight->lost -= length_of(flight, index);
	segment->state = FLIGHT_WAITING;
	segment->again = true;
	segment->at = now;
}

bool flight_repeat_last(struct flight *flight, uint32_t *seq, uint32_t *len, struct romon_time now)
{
	struct flight_segment *last = flight->count > 0 ? segment_at(flight, flight->count - 1) : NULL;

	if (last == NULL || last->state != FLIGHT_WAITING)
		return false;
	last->again = true; /* nobody will know which copy was answered (Karn) */
	last->at = now;
	*seq = begin_of(flight, flight->count - 1);
	*len = length_of(flight, flight->count - 1);
	return true;
}
