/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What all commands of romon share: what was asked on the command line, how a command looks, and how one fails.
 */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>

/* Exit statuses, part of the contract with scripts. */
enum cli_status {
	CLI_DONE = 0,
	CLI_NO = 1,          /* the answer is no: no reply, no such router, refused */
	CLI_USAGE = 2,       /* wrong usage */
	CLI_UNREACHABLE = 3, /* the daemon cannot be reached, may not be used, or makes no sense */
};

#define CLI_WORDS_MAX 8
#define CLI_PAIRS_MAX 32

struct cli_pair {
	const char *key;
	const char *value;
};

/* A command line, read. Texts belong to argv or to the commands, a joined [find …] to itself. */
struct cli {
	const char *socket;
	const char *agent_text;    /* -A */
	const struct agent *agent; /* whom that names; NULL: the romond of this machine */
	bool json;
	bool help;    /* -h: explain instead of doing */
	bool version; /* -V */
	const struct command *command;
	const char *words[CLI_WORDS_MAX]; /* what has no key */
	size_t word_count;
	struct cli_pair pairs[CLI_PAIRS_MAX]; /* key=value; each key once. A flag has no value */
	size_t pair_count;
	char *const *rest; /* what stands behind "--", ended by NULL, if the command wants it untouched; else NULL */
	char find[256];
};

/* A command. Lists of names are separated by blanks; NULL is the empty list. */
struct command {
	const char *name;     /* "port print" */
	const char *synopsis; /* its arguments, for people */
	const char *help;     /* whole lines: first what it does, then more */
	const char *keys;     /* those of key=value; "*": any, the daemon knows them */
	const char *flags;    /* words of their own: "dot" is both `dot` and `--dot` */
	size_t words;         /* at most so many other words */
	bool entry;           /* the first of them names an entry of a list, perhaps as [find …] */
	bool rest;            /* what stands behind "--" is for another program */
	int (*run)(const struct cli *cli);
};

extern const struct command commands[]; /* ends with one without a name */

/* The value of key, or NULL if it was not given. */
const char *cli_value(const struct cli *cli, const char *key);
bool cli_flag(const struct cli *cli, const char *flag);

/* Prints one line to standard error, made harmless for a terminal, and returns status. */
int cli_fail(enum cli_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));
_Noreturn void cli_out_of_memory(void);

int cmd_print(const struct cli *cli);
int cmd_set(const struct cli *cli);
int cmd_port_print(const struct cli *cli);
int cmd_port_add(const struct cli *cli);
int cmd_port_set(const struct cli *cli);
int cmd_port_remove(const struct cli *cli);
int cmd_discover(const struct cli *cli);
int cmd_map(const struct cli *cli);
int cmd_ping(const struct cli *cli);
int cmd_stats(const struct cli *cli);
int cmd_neighbors(const struct cli *cli);
int cmd_service_print(const struct cli *cli);
int cmd_service_add(const struct cli *cli);
int cmd_service_set(const struct cli *cli);
int cmd_service_remove(const struct cli *cli);
int cmd_streams(const struct cli *cli);
int cmd_connect(const struct cli *cli);
int cmd_ssh(const struct cli *cli);
int cmd_forward(const struct cli *cli);
int cmd_winbox(const struct cli *cli);
int cmd_winbox_probe(const struct cli *cli);
int cmd_winbox_agent_print(const struct cli *cli);
int cmd_winbox_agent_set(const struct cli *cli);
int cmd_winbox_user_print(const struct cli *cli);
int cmd_winbox_user_add(const struct cli *cli);
int cmd_winbox_user_set(const struct cli *cli);
int cmd_winbox_user_remove(const struct cli *cli);
int cmd_inventory(const struct cli *cli);
int cmd_agent_add(const struct cli *cli);
int cmd_agent_print(const struct cli *cli);
int cmd_agent_remove(const struct cli *cli);
int cmd_agent_serve(const struct cli *cli);
int cmd_help(const struct cli *cli);
int cmd_version(const struct cli *cli);

#endif
