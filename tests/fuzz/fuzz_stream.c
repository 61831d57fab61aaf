/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fuzz target: the segments that a peer sends to one stream, in any order, size and number, while its user reads, writes and closes and
 * time passes. The oracle is the content: what the peer sends at a place of its stream depends on that place alone, and so does what the
 * user writes. So whatever the course of events, every byte that is delivered is the one that belongs there, what is sent is what was
 * written, nothing is acknowledged that the peer has not sent, and the end comes behind the last byte or not at all.
 */
#include <string.h>

#include "core/engine.h"
#include "fuzz.h"
#include "tape.h"

#define PLACES (2u * 1024 * 1024) /* of the peer's stream that are watched */
#define SEGMENT_MAX 1400
#define WAKES_MAX 20000
#define CLOSES_MAX 64

enum { SERVICE = 3, THEIR_PORT = 2000, PEER = 13, SELF = 3, OUR_MAC = 6, PEER_MAC = 12 };

struct run {
	struct tape tape;
	struct romon_time now;
	uint64_t seed;
	struct romon_engine *engine;
	uint16_t local, remote;
	bool connector, open, over;
	uint32_t handle;
	uint32_t irs, iss; /* the peer's and our initial number */
	bool iss_known;
	uint32_t ours; /* behind the highest number that we sent */
	uint64_t read, written;
	uint32_t closes[CLOSES_MAX]; /* places of the peer's closes: the stream ends at one of them */
	unsigned close_count;
};

/* Which places of its stream the peer has sent, and the first that it has not. */
static bool sent[PLACES];
static uint32_t sent_end, sent_whole;

static uint64_t next_random(void *ctx)
{
	struct run *run = ctx;

	return run->seed = run->seed * 6364136223846793005ULL + 1442695040888963407ULL;
}

static void take_line(void *ctx, enum romon_log_level level, const char *line)
{
	(void)ctx;
	(void)level;
	(void)line;
}

static uint8_t byte_at(uint32_t place, unsigned salt)
{
	return (uint8_t)((place * 2654435761u + salt) >> 13);
}

/* ---- what the engine sends ---- */

/* A half-open stream that waited too long makes room for a new one, with numbers of its own. */
static void begins(struct run *run, const struct wire_stream *segment)
{
	bool again = run->iss_known && segment->seq == run->iss;

	must(segment->data_len == 0 && (again || !run->open));
	must(!again || segment->type == WIRE_STREAM_CONNECT || segment->ack == run->irs);
	if (again)
		return;
	if (segment->type == WIRE_STREAM_ACCEPT)
		run->irs = segment->ack;
	run->iss = run->ours = segment->seq;
	run->iss_known = true;
	run->close_count = 0;
	memset(sent, 0, sent_end);
	sent_end = sent_whole = 0;
}

/* What it says to have beyond its number, or to have got twice, has been sent. */
static void judge_block(const struct run *run, const struct wire_block *block)
{
	int64_t begin = (int32_t)(block->from - run->irs), end = (int32_t)(block->to - run->irs);

	must(begin < end && end <= sent_end);
	for (int64_t place = begin < 0 ? 0 : begin; place < end; place++)
		must(sent[place]);
}

static void judge_segment(struct run *run, const struct wire_stream *segment)
{
	uint32_t place = segment->seq - run->iss;

	if (run->over)
		return;
	if (segment->type == WIRE_STREAM_ACCEPT || segment->type == WIRE_STREAM_CONNECT) {
		begins(run, segment);
		return;
	}
	if (!run->iss_known || (segment->type == WIRE_STREAM_CLOSE && !run->open)) /* the answer to one that is unknown */
		return;
	must(segment->type != WIRE_STREAM_DATA || segment->data_len > 0);
	must(place + segment->data_len <= run->written);
	for (size_t i = 0; i < segment->data_len; i++)
		must(segment->data[i] == byte_at(place + (uint32_t)i, 99));
	must(segment->ack - run->irs <= sent_whole || !run->open);
	for (unsigned i = 0; run->open && i < segment->block_count; i++)
		judge_block(run, &segment->blocks[i]);
	if ((int32_t)(segment->seq + (uint32_t)segment->data_len - run->ours) > 0)
		run->ours = segment->seq + (uint32_t)segment->data_len;
}

