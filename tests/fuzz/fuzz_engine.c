/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Fuzz target: a whole engine. The input is a course of events: frames out of nowhere, made of bytes or of fields, or what it sent itself
 * with a few bytes changed and sent back; pauses; changes of ports, secrets and router; everything that its user may ask. On its port 1 is
 * a second engine, which lends the frames that nobody can guess: signed ones. A wire between the two loses, repeats and damages.
 *
 * What holds whatever happens: every frame that leaves is one that others can decode, fits its port and says where it is from; an engine
 * that is given the time that it asked for comes to rest; its tables tell nothing impossible.
 */
#include <string.h>

#include "core/engine.h"
#include "fuzz.h"
#include "tape.h"

#define OLD_MAX 32      /* frames that are remembered */
#define WAKES_MAX 20000 /* in one pause */
#define EVENTS_MAX 4096 /* between two looks: no input causes so many */
#define FRAME_MAX 1600
#define LINKS 4
#define CROWDS_MAX 3 /* in one input: each takes long */

struct frame {
	uint32_t link;
	size_t len;
	uint8_t data[FRAME_MAX];
};

/* One of the two routers, with the frames that it sent last. */
struct side {
	struct romon_engine *engine;
	struct romon_mac id;
	struct frame old[OLD_MAX];
	size_t sent;
	uint32_t streams[8];
	size_t stream_count;
	uint32_t ping;
	unsigned discovers;
};

struct run {
	struct tape tape;
	struct romon_time now;
	uint64_t seed;
	struct side a, b;        /* under test; the neighbour */
	size_t wired_a, wired_b; /* how many frames of each the wire has seen */
	unsigned crowds;
};

static uint64_t next_random(void *ctx)
{
	struct run *run = ctx;

	return run->seed = run->seed * 6364136223846793005ULL + 1442695040888963407ULL;
}

static void take_line(void *ctx, enum romon_log_level level, const char *line)
{
	(void)ctx;
	must(level <= ROMON_LOG_DEBUG);
	for (; *line != '\0'; line++)
		must((uint8_t)*line >= ' ');
}

static const struct port *port_of(const struct side *side, uint32_t link)
{
	return engine_port(side->engine, link);
}

/* A frame that leaves. */
static void judge(const struct side *side, const struct romon_frame *frame)
{
	const struct port *port = port_of(side, frame->link);
	struct wire_message message;
	enum romon_drop why;

	must(port != NULL && !port->conf.no_carrier);
	must(frame->len <= (size_t)port->conf.mtu + WIRE_ETHERNET_LEN);
	must(wire_decode(frame->data, frame->len, &message, &why));
	must(wire_frame_length(frame->data) == frame->len);
	must(romon_mac_equal(message.eth_src, port->conf.mac));
}

static void collect(struct run *run, struct side *side)
{
	struct romon_frame frames[16];
	size_t count, total = 0;

	do {
		count = romon_engine_send(side->engine, frames, 16, run->now);
		for (size_t i = 0; i < count; i++) {
			struct frame *old = &side->old[side->sent % OLD_MAX];

			judge(side, &frames[i]);
			if (frames[i].len > FRAME_MAX)
				continue;
			old->link = frames[i].link;
			old->len = frames[i].len;
			memcpy(old->data, frames[i].data, frames[i].len);
			side->sent++;
		}
		total += count;
		must(total < QUEUE_FRAMES_MAX * 4);
	} while (count == 16);
}

/* Gives a copy of its exact size, so that reading past it is noticed. */
static void give(struct run *run, struct side *side, uint32_t link, const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len + (len == 0));

	must(copy != NULL);
	memcpy(copy, data, len);
	romon_engine_receive(side->engine, &(struct romon_frame){.link = link, .len = len, .data = copy}, 1, run->now);
	free(copy);
	collect(run, side);
}

