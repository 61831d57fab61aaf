/* SPDX-License-Identifier: BSD-2-Clause
 *
 * All streams of an engine: found by key or by handle, called when their time has come or when they have something to send, and the
 * capacities that keep strangers from filling the memory. Timers are a heap, in which a time that has moved back is corrected only
 * when it is reached: an acknowledgement moves the timer of its stream, and there are many of them.
 */
#include "core/stream.h"

#include <stdlib.h>
#include <string.h>

#include "core/broken.h"
#include "core/engine.h"

#define SLOT_BITS 12
_Static_assert(STREAMS_MAX == 1 << SLOT_BITS, "a handle is a generation and a slot");
#define GENERATION_MAX ((1u << (32 - SLOT_BITS)) - 1)

struct key_item {
	struct stream_key key;
	struct stream *stream;
};

struct peer_item {
	struct romon_mac peer;
	uint16_t half_open, connecting;
};

void streams_init(struct streams *streams, const struct table_seed *seed)
{
	table_init(&streams->table, seed, sizeof(struct stream_key), sizeof(struct key_item), STREAMS_MAX, NULL);
	table_init(&streams->peers, seed, sizeof(struct romon_mac), sizeof(struct peer_item), STREAMS_MAX, NULL);
	TAILQ_INIT(&streams->waiting);
	TAILQ_INIT(&streams->half_open);
	TAILQ_INIT(&streams->lingering);
	TAILQ_INIT(&streams->ready);
	TAILQ_INIT(&streams->telling);
	TAILQ_INIT(&streams->asking);
}

bool stream_listens(const struct streams *streams, uint16_t port)
{
	return (streams->listening[port / 8] >> (port % 8) & 1) != 0;
}

bool stream_limit_passes(struct stream_limit *limit, struct romon_time now)
{
	if (limit->count == 0 || now.ns - limit->since.ns >= ROMON_SECOND) {
		limit->since = now;
		limit->count = 0;
	}
	if (limit->count == STREAM_ANSWERS_PER_SECOND)
		return false;
	limit->count++;
	return true;
}

bool stream_may_challenge(struct romon_engine *engine, struct port *port, const struct stream *stream, struct romon_time now)
{
	return stream_limit_passes(&engine->streams.challenges, now) &&
	       engine_may_answer(engine, &engine->data_answers, port, stream->route.header_len + WIRE_STREAM_LEN);
}

/* ---- timers ---- */

static void heap_place(struct streams *streams, size_t at, struct stream *stream)
{
	streams->heap[at] = stream;
	stream->heap_at = at + 1;
}

static void heap_up(struct streams *streams, size_t at, struct stream *stream)
{
	for (; at > 0 && stream->due < streams->heap[(at - 1) / 2]->due; at = (at - 1) / 2)
		heap_place(streams, at, streams->heap[(at - 1) / 2]);
	heap_place(streams, at, stream);
}

static void heap_down(struct streams *streams, size_t at, struct stream *stream)
{
	size_t child;

	while ((child = 2 * at + 1) < streams->heap_len) {
		if (child + 1 < streams->heap_len && streams->heap[child + 1]->due < streams->heap[child]->due)
			child++;
		if (streams->heap[child]->due >= stream->due)
			break;
		heap_place(streams, at, streams->heap[child]);
		at = child;
	}
	heap_place(streams, at, stream);
}

static void heap_remove(struct streams *streams, struct stream *stream)
{
	size_t at = stream->heap_at - 1;
	struct stream *last;

	if (stream->heap_at == 0)
		return;
	stream->heap_at = 0;
	last = streams->heap[--streams->heap_len];
	if (last == stream)
		return;
	heap_up(streams, at, last);
	heap_down(streams, last->heap_at - 1, last);
}

/* When hope is lost, if nothing is heard until then: of what is ours, or of bytes before the peer's close, which it would send again. */
static int64_t give_up_at(const struct stream *stream)
{
	bool lacks = stream->close_known && !stream->peer_closed;

	if (stream->state != STREAM_OPEN || (!stream_outstanding(stream) && !lacks) || BROKEN(FINISH))
		return STREAM_NEVER;
	return stream->max != stream->una || lacks ? stream->alive.ns + STREAM_GIVE_UP : stream->close_at.ns + STREAM_CLOSE_TIME;
}

static int64_t earliest(const struct stream *stream)
{
	const int64_t times[] = {stream->timer, stream->tail_at, stream->overdue_at, stream->repeat_at, stream->end,
		give_up_at(stream), stream_idle_due(stream)};
	int64_t first = STREAM_NEVER;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] < first)
			first = times[i];
	return first;
}

