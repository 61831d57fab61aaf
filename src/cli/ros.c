/* SPDX-License-Identifier: BSD-2-Clause
 *
 * RouterOS as an agent: a small romond that knows three methods, each of which runs a command there. Nothing of anybody's gets into such a
 * command but numbers, RoMON IDs and, of ssh, a user's name of harmless characters.
 */
#include "cli/ros.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/call.h"
#include "cli/parse.h"
#include "cli/ros_read.h"
#include "cli/stand_in.h"

#define COMMAND_SIZE 256
#define RESOLVE_SECONDS 3.0
#define PATIENCE 2.0 /* seconds, for a command that should have ended by itself */
#define USER_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+@-"
#define SSH_FAILED 255
#define IDLE_MS 500 /* after which what has come of a table is shown */

struct ros {
	const struct agent *agent;
	struct stand_in asker;
	int status;
};

/* A command that runs there. */
struct run {
	struct ros *ros;
	pid_t ssh;
	int out;
	double end; /* when it is ended, by clock(); 0: never */
	char line[ROS_LINE_MAX + 1];
	size_t length; /* of the line so far */
	bool stopped;  /* by us */
};

/* ---- answers ---- */

/* What RouterOS said in place of an answer. */
static void say_refusal(struct ros *ros, const char *said)
{
	char *reason;

	if (asprintf(&reason, "RouterOS says: %s", *said ? said : "nothing") < 0)
		cli_out_of_memory();

	json_t *text = json_string(reason);

	stand_in_error(
		&ros->asker, "Failed", json_pack("{so}", "reason", text ? text : json_string("RouterOS says what is no text")));
	free(reason);
}

/* ---- commands there ---- */

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Starts ssh, whose output is to be read. */
static bool run_start(struct run *run, struct ros *ros, const char *command)
{
	const char *words[AGENT_WORDS_MAX];
	posix_spawn_file_actions_t actions;
	int out[2], error;

	*run = (struct run){.ros = ros, .out = -1};
	agent_ssh(ros->agent, false, command, words);
	if (pipe2(out, O_CLOEXEC) < 0 || posix_spawn_file_actions_init(&actions) != 0)
		cli_out_of_memory();
	posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
	error = posix_spawnp(&run->ssh, "ssh", &actions, NULL, (char *const *)words, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(out[1]);
	run->out = out[0];
	if (!error)
		return true;
	close(out[0]);
	cli_fail(CLI_UNREACHABLE, "romon: cannot run ssh: %s: is an OpenSSH client installed?", strerror(error));
	ros->asker.over = true;
	ros->status = CLI_UNREACHABLE;
	return false;
}

/* Ends it, if it has not. */
static void run_stop(struct run *run)
{
	if (!run->stopped)
		kill(run->ssh, SIGTERM);
	run->stopped = true;
}

/* Waits for it. False, and this is the end of ros, if ssh did not get there. */
static bool run_end(struct run *run)
{
	struct ros *ros = run->ros;
	int how = 0;

	close(run->out);
	while (waitpid(run->ssh, &how, 0) < 0 && errno == EINTR)
		;
	if (!run->stopped && WIFEXITED(how) && WEXITSTATUS(how) == SSH_FAILED) {
		ros->asker.over = true;
		ros->status = SSH_FAILED;
	}
	return !ros->asker.over;
}

/* Takes the whole line out of what was read, if there is one; all is what follows the end of it. */
static bool line_take(struct run *run, bool all)
{
	if (run->length == 0 || (!all && run->line[run->length - 1] != '\n'))
		return false;
	run->line[run->length] = '\0';
	run->length = 0;
	return true;
}

/* Reads one byte of the line. A line is short and comes seldom: so no byte is ever read behind it. False: there are no more. */
static bool byte_read(struct run *run)
{
	char byte;
	ssize_t got = read(run->out, &byte, 1);

	if (got < 0 && errno == EINTR)
		return true;
	if (got <= 0)
		return false;
	if (run->length < ROS_LINE_MAX)
		run->line[run->length++] = byte;
	else if (byte == '\n')
		run->line[run->length - 1] = byte;
	return true;
}

enum run_result {
	RUN_LINE, /* in run->line */
	RUN_IDLE, /* nothing came for so long */
	RUN_OVER, /* there are no more, or the time is over, or nobody asks any more: the command is ended then */
};

/* Waits for the next line; for at most idle milliseconds (negative: as long as it takes). */
static enum run_result run_line(struct run *run, int idle)
{
	bool more = true;

	while (!line_take(run, !more)) {
		struct pollfd fds[] = {{.fd = run->out, .events = POLLIN}, {.fd = run->ros->asker.fd, .events = POLLRDHUP}};
		int left = run->end > 0 ? (int)((run->end - now()) * 1000) + 1 : -1, wait = idle;

		if (!more)
			return RUN_OVER;
		if (left >= 0 && (wait < 0 || left < wait))
			wait = left;
		int ready = run->end > 0 && left <= 0 ? 0 : poll(fds, 2, wait);

		if (ready < 0 && errno == EINTR)
			continue;
		if (fds[1].revents)
			run->ros->asker.over = true;
		if (ready == 0 && wait == idle && idle >= 0)
			return RUN_IDLE;
		if (ready <= 0 || fds[1].revents) {
			run_stop(run);
			return RUN_OVER;
		}
		more = byte_read(run);
	}
	return RUN_LINE;
}

/* ---- discover ---- */

/* RouterOS does not take the argument: so it goes on until it is ended. */
static bool argument_unknown(const char *said)
{
	static const char *const words[] = {"expected end of command", "syntax error", "unknown parameter", "bad parameter"};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcasestr(said, words[i]))
			return true;
	}
	return false;
}