static void run_until(struct run *run, struct side *side, int64_t end)
{
	struct romon_time when;
	unsigned wakes = 0;

	while (romon_engine_wake(side->engine, &when) && when.ns <= end) {
		if (when.ns > run->now.ns)
			run->now = when;
		collect(run, side);
		must(++wakes < WAKES_MAX);
	}
}

/* Each engine has its own view of the pause: they are not in step, as real ones are not. */
static void let_pass(struct run *run)
{
	struct romon_time begin = run->now;
	int64_t end = begin.ns + tape_pause(&run->tape);

	/* A ping or stream at full speed needs many wakes: long pauses are for those who wait. */
	if (end - begin.ns > 5 * ROMON_SECOND) {
		romon_engine_ping_stop(run->a.engine, run->a.ping);
		romon_engine_ping_stop(run->b.engine, run->b.ping);
		run->a.ping = run->b.ping = 0;
		while (run->a.discovers > 0 && run->a.discovers--)
			romon_engine_discover_stop(run->a.engine);
		while (run->b.discovers > 0 && run->b.discovers--)
			romon_engine_discover_stop(run->b.engine);
	}
	run_until(run, &run->b, end);
	run->now = begin;
	run_until(run, &run->a, end);
	run->now.ns = end;
}

/* ---- frames ---- */

/* So that most frames get past the first checks. */
static void address(struct run *run, uint8_t *frame, size_t len, uint32_t link)
{
	uint8_t how = tape_u8(&run->tape);
	const struct port *port = port_of(&run->a, link);

	if (len < WIRE_ETHERNET_LEN + WIRE_HEADER_LEN || port == NULL)
		return;
	if (how & 1)
		memcpy(frame, port->conf.mac.b, ROMON_MAC_LEN);
	else if (how & 2)
		memcpy(frame, romon_mac_group.b, ROMON_MAC_LEN);
	if (how & 4)
		memcpy(frame + ROMON_MAC_LEN, tape_mac_number(13).b, ROMON_MAC_LEN);
	if (how & 8)
		memset(frame + WIRE_ETHERNET_LEN + 4, 0, WIRE_AUTH_LEN);
	if (how & 16)
		memcpy(frame + WIRE_ETHERNET_LEN + 4 + WIRE_AUTH_LEN, run->a.id.b, ROMON_MAC_LEN);
	if (how & 32)
		memcpy(frame + WIRE_ETHERNET_LEN + 4 + WIRE_AUTH_LEN + ROMON_MAC_LEN, run->a.id.b, ROMON_MAC_LEN);
	if (how & 64)
		wire_set_length(frame, (uint16_t)len);
	if ((how & 128) && len >= WIRE_ETHERNET_LEN + WIRE_DATA_HOPS_AT + WIRE_HOP_LEN) { /* the first hop leads to the port */
		struct wire_hop hop = {.link = 1, .mac = port->conf.mac};

		wire_set_data_hop(frame, 0, &hop);
	}
}

static void give_bytes(struct run *run)
{
	uint32_t link = tape_below(&run->tape, LINKS);
	uint8_t frame[FRAME_MAX];
	size_t len = tape_u16(&run->tape) % FRAME_MAX;
	const uint8_t *bytes = tape_bytes(&run->tape, len, &len);

	memcpy(frame, bytes, len);
	address(run, frame, len, link);
	give(run, &run->a, link, frame, len);
}

static void give_fields(struct run *run)
{
	uint32_t link = tape_below(&run->tape, LINKS);
	struct wire_message message;
	uint8_t frame[FRAME_MAX];
	size_t len;

	tape_message(&run->tape, &message);
	len = wire_encode(&message, frame, sizeof(frame));
	address(run, frame, len, link);
	if (len > 0)
		give(run, &run->a, link, frame, len);
}

/* Which of the last frames of a side; NULL: it has sent none. */
static struct frame *recall(struct run *run, struct side *side)
{
	size_t back = tape_below(&run->tape, OLD_MAX) + 1u;

