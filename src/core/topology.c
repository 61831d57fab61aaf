/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The network as discovery answers described it: nodes, segments and members in arrays, found through hash tables, linked by number.
 * Removed ones form free lists, so that numbers stay valid and memory stays bounded by the capacities.
 */
#include "core/topology.h"

#include <stdlib.h>
#include <string.h>

#define NONE TOPOLOGY_NONE

struct node_item {
	struct romon_mac id;
	uint32_t node;
};

struct segment_key {
	uint32_t owner, link;
};

struct segment_item {
	struct segment_key key;
	uint32_t segment;
};

bool topology_member_stale(const struct topology *t, const struct member *member)
{
	return member->suspect || t->round - member->round >= TOPOLOGY_STALE_ROUNDS;
}

/* The array with room for one more item at its end, moved if need be. NULL, and nothing changed, if it is full or there is no memory. */
static void *array_room(void *array, uint32_t *cap, uint32_t len, size_t size, uint32_t max)
{
	uint32_t new_cap = *cap != 0 ? *cap * 2 : 8;
	void *grown;

	if (len < *cap)
		return array;
	if (len >= max)
		return NULL;
	grown = realloc(array, new_cap * size);
	if (grown != NULL)
		*cap = new_cap;
	return grown;
}

/* A number for a new node, zeroed and without links. NONE: full. */
static uint32_t node_new(struct topology *t)
{
	uint32_t n = t->free_node;

	if (n != NONE) {
		t->free_node = t->nodes[n].first_owned;
	} else {
		void *grown =
			array_room(t->nodes, &t->node_cap, t->node_len, sizeof(*t->nodes), TABLE_FOR_VOUCHED(TOPOLOGY_NODES_MAX));

		if (grown == NULL)
			return NONE;
		t->nodes = grown;
		n = t->node_len++;
	}
	t->nodes[n] = (struct node){.used = true, .first_owned = NONE, .first_joined = NONE};
	return n;
}

static void node_free(struct topology *t, uint32_t n)
{
	struct node *node = &t->nodes[n];

	table_remove(&t->node_index, table_find(&t->node_index, &node->id));
	free(node->identity);
	free(node->board);
	*node = (struct node){.first_owned = t->free_node};
	t->free_node = n;
}

static uint32_t room(uint32_t max, bool vouched)
{
	return vouched ? TABLE_FOR_VOUCHED(max) : max;
}

/* The node with this ID, made if it is new. NONE: no room. */
static uint32_t node_get(struct topology *t, struct romon_mac id, bool vouched, struct romon_time now)
{
	struct node_item *item = table_find(&t->node_index, &id);
	uint32_t n;

	if (item != NULL)
		return item->node;
	n = t->node_index.count < room(TOPOLOGY_NODES_MAX, vouched) ? node_new(t) : NONE;
	if (n == NONE)
		return NONE;
	item = table_put_by(&t->node_index, &id, vouched, now);
	if (item == NULL) {
		t->nodes[n] = (struct node){.first_owned = t->free_node};
		t->free_node = n;
		return NONE;
	}
	item->node = n;
	t->nodes[n].id = id;
	return n;
}

static uint32_t segment_get(struct topology *t, uint32_t owner, uint32_t link, bool vouched, struct romon_time now)
{
	struct segment_key key = {owner, link};
	struct segment_item *item = table_put_by(&t->segment_index, &key, vouched, now);
	uint32_t s = t->free_segment;

	if (item == NULL)
		return NONE;
	if (item->segment != 0)
		return item->segment - 1; /* 0 marks the new item */
	if (s != NONE) {
		t->free_segment = t->segments[s].next_owned;
	} else {
		void *grown = array_room(t->segments, &t->segment_cap, t->segment_len, sizeof(*t->segments),
			TABLE_FOR_VOUCHED(TOPOLOGY_MEMBERS_MAX));

		if (grown == NULL) {
			table_remove(&t->segment_index, item);
			return NONE;
		}
		t->segments = grown;
		s = t->segment_len++;
	}
	item->segment = s + 1;
	t->segments[s] = (struct segment){.used = true, .owner = owner, .end = {.link = link}, .first_member = NONE};
	t->segments[s].next_owned = t->nodes[owner].first_owned;
	t->nodes[owner].first_owned = s;
	return s;
}

/* The member of a segment that is this node by this link, or NONE. A node has few ports, a segment may have many members. */
static uint32_t member_find(const struct topology *t, uint32_t segment, uint32_t node, uint32_t link)
{
	uint32_t m = t->nodes[node].first_joined;

	while (m != NONE && (t->members[m].segment != segment || t->members[m].end.link != link))
		m = t->members[m].next_joined;
	return m;
}