void stream_schedule(struct streams *streams, struct stream *stream)
{
	int64_t due = earliest(stream);

	if (due == STREAM_NEVER) {
		heap_remove(streams, stream);
	} else if (stream->heap_at == 0) {
		stream->due = due;
		heap_up(streams, streams->heap_len++, stream);
	} else if (due < stream->due) {
		stream->due = due;
		heap_up(streams, stream->heap_at - 1, stream);
	}
}

/* ---- making and freeing ---- */

static bool make_arrays(struct streams *streams)
{
	if (streams->slots == NULL)
		streams->slots = calloc(STREAMS_MAX, sizeof(*streams->slots));
	if (streams->generations == NULL)
		streams->generations = calloc(STREAMS_MAX, sizeof(*streams->generations));
	if (streams->heap == NULL)
		streams->heap = calloc(STREAMS_MAX, sizeof(struct stream *));
	return streams->slots != NULL && streams->generations != NULL && streams->heap != NULL;
}

/* The oldest one that lingers, and that its user knows no more, makes room. */
static bool make_room(struct romon_engine *engine)
{
	struct stream *stream;

	if (engine->streams.count < STREAMS_MAX)
		return true;
	TAILQ_FOREACH(stream, &engine->streams.lingering, phase_link)
	{
		if (stream->handle == 0) {
			stream_free(engine, stream);
			return true;
		}
	}
	return false;
}

struct stream *stream_new(struct romon_engine *engine, const struct stream_key *key, enum stream_state state)
{
	struct streams *streams = &engine->streams;
	struct key_item *item;
	struct stream *stream;

	if (!make_arrays(streams) || !make_room(engine))
		return NULL;
	stream = calloc(1, sizeof(*stream));
	item = stream != NULL ? table_put(&streams->table, key, engine->now) : NULL;
	if (item == NULL) {
		free(stream);
		return NULL;
	}
	item->stream = stream;
	streams->count++;
	stream->key = *key;
	stream->state = STREAM_OPEN; /* of no list, until it enters another one */
	stream->timer = stream->tail_at = stream->overdue_at = stream->repeat_at = stream->end = STREAM_NEVER;
	stream->began = stream->alive = engine->now;
	stream->size = STREAM_SIZE_MIN;
	stream->iss = stream->una = stream->max = (uint32_t)engine_random(engine);
	flight_init(&stream->flight, stream->iss);
	stream_enter(engine, stream, state);
	return stream;
}

static void release_buffers(struct streams *streams, struct stream *stream)
{
	buffer_free(&stream->out, &streams->pool);
	buffer_free(&stream->in, &streams->pool);
	ranges_free(&stream->early);
	flight_free(&stream->flight);
	route_free(&stream->route);
}

static void forget_event(struct streams *streams, struct stream *stream)
{
	if (stream->events != 0)
		TAILQ_REMOVE(&streams->telling, stream, event_link);
	stream->events = 0;
}

/* Takes it off the wire: no list but that of events knows it any more. */
static void detach(struct romon_engine *engine, struct stream *stream)
{
	struct streams *streams = &engine->streams;

	if (stream->state == STREAM_ENDED)
		return;
	stream_ask(engine, stream, false, engine->now);
	if (stream->ready)
		TAILQ_REMOVE(&streams->ready, stream, ready_link);
	stream->ready = false;
	heap_remove(streams, stream);
	table_remove(&streams->table, table_find(&streams->table, &stream->key));
	release_buffers(streams, stream);
	stream_enter(engine, stream, STREAM_ENDED);
}

static void release_handle(struct streams *streams, struct stream *stream)
{
	if (stream->handle != 0)
		streams->slots[stream->handle & (STREAMS_MAX - 1)] = NULL;
	stream->handle = 0;
}

void stream_free(struct romon_engine *engine, struct stream *stream)
{
	detach(engine, stream);
	forget_event(&engine->streams, stream);
	release_handle(&engine->streams, stream);
	engine->streams.count--;
	free(stream);
}

void stream_end(struct romon_engine *engine, struct stream *stream, enum romon_stream_end reason)
{
	if (stream->handle == 0) {
		stream_free(engine, stream);
		return;
	}
	detach(engine, stream);
	stream->reason = reason;
	stream_tell(&engine->streams, stream, ROMON_EVENT_STREAM_CLOSED);
	stream->events &= ~(1u << ROMON_EVENT_STREAM_READABLE | 1u << ROMON_EVENT_STREAM_WRITABLE);
}

void streams_abandon(struct romon_engine *engine)
{
	struct streams *streams = &engine->streams;
	struct key_item *item;

	while ((item = table_next(&streams->table, NULL)) != NULL)
		stream_end(engine, item->stream, ROMON_STREAM_RESET);
}

