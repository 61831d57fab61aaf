/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A whole run, and what it has to say.
 */
#include "sim/run.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "sim/faults.h"
#include "sim/memory.h"
#include "sim/workload.h"

#define VIEWERS_MAX 64
#define ROUNDS 3
#define ANSWERS (900 * ROMON_MILLISECOND) /* after the last round has begun */
#define LIES (5 * ROMON_SECOND)           /* what strangers, or turned bits, have made believe is stale by then */
#define AVOIDING (30 * ROMON_SECOND)      /* an edge that failed is avoided for so long */
#define ENDS (120 * ROMON_SECOND)         /* streams have finished or failed by then */

/* Of the one core that this takes: what else the machine does is not counted. */
static double machine_seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Could routers without secrets have been lied to? */
static bool lied_to(const struct options *options)
{
	return options->hostile > 0 || options->corrupt > 0 || (options->faults & 1ULL << FAULT_CORRUPT) != 0;
}

/* Everybody, or as many as can be looked at, asks for three rounds. Whoever avoids an edge that failed does so for a time, whatever is
 * healed meanwhile: those are looked at later. */
static void converge(struct world *world)
{
	uint32_t viewers[VIEWERS_MAX], later[VIEWERS_MAX], routers = world->station_count - (uint32_t)world->options->hostile;
	size_t count = routers < VIEWERS_MAX ? routers : VIEWERS_MAX, now = 0, waiting = 0;

	for (uint32_t i = 0; i < count; i++)
		station_discover(world, (uint32_t)((uint64_t)i * routers / count), true);
	workload_stop(world);
	world_run(world, world->now + (ROUNDS - 1) * ROMON_SECOND + ANSWERS + (lied_to(world->options) ? LIES : 0));
	for (uint32_t i = 0; i < count; i++) {
		uint32_t viewer = (uint32_t)((uint64_t)i * routers / count);

		if (checks_avoiding(world, viewer))
			later[waiting++] = viewer;
		else
			viewers[now++] = viewer;
	}
	if (!world->checks->violated)
		checks_converged(world, viewers, now);
	if (waiting > 0)
		world_run(world, world->now + AVOIDING);
	if (!world->checks->violated)
		checks_converged(world, later, waiting);
	for (uint32_t i = 0; i < count; i++)
		station_discover(world, (uint32_t)((uint64_t)i * routers / count), false);
}

static void finish(struct world *world)
{
	const struct end *end = NULL;
	int64_t until = world->now + ENDS;

	while (!world->checks->violated && world->now < until && workload_unfinished(world, &end) > 0)
		world_run(world, world->now + ROMON_SECOND);
	if (!world->checks->violated && !checks_holds(world, CHECK_FINISH, workload_unfinished(world, &end) == 0))
		checks_violated(world, CHECK_FINISH,
			"router %u: a stream to router %u neither ends nor fails: %llu of %llu bytes read", end->station,
			end->peer, (unsigned long long)end->read, (unsigned long long)end->to_read);
}

/* Streams that are open because both ends wait for the other one to say something. */
static void hang_up(struct world *world)
{
	for (uint32_t i = 0; i < world->station_count; i++) {
		uint32_t handle;

		if (!station_runs(world, i))
			continue;
		while ((handle = romon_stream_next(world->stations[i].engine, 0)) != 0)
			romon_stream_reset(world->stations[i].engine, handle, ROMON_STREAM_RESET);
		station_flush(world, i);
	}
}

/* Nobody wants anything any more: no frame is sent. */
static void silence(struct world *world)
{
	uint64_t frames;

	hang_up(world);
	world_run(world, world->now + 120 * ROMON_SECOND); /* closes, challenges and what lingers */
	frames = world->totals.frames;
	world_run(world, world->now + 3600 * ROMON_SECOND);
	if (!checks_holds(world, CHECK_SILENCE, world->totals.frames == frames))
		checks_violated(world, CHECK_SILENCE, "%llu frames in an hour in which nobody wants anything",
			(unsigned long long)(world->totals.frames - frames));
}

static void gather(const struct world *world, struct result *result)
{
	result->hash = world->hash;
	result->totals = world->totals;
	result->routers = world->station_count;
	result->fault_count = world->faults->count;
	if (world->checks == NULL)
		return;
	memcpy(result->done, world->checks->done, sizeof(result->done));
	result->violated = world->checks->violated;
	result->check = world->checks->kind;
	result->at = (double)(world->checks->at - world->started) / 1e9;
	memcpy(result->text, world->checks->text, sizeof(result->text));
}

