/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The worker's side of monitor.h: one request, one answer, waited for. The monitor is trusted here, not the other way round.
 */
#ifndef ROMON_MONITOR_CLIENT_H
#define ROMON_MONITOR_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/monitor.h"
#include "link/xdp_program.h"

struct monitor_client {
	int fd;
	bool reload; /* the monitor said MONITOR_NOTICE_RELOAD; whoever acts on it clears it */
	bool ended;  /* the monitor is gone: time to end as well */
};

/* All return 0 (or a descriptor) or a negative errno; -EPIPE with ended set if the monitor is gone. */
int monitor_client_open_port(struct monitor_client *client, uint32_t ifindex);
int monitor_client_open_config(struct monitor_client *client);
int monitor_client_replace_config(struct monitor_client *client, const char *text, size_t len);
int monitor_client_load_id(struct monitor_client *client, struct romon_mac *id);
int monitor_client_save_id(struct monitor_client *client, struct romon_mac id);
int monitor_client_ready(struct monitor_client *client);
/* Fills path, why and slot of *answer. */
int monitor_client_attach(struct monitor_client *client, uint32_t ifindex, struct monitor_answer *answer);
int monitor_client_detach(struct monitor_client *client, uint32_t ifindex);
int monitor_client_map(struct monitor_client *client, enum xdp_map map);
int monitor_client_start_service(struct monitor_client *client, uint16_t port, struct romon_mac remote);

/* Takes what came unasked, when fd is readable. */
void monitor_client_notice(struct monitor_client *client);

#endif
