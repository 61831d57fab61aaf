/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
 *
 * RoMON inside the kernel: an XDP program on the ports that take part. Data in transit is checked, changed and sent on here, by the
 * rules of core/forward.c, if neither port has secrets; a ping to this router is answered, by those of core/ping.c. Every other RoMON frame
 * goes to romond by one ring, and nobody else gets to see it; what is no RoMON frame passes untouched. Wherever this program is not sure,
 * romond decides, which also counts why a frame is dropped.
 *
 * Relies on Linux 5.19 and on the headers of the kernel's interface to programs, not on those of the kernel itself.
 */
#include <stdbool.h>

#include <linux/bpf.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "romon_bpf.h"

#define ETHERTYPE 0x88bf
#define TYPE_DATA 3
#define HOPS_MAX 255
#define PORTS_LEN 4 /* behind the hops */
#define PORT_PING 1
#define PORT_EPHEMERAL 1024 /* and up: source ports */
#define PING_MIN 4          /* bytes of payload */

/* A frame up to its hops, and a hop (docs/protocol.md, sections 1 to 3). Words of 16 bits, since that is how everything in it is
 * aligned; not every machine reads larger ones from there. */
struct head {
	__u16 dst[3], src[3], ethertype;
	__u8 type, zero;
	__u16 length; /* Ethernet header included, padding not */
	__u16 auth[12];
	__u16 src_id[3], dst_id[3];
	__u8 count, pointer;
	__u16 unused[2];
};
_Static_assert(sizeof(struct head) == 60, "wire format");

struct hop {
	__u16 link[2];
	__u16 mac[3];
};
_Static_assert(sizeof(struct hop) == 10, "wire format");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, ROMON_BPF_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
} slots SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, ROMON_BPF_SLOTS);
	__type(key, __u32);
	__type(value, __u32);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROMON_BPF_SLOTS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct romon_bpf_port);
} ports SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROMON_BPF_COUNTERS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct romon_bpf_counters);
} counters SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct romon_bpf_answers);
} answers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, ROMON_BPF_RING);
} ring SEC(".maps");

/* A neighbour that romond was told of. Cores may race for a place: then it is told once too often. */
struct neighbor {
	__u64 who; /* its MAC, and above it the epoch */
	__u64 told;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, ROMON_BPF_HEARD_PLACES);
	__type(key, __u32);
	__type(value, struct neighbor);
} heard SEC(".maps");

/* A frame on its way through the kernel. */
struct transit {
	__u32 link, in; /* ifindex and slot that it came in by */
	__u32 out;      /* slot that it leaves by */
	__u32 length;   /* bytes without padding */
	__u16 epoch;    /* of the port that it came in by */
	__u16 src[3];   /* from which MAC it came */
	__u64 mac;      /* of the port that it leaves by */
	__u32 flags;    /* of that port */
	bool last;      /* this router is the end of its route */
};

/* The compiler must not compute this address again elsewhere: the kernel's verifier knows only of the one that was checked. */
#define SAME(pointer) asm volatile("" : "+r"(pointer))

static __always_inline bool valid(const __u16 mac[3])
{
	return romon_bpf_mac(mac) != 0 && (*(const __u8 *)mac & 1) == 0;
}

static __always_inline bool is_group(const __u16 mac[3])
{
	return mac[0] == bpf_htons(0x0180) && mac[1] == bpf_htons(0xc200) && mac[2] == bpf_htons(0x88bf);
}

static __always_inline void to_group(struct head *head)
{
	head->dst[0] = bpf_htons(0x0180);
	head->dst[1] = bpf_htons(0xc200);
	head->dst[2] = bpf_htons(0x88bf);
}

static __always_inline bool unhashed(const __u16 auth[12])
{
	__u16 any = 0;

	for (int i = 0; i < 12; i++)
		any |= auth[i];
	return any == 0;
}

static __always_inline __u64 port_mac(const struct romon_bpf_port *port)
{
	return port->address & 0xffffffffffff;
}

static __always_inline struct romon_bpf_counters *counters_of(__u32 slot)
{
	__u32 key = slot * ROMON_BPF_LANES + bpf_get_smp_processor_id() % ROMON_BPF_LANES;

	return bpf_map_lookup_elem(&counters, &key);
}

