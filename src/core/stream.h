/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Streams: bytes in order, both ways, over Data segments that may be lost (protocol.md section 6). What one stream is, and which part
 * is where:
 *
 *     stream.c          what the user of the engine calls
 *     stream_table.c    all streams: finding, timers, events, capacities
 *     stream_open.c     connect and accept
 *     stream_send.c     segments out: cutting, retransmission, the timers
 *     stream_receive.c  segments in: reassembly, flow control
 *     stream_ack.c      what an acknowledgement says, and what follows from it
 *     stream_close.c    the end, orderly or not
 *     stream_heal.c     another path, another size
 *     stream_idle.c     is the other end still there?
 *
 * Sequence numbers count bytes and wrap; they are compared by the sign of their difference.
 */
#ifndef ROMON_STREAM_H
#define ROMON_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include <romon/romon.h>

#include "core/buffer.h"
#include "core/congestion.h"
#include "core/flight.h"
#include "core/ranges.h"
#include "core/route.h"
#include "core/rtt.h"
#include "core/table.h"
#include "core/wire.h"

#define STREAMS_MAX 4096           /* those that linger included; they make room */
#define STREAM_WINDOW (256 * 1024) /* bytes on the way, and unread bytes up to which a receiver acknowledges */
#define STREAM_HALF_OPEN_MAX 256
#define STREAM_HALF_OPEN_OF_PEER 16        /* and connects of our own to one peer at a time: more wait for their turn */
#define STREAM_HALF_OPEN_KEPT ROMON_SECOND /* younger ones do not make room for a newcomer */
#define STREAM_OPEN_TIME (5 * ROMON_SECOND)
#define STREAM_TURN_TIME (15 * ROMON_SECOND)  /* a connect waits so long for its turn */
#define STREAM_GIVE_UP (15 * ROMON_SECOND)    /* without a sign of life while something is unacknowledged */
#define STREAM_CLOSE_TIME (10 * ROMON_SECOND) /* a close is repeated so long */
#define STREAM_LINGER (10 * ROMON_SECOND)
#define STREAM_SIZE_TIME (30 * ROMON_SECOND) /* then larger segments are tried again */
#define STREAM_ANSWERS_PER_SECOND 100        /* closes for unknown streams; and, counted apart, acks for impossible segments */
#define STREAM_L2MTU_GUESS 1500              /* of a path that nobody described */
#define STREAM_OVERHEAD (WIRE_DATA_HOPS_AT + WIRE_PORTS_LEN + WIRE_STREAM_LEN)
#define STREAM_SIZE_MIN 16 /* bytes of data in a segment, on a path that is too narrow for more */
_Static_assert(STREAM_OVERHEAD == 60, "what protocol.md section 6 says of segments");
_Static_assert(BUFFER_MAX == 2 * STREAM_WINDOW, "a receiver holds what is unread and what is on the way");

#define STREAM_NEVER INT64_MAX /* a timer that does not run */

struct port;

struct stream_key {
	struct romon_mac peer;
	uint16_t local, remote; /* ports */
};

enum stream_state {
	STREAM_WAITING, /* to connect, when others to the same peer have been answered */
	STREAM_CONNECTING,
	STREAM_ACCEPTING, /* half-open: nobody has been told of it */
	STREAM_OPEN,
	STREAM_OVER,  /* both directions are closed; it lingers */
	STREAM_ENDED, /* on the wire it is no more; its user has to be told */
};

/* What a stream wants to send, beside data. */
enum stream_want {
	STREAM_WANT_CONNECT = 1,
	STREAM_WANT_ACCEPT = 2,
	STREAM_WANT_ACK = 4,
	STREAM_WANT_CLOSE = 8,
	STREAM_WANT_PROBE = 16, /* the first unacknowledged segment, though the peer may have it: so that it answers */
	STREAM_WANT_TRIAL = 32, /* the same in several sizes */
	STREAM_WANT_TAIL = 64,  /* the last segment, or the next one: so that the peer tells what it lacks */
};

/* Questions to a peer that has been silent for long. */
struct stream_idle {
	uint8_t last;  /* byte that was acknowledged, if any was */
	uint8_t tries; /* questions in a row */
	int64_t next;  /* when to go on, if nothing is heard */
	struct romon_time asked;
};

