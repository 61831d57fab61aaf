/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The users as the login needs them: read from their file, read anew when that has changed, and prepared so that no login takes longer than
 * another. A name that nobody has gets an account, too, whose password nobody knows.
 */
#ifndef AGENT_ACCOUNTS_H
#define AGENT_ACCOUNTS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "winbox/channel.h"
#include "winbox/users.h"

#define ACCOUNTS_MASKS 256 /* one byte picks one: see accounts.c */

struct accounts {
	struct curve *curve;
	const char *path;
	struct stat seen; /* of the file when it was read; zeroed: there is none */
	int problem;      /* errno that kept it from being read, and was logged; 0: none */
	struct users users;
	struct srp_account *ready; /* one for each user */
	struct srp_account nobody;
	struct curve_point masks[ACCOUNTS_MASKS]; /* of names that nobody has */
	struct channel_accounts lookup;           /* for channel_server() */
};

/* False: no memory. A missing or broken file is logged, and leaves no users. */
bool accounts_init(struct accounts *accounts, struct curve *curve, const char *path);
void accounts_free(struct accounts *accounts);
/* Reads the file if it has changed. One that is broken leaves the users that there were. */
void accounts_refresh(struct accounts *accounts);
/* The user of a login that succeeded. NULL: removed meanwhile. */
const struct user *accounts_user(const struct accounts *accounts, const char *name, size_t len);

#endif