static uint32_t member_new(struct topology *t, uint32_t segment, uint32_t node, bool vouched)
{
	uint32_t m = t->free_member;

	if (t->nodes[node].joined == TOPOLOGY_JOINED_MAX || t->member_count >= room(TOPOLOGY_MEMBERS_MAX, vouched))
		return NONE;
	if (m != NONE) {
		t->free_member = t->members[m].next_member;
	} else {
		void *grown = array_room(
			t->members, &t->member_cap, t->member_len, sizeof(*t->members), TABLE_FOR_VOUCHED(TOPOLOGY_MEMBERS_MAX));

		if (grown == NULL)
			return NONE;
		t->members = grown;
		m = t->member_len++;
	}
	t->members[m] = (struct member){.used = true,
		.segment = segment,
		.node = node,
		.next_member = t->segments[segment].first_member,
		.next_joined = t->nodes[node].first_joined};
	t->segments[segment].first_member = m;
	t->nodes[node].first_joined = m;
	t->nodes[node].joined++;
	t->member_count++;
	return m;
}

/* Takes what is no longer used out of all lists, and then frees what nothing hangs on any more. */
static void prune(struct topology *t)
{
	for (uint32_t s = 0; s < t->segment_len; s++) {
		struct segment *segment = &t->segments[s];
		uint32_t *at = &segment->first_member;

		if (!segment->used)
			continue;
		while (*at != NONE) {
			if (t->members[*at].used)
				at = &t->members[*at].next_member;
			else
				*at = t->members[*at].next_member;
		}
		segment->used = segment->first_member != NONE;
		if (!segment->used) {
			struct segment_key key = {segment->owner, segment->end.link};
			table_remove(&t->segment_index, table_find(&t->segment_index, &key));
		}
	}
	for (uint32_t n = 0; n < t->node_len; n++) {
		struct node *node = &t->nodes[n];
		uint32_t *at;

		if (!node->used)
			continue;
		for (at = &node->first_joined; *at != NONE;) {
			if (t->members[*at].used) {
				at = &t->members[*at].next_joined;
			} else {
				*at = t->members[*at].next_joined;
				node->joined--;
			}
		}
		for (at = &node->first_owned; *at != NONE;) {
			if (t->segments[*at].used)
				at = &t->segments[*at].next_owned;
			else
				*at = t->segments[*at].next_owned;
		}
		if (n != TOPOLOGY_SELF && !node->answered && node->first_joined == NONE && node->first_owned == NONE)
			node_free(t, n);
	}
}

/* All unused items become the free lists. Only right after prune(), when no list leads through them. */
static void collect_free(struct topology *t)
{
	t->free_segment = t->free_member = NONE;
	for (uint32_t s = t->segment_len; s-- > 0;) {
		if (!t->segments[s].used) {
			t->segments[s].next_owned = t->free_segment;
			t->free_segment = s;
		}
	}
	t->member_count = t->member_len;
	for (uint32_t m = t->member_len; m-- > 0;) {
		if (!t->members[m].used) {
			t->members[m].next_member = t->free_member;
			t->free_member = m;
			t->member_count--;
		}
	}
}

static void changed(struct topology *t)
{
	t->dirty = true;
	t->generation++;
}

void topology_round(struct topology *t, uint32_t rounds)
{
	bool gone = false;

	t->round += rounds;
	t->generation++;
	for (uint32_t m = 0; m < t->member_len; m++) {
		struct member *member = &t->members[m];
		uint32_t age = t->round - member->round;

		if (!member->used)
			continue;
		t->dirty |= age >= TOPOLOGY_STALE_ROUNDS && age < TOPOLOGY_STALE_ROUNDS + rounds;
		if (age >= TOPOLOGY_DROP_ROUNDS) {
			member->used = false;
			gone = true;
		}
	}
	for (uint32_t n = 0; n < t->node_len; n++) {
		if (t->nodes[n].answered && t->round - t->nodes[n].round >= TOPOLOGY_DROP_ROUNDS) {
			t->nodes[n].answered = false;
			gone = true;
		}
	}
	if (gone) {
		prune(t);
		collect_free(t);
		changed(t);
	}
}

void topology_forget_port(struct topology *t, uint32_t link)
{
	for (uint32_t s = t->nodes[TOPOLOGY_SELF].first_owned; s != NONE; s = t->segments[s].next_owned) {
		if (t->segments[s].end.link != link)
			continue;
		for (uint32_t m = t->segments[s].first_member; m != NONE; m = t->members[m].next_member)
			t->members[m].used = false;
		prune(t);
		collect_free(t);
		changed(t);
		return;
	}
}

