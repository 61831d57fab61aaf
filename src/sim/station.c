/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A router: its process, which ends, starts and freezes; its clock; and its engine, driven as romond drives it.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/checks.h"
#include "sim/frame.h"
#include "sim/hostile.h"
#include "sim/memory.h"
#include "sim/workload.h"
#include "sim/world.h"

#define BATCH 32
#define SOCKET_BYTES (208 * 1024) /* that wait for a frozen process: Linux's usual buffer of a socket */

/* ---- time ---- */

/* d nanoseconds of the world are so many of a clock that is ppm millionths too fast. */
static int64_t scaled(int64_t d, int64_t ppm)
{
	return d + d / 1000000 * ppm + d % 1000000 * ppm / 1000000;
}

struct romon_time station_now(const struct world *world, uint32_t station)
{
	const struct clock *clock = &world->stations[station].clock;

	return (struct romon_time){clock->shown + scaled(world->now - clock->base, clock->ppm)};
}

/* When the clock will show this. */
static int64_t when_shows(const struct clock *clock, int64_t shown)
{
	int64_t wait = shown - clock->shown, d = (int64_t)((__int128)wait * 1000000 / (1000000 + clock->ppm)) - 2;

	while (scaled(d, clock->ppm) < wait)
		d++;
	return clock->base + d;
}

void station_skew(struct world *world, uint32_t station, int64_t ppm)
{
	struct station *s = &world->stations[station];

	s->clock = (struct clock){.base = world->now, .shown = station_now(world, station).ns, .ppm = ppm};
	s->woken = NEVER; /* it is woken at another time */
	station_flush(world, station);
}

/* ---- the process ---- */

static uint64_t engine_random(void *ctx)
{
	return dice_throw(ctx);
}

