/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The program in the kernel and an engine side by side: both get the same frames (BPF_PROG_TEST_RUN: nothing is sent). The ports are
 * veth interfaces of a namespace of its own, so it needs root.
 */
#ifndef ROMON_TEST_BOTH_H
#define ROMON_TEST_BOTH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "link/xdp.h"
#include "lone.h"

#define FRAME_MAX 3000
#define SELF 0x0a0000000001ULL
#define ASKER 0x0a0000000002ULL
#define TARGET 0x0a0000000003ULL
#define BEFORE 0x020000000201ULL
#define AFTER 0x020000000301ULL
#define PING 1 /* the port */

enum { IN, OUT, SMALL, HASHED, LOCAL, DOWN, PORTS };
extern struct both_port {
	const char *name;
	uint64_t mac;
	uint16_t mtu;
	uint32_t flags, link;
} ports[PORTS];

struct both {
	struct lone lone;
	struct xdp_program *program;
	struct xdp *xdp;
	uint64_t seed;
	uint64_t passed, answered, refused, neighbors; /* by the program, so far */
};

/* For each test, which is skipped where there is no XDP. */
int both_set_up(void **state);
int both_tear_down(void **state);
#define with_both(test) cmocka_unit_test_setup_teardown(test, both_set_up, both_tear_down)

uint32_t both_random(struct both *both);
int64_t both_clock(void); /* CLOCK_MONOTONIC, nanoseconds */
/* Tells the program what the port may do. */
void both_set_slot(struct both *both, unsigned port, uint32_t flags);

/* What became of a frame. */
struct outcome {
	bool passed;   /* it goes on */
	bool answered; /* its answer does */
	uint32_t port; /* number of the one that this leaves by */
	size_t len;
	uint8_t data[FRAME_MAX];
};
/* Gives the frame to the program, and takes what romond would get of it: all of it, and as it was, if it did not leave by some port. */
void both_program(struct both *both, unsigned in, const uint8_t *frame, size_t len, struct outcome *outcome);
/* Both get it, and must agree. */
void both_give(struct both *both, unsigned in, const uint8_t *frame, size_t len);

/* A frame with so many hops, at number `pointer`, which is ours; the next one leads out by that port. */
void both_transit(struct craft *craft, unsigned out, unsigned pointer, unsigned count, size_t size);
/* A ping to us that came by `in`, over so many wires. */
void both_ping(struct craft *craft, unsigned in, unsigned count, size_t size);

#endif