/* What needs no knowledge of the route: the checks of core/wire_decode.c and of the addresses, for Data. */
static __always_inline bool well_formed(const struct head *head, __u64 len)
{
	__u32 length = bpf_ntohs(head->length);

	return head->type == TYPE_DATA && length <= len && head->pointer < head->count &&
	       length >= sizeof(*head) + head->count * sizeof(struct hop) + PORTS_LEN && valid(head->src_id) &&
	       valid(head->dst_id) && valid(head->src) && unhashed(head->auth);
}

/* Has the frame left by the port with this MAC before? */
static __always_inline bool was_there(const struct head *head, const void *end, __u64 mac)
{
	const struct hop *hop = (const struct hop *)(head + 1);

	for (int i = 0; i < HOPS_MAX; i++, hop++) {
		if (i == head->pointer)
			break;
		if ((const void *)(hop + 1) > end || romon_bpf_mac(hop->mac) == mac)
			return true;
	}
	return romon_bpf_mac(head->src) == mac;
}

/* May the frame leave by the port in this slot? Then it fills in how. */
static __always_inline bool may_leave(
	struct transit *way, const struct romon_bpf_port *in, __u32 slot, const struct romon_bpf_port *out)
{
	__u64 address = *(volatile __u64 *)&out->address;

	way->out = slot;
	way->flags = *(volatile __u32 *)&out->flags;
	way->mac = address & 0xffffffffffff;
	return (way->flags & ROMON_BPF_OUT) && (way->flags & ROMON_BPF_TAKES || in->flags & ROMON_BPF_GENERIC) &&
	       way->length <= (address >> 48) + 14;
}

/* By the port with this link id, to the next hop. */
static __always_inline bool find_way(struct transit *way, const struct romon_bpf_port *in, const struct hop *next)
{
	__u32 link = (__u32)bpf_ntohs(next->link[0]) << 16 | bpf_ntohs(next->link[1]);
	__u32 *slot = bpf_map_lookup_elem(&slots, &link);
	struct romon_bpf_port *out = slot ? bpf_map_lookup_elem(&ports, slot) : (void *)0;

	return out && valid(next->mac) && may_leave(way, in, *slot, out);
}

/* Is it Data whose route leads over this port, and that romond would not refuse? */
static __always_inline bool take(struct xdp_md *ctx, struct transit *way, const struct romon_bpf_port *in, __u64 len)
{
	const void *end = (const void *)(long)ctx->data_end;
	const struct head *head = (const void *)(long)ctx->data;
	const struct hop *hop;

	if (!(in->flags & ROMON_BPF_IN) || (const void *)(head + 1) > end || !well_formed(head, len))
		return false;
	if (romon_bpf_mac(head->src) == port_mac(in) || (romon_bpf_mac(head->dst) != port_mac(in) && !is_group(head->dst)))
		return false;
	hop = (const struct hop *)(head + 1) + head->pointer;
	if ((const void *)(hop + 1) > end || romon_bpf_mac(hop->mac) != port_mac(in))
		return false;
	way->length = bpf_ntohs(head->length);
	way->last = head->pointer + 1 == head->count;
	for (int i = 0; i < 3; i++)
		way->src[i] = head->src[i];
	return true;
}

/* Would core/forward.c send it on, by a way that is open to us? */
static __always_inline bool in_transit(struct xdp_md *ctx, struct transit *way, const struct romon_bpf_port *in)
{
	const void *end = (const void *)(long)ctx->data_end;
	const struct head *head = (const void *)(long)ctx->data;
	const struct hop *next;

	if ((const void *)(head + 1) > end)
		return false;
	next = (const struct hop *)(head + 1) + head->pointer + 1;
	return (const void *)(next + 1) <= end && find_way(way, in, next) && !was_there(head, end, way->mac);
}

/* Would core/ping.c answer it, by the port that it came in by? */
static __always_inline bool is_ping(struct xdp_md *ctx, struct transit *way, const struct romon_bpf_port *in)
{
	const void *end = (const void *)(long)ctx->data_end;
	const struct head *head = (const void *)(long)ctx->data;
	const __u16 *between;

	if ((const void *)(head + 1) > end || romon_bpf_mac(head->dst_id) != *(volatile __u64 *)&in->id)
		return false;
	between = (const void *)((const struct hop *)(head + 1) + head->count);
	SAME(between);
	return (const void *)(between + 2) <= end && bpf_ntohs(between[0]) >= PORT_EPHEMERAL &&
	       between[1] == bpf_htons(PORT_PING) &&
	       way->length >= sizeof(*head) + head->count * sizeof(struct hop) + PORTS_LEN + PING_MIN &&
	       may_leave(way, in, way->in, in);
}

