/* SPDX-License-Identifier: BSD-2-Clause
 *
 * emulator [seed=N] ["COMMAND"…]: wires that delay, lose, reorder, duplicate, corrupt and slow down, each between two interfaces of this
 * network namespace (best the far ends of veth pairs). Further commands come by standard input, one a line, and each is answered by one:
 *
 *     wire NAME INTERFACE INTERFACE [OPTION=VALUE…]   a wire between the two
 *     set NAME[>|<] [OPTION=VALUE…]                   both ways, from the first to the second (>), or back (<)
 *     cut NAME, heal NAME                             nothing passes any more, without the ends noticing; and again
 *     count                                           the counters, as JSON
 *
 * Options: loss=1% duplicate=1% corrupt=1% reorder=5% depth=3 delay=5ms jitter=1ms rate=100Mbit limit=256K mtu=1500 (way.h says what
 * they mean). At the end of the input the counters are printed once more. Relies on Linux 4.20.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "tap.h"
#include "way.h"

#define WIRES_MAX 256
#define NAME_MAX_LEN 31
#define LINE_MAX_LEN 1024
#define SECOND 1000000000

struct wire {
	char name[NAME_MAX_LEN + 1];
	struct tap taps[2];
	struct way ways[2]; /* from taps[i] to taps[1 - i] */
	uint64_t overruns[2];
};

static struct wire wires[WIRES_MAX];
static unsigned count;
static uint64_t seed = 1;

static int64_t clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

/* ---- commands ---- */

static void answer(const char *text, const char *what)
{
	printf("%s%s\n", text, what);
	fflush(stdout);
}

static struct wire *wire_find(const char *name, size_t len)
{
	for (unsigned i = 0; i < count; i++)
		if (strlen(wires[i].name) == len && memcmp(wires[i].name, name, len) == 0)
			return &wires[i];
	return NULL;
}

/* Sets options of the ways in the mask. */
static void set_options(struct wire *wire, unsigned mask, char **words, unsigned words_count)
{
	struct way_options options[2] = {wire->ways[0].options, wire->ways[1].options};

	for (unsigned i = 0; i < words_count; i++) {
		if (!command_option(&options[0], words[i]) || !command_option(&options[1], words[i])) {
			answer("error: no such option or value: ", words[i]);
			return;
		}
	}
	for (unsigned i = 0; i < 2; i++)
		if (mask & 1u << i)
			wire->ways[i].options = options[i];
	answer("ok", "");
}

static void add_wire(char **words, unsigned words_count)
{
	struct wire *wire = &wires[count];

	if (words_count < 4 || count == WIRES_MAX || strlen(words[1]) > NAME_MAX_LEN || strpbrk(words[1], "\"\\<>") != NULL ||
		wire_find(words[1], strlen(words[1])) != NULL) {
		answer("error: no room, or not a new name and two interfaces: ", words_count > 1 ? words[1] : "");
		return;
	}
	if (!tap_open(&wire->taps[0], words[2])) {
		answer("error: cannot open ", words[2]);
		return;
	}
	if (!tap_open(&wire->taps[1], words[3])) {
		tap_close(&wire->taps[0]);
		answer("error: cannot open ", words[3]);
		return;
	}
	strcpy(wire->name, words[1]);
	for (unsigned i = 0; i < 2; i++)
		way_init(&wire->ways[i], seed * 2 * WIRES_MAX + count * 2 + i);
	count++;
	set_options(wire, 3, words + 4, words_count - 4);
}

static void print_way(const struct wire *wire, unsigned i)
{
	const struct way_counters *c = &wire->ways[i].counters;

	printf("{\"frames\":%llu,\"bytes\":%llu,\"passed\":%llu,\"lost\":%llu,\"cut\":%llu,\"mtu\":%llu,\"queue\":%llu,"
	       "\"duplicated\":%llu,\"corrupted\":%llu,\"reordered\":%llu,\"overrun\":%llu,\"refused\":%llu}",
		(unsigned long long)c->frames, (unsigned long long)c->bytes, (unsigned long long)c->passed,
		(unsigned long long)c->lost, (unsigned long long)c->cut, (unsigned long long)c->long_,
		(unsigned long long)c->queue, (unsigned long long)c->duplicated, (unsigned long long)c->corrupted,
		(unsigned long long)c->reordered, (unsigned long long)wire->overruns[i],
		(unsigned long long)wire->taps[1 - i].refused);
}

static void print_counters(void)
{
	printf("{\"seed\":%llu,\"wires\":{", (unsigned long long)seed);
	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < 2; j++)
			wires[i].overruns[j] += tap_overruns(&wires[i].taps[j]);
		printf("%s\"%s\":{\"cut\":%s,\">\":", i != 0 ? "," : "", wires[i].name, wires[i].ways[0].cut ? "true" : "false");
		print_way(&wires[i], 0);
		printf(",\"<\":");
		print_way(&wires[i], 1);
		printf("}");
	}
	answer("}}", "");
}

