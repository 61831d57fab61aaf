/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The program in the kernel and the engine must agree: on which frames pass, by which port they leave, on which are answered, and on every
 * byte; all others reach romond as they came in. ROMON_SOAK=1 makes it long.
 */
#include <stdlib.h>
#include <string.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "both.h"
#include "netns.h"
#include "vectors.h"

#define MUTATIONS 300000
#define MUTATIONS_SOAK 10000000

/* Answered inside the kernel where frames may pass; elsewhere, and where the port is too small, that is romond's affair. */
static void pings(void **state)
{
	struct both *both = *state;
	struct craft craft;

	for (unsigned in = 0; in < PORTS; in++) {
		for (unsigned count = 1; count < 5; count++) {
			uint64_t answered = both->answered;

			both_ping(&craft, in, count, 32);
			both_give(both, in, craft.data, craft.len);
			assert_int_equal(both->answered - answered, in == IN || in == OUT || in == SMALL);
		}
	}
	both_ping(&craft, IN, 250, 32);
	both_give(both, IN, craft.data, craft.len);
	craft_zero(&craft, 20); /* padding */
	both_give(both, IN, craft.data, craft.len);
	assert_int_equal(both->answered, 3 * 4 + 2);
	both_ping(&craft, SMALL, 1, 151); /* one byte too long for it */
	both_give(both, SMALL, craft.data, craft.len);
	both_ping(&craft, IN, 2, 3); /* without a number */
	both_give(both, IN, craft.data, craft.len);
	both_ping(&craft, IN, 2, 32);
	craft.data[60 + 20] = 0; /* from port 1 to port 1 */
	craft.data[60 + 20 + 1] = PING;
	both_give(both, IN, craft.data, craft.len);
	both_ping(&craft, IN, 2, 32);
	memcpy(craft.data + 48, craft_address(TARGET).b, 6); /* for another router */
	both_give(both, IN, craft.data, craft.len);
	xdp_set_port(both->xdp, IN,
		&(struct xdp_port){.mac = craft_address(ports[IN].mac), .mtu = ports[IN].mtu, .flags = ports[IN].flags});
	memcpy(craft.data + 48, craft_address(0).b, 6); /* when we have no ID, for none */
	both_give(both, IN, craft.data, craft.len);
	assert_int_equal(both->answered, 3 * 4 + 2);
}

/* How often the frame is answered inside the kernel when it comes so many times, romond having the others. */
static uint64_t answered_of(struct both *both, const struct craft *craft, int times)
{
	static struct outcome outcome;
	uint64_t answered = 0;

	while (times-- > 0) {
		both_program(both, IN, craft->data, craft->len, &outcome);
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

	both_ping(&craft, IN, 2, 1000 - 84);
	assert_int_equal(craft.len, 1000);
	xdp_set_answers(both->xdp, 100000);
	begin = both_clock();
	answered = answered_of(both, &craft, 500);
	assert_in_range(answered, 24, 25 + (uint64_t)(both_clock() - begin) * 75 / ROMON_SECOND);
	xdp_set_answers(both->xdp, 0);
	assert_int_equal(answered_of(both, &craft, 100), 0);
	xdp_set_answers(both->xdp, ROMON_ANSWERS_MAX);
	while (answered_of(both, &craft, 1) == 0) /* until what was spent is earned */
		assert_in_range(both_clock() - begin, 0, 10 * ROMON_SECOND);
	assert_int_equal(answered_of(both, &craft, 500), 500);
}

static void by_every_port(void **state)
{
	struct both *both = *state;
	struct craft craft;

	for (unsigned out = 0; out < PORTS; out++) {
		uint64_t passed = both->passed;

		both_transit(&craft, out, 1, 3, 64);
		both_give(both, IN, craft.data, craft.len);
		assert_int_equal(both->passed - passed, out == OUT || out == SMALL || out == IN);
		craft_zero(&craft, 20); /* padding */
		both_give(both, IN, craft.data, craft.len);
		both_transit(&craft, out, 1, 3, 121); /* one byte too long for the small one */
		both_give(both, IN, craft.data, craft.len);
		for (unsigned in = 0; in < PORTS; in++) {
			both_transit(&craft, out, 0, 2, 32);
			memcpy(craft.data, craft_address(ports[in].mac).b, 6);
			memcpy(craft.data + 64, craft_address(ports[in].mac).b, 6);
			both_give(both, in, craft.data, craft.len);
		}
	}
}

/* In generic mode every port can be reached; unicast=no sends to the group; and a port that has become another is taken as it is. */
static void by_other_flags(void **state)
{
	struct both *both = *state;
	uint64_t passed;
	struct craft craft;

	both_transit(&craft, LOCAL, 1, 3, 64);
	ports[IN].flags |= ROMON_BPF_GENERIC;
	both_set_slot(both, IN, ports[IN].flags);
	passed = both->passed;
	both_give(both, IN, craft.data, craft.len);
	assert_int_equal(both->passed, passed + 1);
	ports[IN].flags &= ~(uint32_t)ROMON_BPF_GENERIC;
	both_set_slot(both, IN, ports[IN].flags);

	both->lone.router.unicast = false;
	assert_true(romon_engine_set_router(both->lone.engine, &both->lone.router));
	both_set_slot(both, OUT, ports[OUT].flags | ROMON_BPF_GROUP);
	both_transit(&craft, OUT, 1, 3, 64);
	memcpy(craft.data, craft_address(CRAFT_GROUP).b, 6);
	both_give(both, IN, craft.data, craft.len);
	assert_int_equal(both->passed, passed + 2);
	both->lone.router.unicast = true;
	assert_true(romon_engine_set_router(both->lone.engine, &both->lone.router));

	ports[OUT].mac++;
	ports[OUT].mtu = 100;
	both_set_slot(both, OUT, ports[OUT].flags);
	lone_port_of(&both->lone, ports[OUT].link, ports[OUT].mac, ports[OUT].mtu, 100);
	both_give(both, IN, craft.data, craft.len);
	assert_int_equal(both->passed, passed + 2);
	ports[OUT].mtu = 3000;
	both_set_slot(both, OUT, ports[OUT].flags);
	lone_port_of(&both->lone, ports[OUT].link, ports[OUT].mac, ports[OUT].mtu, 100);
	both_give(both, IN, craft.data, craft.len);
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

	both_transit(&craft, OUT, 1, 3, 64);
	both_give(both, IN, craft.data, craft.len);
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
			both_transit(&craft, OUT, 1, 4, 32);
		}
		for (size_t len = craft.len; len >= 14; len--) {
			both_give(both, IN, craft.data, len);
			if (len >= 18) { /* and its length field says so */
				struct craft shorter = craft;

				shorter.data[16] = (uint8_t)(len >> 8);
				shorter.data[17] = (uint8_t)len;
				both_give(both, IN, shorter.data, len);
				both_give(both, IN, shorter.data, craft.len);
			}
		}
	}
	assert_true(both->passed >= 1);
}

