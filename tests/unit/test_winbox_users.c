/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The file of the agent's users, addresses and networks, and how much one source may cost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "agent/sources.h"
#include "winbox/users.h"

#define SALT "00112233445566778899aabbccddeeff"
#define X "4d3f1febd695c4fd930cee37eb15a01b6c475a6dfe74b044eaf3f3cff68d6227"
#define SECRET "secret " X "\n"

static bool parse(const char *text, struct users *users, unsigned *line)
{
	size_t len = strlen(text);
	char *exact = malloc(len + 1); /* so that a sanitizer sees a byte too many */
	bool good;

	memcpy(exact, text, len);
	good = users_parse(exact, len, users, line);
	free(exact);
	return good;
}

static void test_written_and_read(void **state)
{
	struct users users = {.has_secret = true, .secret = {1, 2, 3}}, again;
	struct user *user = users_add(&users, "noc");
	uint8_t id[USERS_ID], other[USERS_ID] = {0};
	char id_text[USERS_ID_TEXT], *text;
	unsigned line;
	size_t len;

	(void)state;
	memset(user->validator.salt, 7, SRP_SALT);
	memset(user->validator.gamma.x, 9, CURVE_LEN);
	user->validator.gamma.parity = 1;
	assert_true(users_targets_parse(user, "6C:3B:6B:48:0E:8B,00:00:5e:00:53:01"));
	assert_non_null(users_add(&users, "\xc3\xbcser"));
	text = users_text(&users, &len);
	assert_true(users_parse(text, len, &again, &line));
	free(text);
	assert_int_equal(again.count, 2);
	assert_memory_equal(again.secret, users.secret, USERS_SECRET);
	user = users_find(&again, "noc", 3);
	assert_memory_equal(&user->validator, &users.list[0].validator, sizeof(user->validator));
	assert_true(users_id_parse("00:00:5E:00:53:01", id));
	assert_string_equal(users_id_text(id, id_text), "00:00:5E:00:53:01");
	assert_true(users_allows(user, id));
	assert_false(users_allows(user, other));
	assert_true(users_allows(users_find(&again, "\xc3\xbcser", 5), other));
	assert_null(users_find(&again, "noc", 2));
	assert_null(users_find(&again, "noc2", 4));
	users_remove(&again, user);
	assert_null(users_find(&again, "noc", 3));
	assert_int_equal(again.count, 1);
	users_free(&users);
	users_free(&again);
}

static void test_what_is_no_file_of_users(void **state)
{
	static const char *const bad[] = {
		"\n\nuser noc " SALT " " X " 01\n",        /* a word is missing */
		"# x\n\nuser noc " SALT " " X " 01 * *\n", /* one too many */
		"\n\nuser noc " SALT " " X " 02 *\n",      /* no parity */
		"\n\nuser noc " SALT "00 " X " 01 *\n",    /* lengths */
		"\n\nuser noc " SALT " 00 01 *\n",
		"\n\nuser noc " SALT " " X " 01 here\n", /* no IDs */
		"\n\nuser noc " SALT " " X " 01 6C:3B:6B:48:0E:8B,\n",
		"\n\nuser n+c " SALT " " X " 01 *\n", /* a name that no login can have */
		SECRET "\n" SECRET,
		"\n\nsecret 00\n",
		"\n\nusers\n",
		"\nuser noc " SALT " " X " 01 *\nuser noc " SALT " " X " 01 *\n",
	};
	struct users users;
	unsigned line;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		if (parse(bad[i], &users, &line))
			fail_msg("taken: %s", bad[i]);
		if (line != 3)
			fail_msg("line %u: %s", line, bad[i]);
		assert_int_equal(users.count, 0);
	}
	assert_false(users_parse("user\0", 5, &users, &line));
	assert_true(parse("", &users, &line));
	assert_true(parse("# nobody\r\n\r\n" SECRET "user noc\t" SALT " " X " 01 *", &users, &line));
	assert_int_equal(users.count, 1);
	users_free(&users);
}

static void test_as_many_as_may(void **state)
{
	struct users users = {.has_secret = false}, again;
	char name[16], *text;
	unsigned line;
	size_t len;

	(void)state;
	for (int i = 0; i < USERS_MAX; i++) {
		snprintf(name, sizeof(name), "user%d", i);
		assert_non_null(users_add(&users, name));
	}
	assert_null(users_add(&users, "other"));
	text = users_text(&users, &len);
	assert_true(len < USERS_FILE_MAX);
	assert_true(users_parse(text, len, &again, &line));
	assert_int_equal(again.count, USERS_MAX);
	free(text);
	users_free(&users);
	users_free(&again);
}

