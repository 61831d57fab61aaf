/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the secrets forbid, judged by a digest of our own, and what needs a memory of its own: counters that were taken, and how often
 * somebody's Discover was passed on and answered.
 */
#include <stdlib.h>

#include <nettle/hmac.h>

#include "core/table.h"
#include "sim/checks.h"
#include "sim/memory.h"

#define COUNTERS 2048                  /* of one sender that are remembered */
#define HOLD (795 * ROMON_MILLISECOND) /* the rule is 800 ms, less a wait of at most 4 */
#define ANSWERS_MAX 512                /* to one asker within that: the rule is 256 in each of two windows */
#define ENTRIES_MAX (1 << 20)

/* Counters of one sender that a port has taken. */
struct taken {
	uint32_t jack, index;
	struct romon_mac from;
	uint8_t group, zero;
	uint64_t newest;
	uint64_t seen[COUNTERS / 64]; /* bit counter % COUNTERS */
};

struct passed {
	uint32_t where; /* jack; or station for answers */
	struct romon_mac asker;
	uint8_t answers, zero;
	uint32_t life, count;
	struct romon_time at; /* of the clock there */
	struct romon_time world;
};
_Static_assert(offsetof(struct taken, newest) == 16 && offsetof(struct passed, life) == 12, "keys without padding");

struct check_tables {
	struct table_seed seed;
	struct table taken, passed;
};

static bool passed_dead(const void *item, struct romon_time now)
{
	return now.ns - ((const struct passed *)item)->world.ns > 4 * ROMON_SECOND;
}

struct check_tables *check_tables_new(uint64_t seed)
{
	struct check_tables *tables = memory_new(1, sizeof(*tables));
	struct dice dice = {seed};

	for (size_t i = 0; i < sizeof(tables->seed.word) / sizeof(tables->seed.word[0]); i++)
		tables->seed.word[i] = dice_throw(&dice);
	table_init(&tables->taken, &tables->seed, 16, sizeof(struct taken), ENTRIES_MAX, NULL);
	table_init(&tables->passed, &tables->seed, 12, sizeof(struct passed), ENTRIES_MAX, passed_dead);
	return tables;
}

void check_tables_free(struct check_tables *tables)
{
	table_clear(&tables->taken);
	table_clear(&tables->passed);
	free(tables);
}

/* ---- secrets ---- */

/* HMAC-MD5-96 over both addresses and the message with the digest zero (docs/protocol.md section 7). */
static bool fits(uint8_t number, const struct frame *frame)
{
	struct romon_secret secret = station_secret(number);
	static const uint8_t zero[12];
	struct hmac_md5_ctx hmac;
	uint8_t digest[12];

	hmac_md5_set_key(&hmac, secret.len, secret.bytes);
	hmac_md5_update(&hmac, 12, frame->bytes);
	hmac_md5_update(&hmac, FRAME_AUTH_AT + 12 - FRAME_TYPE_AT, frame->bytes + FRAME_TYPE_AT);
	hmac_md5_update(&hmac, sizeof(zero), zero);
	hmac_md5_update(&hmac, frame->len - FRAME_SOURCE_AT, frame->bytes + FRAME_SOURCE_AT);
	hmac_md5_digest(&hmac, sizeof(digest), digest);
	return memcmp(digest, frame->bytes + FRAME_AUTH_AT + 12, sizeof(digest)) == 0;
}

static bool lists(const struct station *s, uint8_t number)
{
	for (size_t i = 0; i < s->secret_count; i++)
		if (s->secrets[i] == number)
			return true;
	return false;
}

/* Was this counter taken before, or is it so old that nobody can know? Takes it. */
static bool fresh(struct world *world, uint32_t jack, const struct frame *frame)
{
	const uint8_t *auth = frame->bytes + FRAME_AUTH_AT;
	uint64_t counter = (uint64_t)frame_u32(auth + 4) << 32 | frame_u32(auth + 8);
	struct taken key = {.jack = jack, .index = frame_u32(auth), .from = frame->from, .group = (frame->to.b[0] & 1) != 0};
	struct taken *taken = table_put(&world->checks->tables->taken, &key, (struct romon_time){world->now});

	if (taken == NULL)
		return true;
	if (counter > taken->newest) {
		if (counter - taken->newest >= COUNTERS)
			memset(taken->seen, 0, sizeof(taken->seen));
		for (uint64_t c = taken->newest + 1; c < counter && counter - taken->newest < COUNTERS; c++)
			taken->seen[c % COUNTERS / 64] &= ~(1ULL << c % 64);
		taken->newest = counter;
	} else if (taken->newest - counter >= COUNTERS || (taken->seen[counter % COUNTERS / 64] & 1ULL << counter % 64) != 0) {
		return false;
	}
	taken->seen[counter % COUNTERS / 64] |= 1ULL << counter % 64;
	return true;
}