/* One of the addresses that mean something here. */
static struct romon_mac some_mac(struct both *both)
{
	static const uint64_t others[] = {0, CRAFT_GROUP, CRAFT_ALL, BEFORE, AFTER, SELF, 0x010000000001};
	uint32_t n = both_random(both) % (PORTS + 7);

	return craft_address(n < PORTS ? ports[n].mac : others[n - PORTS]);
}

/* A frame that often is right, or wrong in one place or a few. */
static void mutate(struct both *both, struct craft *craft, unsigned *in)
{
	unsigned count = both_random(both) % 8 == 0 ? both_random(both) % 256 : 2 + both_random(both) % 6;
	unsigned changes = both_random(both) % 4;
	size_t vector_count;
	const struct vector *vectors = vectors_all(&vector_count);

	*in = both_random(both) % 4 == 0 ? both_random(both) % PORTS : IN;
	if (both_random(both) % 8 == 0) {
		const struct vector *vector = &vectors[both_random(both) % vector_count];

		craft->len = VECTOR_ETHERNET + vector->len;
		memcpy(craft->data, vector->frame, craft->len);
	} else if (both_random(both) % 4 == 0) {
		both_ping(craft, *in, count == 0 ? 1 : count, both_random(both) % 200);
	} else {
		both_transit(craft, both_random(both) % PORTS, count > 1 ? both_random(both) % (count - 1) : 0,
			count == 0 ? 1 : count, both_random(both) % 200);
	}
	while (changes-- > 0) {
		size_t at = both_random(both) % craft->len;

		switch (both_random(both) % 6) {
		case 0: /* any byte */
			craft->data[at] = (uint8_t)both_random(both);
			break;
		case 1: /* one of the first */
			craft->data[at % 64] ^= (uint8_t)(1u << both_random(both) % 8);
			break;
		case 2: /* an address where one may stand */
			at = (const size_t[]){0, 6, 42, 48, 64, 74, 84}[at % 7];
			memcpy(craft->data + at, some_mac(both).b, 6);
			break;
		case 3: /* the length field, or the length */
			at = (size_t)((int)craft->len + (int)(both_random(both) % 9) - 4);
			craft->data[16] = (uint8_t)(at >> 8);
			craft->data[17] = (uint8_t)at;
			break;
		case 4:
			if (both_random(both) % 2 == 0)
				craft_zero(craft, both_random(both) % 70);
			else if (craft->len > 14 + at)
				craft->len -= at;
			break;
		case 5: /* the next link */
			craft->data[60 + 10 * (both_random(both) % 3) + 3] = (uint8_t)ports[both_random(both) % PORTS].link;
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
		both_give(both, in, craft.data, craft.len);
		both->lone.now.ns += ROMON_MILLISECOND;
	}
	print_message("%zu frames: %llu passed inside the kernel, %llu were answered there, %llu neither\n", rounds,
		(unsigned long long)both->passed, (unsigned long long)both->answered, (unsigned long long)both->refused);
	assert_true(both->passed > rounds / 20 && both->answered > rounds / 50 && both->refused > rounds / 20);
}

static int group(void)
{
	static const struct CMUnitTest tests[] = {
		with_both(by_every_port),
		with_both(by_other_flags),
		with_both(pings),
		with_both(answers_are_bounded),
		with_both(without_a_slot),
		with_both(captured_and_truncated),
		with_both(mutations),
	};

	return cmocka_run_group_tests_name(vectors_captured() ? "captured frames" : "own frames", tests, NULL, NULL);
}

int main(void)
{
	return vectors_run(group);
}
