/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The services of the monitor against a worker that was taken over: the test is that worker. It asks for what is not there, disabled or
 * forbidden, for more than may be, and for a configuration that would lead it further.
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
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/monitor.h"
#include "daemon/monitor_client.h"

#define HEAD "/tool romon\nset enabled=yes\n/tool romon service\n"
#define SERVICES \
	HEAD "set ssh to=exec:/bin/cat disabled=yes\n" \
	     "add name=cat port=100 to=exec:/bin/cat user=root max-streams=3\n" \
	     "add name=id port=101 to=\"exec:/usr/bin/printenv ROMON_REMOTE_ID ROMON_SERVICE PATH HOME SECRET\" user=root\n" \
	     "add name=absent port=102 to=exec:/nonexistent/program\n" \
	     "add name=off port=103 to=exec:/bin/cat disabled=yes\n" \
	     "add name=tcp port=105 to=tcp:127.0.0.1:1\n"

static const struct romon_mac remote = {{2, 0, 0, 0, 0, 1}};

struct bench {
	char folder[64];
	char config[96];
	pid_t monitor;
	struct monitor_client worker;
};

static void write_config(const struct bench *bench, const char *text)
{
	FILE *file = fopen(bench->config, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void begin(struct bench *bench, const char *config)
{
	int pair[2];

	memset(bench, 0, sizeof(*bench));
	strcpy(bench->folder, "/tmp/test-monitor-XXXXXX");
	assert_non_null(mkdtemp(bench->folder));
	snprintf(bench->config, sizeof(bench->config), "%s/romon.conf", bench->folder);
	write_config(bench, config);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	fflush(NULL);
	bench->monitor = fork();
	assert_true(bench->monitor >= 0);
	if (bench->monitor == 0) {
		struct monitor_options options = {.config_path = bench->config, .state_dir = bench->folder, .ready_fd = -1};

		close(pair[1]);
		setenv("SECRET", "of romond", 1);
		programs_limits_read(&options.limits);
		monitor_block_signals();
		exit(monitor_run(pair[0], &options, 0));
	}
	close(pair[0]);
	bench->worker.fd = pair[1];
}

static void end(struct bench *bench)
{
	char command[128];
	int status;

	kill(bench->monitor, SIGTERM);
	assert_int_equal(waitpid(bench->monitor, &status, 0), bench->monitor);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(bench->worker.fd);
	snprintf(command, sizeof(command), "rm -r %s", bench->folder);
	assert_int_equal(system(command), 0);
}

static int start(struct bench *bench, uint16_t port)
{
	return monitor_client_start_service(&bench->worker, port, remote);
}

/* All that comes through the socket, which it closes. */
static const char *read_all(int fd)
{
	static char text[8192];
	size_t len = 0;
	ssize_t n;

	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};

		assert_int_equal(poll(&pfd, 1, 10000), 1);
		n = read(fd, text + len, sizeof(text) - 1 - len);
		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	text[len] = '\0';
	return text;
}

/* Asks until the answer is a descriptor: what has ended is known a moment later. */
static int start_when_free(struct bench *bench, uint16_t port)
{
	int fd, tries = 0;

	while ((fd = start(bench, port)) == -EUSERS && tries++ < 1000)
		poll(NULL, 0, 10);
	return fd;
}

static void only_what_is_enabled_is_started(void **state)
{
	struct bench bench;
	int fd;

	(void)state;
	begin(&bench, SERVICES);
	assert_int_equal(start(&bench, 3), -EACCES);
	assert_int_equal(start(&bench, 4), -EACCES);
	assert_int_equal(start(&bench, 103), -EACCES);
	assert_int_equal(start(&bench, 102), -ENOENT);
	assert_int_equal(start(&bench, 5), -ENOENT);
	assert_int_equal(start(&bench, UINT16_MAX), -ENOENT);
	fd = start(&bench, 105);
	assert_true(fd >= 0 || fd == -ECONNREFUSED || fd == -ENETUNREACH);
	if (fd >= 0)
		close(fd);
	fd = start(&bench, 101);
	assert_true(fd >= 0);
	assert_string_equal(
		read_all(fd), "02:00:00:00:00:01\nid\n/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n/root\n");
	/* What counts is the file as it is now. */
	write_config(&bench, HEAD "add name=id port=101 to=exec:/bin/true disabled=yes\n");
	assert_int_equal(start(&bench, 101), -EACCES);
	write_config(&bench, "/tool romon service\nadd name=id port=101 to=exec:/bin/true\n");
	assert_int_equal(start(&bench, 101), -EACCES); /* RoMON is disabled */
	write_config(&bench, "nonsense\n");
	assert_int_equal(start(&bench, 101), -EACCES);
	end(&bench);
}

static void a_flood_starts_no_more_than_may_be(void **state)
{
	struct bench bench;
	int fds[3];
	char byte;

	(void)state;
	begin(&bench, SERVICES);
	for (size_t i = 0; i < 3; i++) {
		fds[i] = start(&bench, 100);
		assert_true(fds[i] >= 0);
		assert_int_equal(write(fds[i], "x", 1), 1);
	}
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(start(&bench, 100), -EUSERS);
	for (size_t i = 0; i < 3; i++) {
		struct pollfd pfd = {.fd = fds[i], .events = POLLIN};

		assert_int_equal(poll(&pfd, 1, 10000), 1);
		assert_int_equal(read(fds[i], &byte, 1), 1);
	}
	/* Another service has its own number. */
	read_all(start(&bench, 101));
	close(fds[1]);
	fds[1] = start_when_free(&bench, 100);
	assert_true(fds[1] >= 0);
	assert_int_equal(start(&bench, 100), -EUSERS);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
	end(&bench);
}

/* Sends a request as it is and returns the answer's status. */
static int ask(struct bench *bench, struct monitor_request request)
{
	struct monitor_answer answer;

	assert_int_equal(send(bench->worker.fd, &request, sizeof(request), 0), sizeof(request));
	assert_int_equal(recv(bench->worker.fd, &answer, sizeof(answer), 0), sizeof(answer));
	return answer.status;
}

static void malformed_requests_start_nothing(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, SERVICES);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_START_SERVICE, .port = 100}), EINVAL);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_START_SERVICE, .id = remote}), EINVAL);
	assert_int_equal(
		ask(&bench, (struct monitor_request){.op = MONITOR_START_SERVICE, .port = 100, .id = {{1, 0, 0, 0, 0, 1}}}),
		EINVAL);
	assert_int_equal(
		ask(&bench, (struct monitor_request){.op = MONITOR_START_SERVICE, .port = 100, .ifindex = 1, .id = remote}),
		EINVAL);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_OPEN_CONFIG, .port = 100}), EINVAL);
	end(&bench);
}