static void judge(struct run *run, const struct romon_frame *frame)
{
	struct wire_message message;
	struct wire_stream segment;
	enum romon_drop why;

	must(frame->len <= 1500 + WIRE_ETHERNET_LEN);
	must(wire_decode(frame->data, frame->len, &message, &why));
	if (message.type != WIRE_DATA)
		return;
	must(romon_mac_equal(message.dst, tape_mac_number(PEER)));
	must(wire_stream_decode(message.payload, message.payload_len, &segment));
	if (message.src_port == run->local && message.dst_port == run->remote)
		judge_segment(run, &segment);
}

static void collect(struct run *run)
{
	struct romon_frame frames[16];
	size_t count;

	do {
		count = romon_engine_send(run->engine, frames, 16, run->now);
		for (size_t i = 0; i < count; i++)
			judge(run, &frames[i]);
	} while (count == 16);
}

/* ---- what the user does ---- */

/* Has the peer said that its last byte is the one that was read last? */
static bool ends_here(const struct run *run)
{
	for (unsigned i = 0; i < run->close_count; i++)
		if (run->closes[i] == run->read)
			return true;
	return run->close_count == CLOSES_MAX;
}

static void read_some(struct run *run, size_t most)
{
	const uint8_t *data;
	size_t len;

	while (most > 0 && (len = romon_stream_peek(run->engine, run->handle, &data)) > 0) {
		if (len > most)
			len = most;
		for (size_t i = 0; i < len; i++)
			must(data[i] == byte_at((uint32_t)run->read + (uint32_t)i, 7));
		run->read += len;
		most -= len;
		must(run->read <= sent_whole);
		romon_stream_read(run->engine, run->handle, len);
	}
	if (romon_stream_finished(run->engine, run->handle))
		must(ends_here(run));
}

static void write_some(struct run *run, size_t most)
{
	uint8_t *place;
	size_t room;

	while (most > 0 && (room = romon_stream_space(run->engine, run->handle, &place)) > 0) {
		if (room > most)
			room = most;
		for (size_t i = 0; i < room; i++)
			place[i] = byte_at((uint32_t)(run->written + i), 99);
		run->written += room;
		most -= room;
		romon_stream_commit(run->engine, run->handle, room);
	}
}

static void take_events(struct run *run)
{
	struct romon_event event;

	while (romon_engine_event(run->engine, &event)) {
		if (run->over) /* what comes now belongs to a stream of later */
			continue;
		if (event.type == ROMON_EVENT_STREAM_ACCEPTED) {
			must(run->handle == 0 && event.port == SERVICE);
			run->handle = event.stream;
			run->open = true;
		} else if (event.type == ROMON_EVENT_STREAM_OPEN) {
			run->open = true;
		} else if (event.type == ROMON_EVENT_STREAM_CLOSED) {
			must(event.received == run->read && event.sent <= run->written);
			/* In order only if the peer's end was reached. */
			must(event.reason != ROMON_STREAM_DONE || ends_here(run));
			run->over = true;
		}
	}
}

/* ---- what the peer does ---- */

static void note_sent(const struct run *run, const struct wire_stream *segment)
{
	int64_t begin = (int32_t)(segment->seq - run->irs), end = begin + (int64_t)segment->data_len;

	if (begin < 0) /* some of it is before the beginning */
		begin = 0;
	if (end <= begin || end > PLACES)
		return;
	memset(sent + begin, true, (size_t)(end - begin));
	if (end > sent_end)
		sent_end = (uint32_t)end;
	while (sent_whole < sent_end && sent[sent_whole])
		sent_whole++;
}

static void give_segment(struct run *run, const struct wire_stream *segment, struct romon_mac src)
{
	uint8_t payload[WIRE_STREAM_LEN + SEGMENT_MAX], frame[1600], *copy;
	struct wire_message message = {.type = WIRE_DATA,
		.eth_dst = tape_mac_number(OUR_MAC),
		.eth_src = tape_mac_number(PEER_MAC),
		.src = src,
		.dst = tape_mac_number(SELF),
		.hop_count = 1,
		.hops = {{.link = 7, .mac = tape_mac_number(OUR_MAC)}},
		.src_port = run->remote,
		.dst_port = run->local,
		.payload = payload};
	size_t len;

	message.payload_len = wire_stream_encode(segment, payload, sizeof(payload));
	len = wire_encode(&message, frame, sizeof(frame));
	must(message.payload_len > 0 && len > 0);
	copy = malloc(len);
	must(copy != NULL);
	memcpy(copy, frame, len);
	romon_engine_receive(run->engine, &(struct romon_frame){.link = 1, .len = len, .data = copy}, 1, run->now);
	free(copy);
	collect(run);
}

