/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The options of a run: one table says their names, forms, bounds and what they are for; reading and printing both follow it.
 */
#include "sim/options.h"

#include <stdlib.h>
#include <string.h>

#include <romon/romon.h>

enum form { NUMBER, DURATION, SHARE, WORD, LIST, YES, TEXT };

static const char *const topologies[] = {
	"line", "ring", "star", "tree", "grid", "mesh", "geometric", "rings", "access", "file", NULL};
static const char *const fault_names[] = {"cut", "partition", "one-way", "weather", "corrupt", "narrow", "mtu", "carrier",
	"crash", "lose", "freeze", "clock", "flood", "filter", "isolate", "cost", "forbid", NULL};
static const char *const check_names[] = {"route", "hops", "answer", "wrong-id", "twice", "content", "table", "secret", "bound",
	"silence", "converge", "finish", NULL};
static const char *const secrets_names[] = {"none", "shared", "rotate", NULL};
static const char *const costs_names[] = {"even", "random", NULL};
_Static_assert(sizeof(fault_names) / sizeof(fault_names[0]) == FAULT_KINDS + 1, "a name for each");
_Static_assert(sizeof(check_names) / sizeof(check_names[0]) == CHECK_KINDS + 1, "a name for each");
_Static_assert(sizeof(topologies) / sizeof(topologies[0]) == TOPOLOGY_KINDS + 1, "a name for each");

#ifdef ROMON_BROKEN
static const char *const broken_names[] = {"nothing", "route", "hops", "answer", "wrong-id", "twice", "content", "table",
	"secret", "replay", "sign", "bound", "silence", "converge", "finish", NULL};
_Static_assert(sizeof(broken_names) / sizeof(broken_names[0]) == BROKEN_FINISH + 2, "a name for each");
#endif

struct option {
	const char *name;
	enum form form;
	size_t at;
	uint64_t min, max; /* of numbers; of TEXT max is the room */
	const char *const *words;
	const char *help;
};

#define AT(field) offsetof(struct options, field)
#define HOUR (3600 * (uint64_t)ROMON_SECOND)

static const struct option table[] = {
	{"topology", WORD, AT(topology), 0, 0, topologies, "how routers are connected"},
	{"file", TEXT, AT(file), 0, 256, NULL, "the network of topology=file: each line a cable, the names of the routers on it"},
	{"routers", NUMBER, AT(routers), 1, 100000, NULL, "how many"},
	{"seed", NUMBER, AT(seed), 0, UINT64_MAX, NULL, "the run is made of it"},
	{"time", DURATION, AT(time), 0, 10000 * HOUR, NULL, "of the network, before faults are healed"},
	{"costs", WORD, AT(costs), 0, 0, costs_names, "of ports: 100 each, or 1 to 300"},
	{"mtu", NUMBER, AT(mtu), 256, 65535, NULL, "of ports, bytes"},
	{"askers", NUMBER, AT(askers), 0, 100000, NULL, "routers that discover all the time"},
	{"pings", NUMBER, AT(pings), 0, 100000, NULL, "pairs that ping"},
	{"ping-interval", DURATION, AT(ping_interval), ROMON_MILLISECOND, HOUR, NULL, "of each of them"},
	{"streams", NUMBER, AT(streams), 0, 10000, NULL, "streams at a time"},
	{"stream-bytes", NUMBER, AT(stream_bytes), 0, 1 << 30, NULL, "each way, at most"},
	{"change", DURATION, AT(change), ROMON_SECOND, 10000 * HOUR, NULL, "after so long others ask and ping"},
	{"delay", DURATION, AT(delay), 0, 10 * (uint64_t)ROMON_SECOND, NULL, "from port to port"},
	{"jitter", DURATION, AT(jitter), 0, 10 * (uint64_t)ROMON_SECOND, NULL, "added to it at random"},
	{"loss", SHARE, AT(loss), 0, 1000000, NULL, "of frames, on every cable"},
	{"reorder", SHARE, AT(reorder), 0, 1000000, NULL, "of frames, by up to ten times the delay"},
	{"duplicate", SHARE, AT(duplicate), 0, 1000000, NULL, "of frames"},
	{"corrupt", SHARE, AT(corrupt), 0, 1000000, NULL, "of frames"},
	{"skew", SHARE, AT(skew), 0, 500000, NULL, "of clocks, at most"},
	{"floods", YES, AT(floods), 0, 0, NULL, "switches send everything to everybody"},
	{"unicast", YES, AT(unicast), 0, 0, NULL, "as romond's setting"},
	{"shared-mac", YES, AT(shared_mac), 0, 0, NULL, "all ports of a router have one MAC"},
	{"secrets", WORD, AT(secrets), 0, 0, secrets_names, "of all routers"},
	{"routeros", NUMBER, AT(routeros), 0, 100, NULL,
		"percent that speak only what RouterOS is known to speak (not with secrets)"},
	{"hostile", NUMBER, AT(hostile), 0, 1000, NULL, "strangers that replay, forge, flood, lie and loop"},
	{"hostile-interval", DURATION, AT(hostile_interval), ROMON_MILLISECOND, 10000 * HOUR, NULL,
		"mean time between two acts of a stranger"},
	{"faults", LIST, AT(faults), 0, 0, fault_names, "those that come and go: a list, or none, or all"},
	{"fault-interval", DURATION, AT(fault_interval), ROMON_MILLISECOND, 10000 * HOUR, NULL, "mean time between two"},
	{"only", TEXT, AT(only), 0, 1024, NULL, "the faults that happen, by number: 3,7-9; - for none"},
	{"heal", YES, AT(heal), 0, 0, NULL, "then everybody must see everybody, and every stream end"},
	{"checks", LIST, AT(checks), 0, 0, check_names, "that end the run: a list, or none, or all"},
	{"shrink", YES, AT(shrink), 0, 0, NULL, "look for a smaller run that fails, too"},
	{"scale", NUMBER, AT(scale), 0, 3600, NULL, "measure so many rounds of discovery instead"},
#ifdef ROMON_BROKEN
	{"broken", WORD, AT(broken), 0, 0, broken_names, "what is wrong with the core"},
#endif
	{"trace", TEXT, AT(trace), 0, 256, NULL, "write every frame to this file, a line each"},
};
#define OPTIONS (sizeof(table) / sizeof(table[0]))

