/* SPDX-License-Identifier: BSD-2-Clause
 *
 * HMAC-MD5 of frames, signing and verifying: two digests a frame, by every width that this machine can, and by nettle. Prints JSON for
 * bench.py: what every round gave, nanoseconds of processor time a frame. With `limit BYTES` only how many frames a second one lane
 * could sign and verify if there were nothing else to do.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <nettle/hmac.h>

#include "core/md5.h"

enum { ROUNDS = 11, REPEATS = 20, FRAMES = 64, FRAME_SIZE = 2048, WAYS_MAX = 8 };

static const uint8_t secret[] = "a secret of usual length";

static struct md5_key key;
static struct hmac_md5_ctx nettle_key;
static uint8_t frames[FRAMES][FRAME_SIZE];
static struct md5_text texts[FRAMES];

/* Processor time, as openssl speed has it: others on the machine do not count. */
static double cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* Nanoseconds a frame of len bytes, signed and verified. */
static double by_lanes(const struct md5_lanes *lanes, size_t len)
{
	double begin = cpu_ns();

	for (int i = 0; i < 2 * REPEATS; i++) {
		for (int k = 0; k < FRAMES; k++) {
			memcpy(texts[k].head, frames[k], MD5_BLOCK);
			texts[k].key = &key;
			texts[k].head_len = MD5_BLOCK;
			texts[k].rest = frames[k] + MD5_BLOCK;
			texts[k].rest_len = len - MD5_BLOCK;
		}
		md5_hmac_by(lanes, texts, FRAMES);
		frames[0][len - 1] ^= texts[FRAMES - 1].digest[0]; /* so that no repeat can be left out */
	}
	return (cpu_ns() - begin) / (FRAMES * REPEATS);
}

static double by_nettle(size_t len)
{
	double begin = cpu_ns();
	uint8_t digest[MD5_DIGEST_LEN];

	for (int i = 0; i < 2 * REPEATS; i++) {
		for (int k = 0; k < FRAMES; k++) {
			hmac_md5_update(&nettle_key, len, frames[k]);
			hmac_md5_digest(&nettle_key, sizeof(digest), digest);
			frames[k][len - 1] ^= digest[0];
		}
	}
	return (cpu_ns() - begin) / (FRAMES * REPEATS);
}

static void print_side(const char *name, bool ours, const double values[ROUNDS], bool last)
{
	printf("{\"side\":\"%s\",\"ours\":%s,\"values\":[", name, ours ? "true" : "false");
	for (int i = 0; i < ROUNDS; i++)
		printf("%s%.2f", i > 0 ? "," : "", values[i]);
	printf("]}%s", last ? "" : ",");
}

static void bench(const struct md5_lanes *all, size_t ways, size_t len, bool last)
{
	static double ours[WAYS_MAX][ROUNDS], theirs[ROUNDS];
	char name[64];

	for (int round = 0; round < ROUNDS; round++) {
		for (size_t way = 0; way < ways; way++)
			ours[way][round] = by_lanes(&all[way], len);
		theirs[round] = by_nettle(len);
	}
	printf("{\"case\":\"%zu bytes, signed and verified\",\"unit\":\"ns a frame\",\"sides\":[", len);
	for (size_t way = 0; way < ways; way++) {
		snprintf(name, sizeof(name), "lanes: %s", all[way].name);
		print_side(name, true, ours[way], false);
	}
	print_side("nettle", false, theirs, true);
	printf("]}%s\n", last ? "" : ",");
}

int main(int argc, char **argv)
{
	size_t ways;
	const struct md5_lanes *all = md5_lanes_all(&ways);

	md5_key_set(&key, secret, sizeof(secret) - 1);
	hmac_md5_set_key(&nettle_key, sizeof(secret) - 1, secret);
	if (argc == 3 && strcmp(argv[1], "limit") == 0) {
		printf("%.1f\n", 1e9 / by_nettle((size_t)atoi(argv[2])));
		return EXIT_SUCCESS;
	}
	puts("[");
	bench(all, ways, 128, false);
	bench(all, ways, 1500, true);
	puts("]");
	return EXIT_SUCCESS;
}
