/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a sender believes of its segments, told by numbers alone; and the same against a plain array of bytes with one state each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/flight.h"

#define MS ROMON_MILLISECOND
#define RTT (10 * MS)
#define SIZE 1000u

static const uint32_t start = 0xfffff000; /* so that numbers wrap */

static struct romon_time at(int64_t ns)
{
	return (struct romon_time){ns};
}

/* Ten segments, one in a millisecond from the first on. */
static struct flight ten(void)
{
	struct flight flight;

	flight_init(&flight, start);
	for (unsigned i = 0; i < 10; i++)
		assert_true(flight_add(&flight, start + (i + 1) * SIZE, at((i + 1) * MS)));
	return flight;
}

static void everything_is_acknowledged(void **state)
{
	struct flight_news news = {0};
	struct flight flight = ten();

	(void)state;
	assert_int_equal(flight_pipe(&flight), 10 * SIZE);
	flight_acknowledge(&flight, start + 3 * SIZE, RTT, at(13 * MS), &news);
	assert_int_equal(news.bytes, 3 * SIZE);
	assert_int_equal(news.rtt, 10 * MS); /* of the third */
	assert_int_equal(flight_pipe(&flight), 7 * SIZE);
	news = (struct flight_news){0};
	flight_acknowledge(&flight, start + 10 * SIZE, RTT, at(21 * MS), &news);
	assert_int_equal(news.bytes, 7 * SIZE);
	assert_int_equal(news.rtt, 11 * MS);
	assert_int_equal(flight_pipe(&flight), 0);
	assert_int_equal(flight_end(&flight), start + 10 * SIZE);
	assert_false(flight.reordered);
	flight_free(&flight);
}

/* The second and the third are missing; what comes behind them tells of it, at once when it is three segments. */
static void what_is_overtaken_is_lost(void **state)
{
	struct flight_news news = {0};
	struct flight flight = ten();
	uint32_t seq, len;
	int64_t again;

	(void)state;
	flight_acknowledge(&flight, start + SIZE, RTT, at(11 * MS), &news);
	flight_arrive(&flight, start + 3 * SIZE, start + 4 * SIZE, RTT, at(14 * MS), &news);
	assert_int_equal(flight_detect(&flight, RTT, RTT, false, at(14 * MS), &again), 0);
	assert_int_equal(again, 2 * MS + RTT + RTT / 4); /* of the second: a quarter later than the one that overtook it */
	assert_int_equal(flight_detect(&flight, RTT, RTT, false, at(again), &again), SIZE);
	flight_arrive(&flight, start + 3 * SIZE, start + 6 * SIZE, RTT, at(16 * MS), &news);
	assert_int_equal(flight_detect(&flight, RTT, RTT, false, at(16 * MS), &again), SIZE);
	assert_int_equal(again, INT64_MAX);
	assert_int_equal(flight_pipe(&flight), 4 * SIZE);
	assert_true(flight_next_lost(&flight, 10 * SIZE, &seq, &len));
	assert_int_equal(seq, start + SIZE);
	assert_int_equal(len, 2 * SIZE);
	assert_true(flight_next_lost(&flight, SIZE / 2, &seq, &len));
	assert_int_equal(len, SIZE / 2);
	flight_free(&flight);
}

/* On a path where segments overtake each other the same waits; and longer, the more often it was wrong. */
static void patience(void **state)
{
	struct flight_news news = {0};
	struct flight flight = ten();
	int64_t again;

	(void)state;
	flight_arrive(&flight, start + 1 * SIZE, start + 4 * SIZE, RTT, at(14 * MS), &news);
	flight_acknowledge(&flight, start + 4 * SIZE, RTT, at(15 * MS), &news);
	assert_true(flight.reordered);
	flight_arrive(&flight, start + 5 * SIZE, start + 9 * SIZE, RTT, at(19 * MS), &news);
	assert_int_equal(flight_detect(&flight, RTT, RTT, true, at(17 * MS), &again), 0);
	assert_int_equal(again, 5 * MS + RTT + RTT / 4);
	flight_overtaken(&flight);
	flight_overtaken(&flight);
	assert_int_equal(flight_detect(&flight, RTT, RTT, true, at(18 * MS), &again), 0);
	assert_int_equal(again, 5 * MS + RTT + 3 * (RTT / 4));
	for (unsigned i = 0; i < 100; i++)
		flight_overtaken(&flight);
	assert_int_equal(flight_detect(&flight, RTT, RTT, true, at(18 * MS), &again), 0);
	assert_int_equal(again, 5 * MS + 2 * RTT); /* a round trip is enough */
	flight_free(&flight);
}

