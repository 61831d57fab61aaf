/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The cheapest path to every router: Dijkstra's algorithm over the segments of the topology, and what is read from its result.
 *
 * Of two ways to a router the better one has fewer stale edges, then the lower cost, fewer hops, fewer inferred edges, the larger
 * L2MTU, the lower IDs, the lower link ids (protocol.md section 5). The comparison is made at every router on the way, so that the path to
 * a router begins with the paths to those before it.
 */
#include "core/topology.h"

#include <stdlib.h>
#include <string.h>

#include "core/broken.h"

#define NONE TOPOLOGY_NONE

struct heap {
	uint32_t *nodes;
	uint32_t len;
};

static int compare_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* Compares the IDs along the ways to two nodes that are equally many hops away, from the first hop on. */
static int compare_ids(const struct topology *t, uint32_t a, uint32_t b)
{
	int order = 0;

	while (a != b) {
		order = romon_mac_compare(t->nodes[a].id, t->nodes[b].id);
		a = t->nodes[a].label.previous;
		b = t->nodes[b].label.previous;
	}
	return order;
}

/* Is way a better than way b, to the same node? */
static bool label_better(const struct topology *t, const struct label *a, const struct label *b)
{
	int order;

	if (!b->reached)
		return true;
	order = compare_u32(a->stale, b->stale);
	if (order == 0 && !BROKEN(CONVERGE))
		order = compare_u32(a->cost, b->cost);
	if (order == 0)
		order = compare_u32(a->hops, b->hops);
	if (order == 0)
		order = compare_u32(a->inferred, b->inferred);
	if (order == 0)
		order = compare_u32(b->l2mtu, a->l2mtu);
	if (order == 0)
		order = compare_ids(t, a->previous, b->previous);
	if (order == 0)
		order = compare_u32(a->out_link, b->out_link);
	if (order == 0)
		order = compare_u32(a->in_link, b->in_link);
	return order < 0;
}

/* Which node is settled first: what label_better() compares, as far as it differs along a path. */
static bool settles_before(const struct topology *t, uint32_t a, uint32_t b)
{
	const struct label *la = &t->nodes[a].label, *lb = &t->nodes[b].label;

	if (la->stale != lb->stale)
		return la->stale < lb->stale;
	if (la->cost != lb->cost && !BROKEN(CONVERGE))
		return la->cost < lb->cost;
	return la->hops < lb->hops;
}

static void heap_place(struct topology *t, struct heap *heap, uint32_t at, uint32_t node)
{
	heap->nodes[at] = node;
	t->nodes[node].heap_at = at;
}

static void heap_up(struct topology *t, struct heap *heap, uint32_t at)
{
	uint32_t node = heap->nodes[at];

	while (at > 0 && settles_before(t, node, heap->nodes[(at - 1) / 2])) {
		heap_place(t, heap, at, heap->nodes[(at - 1) / 2]);
		at = (at - 1) / 2;
	}
	heap_place(t, heap, at, node);
}

static uint32_t heap_pop(struct topology *t, struct heap *heap)
{
	uint32_t top = heap->nodes[0], node = heap->nodes[--heap->len], at = 0;

	for (;;) {
		uint32_t child = 2 * at + 1;

		if (child >= heap->len)
			break;
		if (child + 1 < heap->len && settles_before(t, heap->nodes[child + 1], heap->nodes[child]))
			child++;
		if (!settles_before(t, heap->nodes[child], node))
			break;
		heap_place(t, heap, at, heap->nodes[child]);
		at = child;
	}
	if (heap->len > 0)
		heap_place(t, heap, at, node);
	t->nodes[top].heap_at = NONE;
	return top;
}

static bool same_port(struct romon_mac a, uint32_t a_link, struct romon_mac b, uint32_t b_link)
{
	return a_link == b_link && romon_mac_equal(a, b);
}

/* Is the inferred edge between these two members to be left alone? */
static bool avoids(const struct topology *t, const struct member *a, const struct member *b)
{
	struct romon_mac a_id = t->nodes[a->node].id, b_id = t->nodes[b->node].id;

	for (size_t i = 0; i < t->avoided_count; i++) {
		const struct avoided *v = &t->avoided[i];

		if ((same_port(v->a, v->a_link, a_id, a->end.link) && same_port(v->b, v->b_link, b_id, b->end.link)) ||
			(same_port(v->a, v->a_link, b_id, b->end.link) && same_port(v->b, v->b_link, a_id, a->end.link)))
			return true;
	}
	return false;
}

/* Offers the way over one edge, from port `out` of a settled node to port `in` of another one. from and to are the members at its
 * ends, NONE for the segment's owner. */
