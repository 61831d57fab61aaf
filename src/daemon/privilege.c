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
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>
#ifdef ROMON_SECCOMP
#include <seccomp.h>
#endif

#include "daemon/log.h"

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
	/* new ways to the outside, and the ones there are opened wider: a packet socket can be made promiscuous, or bound elsewhere; a
	 * Unix datagram socket of a pair can send to every other of this machine */
	"socket",
	"socketpair",
	"setsockopt",
	"bind",
	"listen",
	"connect",
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

static bool refuse_calls(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int error = filter == NULL ? -ENOMEM : 0;
	size_t i;

	for (i = 0; i < sizeof(refused_calls) / sizeof(refused_calls[0]) && error == 0; i++)
		error = refuse_call(filter, refused_calls[i], false);
	for (i = 0; i < sizeof(own_calls) / sizeof(own_calls[0]) && error == 0; i++)
		error = refuse_call(filter, own_calls[i], true);
	if (error == 0)
		error = seccomp_load(filter);
	if (error != 0)
		log_error("cannot load the system call filter: %s", strerror(-error));
	seccomp_release(filter);
	return error == 0;
}

#else

static bool refuse_calls(void)
{
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

bool privilege_drop(const struct privilege_user *user)
{
	int result;

	if (!privilege_hide())
		return false;
	/* Clears the capabilities and the bounding set, the supplementary groups, and last the user. */
	capng_clear(CAPNG_SELECT_ALL);
	result = capng_change_id((int)user->uid, (int)user->gid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING);
	if (result != 0) {
		log_error("cannot become user %u (capng_change_id: %d)", (unsigned)user->uid, result);
		return false;
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
		log_error("PR_SET_NO_NEW_PRIVS: %s", strerror(errno));
		return false;
	}
	/* Once more: the change of user has taken part of it back. */
	return hide(true) && refuse_calls();
}
