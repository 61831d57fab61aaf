/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The RoMON protocol engine: one router of the overlay, without sockets, files, clock or randomness of its own.
 *
 * A caller (the daemon, a simulator, a fuzzer) gives it frames and asks it for frames:
 *
 *     romon_engine_receive()   take these frames
 *     romon_engine_send()      give me the next frames to send (this also runs what has fallen due)
 *     romon_engine_wake()      when do you want to be called again
 *
 * Every call takes the time. Frames are whole Ethernet frames, from the destination address on, without FCS. What the
 * engine has to say to its user comes out of romon_engine_event(). It is not thread safe: one engine, one thread.
 */
#ifndef ROMON_ROMON_H
#define ROMON_ROMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROMON_ETHERTYPE 0x88bf /* [M] */
#define ROMON_MAC_LEN 6
#define ROMON_MAC_TEXT 18       /* "6C:3B:6B:48:0E:8B" and its NUL */
#define ROMON_TEXT_MAX 64       /* identity and board as we send them, bytes without NUL [O] */
#define ROMON_SEEN_TEXT_MAX 255 /* identity and board as others may send them: a TLV's length is one byte */
#define ROMON_VERSION_TEXT 20   /* "255.255beta255.255" and its NUL */
#define ROMON_HOPS_MAX 255      /* the hop count is one byte */
#define ROMON_PORTS_MAX 256     /* ports of one router */
#define ROMON_PING_MIN 4        /* bytes: a ping payload begins with its sequence number [C] */
#define ROMON_PING_DEFAULT 32   /* bytes [C] */
#define ROMON_SECRETS_MAX 8      /* entries of a list of secrets */
#define ROMON_SECRET_LEN_MAX 128 /* bytes */
#define ROMON_ANSWERS_DEFAULT 4000000 /* bytes in a second */
#define ROMON_ANSWERS_MIN 100000      /* then what is there for pings holds the longest frame */
#define ROMON_ANSWERS_MAX 1000000000
#define ROMON_ANSWERS_LEFT 4          /* one part in so many is left to a link that answers pings without the engine */
#define ROMON_SECOND 1000000000LL
#define ROMON_MILLISECOND 1000000LL

/* A point in time: nanoseconds of any clock that never goes back. A type of its own, so that units cannot mix. */
struct romon_time {
	int64_t ns;
};

/* An EUI-48: the MAC address of a port, or a RoMON ID (which has the same form and is printed the same way). */
struct romon_mac {
	uint8_t b[ROMON_MAC_LEN];
};

extern const struct romon_mac romon_mac_zero;
extern const struct romon_mac romon_mac_broadcast;
extern const struct romon_mac romon_mac_group; /* 01:80:C2:00:88:BF [M] */

bool romon_mac_equal(struct romon_mac a, struct romon_mac b);
int romon_mac_compare(struct romon_mac a, struct romon_mac b); /* like memcmp */
bool romon_mac_is_zero(struct romon_mac mac);
bool romon_mac_is_group(struct romon_mac mac); /* low bit of the first byte; broadcast included */
/* May this be the ID of a router? Neither zero nor a group address [R]. */
bool romon_id_valid(struct romon_mac id);
/* Writes "6C:3B:6B:48:0E:8B" into text and returns text. */
char *romon_mac_text(struct romon_mac mac, char text[ROMON_MAC_TEXT]);
/* Reads six hexadecimal pairs joined by ':' or '-', in either case, and nothing else. False, and *mac untouched, if not. */
bool romon_mac_parse(const char *text, struct romon_mac *mac);

/* Writes a version TLV's four bytes as RouterOS prints them ("7.13", "6.47beta7", "7.13.2") and returns text. */
char *romon_version_text(const uint8_t version[4], char text[ROMON_VERSION_TEXT]);

/* Copies in[0..len) to out as valid UTF-8: what is not becomes U+FFFD, and so does NUL. At most cap - 1 bytes, cut at a character
 * boundary, and a NUL after them. Control characters stay: whoever prints escapes them. Returns the bytes before the NUL. */
size_t romon_text_clean(char *out, size_t cap, const uint8_t *in, size_t len);

