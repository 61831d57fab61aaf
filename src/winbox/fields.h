/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The keys of an agent's messages, for the agent that we are and for the client that we are. Nobody has published those of a discovery's
 * record, so they are guesses, in one table: the day that somebody reads them from a router, it is the only place to change.
 */
#ifndef WINBOX_FIELDS_H
#define WINBOX_FIELDS_H

#include "winbox/m2.h"

/* Handlers, by their paths: the RoMON menu, its discovery, links, the system. */
enum {
	FIELDS_ROMON = 127,
	FIELDS_ROMON_PORTS = 1,
	FIELDS_ROMON_SETTINGS = 2,
	FIELDS_ROMON_DISCOVERY = 4,
	FIELDS_LINKS = 2,
};

/* Commands. [T] */
enum {
	FIELDS_PING_START = 7,
	FIELDS_PING_CANCEL = 8,
	FIELDS_CHECK = 9,
	FIELDS_CONNECT = 2001,
	FIELDS_SYSTEM_INFORMATION = 7,
};

/* Of the settings. [T] */
enum { SETTINGS_ENABLED = 0x1, SETTINGS_CURRENT_ID = 0x65 };

/* Of a ping: in the request, and in a record. [T], but what is marked. */
enum {
	PING_TARGET = 0x1,    /* raw: also the host of a record */
	PING_SIZE = 0x2,      /* u32 [I] */
	PING_COUNT = 0x3,     /* u32 */
	PING_INTERVAL = 0x4,  /* u32, milliseconds */
	PING_TIME = 0x64,     /* u32 [I]: milliseconds */
	PING_STATUS = 0x65,   /* string */
	PING_SENT = 0x69,     /* u32 [I] */
	PING_RECEIVED = 0x6a, /* u32 [I] */
	PING_LOSS = 0x6b,     /* u32 [I]: percent */
	PING_BAR = 0x6c,      /* string */
	PING_SEQ = 0x6d,      /* u32 */
};

/* A record of the table of routers: under which key our value of that name (in Discover's answer) stands, and as what. [G] */
struct fields_router {
	const char *name;
	uint32_t key;
	enum m2_kind kind;
};
#define FIELDS_ROUTER 10
extern const struct fields_router fields_router[FIELDS_ROUTER];

#endif
