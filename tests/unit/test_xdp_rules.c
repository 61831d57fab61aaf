/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The program in the kernel and the engine get the same frames (BPF_PROG_TEST_RUN: nothing is sent), and must agree: on which ones pass, by
 * which port they leave, on which are answered, and on every byte; all others reach romond as they came in. Needs root; the ports are
 * veth interfaces of a namespace of its own. ROMON_SOAK=1 makes it long.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "link/xdp.h"
#include "lone.h"
#include "netns.h"
#include "vectors.h"

#define FRAME_MAX 3000
#define MUTATIONS 300000
#define MUTATIONS_SOAK 10000000
#define SELF 0x0a0000000001ULL
#define ASKER 0x0a0000000002ULL
#define TARGET 0x0a0000000003ULL
#define BEFORE 0x020000000201ULL
#define AFTER 0x020000000301ULL
#define PING 1 /* the port */

/* What the ports are; their ifindexes are filled in. */
enum { IN, OUT, SMALL, HASHED, LOCAL, DOWN, PORTS };
static struct {
	const char *name;
	uint64_t mac;
	uint16_t mtu;
	uint32_t flags, link;
} ports[PORTS] = {
	[IN] = {"va0", 0x020000000101, 3000, ROMON_BPF_IN | ROMON_BPF_OUT | ROMON_BPF_TAKES, 0},
	[OUT] = {"va1", 0x020000000102, 3000, ROMON_BPF_IN | ROMON_BPF_OUT | ROMON_BPF_TAKES, 0},
	[SMALL] = {"vb0", 0x020000000103, 200, ROMON_BPF_IN | ROMON_BPF_OUT | ROMON_BPF_TAKES, 0},
	[HASHED] = {"vb1", 0x020000000104, 1500, ROMON_BPF_TAKES, 0},
	[LOCAL] = {"vc0", 0x020000000102, 1500, ROMON_BPF_IN | ROMON_BPF_OUT, 0}, /* takes no redirected frames */
	[DOWN] = {"vc1", 0x020000000106, 1500, ROMON_BPF_TAKES, 0},               /* no carrier */
};

struct both {
	struct lone lone;
	struct xdp_program *program;
	struct xdp *xdp;
	uint64_t seed;
	uint64_t passed, answered, refused, neighbors; /* by the program, so far */
};

static uint32_t next_random(struct both *both)
{
	both->seed = both->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(both->seed >> 33);
}

static void set_slot(struct both *both, unsigned port, uint32_t flags)
{
	xdp_set_port(both->xdp, port,
		&(struct xdp_port){.id = craft_address(SELF),
			.mac = craft_address(ports[port].mac),
			.mtu = ports[port].mtu,
			.flags = flags,
			.epoch = 1});
}

static void open_ports(struct both *both)
{
	ip("link add va0 type veth peer name va1");
	ip("link add vb0 type veth peer name vb1");
	ip("link add vc0 type veth peer name vc1");
	for (unsigned i = 0; i < PORTS; i++) {
		ports[i].link = if_nametoindex(ports[i].name);
		assert_int_equal(xdp_program_set_slot(both->program, ports[i].link, i), 0);
		set_slot(both, i, ports[i].flags);
		lone_port_of(&both->lone, ports[i].link, ports[i].mac, ports[i].mtu, 100);
	}
	assert_true(romon_engine_set_secrets(
		both->lone.engine, ports[HASHED].link, &(struct romon_secret){.len = 3, .bytes = "abc"}, 1, both->lone.now));
	assert_true(romon_engine_set_port(both->lone.engine,
		&(struct romon_port){.link = ports[DOWN].link,
			.mac = craft_address(ports[DOWN].mac),
			.mtu = ports[DOWN].mtu,
			.cost = 100,
			.no_carrier = true},
		both->lone.now));
}

