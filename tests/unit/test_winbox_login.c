/* SPDX-License-Identifier: BSD-2-Clause
 *
 * EC-SRP5: every value of every vector, computed by both ends; then both ends of the channel with each other, and what must be refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "winbox/channel.h"
#include "winbox_vectors.h"

static struct curve *curve;

/* The channel's randomness: what a test laid out, and behind that a plain sequence. */
static uint8_t script[256];
static size_t script_len, script_at;
static uint64_t random_state = 7;

static void scripted(void *buf, size_t len)
{
	uint8_t *out = buf;

	for (size_t i = 0; i < len; i++) {
		random_state = random_state * 6364136223846793005u + 1442695040888963407u;
		out[i] = script_at < script_len ? script[script_at++] : (uint8_t)(random_state >> 40);
	}
}

static void script_set(const void *data, size_t len)
{
	memcpy(script, data, len);
	script_len = len;
	script_at = 0;
}

/* One vector, taken apart. */
struct login {
	char name[BYTES_MAX + 1], account[BYTES_MAX + 1], password[BYTES_MAX + 1];
	uint8_t salt[BYTES_MAX], a[BYTES_MAX], b[BYTES_MAX];
};

static void text(const struct vector_block *block, const char *name, char out[BYTES_MAX + 1])
{
	out[winbox_vector_bytes(block, name, 0, (uint8_t *)out)] = '\0';
}

static struct login *login_read(const struct vector_block *block)
{
	static struct login login;

	text(block, "login_name_on_wire", login.name);
	text(block, "account", login.account);
	text(block, "password", login.password);
	assert_int_equal(winbox_vector_bytes(block, "salt", 0, login.salt), SRP_SALT);
	assert_int_equal(winbox_vector_bytes(block, "client_private", 0, login.a), SRP_HASH);
	assert_int_equal(winbox_vector_bytes(block, "server_private", 0, login.b), SRP_HASH);
	return &login;
}

static void same(const struct vector_block *block, const char *name, const void *data, size_t len)
{
	uint8_t expected[BYTES_MAX];

	assert_int_equal(winbox_vector_bytes(block, name, 0, expected), len);
	assert_memory_equal(data, expected, len);
}

static void same_point(const struct vector_block *block, const char *x, const char *parity, const struct curve_point *point)
{
	same(block, x, point->x, CURVE_LEN);
	same(block, parity, &point->parity, 1);
}

static void both_ends(const struct vector_block *block)
{
	const struct login *login = login_read(block);
	struct srp client = {0}, server = {0};
	struct srp_validator validator;
	struct srp_account account;
	struct srp_challenge challenge;
	uint8_t confirm[SRP_HASH], answer[SRP_HASH], secret[SRP_HASH], client_secret[SRP_HASH];

	assert_true(srp_validator_make(curve, login->account, strlen(login->account), login->password, strlen(login->password),
		login->salt, &validator));
	same_point(block, "x_gamma", "gamma_parity", &validator.gamma);
	assert_true(srp_account_make(curve, &validator, &account));
	same(block, "redp1_even_x_mont", account.mask.x, CURVE_LEN);
	assert_true(srp_client_begin(curve, &client, login->a));
	same_point(block, "x_wa", "wa_parity", &client.client);
	assert_true(srp_server_begin(curve, &server, &client.client, &account, login->b, &challenge));
	same_point(block, "x_wb", "wb_parity", &challenge.key);
	assert_true(srp_client_confirm(curve, &client, login->account, strlen(login->account), login->password,
		strlen(login->password), &challenge, confirm));
	same(block, "j", client.j, SRP_HASH);
	same(block, "z", client.z, SRP_HASH);
	same(block, "client_confirmation", confirm, SRP_HASH);
	assert_true(srp_server_confirm(curve, &server, confirm, answer, secret));
	same(block, "z", server.z, SRP_HASH);
	same(block, "server_confirmation", answer, SRP_HASH);
	same(block, "secret", secret, SRP_HASH);
	assert_true(srp_client_end(&client, answer, client_secret));
	assert_memory_equal(secret, client_secret, SRP_HASH);
}

/* Puts the next bytes of the wire into a channel, all at once. */
static enum channel_event feed(struct channel *channel, const uint8_t *data, size_t len)
{
	size_t used;
	enum channel_event event = channel_input(channel, data, len, &used);

