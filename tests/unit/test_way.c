/* SPDX-License-Identifier: BSD-2-Clause
 *
 * One direction of an emulated wire: does it do to frames what its options say, and the same with the same seed?
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "command.h"
#include "way.h"

#define MS 1000000
#define FRAMES 100000u
#define LEN 100u

/* What came out of a way that was given FRAMES numbered frames, one each 10 us. */
struct outcome {
	struct way way;
	unsigned count, overtaken, damaged;
	unsigned seen[FRAMES];
	int64_t least, most; /* time on the way */
};

static void take(struct outcome *out, int64_t now)
{
	static unsigned newest;
	struct way_frame *frame;

	if (out->count == 0)
		newest = 0;
	while ((frame = way_take(&out->way, now)) != NULL) {
		uint32_t number[2];
		bool whole = frame->len == LEN;

		memcpy(number, frame->data, sizeof(number));
		for (unsigned i = sizeof(number); i < LEN; i++)
			whole = whole && frame->data[i] == 0;
		out->count++;
		if (whole && number[0] == ~number[1] && number[0] < FRAMES) {
			int64_t time = now - (int64_t)number[0] * 10000;

			out->seen[number[0]]++;
			out->overtaken += number[0] < newest;
			newest = number[0] > newest ? number[0] : newest;
			out->least = time < out->least ? time : out->least;
			out->most = time > out->most ? time : out->most;
		} else {
			out->damaged++;
		}
		free(frame);
	}
}

static struct outcome *run(uint64_t seed, const char *options)
{
	struct outcome *out = calloc(1, sizeof(*out));
	char line[200], *words[COMMAND_WORDS_MAX];
	uint8_t frame[LEN] = {0};
	unsigned count;

	assert_non_null(out);
	strncpy(line, options, sizeof(line) - 1);
	line[sizeof(line) - 1] = '\0';
	count = command_split(line, words);
	way_init(&out->way, seed);
	for (unsigned i = 0; i < count; i++)
		assert_true(command_option(&out->way.options, words[i]));
	out->least = WAY_NEVER;
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint32_t number[2] = {i, ~i};
		int64_t now = (int64_t)i * 10000;

		while (way_due(&out->way) <= now)
			take(out, way_due(&out->way));
		memcpy(frame, number, sizeof(number));
		way_put(&out->way, frame, LEN, now);
		take(out, now);
	}
	while (way_due(&out->way) != WAY_NEVER)
		take(out, way_due(&out->way));
	assert_int_equal(out->way.waiting, 0);
	assert_int_equal(out->way.counters.frames, FRAMES);
	assert_int_equal(out->way.counters.bytes, FRAMES * LEN);
	assert_int_equal(out->way.counters.passed, out->count);
	return out;
}

static unsigned missing(const struct outcome *out)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < FRAMES; i++)
		sum += out->seen[i] == 0;
	return sum;
}

/* Within five standard deviations of a share p of FRAMES, for p from 0.01 to 0.1. */
static void about(unsigned got, double p)
{
	unsigned expected = (unsigned)(p * FRAMES), off = 5 * (p < 0.02 ? 32 : 95);

	assert_in_range(got, expected - off, expected + off);
}

static void nothing_happens_without_options(void **state)
{
	struct outcome *out = run(1, "");

	(void)state;
	assert_int_equal(out->count, FRAMES);
	assert_int_equal(missing(out) + out->overtaken + out->damaged, 0);
	assert_int_equal(out->most, 0);
	free(out);
}

static void each_option_has_its_share(void **state)
{
	struct outcome *out = run(1, "loss=1%");

	(void)state;
	about(missing(out), 0.01);
	assert_int_equal(missing(out), out->way.counters.lost);
	assert_int_equal(out->overtaken + out->damaged + out->most, 0);
	free(out);

	out = run(1, "duplicate=0.1");
	about(out->count - FRAMES, 0.1);
	assert_int_equal(out->count - FRAMES, out->way.counters.duplicated);
	assert_int_equal(missing(out) + out->damaged + out->most + out->overtaken, 0);
	free(out);

	out = run(1, "corrupt=10%");
	about(out->damaged, 0.1);
	assert_int_equal(out->damaged, out->way.counters.corrupted);
	assert_int_equal(out->count, FRAMES);
	free(out);

	out = run(1, "reorder=5% depth=3");
	about(out->overtaken, 0.05);
	assert_int_equal(out->count, FRAMES);
	assert_int_equal(missing(out) + out->damaged, 0);
	/* Those at the end that nobody overtakes are not counted. */
	assert_in_range(out->way.counters.reordered, out->overtaken - 3, out->overtaken + 300);
	free(out);

	out = run(1, "loss=1% reorder=5% duplicate=1% delay=5ms");
	about(missing(out), 0.01);
	about(out->count + missing(out) - FRAMES, 0.01);
	about(out->overtaken, 0.05);
	assert_int_equal(out->damaged, 0);
	free(out);
}