static int set_up(void **state)
{
	static struct both both;
	int fds[XDP_MAPS];

	both = (struct both){.seed = 1};
	netns_enter();
	both.program = xdp_program_load();
	if (both.program == NULL && errno == ENOSYS) {
		print_message("skipped: built without XDP\n");
		skip();
	}
	assert_non_null(both.program);
	for (int i = 0; i < XDP_MAPS; i++)
		fds[i] = dup(xdp_program_map(both.program, (enum xdp_map)i));
	both.xdp = xdp_open(fds);
	assert_non_null(both.xdp);
	xdp_set_answers(both.xdp, ROMON_ANSWERS_MAX);
	lone_open(&both.lone, SELF);
	both.lone.router.answers = ROMON_ANSWERS_MAX;
	assert_true(romon_engine_set_router(both.lone.engine, &both.lone.router));
	open_ports(&both);
	*state = &both;
	return 0;
}

static int tear_down(void **state)
{
	struct both *both = *state;

	xdp_close(both->xdp);
	xdp_program_free(both->program);
	lone_close(&both->lone);
	return 0;
}

/* What became of a frame. */
struct outcome {
	bool passed;   /* it goes on */
	bool answered; /* its answer does */
	uint32_t port; /* number of the one that this leaves by */
	size_t len;
	uint8_t data[FRAME_MAX];
};

static void counts_now(const struct both *both, struct xdp_counts counts[PORTS])
{
	for (unsigned i = 0; i < PORTS; i++)
		counts[i] = xdp_counts(both->xdp, i);
}

/* One port has counted one more frame that left by it, or an answer; all others must have counted none, and the receiving one that it came
 * in. */
static void find_leaving_port(struct both *both, unsigned in, const struct xdp_counts before[PORTS], struct outcome *outcome)
{
	struct xdp_counts after[PORTS];
	uint32_t found = PORTS;

	counts_now(both, after);
	for (unsigned i = 0; i < PORTS; i++) {
		assert_int_equal(after[i].in - before[i].in, i == in);
		assert_int_equal(after[i].lost, before[i].lost);
		if (after[i].out + after[i].answered != before[i].out + before[i].answered) {
			assert_int_equal(after[i].out + after[i].answered - before[i].out - before[i].answered, 1);
			assert_int_equal(found, PORTS);
			found = i;
		}
	}
	assert_true(found < PORTS);
	outcome->port = found;
	outcome->answered = after[found].answered != before[found].answered;
	outcome->passed = !outcome->answered;
}

static int64_t monotonic(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * ROMON_SECOND + now.tv_nsec;
}

/* Gives the frame to the program, and takes what romond would get of it. */
static void run_program(struct both *both, unsigned in, const uint8_t *frame, size_t len, struct outcome *outcome)
{
	struct xdp_md context = {.data_end = (uint32_t)len, .ingress_ifindex = ports[in].link};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = frame, .data_size_in = (uint32_t)len, .data_out = outcome->data,
		.data_size_out = FRAME_MAX, .ctx_in = &context, .ctx_size_in = sizeof(context), .repeat = 1);
	struct xdp_counts before[PORTS], after[PORTS];
	static struct xdp_batch batch;

	counts_now(both, before);
	assert_int_equal(bpf_prog_test_run_opts(xdp_program_fd(both->program), &options), 0);
	xdp_receive(both->xdp, &batch);
	outcome->passed = outcome->answered = false;
	outcome->len = options.data_size_out;
	both->neighbors += batch.neighbor_count;
	if (options.retval == XDP_REDIRECT) {
		find_leaving_port(both, in, before, outcome);
		assert_int_equal(batch.frame_count, 0);
		for (size_t i = 0; i < batch.neighbor_count; i++) {
			assert_int_equal(batch.neighbors[i].link, ports[in].link);
			assert_memory_equal(batch.neighbors[i].mac.b, frame + 6, 6);
		}
		return;
	}
	counts_now(both, after);
	assert_memory_equal(before, after, sizeof(before));
	if (frame[12] != 0x88 || frame[13] != 0xbf) { /* none of our business */
		assert_int_equal(options.retval, XDP_PASS);
		assert_int_equal(batch.frame_count, 0);
		return;
	}
	assert_int_equal(options.retval, XDP_DROP);
	assert_int_equal(batch.frame_count, 1);
	assert_int_equal(batch.neighbor_count, 0);
	assert_int_equal(batch.frames[0].link, ports[in].link);
	assert_int_equal(batch.frames[0].len, len);
	assert_memory_equal(batch.frames[0].data, frame, len);
	assert_in_range(batch.frames[0].came.ns, 1, monotonic());
}