/* Where in its stream: near what we expect next, or anywhere. */
static uint32_t choose_place(struct run *run)
{
	uint32_t next = sent_whole, number = tape_u16(&run->tape);

	switch (tape_below(&run->tape, 6)) {
	case 0:
		return next + number % 3000;
	case 1:
		return next - number % 3000;
	case 2:
		return number * 8;
	case 3:
		return tape_u32(&run->tape);
	case 4:
		return sent_end;
	default:
		return next;
	}
}

static uint32_t choose_ack(struct run *run)
{
	uint32_t number = tape_u16(&run->tape);

	switch (tape_below(&run->tape, 5)) {
	case 0:
		return run->iss + number;
	case 1:
		return run->ours - number % 2000;
	case 2:
		return run->iss;
	case 3:
		return tape_u32(&run->tape);
	default:
		return run->ours;
	}
}

/* What of ours it says to have: true or not, in order or not. */
static void choose_blocks(struct run *run, struct wire_stream *segment)
{
	segment->block_count = tape_below(&run->tape, WIRE_BLOCKS_MAX * 2);
	if (segment->block_count > WIRE_BLOCKS_MAX)
		segment->block_count = 0;
	for (unsigned i = 0; i < segment->block_count; i++) {
		segment->blocks[i].from = run->iss + tape_u16(&run->tape);
		segment->blocks[i].to = segment->blocks[i].from + tape_u16(&run->tape);
	}
}

static void note_close(struct run *run, const struct wire_stream *segment)
{
	if (run->close_count < CLOSES_MAX)
		run->closes[run->close_count++] = segment->seq - run->irs;
}

static void peer_sends(struct run *run)
{
	static const uint8_t marks[] = {
		0, WIRE_MARK_OURS, WIRE_MARK_RESET, WIRE_MARK_REFUSED, WIRE_MARK_NO_SERVICE, WIRE_MARK_CLOSED, 0x42, 0xc3};
	uint8_t data[SEGMENT_MAX];
	struct wire_stream segment = {.type = (uint8_t)tape_below(&run->tape, 6),
		.unknown = marks[tape_below(&run->tape, sizeof(marks))],
		.data = data};

	segment.seq = run->irs + choose_place(run);
	segment.ack = choose_ack(run);
	if (segment.type == WIRE_STREAM_CONNECT || segment.type == WIRE_STREAM_ACCEPT) {
		if (run->connector && segment.type == WIRE_STREAM_ACCEPT && !run->open) { /* its number begins the stream */
			segment.seq = run->irs;
		} else if (segment.seq - run->irs > 3) {
			segment.seq = run->irs;
		}
	} else if (segment.type == WIRE_STREAM_ACK) {
		choose_blocks(run, &segment);
	} else {
		segment.data_len = tape_u16(&run->tape) % (SEGMENT_MAX + 1);
		if (segment.type == WIRE_STREAM_CLOSE)
			segment.data_len = segment.data_len % 4 == 3 ? segment.data_len : 0;
	}
	for (size_t i = 0; i < segment.data_len; i++)
		data[i] = byte_at(segment.seq - run->irs + (uint32_t)i, 7);
	if (segment.type == WIRE_STREAM_DATA)
		note_sent(run, &segment);
	if (segment.type == WIRE_STREAM_CLOSE)
		note_close(run, &segment);
	give_segment(run, &segment, tape_mac_number(PEER));
}

/* ---- the course of events ---- */

static void let_pass(struct run *run)
{
	int64_t end = run->now.ns + tape_pause(&run->tape);
	struct romon_time when;
	unsigned wakes = 0;

	while (romon_engine_wake(run->engine, &when) && when.ns <= end) {
		if (when.ns > run->now.ns)
			run->now = when;
		collect(run);
		must(++wakes < WAKES_MAX);
	}
	run->now.ns = end;
	collect(run);
}