	return back <= side->sent ? &side->old[(side->sent - back) % OLD_MAX] : NULL;
}

static void damage(struct run *run, uint8_t *frame, size_t len)
{
	for (unsigned changes = tape_below(&run->tape, 5); changes > 0; changes--) {
		size_t at = tape_u16(&run->tape) % len;

		frame[at] ^= tape_u8(&run->tape);
	}
}

/* What a router would answer to the engine's own frame: it comes back with addresses, IDs and ports swapped, and a few bytes changed. */
static void give_back(struct run *run)
{
	const struct frame *old = recall(run, &run->a);
	uint8_t how = tape_u8(&run->tape), frame[FRAME_MAX];
	uint32_t link = how & 1 ? tape_below(&run->tape, LINKS) : 0;
	struct wire_message message;
	enum romon_drop why;
	size_t len;

	if (old == NULL || !wire_decode(old->data, old->len, &message, &why))
		return;
	message.eth_dst = message.eth_src;
	message.eth_src = tape_mac_number(13);
	memset(message.auth, 0, sizeof(message.auth));
	if (message.type == WIRE_DISCOVER && (how & 2)) { /* its answer */
		message.type = WIRE_DISCOVER_RESP;
		message.dst = tape_mac(&run->tape);
		message.route_count = 2;
		message.routes[1] = (struct wire_route){.id = message.dst, .in = {.link = 9, .l2mtu = 1500, .cost = 100}};
		message.routes[1].in.mac = message.eth_src;
		message.about.has_uptime = (how & 4) != 0;
	} else if (message.type == WIRE_DATA) {
		struct romon_mac id = message.src;
		uint16_t port = message.src_port;

		message.src = message.dst;
		message.dst = id;
		message.src_port = message.dst_port;
		message.dst_port = port;
		if (message.hop_count > 0) {
			message.hop_pointer = (uint8_t)(message.hop_count - 1);
			message.hops[message.hop_pointer].mac = message.eth_dst;
		}
	}
	len = wire_encode(&message, frame, sizeof(frame));
	if (len == 0)
		return;
	damage(run, frame, len);
	give(run, &run->a, link != 0 ? link : old->link, frame, len);
}

/* Many at once, as they come from a socket. */
static void give_all(struct run *run, struct side *side, struct frame *list, size_t count)
{
	struct romon_frame frames[2 * OLD_MAX];

	for (size_t i = 0; i < count; i++)
		frames[i] = (struct romon_frame){.link = 1, .len = list[i].len, .data = list[i].data};
	romon_engine_receive(side->engine, frames, count, run->now);
	collect(run, side);
}

/* What waits on the wire between port 1 of both crosses it: whole, twice, not at all or damaged; one by one or together. */
static void cross(struct run *run, struct side *from, struct side *to, size_t *wired)
{
	static struct frame together[2 * OLD_MAX];
	uint8_t fate = tape_u8(&run->tape);
	unsigned crossed = 0;
	size_t count = 0;

	if (from->sent - *wired > OLD_MAX)
		*wired = from->sent - OLD_MAX;
	for (; *wired < from->sent && crossed < OLD_MAX; crossed++) {
		struct frame frame = from->old[(*wired)++ % OLD_MAX];

		if (frame.link != 1 || ((fate & 1) && crossed % 2 == 0))
			continue;
		if (fate & 2)
			damage(run, frame.data, frame.len);
		for (unsigned copies = 0; copies < (fate & 4 ? 2 : 1); copies++) {
			if (fate & 8)
				together[count++] = frame;
			else
				give(run, to, 1, frame.data, frame.len);
		}
	}
	if (count > 0)
		give_all(run, to, together, count);
}

static void replay(struct run *run)
{
	const struct frame *old = recall(run, &run->b);
	struct frame frame;

	if (old == NULL)
		return;
	frame = *old;
	damage(run, frame.data, frame.len);
	give(run, &run->a, 1, frame.data, frame.len);
}