static unsigned port_number(uint32_t link)
{
	unsigned i = 0;

	while (ports[i].link != link)
		i++;
	return i;
}

/* Is it the answer to a ping, from behind so many hops as its list has? */
static bool is_answer(const struct lone_sent *sent)
{
	const uint8_t *from = sent->data + 60 + 10 * (size_t)sent->data[54];

	return sent->data[14] == CRAFT_DATA && from[0] == 0 && from[1] == PING;
}

/* Gives it to the engine. Passed is Data of others that it sends on, whether or not it had to be signed. */
static void run_engine(struct both *both, unsigned in, const uint8_t *frame, size_t len, struct outcome *outcome)
{
	struct romon_port_stats stats;
	uint64_t before = 0, after = 0;

	for (unsigned i = 0; i < PORTS; i++) {
		assert_true(romon_engine_port_stats(both->lone.engine, ports[i].link, &stats));
		before += stats.forwarded;
	}
	lone_give_bytes(&both->lone, ports[in].link, frame, len);
	for (unsigned i = 0; i < PORTS; i++) {
		assert_true(romon_engine_port_stats(both->lone.engine, ports[i].link, &stats));
		after += stats.forwarded;
	}
	outcome->passed = after > before && frame[14] == CRAFT_DATA;
	outcome->answered = false;
	for (size_t i = 0; i < both->lone.count && !outcome->passed; i++)
		outcome->answered |= is_answer(&both->lone.sent[i]);
	if (outcome->passed || outcome->answered) {
		size_t sent = 0;

		while (both->lone.sent[sent].data[14] != CRAFT_DATA) /* what the port with a secret says of its own */
			sent++;
		assert_int_equal(lone_count(&both->lone, both->lone.sent[sent].link, CRAFT_DATA), 1);
		outcome->port = port_number(both->lone.sent[sent].link);
		outcome->len = both->lone.sent[sent].len;
		memcpy(outcome->data, both->lone.sent[sent].data, outcome->len);
	}
	lone_forget(&both->lone);
}

/* Both get it, and must agree. */
static void give(struct both *both, unsigned in, const uint8_t *frame, size_t len)
{
	static struct outcome kernel, engine;
	bool plain;

	run_program(both, in, frame, len, &kernel);
	run_engine(both, in, frame, len, &engine);
	plain = (engine.passed || engine.answered) && (ports[in].flags & ROMON_BPF_IN) &&
		(ports[engine.port].flags & ROMON_BPF_OUT) &&
		((ports[engine.port].flags & ROMON_BPF_TAKES) || (ports[in].flags & ROMON_BPF_GENERIC));
	if (kernel.passed != (engine.passed && plain))
		fail_msg("the program %s, the engine %s it", kernel.passed ? "passes it" : "refuses it",
			engine.passed ? "passes" : "refuses");
	if (kernel.answered != (engine.answered && plain))
		fail_msg("the program %s, the engine %s it", kernel.answered ? "answers it" : "does not",
			engine.answered ? "answers" : "does not answer");
	if (kernel.passed || kernel.answered) {
		assert_int_equal(kernel.port, engine.port);
		assert_int_equal(kernel.len, engine.len);
		assert_memory_equal(kernel.data, engine.data, engine.len);
	}
	both->passed += kernel.passed;
	both->answered += kernel.answered;
	both->refused += !kernel.passed && !kernel.answered;
}

