/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fuzz target: the reader of captures, and a router that hears what was captured. The input is a pcapng or pcap file. Given one of a real
 * network, it plays that network to an engine which has a port for every interface, at the times that the file tells.
 */
#include <string.h>

#include "capture.h"
#include "core/engine.h"
#include "fuzz.h"
#include "tape.h"

#define FRAMES_MAX 1000000
#define SENT_MAX 100000 /* by one frame */

static uint64_t next_random(void *ctx)
{
	uint64_t *seed = ctx;

	return *seed = *seed * 6364136223846793005ULL + 1442695040888963407ULL;
}

static void take_line(void *ctx, enum romon_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

/* The port that stands for an interface: it has the MAC that the first unicast frame there was sent to, so that it takes part. */
static void open_port(struct romon_engine *engine, const struct capture_frame *frame, struct romon_time now)
{
	struct romon_port port = {.link = frame->interface + 1, .mac = tape_mac_number(9), .mtu = 1500, .cost = 100};
	struct romon_mac to;

	if (frame->len < WIRE_ETHERNET_LEN)
		return;
	memcpy(to.b, frame->data, sizeof(to.b));
	if (romon_id_valid(to))
		port.mac = to;
	if (engine_port(engine, port.link) == NULL || romon_id_valid(to))
		romon_engine_set_port(engine, &port, now);
}

static void collect(struct romon_engine *engine, struct romon_time now)
{
	struct romon_frame frames[16];
	size_t total = 0, count;

	while ((count = romon_engine_send(engine, frames, 16, now)) > 0) {
		total += count;
		must(total < SENT_MAX);
	}
}

static void hear(struct romon_engine *engine, const struct capture_frame *frame, struct romon_time now)
{
	uint8_t *copy = malloc(frame->len + (frame->len == 0));

	must(copy != NULL);
	memcpy(copy, frame->data, frame->len);
	open_port(engine, frame, now);
	romon_engine_receive(
		engine, &(struct romon_frame){.link = frame->interface + 1, .len = frame->len, .data = copy}, 1, now);
	free(copy);
	collect(engine, now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t seed = 1, last = 0;
	struct romon_env env = {.ctx = &seed, .random = next_random, .log = take_line};
	struct romon_router router = {.id = tape_mac_number(3), .identity = "listener", .board = "capture", .unicast = true};
	struct romon_time now = {1000 * ROMON_SECOND};
	struct romon_engine *engine;
	struct capture_frame frame;
	struct capture capture;

	if (!capture_open(&capture, data, size))
		return 0;
	engine = romon_engine_new(&env, &router);
	must(engine != NULL);
	for (unsigned count = 0; count < FRAMES_MAX && capture_next(&capture, &frame); count++) {
		must(frame.data >= data && frame.len <= size && frame.data - data <= (ptrdiff_t)(size - frame.len));
		if (frame.ns > last && frame.ns - last < 3600 * (uint64_t)ROMON_SECOND)
			now.ns += (int64_t)(frame.ns - last);
		last = frame.ns;
		hear(engine, &frame, now);
	}
	romon_engine_free(engine);
	return 0;
}
