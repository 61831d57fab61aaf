/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The monitor against a worker that was taken over: the test is that worker. It asks for everything forbidden, and for allowed
 * things in every wrong form, gets nothing, and the monitor lives on; then the allowed things work, and signals end it. The
 * monitor runs in a child process, in a network namespace and a folder that the test made.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "daemon/config.h"
#include "daemon/monitor.h"
#include "netns.h"

#define CONFIG \
	"/tool romon\n" \
	"set enabled=yes\n" \
	"/tool romon port\n" \
	"add interface=good*\n" \
	"add interface=lo\n" \
	"add interface=bad0 forbid=yes\n"
#define CONFIG_NEW "/tool romon\nset enabled=yes identity=new\n"

/* What runs beside the monitor as its worker, where a test wants a process of its own. */
enum companion { NO_COMPANION, COMPANION_ENDS, COMPANION_STAYS };

struct bench {
	char folder[64];
	char config[96];
	pid_t monitor;
	int fd;       /* the worker's end */
	int ready_fd; /* readable end of what monitor_options.ready_fd is the other of */
};

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void assert_file(const char *path, const char *text)
{
	char content[4096] = "";
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	content[fread(content, 1, sizeof(content) - 1, file)] = '\0';
	fclose(file);
	assert_string_equal(content, text);
}

static pid_t companion(enum companion kind)
{
	pid_t pid;

	if (kind == NO_COMPANION)
		return 0;
	pid = fork();
	if (pid != 0)
		return pid;
	if (kind == COMPANION_STAYS)
		pause();
	_exit(3);
}

static void begin(struct bench *bench, enum companion kind)
{
	int pair[2], ready[2];

	netns_enter();
	veth_add("good0", "peer0");
	veth_add("bad0", "peer1");
	ip("link set lo up");
	strcpy(bench->folder, "/tmp/test-monitor-XXXXXX");
	assert_non_null(mkdtemp(bench->folder));
	snprintf(bench->config, sizeof(bench->config), "%s/romon.conf", bench->folder);
	write_file(bench->config, CONFIG);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	fflush(NULL);
	bench->monitor = fork();
	assert_true(bench->monitor >= 0);
	if (bench->monitor == 0) {
		struct monitor_options options = {.config_path = bench->config, .state_dir = bench->folder, .ready_fd = ready[1]};

		close(pair[1]);
		close(ready[0]);
		monitor_block_signals();
		exit(monitor_run(pair[0], &options, companion(kind)));
	}
	close(pair[0]);
	close(ready[1]);
	bench->fd = pair[1];
	bench->ready_fd = ready[0];
}

static int exit_status(struct bench *bench)
{
	int status;

	assert_int_equal(waitpid(bench->monitor, &status, 0), bench->monitor);
	bench->monitor = 0;
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Ends the monitor, if it is still there, as a service manager would, and cleans up. */
static void end(struct bench *bench)
{
	char command[128];

	if (bench->monitor > 0) {
		kill(bench->monitor, SIGTERM);
		assert_int_equal(exit_status(bench), 0);
	}
	if (bench->fd >= 0)
		close(bench->fd);
	close(bench->ready_fd);
	snprintf(command, sizeof(command), "rm -r %s", bench->folder);
	assert_int_equal(system(command), 0);
}

/* Sends any bytes, with any descriptors. */
static bool send_bytes(struct bench *bench, const void *data, size_t len, const int *fds, size_t count, int flags)
{
	struct iovec iov = {(void *)(uintptr_t)data, len};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(16 * sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};

	if (count > 0) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(count * sizeof(int));
		CMSG_FIRSTHDR(&msg)->cmsg_level = SOL_SOCKET;
		CMSG_FIRSTHDR(&msg)->cmsg_type = SCM_RIGHTS;
		CMSG_FIRSTHDR(&msg)->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(CMSG_FIRSTHDR(&msg)), fds, count * sizeof(int));
	}
	return sendmsg(bench->fd, &msg, flags | MSG_NOSIGNAL) == (ssize_t)len;
}