static void relax(struct topology *t, struct heap *heap, uint32_t u, uint32_t from, uint32_t v, uint32_t to, uint32_t segment)
{
	const struct wire_end *out = from == NONE ? &t->segments[segment].end : &t->members[from].end;
	const struct wire_end *in = to == NONE ? &t->segments[segment].end : &t->members[to].end;
	bool stale = (from != NONE && topology_member_stale(t, &t->members[from])) ||
		     (to != NONE && topology_member_stale(t, &t->members[to]));
	struct label *label = &t->nodes[u].label, way = *label;

	if (u == v || label->hops == ROMON_HOPS_MAX || (t->nodes[v].label.reached && t->nodes[v].heap_at == NONE))
		return;
	way.stale += stale;
	way.inferred += from != NONE && to != NONE;
	way.cost += (uint32_t)out->cost + in->cost;
	way.hops++;
	if (out->l2mtu < way.l2mtu)
		way.l2mtu = out->l2mtu;
	if (in->l2mtu < way.l2mtu)
		way.l2mtu = in->l2mtu;
	way.previous = u;
	way.out_link = out->link;
	way.in_link = in->link;
	way.in_mac = in->mac;
	way.from = from;
	way.to = to;
	if (!label_better(t, &way, &t->nodes[v].label))
		return;
	t->nodes[v].label = way;
	if (t->nodes[v].heap_at == NONE)
		heap_place(t, heap, heap->len++, v);
	heap_up(t, heap, t->nodes[v].heap_at);
}

/* From a member to its segment's owner (reported) and to the other members (inferred). When the segment was entered before at a lower
 * cost, no member can be reached better from here: this keeps a segment of n routers from costing n * n steps. Reports of costs that
 * undo this (or ties without end) are bounded: the first to come are the nearest, and the rest would not be missed. */
static void relax_member(struct topology *t, struct heap *heap, uint32_t u, uint32_t from)
{
	uint32_t s = t->members[from].segment;
	struct segment *segment = &t->segments[s];
	const struct label *label = &t->nodes[u].label;
	uint32_t cost = label->cost + t->members[from].end.cost;
	bool dearer = segment->entered && segment->entry_stale <= label->stale && segment->entry_cost < cost;

	relax(t, heap, u, from, segment->owner, NONE, s);
	if ((dearer && t->avoided_count == 0) || segment->scans == TOPOLOGY_SCANS_MAX)
		return;
	segment->scans++;
	for (uint32_t m = segment->first_member; m != NONE; m = t->members[m].next_member)
		if (!avoids(t, &t->members[from], &t->members[m]))
			relax(t, heap, u, from, t->members[m].node, m, s);
	if (!segment->entered) {
		segment->entered = true;
		segment->entry_stale = label->stale + topology_member_stale(t, &t->members[from]);
		segment->entry_cost = cost;
	}
}

static void relax_owner(struct topology *t, struct heap *heap, uint32_t u, uint32_t s)
{
	struct segment *segment = &t->segments[s];

	for (uint32_t m = segment->first_member; m != NONE; m = t->members[m].next_member)
		relax(t, heap, u, NONE, t->members[m].node, m, s);
	if (!segment->entered) {
		segment->entered = true;
		segment->entry_stale = t->nodes[u].label.stale;
		segment->entry_cost = t->nodes[u].label.cost + segment->end.cost;
	}
}

static void compute_paths(struct topology *t, struct heap *heap)
{
	for (uint32_t s = 0; s < t->segment_len; s++) {
		t->segments[s].entered = false;
		t->segments[s].scans = 0;
	}
	for (uint32_t n = 0; n < t->node_len; n++) {
		t->nodes[n].label = (struct label){.from = NONE, .to = NONE};
		t->nodes[n].heap_at = NONE;
	}
	t->nodes[TOPOLOGY_SELF].label.reached = true;
	t->nodes[TOPOLOGY_SELF].label.l2mtu = UINT16_MAX;
	heap_place(t, heap, heap->len++, TOPOLOGY_SELF);
	while (heap->len > 0) {
		uint32_t u = heap_pop(t, heap);

		for (uint32_t s = t->nodes[u].first_owned; s != NONE; s = t->segments[s].next_owned)
			relax_owner(t, heap, u, s);
		for (uint32_t m = t->nodes[u].first_joined; m != NONE; m = t->members[m].next_joined)
			relax_member(t, heap, u, m);
	}
}

static int compare_order(const void *a, const void *b)
{
	return romon_mac_compare(((const struct topology_order *)a)->id, ((const struct topology_order *)b)->id);
}

static void list_nodes(struct topology *t)
{
	t->order_len = 0;
	for (uint32_t n = 0; n < t->node_len; n++)
		if (t->nodes[n].used && t->nodes[n].answered)
			t->order[t->order_len++] = (struct topology_order){t->nodes[n].id, n};
	if (t->order_len > 0)
		qsort(t->order, t->order_len, sizeof(*t->order), compare_order);
}

/* A link that was reported from both ends stands in the list once, as the router with the lower ID reported it. */
static void list_edges(struct topology *t)
{
	t->edge_len = 0;
	for (uint32_t m = 0; m < t->member_len; m++) {
		const struct member *member = &t->members[m];

		if (!member->used)
			continue;
		if (topology_reverse(t, member) != NONE &&
			romon_mac_compare(t->nodes[t->segments[member->segment].owner].id, t->nodes[member->node].id) > 0)
			continue;
		t->edges[t->edge_len++] = m;
	}
}

