/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Streams with checked content. The one who connects writes a head (a key, how much it will write, how much it wants to read) and then
 * bytes made of the key and their place; the other one writes back bytes made of the key too. No two streams have the same key, so that a
 * byte of another stream, of another place or of an earlier life is seen.
 */
#include <string.h>

#include "sim/checks.h"
#include "sim/memory.h"
#include "sim/workload.h"

#define SERVICE_PORT 1024
#define HEAD_LEN 24

static uint8_t byte_at(uint64_t key, bool back, uint64_t place)
{
	return (uint8_t)(dice_mix(key + (back ? 1 : 0) + (place >> 3) * 0x9e3779b97f4a7c15ULL) >> (place & 7) * 8);
}

static uint8_t head_byte(const struct end *end, uint64_t place)
{
	uint64_t words[] = {end->key, end->to_write, end->to_read};

	return (uint8_t)(words[place / 8] >> place % 8 * 8);
}

/* Do both ends know that both are ours? Then one may finish before the other; else the end of one is taken for that of both. */
static bool ours(struct world *world, struct end *end)
{
	struct romon_stream_info info;

	if (!end->ours && romon_stream_info(world->stations[end->station].engine, end->handle, &info))
		end->ours = info.ours;
	return end->ours;
}

static void write_some(struct world *world, struct end *end)
{
	struct romon_engine *engine = world->stations[end->station].engine;
	uint8_t *place;
	size_t room;

	while (end->written < end->to_write && (room = romon_stream_space(engine, end->handle, &place)) > 0) {
		if (room > end->to_write - end->written)
			room = (size_t)(end->to_write - end->written);
		for (size_t i = 0; i < room; i++)
			place[i] = end->connector && end->written + i < HEAD_LEN
					   ? head_byte(end, end->written + i)
					   : byte_at(end->key, !end->connector, end->written + i);
		romon_stream_commit(engine, end->handle, room);
		end->written += room;
	}
	if (end->written == end->to_write && !end->shut && (end->connector || end->read >= HEAD_LEN) &&
		(end->read == end->to_read || ours(world, end))) {
		end->shut = true;
		romon_stream_shutdown(engine, end->handle);
	}
}

/* The head tells an acceptor what it will read and is to write. */
static void take_head(struct end *end, uint64_t place, uint8_t byte)
{
	uint64_t *word = place / 8 == 0 ? &end->key : place / 8 == 1 ? &end->to_read : &end->to_write;

	*word |= (uint64_t)byte << place % 8 * 8;
}

static bool right(struct end *end, uint64_t place, uint8_t byte)
{
	if (!end->connector && place < HEAD_LEN) {
		take_head(end, place, byte);
		return true;
	}
	return place < end->to_read && byte == byte_at(end->key, end->connector, place);
}

/* What was unhashed may have been changed on its way: of a stream that lived then, nothing can be promised. */
static bool promised(const struct world *world, const struct end *end)
{
	return world->checks != NULL && world->tainted < end->began;
}

static void read_some(struct world *world, struct end *end)
{
	struct romon_engine *engine = world->stations[end->station].engine;
	const uint8_t *data;
	size_t len;

	while ((len = romon_stream_peek(engine, end->handle, &data)) > 0) {
		bool all = true;

		for (size_t i = 0; i < len; i++)
			all &= right(end, end->read + i, data[i]);
		if (promised(world, end) && !checks_holds(world, CHECK_CONTENT, all))
			checks_violated(world, CHECK_CONTENT, "router %u reads a byte that was not written, after %llu",
				end->station, (unsigned long long)end->read);
		end->read += len;
		world->totals.stream_bytes += len;
		romon_stream_read(engine, end->handle, len);
	}
	ours(world, end);
	if (!end->finished && romon_stream_finished(engine, end->handle)) {
		end->finished = true;
		if (promised(world, end) && end->ours &&
			!checks_holds(
				world, CHECK_CONTENT, end->read == end->to_read && (end->connector || end->read >= HEAD_LEN)))
			checks_violated(world, CHECK_CONTENT, "router %u reads %llu bytes of %llu, and then the end",
				end->station, (unsigned long long)end->read, (unsigned long long)end->to_read);
	}
}

static struct end *end_new(struct world *world)
{
	struct workload *workload = world->workload;
	size_t i = 0;

	while (i < workload->end_count && workload->ends[i].used)
		i++;
	if (i == workload->end_count) {
		workload->ends = memory_room(workload->ends, &workload->end_cap, i + 1, sizeof(*workload->ends));
		workload->end_count++;
	}
	workload->ends[i] = (struct end){.used = true, .began = world->now};
	return &workload->ends[i];
}

static struct end *end_find(struct world *world, uint32_t station, uint32_t handle)
{
	struct workload *workload = world->workload;

	for (size_t i = 0; i < workload->end_count; i++)
		if (workload->ends[i].used && workload->ends[i].station == station && workload->ends[i].handle == handle)
			return &workload->ends[i];
	return NULL;
}

void talk_begin(struct world *world, uint32_t slot)
{
	struct workload *workload = world->workload;
	uint32_t routers = world->station_count - (uint32_t)world->options->hostile;
	uint32_t from = (uint32_t)dice_below(&workload->dice, routers), to = (uint32_t)dice_below(&workload->dice, routers);
	uint64_t most = world->options->stream_bytes, key = dice_throw(&workload->dice) & ~1ULL;
	uint64_t there = HEAD_LEN + dice_below(&workload->dice, most + 1), back = dice_below(&workload->dice, most + 1);
	struct end *end;
	uint32_t handle;

	if (from == to || !station_runs(world, from))
		return;
	handle = romon_engine_stream_connect(
		world->stations[from].engine, world->stations[to].id, SERVICE_PORT, station_now(world, from));
	if (handle == 0)
		return;
	end = end_new(world);
	end->connector = true;
	end->station = from;
	end->peer = to;
	end->handle = handle;
	end->slot = slot;
	end->key = key;
	end->to_write = there;
	end->to_read = back;
	world->totals.streams++;
	write_some(world, end);
	station_flush(world, from);
}

static void closed(struct world *world, struct end *end, const struct romon_event *event)
{
	bool whole = end->read == end->to_read && end->written == end->to_write && end->finished;

	end->used = false;
	if (event->reason != ROMON_STREAM_DONE)
		return;
	if (end->connector)
		world->totals.streams_done++;
	if (promised(world, end) && end->ours && !checks_holds(world, CHECK_CONTENT, whole))
		checks_violated(world, CHECK_CONTENT,
			"router %u: a stream is done with %llu of %llu bytes read, %llu of %llu written", end->station,
			(unsigned long long)end->read, (unsigned long long)end->to_read, (unsigned long long)end->written,
			(unsigned long long)end->to_write);
}

void talk_event(struct world *world, uint32_t station, const struct romon_event *event)
{
	struct end *end = end_find(world, station, event->stream);

	if (event->type == ROMON_EVENT_STREAM_ACCEPTED) {
		end = end_new(world);
		end->station = station;
		end->handle = event->stream;
	}
	if (end == NULL)
		return;
	read_some(world, end);
	if (event->type == ROMON_EVENT_STREAM_CLOSED) {
		closed(world, end, event);
		return;
	}
	write_some(world, end);
}

void talk_ended(struct world *world, uint32_t station)
{
	struct workload *workload = world->workload;

	for (size_t i = 0; workload != NULL && i < workload->end_count; i++)
		if (workload->ends[i].station == station)
			workload->ends[i].used = false;
}