/* The neighbour answers discovery, so that there is a path. */
static void show_path(struct run *run, bool ours)
{
	struct wire_message message = {.type = WIRE_DISCOVER_RESP,
		.eth_dst = tape_mac_number(OUR_MAC),
		.eth_src = tape_mac_number(PEER_MAC),
		.src = tape_mac_number(SELF),
		.dst = tape_mac_number(PEER),
		.route_count = 2,
		.about = {.has_uptime = ours}};
	uint8_t frame[400];
	size_t len;

	message.routes[0] = (struct wire_route){.id = tape_mac_number(SELF), .out = {1, 1500, 100, tape_mac_number(OUR_MAC)}};
	message.routes[1] = (struct wire_route){.id = tape_mac_number(PEER), .in = {7, 1500, 100, tape_mac_number(PEER_MAC)}};
	romon_engine_discover_start(run->engine, run->now);
	collect(run);
	len = wire_encode(&message, frame, sizeof(frame));
	romon_engine_receive(run->engine, &(struct romon_frame){.link = 1, .len = len, .data = frame}, 1, run->now);
	romon_engine_discover_stop(run->engine);
}

static void begin(struct run *run)
{
	struct romon_env env = {.ctx = run, .random = next_random, .log = take_line};
	struct romon_router router = {.id = tape_mac_number(SELF), .identity = "", .board = "", .unicast = true};
	struct romon_port port = {.link = 1, .mac = tape_mac_number(OUR_MAC), .mtu = 1500, .cost = 100};
	uint8_t how = tape_u8(&run->tape);
	struct romon_stream_info info;

	run->engine = romon_engine_new(&env, &router);
	must(run->engine != NULL && romon_engine_set_port(run->engine, &port, run->now));
	run->irs = how & 4 ? 0xffffff00 : 1000;
	run->connector = (how & 1) != 0;
	run->local = SERVICE;
	run->remote = THEIR_PORT;
	if (!run->connector) {
		romon_engine_listen(run->engine, SERVICE, true);
		give_segment(run,
			&(struct wire_stream){
				.type = WIRE_STREAM_CONNECT, .unknown = how & 2 ? WIRE_MARK_OURS : 0, .seq = run->irs},
			tape_mac_number(PEER));
		return;
	}
	show_path(run, (how & 2) != 0);
	run->handle = romon_engine_stream_connect(run->engine, tape_mac_number(PEER), SERVICE, run->now);
	must(run->handle != 0 && romon_stream_info(run->engine, run->handle, &info));
	run->local = info.local_port;
	run->remote = SERVICE;
	collect(run);
	if (how & 8)
		give_segment(run,
			&(struct wire_stream){.type = WIRE_STREAM_ACCEPT,
				.unknown = how & 2 ? WIRE_MARK_OURS : 0,
				.seq = run->irs,
				.ack = run->iss},
			tape_mac_number(PEER));
}

static void step(struct run *run)
{
	switch (tape_below(&run->tape, 10)) {
	default:
		peer_sends(run);
		break;
	case 4:
		let_pass(run);
		break;
	case 5:
		read_some(run, tape_u16(&run->tape));
		break;
	case 6:
		if (run->handle != 0)
			write_some(run, (size_t)tape_u16(&run->tape) * 2);
		break;
	case 7:
		read_some(run, SIZE_MAX);
		break;
	case 8:
		romon_stream_shutdown(run->engine, run->handle);
		break;
	case 9:
		if (tape_below(&run->tape, 8) != 0 || run->handle == 0)
			break;
		romon_stream_reset(run->engine, run->handle, ROMON_STREAM_RESET);
		run->over = true;
	}
	collect(run);
	take_events(run);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run run;

	memset(sent, 0, sent_end);
	sent_end = sent_whole = 0;
	run = (struct run){.tape = {data, size}, .now = {1000 * ROMON_SECOND}, .seed = size};
	begin(&run);
	take_events(&run);
	while (tape_left(&run.tape) > 0)
		step(&run);
	romon_engine_free(run.engine);
	return 0;
}
