/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Congestion control and round-trip times as arithmetic, without a network.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "core/congestion.h"
#include "core/rtt.h"

#define S ROMON_SECOND
#define MS ROMON_MILLISECOND
#define SEGMENT 1000u

static struct congestion fresh(void)
{
	struct congestion c;

	congestion_init(&c, SEGMENT, 10000 * SEGMENT);
	return c;
}

/* A round: the whole window is acknowledged, segment by segment. */
static void round_of(struct congestion *c, int64_t rtt, struct romon_time *now)
{
	uint32_t window = c->window;

	now->ns += rtt;
	for (uint32_t acked = 0; acked + SEGMENT <= window; acked += SEGMENT)
		congestion_acked(c, SEGMENT, rtt, *now);
}

static void slow_start_doubles(void **state)
{
	struct romon_time now = {S};
	struct congestion c = fresh();

	(void)state;
	assert_int_equal(c.window, 10 * SEGMENT);
	for (unsigned i = 1; i <= 5; i++) {
		round_of(&c, 10 * MS, &now);
		assert_int_equal(c.window, (10u << i) * SEGMENT);
	}
	for (unsigned i = 0; i < 20; i++)
		round_of(&c, 10 * MS, &now);
	assert_int_equal(c.window, 10000 * SEGMENT);
}

/* A round in which the time is measured so often, once the shortest and else longer, and then everything is acknowledged. */
static void measured_round(struct congestion *c, unsigned count, int64_t shortest, int64_t longer, struct romon_time *now)
{
	for (unsigned i = 0; i < count; i++)
		congestion_measured(c, i == count / 2 ? shortest : longer, *now);
	round_of(c, longer, now);
}

static void slow_start_ends_when_the_queue_grows(void **state)
{
	struct romon_time now = {S};
	struct congestion c = fresh();

	(void)state;
	measured_round(&c, 10, 20 * MS, 40 * MS, &now); /* that times differ within a round says nothing */
	measured_round(&c, 10, 23 * MS, 60 * MS, &now);
	assert_int_equal(c.window, 40 * SEGMENT);
	measured_round(&c, 7, 60 * MS, 60 * MS, &now); /* measured too seldom to count */
	assert_int_equal(c.window, 80 * SEGMENT);
	measured_round(&c, 10, 20 * MS, 40 * MS, &now);
	assert_int_equal(c.window, 160 * SEGMENT);
	measured_round(&c, 10, 24 * MS, 40 * MS, &now); /* an eighth of 20 ms is less than 4 ms */
	assert_int_equal(c.window, 200 * SEGMENT);      /* a quarter of the growth */
	measured_round(&c, 10, 23 * MS, 40 * MS, &now); /* it was nothing */
	assert_int_equal(c.window, 400 * SEGMENT);
	for (unsigned i = 0; i < 5; i++) {
		assert_int_equal(c.threshold, UINT32_MAX);
		measured_round(&c, 10, 40 * MS, 40 * MS, &now);
	}
	assert_in_range(c.window, 1200 * SEGMENT, 1221 * SEGMENT); /* 400 * 1.25^5 */
	measured_round(&c, 10, 40 * MS, 40 * MS, &now);
	assert_in_range(c.threshold, 1200 * SEGMENT, 1221 * SEGMENT);
	assert_in_range(c.window, 1200 * SEGMENT, 1300 * SEGMENT);
}

/* RFC 9438: W(t) = C (t - K)^3 + W_max, with beta = 0.7 and C = 0.4. From a peak of 1000 segments K is (1000 * 0.3 / 0.4)^(1/3) s. */
static void cubic_returns_to_its_peak(void **state)
{
	static const struct {
		int64_t at;
		uint32_t window;
	} curve[] = {{1 * S, 788}, {3 * S, 910}, {6 * S, 988}, {9 * S, 1000}, {12 * S, 1010}, {15 * S, 1083}};
	struct romon_time began = {S}, now = began;
	struct congestion c = fresh();

	(void)state;
	c.window = c.threshold = 1000 * SEGMENT;
	congestion_lost(&c);
	assert_int_equal(c.window, 700 * SEGMENT);
	for (size_t i = 0; i < sizeof(curve) / sizeof(curve[0]); i++) {
		while (now.ns < began.ns + curve[i].at)
			round_of(&c, 100 * MS, &now);
		assert_in_range(c.window, (curve[i].window - 8) * SEGMENT, (curve[i].window + 8) * SEGMENT);
	}
}

/* On a short path Reno would be faster than the curve, so it is followed: from 35 by about half a segment a round. */
static void never_slower_than_reno(void **state)
{
	struct romon_time now = {S};
	struct congestion c = fresh();

	(void)state;
	c.window = c.threshold = 50 * SEGMENT;
	congestion_lost(&c);
	assert_int_equal(c.window, 35 * SEGMENT);
	for (unsigned i = 0; i < 20; i++)
		round_of(&c, 1 * MS, &now);
	assert_in_range(c.window, 44 * SEGMENT, 47 * SEGMENT);
}