static void test_networks(void **state)
{
	static const struct {
		const char *network, *address;
		bool has;
	} cases[] = {
		{"192.168.88.0/24", "192.168.88.255", true},
		{"192.168.88.0/24", "192.168.89.0", false},
		{"10.1.2.3", "10.1.2.3", true},
		{"10.1.2.3", "10.1.2.2", false},
		{"10.0.0.0/9", "10.127.1.1", true},
		{"10.0.0.0/9", "10.128.1.1", false},
		{"0.0.0.0/0", "1.2.3.4", true},
		{"0.0.0.0/0", "::1", false},
		{"2001:db8::/33", "2001:db8:7fff::1", true},
		{"2001:db8::/33", "2001:db8:8000::1", false},
		{"::/0", "::1", true},
	};
	struct network network, list[ADDRESS_LIST_MAX];
	struct address address, addresses[ADDRESS_LIST_MAX];
	size_t count;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_true(network_parse(cases[i].network, &network) && address_parse(cases[i].address, &address));
		if (network_has(&network, &address) != cases[i].has)
			fail_msg("%s and %s", cases[i].network, cases[i].address);
	}
	assert_false(network_parse("10.0.0.0/33", &network));
	assert_false(network_parse("10.0.0.0/", &network));
	assert_false(network_parse("10.0.0.0/0x8", &network));
	assert_false(network_parse("10.0.0/8", &network));
	assert_false(address_parse("example.org", &address));
	assert_true(network_list_parse("10.0.0.0/8,::1", list, &count) && count == 2);
	assert_false(
		address_list_parse("1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1,1.1.1.1", addresses, &count));
}

static struct sources sources;
static int64_t now = 1000000000000;

static enum sources_verdict knock(const char *text, struct source **source)
{
	struct address address;

	assert_true(address_parse(text, &address));
	return sources_open(&sources, &address, now, source);
}

static void test_a_source_has_few_places(void **state)
{
	struct source *source, *other;

	(void)state;
	memset(&sources, 0, sizeof(sources));
	for (int i = 0; i < SOURCES_OPEN_MAX; i++)
		assert_int_equal(knock("192.0.2.1", &source), SOURCES_WELCOME);
	assert_int_equal(knock("192.0.2.1", &source), SOURCES_BUSY);
	assert_int_equal(knock("192.0.2.2", &other), SOURCES_WELCOME);
	sources_close(source, false);
	assert_int_equal(knock("192.0.2.1", &source), SOURCES_WELCOME);
	/* A session is no login any more. */
	for (int i = 0; i < SOURCES_SESSIONS_MAX; i++) {
		sources_login(source);
		assert_int_equal(knock("192.0.2.1", &source), i + 1 < SOURCES_SESSIONS_MAX ? SOURCES_WELCOME : SOURCES_BUSY);
	}
	sources_close(source, true);
	assert_int_equal(knock("192.0.2.1", &source), SOURCES_WELCOME);
	/* All of a /64 are one. */
	assert_int_equal(knock("2001:db8::1", &source), SOURCES_WELCOME);
	assert_int_equal(knock("2001:db8::2", &other), SOURCES_WELCOME);
	assert_ptr_equal(source, other);
	assert_int_equal(knock("2001:db8:0:1::1", &other), SOURCES_WELCOME);
	assert_ptr_not_equal(source, other);
}

static void test_who_guesses_waits(void **state)
{
	struct source *source;
	int guesses = 0;

	(void)state;
	memset(&sources, 0, sizeof(sources));
	while (knock("192.0.2.1", &source) == SOURCES_WELCOME && guesses < 100) {
		sources_refused(source);
		sources_attempt(source);
		sources_close(source, false);
		guesses++;
	}
	assert_int_equal(guesses, SOURCES_ATTEMPTS / (SOURCES_FAILURE_COST + SOURCES_ATTEMPT_COST));
	assert_int_equal(knock("192.0.2.1", &source), SOURCES_BLOCKED);
	assert_int_equal(knock("192.0.2.2", &source), SOURCES_WELCOME);
	now += SOURCES_ATTEMPT_NS;
	assert_int_equal(knock("192.0.2.1", &source), SOURCES_WELCOME);
	sources_refused(source);
	sources_attempt(source);
	sources_close(source, false);
	assert_int_equal(knock("192.0.2.1", &source), SOURCES_BLOCKED);
	now += 3600 * SOURCES_ATTEMPT_NS;
	assert_int_equal(knock("192.0.2.1", &source), SOURCES_WELCOME);
	assert_int_equal(source->attempts, SOURCES_ATTEMPTS);
}

/* More sources than there are places for: those with nothing open are forgotten, the others stay. */
static void test_many_sources(void **state)
{
	struct source *kept, *source;
	char text[32];
	unsigned i;

	(void)state;
	memset(&sources, 0, sizeof(sources));
	assert_int_equal(knock("192.0.2.1", &kept), SOURCES_WELCOME);
	for (i = 0; i < 3 * SOURCES_MAX; i++) {
		now++;
		snprintf(text, sizeof(text), "10.1.%u.%u", i / 256, i % 256);
		assert_int_equal(knock(text, &source), SOURCES_WELCOME);
		assert_ptr_not_equal(source, kept);
		sources_close(source, false);
	}
	assert_int_equal(kept->open, 1);
	for (i = 0; i < SOURCES_MAX - 1; i++) {
		snprintf(text, sizeof(text), "10.2.%u.%u", i / 256, i % 256);
		assert_int_equal(knock(text, &source), SOURCES_WELCOME);
	}
	assert_int_equal(knock("10.3.0.1", &source), SOURCES_FULL);
	sources_close(kept, false);
	assert_int_equal(knock("10.3.0.1", &source), SOURCES_WELCOME);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_written_and_read),
		cmocka_unit_test(test_what_is_no_file_of_users),
		cmocka_unit_test(test_as_many_as_may),
		cmocka_unit_test(test_networks),
		cmocka_unit_test(test_a_source_has_few_places),
		cmocka_unit_test(test_who_guesses_waits),
		cmocka_unit_test(test_many_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