/* Many strangers at once: whatever they ask, the tables that remember them are bounded. */
static void crowd(struct run *run)
{
	enum { ASKERS, PARENTS, CHILDREN, CONNECTS } kind = tape_below(&run->tape, 4);
	unsigned count = (unsigned)tape_u8(&run->tape) * tape_u8(&run->tape) % 5000;
	struct romon_mac port_mac = {{0}};
	uint8_t segment[WIRE_STREAM_LEN] = {WIRE_STREAM_CONNECT, WIRE_MARK_OURS}, frame[FRAME_MAX];

	if (++run->crowds > CROWDS_MAX)
		return;
	if (port_of(&run->a, 1) != NULL)
		port_mac = port_of(&run->a, 1)->conf.mac;
	for (unsigned i = 0; i < count; i++) {
		struct romon_mac stranger = {{2, 1, 0, 0, (uint8_t)(i >> 8), (uint8_t)i}};
		struct wire_message m = {.type = kind == CHILDREN ? WIRE_DISCOVER_RESP : WIRE_DISCOVER,
			.eth_dst = port_mac,
			.eth_src = stranger,
			.src = kind == CHILDREN  ? run->a.id
			       : kind == PARENTS ? tape_mac_number(14)
						 : stranger,
			.dst = kind == CHILDREN ? stranger : romon_mac_broadcast,
			.route_count = kind == CHILDREN ? 2 : 1,
			.routes = {{.id = kind == CHILDREN ? run->a.id : stranger, .out = {1, 1500, 100, stranger}},
				{.id = stranger, .in = {1, 1500, 100, stranger}}}};

		if (kind == CONNECTS) {
			m.type = WIRE_DATA;
			m.dst = run->a.id;
			m.hop_count = 1;
			m.hops[0] = (struct wire_hop){9, port_mac};
			m.src_port = 2000;
			m.dst_port = WIRE_PORT_SSH;
			m.payload = segment;
			m.payload_len = sizeof(segment);
		}
		give(run, &run->a, 1, frame, wire_encode(&m, frame, sizeof(frame)));
	}
}

/* ---- configuration ---- */

static void set_port(struct run *run, struct side *side)
{
	static const uint16_t mtus[] = {1500, 1500, 9000, 1280, 512, 200, 100, 68, 0, UINT16_MAX};
	struct romon_port port = {.link = tape_below(&run->tape, LINKS + 1),
		.mac = tape_mac(&run->tape),
		.mtu = mtus[tape_below(&run->tape, sizeof(mtus) / sizeof(mtus[0]))],
		.cost = tape_u8(&run->tape)};

	port.no_carrier = port.cost > 200;
	must(romon_engine_set_port(side->engine, &port, run->now) ==
		(port.link != 0 && port.cost != 0 && romon_id_valid(port.mac)));
}

static void set_secrets(struct run *run, struct side *side)
{
	static const char *const words[] = {"", "first", "second", "third", "fourth", "fifth", "sixth", "seventh"};
	uint8_t which = tape_u8(&run->tape), first = tape_u8(&run->tape);
	uint32_t link = tape_below(&run->tape, LINKS);
	struct romon_secret list[ROMON_SECRETS_MAX];
	size_t count = 0;

	for (unsigned i = 0; i < 8; i++) {
		unsigned word = (first + i) % 8;

		if ((which >> word & 1) == 0)
			continue;
		list[count].len = (uint8_t)strlen(words[word]);
		memcpy(list[count++].bytes, words[word], strlen(words[word]));
	}
	must(romon_engine_set_secrets(side->engine, link, list, count, run->now) == (port_of(side, link) != NULL));
}