struct stream {
	struct stream_key key;
	uint32_t handle; /* 0: its user does not know it (yet, or any more) */
	enum stream_state state;
	bool connector;
	bool ours;    /* both ends know that both are ours */
	bool offered; /* our connect said that we are */
	bool vouched; /* the peer's connect came under a secret */
	enum romon_stream_end reason;
	uint64_t received, sent, resent; /* bytes given to the user; bytes acknowledged; segments sent again */
	struct route route;
	struct romon_time began;

	/* Sending. */
	struct buffer out;                                   /* from una on */
	uint32_t iss;                                        /* our initial number */
	uint32_t una, max;                                   /* oldest unacknowledged; behind the highest sent */
	struct flight flight;                                /* the segments in between */
	uint32_t size;                                       /* of a full segment's data */
	unsigned want;                                       /* enum stream_want */
	bool blocked;                                        /* the user could not write all that it wanted */
	bool finished, close_sent, close_heard, close_acked; /* our direction: nothing follows; was said; was heard */
	struct romon_time close_at, close_answered; /* when the close was first sent; when one was last answered in STREAM_OVER */
	struct congestion congestion;
	struct rtt rtt;
	struct romon_time sent_at; /* data, or connect or accept: last */
	unsigned tries;            /* connects or accepts sent */
	unsigned timeouts;         /* in a row */
	unsigned silent;           /* timeouts in a row without any sign of life */
	unsigned duplicates;       /* acknowledgements that said nothing new: so many segments have left the path */
	bool recovering, guarded;  /* repairs a loss; after a timeout: no loss is news before recover is acknowledged */
	uint32_t recover;
	unsigned doubted;           /* segments sent again that the peer may turn out to have had; 0: the loss was real */
	bool timed_out;             /* they were sent after a timeout of any kind: none was overtaken */
	uint32_t doubted_from;      /* where they begin; they end at recover */
	bool tail_sent, tail_again; /* a tail probe is unanswered; it was a segment sent before */
	uint32_t tail;              /* where it ends */

	/* Path and size. */
	bool asking;                        /* wants discovery: it is in the list of those that look for a path */
	uint16_t cap;                       /* L2MTU that the segments keep to because larger ones do not pass; 0: none */
	bool trying, probing;               /* segments of several sizes, or a larger one, are on the way */
	uint32_t tried, tried_size, probed; /* where the former begin, the largest of them; where the latter ends */
	struct romon_time cap_until;

	struct stream_idle idle;

	/* Receiving. */
	struct buffer in; /* its first byte is the first unread one */
	struct ranges early;
	uint32_t irs;                  /* the peer's initial number */
	uint32_t next;                 /* next byte expected */
	uint32_t told;                 /* what our last acknowledgement said */
	unsigned unacked;              /* segments since then */
	uint32_t latest;               /* where the segment began that came early last */
	uint32_t again_from, again_to; /* what came twice since then; equal: nothing */
	unsigned repeats;              /* how often the last acknowledgement will be repeated */
	bool withheld, close_known,
		peer_closed; /* the sender may be waiting for the reader; where the peer's close is; reached */
	uint32_t close_seq;

	/* Times: nanoseconds, STREAM_NEVER if not running. */
	int64_t timer;           /* retransmission of data, connect, accept, close */
	int64_t tail_at;         /* of the last segment, if nothing is heard of it */
	int64_t overdue_at;      /* when a segment that others have overtaken counts as lost */
	int64_t repeat_at;       /* of an acknowledgement */
	int64_t end;             /* of waiting, of opening, of lingering */
	struct romon_time alive; /* last sign of life, or when something first became unacknowledged */

	/* Where it is listed. */
	size_t heap_at;  /* 1 + its place among the timers; 0: it has none */
	int64_t due;     /* its time there: never later than the earliest of the times above */
	unsigned events; /* bits by enum romon_event_type, not yet taken */
	bool ready;
	TAILQ_ENTRY(stream) phase_link, ready_link, event_link, asking_link;
};
TAILQ_HEAD(stream_list, stream);

/* At most so many answers in a second. */
struct stream_limit {
	struct romon_time since;
	unsigned count;
};

struct streams {
	struct table table;    /* by key */
	struct table peers;    /* how many of each peer are being opened */
	struct stream **slots; /* by the low bits of the handle; made with the first stream */
	uint32_t *generations;
	uint32_t next_slot; /* where the search for a free one begins */
	struct stream **heap;
	size_t count, heap_len;
	struct stream_list waiting, half_open, lingering; /* phases; the oldest first */
	struct stream_list ready, telling, asking;
	size_t half_open_count;
	uint64_t looked; /* generation of the topology when paths were last looked for */
	struct buffer_pool pool;
	struct stream_limit closes, challenges;
	uint8_t listening[65536 / 8];
};