	assert_true(event == CHANNEL_BAD || event == CHANNEL_REFUSED_LOGIN || used == len);
	return event;
}

static enum channel_event feed_vector(struct channel *channel, const struct vector_block *block, const char *name)
{
	uint8_t wire[BYTES_MAX];

	return feed(channel, wire, winbox_vector_bytes(block, name, 0, wire));
}

static void expect_output(struct channel *channel, const struct vector_block *block, const char *name)
{
	size_t len;
	const uint8_t *data = channel_output(channel, &len);

	same(block, name, data, len);
	channel_output_drop(channel, len);
}

/* The client's channel says byte for byte what the vector's client said. */
static void client_wire(const struct vector_block *block)
{
	const struct login *login = login_read(block);
	struct channel *channel;
	uint8_t message[BYTES_MAX], iv[BYTES_MAX];
	size_t len;

	script_set(login->a, SRP_HASH);
	channel = channel_client(curve, login->name, login->password, scripted);
	assert_non_null(channel);
	expect_output(channel, block, "wire C>S_hello");
	assert_int_equal(feed_vector(channel, block, "wire S>C_challenge"), CHANNEL_MORE);
	expect_output(channel, block, "wire C>S_confirm");
	assert_int_equal(feed_vector(channel, block, "wire S>C_confirm"), CHANNEL_LOGIN);
	if (winbox_vector_has(block, "message C>S")) {
		script_set(iv, winbox_vector_bytes(block, "iv", 0, iv));
		assert_true(channel_send(channel, message, winbox_vector_bytes(block, "message C>S", 0, message)));
		expect_output(channel, block, "wire C>S_message");
	}
	if (winbox_vector_has(block, "message S>C")) {
		assert_int_equal(feed_vector(channel, block, "wire S>C_message"), CHANNEL_MESSAGE);
		same(block, "message S>C", channel_message(channel, &len), winbox_vector_bytes(block, "message S>C", 0, message));
	}
	channel_free(channel);
}

static void test_vectors(void **state)
{
	const struct vector_block *block;
	size_t count = 0;

	(void)state;
	winbox_vectors_open("winbox-handshake.txt");
	while ((block = winbox_vectors_next()) != NULL) {
		both_ends(block);
		client_wire(block);
		count++;
	}
	assert_int_equal(count, 4);
}

/* A server with one user. */
static const struct srp_account *find(void *ctx, const char *name, size_t len, struct srp_account *space, bool *known)
{
	(void)space;
	*known = len == 4 && memcmp(name, "user", 4) == 0;
	return ctx;
}

static struct srp_account account;
static const struct channel_accounts accounts = {find, &account};

static struct channel *server_new(void)
{
	struct channel *channel = channel_server(curve, &accounts, scripted);

	assert_non_null(channel);
	return channel;
}

static int set_up(void **state)
{
	static const uint8_t salt[SRP_SALT] = "0123456789abcde";
	struct srp_validator validator;

	(void)state;
	curve = curve_new();
	return curve != NULL && srp_validator_make(curve, "user", 4, "password", 8, salt, &validator) &&
			       srp_account_make(curve, &validator, &account)
		       ? 0
		       : -1;
}

static int tear_down(void **state)
{
	(void)state;
	curve_free(curve);
	return 0;
}

/* Moves what one end has to say to the other, step bytes at a time. The last event that is not CHANNEL_MORE. */
static enum channel_event move(struct channel *from, struct channel *to, size_t step)
{
	enum channel_event last = CHANNEL_MORE;
	size_t len;
	const uint8_t *data;

	while ((data = channel_output(from, &len), len) > 0) {
		size_t n = len < step ? len : step, used;
		enum channel_event event = channel_input(to, data, n, &used);

		if (event != CHANNEL_MORE)
			last = event;
		if (event == CHANNEL_BAD || event == CHANNEL_REFUSED_LOGIN)
			used = len;
		channel_output_drop(from, used);
	}
	return last;
}

/* Lets both log in; returns what became of the client, and in *at_server of the server. */
static enum channel_event log_in(struct channel *client, struct channel *server, size_t step, enum channel_event *at_server)
{
	assert_int_equal(move(client, server, step), CHANNEL_MORE);
	assert_int_equal(move(server, client, step), CHANNEL_MORE);
	*at_server = move(client, server, step);
	return move(server, client, step);
}

