/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Accounts. The salt of an unknown name is made of the name and a secret, so that it stays the same as a user's does.
 */
#include "agent/accounts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nettle/hmac.h>

#include "agent/random.h"
#include "daemon/file.h"
#include "daemon/log.h"

static const struct srp_account *find(void *ctx, const char *name, size_t len, struct srp_account *space, bool *known)
{
	struct accounts *accounts = ctx;
	const struct user *user = users_find(&accounts->users, name, len);
	struct hmac_sha256_ctx hmac;
	uint8_t salt[SRP_SALT];

	hmac_sha256_set_key(&hmac, USERS_SECRET, accounts->users.secret);
	hmac_sha256_update(&hmac, len, (const uint8_t *)name);
	hmac_sha256_digest(&hmac, sizeof(salt), salt);
	*known = user != NULL;
	*space = user != NULL ? accounts->ready[user - accounts->users.list] : accounts->nobody;
	if (user == NULL)
		memcpy(space->validator.salt, salt, sizeof(salt));
	return space;
}

/* An account that nobody can log in with. */
static bool make_nobody(struct accounts *accounts)
{
	struct srp_validator validator = {.salt = {0}};
	uint8_t secret[SRP_HASH];
	bool made;

	random_fill(secret, sizeof(secret));
	made = curve_base(accounts->curve, secret, &validator.gamma) &&
	       srp_account_make(accounts->curve, &validator, &accounts->nobody);
	explicit_bzero(secret, sizeof(secret));
	return made;
}

bool accounts_init(struct accounts *accounts, struct curve *curve, const char *path)
{
	memset(accounts, 0, sizeof(*accounts));
	accounts->curve = curve;
	accounts->path = path;
	accounts->lookup = (struct channel_accounts){find, accounts};
	random_fill(accounts->users.secret, USERS_SECRET);
	if (!make_nobody(accounts))
		return false;
	accounts_refresh(accounts);
	if (accounts->users.count == 0)
		log_warning("there are no users in %s, so nobody can log in: romon winbox-agent user add NAME", path);
	return true;
}

void accounts_free(struct accounts *accounts)
{
	users_free(&accounts->users);
	free(accounts->ready);
	accounts->ready = NULL;
}

/* Takes over the users, if all of them can log in. */
static bool adopt(struct accounts *accounts, struct users *users)
{
	struct srp_account *ready = calloc(users->count + 1, sizeof(*ready));

	for (size_t i = 0; ready != NULL && i < users->count; i++) {
		if (!srp_account_make(accounts->curve, &users->list[i].validator, &ready[i])) {
			log_error("%s: the validator of user %s is none: add the user anew", accounts->path, users->list[i].name);
			free(ready);
			return false;
		}
	}
	if (ready == NULL)
		return false;
	if (!users->has_secret)
		memcpy(users->secret, accounts->users.secret, USERS_SECRET);
	accounts_free(accounts);
	accounts->users = *users;
	accounts->ready = ready;
	return true;
}

static void read_file(struct accounts *accounts, int fd)
{
	struct users users;
	unsigned line = 0;
	size_t len;
	char *text = file_read(fd, USERS_FILE_MAX, &len);

	if (text == NULL)
		log_error("%s: %s", accounts->path, strerror(errno));
	else if (!users_parse(text, len, &users, &line))
		log_error("%s:%u: no user: the users stay as they were", accounts->path, line);
	else if (!adopt(accounts, &users))
		users_free(&users);
	else
		log_info("%zu user%s may log in", accounts->users.count, accounts->users.count == 1 ? "" : "s");
	free(text);
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

void accounts_refresh(struct accounts *accounts)
{
	struct users none = {.has_secret = false};
	struct stat st;
	int fd = file_open(accounts->path);

	if (fd < 0 && errno == ENOENT) {
		memset(&accounts->seen, 0, sizeof(accounts->seen));
		if (accounts->users.count > 0 && adopt(accounts, &none))
			log_warning("%s is gone: nobody can log in", accounts->path);
		return;
	}
	if (fd < 0 || fstat(fd, &st) != 0)
		log_error("%s: %s", accounts->path, strerror(errno));
	else if (!same_file(&st, &accounts->seen)) {
		accounts->seen = st;
		read_file(accounts, fd);
	}
	if (fd >= 0)
		close(fd);
}

const struct user *accounts_user(const struct accounts *accounts, const char *name, size_t len)
{
	return users_find(&accounts->users, name, len);
}
