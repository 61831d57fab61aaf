/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Dropping privileges. The system call filter is a list of what is refused, not of what is allowed: which harmless calls a C
 * library makes differs by library and version, and a router that dies of an unforeseen one helps nobody. What a taken-over
 * worker would want is on the list. A refused call fails with EPERM. One known price: when the system logger restarts and its
 * socket does not survive, the worker cannot connect again (in the foreground, as under systemd, there is no such connection).
 */
#include "daemon/privilege.h"

#include <cap-ng.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef ROMON_SECCOMP
#include <seccomp.h>
#endif

#include "daemon/log.h"

#define AGENT_USER "romon-agent"

bool privilege_find_user(struct privilege_user *user)
{
	const struct passwd *passwd = getpwnam("romon");
	const struct group *group = getgrnam("romon");

	if (passwd == NULL)
		passwd = getpwnam("nobody");
	if (passwd == NULL || passwd->pw_uid == 0) {
		log_error("there is neither a user `romon` nor a user `nobody` to run as");
		return false;
	}
	*user = (struct privilege_user){.uid = passwd->pw_uid, .gid = passwd->pw_gid, .has_group = group != NULL};
	if (group != NULL)
		user->group = group->gr_gid;
	passwd = getpwnam(AGENT_USER);
	if (passwd != NULL)
		user->agent = passwd->pw_uid;
	return true;
}

bool privilege_find_agent(struct privilege_user *user)
{
	const struct passwd *passwd = getpwnam(AGENT_USER);
	const struct group *group = getgrnam("romon");

	if (passwd == NULL || passwd->pw_uid == 0)
		return false;
	*user = (struct privilege_user){.uid = passwd->pw_uid, .gid = passwd->pw_gid, .has_group = group != NULL};
	if (group != NULL)
		user->group = group->gr_gid;
	return true;
}

#ifdef ROMON_SECCOMP

static const char *const refused_calls[] = {
	/* become another program, or more of oneself */
	"execve",
	"execveat",
	"fork",
	"vfork",
	"clone",
	"clone3",
	/* other processes */
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"process_madvise",
	"pidfd_open",
	"pidfd_getfd",
	"kill",
	"rt_sigqueueinfo",
	"rt_tgsigqueueinfo",
	"pidfd_send_signal",
	"kcmp",
	"setpriority",
	/* the sockets there are opened wider, or put to another use: a Unix datagram socket of a pair can send to every other of
	 * this machine */
	"socketpair",
	"setsockopt",
	"bind",
	"listen",
	/* the system around */
	"mount",
	"umount",
	"umount2",
	"move_mount",
	"open_tree",
	"fsopen",
	"fsmount",
	"fspick",
	"mount_setattr",
	"pivot_root",
	"chroot",
	"setns",
	"unshare",
	"mknod",
	"mknodat",
	"name_to_handle_at",
	"open_by_handle_at",
	"swapon",
	"swapoff",
	"reboot",
	"syslog",
	"acct",
	"quotactl",
	"settimeofday",
	"clock_settime",
	"adjtimex",
	"clock_adjtime",
	"sethostname",
	"setdomainname",
	/* rich targets inside the kernel */
	"bpf",
	"perf_event_open",
	"userfaultfd",
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"add_key",
	"request_key",
	"keyctl",
	"kexec_load",
	"kexec_file_load",
	"init_module",
	"finit_module",
	"delete_module",
	"personality",
	"modify_ldt",
	"vmsplice",
};

/* New ways to the outside. */
static const char *const worker_calls[] = {"socket", "connect"};

/* Changes to files, beside what the flags of open() say. */
static const char *const agent_calls[] = {
	"creat",
	"truncate",
	"ftruncate",
	"unlink",
	"unlinkat",
	"rename",
	"renameat",
	"renameat2",
	"link",
	"linkat",
	"symlink",
	"symlinkat",
	"mkdir",
	"mkdirat",
	"rmdir",
	"chmod",
	"fchmod",
	"fchmodat",
	"chown",
	"fchown",
	"lchown",
	"fchownat",
	"openat2",
};

/* Refused unless their first argument is this process: abort() needs one of them. */
static const char *const own_calls[] = {"tkill", "tgkill"};

/* Refuses the call, or does nothing if this library or this machine does not know its name. Returns 0 or a negative errno. */
static int refuse_call(scmp_filter_ctx filter, const char *name, bool own)
{
	const struct scmp_arg_cmp others = {.arg = 0, .op = SCMP_CMP_NE, .datum_a = (scmp_datum_t)getpid()};
	int call = seccomp_syscall_resolve_name(name), error;

	if (call == __NR_SCMP_ERROR)
		return 0;
	error = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), call, own ? 1 : 0, &others);
	return error == -EDOM ? 0 : error;
}

/* Refuses a call with such an argument, if this machine has the call. */
static int refuse_argument(scmp_filter_ctx filter, const char *name, struct scmp_arg_cmp argument)
{
	int call = seccomp_syscall_resolve_name(name), error;

	if (call == __NR_SCMP_ERROR)
		return 0;
	error = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), call, 1, &argument);
	return error == -EDOM ? 0 : error;
}