/* Why a frame was dropped. romon_drop_name() gives the word that statistics print. */
enum romon_drop {
	ROMON_DROP_TRUNCATED,      /* shorter than its header, its length field or its own contents say */
	ROMON_DROP_BAD_LENGTH,     /* length field smaller than the headers that it must cover */
	ROMON_DROP_BAD_TYPE,       /* not one of the five message types */
	ROMON_DROP_BAD_ID,         /* zero or group address where a RoMON ID must stand */
	ROMON_DROP_BAD_SOURCE,     /* Ethernet source is zero, a group address or this port's own */
	ROMON_DROP_NOT_FOR_US,     /* Ethernet destination is neither the group nor this port */
	ROMON_DROP_BAD_HOPS,       /* hop list and pointer contradict each other or the receiving port */
	ROMON_DROP_BAD_TLV,        /* a TLV that overruns, or a route that is missing, one too many, of a wrong size or impossible */
	ROMON_DROP_NO_SECRET,      /* hashed, and the port has no secret; or unhashed, and its list wants a hash */
	ROMON_DROP_BAD_DIGEST,     /* hashed, and no secret of the list fits */
	ROMON_DROP_REPLAYED,       /* its counter was seen before, or is too old */
	ROMON_DROP_UNKNOWN_INDEX,  /* a secret fits, but the sender has yet to prove that this is its present sequence */
	ROMON_DROP_HASH_LIMIT,     /* more hashed frames of unknown senders than the port verifies in a second */
	ROMON_DROP_WRONG_ID,       /* at the end of its route, but meant for another ID */
	ROMON_DROP_NO_PORT,        /* its route leaves by a port that is not ours or not allowed */
	ROMON_DROP_NO_CARRIER,     /* the leaving port has none */
	ROMON_DROP_TOO_BIG,        /* does not fit the MTU of the leaving port */
	ROMON_DROP_LOOP,           /* its route has been on the leaving port before */
	ROMON_DROP_NOT_ASKED,      /* an answer that nobody waits for */
	ROMON_DROP_DUPLICATE,      /* a Discover answered already */
	ROMON_DROP_ANSWER_LIMIT,   /* more questions of one asker, or of all, than are answered */
	ROMON_DROP_RELAY_LIMIT,    /* more Discovers than this port passes on in a second */
	ROMON_DROP_TABLE_FULL,     /* a table has no room for what the frame says */
	ROMON_DROP_NO_SERVICE,     /* Data for a port that nobody serves */
	ROMON_DROP_BAD_PING,       /* a ping from or to a port that pings do not use */
	ROMON_DROP_LATE,           /* a ping's answer that nobody waits for */
	ROMON_DROP_BAD_SEGMENT,    /* of a stream: of no type that we know, or with numbers that cannot be */
	ROMON_DROP_NO_STREAM,      /* of a stream that does not exist */
	ROMON_DROP_QUEUE_FULL,     /* the output queue has no room */
	ROMON_DROP_SEND_FAILED,    /* the link could not send it (counted by the caller of the engine) */
	ROMON_DROP_OVERRUN,        /* came faster than the caller took it (counted by the caller) */
	ROMON_DROP_COUNT
};

const char *romon_drop_name(enum romon_drop reason); /* "bad-hops" */

enum romon_log_level { ROMON_LOG_ERROR, ROMON_LOG_WARNING, ROMON_LOG_INFO, ROMON_LOG_DEBUG };

/* What the engine may ask of the world. Copied by romon_engine_new(). */
struct romon_env {
	void *ctx;
	uint64_t (*random)(void *ctx);
	/* One line, without a newline, that holds nothing raw of what a stranger sent. */
	void (*log)(void *ctx, enum romon_log_level level, const char *line);
};

/* This router. Texts are UTF-8, NUL-terminated; longer ones are cut to ROMON_TEXT_MAX bytes at a character when sent. */
struct romon_router {
	struct romon_mac id;
	const char *identity;
	const char *board;
	uint8_t version[4];
	struct romon_time started; /* uptime counts from here */
	bool send_uptime;          /* append the uptime TLV (tag 224) [O] */
	bool unicast;              /* false: every frame goes to the group address, as the MikroTik page words it */
	uint32_t answers;          /* bytes in any second that questions which no secret vouches for may draw; 0: ROMON_ANSWERS_DEFAULT */
};

/* A network interface that takes part. */
struct romon_port {
	uint32_t link;        /* link id: the kernel's ifindex; not zero */
	struct romon_mac mac; /* may be shared with other ports of this router */
	uint16_t mtu;         /* bytes after the Ethernet header */
	uint16_t cost;        /* 1 to 65535 */
	bool no_carrier;      /* nothing can be sent or heard now: what was learned over it is forgotten, its counters stay */
};