static void losses_before_the_peak_lower_it(void **state)
{
	struct congestion c = fresh();

	(void)state;
	c.window = c.threshold = 1000 * SEGMENT;
	congestion_lost(&c);
	congestion_lost(&c);
	assert_in_range(c.window, 490 * SEGMENT - 1, 490 * SEGMENT);
	assert_true(c.peak > 594.9 && c.peak < 595.1); /* 700 * 1.7 / 2 */
}

static void a_timeout_and_its_undoing(void **state)
{
	struct romon_time now = {S};
	struct congestion c = fresh();

	(void)state;
	c.window = c.threshold = 100 * SEGMENT;
	congestion_timeout(&c, true);
	congestion_timeout(&c, false);
	assert_int_equal(c.window, SEGMENT);
	assert_int_equal(c.threshold, 70 * SEGMENT);
	congestion_restore(&c);
	assert_int_equal(c.window, 100 * SEGMENT);
	congestion_timeout(&c, true);
	for (unsigned i = 0; i < 6; i++)
		round_of(&c, 10 * MS, &now);
	assert_int_equal(c.window, 64 * SEGMENT);
	round_of(&c, 10 * MS, &now);
	assert_in_range(c.window, 70 * SEGMENT, 72 * SEGMENT);
	c.window = SEGMENT;
	congestion_lost(&c);
	assert_int_equal(c.window, 2 * SEGMENT);
}

static void bursts_are_avoided(void **state)
{
	struct congestion c = fresh();

	(void)state;
	c.window = c.threshold = 100 * SEGMENT;
	congestion_recovered(&c, 5 * SEGMENT);
	assert_int_equal(c.window, 7 * SEGMENT);
	assert_int_equal(c.threshold, 100 * SEGMENT);
	c.window = 100 * SEGMENT;
	congestion_idle(&c);
	assert_int_equal(c.window, 10 * SEGMENT);
	c.window = 5 * SEGMENT;
	congestion_idle(&c);
	assert_int_equal(c.window, 5 * SEGMENT);
}

static void segments_of_another_size(void **state)
{
	struct congestion c = fresh();

	(void)state;
	c.window = c.threshold = 1000 * SEGMENT;
	congestion_lost(&c);
	congestion_segment(&c, SEGMENT / 2);
	assert_int_equal(c.window, 700 * SEGMENT);
	assert_true(c.peak > 1999 && c.peak < 2001);
}

/* ---- round-trip times (RFC 6298) ---- */

static void timeouts_follow_the_measurements(void **state)
{
	struct rtt rtt = {0};

	(void)state;
	assert_int_equal(rtt_timeout(&rtt, 0), 1 * S);
	rtt_sample(&rtt, 100 * MS);
	assert_int_equal(rtt.smoothed, 100 * MS);
	assert_int_equal(rtt_timeout(&rtt, 0), 300 * MS);
	rtt_sample(&rtt, 180 * MS);
	assert_int_equal(rtt.smoothed, 110 * MS);
	assert_int_equal(rtt.variation, 57500000);
	assert_int_equal(rtt_timeout(&rtt, 0), 340 * MS);
	for (unsigned i = 0; i < 1000; i++)
		rtt_sample(&rtt, 100);
	assert_int_equal(rtt_timeout(&rtt, 0), 200 * MS);
	rtt_sample(&rtt, 0);
	assert_true(rtt.smoothed > 0);
}

static void timeouts_double_within_bounds(void **state)
{
	struct rtt rtt = {.smoothed = MS, .variation = 0};

	(void)state;
	assert_int_equal(rtt_timeout(&rtt, 1), 400 * MS);
	assert_int_equal(rtt_timeout(&rtt, 4), 3200 * MS);
	assert_int_equal(rtt_timeout(&rtt, 5), 5 * S);
	assert_int_equal(rtt_timeout(&rtt, 1000000), 5 * S);
	rtt.smoothed = 100 * S;
	assert_int_equal(rtt_timeout(&rtt, 0), 5 * S);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(slow_start_doubles),
		cmocka_unit_test(slow_start_ends_when_the_queue_grows),
		cmocka_unit_test(cubic_returns_to_its_peak),
		cmocka_unit_test(never_slower_than_reno),
		cmocka_unit_test(losses_before_the_peak_lower_it),
		cmocka_unit_test(a_timeout_and_its_undoing),
		cmocka_unit_test(bursts_are_avoided),
		cmocka_unit_test(segments_of_another_size),
		cmocka_unit_test(timeouts_follow_the_measurements),
		cmocka_unit_test(timeouts_double_within_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
