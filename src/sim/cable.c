/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Cables: what they do to frames, and whom a frame reaches. A cable of more than two jacks has a switch in it, which knows where every
 * MAC is; a flooding one sends everything everywhere.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/frame.h"
#include "sim/memory.h"
#include "sim/world.h"

static struct passage *passage_make(uint32_t jack, const uint8_t *data, size_t len, const struct passage *what)
{
	struct passage *passage = memory_new(1, sizeof(*passage) + len);

	*passage = (struct passage){.refs = 1,
		.jack = jack,
		.origin = what->origin,
		.crossings = what->crossings,
		.honest = what->honest,
		.group = memcmp(data, romon_mac_group.b, ROMON_MAC_LEN) == 0,
		.len = len};
	memcpy(passage->data, data, len);
	return passage;
}

void passage_release(struct passage *passage)
{
	if (--passage->refs == 0)
		free(passage);
}

/* A copy with one to three bits turned over. */
static struct passage *passage_corrupt(struct world *world, struct passage *passage)
{
	struct passage *bad = passage_make(passage->jack, passage->data, passage->len, passage);

	bad->honest = false;
	bad->crossings = 1; /* where its pointer leads now, nobody meant */
	for (uint64_t i = 1 + dice_below(&world->weather, 3); i-- > 0;)
		bad->data[dice_below(&world->weather, bad->len)] ^= (uint8_t)(1u << dice_below(&world->weather, 8));
	bad->group = memcmp(bad->data, romon_mac_group.b, ROMON_MAC_LEN) == 0;
	return bad;
}

static void fly(struct world *world, uint32_t jack, struct passage *passage, int64_t delay)
{
	passage->refs++;
	events_add(&world->events, world->now + delay, EVENT_ARRIVE, jack, passage);
}

/* One receiver's share of a frame that was sent. */
static void carry(struct world *world, const struct weather *weather, uint32_t jack, struct passage *passage)
{
	int64_t delay = weather->delay;

	if (dice_chance(&world->weather, weather->loss)) {
		world->totals.lost++;
		return;
	}
	if (weather->jitter > 0)
		delay += dice_between(&world->weather, 0, weather->jitter);
	if (dice_chance(&world->weather, weather->duplicate))
		fly(world, jack, passage, delay);
	if (dice_chance(&world->weather, weather->reorder))
		delay += dice_between(&world->weather, 0, 10 * weather->delay);
	if (dice_chance(&world->weather, weather->corrupt)) {
		struct passage *bad = passage_corrupt(world, passage);

		fly(world, jack, bad, delay);
		passage_release(bad);
		return;
	}
	fly(world, jack, passage, delay);
}

static void note(struct world *world, uint32_t jack, const uint8_t *data, size_t len)
{
	uint64_t hash = dice_mix(world->hash ^ (uint64_t)world->now) + jack, word = 0;
	size_t i;

	for (i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, data + i, sizeof(word));
		hash = (hash ^ word) * 0x9fb21c651e98df25ULL;
		hash ^= hash >> 29;
	}
	for (; i < len; i++)
		hash = (hash ^ data[i]) * 0x9fb21c651e98df25ULL;
	world->hash = dice_mix(hash ^ len);
	world->totals.frames++;
	world->totals.bytes += len;
	world->totals.sent[len > FRAME_TYPE_AT && data[FRAME_TYPE_AT] < 6 ? data[FRAME_TYPE_AT] : 0]++;
	if (world->trace == NULL)
		return;
	fprintf(world->trace, "%lld %u.%u ", (long long)world->now, world->jacks[jack].station, world->jacks[jack].link);
	for (i = 0; i < len; i++)
		fprintf(world->trace, "%02x", data[i]);
	fputc('\n', world->trace);
}

/* Does the switch send it there? It knows where every MAC is. */
static bool switched(const struct world *world, const struct cable *cable, const struct passage *passage, const struct jack *to)
{
	const struct jack *from = &world->jacks[passage->jack];

	if (from == to || (from->isolated != 0 && from->isolated == to->isolated))
		return false;
	if (cable->count == 2 || cable->floods)
		return true;
	return (passage->data[0] & 1) != 0 || memcmp(passage->data, to->mac.b, ROMON_MAC_LEN) == 0;
}

void cable_send(struct world *world, uint32_t jack, const uint8_t *data, size_t len, const struct passage *what)
{
	const struct jack *from = &world->jacks[jack];
	struct cable *cable = &world->cables[from->cable];
	struct passage *passage;

	note(world, jack, data, len);
	cable->frames++;
	cable->bytes += len;
	if (cable->cuts > 0 || from->mute)
		return;
	passage = passage_make(jack, data, len, what);
	if ((cable->filters && passage->group) || (cable->weather.narrow != 0 && len > cable->weather.narrow + 14u)) {
		passage_release(passage);
		return;
	}
	for (size_t i = 0; i < cable->count; i++)
		if (switched(world, cable, passage, &world->jacks[cable->jacks[i]]))
			carry(world, &cable->weather, cable->jacks[i], passage);
	passage_release(passage);
}

void cable_arrive(struct world *world, uint32_t jack, struct passage *passage)
{
	const struct jack *to = &world->jacks[jack];

	if (world->cables[to->cable].cuts == 0) {
		world->totals.deliveries++;
		station_take(world, jack, passage);
	}
	passage_release(passage);
}