void streams_free(struct romon_engine *engine)
{
	struct streams *streams = &engine->streams;
	struct stream *stream;

	streams_abandon(engine);
	while ((stream = TAILQ_FIRST(&streams->telling)) != NULL) /* all that are left wait for their user */
		stream_free(engine, stream);
	table_clear(&streams->table);
	table_clear(&streams->peers);
	free(streams->slots);
	free(streams->generations);
	free(streams->heap);
}

/* ---- finding ---- */

struct stream *stream_find(const struct streams *streams, const struct stream_key *key)
{
	struct key_item *item = table_find(&streams->table, key);

	return item != NULL ? item->stream : NULL;
}

struct stream *stream_by_handle(const struct streams *streams, uint32_t handle)
{
	struct stream *stream = streams->slots != NULL ? streams->slots[handle & (STREAMS_MAX - 1)] : NULL;

	return stream != NULL && stream->handle == handle ? stream : NULL;
}

void stream_name(struct streams *streams, struct stream *stream)
{
	uint32_t slot = streams->next_slot;

	while (streams->slots[slot] != NULL) /* one is free: there are not more streams than slots */
		slot = (slot + 1) & (STREAMS_MAX - 1);
	streams->next_slot = (slot + 1) & (STREAMS_MAX - 1);
	if (++streams->generations[slot] > GENERATION_MAX)
		streams->generations[slot] = 1;
	streams->slots[slot] = stream;
	stream->handle = streams->generations[slot] << SLOT_BITS | slot;
}

/* ---- phases ---- */

unsigned stream_opening(const struct streams *streams, struct romon_mac peer, bool connecting)
{
	const struct peer_item *item = table_find(&streams->peers, &peer);

	if (item == NULL)
		return 0;
	return connecting ? item->connecting : item->half_open;
}

static void count_opening(struct romon_engine *engine, struct romon_mac peer, int connecting, int half_open)
{
	struct peer_item *item = table_put(&engine->streams.peers, &peer, engine->now);

	if (item == NULL) /* without memory it is not counted; nor is it when it ends, see below */
		return;
	if (item->connecting + connecting >= 0)
		item->connecting = (uint16_t)(item->connecting + connecting);
	if (item->half_open + half_open >= 0)
		item->half_open = (uint16_t)(item->half_open + half_open);
	if (item->connecting == 0 && item->half_open == 0)
		table_remove(&engine->streams.peers, item);
}

void stream_enter(struct romon_engine *engine, struct stream *stream, enum stream_state state)
{
	struct streams *streams = &engine->streams;
	enum stream_state old = stream->state;

	if (old == STREAM_WAITING)
		TAILQ_REMOVE(&streams->waiting, stream, phase_link);
	else if (old == STREAM_ACCEPTING)
		TAILQ_REMOVE(&streams->half_open, stream, phase_link);
	else if (old == STREAM_OVER)
		TAILQ_REMOVE(&streams->lingering, stream, phase_link);
	if (old == STREAM_ACCEPTING || old == STREAM_CONNECTING)
		count_opening(engine, stream->key.peer, -(old == STREAM_CONNECTING), -(old == STREAM_ACCEPTING));
	streams->half_open_count -= old == STREAM_ACCEPTING;

	stream->state = state;
	if (state == STREAM_WAITING)
		TAILQ_INSERT_TAIL(&streams->waiting, stream, phase_link);
	else if (state == STREAM_ACCEPTING)
		TAILQ_INSERT_TAIL(&streams->half_open, stream, phase_link);
	else if (state == STREAM_OVER)
		TAILQ_INSERT_TAIL(&streams->lingering, stream, phase_link);
	if (state == STREAM_ACCEPTING || state == STREAM_CONNECTING)
		count_opening(engine, stream->key.peer, state == STREAM_CONNECTING, state == STREAM_ACCEPTING);
	streams->half_open_count += state == STREAM_ACCEPTING;
	if (old == STREAM_CONNECTING)
		stream_next_turn(engine, stream->key.peer, engine->now);
}

/* ---- events ---- */

void stream_tell(struct streams *streams, struct stream *stream, enum romon_event_type type)
{
	if (stream->handle == 0)
		return;
	if (stream->events == 0)
		TAILQ_INSERT_TAIL(&streams->telling, stream, event_link);
	stream->events |= 1u << type;
}

bool stream_event(struct romon_engine *engine, struct romon_event *event)
{
	struct streams *streams = &engine->streams;
	struct stream *stream = TAILQ_FIRST(&streams->telling);
	enum romon_event_type type = ROMON_EVENT_STREAM_OPEN;

	if (stream == NULL)
		return false;
	while ((stream->events & 1u << type) == 0)
		type++;
	stream->events &= ~(1u << type);
	if (stream->events == 0)
		TAILQ_REMOVE(&streams->telling, stream, event_link);
	*event = (struct romon_event){.type = type,
		.id = stream->key.peer,
		.stream = stream->handle,
		.port = stream->connector ? stream->key.remote : stream->key.local};
	if (type != ROMON_EVENT_STREAM_CLOSED)
		return true;
	event->reason = stream->reason;
	event->received = stream->received;
	event->sent = stream->sent;
	release_handle(streams, stream);
	if (stream->state == STREAM_ENDED || stream->end == STREAM_NEVER)
		stream_free(engine, stream);
	return true;
}

