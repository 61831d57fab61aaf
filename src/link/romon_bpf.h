/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The contract between the program in the kernel (romon.bpf.c) and romond: what stands in the maps that they share. Both sides include it,
 * so it relies on the kernel's own headers alone.
 *
 * Every field that one side writes while the other reads is one naturally aligned word, written by one store: nobody ever sees half
 * of a change.
 */
#ifndef ROMON_BPF_H
#define ROMON_BPF_H

#include <linux/types.h>

#define ROMON_BPF_SLOTS 256 /* ports; a slot is a port's place in all arrays */
#define ROMON_BPF_LANES 16  /* counters of a port, so that the cores of a machine seldom share one */
#define ROMON_BPF_COUNTERS (ROMON_BPF_SLOTS * ROMON_BPF_LANES)
#define ROMON_BPF_RING (1024 * 1024) /* bytes of the ring: five hundred large frames */
#define ROMON_BPF_HEARD 16           /* neighbours of a port of which the time is remembered, a power of two */
#define ROMON_BPF_HEARD_PLACES (ROMON_BPF_SLOTS * ROMON_BPF_HEARD)
#define ROMON_BPF_HEARD_EVERY 10000000000ULL /* nanoseconds: how often it is told that a neighbour is still there */
#define ROMON_BPF_HEARD_PAUSE 10000000ULL /* nanoseconds between two that share a place: nobody can make it tell more than that */

/* Map `slots`: from an ifindex to a __u32, its slot. Map `targets`: from a slot to the interface that frames are redirected to. Only the
 * monitor writes them. */

/* Map `answers`, one entry, mapped as well: what pings may draw from the program, all ports together. romond writes `price`. */
#define ROMON_BPF_ANSWERS_DEPTH \
	333333333ULL /* nanoseconds of earning that may be spent at once: a quarter of what a second allows */
struct romon_bpf_answers {
	__u64 price; /* picoseconds of earning that a byte costs; 0: nothing is answered */
	__u64 due;   /* when what was spent so far has been earned */
};

/* Map `ports`, mapped into the worker's memory: what the program has to know of the port in each slot. All zero: nothing passes. */
enum romon_bpf_flag {
	ROMON_BPF_IN = 1,      /* Data that came in by it may pass inside the kernel */
	ROMON_BPF_OUT = 2,     /* ... or leave by it */
	ROMON_BPF_TAKES = 4,   /* its driver takes frames that another driver hands it */
	ROMON_BPF_GENERIC = 8, /* what comes in by it is seen in generic mode, from where frames can leave by every interface */
	ROMON_BPF_GROUP = 16,  /* unicast=no: what leaves by it goes to the group address */
};
struct romon_bpf_port {
	__u64 address; /* its MAC in the lower 48 bits, as romon_bpf_mac() packs it; above it its MTU */
	__u32 flags;
	__u32 epoch; /* another number whenever the engine has forgotten its neighbours; of it, the lower 16 bits count */
	__u64 id;    /* of this router, as romon_bpf_mac() packs it; 0: it has none */
};

/* Map `counters`, mapped as well: [ROMON_BPF_SLOTS][ROMON_BPF_LANES]. They only ever grow. */
struct romon_bpf_counters {
	__u64 in;       /* came in by the port and passed inside the kernel, or was answered there */
	__u64 out;      /* left by the port, having passed so */
	__u64 answered; /* came in by the port and left by it as its own answer */
	__u64 lost;     /* came in by the port, was for romond, and found the ring full */
	__u64 unused[4];
};

/* A record of map `ring`. */
enum romon_bpf_kind {
	ROMON_BPF_FRAME = 1, /* a received frame */
	ROMON_BPF_NEIGHBOR,  /* a MAC from which a valid unhashed frame came, and passed */
};
struct romon_bpf_record {
	__u32 link; /* ifindex that it came in by */
	__u16 kind;
	__u16 len;  /* bytes of data that count: the room behind them is of no meaning */
	__u64 time; /* when it came in, nanoseconds of CLOCK_MONOTONIC */
	__u8 data[];
};
struct romon_bpf_told { /* a whole ROMON_BPF_NEIGHBOR */
	__u32 link;
	__u16 kind, len;
	__u64 time;
	__u16 mac[3];
	__u16 zero;
};

/* Three 16-bit words of a MAC as they stand in memory, in one number. */
static inline __u64 romon_bpf_mac(const __u16 mac[3])
{
	return (__u64)mac[0] | (__u64)mac[1] << 16 | (__u64)mac[2] << 32;
}

#endif
