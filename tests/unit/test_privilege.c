/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What the worker gives up, seen from inside: a child drops its privileges and then tries everything that it must not be able to
 * do any more. And the control socket as a file. Needs root, or skips.
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
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/listener.h"
#include "daemon/privilege.h"

#define NOBODY 65534
#define AGENT_GROUP 64321

static void need_root(void)
{
	if (geteuid() != 0) {
		print_message("skipped: needs root\n");
		skip();
	}
}

/* The child's assertion: the first that does not hold is told, and ends it with status 1. */
#define MUST(condition) \
	do { \
		if (!(condition)) { \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__, __LINE__, #condition, strerror(errno)); \
			_exit(1); \
		} \
	} while (0)

/* Runs the function in a child that has dropped its privileges. */
static void dropped_as(enum privilege_role role, void (*function)(int fd), int fd)
{
	const struct privilege_user user = {
		.uid = NOBODY, .gid = NOBODY, .has_group = role == PRIVILEGE_AGENT, .group = AGENT_GROUP};
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		const gid_t groups[] = {0, 4, 27};

		MUST(setgroups(3, groups) == 0);
		MUST(privilege_drop(&user, role));
		function(fd);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void dropped(void (*function)(int fd), int fd)
{
	dropped_as(PRIVILEGE_WORKER, function, fd);
}

static void try_root_things(int fd)
{
	struct rlimit core;
	uid_t real, effective, saved;

	(void)fd;
	MUST(getresuid(&real, &effective, &saved) == 0 && real == NOBODY && effective == NOBODY && saved == NOBODY);
	MUST(getresgid(&real, &effective, &saved) == 0 && real == NOBODY && effective == NOBODY && saved == NOBODY);
	MUST(getgroups(0, NULL) == 0);
	MUST(setuid(0) == -1 && setgid(0) == -1 && setgroups(0, NULL) == -1);
	MUST(prctl(PR_CAPBSET_READ, 21 /* CAP_SYS_ADMIN */) == 0);
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
	MUST(getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_max == 0);
	MUST(open("/etc/shadow", O_RDONLY) == -1 && errno == EACCES);
	MUST(open("/etc/passwd", O_WRONLY) == -1 && errno == EACCES);
	MUST(chroot("/") == -1 && errno == EPERM);
#ifndef ROMON_SANITIZED
	MUST(prctl(PR_GET_DUMPABLE) == 0);
#endif
}

static void root_is_gone(void **state)
{
	(void)state;
	need_root();
	dropped(try_root_things, -1);
}

static void try_root_things_as_agent(int fd)
{
	gid_t groups[2];
	uid_t real, effective, saved;

	(void)fd;
	MUST(getresuid(&real, &effective, &saved) == 0 && real == NOBODY && effective == NOBODY && saved == NOBODY);
	MUST(getresgid(&real, &effective, &saved) == 0 && real == NOBODY && effective == NOBODY && saved == NOBODY);
	MUST(getgroups(2, groups) == 1 && groups[0] == AGENT_GROUP);
	MUST(setuid(0) == -1 && setgid(0) == -1 && setgroups(0, NULL) == -1);
	MUST(prctl(PR_CAPBSET_READ, 21 /* CAP_SYS_ADMIN */) == 0);
	MUST(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

static void the_agent_keeps_one_group(void **state)
{
	(void)state;
	need_root();
	dropped_as(PRIVILEGE_AGENT, try_root_things_as_agent, -1);
}

#ifdef ROMON_SECCOMP

static void try_refused_calls_as_agent(int fd)
{
	const struct sockaddr_un nowhere = {.sun_family = AF_UNIX, .sun_path = "/nonexistent"};
	char *const argv[] = {(char *)(uintptr_t) "/bin/true", NULL};
	int own = socket(AF_UNIX, SOCK_STREAM, 0);

	/* What it needs: */
	MUST(own >= 0 && connect(own, (const struct sockaddr *)&nowhere, sizeof(nowhere)) == -1 && errno == ENOENT);
	MUST(open("/etc/passwd", O_RDONLY | O_CLOEXEC) >= 0);
	/* And what it does not: */
	MUST(socket(AF_INET, SOCK_STREAM, 0) == -1 && errno == EPERM);
	MUST(socket(AF_INET6, SOCK_DGRAM, 0) == -1 && errno == EPERM);
	MUST(socket(AF_PACKET, SOCK_RAW, 0) == -1 && errno == EPERM);
	MUST(bind(fd, (const struct sockaddr *)&nowhere, sizeof(sa_family_t)) == -1 && errno == EPERM);
	MUST(listen(fd, 1) == -1 && errno == EPERM);
	MUST(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &fd, sizeof(fd)) == -1 && errno == EPERM);
	MUST(open("/dev/null", O_WRONLY) == -1 && errno == EPERM);
	MUST(open("/dev/null", O_RDWR) == -1 && errno == EPERM);
	MUST(open("/dev/null", O_RDONLY | O_CREAT, 0600) == -1 && errno == EPERM);
	MUST(open("/dev/null", O_RDONLY | O_TRUNC) == -1 && errno == EPERM);
	MUST(unlink("/nonexistent") == -1 && errno == EPERM);
	MUST(rename("/nonexistent", "/nonexistent2") == -1 && errno == EPERM);
	MUST(chmod("/nonexistent", 0) == -1 && errno == EPERM);
	MUST(execv(argv[0], argv) == -1 && errno == EPERM);
	MUST(fork() == -1 && errno == EPERM);
	MUST(kill(getpid(), 0) == -1 && errno == EPERM);
}

static void the_agent_may_connect_and_read(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	need_root();
	assert_true(fd >= 0);
	dropped_as(PRIVILEGE_AGENT, try_refused_calls_as_agent, fd);
	close(fd);
}

static void try_refused_calls(int fd)
{
	const struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char *const argv[] = {(char *)(uintptr_t) "/bin/true", NULL};
	int pair[2];

	/* Of all these only the filter's answer is EPERM: without it an unprivileged process may, or fails otherwise. */
	MUST(execv(argv[0], argv) == -1 && errno == EPERM);
	MUST(fork() == -1 && errno == EPERM);
	MUST(socket(AF_UNIX, SOCK_STREAM, 0) == -1 && errno == EPERM);
	MUST(socket(AF_INET, SOCK_DGRAM, 0) == -1 && errno == EPERM);
	MUST(bind(fd, (const struct sockaddr *)&addr, sizeof(sa_family_t)) == -1 && errno == EPERM);
	MUST(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) == -1 && errno == EPERM);
	MUST(listen(fd, 1) == -1 && errno == EPERM);
	MUST(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &fd, sizeof(fd)) == -1 && errno == EPERM);
	MUST(unshare(CLONE_NEWUSER) == -1 && errno == EPERM);
	MUST(setns(-1, 0) == -1 && errno == EPERM);
	MUST(mount("none", "/nonexistent", "tmpfs", 0, NULL) == -1 && errno == EPERM);
	MUST(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM);
	MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == -1 && errno == EPERM);
	MUST(kill(getpid(), 0) == -1 && errno == EPERM);
	/* To signal a process of no number at all would fail with ESRCH or EINVAL; abort() must work. */
	MUST(syscall(SYS_tkill, INT_MAX, 0) == -1 && errno == EPERM);
	MUST(syscall(SYS_tgkill, INT_MAX, INT_MAX, 0) == -1 && errno == EPERM);
	MUST(syscall(SYS_tgkill, getpid(), getpid(), 0) == 0);
	MUST(syscall(SYS_rt_sigqueueinfo, INT_MAX, 0, NULL) == -1 && errno == EPERM);
	MUST(syscall(SYS_rt_tgsigqueueinfo, INT_MAX, INT_MAX, 0, NULL) == -1 && errno == EPERM);
	MUST(syscall(SYS_pidfd_send_signal, -1, 0, NULL, 0) == -1 && errno == EPERM);
	MUST(syscall(SYS_process_vm_readv, getpid(), NULL, 0, NULL, 0, 0) == -1 && errno == EPERM);
	MUST(syscall(SYS_keyctl, 0, 0, 0, 0, 0) == -1 && errno == EPERM);
	MUST(syscall(SYS_bpf, -1, NULL, 0) == -1 && errno == EPERM);
	MUST(syscall(SYS_io_uring_setup, 0, NULL) == -1 && errno == EPERM);
	MUST(syscall(SYS_userfaultfd, -1) == -1 && errno == EPERM);
}