bool run(const struct options *options, struct result *result, FILE *faults_to, char error[OPTIONS_ERROR])
{
	struct world world;
	double began = machine_seconds();

	*result = (struct result){0};
	if (!world_make(&world, options, error)) {
		world_free(&world);
		return false;
	}
	world_run(&world, world.started + options->time);
	world.quiet = true;
	if (options->heal && world.checks != NULL && !world.checks->violated) {
		faults_heal(&world);
		converge(&world);
		finish(&world);
		if (!world.checks->violated)
			silence(&world);
	}
	gather(&world, result);
	result->simulated = (double)options->time / 1e9;
	result->real = machine_seconds() - began;
	if (faults_to != NULL)
		faults_print(&world, faults_to);
	world_free(&world);
	return true;
}

void result_command(const struct options *options, FILE *out)
{
	fputs("romon-sim", out);
	options_print(options, out);
	fputc('\n', out);
}

static double hours_a_minute(const struct result *result)
{
	return result->real > 0 ? result->simulated / 3600 * result->routers / (result->real / 60) : 0;
}

void result_print(const struct options *options, const struct result *result, FILE *out)
{
	const struct world_totals *t = &result->totals;

	fputs("run:     ", out);
	result_command(options, out);
	fprintf(out, "trace:   %016llx\n", (unsigned long long)result->hash);
	fprintf(out, "network: %u routers, %.0f s in %.1f s: %.0f router-hours a minute\n", result->routers, result->simulated,
		result->real, hours_a_minute(result));
	fprintf(out,
		"frames:  %llu (%llu Discover, %llu DiscoverResp, %llu Data, %llu SeqErr and Hello), %llu bytes, %llu lost\n",
		(unsigned long long)t->frames, (unsigned long long)t->sent[1], (unsigned long long)t->sent[2],
		(unsigned long long)t->sent[3], (unsigned long long)(t->sent[4] + t->sent[5]), (unsigned long long)t->bytes,
		(unsigned long long)t->lost);
	fprintf(out, "faults:  %llu of %zu, %llu restarts\n", (unsigned long long)t->faults, result->fault_count,
		(unsigned long long)t->crashes);
	fprintf(out, "users:   %llu of %llu pings answered; %llu of %llu streams done, %llu bytes read\n",
		(unsigned long long)t->replies, (unsigned long long)t->pings, (unsigned long long)t->streams_done,
		(unsigned long long)t->streams, (unsigned long long)t->stream_bytes);
	fputs("checks: ", out);
	for (int i = 0; i < CHECK_KINDS; i++)
		fprintf(out, " %s %llu", check_name((enum check)i), (unsigned long long)result->done[i]);
	fputc('\n', out);
	if (result->violated)
		fprintf(out, "VIOLATED %s at %.6f s: %s\n", check_name(result->check), result->at, result->text);
}

void result_json(const struct options *options, const struct result *result, FILE *out)
{
	const struct world_totals *t = &result->totals;
	char *command = NULL, hash[17];
	size_t size = 0;
	FILE *text = open_memstream(&command, &size);
	json_t *checks = json_object(), *whole;

	if (text == NULL)
		memory_new(SIZE_MAX, SIZE_MAX);
	fputs("romon-sim", text);
	options_print(options, text);
	fclose(text);
	snprintf(hash, sizeof(hash), "%016llx", (unsigned long long)result->hash);
	for (int i = 0; i < CHECK_KINDS; i++)
		json_object_set_new(checks, check_name((enum check)i), json_integer((json_int_t)result->done[i]));
	whole = json_pack("{s:s, s:s, s:o, s:o, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f}", "command", command,
		"trace", hash, "violated",
		result->violated
			? json_pack("{s:s, s:f, s:s}", "check", check_name(result->check), "at", result->at, "text", result->text)
			: json_null(),
		"checks", checks, "events", (json_int_t)t->events, "frames", (json_int_t)t->frames, "bytes", (json_int_t)t->bytes,
		"faults", (json_int_t)t->faults, "restarts", (json_int_t)t->crashes, "pings", (json_int_t)t->pings, "replies",
		(json_int_t)t->replies, "streams", (json_int_t)t->streams, "streams-done", (json_int_t)t->streams_done,
		"stream-bytes", (json_int_t)t->stream_bytes, "router-hours-a-minute", hours_a_minute(result), "seconds",
		result->real);
	json_dumpf(whole, out, JSON_COMPACT);
	fputc('\n', out);
	json_decref(whole);
	free(command);
}