/* Of the calls that only some arguments make harmful: sockets that are no Unix sockets, and files that are not only read. */
static int refuse_for_agent(scmp_filter_ctx filter)
{
	/* Ways to open a file that are more than reading it: what is masked, and what it must not be. */
	static const scmp_datum_t flags[][2] = {
		{O_ACCMODE, O_WRONLY}, {O_ACCMODE, O_RDWR}, {O_ACCMODE, O_ACCMODE}, {O_CREAT, O_CREAT}, {O_TRUNC, O_TRUNC}};
	int error = refuse_argument(
		filter, "socket", (struct scmp_arg_cmp){.arg = 0, .op = SCMP_CMP_NE, .datum_a = (scmp_datum_t)AF_UNIX});

	for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]) && error == 0; i++) {
		struct scmp_arg_cmp flag = {.arg = 2, .op = SCMP_CMP_MASKED_EQ, .datum_a = flags[i][0], .datum_b = flags[i][1]};

		error = refuse_argument(filter, "openat", flag);
		flag.arg = 1;
		if (error == 0)
			error = refuse_argument(filter, "open", flag);
	}
	return error;
}

static bool refuse_calls(enum privilege_role role)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	const char *const *more = role == PRIVILEGE_WORKER ? worker_calls : agent_calls;
	size_t i, more_count = role == PRIVILEGE_WORKER ? sizeof(worker_calls) / sizeof(worker_calls[0])
							: sizeof(agent_calls) / sizeof(agent_calls[0]);
	int error = filter == NULL ? -ENOMEM : 0;

	for (i = 0; i < sizeof(refused_calls) / sizeof(refused_calls[0]) && error == 0; i++)
		error = refuse_call(filter, refused_calls[i], false);
	for (i = 0; i < more_count && error == 0; i++)
		error = refuse_call(filter, more[i], false);
	for (i = 0; i < sizeof(own_calls) / sizeof(own_calls[0]) && error == 0; i++)
		error = refuse_call(filter, own_calls[i], true);
	if (error == 0 && role == PRIVILEGE_AGENT)
		error = refuse_for_agent(filter);
	if (error == 0)
		error = seccomp_load(filter);
	if (error != 0)
		log_error("cannot load the system call filter: %s", strerror(-error));
	seccomp_release(filter);
	return error == 0;
}

#else

static bool refuse_calls(enum privilege_role role)
{
	(void)role;
	return true;
}

#endif

/* No core dumps, and no ptrace or /proc/PID/mem but by root. Not for good is for the monitor: the programs that it starts may dump again,
 * and not every root can raise a hard limit. */
static bool hide(bool for_good)
{
	struct rlimit core = {0, 0};

	if (!for_good && getrlimit(RLIMIT_CORE, &core) == 0)
		core.rlim_cur = 0;
	if (setrlimit(RLIMIT_CORE, &core) != 0) {
		log_error("setrlimit: %s", strerror(errno));
		return false;
	}
#ifndef ROMON_SANITIZED
	/* Not even another process of the same user may look inside. (LeakSanitizer does just that.) */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
		log_error("PR_SET_DUMPABLE: %s", strerror(errno));
		return false;
	}
#endif
	return true;
}

/* Locks the memory that is used now and later, page by page as it is used. Secrets pass through many places (file, messages, lists), so it
 * is all of it. What is mapped later counts against a limit that the worker cannot exceed: where even root may not lift that, as in
 * some containers, later memory stays unlocked rather than refused. */
static void lock_memory(void)
{
#ifndef ROMON_SANITIZED
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	bool lifted = setrlimit(RLIMIT_MEMLOCK, &unlimited) == 0;

	if (mlockall(MCL_CURRENT | MCL_ONFAULT | (lifted ? MCL_FUTURE : 0)) != 0 || !lifted)
		log_info("not all memory can be locked (RLIMIT_MEMLOCK): keep secrets off the disk by encrypted swap, or none");
#endif
}

bool privilege_hide(void)
{
	lock_memory();
	return hide(false);
}

bool privilege_drop(const struct privilege_user *user, enum privilege_role role)
{
	bool with_group = role == PRIVILEGE_AGENT && user->has_group;
	int result;

	if (!privilege_hide())
		return false;
	/* Clears the capabilities and the bounding set, the supplementary groups, and last the user. */
	capng_clear(CAPNG_SELECT_ALL);
	if (with_group && setgroups(1, &user->group) != 0) {
		log_error("setgroups: %s", strerror(errno));
		return false;
	}
	result = capng_change_id(
		(int)user->uid, (int)user->gid, (with_group ? CAPNG_NO_FLAG : CAPNG_DROP_SUPP_GRP) | CAPNG_CLEAR_BOUNDING);
	if (result != 0) {
		log_error("cannot become user %u (capng_change_id: %d)", (unsigned)user->uid, result);
		return false;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		log_error("PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
		return false;
	}
	/* Once more: the change of user has taken part of it back. */
	return hide(true) && refuse_calls(role);
}
