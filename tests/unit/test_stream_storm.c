/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Streams in storms: networks whose wires lose, overtake, double, cut and narrow at random, readers that pause, and ends that close when
 * they like. What arrives is right, whatever happens; and once the weather is fair all streams come to their end. ROMON_SOAK=1 makes it
 * long; STORM=n looks at one scenario.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/engine.h"
#include "talk.h"

#define S ROMON_SECOND
#define MS ROMON_MILLISECOND
#define SCENARIOS 400
#define SCENARIOS_SOAK 20000
#define STEPS 60      /* of a storm */
#define CALM (40 * S) /* without any progress, in fair weather: it stalls */
#define WAKES_IDLE 20 /* of a router in a minute, when all is over */
#define STREAMS 4

static unsigned scenario;

struct storm {
	struct net *net;
	struct talk talk;
	uint64_t seed;
	size_t narrow[NET_SEGMENTS_MAX]; /* frames that are longer are lost, though nobody says so */
	bool one_way[NET_SEGMENTS_MAX];  /* only what the first router on it sends arrives */
};

static uint64_t chance(struct storm *storm, uint64_t below)
{
	uint64_t z = storm->seed += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return (z ^ z >> 31) % below;
}

static bool lose(void *ctx, const struct net_wire *wire)
{
	const struct storm *storm = ctx;

	return (storm->narrow[wire->segment] != 0 && wire->len > storm->narrow[wire->segment]) ||
	       (storm->one_way[wire->segment] && wire->from > wire->to);
}

/* ---- what must always be true of a stream ---- */

static void check_flight(const struct stream *stream)
{
	const struct flight *flight = &stream->flight;
	uint32_t begin = flight->una, arrived = 0, lost = 0, arrivals = 0;

	for (uint32_t i = 0; i < flight->count; i++) {
		const struct flight_segment *segment = &flight->list[flight->first + i];

		assert_in_range(segment->end - begin, 1, STREAM_WINDOW);
		arrived += segment->state == FLIGHT_ARRIVED ? segment->end - begin : 0;
		lost += segment->state == FLIGHT_LOST ? segment->end - begin : 0;
		arrivals += segment->state == FLIGHT_ARRIVED;
		begin = segment->end;
	}
	assert_int_equal(begin, stream->max);
	assert_int_equal(flight->una, stream->una);
	assert_int_equal(flight->arrived, arrived);
	assert_int_equal(flight->lost, lost);
	assert_int_equal(flight->arrivals, arrivals);
}

static void check_ranges(const struct stream *stream)
{
	uint32_t last = stream->next;

	for (uint32_t i = 0; i < stream->early.count; i++) {
		const struct range *range = &stream->early.list[i];

		assert_in_range(range->from - last, 1, BUFFER_MAX);
		assert_in_range(range->to - range->from, 1, BUFFER_MAX);
		last = range->to;
	}
	assert_in_range(stream->in.len + (last - stream->next), 0, stream->in.cap);
}

/* Whatever is unacknowledged has a timer, and what may be sent waits for nothing. */
static void check_timers(const struct stream *stream)
{
	if (stream_outstanding(stream))
		assert_true(stream->timer != STREAM_NEVER);
	if (stream->out.len > stream->max - stream->una && !stream->ready)
		assert_true(stream_outstanding(stream));
	if (stream->timer != STREAM_NEVER)
		assert_true(stream->heap_at != 0 && stream->due <= stream->timer);
}

static size_t charged(const struct buffer *buffer)
{
	return buffer->cap > BUFFER_MIN ? buffer->cap - BUFFER_MIN : 0;
}

static void check(struct storm *storm)
{
	for (unsigned r = 0; r < storm->net->router_count; r++) {
		struct streams *streams = &storm->net->routers[r].engine->streams;
		struct {
			struct stream_key key;
			struct stream *stream;
		} *item = NULL;
		size_t used = 0;

		while ((item = table_next(&streams->table, item)) != NULL) {
			const struct stream *stream = item->stream;

			used += charged(&stream->in) + charged(&stream->out);
			if (stream->state != STREAM_OPEN)
				continue;
			assert_in_range(stream->max - stream->una, 0, stream->out.len);
			assert_in_range(stream->congestion.window, stream->congestion.segment, STREAM_WINDOW);
			check_flight(stream);
			check_ranges(stream);
			check_timers(stream);
		}
		assert_int_equal(used, streams->pool.used);
	}
}

/* ---- the network ---- */

