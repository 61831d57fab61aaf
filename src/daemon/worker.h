/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The worker: the half of romond that reads what strangers send, without any privileges. One thread, one loop. Each turn of the
 * loop takes what came in, and worker.c then does what follows from it: frames out, events to the clients, the next timer.
 */
#ifndef ROMON_WORKER_H
#define ROMON_WORKER_H

#include <stdbool.h>

#include <event2/event.h>

#include <romon/romon.h>

#include "daemon/asking.h"
#include "daemon/config.h"
#include "daemon/datapath.h"
#include "daemon/members.h"
#include "daemon/monitor_client.h"
#include "daemon/privilege.h"
#include "daemon/pump.h"
#include "daemon/self.h"
#include "daemon/services.h"
#include "link/ifaces.h"
#include "link/pcap.h"

/* What the worker inherits. Descriptors become its own; -1: there is no capture. */
struct worker_options {
	int monitor_fd;
	int listen_fd;
	int pcap_fd;
	struct privilege_user user;
	const char *config_path; /* for messages only: the monitor opens the file */
	const char *agent_users; /* likewise: the file of the WinBox agent's users */
};

struct worker {
	struct event_base *base;
	struct monitor_client monitor;
	struct ifaces *ifaces;
	const char *config_path;
	const char *agent_users;
	uid_t agent; /* the account of the WinBox agent; 0: there is none */
	struct config *config;
	struct self self;
	struct romon_time started;
	struct romon_mac id;         /* zero: none could be chosen yet */
	struct romon_engine *engine; /* NULL while RoMON is disabled */
	struct members members;
	struct datapaths datapaths;
	struct asking asking;
	struct services services;
	struct pumps pumps;
	struct pcap *pcap; /* NULL: nothing is recorded */
	struct control *control;
	bool refresh; /* what takes part must be looked at anew before the turn ends */
	bool failed;  /* the worker cannot go on */
};

/* Runs until the monitor goes away. Returns the exit status. */
int worker_run(const struct worker_options *options);

/* CLOCK_MONOTONIC, as the engine takes it. */
struct romon_time worker_now(void);
/* Sends what the engine has to send. To be called after every batch of frames that it took: its queue is bounded. */
void worker_flush(struct worker *worker);

#endif
