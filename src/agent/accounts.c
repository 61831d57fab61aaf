/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Accounts. What an unknown name is answered with is made of the name and a secret, so that it stays the same as a user's does. That is
 * its salt, and more: a server's key b * G + mask hides the mask but for the one of eight classes that it is in, those of the points of
 * small order: whoever multiplies the key by the order of G sees it. So unknown names cannot all have one mask, nor any a new one each
 * time. Making one takes longer for some than for others: there are enough of them beforehand for every class to have its share.
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

/* What stays the same as long as the secret does. */
static void derive(const uint8_t secret[USERS_SECRET], const void *data, size_t len, uint8_t lasting[SHA256_DIGEST_SIZE])
{
	struct hmac_sha256_ctx hmac;

	hmac_sha256_set_key(&hmac, USERS_SECRET, secret);
	hmac_sha256_update(&hmac, len, data);
	hmac_sha256_digest(&hmac, SHA256_DIGEST_SIZE, lasting);
	explicit_bzero(&hmac, sizeof(hmac));
}

static const struct srp_account *find(void *ctx, const char *name, size_t len, struct srp_account *space, bool *known)
{
	struct accounts *accounts = ctx;
	const struct user *user = users_find(&accounts->users, name, len);
	uint8_t lasting[SHA256_DIGEST_SIZE];

	derive(accounts->users.secret, name, len, lasting);
	*known = user != NULL;
	*space = user != NULL ? accounts->ready[user - accounts->users.list] : accounts->nobody;
	if (user == NULL) {
		memcpy(space->validator.salt, lasting, SRP_SALT);
		space->mask = accounts->masks[lasting[SRP_SALT]];
	}
	return space;
}

/* The masks of unknown names, from the secret. What they are made of begins with what no name has in it. */
static bool make_masks(struct accounts *accounts, const uint8_t secret[USERS_SECRET])
{
	uint8_t x[SHA256_DIGEST_SIZE];
	bool made = true;

	for (size_t i = 0; i < ACCOUNTS_MASKS && made; i++) {
		const uint8_t number[] = {0, (uint8_t)i};

		derive(secret, number, sizeof(number), x);
		made = curve_mask(accounts->curve, x, 0, &accounts->masks[i]);
	}
	explicit_bzero(x, sizeof(x));
	return made;
}

/* An account that nobody can log in with. */
static bool make_nobody(struct accounts *accounts)
{
	struct srp_validator validator = {.salt = {0}};
	uint8_t secret[SRP_HASH];
	bool made;

	random_fill(secret, sizeof(secret));
	made = curve_base(accounts->curve, secret, &validator.gamma) &&
	       srp_account_make(accounts->curve, &validator, &accounts->nobody) && make_masks(accounts, accounts->users.secret);
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
	else if (memcmp(users->secret, accounts->users.secret, USERS_SECRET) != 0 && !make_masks(accounts, users->secret)) {
		free(ready);
		return false;
	}
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
	if (fd < 0 || fstat(fd, &st) != 0) {
		int problem = errno;

		/* Once: every connection of a stranger asks for it. */
		if (accounts->problem != problem)
			log_error("%s: %s: the users stay as they were", accounts->path, strerror(problem));
		accounts->problem = problem;
	} else {
		accounts->problem = 0;
		if (!same_file(&st, &accounts->seen)) {
			accounts->seen = st;
			read_file(accounts, fd);
		}
	}
	if (fd >= 0)
		close(fd);
}

const struct user *accounts_user(const struct accounts *accounts, const char *name, size_t len)
{
	return users_find(&accounts->users, name, len);
}