/* Waits for the next answer; *fd gets the descriptor that came along, or -1. False at the end of the stream. */
static bool receive(struct bench *bench, struct monitor_answer *answer, int *fd)
{
	struct iovec iov = {answer, sizeof(*answer)};
	union {
		struct cmsghdr align;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	struct cmsghdr *cmsg;
	ssize_t n;

	*fd = -1;
	await_readable(bench->fd);
	n = recvmsg(bench->fd, &msg, 0);
	if (n <= 0)
		return false;
	assert_int_equal(n, sizeof(*answer));
	assert_int_equal(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC), 0);
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg != NULL)
		memcpy(fd, CMSG_DATA(cmsg), sizeof(*fd));
	return true;
}

/* Asks, and returns a descriptor or a negative errno; 0 if neither came. */
static int ask_bytes(struct bench *bench, const void *data, size_t len, const int *fds, size_t count)
{
	struct monitor_answer answer;
	int fd;

	assert_true(send_bytes(bench, data, len, fds, count, 0));
	assert_true(receive(bench, &answer, &fd));
	assert_true(fd < 0 || answer.status == 0);
	return fd >= 0 ? fd : -answer.status;
}

static int ask(struct bench *bench, struct monitor_request request)
{
	return ask_bytes(bench, &request, sizeof(request), NULL, 0);
}

static int ask_open(struct bench *bench, const char *name)
{
	return ask(bench, (struct monitor_request){.op = MONITOR_OPEN_PORT, .ifindex = if_nametoindex(name)});
}

/* Asks for a replacement by this descriptor, which it closes. */
static int ask_replace(struct bench *bench, int fd)
{
	struct monitor_request request = {.op = MONITOR_REPLACE_CONFIG};
	int result;

	assert_true(fd >= 0);
	result = ask_bytes(bench, &request, sizeof(request), &fd, 1);
	close(fd);
	return result;
}

static int memfd(const char *text, size_t len, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	if (seals != 0)
		assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/* How many descriptors the monitor has open, once it is done with all that it was asked before. */
static size_t open_descriptors(struct bench *bench)
{
	struct monitor_request last = {.op = MONITOR_LOAD_ID};
	char path[64];
	size_t count = 0;
	DIR *dir;

	assert_int_equal(ask(bench, last), -ENOENT);
	snprintf(path, sizeof(path), "/proc/%d/fd", bench->monitor);
	dir = opendir(path);
	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	closedir(dir);
	return count;
}

static void ports_are_opened_only_where_allowed(void **state)
{
	struct bench bench;
	struct sockaddr_ll addr;
	socklen_t len = sizeof(addr);
	int fd, unused = 0;

	(void)state;
	begin(&bench, NO_COMPANION);
	fd = ask_open(&bench, "good0");
	assert_true(fd > 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	assert_int_equal(addr.sll_ifindex, if_nametoindex("good0"));
	/* What the worker gets it cannot open wider. */
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused)), -1);
	assert_int_equal(errno, EPERM);
	close(fd);

	assert_int_equal(ask_open(&bench, "bad0"), -EACCES);
	assert_int_equal(ask_open(&bench, "peer0"), -EACCES); /* virtual, and named by no entry */
	assert_int_equal(ask_open(&bench, "lo"), -EACCES);    /* named, but no Ethernet */
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_OPEN_PORT, .ifindex = 4711}), -ENODEV);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_OPEN_PORT, .ifindex = UINT32_MAX}), -ENODEV);

	/* What counts is the file as it is now, not as the worker says it is. */
	write_file(bench.config, "/tool romon port\nadd interface=good0\n");
	assert_int_equal(ask_open(&bench, "good0"), -EACCES);
	/* While it is broken, the last one that was not. */
	write_file(bench.config, "nonsense\n");
	assert_int_equal(ask_open(&bench, "good0"), -EACCES);
	write_file(bench.config, CONFIG);
	fd = ask_open(&bench, "good0");
	assert_true(fd > 0);
	close(fd);
	write_file(bench.config, "nonsense\n");
	fd = ask_open(&bench, "good0");
	assert_true(fd > 0);
	close(fd);
	assert_int_equal(ask_open(&bench, "bad0"), -EACCES);
	write_file(bench.config, CONFIG);
	ip("link add br0 type bridge");
	ip("link set good0 master br0");
	fd = ask_open(&bench, "good0");
	assert_true(fd > 0);
	len = sizeof(addr);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	assert_int_equal(ntohs(addr.sll_protocol), 3 /* ETH_P_ALL: a member of a bridge */);
	close(fd);
	end(&bench);
}