/* A frame on the second of three wires: before_hops recorded, ours, then the next. */
static void transit(struct craft *craft, unsigned out, unsigned pointer, unsigned count, size_t size)
{
	static struct craft_hop route[255];
	const struct craft_data data = {ports[IN].mac, BEFORE, ASKER, TARGET, pointer, count, route, 2000, 4711, size};

	for (unsigned i = 0; i < count; i++)
		route[i] = (struct craft_hop){1000 + i, 0x020000000500 + i};
	route[pointer].mac = ports[IN].mac;
	if (pointer + 1 < count)
		route[pointer + 1] = (struct craft_hop){ports[out].link, AFTER};
	craft_data(craft, &data);
}

/* A ping to us that came by `in`, over so many wires. */
static void ping(struct craft *craft, unsigned in, unsigned count, size_t size)
{
	static struct craft_hop route[255];
	const struct craft_data data = {ports[in].mac, BEFORE, ASKER, SELF, count - 1, count, route, 2000, PING, size};

	for (unsigned i = 0; i < count; i++)
		route[i] = (struct craft_hop){1000 + i, 0x020000000500 + i};
	route[count - 1].mac = ports[in].mac;
	craft_data(craft, &data);
}

/* Answered inside the kernel where frames may pass; elsewhere, and where the port is too small, that is romond's affair. */
static void pings(void **state)
{
	struct both *both = *state;
	struct craft craft;

	for (unsigned in = 0; in < PORTS; in++) {
		for (unsigned count = 1; count < 5; count++) {
			uint64_t answered = both->answered;

			ping(&craft, in, count, 32);
			give(both, in, craft.data, craft.len);
			assert_int_equal(both->answered - answered, in == IN || in == OUT || in == SMALL);
		}
	}
	ping(&craft, IN, 250, 32);
	give(both, IN, craft.data, craft.len);
	craft_zero(&craft, 20); /* padding */
	give(both, IN, craft.data, craft.len);
	assert_int_equal(both->answered, 3 * 4 + 2);
	ping(&craft, SMALL, 1, 151); /* one byte too long for it */
	give(both, SMALL, craft.data, craft.len);
	ping(&craft, IN, 2, 3); /* without a number */
	give(both, IN, craft.data, craft.len);
	ping(&craft, IN, 2, 32);
	craft.data[60 + 20] = 0; /* from port 1 to port 1 */
	craft.data[60 + 20 + 1] = PING;
	give(both, IN, craft.data, craft.len);
	ping(&craft, IN, 2, 32);
	memcpy(craft.data + 48, craft_address(TARGET).b, 6); /* for another router */
	give(both, IN, craft.data, craft.len);
	xdp_set_port(both->xdp, IN,
		&(struct xdp_port){.mac = craft_address(ports[IN].mac), .mtu = ports[IN].mtu, .flags = ports[IN].flags});
	memcpy(craft.data + 48, craft_address(0).b, 6); /* when we have no ID, for none */
	give(both, IN, craft.data, craft.len);
	assert_int_equal(both->answered, 3 * 4 + 2);
}

/* How often the frame is answered inside the kernel when it comes so many times, romond having the others. */
static uint64_t answered_of(struct both *both, const struct craft *craft, int times)
{
	static struct outcome outcome;
	uint64_t answered = 0;

	while (times-- > 0) {
		run_program(both, IN, craft->data, craft->len, &outcome);
		answered += outcome.answered;
	}
	return answered;
}

