/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One client of the control socket, as the methods see it. A client has one call at a time; what it sends meanwhile waits.
 */
#ifndef ROMON_CLIENT_H
#define ROMON_CLIENT_H

#include <stdbool.h>

#include <jansson.h>

#include "control/message.h"
#include "daemon/args.h"
#include "daemon/worker.h"

struct client;

/* A call that is not answered at once. Its state is client->state, freed by end(). */
struct job {
	void (*event)(struct client *client, const struct romon_event *event); /* may be NULL */
	void (*settle)(struct client *client);                                 /* after each turn; may be NULL */
	void (*end)(struct client *client); /* stops what was started and frees the state; sends nothing */
};

struct client {
	struct control *control;
	struct worker *worker;
	struct bufferevent *stream;
	bool root;                /* uid 0 */
	bool agent;               /* the account of the WinBox agent, which may little */
	bool closing;             /* the other side will send nothing more: goes when all is written */
	bool doomed;              /* goes at the end of the turn */
	bool busy;                /* a call is being answered */
	struct message_call call; /* that call */
	const struct job *job;    /* not NULL: it goes on after its method returned */
	void *state;
};

/* Answers. They take over the reference to parameters, which may be NULL. After reply and error the call is over, and its job
 * ended. */
void client_reply(struct client *client, json_t *parameters);
void client_error(struct client *client, const char *error, json_t *parameters);
/* One of several answers: allowed only if the call said "more". */
void client_update(struct client *client, json_t *parameters);
/* An error of io.openromon, by its name there, with one text named field (NULL: with nothing). */
void client_fail(struct client *client, const char *name, const char *field, const char *text);
/* False, and answered with an error, if a parameter was wrong. */
bool client_args_ok(struct client *client, const struct args *args);
/* Answers, and ends both the call and the client: the connection, whose descriptor is returned, is no more for calls. -1 if it cannot be
 * answered at once, or has sent something behind its call. Takes over the reference to parameters. */
int client_upgrade(struct client *client, json_t *parameters);
/* Bytes that the client has not taken yet. */
size_t client_backlog(const struct client *client);

/* A method of the table. The groups of methods end with an entry without a name. */
struct method {
	const char *name; /* "io.openromon.Ping" */
	void (*call)(struct client *client, struct args *args);
	const char *const *parameters; /* the names of all, and NULL */
	bool root;                     /* for uid 0 only */
	bool running;                  /* needs RoMON enabled: the engine is there */
	bool upgrade;                  /* the connection becomes something else: to be called so, and no other method may */
};

extern const struct method service_methods[];  /* control_service.c */
extern const struct method config_methods[];   /* control_config.c */
extern const struct method port_methods[];     /* control_ports.c */
extern const struct method discover_methods[]; /* control_discover.c */
extern const struct method ping_methods[];     /* control_ping.c */
extern const struct method stats_methods[];    /* control_stats.c */
extern const struct method stream_methods[];   /* control_streams.c */
extern const struct method services_methods[]; /* control_services.c */
extern const struct method neighbor_methods[]; /* control_neighbors.c */
extern const struct method resolve_methods[];  /* control_resolve.c */
extern const struct method agent_methods[];    /* control_agent.c */

#endif
