/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What both processes hide, and what the worker gives up before it reads the first byte of a stranger: root, groups, capabilities, new
 * privileges by exec, and the system calls that it never needs.
 */
#ifndef ROMON_PRIVILEGE_H
#define ROMON_PRIVILEGE_H

#include <stdbool.h>
#include <sys/types.h>

/* Whom the worker becomes, and who may use the control socket. */
struct privilege_user {
	uid_t uid;
	gid_t gid;
	bool has_group; /* the group `romon` exists */
	gid_t group;    /* that group */
	uid_t agent;    /* the user `romon-agent`, as whom the WinBox agent runs; 0: there is none */
};

/* Who gives up what: the worker may open no sockets at all; the agent may connect to Unix sockets, but cannot change what it has open, and
 * opens files for reading only. */
enum privilege_role { PRIVILEGE_WORKER, PRIVILEGE_AGENT };

/* The user `romon`, else `nobody`. False, and logged, if there is neither. */
bool privilege_find_user(struct privilege_user *user);
/* The user `romon-agent`. False if there is none. */
bool privilege_find_agent(struct privilege_user *user);
/* Both halves of romond hold secrets: this keeps what the process has in memory from core dumps, swap, and other processes but root's.
 * To be called by root, after the fork. False, and logged, if it fails; memory that cannot be locked is not. */
bool privilege_hide(void);
/* Becomes that user, for good: the agent keeps the group `romon` besides, for the control socket. To be called last before strangers are
 * listened to. False, and logged, if any of it fails; the caller must then end. */
bool privilege_drop(const struct privilege_user *user, enum privilege_role role);

#endif
