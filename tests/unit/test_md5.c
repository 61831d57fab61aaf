/* SPDX-License-Identifier: BSD-2-Clause
 *
 * HMAC-MD5 in lanes against nettle: every way that this machine can, every length, every mix of lengths in the lanes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <nettle/hmac.h>

#include "core/md5.h"

enum { LENGTH_MAX = 2000, SHORT = 10, LONG = 700, TEXTS_MAX = 3 * MD5_LANES_MAX + 1, SECRET_MAX = 128 };

/* A text, its key, and what nettle makes of it. */
struct sample {
	uint8_t bytes[LENGTH_MAX], secret[SECRET_MAX], digest[MD5_DIGEST_LEN];
	struct md5_key key;
};

static uint8_t random_byte(void)
{
	return (uint8_t)(rand() >> 8);
}

static void sample_make(struct sample *sample, struct md5_text *text, size_t len)
{
	struct hmac_md5_ctx nettle;
	size_t secret_len = (size_t)rand() % (SECRET_MAX + 1), head = len < MD5_BLOCK ? len : MD5_BLOCK;
	uint8_t *exact = malloc(len - head + 1); /* what is read beyond it is noticed */

	assert_non_null(exact);
	for (size_t i = 0; i < len; i++)
		sample->bytes[i] = random_byte();
	for (size_t i = 0; i < secret_len; i++)
		sample->secret[i] = random_byte();
	hmac_md5_set_key(&nettle, secret_len, sample->secret);
	hmac_md5_update(&nettle, len, sample->bytes);
	hmac_md5_digest(&nettle, sizeof(sample->digest), sample->digest);
	md5_key_set(&sample->key, sample->secret, secret_len);
	memcpy(text->head, sample->bytes, head);
	memcpy(exact, sample->bytes + head, len - head);
	*text = (struct md5_text){.key = &sample->key, .head_len = head, .rest = exact, .rest_len = len - head};
	memcpy(text->head, sample->bytes, head);
}

static struct sample samples[TEXTS_MAX];

/* Texts of these lengths at once. */
static void check(const struct md5_lanes *lanes, const size_t *lengths, size_t count)
{
	struct md5_text texts[TEXTS_MAX];

	for (size_t i = 0; i < count; i++)
		sample_make(&samples[i], &texts[i], lengths[i]);
	if (lanes != NULL)
		md5_hmac_by(lanes, texts, count);
	else
		md5_hmac(texts, count);
	for (size_t i = 0; i < count; i++) {
		if (memcmp(texts[i].digest, samples[i].digest, MD5_DIGEST_LEN) != 0)
			fail_msg("%s lanes, text %zu of %zu, %zu bytes", lanes != NULL ? lanes->name : "chosen", i, count,
				lengths[i]);
		free((void *)texts[i].rest);
	}
}

static void every_length_alone_and_beside_others(void **state)
{
	size_t ways, lengths[TEXTS_MAX];
	const struct md5_lanes *all = md5_lanes_all(&ways);

	(void)state;
	assert_int_equal(all[0].lanes, 1);
	for (size_t way = 0; way < ways; way++) {
		for (size_t len = 0; len <= LENGTH_MAX; len++) {
			check(&all[way], &len, 1);
			for (size_t i = 0; i < all[way].lanes; i++)
				lengths[i] = (len + 61 * i) % (LENGTH_MAX + 1);
			check(&all[way], lengths, all[way].lanes);
		}
	}
}

/* Each lane with a short or a long text, or none. */
static void every_mix_of_lanes(void **state)
{
	size_t ways, lengths[TEXTS_MAX];
	const struct md5_lanes *all = md5_lanes_all(&ways);

	(void)state;
	for (size_t way = 0; way < ways; way++) {
		for (size_t count = 0; count <= all[way].lanes; count++) {
			for (unsigned mix = 0; mix < 1u << count; mix++) {
				for (size_t i = 0; i < count; i++)
					lengths[i] = mix >> i & 1 ? LONG : SHORT;
				check(&all[way], lengths, count);
			}
		}
	}
}

/* More texts than lanes, so that a lane takes one after the other; also in the way that md5_hmac() takes. */
static void any_number_of_texts(void **state)
{
	size_t ways, lengths[TEXTS_MAX];
	const struct md5_lanes *all = md5_lanes_all(&ways);

	(void)state;
	for (size_t way = 0; way <= ways; way++) {
		for (unsigned round = 0; round < 20; round++) {
			for (size_t count = 0; count <= TEXTS_MAX; count++) {
				for (size_t i = 0; i < count; i++)
					lengths[i] = (size_t)rand() % (round % 2 == 0 ? LENGTH_MAX + 1 : 150);
				check(way < ways ? &all[way] : NULL, lengths, count);
			}
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_length_alone_and_beside_others),
		cmocka_unit_test(every_mix_of_lanes),
		cmocka_unit_test(any_number_of_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
