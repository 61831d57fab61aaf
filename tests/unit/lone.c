/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One engine alone.
 */
#include "lone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINKS_MAX 1024 /* link ids above this are not looked at by lone_all_drops() */

/* splitmix64: enough for waits and seeds, and the same on every run. */
static uint64_t next_random(void *ctx)
{
	struct lone *lone = ctx;
	uint64_t z;

	if (lone->chosen_count > 0) {
		z = lone->chosen[0];
		memmove(lone->chosen, lone->chosen + 1, --lone->chosen_count * sizeof(lone->chosen[0]));
		return z;
	}
	z = lone->seed += 0x9e3779b97f4a7c15ULL;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static void keep_line(void *ctx, enum romon_log_level level, const char *line)
{
	struct lone *lone = ctx;

	(void)level;
	snprintf(lone->log, sizeof(lone->log), "%s", line);
	lone->logs++;
}

void lone_open(struct lone *lone, uint64_t id)
{
	struct romon_env env = {.ctx = lone, .random = next_random, .log = keep_line};

	*lone = (struct lone){.now = {1000 * ROMON_SECOND}, .seed = id};
	lone->router = (struct romon_router){.id = craft_address(id),
		.identity = "lone",
		.board = "test",
		.version = {7, 13, 'f', 0},
		.started = lone->now,
		.unicast = true};
	lone->engine = romon_engine_new(&env, &lone->router);
	assert_non_null(lone->engine);
}

void lone_close(struct lone *lone)
{
	lone_forget(lone);
	free(lone->sent);
	romon_engine_free(lone->engine);
}

void lone_port_of(struct lone *lone, uint32_t link, uint64_t mac, uint16_t mtu, uint16_t cost)
{
	struct romon_port port = {.link = link, .mac = craft_address(mac), .mtu = mtu, .cost = cost};

	assert_true(romon_engine_set_port(lone->engine, &port, lone->now));
}

void lone_port(struct lone *lone, uint32_t link, uint64_t mac)
{
	lone_port_of(lone, link, mac, 1500, 100);
}

static void keep_sent(struct lone *lone, const struct romon_frame *frame)
{
	struct lone_sent *sent;

	if (lone->count == lone->cap) {
		lone->cap = lone->cap * 2 + 16;
		lone->sent = realloc(lone->sent, lone->cap * sizeof(*lone->sent));
		assert_non_null(lone->sent);
	}
	sent = &lone->sent[lone->count++];
	*sent = (struct lone_sent){.at = lone->now, .link = frame->link, .len = frame->len, .data = malloc(frame->len)};
	assert_non_null(sent->data);
	memcpy(sent->data, frame->data, frame->len);
}

static void collect(struct lone *lone)
{
	struct romon_frame frames[16];
	size_t count;

	do {
		count = romon_engine_send(lone->engine, frames, 16, lone->now);
		for (size_t i = 0; i < count; i++)
			keep_sent(lone, &frames[i]);
	} while (count == 16);
}

void lone_give_bytes(struct lone *lone, uint32_t link, const uint8_t *frame, size_t len)
{
	uint8_t *copy = malloc(len != 0 ? len : 1); /* of its exact size, so that reading past it is noticed */

	assert_non_null(copy);
	memcpy(copy, frame, len);
	romon_engine_receive(lone->engine, &(struct romon_frame){.link = link, .len = len, .data = copy}, 1, lone->now);
	free(copy);
	collect(lone);
}

void lone_give(struct lone *lone, uint32_t link, const struct craft *craft)
{
	lone_give_bytes(lone, link, craft->data, craft->len);
}

void lone_run(struct lone *lone, int64_t ns)
{
	int64_t end = lone->now.ns + ns;
	struct romon_time when;

	collect(lone);
	while (romon_engine_wake(lone->engine, &when) && when.ns <= end) {
		if (when.ns > lone->now.ns)
			lone->now = when;
		collect(lone);
	}
	lone->now.ns = end;
	collect(lone);
}

void lone_forget(struct lone *lone)
{
	while (lone->count > 0)
		free(lone->sent[--lone->count].data);
}

static bool is(const struct lone_sent *sent, uint32_t link, unsigned type)
{
	return sent->link == link && (type == 0 || sent->data[14] == type);
}

size_t lone_count(const struct lone *lone, uint32_t link, unsigned type)
{
	size_t count = 0;

	for (size_t i = 0; i < lone->count; i++)
		count += is(&lone->sent[i], link, type);
	return count;
}

const struct lone_sent *lone_only(const struct lone *lone, uint32_t link, unsigned type)
{
	size_t i = 0;

	assert_int_equal(lone_count(lone, link, type), 1);
	while (!is(&lone->sent[i], link, type))
		i++;
	return &lone->sent[i];
}

uint64_t lone_drops(const struct lone *lone, uint32_t link, enum romon_drop reason)
{
	struct romon_port_stats stats;

	assert_true(romon_engine_port_stats(lone->engine, link, &stats));
	return stats.drops[reason];
}

uint64_t lone_all_drops(const struct lone *lone)
{
	struct romon_port_stats stats;
	uint64_t drops = 0;

	for (uint32_t link = 1; link < LINKS_MAX; link++)
		if (romon_engine_port_stats(lone->engine, link, &stats))
			for (size_t i = 0; i < ROMON_DROP_COUNT; i++)
				drops += stats.drops[i];
	return drops;
}

void lone_refuses(struct lone *lone, uint32_t link, const struct craft *craft, enum romon_drop reason)
{
	uint64_t drops = lone_all_drops(lone), counted = lone_drops(lone, link, reason);
	size_t sent = lone->count;

	lone_give(lone, link, craft);
	if (lone_drops(lone, link, reason) != counted + 1)
		fail_msg("no drop counted as %s", romon_drop_name(reason));
	assert_int_equal(lone_all_drops(lone), drops + 1);
	assert_int_equal(lone->count, sent);
}