static void test_both_channels(void **state)
{
	static uint8_t message[CIPHER_MESSAGE_MAX];
	/* Where a chunk, a block or the last byte of either fills up, and the largest. */
	const size_t sizes[] = {2, 11, 202, 203, 204, 218, 219, 220, 3515, 3516, 3531, 3532, 32768, CIPHER_MESSAGE_MAX};
	enum channel_event at_server;

	(void)state;
	for (size_t i = 0; i < sizeof(message); i++)
		message[i] = (uint8_t)(i * 31);
	memcpy(message, CIPHER_MARK, 2);
	for (size_t step = 1; step <= 1000; step *= 10) {
		struct channel *client = channel_client(curve, "user+rw", "password", scripted), *server = server_new();
		struct channel *ends[] = {client, server};
		size_t len;

		assert_int_equal(log_in(client, server, step, &at_server), CHANNEL_LOGIN);
		assert_int_equal(at_server, CHANNEL_LOGIN);
		assert_string_equal(channel_login(server, &len), "user+rw");
		assert_int_equal(len, 4);
		for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(*sizes); i++) {
			assert_true(channel_send(ends[i % 2], message, sizes[i / 2]));
			assert_int_equal(move(ends[i % 2], ends[1 - i % 2], step), CHANNEL_MESSAGE);
			assert_memory_equal(channel_message(ends[1 - i % 2], &len), message, sizes[i / 2]);
			assert_int_equal(len, sizes[i / 2]);
		}
		assert_false(channel_send(client, message, CIPHER_MESSAGE_MAX + 1));
		channel_free(client);
		channel_free(server);
	}
}

/* The server's private key is a multiple of the cofactor. */
static void test_servers_key(void **state)
{
	uint8_t hello_wire[] = {4 + 34, 0x06, 'u', 's', 'e', 'r', 0, [2 + 4 + CURVE_LEN] = 9, 0}, scalar[SRP_HASH];
	struct channel *server = server_new();
	struct curve_point expected;
	const uint8_t *data;
	size_t len;

	(void)state;
	memset(scalar, 0xff, sizeof(scalar));
	script_set(scalar, sizeof(scalar));
	assert_int_equal(sizeof(hello_wire), 2 + 4 + 34);
	assert_int_equal(feed(server, hello_wire, sizeof(hello_wire)), CHANNEL_MORE);
	data = channel_output(server, &len);
	scalar[SRP_HASH - 1] = 0xf8;
	assert_true(curve_masked(curve, scalar, &account.mask, &expected));
	assert_memory_equal(data + 2, expected.x, CURVE_LEN);
	channel_free(server);
}

/* Wrong name, wrong password: the same answer, as long, at the same point. */
static void test_refused(void **state)
{
	static const char *const logins[][2] = {{"user", "passwort"}, {"nobody", "password"}, {"user", ""}, {"use", "password"},
		{"user2", "password"}, {"+user", "password"}};

	(void)state;
	for (size_t i = 0; i < sizeof(logins) / sizeof(*logins); i++) {
		struct channel *client = channel_client(curve, logins[i][0], logins[i][1], scripted), *server = server_new();
		enum channel_event at_server;

		assert_int_equal(log_in(client, server, 1000, &at_server), CHANNEL_REFUSED_LOGIN);
		assert_int_equal(at_server, CHANNEL_REFUSED_LOGIN);
		assert_string_equal(channel_refusal(client), CHANNEL_REFUSED);
		assert_int_equal(strlen(CHANNEL_REFUSED), 33);
		assert_int_equal(feed(server, (const uint8_t *)"\x01\x06x", 3), CHANNEL_BAD);
		channel_free(client);
		channel_free(server);
	}
}

/* A hello with any key. */
static enum channel_event hello(
	struct channel *server, const char *name, size_t name_len, const uint8_t x[CURVE_LEN], uint8_t parity)
{
	uint8_t wire[2 + 300] = {(uint8_t)(name_len + 34), 0x06};

	memcpy(wire + 2, name, name_len);
	memcpy(wire + 2 + name_len + 1, x, CURVE_LEN);
	wire[2 + name_len + 1 + CURVE_LEN] = parity;
	return feed(server, wire, 2 + name_len + 34);
}

static void silent(struct channel *server)
{
	size_t len;

	channel_output(server, &len);
	assert_int_equal(len, 0);
	channel_free(server);
}