struct romon_frame {
	uint32_t link;  /* the port that it came in by or leaves by */
	size_t len;     /* bytes, Ethernet header included */
	uint8_t *data;
	struct romon_time came; /* when it came in, if the link knows better than by the time that it is handed over with; else 0 */
};

struct romon_engine;

/* A new engine without ports, or NULL if there is no memory. Free it with romon_engine_free(). */
struct romon_engine *romon_engine_new(const struct romon_env *env, const struct romon_router *router);
void romon_engine_free(struct romon_engine *engine);

/* Changes what this router says of itself. A changed ID forgets everything learned under the old one. False if the ID is invalid
 * or there is no memory: nothing has changed then. */
bool romon_engine_set_router(struct romon_engine *engine, const struct romon_router *router);

/* An entry of a list of secrets. Length 0 is the empty secret: unhashed. */
struct romon_secret {
	uint8_t len;
	uint8_t bytes[ROMON_SECRET_LEN_MAX];
};

/* Adds the port, or changes the one with this link id. False if the port is impossible (no link id, cost 0, group MAC) or there are
 * ROMON_PORTS_MAX ports already. While somebody wants discovery, a new port asks at once. */
bool romon_engine_set_port(struct romon_engine *engine, const struct romon_port *port, struct romon_time now);
/* Removes it, with its counters, what waits to be sent by it and every edge that it was an end of. */
void romon_engine_remove_port(struct romon_engine *engine, uint32_t link);

/* Gives a port its list of secrets, at most ROMON_SECRETS_MAX, none of them twice: its own, or where that is empty the global one. The
 * first one signs, any of them verifies; what was proven under secrets that stay is kept, so that a change loses no frame. False: there
 * is no such port, too many secrets, or no memory; nothing has changed. The engine keeps a copy, and wipes it when it lets it go. */
bool romon_engine_set_secrets(struct romon_engine *engine, uint32_t link, const struct romon_secret *secrets, size_t count,
	struct romon_time now);

/* A valid unhashed frame of this neighbour came in by the port and was passed on without the engine, which is to know that it is there. */
void romon_engine_heard(struct romon_engine *engine, uint32_t link, struct romon_mac neighbor, struct romon_time now);
/* Takes count frames; the engine may change their bytes but keeps nothing of them. A frame of a link id that is no port is ignored. */
void romon_engine_receive(struct romon_engine *engine, const struct romon_frame *frames, size_t count, struct romon_time now);
/* Does what has fallen due, then gives up to max frames to send, in order. Their bytes are the engine's and stay valid until its
 * next call of any kind. Returns how many; fewer than max means that the queue is empty. */
size_t romon_engine_send(struct romon_engine *engine, struct romon_frame *frames, size_t max, struct romon_time now);
/* When romon_engine_send() must be called at the latest. False: not before something else happens (an idle router sleeps). */
bool romon_engine_wake(const struct romon_engine *engine, struct romon_time *when);

/* Discovery: asks at once and then once a second, in large networks more rarely, while it was started more often than stopped. */
void romon_engine_discover_start(struct romon_engine *engine, struct romon_time now);
void romon_engine_discover_stop(struct romon_engine *engine);

/* A router that discovery has found. */
struct romon_seen {
	struct romon_mac id;
	bool active;         /* heard within the last 5 rounds of asking (5 s or more), and since discovery last began anew */
	bool reachable;      /* there is a path; else cost, hops, l2mtu and path say nothing */
	uint32_t cost;
	uint16_t l2mtu;
	uint8_t hops;        /* entries of path */
	struct romon_mac path[ROMON_HOPS_MAX]; /* IDs on the way; the last one is id */
	char identity[ROMON_SEEN_TEXT_MAX * 3 + 1]; /* valid UTF-8; U+FFFD takes three bytes. Empty: unknown */
	char board[ROMON_SEEN_TEXT_MAX * 3 + 1];
	char version[ROMON_VERSION_TEXT];
	bool has_uptime;
	uint32_t uptime;     /* seconds */
	struct romon_time last_seen;
};

/* How many routers are known, ourselves left out. The order is that of the IDs and holds until the next call that takes frames or
 * time. romon_engine_router() fills *seen with number index and returns false past the end. */
size_t romon_engine_router_count(struct romon_engine *engine);
bool romon_engine_router(struct romon_engine *engine, size_t index, struct romon_seen *seen);
/* Changes whenever what the two functions above would tell may have changed. */
uint64_t romon_engine_generation(const struct romon_engine *engine);