static void engine_log(void *ctx, enum romon_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

struct romon_secret station_secret(uint8_t number)
{
	struct romon_secret secret = {.len = number == 0 ? 0 : 8};

	memcpy(secret.bytes, "secret-", 7);
	secret.bytes[7] = number;
	return secret;
}

static void set_port_secrets(struct world *world, uint32_t station, uint32_t link)
{
	struct station *s = &world->stations[station];
	struct romon_secret list[STATION_SECRETS_MAX];

	for (size_t i = 0; i < s->secret_count; i++)
		list[i] = station_secret(s->secrets[i]);
	romon_engine_set_secrets(s->engine, link, list, s->secret_count, station_now(world, station));
}

void station_set_secrets(struct world *world, uint32_t station)
{
	struct station *s = &world->stations[station];

	if (!station_runs(world, station))
		return;
	for (uint32_t i = 0; i < s->jack_count; i++)
		if (!world->jacks[s->first_jack + i].forbidden)
			set_port_secrets(world, station, i + 1);
	station_flush(world, station);
}

static void configure(struct world *world, uint32_t jack)
{
	const struct jack *j = &world->jacks[jack];
	struct station *s = &world->stations[j->station];
	struct romon_port port = {.link = j->link, .mac = j->mac, .mtu = j->mtu, .cost = j->cost, .no_carrier = j->no_carrier};
	struct romon_port_stats stats;
	bool known = romon_engine_port_stats(s->engine, j->link, &stats);

	if (j->forbidden) {
		romon_engine_remove_port(s->engine, j->link);
		return;
	}
	romon_engine_set_port(s->engine, &port, station_now(world, j->station));
	if (!known && s->secret_count > 0)
		set_port_secrets(world, j->station, j->link);
}

void station_configure(struct world *world, uint32_t jack)
{
	uint32_t station = world->jacks[jack].station;

	if (!station_runs(world, station))
		return;
	checks_port_changed(world, jack);
	configure(world, jack);
	station_flush(world, station);
}

void station_start(struct world *world, uint32_t station)
{
	struct station *s = &world->stations[station];
	char identity[16];
	struct romon_env env = {.ctx = &s->dice, .random = engine_random, .log = engine_log};
	struct romon_router router = {.id = s->id,
		.identity = identity,
		.board = "sim",
		.version = {0, 1, 'f', 0},
		.started = station_now(world, station),
		.send_uptime = !s->routeros,
		.unicast = world->options->unicast};

	snprintf(identity, sizeof(identity), "r%u", station);
	s->engine = romon_engine_new(&env, &router);
	if (s->engine == NULL)
		memory_new(SIZE_MAX, SIZE_MAX);
	s->lives++;
	s->began = world->now;
	s->woken = NEVER;
	checks_started(world, station);
	for (uint32_t i = 0; i < s->jack_count; i++)
		configure(world, s->first_jack + i);
	workload_started(world, station);
	station_flush(world, station);
}

static void empty_inbox(struct station *s)
{
	while (s->inbox_count > 0)
		passage_release(s->inbox[--s->inbox_count]);
	s->inbox_bytes = 0;
}

void station_end(struct world *world, uint32_t station)
{
	struct station *s = &world->stations[station];

	if (s->engine == NULL)
		return;
	workload_ended(world, station);
	romon_engine_free(s->engine);
	s->engine = NULL;
	s->woken = NEVER;
	s->frozen = s->discovers = false;
	s->discoverers = 0;
	empty_inbox(s);
}

bool station_runs(const struct world *world, uint32_t station)
{
	return world->stations[station].engine != NULL && !world->stations[station].frozen;
}

void station_freeze(struct world *world, uint32_t station)
{
	if (world->stations[station].engine == NULL)
		return;
	world->stations[station].frozen = true;
	checks_frozen(world, station);
}

/* Discovery runs in the engine while somebody wants it. */
static void tell_discovery(struct world *world, uint32_t station)
{
	struct station *s = &world->stations[station];

	if (s->discovers == (s->discoverers > 0))
		return;
	s->discovers = !s->discovers;
	if (s->discovers)
		romon_engine_discover_start(s->engine, station_now(world, station));
	else
		romon_engine_discover_stop(s->engine);
}

void station_discover(struct world *world, uint32_t station, bool on)
{
	struct station *s = &world->stations[station];

	if (s->engine == NULL)
		return;
	if (on)
		s->discoverers++;
	else if (s->discoverers > 0)
		s->discoverers--;
	if (s->frozen)
		return;
	tell_discovery(world, station);
	station_flush(world, station);
}

/* What changed while it stood still. */
static void catch_up(struct world *world, uint32_t station)
{
	const struct station *s = &world->stations[station];

	for (uint32_t i = 0; i < s->jack_count; i++)
		configure(world, s->first_jack + i);
	station_set_secrets(world, station);
	tell_discovery(world, station);
}

void station_thaw(struct world *world, uint32_t station)
{
	struct station *s = &world->stations[station];
	size_t count = s->inbox_count;

	if (!s->frozen)
		return;
	s->frozen = false;
	checks_thawed(world, station);
	catch_up(world, station);
	s->inbox_bytes = 0;
	s->inbox_count = 0; /* nothing comes while we are here */
	for (size_t i = 0; i < count; i++) {
		station_take(world, s->inbox_jacks[i], s->inbox[i]);
		passage_release(s->inbox[i]);
	}
	station_flush(world, station);
}

static void keep(struct world *world, struct station *s, uint32_t jack, struct passage *passage)
{
	if (s->inbox_bytes + passage->len > SOCKET_BYTES) {
		world->totals.overflows++;
		return;
	}
	s->inbox = memory_room(s->inbox, &s->inbox_cap, s->inbox_count + 1, sizeof(struct passage *));
	s->inbox_jacks = memory_room(s->inbox_jacks, &s->inbox_jacks_cap, s->inbox_count + 1, sizeof(*s->inbox_jacks));
	s->inbox[s->inbox_count] = passage;
	s->inbox_jacks[s->inbox_count++] = jack;
	s->inbox_bytes += passage->len;
	passage->refs++;
}

/* ---- the engine ---- */

struct jack *station_jack(struct world *world, uint32_t station, uint32_t link)
{
	const struct station *s = &world->stations[station];

	return link >= 1 && link <= s->jack_count ? &world->jacks[s->first_jack + link - 1] : NULL;
}

/* What RouterOS is not known to speak is a mark in the unknown byte of a stream's segments: puts a captured value there, where the segment
 * begins or ends at this router. */
static void speak_plainly(const struct station *s, uint8_t *data, size_t len, bool sends)
{
	static const uint8_t captured[] = {0xc0, 0x00, 0x42, 0xc3, 0x00};
	struct frame frame;

	if (!frame_read(&frame, data, len) || frame.type != FRAME_DATA || frame.hashed || frame.body_len < 4 + 10 ||
		frame_source_port(&frame) == 1 || frame_target_port(&frame) == 1)
		return;
	if (sends ? !romon_mac_equal(frame.source, s->id) || frame.pointer > 0
		  : !romon_mac_equal(frame.target, s->id) || frame.pointer + 1 != frame.count)
		return;
	if (frame.body[4] < sizeof(captured))
		data[frame.body + 5 - data] = captured[frame.body[4]];
}

static void send_frames(struct world *world, uint32_t station)
{
	struct station *s = &world->stations[station];
	struct romon_frame frames[BATCH];
	size_t count;

	do {
		count = romon_engine_send(s->engine, frames, BATCH, station_now(world, station));
		for (size_t i = 0; i < count; i++) {
			struct passage what = {0};

			if (s->routeros)
				speak_plainly(s, frames[i].data, frames[i].len, true);
			checks_sent(world, station, &frames[i], &what);
			if (station_jack(world, station, frames[i].link) != NULL)
				cable_send(world, s->first_jack + frames[i].link - 1, frames[i].data, frames[i].len, &what);
		}
	} while (count == BATCH);
}

static void plan_wake(struct world *world, uint32_t station)
{
	struct station *s = &world->stations[station];
	struct romon_time when;
	int64_t at;

	if (!romon_engine_wake(s->engine, &when)) {
		s->woken = NEVER;
		return;
	}
	at = when_shows(&s->clock, when.ns);
	if (at < world->now)
		at = world->now;
	if (at == s->woken)
		return;
	s->woken = at;
	events_add(&world->events, at, EVENT_WAKE, station, NULL);
}

void station_flush(struct world *world, uint32_t station)
{
	if (!station_runs(world, station))
		return;
	send_frames(world, station);
	if (workload_events(world, station))
		send_frames(world, station);
	checks_tables(world, station);
	plan_wake(world, station);
}

void station_take(struct world *world, uint32_t jack, struct passage *passage)
{
	const struct jack *j = &world->jacks[jack];
	struct station *s = &world->stations[j->station];
	struct romon_frame frame = {.link = j->link, .len = passage->len};

	if (s->hostile) {
		hostile_hears(world, j->station, passage);
		return;
	}
	if (s->engine == NULL || j->no_carrier || j->forbidden)
		return;
	if (s->frozen) {
		keep(world, s, jack, passage);
		return;
	}
	frame.data = memory_new(passage->len, 1); /* of its exact size, and its own: the engine may change it */
	memcpy(frame.data, passage->data, passage->len);
	if (s->routeros)
		speak_plainly(s, frame.data, frame.len, false);
	checks_receive(world, jack, passage);
	romon_engine_receive(s->engine, &frame, 1, station_now(world, j->station));
	checks_received(world, jack);
	station_flush(world, j->station);
	checks_done(world);
	free(frame.data);
}