void options_init(struct options *options)
{
	*options = (struct options){.topology = TOPOLOGY_GRID,
		.routers = 50,
		.seed = 1,
		.time = 600 * ROMON_SECOND,
		.mtu = 1500,
		.askers = 2,
		.pings = 5,
		.ping_interval = ROMON_SECOND,
		.streams = 2,
		.stream_bytes = 100000,
		.change = 60 * ROMON_SECOND,
		.delay = 20000,
		.unicast = true,
		.hostile_interval = 3 * ROMON_SECOND,
		.fault_interval = 20 * ROMON_SECOND,
		.heal = true,
		.checks = (1ULL << CHECK_KINDS) - 1,
		.shrink = true};
}

static bool read_number(const char *text, uint64_t *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*value = strtoull(text, &end, 10);
	return *end == '\0';
}

/* A number and its unit; without one it is seconds. */
static bool read_duration(const char *text, int64_t *value)
{
	static const struct {
		const char *name;
		double ns;
	} units[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}, {"", 1e9}};
	char *end;
	double number = strtod(text, &end);

	if (end == text || !(number >= 0 && number < 1e9))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].name) == 0) {
			*value = (int64_t)(number * units[i].ns + 0.5);
			return true;
		}
	}
	return false;
}

/* "0.5%" */
static bool read_share(const char *text, uint64_t *value)
{
	char *end;
	double number = strtod(text, &end);

	if (end == text || !(number >= 0 && number <= 100) || (strcmp(end, "%") != 0 && *end != '\0'))
		return false;
	*value = (uint64_t)(number * 1e4 + 0.5);
	return true;
}

static int find_word(const char *const *words, const char *text, size_t len)
{
	for (int i = 0; words[i] != NULL; i++)
		if (strlen(words[i]) == len && memcmp(words[i], text, len) == 0)
			return i;
	return -1;
}

static bool read_list(const char *const *words, const char *text, uint64_t *value)
{
	*value = 0;
	if (strcmp(text, "none") == 0)
		return true;
	if (strcmp(text, "all") == 0) {
		for (int i = 0; words[i] != NULL; i++)
			*value |= 1ULL << i;
		return true;
	}
	for (;;) {
		size_t len = strcspn(text, ",");
		int word = find_word(words, text, len);

		if (word < 0)
			return false;
		*value |= 1ULL << word;
		if (text[len] == '\0')
			return true;
		text += len + 1;
	}
}

static bool read_value(struct options *options, const struct option *option, const char *text)
{
	void *at = (char *)options + option->at;
	uint64_t number = 0;
	int64_t duration = 0;
	int word;

	switch (option->form) {
	case NUMBER:
	case SHARE:
		if (!(option->form == NUMBER ? read_number : read_share)(text, &number) || number < option->min ||
			number > option->max)
			return false;
		*(uint64_t *)at = number;
		return true;
	case DURATION:
		if (!read_duration(text, &duration) || duration < (int64_t)option->min || duration > (int64_t)option->max)
			return false;
		*(int64_t *)at = duration;
		return true;
	case WORD:
		word = find_word(option->words, text, strlen(text));
		if (word >= 0)
			*(unsigned *)at = (unsigned)word;
		return word >= 0;
	case LIST:
		return read_list(option->words, text, at);
	case YES:
		*(bool *)at = strcmp(text, "yes") == 0;
		return *(bool *)at || strcmp(text, "no") == 0;
	case TEXT:
		if (strlen(text) >= option->max)
			return false;
		memcpy(at, text, strlen(text) + 1);
		return true;
	}
	return false;
}