/* Answers are bounded in bytes: a quarter of what a second allows at once, the rest as time passes. */
static void answers_are_bounded(void **state)
{
	struct both *both = *state;
	struct craft craft;
	int64_t begin;
	uint64_t answered;

	ping(&craft, IN, 2, 1000 - 84);
	assert_int_equal(craft.len, 1000);
	xdp_set_answers(both->xdp, 100000);
	begin = monotonic();
	answered = answered_of(both, &craft, 500);
	assert_in_range(answered, 24, 25 + (uint64_t)(monotonic() - begin) * 75 / ROMON_SECOND);
	xdp_set_answers(both->xdp, 0);
	assert_int_equal(answered_of(both, &craft, 100), 0);
	xdp_set_answers(both->xdp, ROMON_ANSWERS_MAX);
	while (answered_of(both, &craft, 1) == 0) /* until what was spent is earned */
		assert_in_range(monotonic() - begin, 0, 10 * ROMON_SECOND);
	assert_int_equal(answered_of(both, &craft, 500), 500);
}

static void by_every_port(void **state)
{
	struct both *both = *state;
	struct craft craft;

	for (unsigned out = 0; out < PORTS; out++) {
		uint64_t passed = both->passed;

		transit(&craft, out, 1, 3, 64);
		give(both, IN, craft.data, craft.len);
		assert_int_equal(both->passed - passed, out == OUT || out == SMALL || out == IN);
		craft_zero(&craft, 20); /* padding */
		give(both, IN, craft.data, craft.len);
		transit(&craft, out, 1, 3, 121); /* one byte too long for the small one */
		give(both, IN, craft.data, craft.len);
		for (unsigned in = 0; in < PORTS; in++) {
			transit(&craft, out, 0, 2, 32);
			memcpy(craft.data, craft_address(ports[in].mac).b, 6);
			memcpy(craft.data + 64, craft_address(ports[in].mac).b, 6);
			give(both, in, craft.data, craft.len);
		}
	}
}

/* In generic mode every port can be reached; unicast=no sends to the group; and a port that has become another is taken as it is. */
static void by_other_flags(void **state)
{
	struct both *both = *state;
	uint64_t passed;
	struct craft craft;

	transit(&craft, LOCAL, 1, 3, 64);
	ports[IN].flags |= ROMON_BPF_GENERIC;
	set_slot(both, IN, ports[IN].flags);
	passed = both->passed;
	give(both, IN, craft.data, craft.len);
	assert_int_equal(both->passed, passed + 1);
	ports[IN].flags &= ~(uint32_t)ROMON_BPF_GENERIC;
	set_slot(both, IN, ports[IN].flags);

	both->lone.router.unicast = false;
	assert_true(romon_engine_set_router(both->lone.engine, &both->lone.router));
	set_slot(both, OUT, ports[OUT].flags | ROMON_BPF_GROUP);
	transit(&craft, OUT, 1, 3, 64);
	memcpy(craft.data, craft_address(CRAFT_GROUP).b, 6);
	give(both, IN, craft.data, craft.len);
	assert_int_equal(both->passed, passed + 2);
	both->lone.router.unicast = true;
	assert_true(romon_engine_set_router(both->lone.engine, &both->lone.router));

	ports[OUT].mac++;
	ports[OUT].mtu = 100;
	set_slot(both, OUT, ports[OUT].flags);
	lone_port_of(&both->lone, ports[OUT].link, ports[OUT].mac, ports[OUT].mtu, 100);
	give(both, IN, craft.data, craft.len);
	assert_int_equal(both->passed, passed + 2);
	ports[OUT].mtu = 3000;
	set_slot(both, OUT, ports[OUT].flags);
	lone_port_of(&both->lone, ports[OUT].link, ports[OUT].mac, ports[OUT].mtu, 100);
	give(both, IN, craft.data, craft.len);
	assert_int_equal(both->passed, passed + 3);
}