/* One that was sent again tells nothing of time if its first copy can be meant. */
static void sent_again(void **state)
{
	struct flight_news news = {0};
	struct flight flight = ten();
	uint32_t seq, len;

	(void)state;
	flight_lose_all(&flight);
	assert_int_equal(flight_pipe(&flight), 0);
	assert_true(flight_next_lost(&flight, SIZE, &seq, &len));
	flight_resend(&flight, seq, len, at(100 * MS));
	assert_int_equal(flight_pipe(&flight), SIZE);
	flight_acknowledge(&flight, start + SIZE, RTT, at(103 * MS), &news);
	assert_int_equal(news.rtt, 0);
	assert_int_equal(flight.newest_rtt, 0);
	assert_true(flight_next_lost(&flight, SIZE, &seq, &len));
	flight_resend(&flight, seq, len, at(103 * MS));
	flight_acknowledge(&flight, start + 2 * SIZE, RTT, at(114 * MS), &news);
	assert_int_equal(news.rtt, 0);
	assert_int_equal(flight.newest_rtt, 11 * MS);
	assert_false(flight.reordered);
	flight_spare(&flight);
	assert_int_equal(flight_pipe(&flight), 8 * SIZE);
	flight_lose_first(&flight);
	assert_int_equal(flight_pipe(&flight), 7 * SIZE);
	flight_free(&flight);
}

/* The last one is sent again on suspicion: its answer tells no time either. */
static void the_last_one_again(void **state)
{
	struct flight_news news = {0};
	struct flight flight = ten();
	uint32_t seq, len;

	(void)state;
	assert_true(flight_repeat_last(&flight, &seq, &len, at(50 * MS)));
	assert_int_equal(seq, start + 9 * SIZE);
	assert_int_equal(len, SIZE);
	assert_int_equal(flight_pipe(&flight), 10 * SIZE);
	flight_acknowledge(&flight, start + 9 * SIZE, RTT, at(51 * MS), &news);
	news = (struct flight_news){0};
	flight_acknowledge(&flight, start + 10 * SIZE, RTT, at(61 * MS), &news);
	assert_int_equal(news.bytes, SIZE);
	assert_int_equal(news.rtt, 0);
	assert_int_equal(flight.newest_rtt, 11 * MS); /* of the second copy */
	assert_false(flight_repeat_last(&flight, &seq, &len, at(62 * MS)));
	flight_free(&flight);
}

static void as_many_as_there_is_room_for(void **state)
{
	struct flight_news news = {0};
	struct flight flight;
	uint32_t seq, len;

	(void)state;
	flight_init(&flight, start);
	for (uint32_t i = 1; i <= FLIGHT_SEGMENTS_MAX; i++)
		assert_true(flight_add(&flight, start + i * SIZE, at(i)));
	assert_false(flight_add(&flight, start + 5000 * SIZE, at(5000)));
	flight_lose_all(&flight); /* cut into the smallest pieces: at some time they count as one */
	while (flight_next_lost(&flight, 10, &seq, &len))
		flight_resend(&flight, seq, len, at(6000));
	assert_int_equal(flight_pipe(&flight), FLIGHT_SEGMENTS_MAX * SIZE);
	flight_acknowledge(&flight, start + FLIGHT_SEGMENTS_MAX * SIZE, RTT, at(7000), &news);
	assert_int_equal(news.bytes, FLIGHT_SEGMENTS_MAX * SIZE);
	assert_int_equal(flight.cap, 0);
	flight_free(&flight);
}

/* ---- against a model ---- */

enum { SPACE = 4096 };
enum byte_state { UNSENT, WAITING, ARRIVED, LOST };

static uint64_t next_random(uint64_t *seed)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return *seed >> 33;
}

struct model {
	uint8_t state[SPACE];
	uint32_t una, end;
};

