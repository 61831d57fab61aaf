/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What authentication costs: signing a frame at one router and judging it at the other, through the core's own auth_sign() and
 * auth_receive(), against two bare HMAC-MD5 of the same bytes by the same library. Both are measured in the same run, alternately, so that
 * a busy machine slows both. Prints JSON for bench.py: what every round gave.
 */
#include <inttypes.h>
#include <nettle/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/engine.h"

enum { ROUNDS = 201, FRAMES = 2000, LINK = 1, HOPS = 1 };

static const char secret[] = "a secret of usual length";

/* Two routers on one wire. */
struct pair {
	struct romon_engine *sender, *receiver;
	struct port *out, *in;
};

static struct romon_time clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (struct romon_time){now.tv_sec * ROMON_SECOND + now.tv_nsec};
}

static uint64_t random_number(void *ctx)
{
	uint64_t *state = ctx;

	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return *state;
}

static void log_nothing(void *ctx, enum romon_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static struct romon_engine *router_new(uint8_t number)
{
	static uint64_t state = 1;
	struct romon_env env = {.ctx = &state, .random = random_number, .log = log_nothing};
	struct romon_mac mac = {{2, 0, 0, 0, 0, number}};
	struct romon_router router = {.id = mac, .identity = "bench", .board = "bench", .unicast = true};
	struct romon_port port = {.link = LINK, .mac = mac, .mtu = 2000, .cost = 100};
	struct romon_secret list = {.len = sizeof(secret) - 1};
	struct romon_engine *engine = romon_engine_new(&env, &router);

	memcpy(list.bytes, secret, sizeof(secret) - 1);
	if (engine == NULL || !romon_engine_set_port(engine, &port, clock_now()) ||
		!romon_engine_set_secrets(engine, LINK, &list, 1, clock_now()))
		exit(EXIT_FAILURE);
	return engine;
}

/* Carries frames between the two until neither has any: their Hellos, by which they prove their sequences. */
static void introduce(struct pair *pair)
{
	struct romon_frame frame;
	bool quiet;

	do {
		quiet = true;
		while (romon_engine_send(pair->sender, &frame, 1, clock_now()) > 0) {
			romon_engine_receive(pair->receiver, &frame, 1, clock_now());
			quiet = false;
		}
		while (romon_engine_send(pair->receiver, &frame, 1, clock_now()) > 0) {
			romon_engine_receive(pair->sender, &frame, 1, clock_now());
			quiet = false;
		}
	} while (!quiet);
}

/* A Data frame whose message has this many bytes, from sender to receiver. Returns its whole length. */
static size_t frame_make(const struct pair *pair, uint8_t *frame, size_t message_len)
{
	uint8_t payload[2000] = {0};
	struct wire_message message = {.type = WIRE_DATA,
		.eth_dst = pair->in->conf.mac,
		.eth_src = pair->out->conf.mac,
		.src = pair->sender->self.id,
		.dst = pair->receiver->self.id,
		.hop_count = HOPS,
		.hops = {{.link = LINK, .mac = pair->in->conf.mac}},
		.payload = payload,
		.payload_len = message_len - WIRE_DATA_HOPS_AT - HOPS * WIRE_HOP_LEN - 4};

	return wire_encode(&message, frame, WIRE_ETHERNET_LEN + message_len);
}

/* Processor time: others on the machine do not count. */
static int64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * ROMON_SECOND + now.tv_nsec;
}

/* Nanoseconds a frame: signed by one, judged by the other. Decoding is not measured: it happens without secrets, too. */
static double measure_auth(struct pair *pair, uint8_t *frame, size_t len)
{
	struct romon_time now = clock_now();
	int64_t begin, end;
	struct auth_batch batch;
	struct wire_message message;
	enum romon_drop why;
	uint32_t serial;

	if (!wire_decode(frame, len, &message, &why))
		exit(EXIT_FAILURE);
	begin = cpu_ns();
	for (int i = 0; i < FRAMES; i++) {
		auth_batch_init(&batch);
		if (!auth_sign(pair->out, frame, 0, &batch))
			exit(EXIT_FAILURE);
		auth_batch_sign(&batch);
		memcpy(message.auth, frame + WIRE_ETHERNET_LEN + 4, WIRE_AUTH_LEN);
		if (!auth_receive(pair->receiver, pair->in, frame, &message, &serial, now)) {
			fputs("bench_auth: a genuine frame was refused\n", stderr);
			exit(EXIT_FAILURE);
		}
	}
	end = cpu_ns();
	return (double)(end - begin) / FRAMES;
}

/* The same number of bytes, hashed twice with a key that is prepared. */
static double measure_bare(struct hmac_md5_ctx *key, uint8_t *frame, size_t len)
{
	int64_t begin = cpu_ns(), end;
	uint8_t digest[12];

	for (int i = 0; i < 2 * FRAMES; i++) {
		hmac_md5_update(key, len, frame);
		hmac_md5_digest(key, sizeof(digest), digest);
		frame[len - 1] ^= digest[0]; /* so that no round can be left out */
	}
	end = cpu_ns();
	return (double)(end - begin) / FRAMES;
}

/* One side of a case, with what each round gave. */
static void print_side(const char *name, bool ours, const double values[ROUNDS], bool last)
{
	printf("{\"side\":\"%s\",\"ours\":%s,\"values\":[", name, ours ? "true" : "false");
	for (int i = 0; i < ROUNDS; i++)
		printf("%s%.2f", i > 0 ? "," : "", values[i]);
	printf("]}%s", last ? "" : ",");
}

/* A round of the one and a round of the other, again and again. */
static void bench(struct pair *pair, size_t message_len, bool last)
{
	static uint8_t frame[2048], bytes[2048];
	double auth[ROUNDS], bare[ROUNDS];
	struct hmac_md5_ctx key;
	size_t len = frame_make(pair, frame, message_len);

	hmac_md5_set_key(&key, sizeof(secret) - 1, (const uint8_t *)secret);
	for (int i = -1; i < ROUNDS; i++) { /* the first one warms up */
		double a = measure_auth(pair, frame, len), b = measure_bare(&key, bytes, message_len);

		if (i < 0)
			continue;
		auth[i] = a;
		bare[i] = b;
	}
	printf("{\"case\":\"messages of %zu bytes\",\"unit\":\"ns a frame\",\"sides\":[", message_len);
	print_side("signed and verified", true, auth, false);
	print_side("HMAC-MD5 of nettle, twice", false, bare, true);
	printf("]}%s\n", last ? "" : ",");
}

int main(void)
{
	struct pair pair = {.sender = router_new(1), .receiver = router_new(2)};

	introduce(&pair);
	pair.out = engine_port(pair.sender, LINK);
	pair.in = engine_port(pair.receiver, LINK);
	puts("[");
	bench(&pair, 128, false);
	bench(&pair, 1500, true);
	puts("]");
	romon_engine_free(pair.sender);
	romon_engine_free(pair.receiver);
	return 0;
}
