/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Users of streams in a network in memory.
 */
#include "talk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t byte_at(uint32_t seed, uint64_t at)
{
	return (uint8_t)((at * 2654435761u + seed * 40503u) >> 13);
}

static void write_some(struct talk *talk, struct talk_end *end)
{
	struct romon_engine *engine = talk->net->routers[end->router].engine;
	uint8_t *place;
	size_t room;

	if (end->handle == 0 || (end->after && !end->finished))
		return;
	while (end->written < end->to_write && (room = romon_stream_space(engine, end->handle, &place)) > 0) {
		if (room > end->to_write - end->written)
			room = (size_t)(end->to_write - end->written);
		for (size_t i = 0; i < room; i++)
			place[i] = byte_at(end->seed_out, end->written + i);
		romon_stream_commit(engine, end->handle, room);
		end->written += room;
	}
	if (end->written == end->to_write && !end->shut && !end->open_ended) {
		end->shut = true;
		romon_stream_shutdown(engine, end->handle);
	}
}

static void read_some(struct talk *talk, struct talk_end *end)
{
	struct romon_engine *engine = talk->net->routers[end->router].engine;
	const uint8_t *data;
	size_t len;

	while (!end->paused && end->handle != 0 && (len = romon_stream_peek(engine, end->handle, &data)) > 0) {
		if (end->pace != 0 && len > end->pace)
			len = (size_t)end->pace;
		for (size_t i = 0; i < len; i++)
			talk->wrong += data[i] != byte_at(end->seed_in, end->read + i);
		end->read += len;
		end->read_at = talk->net->now;
		romon_stream_read(engine, end->handle, len);
		if (end->pace != 0)
			break;
	}
	if (!end->finished && end->handle != 0 && romon_stream_finished(engine, end->handle)) {
		end->finished = true;
		end->finished_at = talk->net->now;
		talk->finished++;
	}
}

static struct talk_end *find(struct talk *talk, unsigned router, uint32_t handle)
{
	for (size_t i = talk->count; i-- > 0;)
		if (talk->ends[i].router == router && talk->ends[i].handle == handle)
			return &talk->ends[i];
	return NULL;
}

static struct talk_end *add(struct talk *talk)
{
	for (size_t i = 0; talk->forget && i < talk->count; i++) {
		if (talk->ends[i].closed) {
			talk->ends[i] = (struct talk_end){0};
			return &talk->ends[i];
		}
	}
	assert_in_range(talk->count, 0, TALK_ENDS_MAX - 1);
	talk->ends[talk->count] = (struct talk_end){0};
	return &talk->ends[talk->count++];
}

static void accepted(struct talk *talk, unsigned router, const struct romon_event *event)
{
	struct romon_engine *engine = talk->net->routers[router].engine;
	struct romon_stream_info info;
	struct talk_end *end;

	assert_true(romon_stream_info(engine, event->stream, &info));
	assert_int_equal(event->port, TALK_PORT);
	if (talk->service.refuses) {
		romon_stream_reset(engine, event->stream, talk->service.refusal);
		return;
	}
	end = add(talk);
	*end = (struct talk_end){.router = router,
		.handle = event->stream,
		.seed_in = info.remote_port * 2u,
		.seed_out = info.remote_port * 2u + 1,
		.to_write = talk->service.to_write,
		.after = talk->service.after,
		.open_ended = talk->service.open_ended,
		.paused = talk->service.paused,
		.open = true,
		.opened_at = talk->net->now};
	talk->opened++;
	write_some(talk, end);
}

static void take_event(struct talk *talk, unsigned router, const struct romon_event *event)
{
	struct talk_end *end;

	if (event->type == ROMON_EVENT_STREAM_ACCEPTED) {
		accepted(talk, router, event);
		return;
	}
	end = find(talk, router, event->stream);
	if (end == NULL)
		return;
	switch (event->type) {
	case ROMON_EVENT_STREAM_OPEN:
		assert_false(end->open);
		end->open = true;
		end->opened_at = talk->net->now;
		talk->opened++;
		break;
	case ROMON_EVENT_STREAM_READABLE:
		read_some(talk, end);
		write_some(talk, end);
		break;
	case ROMON_EVENT_STREAM_WRITABLE:
		write_some(talk, end);
		break;
	case ROMON_EVENT_STREAM_CLOSED:
		end->closed = true;
		end->handle = 0;
		end->reason = event->reason;
		end->sent = event->sent;
		end->received = event->received;
		end->closed_at = talk->net->now;
		talk->closed++;
		break;
	default:
		fail_msg("an event of another kind");
	}
}

static void use(void *ctx, unsigned router)
{
	struct talk *talk = ctx;
	struct romon_event event;

	while (romon_engine_event(talk->net->routers[router].engine, &event))
		take_event(talk, router, &event);
}

void talk_begin(struct talk *talk, struct net *net)
{
	*talk = (struct talk){.net = net, .ends = calloc(TALK_ENDS_MAX, sizeof(struct talk_end))};
	assert_non_null(talk->ends);
	net->user = use;
	net->user_ctx = talk;
	for (unsigned r = 0; r < net->router_count; r++)
		assert_true(romon_engine_listen(net->routers[r].engine, TALK_PORT, true));
}

void talk_end(struct talk *talk)
{
	assert_true(talk->wrong == 0);
	free(talk->ends);
}

struct talk_end *talk_connect(struct talk *talk, unsigned from, unsigned to, uint64_t to_write)
{
	struct romon_engine *engine = talk->net->routers[from].engine;
	struct talk_end *end = add(talk);
	struct romon_stream_info info;

	end->router = from;
	end->connector = true;
	end->open_ended = talk->open_ended;
	end->to_write = to_write;
	end->handle = romon_engine_stream_connect(engine, net_id(to), TALK_PORT, talk->net->now);
	assert_int_not_equal(end->handle, 0);
	assert_true(romon_stream_info(engine, end->handle, &info));
	end->seed_out = info.local_port * 2u;
	end->seed_in = info.local_port * 2u + 1;
	write_some(talk, end);
	net_flush(talk->net, from);
	return end;
}

struct talk_end *talk_other(struct talk *talk, const struct talk_end *end)
{
	for (size_t i = 0; i < talk->count; i++)
		if (talk->ends[i].seed_in == end->seed_out && talk->ends[i].seed_out == end->seed_in)
			return &talk->ends[i];
	return NULL;
}

void talk_go(struct talk *talk, struct talk_end *end)
{
	read_some(talk, end);
	write_some(talk, end);
	net_flush(talk->net, end->router);
}

static bool all_closed(void *ctx)
{
	struct talk *talk = ctx;

	return talk->closed == talk->count && talk->opened > 0;
}

bool talk_all_closed(struct talk *talk, int64_t ns)
{
	return net_run_until(talk->net, ns, all_closed, talk);
}