static int replace(struct bench *bench, const char *text)
{
	return monitor_client_replace_config(&bench->worker, text, strlen(text));
}

static void the_worker_cannot_open_ways_through_roots_rights(void **state)
{
	struct bench bench;
	char text[4096];

	(void)state;
	begin(&bench, SERVICES);
	assert_int_equal(replace(&bench, SERVICES "add name=x port=200 to=exec:/bin/sh user=root\n"), -EPERM);
	assert_int_equal(replace(&bench, SERVICES "add name=x port=200 to=unix:/run/x\n"), -EPERM);
	assert_int_equal(replace(&bench, SERVICES "add name=x port=200 to=tcp:192.0.2.1:22\n"), -EPERM);
	assert_int_equal(replace(&bench, SERVICES "set winbox to=exec:/bin/sh disabled=no\n"), -EPERM);
	assert_int_equal(
		replace(&bench, HEAD "set ssh to=exec:/bin/cat\nadd name=cat port=100 to=exec:/bin/sh user=root\n"), -EPERM);
	assert_int_equal(replace(&bench, HEAD "add name=off port=103 to=exec:/bin/cat user=root\n"), -EPERM);
	assert_int_equal(start(&bench, 200), -ENOENT);
	/* What may be: less, and what nobody needs root for. */
	assert_int_equal(replace(&bench, SERVICES "add name=x port=200 to=tcp:127.0.0.1:22\n"), 0);
	assert_int_equal(
		replace(&bench, HEAD "set ssh to=exec:/bin/cat\nadd name=cat port=104 to=exec:/bin/cat user=root disabled=yes\n"),
		0);
	/* The default ssh is another program than what root wrote there. */
	assert_int_equal(replace(&bench, HEAD), -EPERM);
	/* While the file is broken, the last one that was not counts. */
	write_config(&bench, "nonsense\n");
	assert_int_equal(replace(&bench, SERVICES), -EPERM);
	/* Without a file, the defaults. */
	assert_int_equal(unlink(bench.config), 0);
	assert_int_equal(replace(&bench, SERVICES), -EPERM);
	snprintf(text, sizeof(text), "%sadd name=x port=200 to=tcp:127.0.0.1:22\n", HEAD);
	assert_int_equal(replace(&bench, text), 0);
	end(&bench);
}

static void a_socket_file_is_connected(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), fd, other;
	char text[512], byte;
	struct bench bench;

	(void)state;
	begin(&bench, HEAD);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/service", bench.folder);
	snprintf(text, sizeof(text), HEAD "add name=file port=100 to=\"unix:%s\"\n", address.sun_path);
	write_config(&bench, text);
	assert_int_equal(start(&bench, 100), -ENOENT);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(start(&bench, 100), -ECONNREFUSED);
	assert_int_equal(listen(listener, 1), 0);
	fd = start(&bench, 100);
	assert_true(fd >= 0);
	other = accept(listener, NULL, NULL);
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(read(other, &byte, 1), 1);
	close(fd);
	assert_int_equal(read(other, &byte, 1), 0);
	close(other);
	close(listener);
	end(&bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_is_enabled_is_started),
		cmocka_unit_test(a_flood_starts_no_more_than_may_be),
		cmocka_unit_test(malformed_requests_start_nothing),
		cmocka_unit_test(the_worker_cannot_open_ways_through_roots_rights),
		cmocka_unit_test(a_socket_file_is_connected),
	};

	if (geteuid() != 0)
		return 77;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