static void change_wire(char **words, unsigned words_count)
{
	size_t len = words_count > 1 ? strlen(words[1]) : 0;
	char way = len > 0 ? words[1][len - 1] : '\0';
	bool one = way == '>' || way == '<', cut = strcmp(words[0], "cut") == 0;
	struct wire *wire = wire_find(words_count > 1 ? words[1] : "", len - one);
	unsigned mask = way == '>' ? 1 : way == '<' ? 2 : 3;

	if (wire == NULL) {
		answer("error: no such wire: ", words_count > 1 ? words[1] : "");
	} else if (strcmp(words[0], "set") == 0) {
		set_options(wire, mask, words + 2, words_count - 2);
	} else if (cut || strcmp(words[0], "heal") == 0) {
		for (unsigned i = 0; i < 2; i++)
			if (mask & 1u << i)
				way_cut(&wire->ways[i], cut);
		answer("ok", "");
	} else {
		answer("error: no such command: ", words[0]);
	}
}

static void command(char *line)
{
	char *words[COMMAND_WORDS_MAX];
	unsigned words_count = command_split(line, words);

	if (words_count == 0)
		answer("error: an empty line", "");
	else if (strcmp(words[0], "wire") == 0)
		add_wire(words, words_count);
	else if (strcmp(words[0], "count") == 0)
		print_counters();
	else
		change_wire(words, words_count);
}

/* Reads standard input. False: its end. */
static bool read_commands(void)
{
	static char lines[LINE_MAX_LEN];
	static size_t len;
	ssize_t n = read(STDIN_FILENO, lines + len, sizeof(lines) - len);
	char *end;

	if (n <= 0)
		return n < 0 && errno == EINTR;
	len += (size_t)n;
	while ((end = memchr(lines, '\n', len)) != NULL) {
		*end = '\0';
		command(lines);
		len -= (size_t)(end + 1 - lines);
		memmove(lines, end + 1, len);
	}
	return len < sizeof(lines);
}

/* ---- the loop ---- */

static int64_t earliest(void)
{
	int64_t due = WAY_NEVER, one;

	for (unsigned i = 0; i < 2 * count; i++)
		if ((one = way_due(&wires[i / 2].ways[i % 2])) < due)
			due = one;
	return due;
}

static int wait_for(struct pollfd *fds)
{
	int64_t due = earliest(), now = clock_now(), left = due > now ? due - now : 0;
	struct timespec timeout = {.tv_sec = left / SECOND, .tv_nsec = left % SECOND};

	fds[0] = (struct pollfd){.fd = STDIN_FILENO, .events = POLLIN};
	for (unsigned i = 0; i < 2 * count; i++)
		fds[1 + i] = (struct pollfd){.fd = wires[i / 2].taps[i % 2].fd, .events = POLLIN};
	return ppoll(fds, 1 + 2 * count, due != WAY_NEVER ? &timeout : NULL, NULL);
}

/* Frames go out before the next batch is read, so that none waits for others than its own. */
static void carry(const struct pollfd *fds)
{
	for (unsigned i = 0; i < 2 * count; i++) {
		struct wire *wire = &wires[i / 2];
		struct way *way = &wire->ways[i % 2];
		int64_t now = clock_now();

		if (fds[1 + i].revents != 0)
			tap_receive(&wire->taps[i % 2], way, now);
		if (way_due(way) <= now)
			tap_send(&wire->taps[1 - i % 2], way, now);
	}
}

static void run(void)
{
	static struct pollfd fds[1 + 2 * WIRES_MAX];

	for (;;) {
		int ready = wait_for(fds);

		if (ready < 0 && errno != EINTR)
			break;
		if (ready <= 0) {
			for (unsigned i = 0; i < 1 + 2 * count; i++)
				fds[i].revents = 0;
		}
		carry(fds);
		if (fds[0].revents != 0 && !read_commands())
			break;
	}
}

int main(int argc, char **argv)
{
	prctl(PR_SET_TIMERSLACK, 1UL);
	for (int i = 1; i < argc; i++) {
		if (i == 1 && strncmp(argv[i], "seed=", 5) == 0)
			seed = strtoull(argv[i] + 5, NULL, 0);
		else
			command(argv[i]);
	}
	run();
	print_counters();
	for (unsigned i = 0; i < 2 * count; i++) {
		way_clear(&wires[i / 2].ways[i % 2]);
		tap_close(&wires[i / 2].taps[i % 2]);
	}
	return 0;
}