/* No points, points of small order, too large parities: closed, without a word, whoever the name is. */
static void test_bad_keys(void **state)
{
	static const char *const keys[] = {
		/* x of the points of order 2, 4 and 8, and of the first two again with p added */
		"0000000000000000000000000000000000000000000000000000000000000000",
		"0000000000000000000000000000000000000000000000000000000000000001",
		"00b8495f16056286fdb1329ceb8d09da6ac49ff1fae35616aeb8413b7c7aebe0",
		"57119fd0dd4e22d8868e1c58c45c44045bef839c55b1d0b1248c50a3bc959c5f",
		"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffed",
		"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffee",
		/* x of no point */
		"0000000000000000000000000000000000000000000000000000000000000002",
		"7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffec",
	};
	static const char *const names[] = {"user", "nobody"};
	uint8_t x[BYTES_MAX];
	struct channel *server;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(keys) / sizeof(*keys); i++) {
		for (uint8_t parity = 0; parity < 2; parity++) {
			winbox_hex(keys[i / 2], x);
			server = server_new();
			assert_int_equal(hello(server, names[i % 2], strlen(names[i % 2]), x, parity), CHANNEL_BAD);
			silent(server);
		}
	}
	memset(x, 0, CURVE_LEN);
	x[CURVE_LEN - 1] = 9;
	server = server_new();
	assert_int_equal(hello(server, "user", 4, x, 2), CHANNEL_BAD);
	silent(server);
	server = server_new();
	assert_int_equal(hello(server, "user", 4, x, 1), CHANNEL_MORE);
	channel_free(server);
}

/* A key that lies outside of the group by a point of small order: a private key that is a multiple of the cofactor, as the channel's are,
 * makes nothing of that point. */
static void test_key_outside_the_group(void **state)
{
	/* x of G + the point of order 2 */
	static const char outside[] = "471c71c71c71c71c71c71c71c71c71c71c71c71c71c71c71c71c71c71c71c712";
	uint8_t x[BYTES_MAX], b[SRP_HASH] = {[30] = 7, [31] = 0x58}, j[SRP_HASH] = {[31] = 3}, z[2][CURVE_LEN];
	struct curve_point key, base = {.x = {[CURVE_LEN - 1] = 9}};

	(void)state;
	winbox_hex(outside, x);
	memcpy(key.x, x, CURVE_LEN);
	for (key.parity = 0; key.parity < 2; key.parity++) {
		base.parity = key.parity;
		b[SRP_HASH - 1] = 0x58;
		assert_true(curve_server_secret(curve, b, &base, j, &account.validator.gamma, z[0]));
		assert_true(curve_server_secret(curve, b, &key, j, &account.validator.gamma, z[1]));
		assert_memory_equal(z[0], z[1], CURVE_LEN);
		b[SRP_HASH - 1] = 0x59;
		assert_true(curve_server_secret(curve, b, &base, j, &account.validator.gamma, z[0]));
		assert_true(curve_server_secret(curve, b, &key, j, &account.validator.gamma, z[1]));
		assert_memory_not_equal(z[0], z[1], CURVE_LEN);
	}
}

static void test_bad_hellos(void **state)
{
	char name[256];
	uint8_t x[CURVE_LEN] = {[CURVE_LEN - 1] = 9};
	struct channel *server;

	(void)state;
	memset(name, 'a', sizeof(name));
	for (size_t len = 0; len <= CHANNEL_NAME_MAX + 1; len += CHANNEL_NAME_MAX / 2) {
		server = server_new();
		assert_int_equal(hello(server, name, len, x, 0), len == 0 ? CHANNEL_BAD : CHANNEL_MORE);
		channel_free(server);
	}
	server = server_new();
	assert_int_equal(hello(server, name, CHANNEL_NAME_MAX + 1, x, 0), CHANNEL_BAD);
	silent(server);
	/* A name that has a NUL in it: 32 bytes too many behind it; no NUL at all; nothing. */
	name[3] = '\0';
	server = server_new();
	assert_int_equal(hello(server, name, 36, x, 0), CHANNEL_BAD);
	silent(server);
	server = server_new();
	assert_int_equal(feed(server, (const uint8_t *)"\x03\x06xyz", 5), CHANNEL_BAD);
	silent(server);
	server = server_new();
	assert_int_equal(feed(server, (const uint8_t *)"\x00\x06", 2), CHANNEL_BAD);
	silent(server);
}