static void malformed_requests_get_nothing(void **state)
{
	static const size_t sizes[] = {0, 1, 4, 15, 17, 32, 4096, 60000};
	static const uint32_t unknown[] = {0, MONITOR_START_SERVICE + 1, 99, MONITOR_NOTICE_RELOAD, INT32_MAX, UINT32_MAX};
	static char bytes[60000];
	struct bench bench;
	size_t i, descriptors;
	uint32_t op;

	(void)state;
	begin(&bench, NO_COMPANION);
	descriptors = open_descriptors(&bench);
	bytes[0] = MONITOR_OPEN_CONFIG;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		assert_int_equal(ask_bytes(&bench, bytes, sizes[i], NULL, 0), -EINVAL);
	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		assert_int_equal(ask(&bench, (struct monitor_request){.op = unknown[i]}), -EINVAL);
	for (op = MONITOR_OPEN_PORT; op <= MONITOR_START_SERVICE; op++) {
		bool with_ifindex = op == MONITOR_OPEN_PORT || op == MONITOR_ATTACH || op == MONITOR_DETACH;
		bool with_id = op == MONITOR_SAVE_ID || op == MONITOR_START_SERVICE;
		bool with_port = op == MONITOR_START_SERVICE || op == MONITOR_MAP;
		struct monitor_request right = {.op = op, .ifindex = with_ifindex ? if_nametoindex("good0") : 0};
		struct monitor_request junk;
		int fds[2];

		right.port = with_port ? 1 : 0;
		if (with_id)
			right.id = (struct romon_mac){{2, 0, 0, 0, 0, 1}};
		junk = right;
		junk.port = with_port ? 0 : 1;
		assert_int_equal(ask(&bench, junk), -EINVAL);
		junk = right;
		junk.ifindex = with_ifindex ? 0 : 1;
		assert_int_equal(ask(&bench, junk), -EINVAL);
		junk = right;
		junk.id.b[with_id ? 0 : 5] = 1; /* no ID belongs there, or a group address as an ID */
		assert_int_equal(ask(&bench, junk), -EINVAL);

		/* A descriptor that does not belong there is closed: the pipe's other end sees it. */
		assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
		assert_int_equal(ask_bytes(&bench, &right, sizeof(right), &fds[1], 1), -EINVAL);
		close(fds[1]);
		await_readable(fds[0]);
		assert_int_equal(read(fds[0], bytes, 1), 0);
		close(fds[0]);
	}
	assert_int_equal(open_descriptors(&bench), descriptors);
	assert_file(bench.config, CONFIG);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_LOAD_ID}), -ENOENT);
	end(&bench);
}