/* ---- stream_table.c ---- */

void streams_init(struct streams *streams, const struct table_seed *seed);
void streams_free(struct romon_engine *engine);
/* A new one, in no list. NULL: the capacity is reached, or memory. */
struct stream *stream_new(struct romon_engine *engine, const struct stream_key *key, enum stream_state state);
/* Removes it from everywhere and frees it. */
void stream_free(struct romon_engine *engine, struct stream *stream);
/* Frees it if its user knows nothing of it; otherwise it is kept in STREAM_ENDED, off the wire, until its user was told why. */
void stream_end(struct romon_engine *engine, struct stream *stream, enum romon_stream_end reason);
struct stream *stream_find(const struct streams *streams, const struct stream_key *key);
struct stream *stream_by_handle(const struct streams *streams, uint32_t handle);
/* Gives it a handle. There are as many as streams. */
void stream_name(struct streams *streams, struct stream *stream);
/* Changes its state, and the list and counts that go with it. */
void stream_enter(struct romon_engine *engine, struct stream *stream, enum stream_state state);
unsigned stream_opening(const struct streams *streams, struct romon_mac peer, bool connecting);
/* It has something to send. */
void stream_ready(struct streams *streams, struct stream *stream, unsigned want);
/* Its user is to be told. */
void stream_tell(struct streams *streams, struct stream *stream, enum romon_event_type type);
bool stream_event(struct romon_engine *engine, struct romon_event *event);
/* One of its times has changed. */
void stream_schedule(struct streams *streams, struct stream *stream);
bool stream_limit_passes(struct stream_limit *limit, struct romon_time now);
/* May an acknowledgement answer an impossible segment that came in by the port? It is counted. */
bool stream_may_challenge(struct romon_engine *engine, struct port *port, const struct stream *stream, struct romon_time now);
bool stream_listens(const struct streams *streams, uint16_t port);
/* Does what is due and lets streams send, as long as fewer than max frames wait in the engine's queue. */
void stream_run(struct romon_engine *engine, size_t max, struct romon_time now);
void stream_wake(const struct romon_engine *engine, bool *set, struct romon_time *when);
/* Ends all: our ID has changed. */
void streams_abandon(struct romon_engine *engine);

/* ---- stream_open.c ---- */

uint32_t stream_connect(struct romon_engine *engine, struct romon_mac peer, uint16_t port, struct romon_time now);
/* Lets a stream to this peer go on that waits for its turn. */
void stream_next_turn(struct romon_engine *engine, struct romon_mac peer, struct romon_time now);
/* A segment for a stream that does not exist. */
void stream_receive_unknown(struct romon_engine *engine, struct port *port, const struct stream_key *key,
	const struct wire_message *message, const struct wire_stream *segment, struct romon_time now);
void stream_receive_connecting(struct romon_engine *engine, struct port *port, struct stream *stream,
	const struct wire_message *message, const struct wire_stream *segment, struct romon_time now);
/* True: it is open now, and the segment is to be taken as one of an open stream. */
bool stream_receive_accepting(struct romon_engine *engine, struct port *port, struct stream *stream,
	const struct wire_message *message, const struct wire_stream *segment, struct romon_time now);
/* The timer of a stream that is being opened. */
void stream_open_timeout(struct romon_engine *engine, struct stream *stream, struct romon_time now);
/* Sends a close for a stream that does not exist, as the answer to this segment, unless too many were sent. */
void stream_refuse(struct romon_engine *engine, const struct stream_key *key, const struct wire_message *message,
	const struct wire_stream *segment, uint8_t mark, struct romon_time now);

/* ---- stream_send.c ---- */

/* Sends some of what it wants and may. True: there is more. */
bool stream_output(struct romon_engine *engine, struct stream *stream, struct romon_time now);
/* Sends an acknowledgement now. */
void stream_acknowledge(struct romon_engine *engine, struct stream *stream, struct romon_time now);
/* Sends one segment without data that is no part of the stream's course. */
void stream_send_mark(struct romon_engine *engine, struct stream *stream, enum wire_stream_type type, uint8_t mark);
bool stream_outstanding(const struct stream *stream);
/* Bytes in the path, as far as we know. */
uint32_t stream_in_path(const struct stream *stream);
/* Something is unacknowledged and the retransmission timer does not run: starts it. */
void stream_start_timer(struct stream *stream, struct romon_time now);
/* Everything unacknowledged goes out again. */
void stream_resend_all(struct stream *stream);
void stream_timeout(struct romon_engine *engine, struct stream *stream, struct romon_time now);
/* Nothing was heard of the last segment for longer than usual. */
void stream_tail_timeout(struct romon_engine *engine, struct stream *stream);

