/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The data path that the monitor gives to interfaces, asked for by a worker that may have been taken over; and the rule by which a path is
 * chosen. Needs root for all but the rule.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "daemon/attachments.h"
#include "daemon/monitor_client.h"
#include "link/datapath.h"
#include "link/xdp.h"
#include "link/xdp_features.h"
#include "netns.h"

#define HEAD "/tool romon\nset enabled=yes\n/tool romon port\n"
#define CONFIG HEAD "add interface=good*\nadd interface=plain0 datapath=packet\nadd interface=bad0 forbid=yes\n"

struct bench {
	char folder[64];
	char config[96];
	pid_t monitor;
	struct monitor_client worker;
};

static void configure(const struct bench *bench, const char *text)
{
	FILE *file = fopen(bench->config, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	static struct bench bench;
	int pair[2];

	netns_enter();
	ip("link add good0 type veth peer name bad0");
	ip("link add good1 type veth peer name plain0");
	bench = (struct bench){.folder = "/tmp/test-monitor-XXXXXX"};
	assert_non_null(mkdtemp(bench.folder));
	snprintf(bench.config, sizeof(bench.config), "%s/romon.conf", bench.folder);
	configure(&bench, CONFIG);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	fflush(NULL);
	bench.monitor = fork();
	assert_true(bench.monitor >= 0);
	if (bench.monitor == 0) {
		struct monitor_options options = {.config_path = bench.config, .state_dir = bench.folder, .ready_fd = -1};

		close(pair[1]);
		monitor_block_signals();
		exit(monitor_run(pair[0], &options, 0));
	}
	close(pair[0]);
	bench.worker.fd = pair[1];
	*state = &bench;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *bench = *state;
	char command[128];
	int status;

	kill(bench->monitor, SIGTERM);
	assert_int_equal(waitpid(bench->monitor, &status, 0), bench->monitor);
	close(bench->worker.fd);
	snprintf(command, sizeof(command), "rm -r %s", bench->folder);
	assert_int_equal(system(command), 0);
	return 0;
}

/* Asks for a path; the test is skipped where there is no XDP. */
static struct monitor_answer attach(struct bench *bench, const char *name)
{
	struct monitor_answer answer;

	assert_int_equal(monitor_client_attach(&bench->worker, if_nametoindex(name), &answer), 0);
	if (answer.why == DATAPATH_WHY_NOT_BUILT) {
		print_message("skipped: built without XDP\n");
		skip();
	}
	return answer;
}

static bool has_program(const char *name)
{
	char command[64];

	snprintf(command, sizeof(command), "ip link show %s | grep -q prog/xdp", name);
	return system(command) == 0;
}

static void only_what_may_take_part(void **state)
{
	struct bench *bench = *state;
	struct monitor_answer answer;

	assert_int_equal(monitor_client_attach(&bench->worker, if_nametoindex("bad0"), &answer), -EACCES);
	assert_int_equal(monitor_client_attach(&bench->worker, if_nametoindex("lo"), &answer), -EACCES);
	assert_int_equal(monitor_client_attach(&bench->worker, 4711, &answer), -ENODEV);
	assert_false(has_program("bad0"));
	configure(bench, "/tool romon\nset enabled=no\n/tool romon port\nadd interface=good*\n");
	assert_int_equal(monitor_client_attach(&bench->worker, if_nametoindex("good0"), &answer), -EACCES);
	assert_false(has_program("good0"));
}

/* An interface that goes between being looked at and having its slot anew leaves nothing behind: the worker hears that it has none. */
static void goes_while_it_is_asked_for(void **state)
{
	const struct datapath_facts facts = {.want = DATAPATH_WANT_AUTO, .told = true, .native = true};
	uint32_t good0 = if_nametoindex("good0"), good1 = if_nametoindex("good1");
	struct attachments attachments;
	struct attachment result;
	int slot;

	attach(*state, "good1"); /* or is skipped */
	monitor_client_detach(&((struct bench *)*state)->worker, good1);
	attachments_init(&attachments);
	slot = attachments_attach(&attachments, good0, &facts, &result);
	assert_true(slot >= 0 && result.path == DATAPATH_NATIVE);
	ip("link del good0");
	assert_int_equal(attachments_attach(&attachments, good0, &facts, &result), -1);
	assert_int_equal(result.path, DATAPATH_PACKET);
	assert_int_equal(attachments.slots[slot].ifindex, 0);
	assert_int_equal(attachments.slots[slot].fd, -1);
	assert_int_equal(attachments_attach(&attachments, good1, &facts, &result), slot);
	attachments_free(&attachments);
}

static void slots(void **state)
{
	struct bench *bench = *state;
	uint32_t good0 = if_nametoindex("good0"), good1 = if_nametoindex("good1");
	struct monitor_answer first, second;
	int fd;

	assert_int_equal(monitor_client_map(&bench->worker, XDP_MAP_RING), -ENOENT);
	assert_int_equal(monitor_client_map(&bench->worker, XDP_MAPS), -EINVAL);
	first = attach(bench, "good0");
	second = attach(bench, "good1");
	assert_int_equal(first.path, DATAPATH_NATIVE);
	assert_int_equal(first.why, DATAPATH_WHY_BEST);
	assert_true(first.slot >= 0 && second.slot >= 0 && first.slot != second.slot);
	assert_true(has_program("good0") && has_program("good1"));
	for (int map = 0; map < XDP_MAPS; map++) {
		fd = monitor_client_map(&bench->worker, (enum xdp_map)map);
		assert_true(fd >= 0);
		close(fd);
	}
	/* Asked again it is the same; let go, once or twice, it is gone. */
	assert_int_equal(attach(bench, "good0").slot, first.slot);
	assert_int_equal(monitor_client_detach(&bench->worker, good0), 0);
	assert_int_equal(monitor_client_detach(&bench->worker, good0), 0);
	assert_int_equal(monitor_client_detach(&bench->worker, 4711), 0);
	assert_true(!has_program("good0") && has_program("good1"));
	assert_int_equal(attach(bench, "good0").slot, first.slot);
	/* One that was deleted and is there again under its number gets the program again. */
	ip("link del good1");
	ip("link add good1 index %u type veth peer name plain0", good1);
	assert_int_equal(attach(bench, "good1").slot, second.slot);
	assert_true(has_program("good1"));
}

static void as_the_configuration_says(void **state)
{
	struct bench *bench = *state;
	struct monitor_answer answer = attach(bench, "plain0");

	assert_int_equal(answer.path, DATAPATH_PACKET);
	assert_int_equal(answer.why, DATAPATH_WHY_SET);
	assert_int_equal(answer.slot, -1);
	assert_int_equal(monitor_client_map(&bench->worker, XDP_MAP_RING), -ENOENT); /* nothing was loaded for it */
	assert_int_equal(attach(bench, "good0").path, DATAPATH_NATIVE);
	configure(bench, HEAD "add interface=good* datapath=packet\n");
	assert_int_equal(attach(bench, "good0").path, DATAPATH_PACKET);
	assert_false(has_program("good0"));
	configure(bench, "/tool romon\nset enabled=yes datapath=packet\n/tool romon port\nadd interface=good* datapath=xdp\n");
	assert_int_equal(attach(bench, "good0").path, DATAPATH_NATIVE);
	assert_true(has_program("good0"));
}

/* As many slots as ports; a worker that wants more gets packet sockets. */
static void no_more_than_there_are_slots(void **state)
{
	struct bench *bench = *state;
	struct monitor_answer answer;
	char name[16];
	FILE *batch;

	attach(bench, "good0");
	batch = popen("ip -batch -", "w");
	assert_non_null(batch);
	for (int i = 2; i < ROMON_PORTS_MAX + 4; i += 2)
		fprintf(batch, "link add good%d type veth peer name good%d\n", i, i + 1);
	assert_int_equal(pclose(batch), 0);
	for (int i = 2; i < ROMON_PORTS_MAX + 1; i++) {
		snprintf(name, sizeof(name), "good%d", i);
		assert_true(attach(bench, name).slot >= 0);
	}
	snprintf(name, sizeof(name), "good%d", ROMON_PORTS_MAX + 1);
	answer = attach(bench, name);
	assert_int_equal(answer.slot, -1);
	assert_int_equal(answer.path, DATAPATH_PACKET);
	assert_int_equal(monitor_client_detach(&bench->worker, if_nametoindex("good7")), 0);
	assert_true(attach(bench, name).slot >= 0);
}

/* What the kernel tells of a veth: that it runs programs; and that it takes redirected frames once its other end has one, with the news of
 * that. */
static void features(void **state)
{
	struct bench *bench = *state;
	struct xdp_features *told = xdp_features_open();
	struct xdp_abilities abilities = {false, true};

	if (told == NULL && errno == EOPNOTSUPP) {
		print_message("skipped: this kernel does not tell\n");
		skip();
	}
	assert_non_null(told);
	ip("link set good0 up");
	ip("link set bad0 up");
	assert_true(xdp_features_get(told, if_nametoindex("bad0"), &abilities));
	assert_true(abilities.native && !abilities.takes);
	assert_false(xdp_features_get(told, 4711, &abilities));
	assert_true(xdp_features_get(told, if_nametoindex("lo"), &abilities));
	assert_true(!abilities.native && !abilities.takes);
	assert_true(xdp_features_drain(told));
	attach(bench, "good0");
	await_readable(xdp_features_fd(told));
	assert_true(xdp_features_drain(told));
	assert_true(xdp_features_get(told, if_nametoindex("bad0"), &abilities));
	assert_true(abilities.takes);
	xdp_features_close(told);
	assert_true(xdp_strips_vlans(if_nametoindex("good0"))); /* a veth does, as it is made */
	assert_false(xdp_strips_vlans(if_nametoindex("lo")));
}

static void rule(
	enum datapath_want want, bool told, bool native, bool hidden_vlans, enum datapath_path path, enum datapath_why why)
{
	enum datapath_why got;
	const struct datapath_facts facts = {want, told, native, hidden_vlans};

	assert_int_equal(datapath_choose(&facts, &got), path);
	assert_int_equal(got, why);
}

static void the_rule(void **state)
{
	(void)state;
	rule(DATAPATH_WANT_AUTO, true, true, false, DATAPATH_NATIVE, DATAPATH_WHY_BEST);
	rule(DATAPATH_WANT_XDP, true, true, false, DATAPATH_NATIVE, DATAPATH_WHY_BEST);
	rule(DATAPATH_WANT_PACKET, true, true, false, DATAPATH_PACKET, DATAPATH_WHY_SET);
	rule(DATAPATH_WANT_AUTO, true, false, false, DATAPATH_GENERIC, DATAPATH_WHY_DRIVER);
	rule(DATAPATH_WANT_AUTO, false, false, false, DATAPATH_GENERIC, DATAPATH_WHY_NOT_TOLD);
	rule(DATAPATH_WANT_AUTO, true, true, true, DATAPATH_PACKET, DATAPATH_WHY_VLANS);
	rule(DATAPATH_WANT_XDP, true, true, true, DATAPATH_NONE, DATAPATH_WHY_VLANS);
	for (unsigned why = DATAPATH_WHY_BEST; why < DATAPATH_WHYS; why++)
		assert_int_equal(datapath_why_text((enum datapath_why)why) == NULL, why == DATAPATH_WHY_BEST);
}

#define with_bench(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rule),
		with_bench(only_what_may_take_part),
		with_bench(slots),
		with_bench(goes_while_it_is_asked_for),
		with_bench(as_the_configuration_says),
		with_bench(no_more_than_there_are_slots),
		with_bench(features),
	};

	return cmocka_run_group_tests_name("monitor_xdp", tests, NULL, NULL);
}
