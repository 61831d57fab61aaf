/* SPDX-License-Identifier: BSD-2-Clause
 *
 * HMAC in lanes. A lane works through a text in stretches of blocks that stand together in memory: its head, the whole blocks of the rest,
 * the last bytes with MD5's padding, and the outer hash. All lanes go on together by the shortest of their stretches; one that is done
 * with its text takes the next.
 */
#include "core/md5.h"

#include <stdbool.h>
#include <string.h>

enum { WORDS = 4, LENGTH_LEN = 8 };

enum stretch { HEAD, REST, LAST, OUTER };

struct lane {
	struct md5_text *text; /* NULL: it has none, and does over what another one does, for nothing */
	enum stretch stretch;
	const uint8_t *at;
	size_t blocks; /* that are left of the stretch */
	uint8_t last[2 * MD5_BLOCK];
};

struct work {
	const struct md5_lanes *lanes;
	struct md5_text *next, *end; /* texts that nobody has begun */
	struct lane lane[MD5_LANES_MAX];
	uint32_t state[WORDS * MD5_LANES_MAX] __attribute__((aligned(64)));
};

static void put_u32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * i);
}

static void set_state(struct work *work, size_t lane, const uint32_t words[WORDS])
{
	for (size_t i = 0; i < WORDS; i++)
		work->state[i * work->lanes->lanes + lane] = words[i];
}

static void get_digest(const struct work *work, size_t lane, uint8_t digest[MD5_DIGEST_LEN])
{
	for (size_t i = 0; i < WORDS; i++)
		put_u32(digest + 4 * i, work->state[i * work->lanes->lanes + lane]);
}

/* The last bytes of a text of `whole` bytes, of which `len` are left, with MD5's padding: one or two blocks. */
static size_t pad(uint8_t last[2 * MD5_BLOCK], const uint8_t *bytes, size_t len, size_t whole)
{
	size_t blocks = len + 1 + LENGTH_LEN <= MD5_BLOCK ? 1 : 2;
	uint64_t bits = (uint64_t)whole * 8;

	memset(last, 0, blocks * MD5_BLOCK);
	memcpy(last, bytes, len);
	last[len] = 0x80;
	put_u32(last + blocks * MD5_BLOCK - LENGTH_LEN, (uint32_t)bits);
	put_u32(last + blocks * MD5_BLOCK - LENGTH_LEN + 4, (uint32_t)(bits >> 32));
	return blocks;
}

static void begin(struct lane *lane, enum stretch stretch, const uint8_t *at, size_t blocks)
{
	lane->stretch = stretch;
	lane->at = at;
	lane->blocks = blocks;
}

/* What is left of the text after its whole blocks. The block of the key counts as part of the text. */
static void begin_last(struct lane *lane)
{
	const struct md5_text *text = lane->text;
	size_t whole = text->rest_len / MD5_BLOCK * MD5_BLOCK;
	bool short_head = text->head_len < MD5_BLOCK;
	const uint8_t *bytes = short_head ? text->head : text->rest + whole;
	size_t len = short_head ? text->head_len : text->rest_len - whole;

	begin(lane, LAST, lane->last, pad(lane->last, bytes, len, MD5_BLOCK + text->head_len + text->rest_len));
}

static void begin_outer(struct work *work, size_t number)
{
	struct lane *lane = &work->lane[number];
	uint8_t inner[MD5_DIGEST_LEN];

	get_digest(work, number, inner);
	set_state(work, number, lane->text->key->outer);
	begin(lane, OUTER, lane->last, pad(lane->last, inner, sizeof(inner), MD5_BLOCK + sizeof(inner)));
}

/* The lane has done its stretch: on to the next one that has any block. */
static void advance(struct work *work, size_t number)
{
	struct lane *lane = &work->lane[number];

	if (lane->stretch == HEAD && lane->text->rest_len >= MD5_BLOCK)
		begin(lane, REST, lane->text->rest, lane->text->rest_len / MD5_BLOCK);
	else if (lane->stretch <= REST)
		begin_last(lane);
	else
		begin_outer(work, number);
}

