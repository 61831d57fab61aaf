/* SPDX-License-Identifier: BSD-2-Clause
 *
 * M2, the form of WinBox's messages: the mark "M2" and then fields, each a key, a type and a value, little-endian. Nothing is decoded into
 * objects: a message stays bytes, and a field is a view of them, so that what passes through is not touched.
 */
#ifndef WINBOX_M2_H
#define WINBOX_M2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define M2_MARK 2  /* bytes that a message begins with; one without fields has no others */
#define M2_DEPTH 8 /* messages within messages */

/* What a value is. The type byte holds 8 times this, and flags. [P][K][T] */
enum m2_kind {
	M2_BOOL = 0,
	M2_U32 = 1,
	M2_U64 = 2,
	M2_IPV6 = 3,
	M2_STRING = 4,
	M2_MESSAGE = 5,
	M2_RAW = 6,
	M2_BOOLS = 16,
	M2_U32S = 17,
	M2_U64S = 18,
	M2_IPV6S = 19,
	M2_STRINGS = 20,
	M2_MESSAGES = 21,
	M2_RAWS = 22,
};

/* Keys of the system [K], and those that many handlers share. */
enum m2_key {
	M2_TO = 0xff0001,         /* u32[]: path of the handler; in a reply, of who asked */
	M2_FROM = 0xff0002,       /* u32[]: path of the sender */
	M2_TYPE = 0xff0003,       /* u32: 2 in a reply */
	M2_STATUS = 0xff0004,     /* u32: 2 beside an error */
	M2_REPLY = 0xff0005,      /* bool: an answer is wanted */
	M2_REQUEST = 0xff0006,    /* u32: returned in the answer */
	M2_COMMAND = 0xff0007,    /* u32 */
	M2_ERROR = 0xff0008,      /* u32 */
	M2_ERROR_TEXT = 0xff0009, /* string */
	M2_TRACE = 0xff001c,      /* string[] */
	M2_ID = 0xfe0001,         /* u32: of a record, a query, a link */
	M2_RECORDS = 0xfe0002,    /* message[] */
	M2_NEXT = 0xfe0003,       /* u32: more of the answer is to be had with this */
	M2_FINISHED = 0xfe000b,   /* bool: the query is over */
	M2_COUNT = 0xfe0019,      /* u32: records in all */
};

#define M2_TYPE_REPLY 2
#define M2_STATUS_ERROR 2

/* Commands that all handlers have, of M2_COMMAND. [K][T] */
enum m2_command {
	M2_CMD_GETALL = 0xfe0004,
	M2_CMD_GET = 0xfe000d,
	M2_CMD_SET = 0xfe000e,
	M2_CMD_START = 0xfe000f,
	M2_CMD_POLL = 0xfe0010,
	M2_CMD_CANCEL = 0xfe0011,
	M2_CMD_ENDED = 0xfe0014, /* pushed, never asked */
};

/* Of M2_ERROR. [K][T] */
enum m2_error {
	M2_ERROR_PATH = 0xfe0002,    /* no such handler */
	M2_ERROR_COMMAND = 0xfe0003, /* no such command */
	M2_ERROR_ID = 0xfe0004,      /* no such object */
	M2_ERROR_FAILED = 0xfe0006,  /* with a text */
	M2_ERROR_DENIED = 0xfe0009,
	M2_ERROR_TOO_BIG = 0xfe000a,
	M2_ERROR_BUSY = 0xfe000c,
};

/* A field of a message. */
struct m2_field {
	uint32_t key;
	enum m2_kind kind;
	uint64_t number;     /* bool, u32, u64 */
	const uint8_t *data; /* IPv6: 16 bytes; string, raw, message: len bytes; array: what follows its count */
	size_t len;          /* of data */
	size_t count;        /* elements of an array */
	size_t width;        /* bytes that a length has within it */
	size_t begin, end;   /* where it stands in the message */
};

/* Is all of this a message, and of every message within it, no deeper than M2_DEPTH? Whoever reads one has asked this first. */
bool m2_valid(const uint8_t *message, size_t len);
/* The first field with this key and kind: a field of another kind counts for nothing [T]. */
bool m2_find(const uint8_t *message, size_t len, uint32_t key, enum m2_kind kind, struct m2_field *field);
/* Walks over the fields: *at begins as M2_MARK. False at the end, or where what follows is no field. */
bool m2_next(const uint8_t *message, size_t len, size_t *at, struct m2_field *field);
/* Walks over an array: *at begins as 0. An element is a field with the kind of one. False at the end. */
bool m2_element(const struct m2_field *array, size_t *at, struct m2_field *element);

/* Values, or what they are if the message has none. */
uint32_t m2_u32(const uint8_t *message, size_t len, uint32_t key, uint32_t absent);
bool m2_bool(const uint8_t *message, size_t len, uint32_t key, bool absent);
/* Copies up to max numbers of an array of u32; returns how many there are, which may be more. */
size_t m2_u32s(const uint8_t *message, size_t len, uint32_t key, uint32_t *numbers, size_t max);

/* A message being made: what does not fit fails it for good, once and for all. */
struct m2_writer {
	uint8_t *data;
	size_t max;
	size_t len;
	bool failed;
};

struct m2_writer m2_writer_make(uint8_t *data, size_t max); /* begins the message */
void m2_put_bool(struct m2_writer *writer, uint32_t key, bool value);
void m2_put_u32(struct m2_writer *writer, uint32_t key, uint32_t value);
void m2_put_u64(struct m2_writer *writer, uint32_t key, uint64_t value);
void m2_put_ipv6(struct m2_writer *writer, uint32_t key, const uint8_t address[16]);
/* kind: M2_STRING, M2_RAW or M2_MESSAGE. */
void m2_put_bytes(struct m2_writer *writer, uint32_t key, enum m2_kind kind, const void *data, size_t len);
void m2_put_text(struct m2_writer *writer, uint32_t key, const char *text);
void m2_put_u32s(struct m2_writer *writer, uint32_t key, const uint32_t *numbers, size_t count);
/* Begins an array of any kind, whose elements must follow. */
void m2_put_array(struct m2_writer *writer, uint32_t key, enum m2_kind kind, size_t count);
void m2_put_element_number(struct m2_writer *writer, enum m2_kind kind, uint64_t value); /* M2_BOOLS, M2_U32S, M2_U64S */
void m2_put_element_ipv6(struct m2_writer *writer, const uint8_t address[16]);
void m2_put_element_bytes(struct m2_writer *writer, const void *data, size_t len); /* M2_STRINGS, M2_RAWS, M2_MESSAGES */
/* A whole array whose elements were written before, to a writer that begins with no mark: len bytes. */
void m2_put_elements(
	struct m2_writer *writer, uint32_t key, enum m2_kind kind, size_t count, const uint8_t *elements, size_t len);
/* A field of another message, as it is there but for its key. */
void m2_put_field(struct m2_writer *writer, uint32_t key, const uint8_t *message, const struct m2_field *field);

/* A copy of the message in which the path at key has lost its first remove numbers, and got count others before it; one that is not
 * there is an empty one. All else stays as it is. The length of what was written to out; 0 if that does not fit, or there is no such
 * path. */
size_t m2_reroute(const uint8_t *message, size_t len, uint32_t key, size_t remove, const uint32_t *prefix, size_t count,
	uint8_t *out, size_t max);

#endif