static void test_wrong_confirmations(void **state)
{
	uint8_t wire[2 + SRP_HASH] = {SRP_HASH, 0x06};

	(void)state;
	for (size_t bit = 0; bit < 8 * SRP_HASH; bit += 37) {
		struct channel *client = channel_client(curve, "user", "password", scripted), *server = server_new();
		const uint8_t *data;
		size_t len;

		move(client, server, 1000);
		move(server, client, 1000);
		data = channel_output(client, &len);
		assert_int_equal(len, sizeof(wire));
		memcpy(wire, data, len);
		wire[2 + bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_equal(feed(server, wire, len), CHANNEL_REFUSED_LOGIN);
		channel_free(server);
		/* And the client, of the server's. */
		memset(wire + 2, (int)bit, SRP_HASH);
		assert_int_equal(feed(client, wire, sizeof(wire)), CHANNEL_BAD);
		channel_free(client);
	}
}

/* What a client said once logs nobody in again. */
static void test_replayed(void **state)
{
	struct channel *client = channel_client(curve, "user", "password", scripted), *server = server_new();
	uint8_t said[512];
	size_t len, first;
	const uint8_t *data;

	(void)state;
	data = channel_output(client, &first);
	memcpy(said, data, first);
	move(client, server, 1000);
	move(server, client, 1000);
	data = channel_output(client, &len);
	memcpy(said + first, data, len);
	assert_int_equal(move(client, server, 1000), CHANNEL_LOGIN);
	channel_free(server);
	server = server_new();
	assert_int_equal(feed(server, said, first), CHANNEL_MORE);
	assert_int_equal(feed(server, said + first, len), CHANNEL_REFUSED_LOGIN);
	channel_free(server);
	channel_free(client);
}

/* Logins one after the other, right and wrong ones, with keys and salts of all kinds: none that is right fails, none that is wrong
 * does not. At full length these are 100,000. */
static void test_many_logins(void **state)
{
	const unsigned count = getenv("ROMON_SOAK") != NULL ? 100000 : 200;
	struct srp_account kept = account;

	(void)state;
	for (unsigned n = 0; n < count; n++) {
		bool wrong = n % 3 == 2;
		struct channel *client, *server;
		struct srp_validator validator;
		uint8_t salt[SRP_SALT];
		enum channel_event at_server, at_client;

		scripted(salt, sizeof(salt));
		assert_true(srp_validator_make(curve, "user", 4, "password", 8, salt, &validator));
		assert_true(srp_account_make(curve, &validator, &account));
		client = channel_client(curve, n % 2 == 0 ? "user+r" : "user", wrong ? "passwort" : "password", scripted);
		server = server_new();
		at_client = log_in(client, server, 1000, &at_server);
		assert_int_equal(at_client, wrong ? CHANNEL_REFUSED_LOGIN : CHANNEL_LOGIN);
		assert_int_equal(at_server, at_client);
		channel_free(client);
		channel_free(server);
	}
	account = kept;
}

/* The client believes no key that is none, and shows no text of a server that could steer a terminal. */
static void test_bad_servers(void **state)
{
	uint8_t challenge[2 + 49] = {49, 0x06, [2 + 31] = 1};
	struct channel *client = channel_client(curve, "user", "password", scripted);

	(void)state;
	assert_int_equal(feed(client, challenge, sizeof(challenge)), CHANNEL_BAD);
	channel_free(client);
	client = channel_client(curve, "user", "password", scripted);
	assert_int_equal(feed(client, (const uint8_t *)"\x05\x06go\x1b[m", 7), CHANNEL_BAD);
	assert_string_equal(channel_refusal(client), "");
	channel_free(client);
	client = channel_client(curve, "user", "password", scripted);
	assert_int_equal(feed(client,
				 (const uint8_t *)"\x04\x06"
						  "away",
				 6),
		CHANNEL_REFUSED_LOGIN);
	assert_string_equal(channel_refusal(client), "away");
	channel_free(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_both_channels),
		cmocka_unit_test(test_servers_key),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_key_outside_the_group),
		cmocka_unit_test(test_bad_hellos),
		cmocka_unit_test(test_wrong_confirmations),
		cmocka_unit_test(test_replayed),
		cmocka_unit_test(test_bad_servers),
		cmocka_unit_test(test_many_logins),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