/* The way back is recorded, the pointer moves on, and the addresses are those of the next wire. */
static __always_inline bool rewrite(struct xdp_md *ctx, const struct transit *way)
{
	void *end = (void *)(long)ctx->data_end;
	struct head *head = (void *)(long)ctx->data;
	struct hop *hop;

	if ((void *)(head + 1) > end)
		return false;
	hop = (struct hop *)(head + 1) + head->pointer;
	if ((void *)(hop + 2) > end)
		return false;
	hop->link[0] = bpf_htons(way->link >> 16);
	hop->link[1] = bpf_htons(way->link & 0xffff);
	for (int i = 0; i < 3; i++) {
		hop->mac[i] = head->src[i];
		head->src[i] = way->mac >> 16 * i;
		head->dst[i] = hop[1].mac[i];
	}
	if (way->flags & ROMON_BPF_GROUP)
		to_group(head);
	head->pointer++;
	return true;
}

/* romond wants to know whom it has for a neighbour, though it does not see these frames: now and then it is told. */
static __always_inline void tell_neighbor(const struct transit *way, const __u16 mac[3])
{
	struct romon_bpf_told told = {.link = way->link, .kind = ROMON_BPF_NEIGHBOR, .len = sizeof(told.mac)};
	__u32 key = way->in * ROMON_BPF_HEARD + (bpf_ntohs(mac[2]) ^ bpf_ntohs(mac[1])) % ROMON_BPF_HEARD;
	struct neighbor *neighbor = bpf_map_lookup_elem(&heard, &key);
	__u64 who = romon_bpf_mac(mac) | (__u64)way->epoch << 48, now = bpf_ktime_get_coarse_ns();

	if (!neighbor || now - neighbor->told < (neighbor->who == who ? ROMON_BPF_HEARD_EVERY : ROMON_BPF_HEARD_PAUSE))
		return;
	for (int i = 0; i < 3; i++)
		told.mac[i] = mac[i];
	if (bpf_ringbuf_output(&ring, &told, sizeof(told), 0) == 0) {
		neighbor->who = who;
		neighbor->told = now;
	}
}

static __always_inline void swap(__u16 *a, __u16 *b, int words)
{
	for (int i = 0; i < words; i++) {
		__u16 word = a[i];

		a[i] = b[i];
		b[i] = word;
	}
}

/* The way that it came is the way of the answer: the list in reverse, and who asked is who is answered. */
static __always_inline bool turn_round(struct xdp_md *ctx, const struct transit *way)
{
	void *end = (void *)(long)ctx->data_end;
	struct head *head = (void *)(long)ctx->data;
	struct hop *first = (struct hop *)(head + 1), *last;
	__u16 *between;
	__u32 count;

	if ((void *)(head + 1) > end)
		return false;
	count = head->count;
	last = first + head->pointer;
	between = (void *)(first + count);
	SAME(last);
	SAME(between);
	if ((void *)(last + 1) > end || (void *)(between + 2) > end)
		return false;
	last->link[0] = bpf_htons(way->link >> 16);
	last->link[1] = bpf_htons(way->link & 0xffff);
	for (int i = 0; i < 3; i++)
		last->mac[i] = head->src[i];
	swap(between, between + 1, 1);
	for (__u32 i = 0; i < HOPS_MAX / 2 && i < count / 2; i++, first++) {
		last = (struct hop *)(head + 1) + ((count - 1 - i) & HOPS_MAX);
		SAME(last);
		if ((void *)(first + 1) > end || (void *)(last + 1) > end)
			return false;
		swap(first->link, last->link, 2);
		swap(first->mac, last->mac, 3);
	}
	swap(head->src_id, head->dst_id, 3);
	swap(head->src, head->dst, 3);
	for (int i = 0; i < 3; i++)
		head->src[i] = way->mac >> 16 * i;
	if (way->flags & ROMON_BPF_GROUP)
		to_group(head);
	head->zero = 0;
	head->pointer = 0;
	head->unused[0] = head->unused[1] = 0;
	return true;
}

/* May so many bytes be answered? In any second no more than romond allows: an answer moves the time at which all of them will have
 * been earned, and that time may not be too far ahead. */
