/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Strangers on a cable.
 */
#include "sim/hostile.h"

#include <stdlib.h>
#include <string.h>

#include "sim/frame.h"
#include "sim/memory.h"

#define HEARD_MAX 64
#define FRAME_MAX 2048
#define FLOOD_MAX 3000 /* frames */

struct stranger {
	struct dice dice;
	uint8_t heard[HEARD_MAX][FRAME_MAX]; /* whole frames */
	size_t lens[HEARD_MAX];
	uint64_t count;
};

struct hostile {
	struct stranger *strangers;
	uint32_t first; /* station */
};

struct hostile *hostile_new(struct world *world)
{
	struct hostile *hostile = memory_new(1, sizeof(*hostile));
	uint32_t count = (uint32_t)world->options->hostile;

	hostile->strangers = memory_new(count, sizeof(*hostile->strangers));
	hostile->first = world->station_count - count;
	for (uint32_t i = 0; i < count; i++) {
		hostile->strangers[i].dice = dice_make(world->options->seed, DICE_HOSTILE, i);
		events_add(&world->events,
			world->now + dice_between(&hostile->strangers[i].dice, 1, 2 * world->options->hostile_interval),
			EVENT_HOSTILE, hostile->first + i, NULL);
	}
	return hostile;
}

void hostile_free(struct hostile *hostile, const struct world *world)
{
	(void)world;
	if (hostile != NULL)
		free(hostile->strangers);
	free(hostile);
}

static struct stranger *stranger_of(struct world *world, uint32_t station)
{
	return &world->hostile->strangers[station - world->hostile->first];
}

void hostile_hears(struct world *world, uint32_t station, const struct passage *passage)
{
	struct stranger *stranger = stranger_of(world, station);
	size_t slot = stranger->count % HEARD_MAX;

	if (passage->len > FRAME_MAX)
		return;
	memcpy(stranger->heard[slot], passage->data, passage->len);
	stranger->lens[slot] = passage->len;
	stranger->count++;
}

static void send(struct world *world, uint32_t station, const uint8_t *frame, size_t len)
{
	struct passage what = {.origin = station, .crossings = 1, .honest = false};

	cable_send(world, world->stations[station].first_jack, frame, len, &what);
}

/* A copy of something heard. 0: nothing was yet. */
static size_t recall(struct stranger *stranger, uint8_t frame[FRAME_MAX])
{
	uint64_t known = stranger->count < HEARD_MAX ? stranger->count : HEARD_MAX;
	size_t slot = (size_t)dice_below(&stranger->dice, known);

	if (known == 0)
		return 0;
	memcpy(frame, stranger->heard[slot], stranger->lens[slot]);
	return stranger->lens[slot];
}

/* The same again, now and then many times. */
static void replay(struct world *world, uint32_t station, struct stranger *stranger)
{
	uint8_t frame[FRAME_MAX];
	size_t len = recall(stranger, frame);

	for (uint64_t i = 1 + dice_below(&stranger->dice, 20); len > 0 && i-- > 0;)
		send(world, station, frame, len);
}

/* Something heard, with some of its bytes changed, and now and then as if it had never been hashed. */
static void forge(struct world *world, uint32_t station, struct stranger *stranger)
{
	for (uint64_t n = 1 + dice_below(&stranger->dice, 50); n-- > 0;) {
		uint8_t frame[FRAME_MAX];
		size_t len = recall(stranger, frame);

		for (uint64_t i = 1 + dice_below(&stranger->dice, 4); len > 0 && i-- > 0;)
			frame[dice_below(&stranger->dice, len)] = (uint8_t)dice_throw(&stranger->dice);
		if (len > FRAME_MIN && dice_below(&stranger->dice, 3) == 0)
			memset(frame + FRAME_AUTH_AT, 0, FRAME_AUTH_LEN);
		if (len > 0)
			send(world, station, frame, len);
	}
}

