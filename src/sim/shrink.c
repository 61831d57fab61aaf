/* SPDX-License-Identifier: BSD-2-Clause
 *
 * From a run that fails to a smaller one: less time, fewer faults, fewer users, fewer routers, each step kept if the same check is still
 * violated.
 */
#include "sim/shrink.h"

#include <stdlib.h>
#include <string.h>

#include "sim/memory.h"

#define REAL_TIME 60.0 /* seconds */

struct shrinking {
	struct options best;
	struct result result;
	double spent;
	unsigned tries;
};

/* Takes these options if they fail as the best ones do. */
static bool attempt(struct shrinking *shrinking, const struct options *options)
{
	struct result result;
	char error[OPTIONS_ERROR];

	if (shrinking->spent > REAL_TIME)
		return false;
	shrinking->tries++;
	if (!run(options, &result, NULL, error))
		return false;
	shrinking->spent += result.real;
	if (!result.violated || result.check != shrinking->result.check)
		return false;
	shrinking->best = *options;
	shrinking->result = result;
	return true;
}

/* It is enough to run until the violation; or, if that came when faults were healed, perhaps for a shorter time. */
static void less_time(struct shrinking *shrinking)
{
	struct options options = shrinking->best;
	int64_t at = (int64_t)(shrinking->result.at * 1e9);

	if (at < options.time) {
		options.time = (at / ROMON_SECOND + 1) * ROMON_SECOND;
		attempt(shrinking, &options);
		return;
	}
	do {
		options = shrinking->best;
		options.time = options.time / 2 / ROMON_SECOND * ROMON_SECOND;
	} while (options.time >= ROMON_SECOND && attempt(shrinking, &options));
}

/* Writes the numbers whose bit is set as "3,7-9". False: that is too long. */
static bool write_only(char *only, size_t room, const bool *happens, size_t count)
{
	size_t len = 0;

	for (size_t i = 0; i < count; i++) {
		size_t last = i;
		int written;

		if (!happens[i])
			continue;
		while (last + 1 < count && happens[last + 1])
			last++;
		written = snprintf(only + len, room - len, last > i ? "%s%zu-%zu" : "%s%zu", len > 0 ? "," : "", i, last);
		if (written < 0 || (size_t)written >= room - len)
			return false;
		len += (size_t)written;
		i = last;
	}
	if (len == 0)
		memcpy(only, "-", 2);
	return true;
}

/* Leaves out halves, quarters, and so on, of what still happens. */
static void fewer_faults(struct shrinking *shrinking)
{
	size_t count = shrinking->result.fault_count;
	bool *happens = memory_new(count, sizeof(*happens)), *fewer = memory_new(count, sizeof(*fewer));

	for (size_t i = 0; i < count; i++)
		happens[i] = options_happens(&shrinking->best, (unsigned)i);
	for (size_t size = count; size > 0; size = size / 2) {
		for (size_t from = 0; from < count; from += size) {
			struct options options = shrinking->best;
			bool any = false;

			memcpy(fewer, happens, count * sizeof(*fewer));
			for (size_t i = from; i < from + size && i < count; i++) {
				any |= fewer[i];
				fewer[i] = false;
			}
			if (any && write_only(options.only, sizeof(options.only), fewer, count) && attempt(shrinking, &options))
				memcpy(happens, fewer, count * sizeof(*fewer));
		}
	}
	free(happens);
	free(fewer);
}

static void fewer_users(struct shrinking *shrinking)
{
	uint64_t *const numbers[] = {&shrinking->best.hostile, &shrinking->best.streams, &shrinking->best.pings,
		&shrinking->best.askers, &shrinking->best.routeros, &shrinking->best.loss, &shrinking->best.reorder,
		&shrinking->best.duplicate, &shrinking->best.corrupt, &shrinking->best.skew};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		size_t offset = (size_t)((const char *)numbers[i] - (const char *)&shrinking->best);

		for (uint64_t to = 0; to <= 1 && to < *numbers[i]; to++) {
			struct options options = shrinking->best;

			memcpy((char *)&options + offset, &to, sizeof(to));
			if (attempt(shrinking, &options))
				break;
		}
	}
}

static void fewer_routers(struct shrinking *shrinking)
{
	struct options options;

	do {
		options = shrinking->best;
		options.routers = options.routers / 2;
	} while (options.topology != TOPOLOGY_FILE && options.routers >= 2 && attempt(shrinking, &options));
}

void shrink(const struct options *options, const struct result *result, FILE *out)
{
	struct shrinking shrinking = {.best = *options, .result = *result};
	struct result again;
	char error[OPTIONS_ERROR];

	less_time(&shrinking);
	fewer_routers(&shrinking);
	fewer_faults(&shrinking);
	fewer_users(&shrinking);
	less_time(&shrinking);
	fprintf(out, "shrunk:  %u runs later:\n", shrinking.tries);
	if (run(&shrinking.best, &again, out, error))
		result_print(&shrinking.best, &again, out);
}