bool options_take(struct options *options, const char *word, char error[OPTIONS_ERROR])
{
	const char *equals = strchr(word, '=');
	size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);

	if (strcmp(word, "--json") == 0 || strcmp(word, "--dot") == 0) {
		*(word[2] == 'j' ? &options->json : &options->dot) = true;
		return true;
	}
	for (size_t i = 0; i < OPTIONS; i++) {
		if (equals == NULL || strlen(table[i].name) != len || memcmp(table[i].name, word, len) != 0)
			continue;
		if (read_value(options, &table[i], equals + 1))
			return true;
		snprintf(error, OPTIONS_ERROR, "%s cannot be '%.80s': romon-sim --help says what it can be", table[i].name,
			equals + 1);
		return false;
	}
	snprintf(error, OPTIONS_ERROR, "there is no option '%.80s': romon-sim --help lists them", word);
	return false;
}

static void print_duration(int64_t ns, FILE *out)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {{"h", 3600 * ROMON_SECOND}, {"m", 60 * ROMON_SECOND}, {"s", ROMON_SECOND}, {"ms", ROMON_MILLISECOND}};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (ns % units[i].ns == 0) {
			fprintf(out, "%lld%s", (long long)(ns / units[i].ns), units[i].name);
			return;
		}
	}
	fprintf(out, "%.17gus", (double)ns / 1e3);
}

static void print_list(const struct option *option, uint64_t bits, FILE *out)
{
	const char *separator = "";
	uint64_t all = 0;

	for (int i = 0; option->words[i] != NULL; i++)
		all |= 1ULL << i;
	if (bits == all || bits == 0) {
		fputs(bits == 0 ? "none" : "all", out);
		return;
	}
	for (int i = 0; option->words[i] != NULL; i++) {
		if ((bits & 1ULL << i) != 0) {
			fprintf(out, "%s%s", separator, option->words[i]);
			separator = ",";
		}
	}
}

static void print_value(const struct option *option, const void *at, FILE *out)
{
	switch (option->form) {
	case NUMBER:
		fprintf(out, "%llu", (unsigned long long)*(const uint64_t *)at);
		break;
	case SHARE:
		fprintf(out, "%.10g%%", (double)*(const uint64_t *)at / 1e4);
		break;
	case DURATION:
		print_duration(*(const int64_t *)at, out);
		break;
	case WORD:
		fputs(option->words[*(const unsigned *)at], out);
		break;
	case LIST:
		print_list(option, *(const uint64_t *)at, out);
		break;
	case YES:
		fputs(*(const bool *)at ? "yes" : "no", out);
		break;
	case TEXT:
		fputs(at, out);
		break;
	}
}

static bool same(const struct option *option, const void *a, const void *b)
{
	switch (option->form) {
	case WORD:
		return *(const unsigned *)a == *(const unsigned *)b;
	case YES:
		return *(const bool *)a == *(const bool *)b;
	case TEXT:
		return strcmp(a, b) == 0;
	default:
		return memcmp(a, b, sizeof(uint64_t)) == 0;
	}
}

void options_print(const struct options *options, FILE *out)
{
	struct options usual;

	options_init(&usual);
	for (size_t i = 0; i < OPTIONS; i++) {
		const void *at = (const char *)options + table[i].at;

		if (same(&table[i], at, (const char *)&usual + table[i].at) && strcmp(table[i].name, "seed") != 0)
			continue;
		fprintf(out, " %s=", table[i].name);
		print_value(&table[i], at, out);
	}
}

void options_help(FILE *out)
{
	struct options usual;

	options_init(&usual);
	for (size_t i = 0; i < OPTIONS; i++) {
		fprintf(out, "  %s=", table[i].name);
		print_value(&table[i], (const char *)&usual + table[i].at, out);
		fprintf(out, "\t%s", table[i].help);
		for (int word = 0; table[i].words != NULL && table[i].words[word] != NULL; word++)
			fprintf(out, "%s%s", word == 0 ? ": " : ", ", table[i].words[word]);
		fputc('\n', out);
	}
}

const char *options_topology(const struct options *options)
{
	return topologies[options->topology];
}

const char *fault_name(enum fault_kind kind)
{
	return fault_names[kind];
}

const char *check_name(enum check check)
{
	return check_names[check];
}

/* "3,7-9": anything else in the list ends it. */
bool options_happens(const struct options *options, unsigned n)
{
	const char *at = options->only;

	while (*at >= '0' && *at <= '9') {
		char *end;
		unsigned long first = strtoul(at, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		if (n >= first && n <= last)
			return true;
		at = *end == ',' ? end + 1 : end;
	}
	return options->only[0] == '\0';
}