/* One end of a link between two routers, as a discovery answer reported it. */
struct romon_end {
	struct romon_mac id;
	uint32_t link;
	uint16_t l2mtu;
	uint16_t cost;
	struct romon_mac mac;
};
struct romon_edge {
	struct romon_end a; /* the one that asked or passed on */
	struct romon_end b; /* the one that answered */
	bool active;
};
/* Every link that was reported, once; the order holds as that of the routers does. */
size_t romon_engine_edge_count(struct romon_engine *engine);
bool romon_engine_edge(struct romon_engine *engine, size_t index, struct romon_edge *edge);

/* Ping. */
struct romon_ping {
	struct romon_mac id;
	uint32_t count;   /* 0: until stopped */
	uint16_t size;    /* bytes of payload, at least ROMON_PING_MIN */
	int64_t interval; /* nanoseconds, a millisecond to a day */
};
/* Starts pinging and returns a handle > 0, or 0 if there are too many pings already or *ping is out of bounds. Results come as
 * events. Without a known path it asks for one; so does an answer that does not come. */
uint32_t romon_engine_ping_start(struct romon_engine *engine, const struct romon_ping *ping, struct romon_time now);
/* Ends it without further events. An unknown handle is ignored. */
void romon_engine_ping_stop(struct romon_engine *engine, uint32_t handle);

/* Streams: bytes in order, both ways, between a port of ours and a port of another router.
 *
 * A stream is known by its handle, which is never 0. What happens to it comes as events; a flag of the stream, not a queue, is behind
 * them, so that an event that is not yet taken does not come twice. After ROMON_EVENT_STREAM_CLOSED or romon_stream_reset() the handle
 * is gone, and every call with an unknown handle does nothing. */

/* Why a stream ended. */
enum romon_stream_end {
	ROMON_STREAM_DONE,       /* both sides have finished, and everything was delivered and read */
	ROMON_STREAM_RESET,      /* the other side broke it off */
	ROMON_STREAM_REFUSED,    /* the other side does not want it */
	ROMON_STREAM_NO_SERVICE, /* nobody serves this port there */
	ROMON_STREAM_TIMEOUT,    /* the other side does not answer (any more) */
	ROMON_STREAM_NO_PATH,    /* there is no way to this ID */
};
const char *romon_stream_end_text(enum romon_stream_end reason); /* "no such service" */

/* From now on (on) connects to this port are accepted; the engine does not know what serves it. False: no port for streams (0 and 1). */
bool romon_engine_listen(struct romon_engine *engine, uint16_t port, bool on);
/* Begins to connect and returns the handle; the rest are events. Without a known path it asks for one. 0: there are too many streams
 * already, or ID or port are impossible. */
uint32_t romon_engine_stream_connect(struct romon_engine *engine, struct romon_mac id, uint16_t port, struct romon_time now);

/* The functions below do not take the time: call romon_engine_send() afterwards, as after all others. */

/* Takes as much of data as fits and returns how many bytes that were. When it took less, ROMON_EVENT_STREAM_WRITABLE will come. What
 * is written before the stream is open is sent then. */
size_t romon_stream_write(struct romon_engine *engine, uint32_t handle, const void *data, size_t len);
/* The same without a copy: where up to the returned number of bytes (0: full) may be written. Then romon_stream_commit() sends the
 * first len of them. The place is valid until the next call of the engine. */
size_t romon_stream_space(struct romon_engine *engine, uint32_t handle, uint8_t **place);
void romon_stream_commit(struct romon_engine *engine, uint32_t handle, size_t len);
/* The unread bytes that stand in one piece, without taking them: returns how many (0: nothing to read now). They stay valid until the
 * engine takes frames or romon_stream_read() takes them. Bytes that stay unread hold the sender back. */
size_t romon_stream_peek(struct romon_engine *engine, uint32_t handle, const uint8_t **data);
/* Takes the first len unread bytes away: what romon_stream_peek() has shown. */
void romon_stream_read(struct romon_engine *engine, uint32_t handle, size_t len);
/* Is everything read, and will nothing more come? */
bool romon_stream_finished(struct romon_engine *engine, uint32_t handle);
/* We have written everything: the other side will read what was written, and then the end. Reading goes on. A router that is not ours may
 * take it for the end of both directions. */
void romon_stream_shutdown(struct romon_engine *engine, uint32_t handle);
/* Ends it at once, both ways, with what is on the way lost, and tells the other side why: ROMON_STREAM_RESET, _REFUSED, _NO_SERVICE. */
void romon_stream_reset(struct romon_engine *engine, uint32_t handle, enum romon_stream_end reason);

