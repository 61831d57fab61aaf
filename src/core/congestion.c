/* SPDX-License-Identifier: BSD-2-Clause
 *
 * CUBIC, RFC 9438. The names of the RFC stand in congestion.h beside ours.
 */
#include "core/congestion.h"

#define C 0.4                                 /* segments per cubic second */
#define BETA 0.7                              /* the window after a loss, as a part of that before */
#define ALPHA (3.0 * (1 - BETA) / (1 + BETA)) /* how fast Reno grows that shrinks by the same part */
#define SEGMENTS_MIN 2

/* Slow start grows less when the shortest time of a round is longer than that of the round before by an eighth of it, within these, and
 * ends when it has not become shorter again for some rounds (RFC 9406). */
#define RISE_MIN (4 * ROMON_MILLISECOND)  /* MIN_RTT_THRESH */
#define RISE_MAX (16 * ROMON_MILLISECOND) /* MAX_RTT_THRESH */
#define MEASURED_MIN 8                    /* N_RTT_SAMPLE: so many make a round's shortest time one to go by */
#define CAUTIOUS_PART 4                   /* CSS_GROWTH_DIVISOR: by how much less */
#define CAUTIOUS_ROUNDS 5                 /* CSS_ROUNDS */

static uint32_t bounded(const struct congestion *c, double segments)
{
	double bytes = segments * c->segment;

	if (bytes >= c->max)
		return c->max;
	return bytes < SEGMENTS_MIN * c->segment ? SEGMENTS_MIN * c->segment : (uint32_t)bytes;
}

/* By Newton's method; x >= 0. */
static double cube_root(double x)
{
	double r = x > 1 ? x : 1;

	if (x <= 0)
		return 0;
	for (int i = 0; i < 64; i++) {
		double next = (2 * r + x / (r * r)) / 3;

		if (next >= r && i > 0)
			break;
		r = next;
	}
	return r;
}

static void save(struct congestion *c)
{
	c->saved_window = c->window;
	c->saved_threshold = c->threshold;
	c->saved_peak = c->peak;
}

void congestion_init(struct congestion *c, uint32_t segment, uint32_t max)
{
	*c = (struct congestion){.max = max, .segment = segment, .threshold = UINT32_MAX};
	c->window = bounded(c, CONGESTION_SEGMENTS_FIRST);
	save(c);
}

void congestion_segment(struct congestion *c, uint32_t segment)
{
	double ratio = (double)c->segment / segment;

	c->peak *= ratio;
	c->reno *= ratio;
	c->segment = segment;
	c->window = bounded(c, (double)c->window / segment);
}

/* The cubic curve t seconds after the epoch began: concave up to the peak, convex behind it. */
static double cubic(const struct congestion *c, double t)
{
	double x = t - c->origin;

	return C * x * x * x + c->peak;
}

static void begin_epoch(struct congestion *c, struct romon_time now)
{
	double window = (double)c->window / c->segment;

	c->begun = true;
	c->epoch = now;
	if (window >= c->peak) {
		c->peak = window;
		c->origin = 0;
	} else {
		c->origin = cube_root((c->peak - window) / C);
	}
	c->reno = window;
}

void congestion_acked(struct congestion *c, uint32_t bytes, int64_t rtt, struct romon_time now)
{
	double window = (double)c->window / c->segment, acked = (double)bytes / c->segment, target;

	if (c->window < c->threshold) { /* slow start */
		c->window = bounded(c, window + acked / (c->cautious > 0 ? CAUTIOUS_PART : 1));
		return;
	}
	if (!c->begun)
		begin_epoch(c, now);
	target = cubic(c, (double)(now.ns - c->epoch.ns + rtt) / (double)ROMON_SECOND);
	if (target < window)
		target = window;
	if (target > window * 1.5)
		target = window * 1.5;
	c->reno += (c->reno >= c->peak ? 1 : ALPHA) * acked / window;
	window += (target - window) * acked / window;
	c->window = bounded(c, window > c->reno ? window : c->reno);
}

static void next_round(struct congestion *c, struct romon_time now)
{
	c->round = now;
	c->last_rtt = c->round_rtt;
	c->round_rtt = 0;
	c->measured = 0;
	if (c->cautious > 0 && ++c->cautious_rounds == CAUTIOUS_ROUNDS && c->window < c->threshold)
		c->threshold = c->window;
}

void congestion_measured(struct congestion *c, int64_t rtt, struct romon_time now)
{
	int64_t rise = c->last_rtt / 8;

	if (c->shortest == 0 || rtt < c->shortest)
		c->shortest = rtt;
	if (now.ns - c->round.ns >= rtt)
		next_round(c, now);
	if (c->round_rtt == 0 || rtt < c->round_rtt)
		c->round_rtt = rtt;
	if (++c->measured < MEASURED_MIN || c->last_rtt == 0)
		return;
	rise = rise < RISE_MIN ? RISE_MIN : rise > RISE_MAX ? RISE_MAX : rise;
	if (c->cautious > 0 && c->round_rtt < c->cautious) {
		c->cautious = 0;
	} else if (c->cautious == 0 && c->round_rtt >= c->last_rtt + rise) {
		c->cautious = c->round_rtt;
		c->cautious_rounds = 0;
	}
}

/* The window that a loss leaves. With fast convergence the peak moves down when losses come before it is reached. */
static uint32_t reduce(struct congestion *c)
{
	double window = (double)c->window / c->segment;

	c->peak = window < c->peak ? window * (1 + BETA) / 2 : window;
	c->begun = false;
	return bounded(c, window * BETA);
}

void congestion_lost(struct congestion *c)
{
	save(c);
	c->window = c->threshold = reduce(c);
}

void congestion_timeout(struct congestion *c, bool first)
{
	if (first) {
		save(c);
		c->threshold = reduce(c);
	}
	c->window = c->segment;
}

void congestion_restore(struct congestion *c)
{
	if (c->window < c->saved_window)
		c->window = c->saved_window;
	if (c->threshold < c->saved_threshold)
		c->threshold = c->saved_threshold;
	c->peak = c->saved_peak;
	c->begun = false;
}

void congestion_idle(struct congestion *c)
{
	uint32_t first = bounded(c, CONGESTION_SEGMENTS_FIRST);

	if (c->window > first)
		c->window = first;
	c->begun = false;
}

void congestion_recovered(struct congestion *c, uint32_t flight)
{
	uint32_t window = flight + SEGMENTS_MIN * c->segment;

	if (c->window > window)
		c->window = window;
}