/* An interface without a slot is not ours: nothing is taken. */
static void without_a_slot(void **state)
{
	struct both *both = *state;
	uint64_t passed = both->passed;
	struct craft craft;
	struct xdp_md context = {.ingress_ifindex = ports[IN].link};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = craft.data, .ctx_in = &context, .ctx_size_in = sizeof(context),
		.repeat = 1);
	struct xdp_batch batch;

	transit(&craft, OUT, 1, 3, 64);
	give(both, IN, craft.data, craft.len);
	assert_int_equal(both->passed, passed + 1);
	xdp_program_clear_slot(both->program, ports[IN].link, IN);
	options.data_size_in = context.data_end = (uint32_t)craft.len;
	assert_int_equal(bpf_prog_test_run_opts(xdp_program_fd(both->program), &options), 0);
	assert_int_equal(options.retval, XDP_PASS);
	xdp_receive(both->xdp, &batch);
	assert_int_equal(batch.frame_count, 0);
	/* And one that has gone from the list of targets: romond gets the frame as it came in. */
	assert_int_equal(xdp_program_set_slot(both->program, ports[IN].link, IN), 0);
	ip("link del va1");
	assert_int_equal(xdp_program_set_slot(both->program, ports[SMALL].link, SMALL), 0);
	context.ingress_ifindex = ports[SMALL].link;
	memcpy(craft.data, craft_address(ports[SMALL].mac).b, 6);
	memcpy(craft.data + 60 + 14, craft_address(ports[SMALL].mac).b, 6);
	assert_int_equal(bpf_prog_test_run_opts(xdp_program_fd(both->program), &options), 0);
	assert_int_equal(options.retval, XDP_DROP);
	xdp_receive(both->xdp, &batch);
	assert_int_equal(batch.frame_count, 1);
	assert_int_equal(batch.frames[0].len, craft.len);
	assert_memory_equal(batch.frames[0].data, craft.data, craft.len);
}

/* Gives the frame again and again until that many neighbours have been told in all. */
static void give_until(struct both *both, const struct craft *craft, uint64_t neighbors)
{
	struct timespec pause = {.tv_nsec = 1000000};

	for (int i = 0; both->neighbors < neighbors && i < 1000; i++) {
		give(both, IN, craft->data, craft->len);
		nanosleep(&pause, NULL);
	}
	assert_int_equal(both->neighbors, neighbors);
}

/* romond hears once in a while who its neighbours are. */
static void neighbors_are_told(void **state)
{
	struct both *both = *state;
	struct craft craft;

	transit(&craft, OUT, 1, 3, 64);
	for (int i = 0; i < 3; i++)
		give(both, IN, craft.data, craft.len);
	assert_int_equal(both->neighbors, 1);
	craft.data[11]++;
	give(both, IN, craft.data, craft.len);
	assert_int_equal(both->neighbors, 2);
	/* One that shares its place in the table: both are told in the end, but not one after the other as often as they please. */
	craft.data[9] ^= 1;
	craft.data[11] ^= 1;
	give_until(both, &craft, 3);
	/* The engine has forgotten them. */
	xdp_set_port(both->xdp, IN,
		&(struct xdp_port){
			.mac = craft_address(ports[IN].mac), .mtu = ports[IN].mtu, .flags = ports[IN].flags, .epoch = 2});
	give_until(both, &craft, 4);
	for (int i = 0; i < 100; i++) {
		craft.data[9] ^= 1;
		craft.data[11] ^= 1;
		give(both, IN, craft.data, craft.len);
	}
	assert_in_range(both->neighbors, 4, 90); /* 104, were there no pause; it takes no second */
	assert_true(both->passed > 100 && both->refused == 0);
}