/* Gives the lane the next text. */
static void take_text(struct work *work, size_t number)
{
	struct lane *lane = &work->lane[number];

	lane->text = work->next < work->end ? work->next++ : NULL;
	if (lane->text == NULL)
		return;
	set_state(work, number, lane->text->key->inner);
	if (lane->text->head_len == MD5_BLOCK)
		begin(lane, HEAD, lane->text->head, 1);
	else
		begin_last(lane);
}

/* All lanes by as many blocks as the one with the fewest has left. False: no lane has a text any more. */
static bool step(struct work *work)
{
	const uint8_t *data[MD5_LANES_MAX];
	size_t count = work->lanes->lanes, blocks = SIZE_MAX;
	const struct lane *busy = NULL;

	for (size_t i = 0; i < count; i++) {
		if (work->lane[i].text != NULL && work->lane[i].blocks < blocks) {
			busy = &work->lane[i];
			blocks = busy->blocks;
		}
	}
	if (busy == NULL)
		return false;
	for (size_t i = 0; i < count; i++)
		data[i] = work->lane[i].text != NULL ? work->lane[i].at : busy->at;
	work->lanes->compress(work->state, data, blocks);
	for (size_t i = 0; i < count; i++) {
		struct lane *lane = &work->lane[i];

		if (lane->text == NULL)
			continue;
		lane->at += blocks * MD5_BLOCK;
		lane->blocks -= blocks;
		if (lane->blocks > 0)
			continue;
		if (lane->stretch == OUTER) {
			get_digest(work, i, lane->text->digest);
			take_text(work, i);
		} else {
			advance(work, i);
		}
	}
	return true;
}

void md5_hmac_by(const struct md5_lanes *lanes, struct md5_text *texts, size_t count)
{
	struct work work;

	work.lanes = lanes;
	work.next = texts;
	work.end = texts + count;
	memset(work.state, 0, sizeof(work.state)); /* also of lanes that get no text */
	for (size_t i = 0; i < lanes->lanes; i++)
		take_text(&work, i);
	while (step(&work)) {
	}
	explicit_bzero(work.state, sizeof(work.state)); /* it comes from the keys */
}

void md5_hmac(struct md5_text *texts, size_t count)
{
	size_t ways;
	const struct md5_lanes *all = md5_lanes_all(&ways), *best = &all[0];

	/* A wide step takes hardly longer than a narrow one: from two texts on it is worth it, and half empty lanes cost nothing. */
	for (size_t i = 1; i < ways && count > 1; i++)
		if (count > best->lanes || all[i].lanes == best->lanes)
			best = &all[i];
	md5_hmac_by(best, texts, count);
}

static const uint32_t initial[WORDS] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}; /* RFC 1321 */

/* The MD5 of some bytes, by one lane. */
static void hash(const struct md5_lanes *one, const uint8_t *bytes, size_t len, uint8_t digest[MD5_DIGEST_LEN])
{
	size_t whole = len / MD5_BLOCK;
	uint8_t last[2 * MD5_BLOCK];
	const uint8_t *rest = last;
	uint32_t words[WORDS];

	memcpy(words, initial, sizeof(words));
	one->compress(words, &bytes, whole);
	one->compress(words, &rest, pad(last, bytes + whole * MD5_BLOCK, len % MD5_BLOCK, len));
	for (size_t i = 0; i < WORDS; i++)
		put_u32(digest + 4 * i, words[i]);
	explicit_bzero(last, sizeof(last));
}

/* The state after the key's block, each byte of which is changed by mask. */
static void key_state(const struct md5_lanes *one, uint32_t words[WORDS], const uint8_t key[MD5_BLOCK], uint8_t mask)
{
	uint8_t block[MD5_BLOCK];
	const uint8_t *data = block;

	for (size_t i = 0; i < MD5_BLOCK; i++)
		block[i] = key[i] ^ mask;
	memcpy(words, initial, sizeof(initial));
	one->compress(words, &data, 1);
	explicit_bzero(block, sizeof(block));
}

void md5_key_set(struct md5_key *key, const uint8_t *secret, size_t len)
{
	size_t ways;
	const struct md5_lanes *one = md5_lanes_all(&ways);
	uint8_t block[MD5_BLOCK] = {0};

	if (len > sizeof(block))
		hash(one, secret, len, block);
	else
		memcpy(block, secret, len);
	key_state(one, key->inner, block, 0x36);
	key_state(one, key->outer, block, 0x5c);
	explicit_bzero(block, sizeof(block));
}