static void only_sealed_configurations_replace_the_file(void **state)
{
	static char big[CONFIG_SIZE_MAX + 2];
	static const int missing[] = {F_SEAL_WRITE, F_SEAL_SHRINK, F_SEAL_GROW};
	struct monitor_request request = {.op = MONITOR_REPLACE_CONFIG};
	struct bench bench;
	char other[128];
	size_t i, descriptors;
	struct stat st;
	int fds[16];

	(void)state;
	begin(&bench, NO_COMPANION);
	assert_int_equal(ask(&bench, request), -EINVAL);
	descriptors = open_descriptors(&bench);
	assert_int_equal(ask_replace(&bench, memfd(CONFIG_NEW, strlen(CONFIG_NEW), 0)), -EINVAL);
	assert_int_equal(ask_replace(&bench, memfd(CONFIG_NEW, strlen(CONFIG_NEW), ALL_SEALS & ~F_SEAL_SEAL)), -EINVAL);
	for (i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		assert_int_equal(ask_replace(&bench, memfd(CONFIG_NEW, strlen(CONFIG_NEW), ALL_SEALS & ~missing[i])), -EINVAL);

	/* Right in form, but not what a configuration is. */
	memset(big, '#', sizeof(big));
	assert_int_equal(ask_replace(&bench, memfd(big, sizeof(big), ALL_SEALS)), -EFBIG);
	assert_int_equal(ask_replace(&bench, memfd("nonsense\n", 9, ALL_SEALS)), -EINVAL);
	assert_int_equal(ask_replace(&bench, memfd("/tool romon\nset enabled=perhaps\n", 32, ALL_SEALS)), -EINVAL);
	assert_int_equal(ask_replace(&bench, memfd("/tool romon\n\0set enabled=yes\n", 29, ALL_SEALS)), -EINVAL);

	/* No memory at all. */
	snprintf(other, sizeof(other), "%s/other", bench.folder);
	write_file(other, CONFIG_NEW);
	assert_int_equal(ask_replace(&bench, open(other, O_RDWR | O_CLOEXEC)), -EINVAL);
	assert_int_equal(ask_replace(&bench, open(bench.folder, O_RDONLY | O_CLOEXEC)), -EINVAL);
	assert_int_equal(ask_replace(&bench, open("/dev/zero", O_RDONLY | O_CLOEXEC)), -EINVAL);
	assert_int_equal(ask_replace(&bench, socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)), -EINVAL);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	assert_int_equal(ask_replace(&bench, fds[0]), -EINVAL);
	close(fds[1]);

	/* More than one, and more than the monitor has room for. */
	for (i = 0; i < 16; i++)
		fds[i] = memfd(CONFIG_NEW, strlen(CONFIG_NEW), ALL_SEALS);
	assert_int_equal(ask_bytes(&bench, &request, sizeof(request), fds, 2), -EINVAL);
	assert_int_equal(ask_bytes(&bench, &request, sizeof(request), fds, 16), -EINVAL);
	assert_int_equal(open_descriptors(&bench), descriptors);
	assert_file(bench.config, CONFIG);

	assert_int_equal(chmod(bench.config, 0640), 0);
	snprintf(other, sizeof(other), "%s.new", bench.config);
	write_file(other, "half of what a crash left behi");
	assert_int_equal(ask_bytes(&bench, &request, sizeof(request), fds, 1), 0);
	for (i = 0; i < 16; i++)
		close(fds[i]);
	assert_file(bench.config, CONFIG_NEW);
	assert_int_equal(stat(bench.config, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600); /* readable by others before: now there may be secrets in it */
	assert_int_equal(access(other, F_OK), -1);
	assert_int_equal(open_descriptors(&bench), descriptors);

	/* A file that is not there yet, and a link that stays one. */
	assert_int_equal(unlink(bench.config), 0);
	assert_int_equal(ask_replace(&bench, memfd(CONFIG, strlen(CONFIG), ALL_SEALS)), 0);
	assert_file(bench.config, CONFIG);
	assert_int_equal(stat(bench.config, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	snprintf(other, sizeof(other), "%s/other", bench.folder);
	assert_int_equal(unlink(bench.config), 0);
	assert_int_equal(symlink(other, bench.config), 0);
	assert_int_equal(ask_replace(&bench, memfd(CONFIG, strlen(CONFIG), ALL_SEALS)), 0);
	assert_file(other, CONFIG);
	assert_int_equal(lstat(bench.config, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	end(&bench);
}

static void the_configuration_is_given_out_for_reading(void **state)
{
	struct bench bench;
	char text[sizeof(CONFIG)] = "";
	int fd;

	(void)state;
	begin(&bench, NO_COMPANION);
	fd = ask(&bench, (struct monitor_request){.op = MONITOR_OPEN_CONFIG});
	assert_true(fd > 0);
	assert_int_equal(read(fd, text, sizeof(text)), strlen(CONFIG));
	assert_string_equal(text, CONFIG);
	assert_int_equal(write(fd, "x", 1), -1);
	close(fd);
	assert_int_equal(unlink(bench.config), 0);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_OPEN_CONFIG}), -ENOENT);
	/* What would make the monitor wait is not opened. */
	assert_int_equal(mkfifo(bench.config, 0600), 0);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_OPEN_CONFIG}), -EINVAL);
	assert_int_equal(ask_open(&bench, "good0"), -EACCES); /* no file, the last thing that could be read, allows nothing */
	end(&bench);
}

