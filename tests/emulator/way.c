/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What happens to frames on one direction of an emulated wire.
 */
#include "way.h"

#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000
#define HEADER 14 /* bytes of an Ethernet header */
#define TAG 4
#define JITTER_STEP 4 /* jitters of time from one random delay to the next */

/* What a random number is for: each decision about a frame has one of its own. */
enum draw { DRAW_LOSS, DRAW_DUPLICATE, DRAW_CORRUPT, DRAW_BIT, DRAW_REORDER, DRAW_DEPTH, DRAW_JITTER, DRAWS };

/* A number that only the seed, the number (of a frame) and the purpose determine (the finish of SplitMix64 over their sum). */
static uint64_t draw_at(const struct way *way, uint64_t number, enum draw purpose)
{
	uint64_t z = way->seed + (number * DRAWS + (uint64_t)purpose) * 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

static uint64_t draw(const struct way *way, enum draw purpose)
{
	return draw_at(way, way->number, purpose);
}

/* From 0 to 1, without 1. */
static double unit(uint64_t drawn)
{
	return (double)(drawn >> 11) * 0x1p-53;
}

static bool happens(const struct way *way, double probability, enum draw purpose)
{
	return probability > 0 && unit(draw(way, purpose)) < probability;
}

/* The delay wanders straight from one random value to the next, so slowly that no frame catches up with another. */
static int64_t wander(const struct way *way, int64_t now)
{
	int64_t jitter = way->options.jitter, step = JITTER_STEP * jitter;
	double from, to, part;

	if (jitter == 0)
		return 0;
	from = unit(draw_at(way, (uint64_t)(now / step), DRAW_JITTER));
	to = unit(draw_at(way, (uint64_t)(now / step) + 1, DRAW_JITTER));
	part = (double)(now % step) / (double)step;
	return (int64_t)((2 * (from + (to - from) * part) - 1) * (double)jitter);
}

void way_init(struct way *way, uint64_t seed)
{
	*way = (struct way){.seed = seed * 0xd1342543de82ef95u + 1, .options = {.depth = 3, .limit = 256 * 1024}};
	STAILQ_INIT(&way->queue);
	STAILQ_INIT(&way->held);
}

static void drop_all(struct way *way, struct way_frames *frames, uint64_t *counter)
{
	struct way_frame *frame;

	while ((frame = STAILQ_FIRST(frames)) != NULL) {
		STAILQ_REMOVE_HEAD(frames, link);
		way->waiting -= frame->len;
		*counter += 1;
		free(frame);
	}
}

void way_clear(struct way *way)
{
	drop_all(way, &way->queue, &way->counters.cut);
	drop_all(way, &way->held, &way->counters.cut);
	way->free_at = way->last_due = 0;
}

void way_cut(struct way *way, bool cut)
{
	way->cut = cut;
	if (cut)
		way_clear(way);
}

static bool too_long(const struct way *way, const uint8_t *data, size_t len)
{
	size_t header = HEADER + (len > HEADER && data[12] == 0x81 && data[13] == 0 ? TAG : 0);

	return way->options.mtu != 0 && len > header + way->options.mtu;
}

/* Sends the frame on: it is due when the rate has let it pass and the delay is over. False: it finds the queue full. */
static bool enqueue(struct way *way, struct way_frame *frame, int64_t now)
{
	const struct way_options *options = &way->options;
	int64_t start = way->free_at > now ? way->free_at : now;

	if (options->rate != 0) {
		double backlog = (double)(start - now) * (double)options->rate / 8 / SECOND;

		if (backlog + frame->len > (double)options->limit && start > now)
			return false;
		start += (int64_t)((double)frame->len * 8 * SECOND / (double)options->rate);
		way->free_at = start;
	}
	frame->due = start + options->delay + wander(way, start);
	if (frame->due < way->last_due)
		frame->due = way->last_due;
	way->last_due = frame->due;
	STAILQ_INSERT_TAIL(&way->queue, frame, link);
	return true;
}

static void send_on(struct way *way, struct way_frame *frame, int64_t now)
{
	if (enqueue(way, frame, now))
		return;
	way->counters.queue++;
	way->waiting -= frame->len;
	free(frame);
}

/* One more frame has gone on: those that were to be overtaken by it, and by no more, follow it. */
static void overtake(struct way *way, int64_t now)
{
	struct way_frame *frame, *next;

	for (frame = STAILQ_FIRST(&way->held); frame != NULL; frame = next) {
		next = STAILQ_NEXT(frame, link);
		if (--frame->hold > 0)
			continue;
		STAILQ_REMOVE(&way->held, frame, way_frame, link);
		way->counters.reordered++;
		send_on(way, frame, now);
	}
}

static struct way_frame *copy_of(struct way *way, const uint8_t *data, size_t len)
{
	struct way_frame *frame = way->waiting + len <= WAY_BYTES_MAX ? malloc(sizeof(*frame) + len) : NULL;

	if (frame == NULL) {
		way->counters.queue++;
		return NULL;
	}
	frame->len = (uint32_t)len;
	memcpy(frame->data, data, len);
	way->waiting += len;
	return frame;
}

static void hold(struct way *way, struct way_frame *frame, int64_t now)
{
	frame->hold = 1 + (uint32_t)(draw(way, DRAW_DEPTH) % (way->options.depth != 0 ? way->options.depth : 1));
	frame->due = now + WAY_HOLD_MAX;
	STAILQ_INSERT_TAIL(&way->held, frame, link);
}

static void pass(struct way *way, const uint8_t *data, size_t len, int64_t now)
{
	const struct way_options *options = &way->options;
	struct way_frame *frame = copy_of(way, data, len);

	if (frame == NULL)
		return;
	if (len > 0 && happens(way, options->corrupt, DRAW_CORRUPT)) {
		uint64_t bit = draw(way, DRAW_BIT) % (8 * len);

		frame->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		way->counters.corrupted++;
	}
	if (happens(way, options->reorder, DRAW_REORDER)) {
		hold(way, frame, now);
	} else {
		send_on(way, frame, now);
		overtake(way, now);
	}
	if (happens(way, options->duplicate, DRAW_DUPLICATE) && (frame = copy_of(way, data, len)) != NULL) {
		way->counters.duplicated++;
		send_on(way, frame, now);
	}
}

void way_put(struct way *way, const uint8_t *data, size_t len, int64_t now)
{
	way->number++;
	way->counters.frames++;
	way->counters.bytes += len;
	if (way->cut)
		way->counters.cut++;
	else if (too_long(way, data, len))
		way->counters.long_++;
	else if (happens(way, way->options.loss, DRAW_LOSS))
		way->counters.lost++;
	else
		pass(way, data, len, now);
}

struct way_frame *way_take(struct way *way, int64_t now)
{
	struct way_frame *frame;

	while ((frame = STAILQ_FIRST(&way->held)) != NULL && frame->due <= now) { /* nobody has overtaken it */
		STAILQ_REMOVE_HEAD(&way->held, link);
		send_on(way, frame, now);
	}
	frame = STAILQ_FIRST(&way->queue);
	if (frame == NULL || frame->due > now)
		return NULL;
	STAILQ_REMOVE_HEAD(&way->queue, link);
	way->waiting -= frame->len;
	way->counters.passed++;
	return frame;
}

int64_t way_due(const struct way *way)
{
	const struct way_frame *first = STAILQ_FIRST(&way->queue), *held = STAILQ_FIRST(&way->held);
	int64_t due = first != NULL ? first->due : WAY_NEVER;

	return held != NULL && held->due < due ? held->due : due;
}
