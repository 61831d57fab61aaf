/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The same frame for the program in the kernel and for an engine, and what each makes of it.
 */
#include "both.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "netns.h"

/* What the ports are; their ifindexes are filled in. */
struct both_port ports[PORTS] = {
	[IN] = {"va0", 0x020000000101, 3000, ROMON_BPF_IN | ROMON_BPF_OUT | ROMON_BPF_TAKES, 0},
	[OUT] = {"va1", 0x020000000102, 3000, ROMON_BPF_IN | ROMON_BPF_OUT | ROMON_BPF_TAKES, 0},
	[SMALL] = {"vb0", 0x020000000103, 200, ROMON_BPF_IN | ROMON_BPF_OUT | ROMON_BPF_TAKES, 0},
	[HASHED] = {"vb1", 0x020000000104, 1500, ROMON_BPF_TAKES, 0},
	[LOCAL] = {"vc0", 0x020000000102, 1500, ROMON_BPF_IN | ROMON_BPF_OUT, 0}, /* takes no redirected frames */
	[DOWN] = {"vc1", 0x020000000106, 1500, ROMON_BPF_TAKES, 0},               /* no carrier */
};

uint32_t both_random(struct both *both)
{
	both->seed = both->seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(both->seed >> 33);
}

void both_set_slot(struct both *both, unsigned port, uint32_t flags)
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
		both_set_slot(both, i, ports[i].flags);
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

int both_set_up(void **state)
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

int both_tear_down(void **state)
{
	struct both *both = *state;

	xdp_close(both->xdp);
	xdp_program_free(both->program);
	lone_close(&both->lone);
	return 0;
}

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

int64_t both_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * ROMON_SECOND + now.tv_nsec;
}

void both_program(struct both *both, unsigned in, const uint8_t *frame, size_t len, struct outcome *outcome)
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
	assert_in_range(batch.frames[0].came.ns, 1, both_clock());
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

void both_give(struct both *both, unsigned in, const uint8_t *frame, size_t len)
{
	static struct outcome kernel, engine;
	bool plain;

	both_program(both, in, frame, len, &kernel);
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

void both_transit(struct craft *craft, unsigned out, unsigned pointer, unsigned count, size_t size)
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

void both_ping(struct craft *craft, unsigned in, unsigned count, size_t size)
{
	static struct craft_hop route[255];
	const struct craft_data data = {ports[in].mac, BEFORE, ASKER, SELF, count - 1, count, route, 2000, PING, size};

	for (unsigned i = 0; i < count; i++)
		route[i] = (struct craft_hop){1000 + i, 0x020000000500 + i};
	route[count - 1].mac = ports[in].mac;
	craft_data(craft, &data);
}