static void calls_are_refused(void **state)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	need_root();
	dropped(try_refused_calls, fd);
	close(fd);
}

#endif

/* What the worker does all day, on descriptors that it has. */
static void try_allowed_calls(int fd)
{
	int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC), memory = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char byte = 0;

	MUST(client >= 0 && recv(client, &byte, 1, 0) == 1 && byte == 'x' && send(client, "y", 1, 0) == 1);
	MUST(memory >= 0 && write(memory, "x", 1) == 1 && fcntl(memory, F_ADD_SEALS, F_SEAL_WRITE) == 0);
}

struct place {
	char folder[64];
	struct sockaddr_un addr;
};

static void begin(struct place *place)
{
	need_root();
	strcpy(place->folder, "/tmp/test-privilege-XXXXXX");
	assert_non_null(mkdtemp(place->folder));
	memset(&place->addr, 0, sizeof(place->addr));
	place->addr.sun_family = AF_UNIX;
	/* A folder that listener_open() makes. */
	snprintf(place->addr.sun_path, sizeof(place->addr.sun_path), "%s/run/sock", place->folder);
}

static void end(struct place *place)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", place->folder);
	assert_int_equal(system(command), 0);
}

static int client(const struct place *place)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (const struct sockaddr *)&place->addr, sizeof(place->addr)), 0);
	return fd;
}