/* ---- stream_ack.c ---- */

/* What an acknowledgement has to say: everything that came, less what the reader leaves too long. */
uint32_t stream_ack_number(const struct stream *stream);
/* Between ours: is there anything to tell of what came beyond that, or came twice? */
bool stream_has_blocks(const struct stream *stream);
/* Tells it in an ack. */
void stream_put_blocks(struct stream *stream, struct wire_stream *segment);
/* What a segment acknowledges. */
void stream_take_ack(
	struct romon_engine *engine, struct stream *stream, const struct wire_stream *segment, struct romon_time now);
/* Overtaken segments have waited long enough. */
void stream_overdue(struct romon_engine *engine, struct stream *stream, struct romon_time now);

/* ---- stream_receive.c ---- */

void stream_receive(struct romon_engine *engine, struct port *port, const struct wire_message *message, struct romon_time now);

/* ---- stream_close.c ---- */

/* The peer's close, of a stream that is open or over. */
void stream_receive_close(struct romon_engine *engine, struct port *port, struct stream *stream,
	const struct wire_stream *segment, struct romon_time now);
/* Sees whether the peer has heard our close. True: by this very segment, and it says so. */
bool stream_hear_close(struct stream *stream, const struct wire_stream *segment);
/* All of the peer's bytes up to its close have come. */
void stream_reach_close(struct streams *streams, struct stream *stream);
/* Both directions are closed: lets it linger. */
void stream_settle(struct romon_engine *engine, struct stream *stream, struct romon_time now);
/* Tells the peer that it is no more, and ends it. */
void stream_break(struct romon_engine *engine, struct stream *stream, enum romon_stream_end reason);
uint8_t stream_mark_of(enum romon_stream_end reason);

/* ---- stream_heal.c ---- */

/* Takes the topology's path to the peer. True: it is another path, or one of another size, than before. */
bool stream_find_path(struct romon_engine *engine, struct stream *stream, struct romon_time now);
/* Takes the way back of a message for the route, if it is another one. */
void stream_follow(struct romon_engine *engine, struct stream *stream, const struct port *port,
	const struct wire_message *message, struct romon_time now);
/* Discovery is wanted, or no more. */
void stream_ask(struct romon_engine *engine, struct stream *stream, bool want, struct romon_time now);
/* Nothing was heard after several timeouts: doubts the path, and looks for another one. */
void stream_heal(struct romon_engine *engine, struct stream *stream, struct romon_time now);
/* The peer answers, but lacks what we send: the path is good, only narrower than believed; discovery knows. */
void stream_measure(struct romon_engine *engine, struct stream *stream, struct romon_time now);
/* The topology has changed: those that look for a path look again. */
void streams_look(struct romon_engine *engine, struct romon_time now);
/* Data bytes of a segment within this L2MTU. */
uint32_t stream_size_for(const struct stream *stream, uint32_t l2mtu);
uint32_t stream_size_uncapped(const struct romon_engine *engine, const struct stream *stream);
/* Route or cap have changed. */
void stream_resize(const struct romon_engine *engine, struct stream *stream);
/* Something up to ack was acknowledged: what does it say about sizes? */
void stream_learn_size(const struct romon_engine *engine, struct stream *stream, uint32_t ack, struct romon_time now);
/* The L2MTUs to try, the smallest first. */
extern const uint16_t stream_sizes[4];

/* ---- stream_idle.c ---- */

/* When something is to be done about a long silence. */
int64_t stream_idle_due(const struct stream *stream);
/* Does it. False: the stream is no more. */
bool stream_idle_run(struct romon_engine *engine, struct stream *stream, struct romon_time now);
/* There is another path: an open question is asked again on it. */
void stream_idle_again(struct romon_engine *engine, struct stream *stream, struct romon_time now);
/* So many bytes are acknowledged, and about to leave the buffer. */
void stream_idle_note(struct stream *stream, uint32_t acked);

/* ---- stream.c ---- */

/* How many bytes the user may have in out. */
uint32_t stream_write_limit(const struct stream *stream);

#endif