static void the_seed_decides(void **state)
{
	const char *options = "loss=5% reorder=5% duplicate=5%";
	struct outcome *one = run(7, options), *same = run(7, options), *other = run(8, options);
	unsigned both = 0;

	(void)state;
	assert_memory_equal(one->seen, same->seen, sizeof(one->seen));
	assert_int_equal(one->overtaken, same->overtaken);
	for (unsigned i = 0; i < FRAMES; i++)
		both += one->seen[i] == 0 && other->seen[i] == 0;
	assert_in_range(both, 150, 350); /* 5 % of 5 % */
	free(same);
	/* What is lost does not depend on what else happens. */
	same = run(7, "loss=5%");
	for (unsigned i = 0; i < FRAMES; i++)
		assert_int_equal(one->seen[i] == 0, same->seen[i] == 0);
	free(one);
	free(same);
	free(other);
}

static void delay_and_jitter(void **state)
{
	struct outcome *out = run(1, "delay=5ms");

	(void)state;
	assert_int_equal(out->least, 5 * MS);
	assert_int_equal(out->most, 5 * MS);
	assert_int_equal(out->count, FRAMES);
	free(out);
	out = run(1, "delay=5ms jitter=2ms");
	assert_in_range(out->least, 3 * MS, 4 * MS);
	assert_in_range(out->most, 6 * MS, 7 * MS);
	assert_int_equal(out->overtaken + missing(out), 0);
	free(out);
}

/* 100 bytes each 10 us are 80 Mbit/s. */
static void rate_and_queue(void **state)
{
	struct outcome *out = run(1, "rate=100Mbit");

	(void)state;
	assert_int_equal(missing(out), 0);
	assert_int_equal(out->most, 8000); /* its own 800 bit */
	free(out);
	out = run(1, "rate=40Mbit limit=10K");
	assert_in_range(out->count, FRAMES / 2, FRAMES / 2 + 110);
	assert_int_equal(out->way.counters.queue, missing(out));
	assert_in_range(out->most, 1900000, 2100000); /* 10 KiB of queue at 5 MB/s */
	free(out);
}

static void put(struct way *way, unsigned len, int64_t now)
{
	static const uint8_t frame[9000];

	way_put(way, frame, len, now);
}

static void mtu(void **state)
{
	struct way way;

	(void)state;
	way_init(&way, 1);
	assert_true(command_option(&way.options, "mtu=1500"));
	put(&way, 1515, 0);
	assert_int_equal(way_due(&way), WAY_NEVER);
	assert_int_equal(way.counters.long_, 1);
	put(&way, 1514, 0);
	assert_int_equal(way_due(&way), 0);
	way_clear(&way);
}

static void a_cut_takes_what_is_on_the_way(void **state)
{
	struct way way;

	(void)state;
	way_init(&way, 1);
	assert_true(command_option(&way.options, "delay=5ms"));
	put(&way, 100, 0);
	way_cut(&way, true);
	put(&way, 100, 1);
	assert_int_equal(way_due(&way), WAY_NEVER);
	assert_int_equal(way.counters.cut, 2);
	way_cut(&way, false);
	put(&way, 100, 2);
	assert_int_equal(way_due(&way), 5 * MS + 2);
	way_clear(&way);
}

/* One that nobody overtakes does not wait for ever. */
static void a_lone_frame_is_held_for_a_while(void **state)
{
	struct way_frame *frame;
	struct way way;

	(void)state;
	way_init(&way, 1);
	assert_true(command_option(&way.options, "reorder=1"));
	put(&way, 100, 0);
	assert_int_equal(way_due(&way), WAY_HOLD_MAX);
	assert_null(way_take(&way, WAY_HOLD_MAX - 1));
	frame = way_take(&way, WAY_HOLD_MAX);
	assert_non_null(frame);
	free(frame);
	assert_int_equal(way_due(&way), WAY_NEVER);
}

static void words_that_are_no_options(void **state)
{
	struct way_options options = {0};

	(void)state;
	for (const char *const *word = (const char *const[]){"loss", "loss=", "loss=2", "loss=-1%", "los=1%", "losses=1%",
		     "loss=nan", "delay=5", "delay=5m", "mtu=65536", "rate=1Tbit", "=1", "", NULL};
		*word != NULL; word++)
		assert_false(command_option(&options, *word));
	assert_memory_equal(&options, &(struct way_options){0}, sizeof(options));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_happens_without_options),
		cmocka_unit_test(each_option_has_its_share),
		cmocka_unit_test(the_seed_decides),
		cmocka_unit_test(delay_and_jitter),
		cmocka_unit_test(rate_and_queue),
		cmocka_unit_test(mtu),
		cmocka_unit_test(a_cut_takes_what_is_on_the_way),
		cmocka_unit_test(a_lone_frame_is_held_for_a_while),
		cmocka_unit_test(words_that_are_no_options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