/* Asks for the kept ID. */
static int ask_id(struct bench *bench, struct romon_mac *id)
{
	struct monitor_request request = {.op = MONITOR_LOAD_ID};
	struct monitor_answer answer;
	int fd;

	assert_true(send_bytes(bench, &request, sizeof(request), NULL, 0, 0));
	assert_true(receive(bench, &answer, &fd));
	assert_int_equal(fd, -1);
	*id = answer.id;
	return -answer.status;
}

static void the_id_is_kept_for_this_machine(void **state)
{
	const struct romon_mac saved = {{2, 0, 0, 0xaa, 0, 1}};
	struct bench bench;
	struct romon_mac id;
	char path[96], text[256] = "";
	struct stat st;
	FILE *file;

	(void)state;
	begin(&bench, NO_COMPANION);
	assert_int_equal(ask_id(&bench, &id), -ENOENT);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_SAVE_ID}), -EINVAL);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_SAVE_ID, .id = romon_mac_group}), -EINVAL);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_SAVE_ID, .id = saved}), 0);
	assert_int_equal(ask_id(&bench, &id), 0);
	assert_true(romon_mac_equal(id, saved));
	snprintf(path, sizeof(path), "%s/id", bench.folder);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);

	/* The same file on another machine, and damaged ones. */
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(text, sizeof(text), file));
	fclose(file);
	text[strlen(text) - 2] ^= 1;
	write_file(path, text);
	assert_int_equal(ask_id(&bench, &id), -ENOENT);
	text[strlen(text) - 2] ^= 1;
	text[1] = 'G';
	write_file(path, text);
	assert_int_equal(ask_id(&bench, &id), -ENOENT);
	write_file(path, "");
	assert_int_equal(ask_id(&bench, &id), -ENOENT);
	write_file(path, "02:00:00:AA:00:01");
	assert_int_equal(ask_id(&bench, &id), -ENOENT);
	end(&bench);
}

static void a_flood_harms_nobody_but_the_worker(void **state)
{
	const struct monitor_request requests[] = {{.op = MONITOR_OPEN_CONFIG}, {.op = MONITOR_LOAD_ID}, {.op = 77}};
	struct monitor_answer answer;
	struct bench bench;
	size_t i, sent = 0, descriptors;
	int fd, junk = open("/dev/null", O_RDONLY | O_CLOEXEC);

	(void)state;
	begin(&bench, NO_COMPANION);
	descriptors = open_descriptors(&bench);
	/* Until both directions are full: nobody reads the answers. */
	for (i = 0; i < 100000; i++) {
		if (send_bytes(&bench, &requests[i % 3], sizeof(requests[0]), &junk, i % 2, MSG_DONTWAIT)) {
			sent++;
			continue;
		}
		struct pollfd room = {.fd = bench.fd, .events = POLLOUT};

		if (poll(&room, 1, 200) == 0)
			break;
	}
	assert_true(i < 100000);
	/* A signal is heard all the same, and told once there is room. */
	assert_int_equal(kill(bench.monitor, SIGHUP), 0);
	for (i = 0; i < sent; i++) {
		assert_true(receive(&bench, &answer, &fd));
		if (answer.op == MONITOR_NOTICE_RELOAD)
			sent++;
		if (fd >= 0)
			close(fd);
	}
	assert_int_equal(open_descriptors(&bench), descriptors);

	/* Full once more: it can still be ended. */
	while (send_bytes(&bench, &requests[0], sizeof(requests[0]), NULL, 0, MSG_DONTWAIT))
		continue;
	close(junk);
	end(&bench);
}

static void signals_reload_and_end(void **state)
{
	struct monitor_answer answer;
	struct bench bench;
	int fd;

	(void)state;
	begin(&bench, NO_COMPANION);
	/* Once it answers it has its signals in hand. */
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_LOAD_ID}), -ENOENT);
	assert_int_equal(kill(bench.monitor, SIGHUP), 0);
	assert_true(receive(&bench, &answer, &fd));
	assert_int_equal(answer.op, MONITOR_NOTICE_RELOAD);
	assert_int_equal(answer.status, 0);
	assert_int_equal(kill(bench.monitor, SIGINT), 0);
	assert_false(receive(&bench, &answer, &fd));
	assert_int_equal(exit_status(&bench), 0);
	end(&bench);
}