static void put_mac(uint8_t *at, uint64_t value)
{
	at[0] = 2;
	for (unsigned i = 1; i < 6; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

/* Askers that do not exist, of which every router is to remember something. */
static void flood(struct world *world, uint32_t station, struct stranger *stranger)
{
	uint8_t frame[FRAME_MAX];
	size_t len = 0;

	for (unsigned tries = 0; tries < 16 && (len == 0 || frame[FRAME_TYPE_AT] != FRAME_DISCOVER); tries++)
		len = recall(stranger, frame);
	if (len < FRAME_HOPS_AT + 8 || frame[FRAME_TYPE_AT] != FRAME_DISCOVER)
		return;
	for (uint64_t n = dice_below(&stranger->dice, FLOOD_MAX); n-- > 0;) {
		put_mac(frame + FRAME_SOURCE_AT, dice_throw(&stranger->dice));
		put_mac(frame + 6, dice_throw(&stranger->dice));
		if (dice_below(&stranger->dice, 2) == 0 && frame[FRAME_COUNT_AT] == 0)
			put_mac(frame + FRAME_HOPS_AT + 2, dice_throw(&stranger->dice));
		send(world, station, frame, len);
	}
}

/* An answer heard, in which links cost nothing. */
static void lie(struct world *world, uint32_t station, struct stranger *stranger)
{
	uint8_t frame[FRAME_MAX];
	size_t len = recall(stranger, frame);
	struct frame read;

	if (len == 0 || !frame_read(&read, frame, len) || (read.type != FRAME_ANSWER && read.type != FRAME_DISCOVER))
		return;
	for (size_t route = (size_t)(read.body - frame); route + 36 <= len && frame[route] == 1; route += 36) {
		memcpy(frame + route + 2 + 6 + 6, "\0\1", 2);
		memcpy(frame + route + 2 + 20 + 6, "\0\1", 2);
	}
	if (dice_below(&stranger->dice, 2) == 0)
		memcpy(frame + 6, world->jacks[world->stations[station].first_jack].mac.b, ROMON_MAC_LEN);
	send(world, station, frame, len);
}

/* Data whose hops lead to and fro between two neighbours, by all their ports that it can guess. */
static void loop(struct world *world, uint32_t station, struct stranger *stranger)
{
	const struct cable *cable = &world->cables[world->jacks[world->stations[station].first_jack].cable];
	uint8_t frame[FRAME_MAX], *at;
	struct frame read;
	size_t len = 0;
	uint8_t hops = (uint8_t)(2 + dice_below(&stranger->dice, 140));

	for (unsigned tries = 0; tries < 16 && (len == 0 || frame[FRAME_TYPE_AT] != FRAME_DATA); tries++)
		len = recall(stranger, frame);
	if (len == 0 || !frame_read(&read, frame, len) || read.type != FRAME_DATA || cable->count < 2)
		return;
	frame[FRAME_COUNT_AT] = hops;
	frame[FRAME_POINTER_AT] = 0;
	at = frame + FRAME_DATA_HOPS_AT;
	for (unsigned i = 0; i < hops; i++, at += FRAME_HOP_LEN) {
		const struct jack *jack = &world->jacks[cable->jacks[dice_below(&stranger->dice, cable->count)]];

		memset(at, 0, 4);
		at[3] = (uint8_t)jack->link;
		memcpy(at + 4, jack->mac.b, ROMON_MAC_LEN);
	}
	memcpy(frame, frame + FRAME_DATA_HOPS_AT + 4, ROMON_MAC_LEN);
	memcpy(at, "\4\0\0\1abcdefgh", 12);
	len = (size_t)(at + 12 - frame);
	frame[FRAME_LENGTH_AT] = (uint8_t)(len >> 8);
	frame[FRAME_LENGTH_AT + 1] = (uint8_t)len;
	send(world, station, frame, len);
}

void hostile_acts(struct world *world, uint32_t station)
{
	static void (*const acts[])(struct world *, uint32_t, struct stranger *) = {replay, forge, flood, lie, loop};
	struct stranger *stranger = stranger_of(world, station);

	if (world->quiet)
		return;
	acts[dice_below(&stranger->dice, sizeof(acts) / sizeof(acts[0]))](world, station, stranger);
	events_add(&world->events, world->now + dice_between(&stranger->dice, 1, 2 * world->options->hostile_interval),
		EVENT_HOSTILE, station, NULL);
}