enum romon_stream_state { ROMON_STREAM_CONNECTING, ROMON_STREAM_OPEN, ROMON_STREAM_CLOSING };
struct romon_stream_info {
	struct romon_mac id; /* the other side */
	uint16_t local_port, remote_port;
	bool connector;      /* we connected */
	bool ours;           /* the other side is known to be an OpenRoMON router */
	enum romon_stream_state state; /* CLOSING: one of the directions has ended */
	uint64_t received;   /* bytes that were read */
	uint64_t sent;       /* bytes that the other side has acknowledged */
	uint32_t unread, unsent; /* bytes that wait to be read, and to be acknowledged */
	uint64_t resent;     /* segments sent again */
	uint32_t window;     /* bytes: congestion window */
	uint32_t segment;    /* bytes of data in a full segment */
	int64_t rtt;         /* nanoseconds, smoothed; 0: nothing measured yet */
	struct romon_time began;
	uint8_t hops;        /* of its present path; 0: none */
	bool path_known;     /* path holds their IDs; else only the number of hops is known */
	struct romon_mac path[ROMON_HOPS_MAX]; /* IDs on the way; the last one is id */
};
bool romon_stream_info(struct romon_engine *engine, uint32_t handle, struct romon_stream_info *info);
/* The handle of the next stream after this one (0: the first), in no order; 0 after the last. */
uint32_t romon_stream_next(const struct romon_engine *engine, uint32_t handle);

enum romon_event_type {
	ROMON_EVENT_PING_REPLY,
	ROMON_EVENT_PING_TIMEOUT, /* no answer within 1 s */
	ROMON_EVENT_PING_DONE,    /* count reached and all decided; the handle is gone */
	ROMON_EVENT_STREAM_OPEN,     /* our connect was accepted */
	ROMON_EVENT_STREAM_ACCEPTED, /* a new stream, from a peer that has proved that it hears us */
	ROMON_EVENT_STREAM_READABLE, /* there is something more to read, or the end */
	ROMON_EVENT_STREAM_WRITABLE, /* after a write that took less than it was given: there is room again */
	ROMON_EVENT_STREAM_CLOSED,   /* it is over; the handle is gone */
};
struct romon_event {
	enum romon_event_type type;
	struct romon_mac id; /* the router pinged; the other side of the stream */
	/* Pings. */
	uint32_t ping;     /* handle */
	uint32_t seq;      /* from 0 */
	uint16_t size;     /* bytes of payload */
	int64_t rtt;       /* nanoseconds; REPLY only */
	/* Streams. */
	uint32_t stream;   /* handle */
	uint16_t port;     /* where the service is: ours if ACCEPTED, else that connected to */
	enum romon_stream_end reason; /* CLOSED only, as the next two: bytes that were read, and that the other side acknowledged */
	uint64_t received, sent;
};
/* Takes the next event. False: there is none. */
bool romon_engine_event(struct romon_engine *engine, struct romon_event *event);

/* Counters of one port since it was added. */
struct romon_port_stats {
	uint64_t rx; /* frames received, dropped ones included */
	uint64_t tx; /* frames given out to send */
	uint64_t forwarded; /* of tx: Data and DiscoverResp of others passed on */
	uint64_t hashed;    /* of rx: taken, verified by a secret */
	uint64_t unhashed;  /* of rx: taken without */
	uint64_t drops[ROMON_DROP_COUNT];
};
/* False if there is no such port. */
bool romon_engine_port_stats(const struct romon_engine *engine, uint32_t link, struct romon_port_stats *stats);
/* A neighbour: a MAC that a valid frame came from on a port in the last minute. */
struct romon_neighbor {
	uint32_t link;
	struct romon_mac mac;
	bool has_id; /* it has said which router it is */
	struct romon_mac id;
	uint32_t serial; /* of the secret that its last frame was hashed with; 0: unhashed */
	int secret;      /* which entry of the port's list that is, from 0; -1: unhashed, or the list has lost it */
	uint32_t proven; /* bit n: it has proven to hold entry n of the list */
	struct romon_time heard;
};
/* Fills up to max of them, by port and MAC, and returns how many there are. */
size_t romon_engine_neighbors(struct romon_engine *engine, struct romon_neighbor *neighbors, size_t max, struct romon_time now);

/* Counts one more drop on the port: for the caller, when a link refused a frame. Unknown ports are ignored. */
void romon_engine_count_drop(struct romon_engine *engine, uint32_t link, enum romon_drop reason);

#endif