static __always_inline bool may_answer(__u32 length)
{
	__u32 key = 0;
	struct romon_bpf_answers *all = bpf_map_lookup_elem(&answers, &key);
	__u64 now = bpf_ktime_get_ns(), price, due, then;

	if (!all)
		return false;
	price = *(volatile __u64 *)&all->price;
	due = *(volatile __u64 *)&all->due;
	then = (due > now ? due : now) + length * price / 1000;
	/* Where another core was faster romond answers. */
	return price && then <= now + ROMON_BPF_ANSWERS_DEPTH && __sync_bool_compare_and_swap(&all->due, due, then);
}

/* Notes where the frame will go, and that it was there. False: romond may try. */
static __always_inline bool send_off(struct xdp_md *ctx, const struct transit *way, __u64 len)
{
	/* If there is no such interface any more, this says so. */
	if (bpf_redirect_map(&targets, way->out, 0) != XDP_REDIRECT || (way->last && !may_answer(way->length)))
		return false;
	tell_neighbor(way, way->src);
	return len <= way->length || !bpf_xdp_adjust_tail(ctx, (int)way->length - (int)len);
}

/* Answers the ping. False: it has not been touched, and romond may try. */
static __always_inline bool answer(struct xdp_md *ctx, const struct transit *way, __u64 len)
{
	struct romon_bpf_counters *in = counters_of(way->in);

	if (!in || !send_off(ctx, way, len) || !turn_round(ctx, way))
		return false;
	__sync_fetch_and_add(&in->in, 1);
	__sync_fetch_and_add(&in->answered, 1);
	return true;
}

/* Sends the frame on. False: it has not been touched, and romond may try. */
static __always_inline bool pass_on(struct xdp_md *ctx, const struct transit *way, __u64 len)
{
	struct romon_bpf_counters *in = counters_of(way->in), *out = counters_of(way->out);

	if (!in || !out || !send_off(ctx, way, len) || !rewrite(ctx, way))
		return false;
	__sync_fetch_and_add(&in->in, 1);
	__sync_fetch_and_add(&out->out, 1);
	return true;
}

/* Puts the frame into a record with room for that many bytes. */
static __always_inline bool put(struct xdp_md *ctx, __u32 link, __u64 len, const __u32 room)
{
	struct romon_bpf_record *record = bpf_ringbuf_reserve(&ring, sizeof(*record) + room, 0);

	if (!record)
		return false;
	record->link = link;
	record->kind = ROMON_BPF_FRAME;
	record->len = (__u16)len;
	record->time = bpf_ktime_get_ns();
	if (bpf_xdp_load_bytes(ctx, 0, record->data, len)) {
		bpf_ringbuf_discard(record, 0);
		return false;
	}
	bpf_ringbuf_submit(record, 0);
	return true;
}

/* Gives the frame to romond. The room of a record has to be known before it is made: there are three sizes. */
static __always_inline bool hand_over(struct xdp_md *ctx, __u32 link, __u64 len)
{
	if (len == 0 || len > 0xffff)
		return false;
	if (len <= 256)
		return put(ctx, link, len, 256);
	if (len <= 2048)
		return put(ctx, link, len, 2048);
	return put(ctx, link, len, 0xffff);
}

SEC("xdp.frags")
int romon(struct xdp_md *ctx)
{
	const __u16 *ethertype = (const void *)(long)ctx->data + 12;
	struct transit way = {.link = ctx->ingress_ifindex};
	__u32 *slot;
	__u64 len;
	struct romon_bpf_port *port;

	if ((const void *)(ethertype + 1) > (const void *)(long)ctx->data_end || *ethertype != bpf_htons(ETHERTYPE))
		return XDP_PASS;
	slot = bpf_map_lookup_elem(&slots, &way.link);
	port = slot ? bpf_map_lookup_elem(&ports, slot) : (void *)0;
	if (!port)
		return XDP_PASS;
	way.in = *slot;
	way.epoch = (__u16)port->epoch;
	len = bpf_xdp_get_buff_len(ctx);
	if (take(ctx, &way, port, len)) {
		if (way.last ? is_ping(ctx, &way, port) && answer(ctx, &way, len)
			     : in_transit(ctx, &way, port) && pass_on(ctx, &way, len))
			return XDP_REDIRECT;
	}
	if (!hand_over(ctx, way.link, len)) {
		struct romon_bpf_counters *lost = counters_of(way.in);

		if (lost)
			__sync_fetch_and_add(&lost->lost, 1);
	}
	return XDP_DROP;
}

char program_license[] SEC("license") = "Dual BSD/GPL";