static uint32_t count_of(const struct model *model, enum byte_state state)
{
	uint32_t count = 0;

	for (uint32_t i = model->una; i < model->end; i++)
		count += model->state[i] == state;
	return count;
}

static void compare(const struct flight *flight, const struct model *model)
{
	assert_int_equal(flight->una, start + model->una);
	assert_int_equal(flight_end(flight), start + model->end);
	assert_int_equal(flight->arrived, count_of(model, ARRIVED));
	assert_int_equal(flight->lost, count_of(model, LOST));
	assert_int_equal(flight_pipe(flight), count_of(model, WAITING));
}

/* Segments are known by where they end; only whole ones arrive. */
static void arrive(const struct flight *flight, struct model *model, uint32_t from, uint32_t to)
{
	uint32_t begin = model->una;

	for (uint32_t i = 0; i < flight->count; i++) {
		uint32_t end = flight->list[flight->first + i].end - start;

		if (begin >= from && end <= to)
			memset(model->state + begin, ARRIVED, end - begin);
		begin = end;
	}
}

static void step(struct flight *flight, struct model *model, uint64_t *seed, int64_t now)
{
	uint32_t span = model->end - model->una, seq, len, from;
	struct flight_news news = {0};
	int64_t again;

	switch (next_random(seed) % 8) {
	case 0:
	case 1:
	case 2:
		len = 1 + (uint32_t)(next_random(seed) % 40);
		if (model->end + len > SPACE)
			break;
		assert_true(flight_add(flight, start + model->end + len, at(now)));
		memset(model->state + model->end, WAITING, len);
		model->end += len;
		break;
	case 3:
		from = model->una + (uint32_t)(next_random(seed) % (span + 1));
		len = (uint32_t)(next_random(seed) % 200);
		arrive(flight, model, from, from + len);
		flight_arrive(flight, start + from, start + from + len, RTT, at(now), &news);
		break;
	case 4:
		len = (uint32_t)(next_random(seed) % (span + 1)) / 4;
		flight_acknowledge(flight, start + model->una + len, RTT, at(now), &news);
		model->una += len;
		break;
	case 5:
		if (next_random(seed) % 4 != 0)
			break;
		flight_lose_all(flight);
		for (uint32_t i = model->una; i < model->end; i++)
			model->state[i] = model->state[i] == WAITING ? LOST : model->state[i];
		break;
	case 6:
		if (!flight_next_lost(flight, 1 + (uint32_t)(next_random(seed) % 60), &seq, &len)) {
			assert_int_equal(count_of(model, LOST), 0);
			break;
		}
		for (uint32_t i = model->una; i < seq - start; i++)
			assert_int_not_equal(model->state[i], LOST);
		for (uint32_t i = seq - start; i < seq - start + len; i++)
			assert_int_equal(model->state[i], LOST);
		flight_resend(flight, seq, len, at(now));
		memset(model->state + (seq - start), WAITING, len);
		break;
	default:
		from = flight->lost;
		len = flight_detect(flight, RTT, RTT, next_random(seed) % 2 != 0, at(now), &again);
		assert_int_equal(flight->lost, from + len);
		from = model->una;
		for (uint32_t i = 0; i < flight->count; i++) { /* which ones is another test's matter */
			const struct flight_segment *segment = &flight->list[flight->first + i];

			if (segment->state == FLIGHT_LOST)
				memset(model->state + from, LOST, segment->end - start - from);
			from = segment->end - start;
		}
	}
}

static void as_bytes_with_a_state_each(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned run = 0; run < 2000; run++) {
		struct model model = {.una = 0};
		struct flight flight;

		flight_init(&flight, start);
		for (int64_t i = 1; i < 300; i++) {
			step(&flight, &model, &seed, i * MS);
			compare(&flight, &model);
		}
		flight_free(&flight);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_acknowledged),
		cmocka_unit_test(what_is_overtaken_is_lost),
		cmocka_unit_test(patience),
		cmocka_unit_test(sent_again),
		cmocka_unit_test(the_last_one_again),
		cmocka_unit_test(as_many_as_there_is_room_for),
		cmocka_unit_test(as_bytes_with_a_state_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