/* Runs a discovery for so many seconds (0: until nobody asks any more), told to RouterOS or not; what is whole on the way is passed
 * on, if more is welcome. False if this is the end of ros. */
static bool discover_run(struct ros *ros, double seconds, bool told, bool more, struct ros_table *table)
{
	char command[COMMAND_SIZE];
	enum run_result result;
	bool fresh = false; /* lines have come that were not passed on */
	struct run run;

	*table = (struct ros_table){0};
	if (told)
		snprintf(command, sizeof(command), "/tool/romon/discover duration=%.0fs", seconds < 1 ? 1 : seconds);
	else
		snprintf(command, sizeof(command), "/tool/romon/discover");
	if (!run_start(&run, ros, command))
		return false;
	while ((result = run_line(&run, more && fresh ? IDLE_MS : -1)) != RUN_OVER) {
		bool whole = result == RUN_LINE && ros_table_line(table, run.line);

		if (seconds > 0 && run.end <= 0 && table->titles.read) /* logging in takes its time, too */
			run.end = now() + seconds + (told ? PATIENCE : 0);
		fresh = result == RUN_LINE && table->rows;
		if (more && whole)
			stand_in_reply(&ros->asker, json_pack("{sO}", "routers", table->whole), true);
		else if (more && result == RUN_IDLE)
			stand_in_reply(&ros->asker, json_pack("{sO}", "routers", table->rows), true);
	}
	if (run.stopped && table->whole) { /* the last one may be cut */
		json_decref(table->rows);
		table->rows = json_incref(table->whole);
	}
	return run_end(&run);
}

/* The routers, a new reference; NULL if there is no answer, which was said. */
static json_t *discover_all(struct ros *ros, double seconds, bool more)
{
	struct ros_table table;
	json_t *routers = NULL;
	bool done = discover_run(ros, seconds, seconds > 0, more, &table);

	if (done && seconds > 0 && !table.titles.read && argument_unknown(table.said)) {
		ros_table_free(&table);
		done = discover_run(ros, seconds, false, more, &table);
	}
	if (done && !table.titles.read && *table.said)
		say_refusal(ros, table.said);
	else if (done)
		routers = table.rows ? json_incref(table.rows) : json_array();
	ros_table_free(&table);
	return routers;
}

static void discover(struct ros *ros, const struct message_call *call)
{
	double seconds = json_number_value(json_object_get(call->parameters, "duration"));
	json_t *routers = discover_all(ros, seconds > 0 ? seconds : 0, call->more);

	if (routers)
		stand_in_reply(&ros->asker, json_pack("{so}", "routers", routers), false);
}

/* ---- an identity ---- */

/* The RoMON ID of the router that is called so. False: there is none, which was said. */
static bool resolve_name(struct ros *ros, const char *name, char id[PROXY_ID_MAX])
{
	json_t *routers;
	bool picked;

	if (proxy_id_read(name, id))
		return true;
	if (!(routers = discover_all(ros, RESOLVE_SECONDS, false)))
		return false;
	picked = stand_in_pick(&ros->asker, routers, name, id);
	json_decref(routers);
	return picked;
}