static void set_router(struct run *run)
{
	uint8_t how = tape_u8(&run->tape);
	char text[301];
	size_t len;
	const uint8_t *bytes = tape_bytes(&run->tape, tape_u8(&run->tape), &len);
	struct romon_router router = {.id = how & 1 ? run->a.id : tape_mac_number(how >> 4),
		.identity = text,
		.board = "board",
		.started = run->now,
		.send_uptime = (how & 2) != 0,
		.unicast = (how & 4) != 0};

	memcpy(text, bytes, len);
	text[len] = '\0';
	if (romon_engine_set_router(run->a.engine, &router))
		run->a.id = router.id;
	else
		must(!romon_id_valid(router.id));
}

/* ---- the user ---- */

static void ask(struct run *run, struct side *side)
{
	uint8_t what = tape_u8(&run->tape);

	if (what % 3 != 0 && side->discovers < 3) {
		romon_engine_discover_start(side->engine, run->now);
		side->discovers++;
	} else if (side->discovers > 0) {
		romon_engine_discover_stop(side->engine);
		side->discovers--;
	}
}

static void ping(struct run *run, struct side *side)
{
	struct romon_ping spec = {.id = tape_mac(&run->tape),
		.count = tape_u8(&run->tape),
		.size = tape_u16(&run->tape),
		.interval = (1 + (int64_t)tape_u8(&run->tape)) * 10 * ROMON_MILLISECOND};

	romon_engine_ping_stop(side->engine, side->ping);
	side->ping = romon_engine_ping_start(side->engine, &spec, run->now);
}

static void remember(struct side *side, uint32_t stream)
{
	if (stream != 0)
		side->streams[side->stream_count++ % 8] = stream;
}

static void use_stream(struct run *run, struct side *side)
{
	static const uint8_t zeros[70000];
	uint32_t stream = side->streams[tape_below(&run->tape, 8)];
	const uint8_t *data;

	switch (tape_below(&run->tape, 6)) {
	case 0:
		romon_stream_write(side->engine, stream, zeros, tape_u16(&run->tape));
		break;
	case 1:
		romon_stream_read(side->engine, stream, romon_stream_peek(side->engine, stream, &data));
		break;
	case 2:
		romon_stream_shutdown(side->engine, stream);
		break;
	case 3:
		romon_stream_reset(side->engine, stream, (enum romon_stream_end)tape_below(&run->tape, ROMON_STREAM_NO_PATH + 1));
		break;
	case 4:
		remember(side, romon_engine_stream_connect(side->engine, tape_mac(&run->tape), tape_u8(&run->tape), run->now));
		break;
	default:
		romon_engine_listen(side->engine, (uint16_t)tape_below(&run->tape, 8), tape_u8(&run->tape) % 4 != 0);
	}
}

static void take_events(struct side *side)
{
	struct romon_event event;
	unsigned count = 0;

	while (romon_engine_event(side->engine, &event)) {
		must(++count < EVENTS_MAX);
		must(event.type <= ROMON_EVENT_STREAM_CLOSED);
		if (event.type == ROMON_EVENT_STREAM_ACCEPTED)
			remember(side, event.stream);
		if (event.type == ROMON_EVENT_STREAM_CLOSED)
			must(!romon_stream_info(side->engine, event.stream, &(struct romon_stream_info){.hops = 0}));
	}
}

static void look_at_routers(struct romon_engine *engine, struct romon_mac self)
{
	size_t count = romon_engine_router_count(engine);
	struct romon_seen seen;
	struct romon_edge edge;

	for (size_t i = 0; i < count; i++) {
		must(romon_engine_router(engine, i, &seen));
		must(romon_id_valid(seen.id) && !romon_mac_equal(seen.id, self));
		must(!seen.reachable || (seen.hops > 0 && romon_mac_equal(seen.path[seen.hops - 1], seen.id)));
	}
	must(!romon_engine_router(engine, count, &seen));
	count = romon_engine_edge_count(engine);
	for (size_t i = 0; i < count; i++)
		must(romon_engine_edge(engine, i, &edge) && !romon_mac_equal(edge.a.id, edge.b.id));
}