/* What comes while the ring is full is lost, and counted; what was in it is not. */
static void the_ring_is_full(void **state)
{
	struct both *both = *state;
	struct craft craft;
	struct xdp_md context = {.ingress_ifindex = ports[IN].link};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = craft.data, .ctx_in = &context, .ctx_size_in = sizeof(context),
		.repeat = 10000);
	struct xdp_batch batch;
	uint64_t taken = 0;

	transit(&craft, OUT, 2, 3, 64); /* the end of its route */
	options.data_size_in = context.data_end = (uint32_t)craft.len;
	assert_int_equal(bpf_prog_test_run_opts(xdp_program_fd(both->program), &options), 0);
	do {
		xdp_receive(both->xdp, &batch);
		taken += batch.frame_count;
	} while (batch.frame_count > 0);
	assert_in_range(taken, 1000, 9000);
	assert_int_equal(xdp_counts(both->xdp, IN).lost, 10000 - taken);
	give(both, IN, craft.data, craft.len);
}

/* Is somebody woken for this frame, within so long? */
static bool wakes(struct both *both, int waiting, struct craft *craft, int ms)
{
	struct xdp_md context = {.data_end = (uint32_t)craft->len, .ingress_ifindex = ports[IN].link};
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = craft->data, .data_size_in = (uint32_t)craft->len, .ctx_in = &context,
		.ctx_size_in = sizeof(context), .repeat = 1);
	static struct xdp_batch batch;
	struct epoll_event event;
	bool woken;

	assert_int_equal(bpf_prog_test_run_opts(xdp_program_fd(both->program), &options), 0);
	woken = epoll_wait(waiting, &event, 1, ms) == 1;
	xdp_receive(both->xdp, &batch);
	assert_int_equal(batch.frame_count, 1);
	assert_memory_equal(batch.frames[0].data, craft->data, craft->len);
	return woken;
}

/* Who holds the ring is not woken, gets every frame once all the same, and can go on so for ever. */
static void holding(void **state)
{
	struct both *both = *state;
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	int waiting = epoll_create1(EPOLL_CLOEXEC);
	struct craft craft;

	assert_int_equal(epoll_ctl(waiting, EPOLL_CTL_ADD, xdp_fd(both->xdp), &event), 0);
	transit(&craft, OUT, 2, 3, 1000); /* the end of its route */
	assert_true(wakes(both, waiting, &craft, 5000));
	xdp_hold(both->xdp, true);
	wakes(both, waiting, &craft, 0); /* the first one still may */
	for (int i = 0; i < 20; i++)
		assert_false(wakes(both, waiting, &craft, 2));
	for (int i = 0; i < 3000; i++)
		give(both, IN, craft.data, craft.len); /* asserts that romond gets it, and nothing else */
	xdp_hold(both->xdp, false);
	while (epoll_wait(waiting, &event, 1, 0) > 0)
		continue;
	assert_true(wakes(both, waiting, &craft, 5000));
	close(waiting);
}

/* The captured frames, as if each had been sent to the port, and shortened to every length. */
static void captured_and_truncated(void **state)
{
	struct both *both = *state;
	size_t count;
	const struct vector *vectors = vectors_all(&count);
	struct craft craft;

	for (size_t i = 0; i <= count; i++) {
		if (i < count) {
			craft = (struct craft){.len = VECTOR_ETHERNET + vectors[i].len};
			memcpy(craft.data, vectors[i].frame, craft.len);
			memcpy(craft.data, craft_address(ports[IN].mac).b, 6);
			memcpy(craft.data + 6, craft_address(BEFORE).b, 6);
		} else {
			transit(&craft, OUT, 1, 4, 32);
		}
		for (size_t len = craft.len; len >= 14; len--) {
			give(both, IN, craft.data, len);
			if (len >= 18) { /* and its length field says so */
				struct craft shorter = craft;

				shorter.data[16] = (uint8_t)(len >> 8);
				shorter.data[17] = (uint8_t)len;
				give(both, IN, shorter.data, len);
				give(both, IN, shorter.data, craft.len);
			}
		}
	}
	assert_true(both->passed >= 1);
}

/* One of the addresses that mean something here. */
static struct romon_mac some_mac(struct both *both)
{
	static const uint64_t others[] = {0, CRAFT_GROUP, CRAFT_ALL, BEFORE, AFTER, SELF, 0x010000000001};
	uint32_t n = next_random(both) % (PORTS + 7);