static void a_worker_that_goes_ends_the_monitor(void **state)
{
	struct bench bench;

	(void)state;
	begin(&bench, NO_COMPANION);
	close(bench.fd);
	bench.fd = -1;
	assert_int_equal(exit_status(&bench), 1);
	end(&bench);

	/* Half closed is closed. */
	begin(&bench, NO_COMPANION);
	assert_int_equal(shutdown(bench.fd, SHUT_WR), 0);
	assert_int_equal(exit_status(&bench), 1);
	end(&bench);

	/* The process is gone, though somebody holds its descriptor. */
	begin(&bench, COMPANION_ENDS);
	assert_int_equal(exit_status(&bench), 1);
	end(&bench);
}

static void a_worker_that_stays_is_killed(void **state)
{
	struct monitor_answer answer;
	struct bench bench;
	int fd;

	(void)state;
	begin(&bench, COMPANION_STAYS);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_LOAD_ID}), -ENOENT);
	assert_int_equal(kill(bench.monitor, SIGTERM), 0);
	/* The companion holds the other end of ready_fd's pipe until it ends, too. */
	assert_int_equal(exit_status(&bench), 0);
	assert_int_equal(read(bench.ready_fd, &fd, 1), 0);
	assert_false(receive(&bench, &answer, &fd));
	end(&bench);
}

/* Tells READY, and reads what the service manager's socket of that name gets. */
static void assert_notified(const char *name)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct bench bench;
	char text[32] = "";
	int fd;

	memcpy(addr.sun_path, name, strlen(name));
	if (name[0] == '@')
		addr.sun_path[0] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	begin(&bench, NO_COMPANION);
	/* In the namespace that begin() made: abstract names belong to one. */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr,
				 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name) + (name[0] == '/'))),
		0);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_READY}), 0);
	assert_int_equal(recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT), strlen("READY=1"));
	assert_string_equal(text, "READY=1");
	/* Whoever waits in the foreground knows as well, once. */
	assert_int_equal(read(bench.ready_fd, text, sizeof(text)), 1);
	assert_int_equal(read(bench.ready_fd, text, sizeof(text)), 0);
	assert_int_equal(ask(&bench, (struct monitor_request){.op = MONITOR_READY}), 0);
	end(&bench);
	unsetenv("NOTIFY_SOCKET");
	close(fd);
	if (name[0] == '/')
		unlink(name);
}

static void the_service_manager_is_told(void **state)
{
	char name[64];

	(void)state;
	snprintf(name, sizeof(name), "@test-monitor-%d", getpid());
	assert_notified(name);
	snprintf(name, sizeof(name), "/tmp/test-monitor-%d.sock", getpid());
	assert_notified(name);
}

/* What the kernel says of a file at its limit by a signal first, which would end either process. */
static void a_file_that_may_not_grow_is_an_error(void **state)
{
	const struct rlimit limit = {0, RLIM_INFINITY};
	int status;
	pid_t pid = fork();

	(void)state;
	assert_true(pid >= 0);
	if (pid == 0) {
		int fd = memfd_create("test", MFD_CLOEXEC);

		monitor_block_signals();
		setrlimit(RLIMIT_FSIZE, &limit);
		_exit(write(fd, "x", 1) == -1 && errno == EFBIG ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_are_opened_only_where_allowed),
		cmocka_unit_test(malformed_requests_get_nothing),
		cmocka_unit_test(only_sealed_configurations_replace_the_file),
		cmocka_unit_test(the_configuration_is_given_out_for_reading),
		cmocka_unit_test(the_id_is_kept_for_this_machine),
		cmocka_unit_test(a_flood_harms_nobody_but_the_worker),
		cmocka_unit_test(signals_reload_and_end),
		cmocka_unit_test(a_worker_that_goes_ends_the_monitor),
		cmocka_unit_test(a_worker_that_stays_is_killed),
		cmocka_unit_test(the_service_manager_is_told),
		cmocka_unit_test(a_file_that_may_not_grow_is_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
