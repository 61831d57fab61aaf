/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The users of the WinBox agent: a text file, one line each, that `romon winbox-agent user` writes and the agent reads. It holds validators
 * and no passwords; who has it can still try passwords, so it is for root and the agent.
 */
#ifndef WINBOX_USERS_H
#define WINBOX_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "winbox/srp.h"

#define USERS_DEFAULT "/etc/romon/winbox-users"
#define USERS_MAX 256
#define USERS_NAME_MAX 64 /* bytes */
#define USERS_TARGETS_MAX 64
#define USERS_ID 6       /* bytes of a RoMON ID */
#define USERS_ID_TEXT 18 /* of its text, with the NUL */
#define USERS_SECRET 32
#define USERS_FILE_MAX (USERS_MAX * (256 + USERS_TARGETS_MAX * USERS_ID_TEXT))

struct user {
	char name[USERS_NAME_MAX + 1];
	struct srp_validator validator;
	size_t target_count; /* 0: all routers */
	uint8_t targets[USERS_TARGETS_MAX][USERS_ID];
};

struct users {
	/* Of this the salts that unknown names are answered with are made: it stays the same, as the salts of users do. */
	uint8_t secret[USERS_SECRET];
	bool has_secret;
	size_t count;
	struct user *list; /* memory for USERS_MAX, or NULL */
};

/* Reads the text of a file. False, and *line set (0: no memory), if anything in it is wrong; *users is then empty. */
bool users_parse(const char *text, size_t len, struct users *users, unsigned *line);
/* The text to write, to be freed. NULL: no memory. */
char *users_text(const struct users *users, size_t *len);
void users_free(struct users *users); /* leaves it empty */

/* May a user be called so? UTF-8 or not: whatever it is, it has no blanks, control characters or '+', which begins WinBox's options. */
bool users_name_valid(const char *name);
/* The user with that name, NULL if there is none. Looks at all of them, whether it finds one or not. */
struct user *users_find(const struct users *users, const char *name, size_t len);
/* Appends one, zeroed but for its name. NULL: no memory, or too many. */
struct user *users_add(struct users *users, const char *name);
void users_remove(struct users *users, struct user *user);
/* May this user connect to that router? */
bool users_allows(const struct user *user, const uint8_t id[USERS_ID]);

/* "6C:3B:6B:48:0E:8B" to and from bytes; lists with commas between. */
bool users_id_parse(const char *text, uint8_t id[USERS_ID]);
const char *users_id_text(const uint8_t id[USERS_ID], char text[USERS_ID_TEXT]);
bool users_targets_parse(struct user *user, const char *text);

#endif