static void the_socket_is_for_root_and_the_group(void **state)
{
	struct place place;
	struct stat st;
	int fd;

	(void)state;
	begin(&place);
	fd = listener_open(place.addr.sun_path, 4711);
	assert_true(fd >= 0);
	assert_int_equal(stat(place.addr.sun_path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0660);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, 4711);
	close(fd);
	fd = listener_open(place.addr.sun_path, (gid_t)-1);
	assert_int_equal(stat(place.addr.sun_path, &st), 0);
	assert_int_equal(st.st_gid, 0);
	close(fd);
	end(&place);
}

static void a_dropped_process_can_serve_it(void **state)
{
	struct place place;
	int fd, peer;
	char byte = 0;

	(void)state;
	begin(&place);
	fd = listener_open(place.addr.sun_path, (gid_t)-1);
	assert_int_equal(fcntl(fd, F_SETFL, 0), 0); /* accept() may wait here */
	peer = client(&place);
	assert_int_equal(send(peer, "x", 1, 0), 1);
	dropped(try_allowed_calls, fd);
	assert_int_equal(recv(peer, &byte, 1, 0), 1);
	assert_int_equal(byte, 'y');
	close(peer);
	close(fd);
	end(&place);
}

static void a_dead_daemons_socket_is_replaced_and_a_live_ones_is_not(void **state)
{
	struct place place;
	struct stat before, after;
	int fd, other;

	(void)state;
	begin(&place);
	fd = listener_open(place.addr.sun_path, (gid_t)-1);
	assert_true(fd >= 0);
	assert_int_equal(stat(place.addr.sun_path, &before), 0);
	assert_int_equal(listener_open(place.addr.sun_path, (gid_t)-1), -1);
	assert_int_equal(stat(place.addr.sun_path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	close(client(&place));
	close(fd);

	other = listener_open(place.addr.sun_path, (gid_t)-1);
	assert_true(other >= 0);
	close(client(&place));
	close(other);
	end(&place);
}

static void other_files_are_left_alone(void **state)
{
	struct place place;
	struct stat st;
	char long_path[200];
	int fd;

	(void)state;
	begin(&place);
	snprintf(place.addr.sun_path, sizeof(place.addr.sun_path), "%s/file", place.folder);
	fd = open(place.addr.sun_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
	assert_int_equal(listener_open(place.addr.sun_path, (gid_t)-1), -1);
	assert_int_equal(stat(place.addr.sun_path, &st), 0);
	assert_int_equal(st.st_size, 1);
	memset(long_path, 'x', sizeof(long_path) - 1);
	long_path[sizeof(long_path) - 1] = '\0';
	assert_int_equal(listener_open(long_path, (gid_t)-1), -1);
	end(&place);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(root_is_gone),
		cmocka_unit_test(the_agent_keeps_one_group),
#ifdef ROMON_SECCOMP
		cmocka_unit_test(the_agent_may_connect_and_read),
#endif
#ifdef ROMON_SECCOMP
		cmocka_unit_test(calls_are_refused),
#endif
		cmocka_unit_test(the_socket_is_for_root_and_the_group),
		cmocka_unit_test(a_dropped_process_can_serve_it),
		cmocka_unit_test(a_dead_daemons_socket_is_replaced_and_a_live_ones_is_not),
		cmocka_unit_test(other_files_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
