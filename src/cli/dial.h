/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Streams to services of other routers, opened by the daemon: the command asks, and then its connection is the stream.
 */
#ifndef CLI_DIAL_H
#define CLI_DIAL_H

#include <stdint.h>

#include "cli/cli.h"
#include "control/client.h"

/* A service of a router. */
struct dial {
	const char *id;      /* RoMON ID or identity */
	const char *service; /* its name; NULL: it is given by its port */
	uint16_t port;
};

/* A stream that is open. */
struct dial_stream {
	int fd;
	bool framed;       /* the bytes travel in frames, and the end with a verdict (pump.h) */
	json_int_t number; /* else the daemon's, for dial_ask_end() */
};

/* Seconds that opening a stream may take: until a router is found by its identity, for a turn among many, for the connect. */
#define DIAL_SECONDS 25

/* Reads ID and PORT or NAME. Returns CLI_DONE, or CLI_USAGE after having said what is wrong. */
int dial_read(struct dial *dial, const char *id, const char *service);

/* Asks for the stream: its answer is to be awaited. Returns like call_start(). */
int dial_start(const struct cli *cli, const struct dial *dial, bool fdpass, struct client **client);
/* The stream, once the answer has come. The client is gone then. */
struct dial_stream dial_take(const struct cli *cli, struct client *client, const struct message_reply *reply);
/* Asks and waits. Returns CLI_DONE with *stream, or a status after having said what is wrong. */
int dial_open(const struct cli *cli, const struct dial *dial, bool fdpass, struct dial_stream *stream);

/* Asks the daemon how a stream has ended, which its own end does not tell, if it is not framed: the answer, to be awaited, is for
 * dial_ended(). Returns like call_start(). */
int dial_ask_end(const struct cli *cli, const struct dial_stream *stream, struct client **client);
/* What the answer says. Returns CLI_DONE if all has arrived at both ends, or a status after having said why not. broke: that it broke off
 * is known already, only the reason is not. */
int dial_ended(const struct cli *cli, const struct client *client, enum client_result result, const struct message_reply *reply,
	bool broke);
/* Asks and waits, but says nothing: why it broke off, or "": it did not. To be freed. */
char *dial_reason(const struct cli *cli, const struct dial_stream *stream, bool broke);
/* Asks and waits. */
int dial_await_end(const struct cli *cli, const struct dial_stream *stream, bool broke);
/* Says why a stream broke off, as the verdict has it (pump_verdict()), or NULL: there was none. Returns CLI_NO. */
int dial_broke(const struct cli *cli, const char *verdict);

#endif
