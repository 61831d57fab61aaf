/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The file of users. A line is "user NAME SALT VALIDATOR PARITY TARGETS", all but the name in hex and the last "*" or a list of IDs; and
 * there is one line "secret HEX". Comments begin with '#'. A file that is wrong anywhere is refused whole.
 */
#include "winbox/users.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES (USERS_FILE_MAX / USERS_MAX)
#define WORDS_MAX 6

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool hex_parse(const char *text, uint8_t *bytes, size_t len)
{
	if (strlen(text) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = hex_digit(text[2 * i]), low = hex_digit(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		bytes[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool users_id_parse(const char *text, uint8_t id[USERS_ID])
{
	char digits[2 * USERS_ID + 1] = "";

	if (strlen(text) != USERS_ID_TEXT - 1)
		return false;
	for (size_t i = 0; i < USERS_ID; i++) {
		if (i > 0 && text[3 * i - 1] != ':')
			return false;
		memcpy(digits + 2 * i, text + 3 * i, 2);
	}
	return hex_parse(digits, id, USERS_ID);
}

const char *users_id_text(const uint8_t id[USERS_ID], char text[USERS_ID_TEXT])
{
	snprintf(text, USERS_ID_TEXT, "%02X:%02X:%02X:%02X:%02X:%02X", id[0], id[1], id[2], id[3], id[4], id[5]);
	return text;
}

bool users_targets_parse(struct user *user, const char *text)
{
	size_t count = 0;
	uint8_t targets[USERS_TARGETS_MAX][USERS_ID];

	while (*text != '\0') {
		size_t len = strcspn(text, ",");
		char one[USERS_ID_TEXT];

		if (count == USERS_TARGETS_MAX || len != USERS_ID_TEXT - 1)
			return false;
		memcpy(one, text, len);
		one[len] = '\0';
		if (!users_id_parse(one, targets[count++]))
			return false;
		text += len;
		if (*text == ',' && *++text == '\0')
			return false;
	}
	memcpy(user->targets, targets, count * USERS_ID);
	user->target_count = count;
	return true;
}

bool users_name_valid(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)name[i] <= ' ' || name[i] == 0x7f || name[i] == '+')
			return false;
	return len > 0 && len <= USERS_NAME_MAX && name[0] != '#';
}

struct user *users_find(const struct users *users, const char *name, size_t len)
{
	struct user *found = NULL;

	for (size_t i = 0; i < users->count; i++)
		if (strlen(users->list[i].name) == len && memcmp(users->list[i].name, name, len) == 0)
			found = &users->list[i];
	return found;
}

struct user *users_add(struct users *users, const char *name)
{
	struct user *user;

	if (users->list == NULL)
		users->list = calloc(USERS_MAX, sizeof(*users->list));
	if (users->list == NULL || users->count == USERS_MAX)
		return NULL;
	user = &users->list[users->count++];
	memset(user, 0, sizeof(*user));
	snprintf(user->name, sizeof(user->name), "%s", name);
	return user;
}

void users_remove(struct users *users, struct user *user)
{
	size_t number = (size_t)(user - users->list);

	memmove(user, user + 1, (users->count - number - 1) * sizeof(*user));
	users->count--;
}

bool users_allows(const struct user *user, const uint8_t id[USERS_ID])
{
	for (size_t i = 0; i < user->target_count; i++)
		if (memcmp(user->targets[i], id, USERS_ID) == 0)
			return true;
	return user->target_count == 0;
}

void users_free(struct users *users)
{
	free(users->list);
	memset(users, 0, sizeof(*users));
}

/* Cuts a line into words, in place. Returns how many, at most one more than there may be. */
static size_t split(char *line, char *words[WORDS_MAX])
{
	size_t count = 0;
	char *rest = NULL;

	for (char *word = strtok_r(line, " \t\r", &rest); word != NULL; word = strtok_r(NULL, " \t\r", &rest)) {
		if (count == WORDS_MAX)
			return WORDS_MAX + 1;
		words[count++] = word;
	}
	return count;
}

static bool parse_user(struct users *users, char *words[WORDS_MAX])
{
	struct srp_validator validator;
	struct user *user;

	if (!users_name_valid(words[1]) || users_find(users, words[1], strlen(words[1])) != NULL ||
		!hex_parse(words[2], validator.salt, SRP_SALT) || !hex_parse(words[3], validator.gamma.x, CURVE_LEN) ||
		!hex_parse(words[4], &validator.gamma.parity, 1) || validator.gamma.parity > 1)
		return false;
	user = users_add(users, words[1]);
	if (user == NULL)
		return false;
	user->validator = validator;
	return strcmp(words[5], "*") == 0 || (users_targets_parse(user, words[5]) && user->target_count > 0);
}

static bool parse_line(struct users *users, char *line)
{
	char *words[WORDS_MAX];
	size_t count = split(line, words);

	if (count == 0 || words[0][0] == '#')
		return true;
	if (count == 2 && strcmp(words[0], "secret") == 0 && !users->has_secret) {
		users->has_secret = hex_parse(words[1], users->secret, USERS_SECRET);
		return users->has_secret;
	}
	return count == 6 && strcmp(words[0], "user") == 0 && parse_user(users, words);
}

bool users_parse(const char *text, size_t len, struct users *users, unsigned *line)
{
	char copy[LINE_MAX_BYTES];
	size_t at = 0;

	memset(users, 0, sizeof(*users));
	for (*line = 1; at < len; ++*line) {
		const char *end = memchr(text + at, '\n', len - at);
		size_t n = end != NULL ? (size_t)(end - (text + at)) : len - at;

		if (n >= sizeof(copy) || memchr(text + at, '\0', n) != NULL)
			break;
		memcpy(copy, text + at, n);
		copy[n] = '\0';
		if (!parse_line(users, copy))
			break;
		at += n + (end != NULL);
	}
	if (at >= len)
		return true;
	users_free(users);
	return false;
}

static void write_hex(FILE *out, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		fprintf(out, "%02x", bytes[i]);
}

static void write_user(FILE *out, const struct user *user)
{
	char id[USERS_ID_TEXT];

	fprintf(out, "user %s ", user->name);
	write_hex(out, user->validator.salt, SRP_SALT);
	fputc(' ', out);
	write_hex(out, user->validator.gamma.x, CURVE_LEN);
	fprintf(out, " %02x ", user->validator.gamma.parity);
	for (size_t i = 0; i < user->target_count; i++)
		fprintf(out, "%s%s", i > 0 ? "," : "", users_id_text(user->targets[i], id));
	fputs(user->target_count == 0 ? "*\n" : "\n", out);
}

char *users_text(const struct users *users, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	if (out == NULL)
		return NULL;
	fputs("# Users of OpenRoMON's WinBox agent. Written by `romon winbox-agent user`; passwords are not in here.\n", out);
	if (users->has_secret) {
		fputs("secret ", out);
		write_hex(out, users->secret, USERS_SECRET);
		fputc('\n', out);
	}
	for (size_t i = 0; i < users->count; i++)
		write_user(out, &users->list[i]);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