/* Without memory the paths stay as they were and the lists are empty, until the next call. */
void topology_compute(struct topology *t, struct romon_time now)
{
	struct heap heap = {0};

	while (t->avoided_count > 0 && t->avoided[0].until.ns <= now.ns) { /* they were put in by time */
		memmove(t->avoided, t->avoided + 1, --t->avoided_count * sizeof(t->avoided[0]));
		t->dirty = true;
	}
	if (!t->dirty)
		return;
	free(t->order);
	free(t->edges);
	t->order_len = t->edge_len = 0;
	t->order = calloc(t->node_len, sizeof(*t->order));
	t->edges = calloc(t->member_len + 1, sizeof(*t->edges));
	heap.nodes = calloc(t->node_len, sizeof(*heap.nodes));
	if (t->order != NULL && t->edges != NULL && heap.nodes != NULL) {
		compute_paths(t, &heap);
		list_nodes(t);
		list_edges(t);
		t->dirty = false;
	}
	free(heap.nodes);
}

uint8_t topology_path(struct topology *t, uint32_t node, struct wire_hop hops[ROMON_HOPS_MAX], struct romon_time now)
{
	const struct label *label;
	uint8_t count;

	topology_compute(t, now);
	label = &t->nodes[node].label;
	count = label->reached ? label->hops : 0;
	for (unsigned i = count; i-- > 0; label = &t->nodes[label->previous].label)
		hops[i] = (struct wire_hop){.link = label->out_link, .mac = label->in_mac};
	return count;
}

/* The oldest makes room. */
static void avoid(struct topology *t, const struct member *a, const struct member *b, struct romon_time now)
{
	if (t->avoided_count == TOPOLOGY_AVOIDED_MAX)
		memmove(t->avoided, t->avoided + 1, --t->avoided_count * sizeof(t->avoided[0]));
	t->avoided[t->avoided_count++] = (struct avoided){.a = t->nodes[a->node].id,
		.b = t->nodes[b->node].id,
		.a_link = a->end.link,
		.b_link = b->end.link,
		.until = {now.ns + TOPOLOGY_AVOID_TIME}};
}

static void suspect(struct topology *t, uint32_t m)
{
	uint32_t reverse = topology_reverse(t, &t->members[m]);

	t->members[m].suspect = true;
	if (reverse != NONE)
		t->members[reverse].suspect = true;
}

void topology_doubt(struct topology *t, uint32_t node, struct romon_time now)
{
	topology_compute(t, now);
	if (!t->nodes[node].label.reached)
		return;
	while (node != TOPOLOGY_SELF) {
		const struct label *label = &t->nodes[node].label;

		if (label->from != NONE && label->to != NONE)
			avoid(t, &t->members[label->from], &t->members[label->to], now);
		else
			suspect(t, label->from != NONE ? label->from : label->to);
		node = label->previous;
	}
	t->dirty = true;
	t->generation++;
}

size_t topology_seen_count(struct topology *t, struct romon_time now)
{
	topology_compute(t, now);
	return t->order_len;
}

bool topology_seen(struct topology *t, size_t index, struct romon_seen *seen, struct romon_time now)
{
	const struct node *node;
	const struct label *label;

	topology_compute(t, now);
	if (index >= t->order_len)
		return false;
	node = &t->nodes[t->order[index].node];
	label = &node->label;
	*seen = (struct romon_seen){.id = node->id, .has_uptime = node->has_uptime, .uptime = node->uptime, .last_seen = node->seen};
	seen->active = t->round - node->round < TOPOLOGY_STALE_ROUNDS;
	if (node->identity != NULL)
		memcpy(seen->identity, node->identity, strlen(node->identity) + 1);
	if (node->board != NULL)
		memcpy(seen->board, node->board, strlen(node->board) + 1);
	if (node->has_version)
		romon_version_text(node->version, seen->version);
	if (!label->reached)
		return true;
	seen->reachable = true;
	seen->cost = label->cost;
	seen->l2mtu = label->l2mtu;
	seen->hops = label->hops;
	for (unsigned i = label->hops; i-- > 0; node = &t->nodes[node->label.previous])
		seen->path[i] = node->id;
	return true;
}

size_t topology_edge_count(struct topology *t, struct romon_time now)
{
	topology_compute(t, now);
	return t->edge_len;
}

static struct romon_end end_of(struct romon_mac id, const struct wire_end *end)
{
	return (struct romon_end){.id = id, .link = end->link, .l2mtu = end->l2mtu, .cost = end->cost, .mac = end->mac};
}

bool topology_edge(struct topology *t, size_t index, struct romon_edge *edge, struct romon_time now)
{
	const struct member *member;
	const struct segment *segment;

	topology_compute(t, now);
	if (index >= t->edge_len)
		return false;
	member = &t->members[t->edges[index]];
	segment = &t->segments[member->segment];
	*edge = (struct romon_edge){.a = end_of(t->nodes[segment->owner].id, &segment->end),
		.b = end_of(t->nodes[member->node].id, &member->end),
		.active = !topology_member_stale(t, member)};
	return true;
}