static void look(struct run *run, struct side *side)
{
	struct romon_engine *engine = side->engine;
	struct romon_neighbor neighbors[16];
	struct romon_stream_info info;
	struct romon_port_stats stats;
	uint32_t stream = 0;
	unsigned streams = 0;

	take_events(side);
	look_at_routers(engine, side->id);
	romon_engine_generation(engine);
	romon_engine_neighbors(engine, neighbors, 16, run->now);
	while ((stream = romon_stream_next(engine, stream)) != 0) {
		must(romon_stream_info(engine, stream, &info));
		must(++streams <= STREAMS_MAX);
		romon_stream_finished(engine, stream);
	}
	for (uint32_t link = 0; link <= LINKS; link++) {
		romon_engine_count_drop(engine, link, ROMON_DROP_SEND_FAILED);
		if (romon_engine_port_stats(engine, link, &stats))
			must(stats.hashed + stats.unhashed <= stats.rx &&
				stats.forwarded <= stats.tx + QUEUE_FRAMES_MAX + stats.rx);
	}
}

/* ---- the course of events ---- */

static void begin(struct run *run, struct side *side, unsigned number)
{
	struct romon_env env = {.ctx = run, .random = next_random, .log = take_line};
	struct romon_router router = {.id = tape_mac_number(number),
		.identity = number == 3 ? "under test" : "neighbour",
		.board = "fuzz",
		.version = {0, 1, 'f', 0},
		.started = run->now,
		.send_uptime = true,
		.unicast = true};

	*side = (struct side){.id = router.id, .engine = romon_engine_new(&env, &router)};
	must(side->engine != NULL);
	for (uint32_t link = 1; link <= (number == 3 ? 3 : 1); link++) {
		struct romon_port port = {.link = link, .mac = tape_mac_number(number + 2 + link), .mtu = 1500, .cost = 100};

		must(romon_engine_set_port(side->engine, &port, run->now));
	}
	romon_engine_listen(side->engine, WIRE_PORT_SSH, true);
}

static void step(struct run *run)
{
	uint8_t what = tape_u8(&run->tape);
	struct side *side = what & 128 ? &run->b : &run->a;

	switch (what % 32) {
	case 31:
		crowd(run);
		break;
	case 16:
	case 0:
	case 1:
		give_bytes(run);
		break;
	case 2:
	case 22:
	case 23:
		give_fields(run);
		break;
	case 3:
	case 4:
	case 24:
	case 25:
		give_back(run);
		break;
	case 5:
	case 6:
	case 17:
	case 18:
	case 19:
		cross(run, &run->a, &run->b, &run->wired_a);
		cross(run, &run->b, &run->a, &run->wired_b);
		break;
	case 7:
		replay(run);
		break;
	case 8:
	case 20:
		let_pass(run);
		break;
	case 9:
		set_port(run, side);
		break;
	case 10:
		romon_engine_remove_port(side->engine, tape_below(&run->tape, LINKS + 1));
		break;
	case 11:
		set_secrets(run, side);
		break;
	case 12:
		set_router(run);
		break;
	case 13:
		ask(run, side);
		break;
	case 14:
	case 21:
		ping(run, side);
		break;
	default:
		use_stream(run, side);
	}
	collect(run, &run->a);
	collect(run, &run->b);
	if (what & 64) {
		look(run, &run->a);
		look(run, &run->b);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct run run;

	run = (struct run){.tape = {data, size}, .now = {1000 * ROMON_SECOND}, .seed = size};
	begin(&run, &run.a, 3);
	begin(&run, &run.b, 10);
	while (tape_left(&run.tape) > 0)
		step(&run);
	look(&run, &run.a);
	romon_engine_free(run.a.engine);
	romon_engine_free(run.b.engine);
	return 0;
}