/* ---- what is due ---- */

void stream_ready(struct streams *streams, struct stream *stream, unsigned want)
{
	stream->want |= want;
	if (!stream->ready)
		TAILQ_INSERT_TAIL(&streams->ready, stream, ready_link);
	stream->ready = true;
}

/* The time that its state may last is over. */
static void expire(struct romon_engine *engine, struct stream *stream)
{
	switch (stream->state) {
	case STREAM_WAITING:
		stream_end(engine, stream, ROMON_STREAM_TIMEOUT);
		break;
	case STREAM_CONNECTING:
		stream_end(engine, stream, stream->route.hop_count == 0 ? ROMON_STREAM_NO_PATH : ROMON_STREAM_TIMEOUT);
		break;
	case STREAM_OVER:
		stream->end = STREAM_NEVER;
		if (stream->handle != 0) /* its user has not read everything */
			break;
		stream_free(engine, stream);
		break;
	default:
		stream_free(engine, stream);
		break;
	}
}

static void give_up(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	if (stream->max == stream->una && stream->peer_closed) { /* nothing is lost but the answer to our close */
		stream_settle(engine, stream, now);
	} else if (stream->max == stream->una && stream->close_heard && !stream->close_known) { /* it lives, and has more to say */
		stream->close_acked = true;
		stream->timer = STREAM_NEVER;
		stream_ask(engine, stream, false, now);
		stream_schedule(&engine->streams, stream);
	} else {
		stream_break(engine, stream, ROMON_STREAM_TIMEOUT);
	}
}

static void repeat_acknowledgement(struct streams *streams, struct stream *stream, struct romon_time now)
{
	stream->repeats--;
	stream->repeat_at = stream->repeats > 0 ? now.ns + 800 * ROMON_MILLISECOND : STREAM_NEVER;
	stream_ready(streams, stream, STREAM_WANT_ACK);
}

static void run_times(struct romon_engine *engine, struct stream *stream, struct romon_time now)
{
	if (stream->end <= now.ns) {
		expire(engine, stream);
		return;
	}
	if (give_up_at(stream) <= now.ns) {
		give_up(engine, stream, now);
		return;
	}
	if (stream_idle_due(stream) <= now.ns && !stream_idle_run(engine, stream, now))
		return;
	if (stream->overdue_at <= now.ns)
		stream_overdue(engine, stream, now);
	if (stream->tail_at <= now.ns)
		stream_tail_timeout(engine, stream);
	if (stream->repeat_at <= now.ns)
		repeat_acknowledgement(&engine->streams, stream, now);
	if (stream->timer <= now.ns) {
		if (stream->state == STREAM_OPEN)
			stream_timeout(engine, stream, now);
		else
			stream_open_timeout(engine, stream, now);
	}
	stream_schedule(&engine->streams, stream);
}

static void run_timers(struct romon_engine *engine, struct romon_time now)
{
	struct streams *streams = &engine->streams;

	while (streams->heap_len > 0 && streams->heap[0]->due <= now.ns) {
		struct stream *stream = streams->heap[0];

		heap_remove(streams, stream);
		if (earliest(stream) <= now.ns)
			run_times(engine, stream, now);
		else
			stream_schedule(streams, stream);
	}
}

void stream_run(struct romon_engine *engine, size_t max, struct romon_time now)
{
	struct streams *streams = &engine->streams;
	struct stream *stream;

	streams_look(engine, now);
	run_timers(engine, now);
	while ((stream = TAILQ_FIRST(&streams->ready)) != NULL && queue_waiting(&engine->queue) < max &&
		queue_bytes(&engine->queue) < QUEUE_BYTES_MAX / 2) {
		TAILQ_REMOVE(&streams->ready, stream, ready_link);
		stream->ready = false;
		if (stream_output(engine, stream, now))
			stream_ready(streams, stream, 0); /* behind the others */
		stream_schedule(streams, stream);
	}
}

void stream_wake(const struct romon_engine *engine, bool *set, struct romon_time *when)
{
	const struct streams *streams = &engine->streams;

	if (streams->heap_len > 0)
		wake_at(set, when, (struct romon_time){streams->heap[0]->due});
	if (!TAILQ_EMPTY(&streams->ready) || (!TAILQ_EMPTY(&streams->asking) && streams->looked != engine->topology.generation))
		wake_at(set, when, engine->now);
}