static void wire(struct storm *storm, unsigned a, unsigned b)
{
	static const uint16_t mtus[] = {1500, 1500, 1500, 9000, 1400, 1024, 600, 300, 160};
	struct net *net = storm->net;
	unsigned segment = net_segment(net);
	uint16_t mtu = mtus[chance(storm, sizeof(mtus) / sizeof(mtus[0]))];

	net->delay[segment] = (int64_t)(10000 + chance(storm, chance(storm, 3) == 0 ? 30 * MS : MS));
	if (chance(storm, 3) == 0) {
		net->rate[segment] = (int64_t)(20000 + chance(storm, 10000000));
		net->queue[segment] = (int64_t)(2 * mtu + chance(storm, 200000));
	}
	net_join(net, a, segment, mtu, 100);
	net_join(net, b, segment, mtu, 100);
}

/* A line, of which some places have two wires, and the ends perhaps one more way around. */
static void build(struct storm *storm)
{
	struct net *net = storm->net = net_new(storm->seed);
	unsigned wires = 1 + (unsigned)chance(storm, 3);

	net_router(net);
	for (unsigned i = 0; i < wires; i++) {
		net_router(net);
		wire(storm, i, i + 1);
		if (chance(storm, 3) == 0)
			wire(storm, i, i + 1);
	}
	if (chance(storm, 3) == 0)
		wire(storm, 0, wires);
	net->lose = lose;
	net->ctx = storm;
}

/* Routers that do not say that they are ours. */
static void estrange(struct storm *storm)
{
	for (unsigned r = 0; r < storm->net->router_count; r++) {
		struct romon_router self = {
			.id = net_id(r), .identity = "r", .board = "net", .version = {7, 13, 'f', 0}, .unicast = true};

		if (chance(storm, 2) == 0)
			assert_true(romon_engine_set_router(storm->net->routers[r].engine, &self));
	}
}

static void weather(struct storm *storm)
{
	struct net *net = storm->net;
	unsigned segment = (unsigned)chance(storm, net->segment_count);

	switch (chance(storm, 9)) {
	case 0:
		net->weather[segment].loss = (unsigned)chance(storm, 2000);
		break;
	case 1:
		net->weather[segment].reorder = (unsigned)chance(storm, 5000);
		break;
	case 2:
		net->weather[segment].duplicate = (unsigned)chance(storm, 3000);
		break;
	case 3:
		net->delay[segment] = (int64_t)(10000 + chance(storm, 40 * MS));
		break;
	case 4:
		net->cut[segment] = !net->cut[segment];
		break;
	case 5:
		storm->narrow[segment] = chance(storm, 2) == 0 ? 0 : 14 + 150 + (size_t)chance(storm, 1400);
		break;
	case 6:
		storm->one_way[segment] = chance(storm, 3) == 0;
		break;
	default:
		net->cut[segment] = false;
		net->weather[segment] = (struct net_weather){0};
	}
}

static void clear_up(struct storm *storm)
{
	memset(storm->net->cut, 0, sizeof(storm->net->cut));
	memset(storm->net->weather, 0, sizeof(storm->net->weather));
	memset(storm->narrow, 0, sizeof(storm->narrow));
	memset(storm->one_way, 0, sizeof(storm->one_way));
}

/* ---- the users ---- */

static uint64_t some_bytes(struct storm *storm)
{
	static const uint64_t most[] = {2, 2000, 60000, 400000};

	return chance(storm, most[chance(storm, 4)]);
}

static void someone_connects(struct storm *storm)
{
	struct talk *talk = &storm->talk;
	unsigned from = (unsigned)chance(storm, 2) == 0 ? 0 : storm->net->router_count - 1;

	talk->service.to_write = some_bytes(storm);
	talk->service.after = chance(storm, 2) == 0;
	talk_connect(talk, from, storm->net->router_count - 1 - from, some_bytes(storm));
}

static void break_off(struct storm *storm, struct talk_end *end)
{
	romon_stream_reset(storm->net->routers[end->router].engine, end->handle, ROMON_STREAM_RESET);
	end->handle = 0;
	end->closed = true;
	end->reason = ROMON_STREAM_RESET;
	storm->talk.closed++;
}

/* One who only reads never learns that the other end is no more, if it was not told or did not hear it: a close is repeated for 10 s. */
static void break_off_widows(struct storm *storm)
{
	for (size_t i = 0; i < storm->talk.count; i++) {
		struct talk_end *end = &storm->talk.ends[i], *other = talk_other(&storm->talk, end);

		if (end->handle != 0 && end->open &&
			(other == NULL || (other->closed && (other->reason != ROMON_STREAM_DONE ||
								    storm->net->now.ns - other->closed_at.ns > 20 * S))))
			break_off(storm, end);
	}
}

static void act(struct storm *storm)
{
	struct talk *talk = &storm->talk;

	for (size_t i = 0; i < talk->count; i++) {
		struct talk_end *end = &talk->ends[i];

		if (chance(storm, 4) == 0)
			end->paused = chance(storm, 2) == 0;
		if (chance(storm, 4) == 0)
			end->pace = chance(storm, 2) == 0 ? 0 : 1 + chance(storm, 30000);
		if (end->handle != 0 && chance(storm, 400) == 0)
			break_off(storm, end);
		talk_go(talk, end);
	}
}

