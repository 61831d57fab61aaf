/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The monitor: the half of romond that keeps root. It answers a short list of fixed-size requests of the worker over a socket
 * pair, each checked as if an attacker had sent it, and passes descriptors, never names. It never reads a frame or a control
 * message.
 */
#ifndef ROMON_MONITOR_H
#define ROMON_MONITOR_H

#include <stdbool.h>
#include <stdint.h>

#include <romon/romon.h>

#include "daemon/agent.h"
#include "daemon/programs.h"

enum monitor_op {
	MONITOR_OPEN_PORT = 1,  /* ifindex -> a packet socket, if the configuration allows that interface to take part */
	MONITOR_OPEN_CONFIG,    /* -> the configuration file, for reading; status ENOENT if there is none */
	MONITOR_REPLACE_CONFIG, /* with a sealed memfd that holds the new text -> the file is replaced */
	MONITOR_LOAD_ID,        /* -> the RoMON ID that was kept for this very machine; ENOENT if none */
	MONITOR_SAVE_ID,        /* id -> kept */
	MONITOR_READY,          /* the worker serves: the service manager may know */
	MONITOR_ATTACH, /* ifindex -> path, why, slot: the interface has the best data path that the configuration and the kernel allow;
	                 * slot only where the path is XDP, or was */
	MONITOR_DETACH,        /* ifindex -> it has none any more */
	MONITOR_MAP,           /* number (1 + enum xdp_map) -> a map of the XDP program; ENOENT while there is no slot */
	MONITOR_START_SERVICE, /* port, id (who connects) -> a stream socket to what the configuration has there, if it is enabled.
	                         * ENOENT: nothing; EACCES: disabled; EUSERS: max-streams programs run already; or why that failed */
};

/* One request, one SOCK_SEQPACKET message. What an operation does not use must be zero. */
struct monitor_request {
	uint32_t op;
	uint32_t ifindex;
	struct romon_mac id;
	uint16_t port; /* or number */
};

/* One answer to each request, in order. Also sent unasked, with op MONITOR_NOTICE_RELOAD, when SIGHUP came. */
#define MONITOR_NOTICE_RELOAD 100
struct monitor_answer {
	uint32_t op;
	int32_t status; /* 0 or an errno */
	struct romon_mac id;
	uint8_t path; /* enum datapath_path */
	uint8_t why;  /* enum datapath_why */
	int32_t slot; /* -1: none */
};
_Static_assert(sizeof(struct monitor_request) == 16, "fixed size");
_Static_assert(sizeof(struct monitor_answer) == 20, "fixed size");

struct monitor_options {
	const char *config_path;
	const char *state_dir;
	int ready_fd; /* closed, after one byte, when the worker serves: whoever started romond waits for that. -1: nobody does */
	struct programs_limits limits; /* of the programs that it starts */
	struct agent_options agent;
};

/* Blocks the signals that the monitor takes from a descriptor, and ignores SIGPIPE and SIGXFSZ (a file that may not grow is an error
 * like a full disk). To be called before the worker is forked, so that none is lost. */
void monitor_block_signals(void);

/* Serves requests on fd, which it closes, until the worker goes away or a SIGTERM or SIGINT comes, and waits for the process
 * worker_pid (0: the caller does that). Returns the exit status of romond: 0 after a signal, 1 if the worker went by itself. */
int monitor_run(int fd, const struct monitor_options *options, int worker_pid);

#endif