/* Replaces *text by the cleaned form of what was received, if it differs. Without memory the old one stays. */
static void set_text(char **text, const uint8_t *received, size_t len)
{
	char clean[ROMON_SEEN_TEXT_MAX * 3 + 1];
	size_t clean_len = romon_text_clean(clean, sizeof(clean), received, len);
	char *copy;

	if (*text != NULL && strcmp(*text, clean) == 0)
		return;
	copy = malloc(clean_len + 1);
	if (copy == NULL)
		return;
	memcpy(copy, clean, clean_len + 1);
	free(*text);
	*text = copy;
}

static void node_describe(struct node *node, const struct wire_about *about)
{
	if (about->identity != NULL)
		set_text(&node->identity, about->identity, about->identity_len);
	if (about->board != NULL)
		set_text(&node->board, about->board, about->board_len);
	node->has_version = about->has_version;
	memcpy(node->version, about->version, sizeof(node->version));
	node->has_uptime = about->has_uptime;
	node->uptime = about->uptime;
}

static bool end_equal(const struct wire_end *a, const struct wire_end *b)
{
	return a->link == b->link && a->l2mtu == b->l2mtu && a->cost == b->cost && romon_mac_equal(a->mac, b->mac);
}

/* A port has one cost, MTU and MAC, in however many places it stands: the newest report of it holds in all of them, so that an older one
 * of the same link from its other end does not keep a cost alive that has gone. */
static void port_update(struct topology *t, uint32_t node, const struct wire_end *end)
{
	struct segment_key key = {node, end->link};
	const struct segment_item *item = table_find(&t->segment_index, &key);

	if (item != NULL && !end_equal(&t->segments[item->segment - 1].end, end)) {
		t->segments[item->segment - 1].end = *end;
		t->dirty = true;
	}
	for (uint32_t m = t->nodes[node].first_joined; m != NONE; m = t->members[m].next_joined) {
		if (t->members[m].end.link == end->link && !end_equal(&t->members[m].end, end)) {
			t->members[m].end = *end;
			t->dirty = true;
		}
	}
}

bool topology_report(struct topology *t, const struct topology_report *report, struct romon_time now)
{
	uint32_t parent = node_get(t, report->parent, report->vouched, now),
		 child = node_get(t, report->child, report->vouched, now), s, m;
	struct node *node;

	if (parent == NONE || child == NONE)
		return false;
	s = segment_get(t, parent, report->parent_end.link, report->vouched, now);
	if (s == NONE)
		return false;
	m = member_find(t, s, child, report->child_end.link);
	if (m == NONE) {
		m = member_new(t, s, child, report->vouched);
		if (m == NONE)
			return false;
		t->members[m].end = report->child_end;
		t->dirty = true;
	}
	port_update(t, parent, &report->parent_end);
	port_update(t, child, &report->child_end);
	t->dirty |= topology_member_stale(t, &t->members[m]);
	t->members[m].round = t->round;
	t->members[m].suspect = false;
	node = &t->nodes[child];
	t->dirty |= !node->answered;
	node->answered = true;
	node->round = t->round;
	node->seen = now;
	node_describe(node, report->about);
	t->generation++;
	return true;
}

uint32_t topology_find(const struct topology *t, struct romon_mac id)
{
	const struct node_item *item = table_find(&t->node_index, &id);

	return item != NULL ? item->node : TOPOLOGY_SELF;
}

uint32_t topology_reverse(const struct topology *t, const struct member *member)
{
	const struct segment *segment = &t->segments[member->segment];
	struct segment_key key = {member->node, member->end.link};
	const struct segment_item *item = table_find(&t->segment_index, &key);

	return item != NULL ? member_find(t, item->segment - 1, segment->owner, segment->end.link) : NONE;
}

bool topology_init(struct topology *t, const struct table_seed *seed, struct romon_mac self)
{
	*t = (struct topology){.free_node = NONE, .free_segment = NONE, .free_member = NONE, .dirty = true};
	table_init(&t->node_index, seed, sizeof(struct romon_mac), sizeof(struct node_item), TOPOLOGY_NODES_MAX, NULL);
	table_init(&t->segment_index, seed, sizeof(struct segment_key), sizeof(struct segment_item), TOPOLOGY_MEMBERS_MAX, NULL);
	return node_get(t, self, false, (struct romon_time){0}) == TOPOLOGY_SELF;
}

void topology_free(struct topology *t)
{
	for (uint32_t n = 0; n < t->node_len; n++) {
		free(t->nodes[n].identity);
		free(t->nodes[n].board);
	}
	free(t->nodes);
	free(t->segments);
	free(t->members);
	free(t->order);
	free(t->edges);
	table_clear(&t->node_index);
	table_clear(&t->segment_index);
	*t = (struct topology){0};
}