static uint64_t progress(const struct storm *storm)
{
	uint64_t sum = storm->talk.closed + storm->talk.finished + storm->talk.opened;

	for (size_t i = 0; i < storm->talk.count; i++)
		sum += storm->talk.ends[i].read;
	return sum;
}

/* For whoever looks into a stall. */
static void show(const struct storm *storm)
{
	fprintf(stderr, "scenario %u\n", scenario);
	for (size_t i = 0; i < storm->talk.count; i++) {
		const struct talk_end *end = &storm->talk.ends[i];
		const struct stream *stream = stream_by_handle(&storm->net->routers[end->router].engine->streams, end->handle);

		fprintf(stderr, "end %zu of router %u: %s, %s, %llu of %llu written, %llu read, reason %d\n", i, end->router,
			end->open ? "open" : "not open",
			end->closed     ? "closed"
			: end->finished ? "finished"
					: "not finished",
			(unsigned long long)end->written, (unsigned long long)end->to_write, (unsigned long long)end->read,
			(int)end->reason);
		if (!end->closed && stream != NULL)
			fprintf(stderr,
				"    state %d ours %d hops %u size %u cap %u, una %u max +%u out %u in %u, lost %u, timeouts %u "
				"silent %u, "
				"timer %lld, finished %d close sent %d acked %d, known %d peer %d, probing %d trying %d\n",
				(int)stream->state, stream->ours, stream->route.hop_count, stream->size, stream->cap,
				stream->una - stream->iss, stream->max - stream->una, stream->out.len, stream->in.len,
				stream->flight.lost, stream->timeouts, stream->silent,
				(long long)(stream->timer - storm->net->now.ns), stream->finished, stream->close_sent,
				stream->close_acked, stream->close_known, stream->peer_closed, stream->probing, stream->trying);
	}
}

/* Fair weather, and everybody reads. */
static void finish(struct storm *storm)
{
	struct talk *talk = &storm->talk;
	int64_t since = storm->net->now.ns;
	uint64_t done = progress(storm);

	clear_up(storm);
	for (size_t i = 0; i < talk->count; i++) {
		talk->ends[i].paused = false;
		talk->ends[i].pace = 0;
		talk_go(talk, &talk->ends[i]);
	}
	while (talk->closed < talk->count) {
		break_off_widows(storm);
		net_run(storm->net, 100 * MS);
		check(storm);
		if (progress(storm) != done) {
			done = progress(storm);
			since = storm->net->now.ns;
		}
		if (storm->net->now.ns - since > CALM)
			show(storm);
		assert_in_range(storm->net->now.ns - since, 0, CALM);
	}
}

static void all_is_over(struct storm *storm)
{
	struct net *net = storm->net;

	net_run(net, 60 * S);
	net_reset(net);
	net_run(net, 60 * S);
	for (unsigned r = 0; r < net->router_count; r++) {
		assert_int_equal(net->routers[r].engine->streams.count, 0);
		assert_int_equal(net->routers[r].engine->streams.pool.used, 0);
		assert_in_range(net->routers[r].calls, 0, WAKES_IDLE);
	}
}

static void one(uint64_t seed, unsigned *done, unsigned *all)
{
	struct storm storm = {.seed = seed};
	unsigned streams = 1 + (unsigned)chance(&storm, STREAMS);

	build(&storm);
	if (chance(&storm, 3) == 0)
		estrange(&storm);
	talk_begin(&storm.talk, storm.net);
	for (unsigned i = 0; i < STEPS; i++) {
		if (i % 10 == 0 && i / 10 < streams)
			someone_connects(&storm);
		if (chance(&storm, 3) == 0)
			weather(&storm);
		act(&storm);
		net_run(storm.net, (int64_t)chance(&storm, chance(&storm, 5) == 0 ? 2 * S : 100 * MS));
		check(&storm);
	}
	finish(&storm);
	for (size_t i = 0; i < storm.talk.count; i++) {
		*done += storm.talk.ends[i].reason == ROMON_STREAM_DONE;
		(*all)++;
	}
	all_is_over(&storm);
	talk_end(&storm.talk);
	net_free(storm.net);
}

static void whatever_the_weather(void **state)
{
	unsigned count = getenv("ROMON_SOAK") != NULL ? SCENARIOS_SOAK : SCENARIOS, done = 0, all = 0;
	const char *only = getenv("STORM");

	(void)state;
	for (unsigned i = 0; i < count; i++) {
		if (only != NULL && strtoul(only, NULL, 10) != i)
			continue;
		scenario = i;
		one(i * 1000003ULL + 17, &done, &all);
	}
	fprintf(stderr, "%u of %u ends came to an orderly end\n", done, all);
	assert_true(only != NULL || done > all / 2);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_the_weather),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