static void resolve(struct ros *ros, const struct message_call *call)
{
	const char *name = json_string_value(json_object_get(call->parameters, "id"));
	char id[PROXY_ID_MAX];

	if (resolve_name(ros, name ? name : "", id))
		stand_in_reply(&ros->asker, json_pack("{ss}", "id", id), false);
}

/* ---- ping ---- */

/* Adds " key=NUMBERunit" to the command, if that is greater than 0. */
static void number_add(char command[COMMAND_SIZE], const char *key, double number, const char *unit)
{
	size_t length = strlen(command);

	if (number > 0)
		snprintf(command + length, COMMAND_SIZE - length, " %s=%.0f%s", key, number, unit);
}

static void ping(struct ros *ros, const struct message_call *call)
{
	const json_t *given = call->parameters;
	const char *name = json_string_value(json_object_get(given, "id"));
	json_int_t size = json_integer_value(json_object_get(given, "size"));
	char id[PROXY_ID_MAX], command[COMMAND_SIZE];
	struct ros_ping ping = {0};
	struct run run;

	if (!resolve_name(ros, name ? name : "", id))
		return;
	snprintf(command, sizeof(command), "/tool/romon/ping id=%s", id);
	number_add(command, "count", (double)json_integer_value(json_object_get(given, "count")), "");
	number_add(command, "size", (double)size, "");
	number_add(command, "interval", json_number_value(json_object_get(given, "interval")) * 1000, "ms");
	if (!run_start(&run, ros, command))
		return;
	while (run_line(&run, -1) == RUN_LINE) {
		json_t *reply = ros_ping_line(&ping, run.line, id, size);

		if (reply && call->more)
			stand_in_reply(&ros->asker, json_pack("{so sn}", "reply", reply, "summary"), true);
		else
			json_decref(reply);
	}
	if (!run_end(&run))
		return;
	if (!ping.titled)
		say_refusal(ros, ping.said);
	else
		stand_in_reply(&ros->asker, json_pack("{sn so}", "reply", "summary", ros_ping_summary(&ping)), false);
}

/* ---- whoever asks ---- */

static void call_serve(struct ros *ros, const struct message_call *call)
{
	static const struct {
		const char *name;
		void (*run)(struct ros *ros, const struct message_call *call);
	} methods[] = {{MESSAGE_INTERFACE ".Discover", discover}, {MESSAGE_INTERFACE ".Ping", ping},
		{MESSAGE_INTERFACE ".Resolve", resolve}};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++) {
		if (strcmp(call->method, methods[i].name) == 0) {
			methods[i].run(ros, call);
			return;
		}
	}
	stand_in_error(&ros->asker, "PermissionDenied",
		json_pack("{ss}", "reason", "an agent that runs RouterOS can discover, ping and ssh"));
}

int ros_serve(const struct agent *agent, int fd)
{
	struct ros ros = {.agent = agent, .asker = {.fd = fd}};
	struct message_call call = {0};

	while (stand_in_read(&ros.asker, &call)) {
		call_serve(&ros, &call);
		message_call_free(&call);
	}
	return ros.status;
}

/* ---- ssh ---- */

int ros_ssh(const struct cli *cli, const char *name)
{
	const char *user = cli_value(cli, "user"), *words[AGENT_WORDS_MAX];
	char id[PROXY_ID_MAX], command[COMMAND_SIZE];

	if (cli_value(cli, "command") || (cli->rest && *cli->rest))
		return cli_fail(CLI_USAGE, "romon: ssh: an agent that runs RouterOS takes neither a command nor options of ssh");
	if (user && (strspn(user, USER_CHARACTERS) != strlen(user) || strlen(user) > PARSE_NAME_MAX))
		return cli_fail(CLI_USAGE,
			"romon: ssh: \"%s\": an agent that runs RouterOS takes letters, digits and ._+@- in the name of a user",
			user);

	int status = proxy_resolve(cli, name, id);

	if (status != CLI_DONE)
		return status;
	snprintf(command, sizeof(command), "/tool/romon/ssh address=%s%s%s", id, user ? " user=" : "", user ? user : "");
	agent_ssh(cli->agent, true, command, words);
	signal(SIGPIPE, SIG_DFL); /* programs inherit what is ignored */
	execvp("ssh", (char *const *)words);
	return cli_fail(CLI_NO, "romon: cannot run ssh: %s: is an OpenSSH client installed?", strerror(errno));
}