void checks_taken(struct world *world, uint32_t jack, bool hashed)
{
	const struct checks *checks = world->checks;
	const struct station *s = &world->stations[world->jacks[jack].station];
	bool right = false;

	if (!checks->readable)
		return;
	if (!hashed && !checks->passage->honest)
		world->tainted = world->now;
	if (!hashed)
		right = !checks->frame.hashed && (s->secret_count == 0 || lists(s, 0));
	for (size_t i = 0; hashed && !right && i < s->secret_count; i++)
		right = s->secrets[i] != 0 && fits(s->secrets[i], &checks->frame);
	if (!checks_holds(world, CHECK_SECRET, right))
		checks_violated(world, CHECK_SECRET, "router %u takes a frame of type %u that its secrets forbid",
			world->jacks[jack].station, checks->frame.type);
	else if (hashed && !checks_holds(world, CHECK_SECRET, fresh(world, jack, &checks->frame)))
		checks_violated(world, CHECK_SECRET, "router %u takes a frame of type %u for the second time",
			world->jacks[jack].station, checks->frame.type);
}

void checks_signed(struct world *world, uint32_t station, uint32_t jack, const struct frame *frame)
{
	const struct station *s = &world->stations[station];
	bool right = false;

	if (frame->type == FRAME_SEQ_ERR || frame->type == FRAME_HELLO) {
		for (size_t i = 0; !right && i < s->secret_count; i++)
			right = s->secrets[i] != 0 && fits(s->secrets[i], frame);
	} else if (s->secret_count == 0 || s->secrets[0] == 0) {
		right = !frame->hashed;
	} else {
		right = fits(s->secrets[0], frame);
	}
	if (!checks_holds(world, CHECK_SECRET, right))
		checks_violated(world, CHECK_SECRET, "router %u, port %u: a frame of type %u is not signed as it should", station,
			world->jacks[jack].link, frame->type);
}

/* ---- how often ---- */

static struct passed *passed_get(struct world *world, uint32_t where, uint32_t station, struct romon_mac asker, bool answers)
{
	struct passed key = {.where = where, .asker = asker, .answers = answers}, *passed;

	passed = table_put(&world->checks->tables->passed, &key, (struct romon_time){world->now});
	if (passed != NULL && passed->life != world->stations[station].lives) {
		passed->life = world->stations[station].lives;
		passed->count = 0;
	}
	return passed;
}

void checks_passed_on(struct world *world, uint32_t jack, struct romon_mac asker)
{
	uint32_t station = world->jacks[jack].station;
	struct passed *passed = passed_get(world, jack, station, asker, false);
	struct romon_time now = station_now(world, station);
	const struct station_checks *own = &world->checks->stations[station];

	if (passed == NULL)
		return;
	/* One that waited while the process stood still comes late. */
	if (!checks_holds(world, CHECK_BOUND,
		    passed->count == 0 || now.ns - passed->at.ns >= HOLD || passed->world.ns - own->thawed < ROMON_SECOND))
		checks_violated(world, CHECK_BOUND, "router %u passes one asker's Discover on twice within %lld ms", station,
			(long long)((now.ns - passed->at.ns) / ROMON_MILLISECOND));
	passed->count++;
	passed->at = now;
	passed->world.ns = world->now;
}

void checks_answered(struct world *world, uint32_t station, struct romon_mac asker)
{
	struct passed *passed = passed_get(world, station, station, asker, true);
	struct romon_time now = station_now(world, station);

	if (passed == NULL)
		return;
	if (passed->count == 0 || now.ns - passed->at.ns >= HOLD) {
		passed->count = 0;
		passed->at = now;
	}
	passed->world.ns = world->now;
	if (!checks_holds(world, CHECK_BOUND, ++passed->count <= ANSWERS_MAX))
		checks_violated(
			world, CHECK_BOUND, "router %u answers one asker more than %d times within 800 ms", station, ANSWERS_MAX);
}