	return craft_address(n < PORTS ? ports[n].mac : others[n - PORTS]);
}

/* A frame that often is right, or wrong in one place or a few. */
static void mutate(struct both *both, struct craft *craft, unsigned *in)
{
	unsigned count = next_random(both) % 8 == 0 ? next_random(both) % 256 : 2 + next_random(both) % 6;
	unsigned changes = next_random(both) % 4;
	size_t vector_count;
	const struct vector *vectors = vectors_all(&vector_count);

	*in = next_random(both) % 4 == 0 ? next_random(both) % PORTS : IN;
	if (next_random(both) % 8 == 0) {
		const struct vector *vector = &vectors[next_random(both) % vector_count];

		craft->len = VECTOR_ETHERNET + vector->len;
		memcpy(craft->data, vector->frame, craft->len);
	} else if (next_random(both) % 4 == 0) {
		ping(craft, *in, count == 0 ? 1 : count, next_random(both) % 200);
	} else {
		transit(craft, next_random(both) % PORTS, count > 1 ? next_random(both) % (count - 1) : 0, count == 0 ? 1 : count,
			next_random(both) % 200);
	}
	while (changes-- > 0) {
		size_t at = next_random(both) % craft->len;

		switch (next_random(both) % 6) {
		case 0: /* any byte */
			craft->data[at] = (uint8_t)next_random(both);
			break;
		case 1: /* one of the first */
			craft->data[at % 64] ^= (uint8_t)(1u << next_random(both) % 8);
			break;
		case 2: /* an address where one may stand */
			at = (const size_t[]){0, 6, 42, 48, 64, 74, 84}[at % 7];
			memcpy(craft->data + at, some_mac(both).b, 6);
			break;
		case 3: /* the length field, or the length */
			at = (size_t)((int)craft->len + (int)(next_random(both) % 9) - 4);
			craft->data[16] = (uint8_t)(at >> 8);
			craft->data[17] = (uint8_t)at;
			break;
		case 4:
			if (next_random(both) % 2 == 0)
				craft_zero(craft, next_random(both) % 70);
			else if (craft->len > 14 + at)
				craft->len -= at;
			break;
		case 5: /* the next link */
			craft->data[60 + 10 * (next_random(both) % 3) + 3] = (uint8_t)ports[next_random(both) % PORTS].link;
			break;
		}
		if (craft->len < 14)
			craft->len = 14;
	}
}

static void mutations(void **state)
{
	struct both *both = *state;
	size_t rounds = getenv("ROMON_SOAK") != NULL ? MUTATIONS_SOAK : MUTATIONS;
	static struct craft craft;
	unsigned in;

	for (size_t i = 0; i < rounds; i++) {
		mutate(both, &craft, &in);
		give(both, in, craft.data, craft.len);
		both->lone.now.ns += ROMON_MILLISECOND;
	}
	print_message("%zu frames: %llu passed inside the kernel, %llu were answered there, %llu neither\n", rounds,
		(unsigned long long)both->passed, (unsigned long long)both->answered, (unsigned long long)both->refused);
	assert_true(both->passed > rounds / 20 && both->answered > rounds / 50 && both->refused > rounds / 20);
}

#define with_both(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static int group(void)
{
	static const struct CMUnitTest tests[] = {
		with_both(by_every_port),
		with_both(by_other_flags),
		with_both(pings),
		with_both(answers_are_bounded),
		with_both(without_a_slot),
		with_both(neighbors_are_told),
		with_both(the_ring_is_full),
		with_both(holding),
		with_both(captured_and_truncated),
		with_both(mutations),
	};

	return cmocka_run_group_tests_name(vectors_captured() ? "captured frames" : "own frames", tests, NULL, NULL);
}

int main(void)
{
	return vectors_run(group);
}
