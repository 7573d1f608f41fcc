/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Theory of operation: least privilege
 *
 * ebbd is root, and reads what guests write. Should a guest ever get code to
 * run here, that code shall have as little at hand as ebbd itself needs. So
 * privileges go in stages, each as soon as nothing needs them any more:
 *
 *	state locked	configuration and groups can still be read, libvirt be
 *			connected to and the socket made; capabilities go that
 *			none of it needs, for good (no_new_privs)
 *	listening	all that is left is to serve: CAP_CHOWN goes, and the
 *			system calls that serving does not use
 *
 * Capabilities
 *
 * CAP_SYS_PTRACE	/proc/PID/fd and maps of QEMU, which is another user's
 * CAP_DAC_OVERRIDE	the directory /proc/PID/fd; backings on tmpfs or
 *			hugetlbfs by path are that user's with mode 0600, and a
 *			hole is punched only through a descriptor for writing
 * CAP_SYS_NICE		paging out of QEMU's memory: process_madvise()
 * CAP_CHOWN		the control socket's group
 *
 * CAP_SYS_RESOURCE is used before: by who writes the trigger of memory pressure
 * (host/budget/watch.h), whose descriptor stays.
 *
 * fallocate(), flock() and libvirt's socket need none, nor does libvirtd ask
 * polkit about root. There is no CAP_SYS_ADMIN: page frames are never read.
 *
 * Another uid than 0 would need these as well, and whoever has CAP_SYS_PTRACE
 * can become root by writing into a process of root. What runs here could do
 * that through /proc/PID/mem, as a filter does not see paths; and a process of
 * uid 0 owns root's files without any capability. That is for systemd
 * (ProtectSystem=) and AppArmor to close. Landlock cannot: a process under it
 * may not look into others at all.
 *
 * System calls
 *
 * The order of care is: never corrupt a guest, never take ebbd down, then
 * confine. So there are three answers:
 *
 *	allowed		what libvirt's client, GLib, libxml2, json-c, glibc and
 *			ebbd use to serve
 *	fatal		what takes over a machine and no library tries by
 *			itself: this is an attack, and the process is no longer
 *			ebbd. Dying is safe for guests at each instruction, see
 *			protocol/lease.h; a guest misses one batch until ebbd
 *			runs again.
 *	all else	ENOSYS. A library that was updated and tries what is
 *			new meets an older kernel, and falls back; EPERM would
 *			be taken for final, a signal would end ebbd for nothing.
 *			As a denial it is as good as any: io_uring, bpf, keyctl,
 *			userfaultfd and what later kernels bring are among it.
 *			It is not logged, as each new thread would be (clone3):
 *			strace shows it.
 *
 * Some calls depend on arguments: fallocate() punches holes and does nothing
 * else; process_madvise() pages out; signals go to ebbd itself only; threads can be made, processes not
 * (clone3() hides which it is, and glibc uses clone() without it); sockets are
 * local; no memory is both written and run. Paths and what a descriptor is, a
 * filter cannot see.
 *
 * A remote libvirt needs processes (ssh) or networks; ebbd has no use for one:
 * the memory is here. libvirtd may come and go: connect() stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cap-ng.h>
#include <seccomp.h>

#include "common/cleanup.h"
#include "host/base/sandbox.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAVE_SANITIZER 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define HAVE_SANITIZER 1
#endif

static const int allowed[] = {
	/* memory */
	SCMP_SYS(brk),
	SCMP_SYS(madvise),
	SCMP_SYS(mremap),
	SCMP_SYS(munmap),
	/* threads, time */
	SCMP_SYS(clock_getres),
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_nanosleep),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	SCMP_SYS(futex),
	SCMP_SYS(getcpu),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(membarrier),
	SCMP_SYS(nanosleep),
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rseq),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(time),
	/* signals */
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigpending),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(sigaltstack),
	SCMP_SYS(signalfd4),
	SCMP_SYS(timer_create),
	SCMP_SYS(timer_delete),
	SCMP_SYS(timer_settime),
	/* who and where */
	SCMP_SYS(getcwd),
	SCMP_SYS(getegid),
	SCMP_SYS(geteuid),
	SCMP_SYS(getgid),
	SCMP_SYS(getgroups),
	SCMP_SYS(getpid),
	SCMP_SYS(getppid),
	SCMP_SYS(getrandom),
	SCMP_SYS(getrusage),
	SCMP_SYS(gettid),
	SCMP_SYS(getuid),
	SCMP_SYS(pidfd_open),
	SCMP_SYS(sysinfo),
	SCMP_SYS(uname),
	/* files; ebbd makes and changes its socket, its pauses and its past */
	SCMP_SYS(access),
	SCMP_SYS(close),
	SCMP_SYS(close_range),
	SCMP_SYS(dup),
	SCMP_SYS(dup2),
	SCMP_SYS(dup3),
	SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2),
	SCMP_SYS(fadvise64),
	SCMP_SYS(fcntl),
	SCMP_SYS(fdatasync),
	SCMP_SYS(flock),
	SCMP_SYS(fstat),
	SCMP_SYS(fstatfs),
	SCMP_SYS(fsync),
	SCMP_SYS(getdents64),
	SCMP_SYS(inotify_add_watch),
	SCMP_SYS(inotify_init1),
	SCMP_SYS(inotify_rm_watch),
	SCMP_SYS(lseek),
	SCMP_SYS(lstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(open),
	SCMP_SYS(openat),
	SCMP_SYS(pread64),
	SCMP_SYS(preadv),
	SCMP_SYS(read),
	SCMP_SYS(readlink),
	SCMP_SYS(readlinkat),
	SCMP_SYS(readv),
	SCMP_SYS(renameat),
	SCMP_SYS(renameat2),
	SCMP_SYS(stat),
	SCMP_SYS(statfs),
	SCMP_SYS(statx),
	SCMP_SYS(unlink),
	SCMP_SYS(unlinkat),
	SCMP_SYS(write),
	SCMP_SYS(writev),
	/* waiting */
	SCMP_SYS(epoll_create1),
	SCMP_SYS(epoll_ctl),
	SCMP_SYS(epoll_pwait),
	SCMP_SYS(epoll_pwait2),
	SCMP_SYS(epoll_wait),
	SCMP_SYS(eventfd2),
	SCMP_SYS(pipe2),
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(pselect6),
	SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_gettime),
	SCMP_SYS(timerfd_settime),
	/* sockets; not bind() and listen(): it listens already */
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(connect),
	SCMP_SYS(getpeername),
	SCMP_SYS(getsockname),
	SCMP_SYS(getsockopt),
	SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg),
	SCMP_SYS(sendmsg),
	SCMP_SYS(sendto),
	SCMP_SYS(setsockopt),
	SCMP_SYS(shutdown),
};

static const int fatal[] = {
	/* other programs, other processes */
	SCMP_SYS(execve),
	SCMP_SYS(execveat),
	SCMP_SYS(pidfd_getfd),
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(ptrace),
	/* other users, other namespaces, other roots */
	SCMP_SYS(chroot),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(pivot_root),
	SCMP_SYS(setfsgid),
	SCMP_SYS(setfsuid),
	SCMP_SYS(setgid),
	SCMP_SYS(setgroups),
	SCMP_SYS(setns),
	SCMP_SYS(setregid),
	SCMP_SYS(setresgid),
	SCMP_SYS(setresuid),
	SCMP_SYS(setreuid),
	SCMP_SYS(setuid),
	SCMP_SYS(unshare),
	/* the machine */
	SCMP_SYS(delete_module),
	SCMP_SYS(finit_module),
	SCMP_SYS(fsconfig),
	SCMP_SYS(fsmount),
	SCMP_SYS(fsopen),
	SCMP_SYS(init_module),
	SCMP_SYS(ioperm),
	SCMP_SYS(iopl),
	SCMP_SYS(kexec_file_load),
	SCMP_SYS(kexec_load),
	SCMP_SYS(mount),
	SCMP_SYS(mount_setattr),
	SCMP_SYS(move_mount),
	SCMP_SYS(open_tree),
	SCMP_SYS(reboot),
	SCMP_SYS(swapoff),
	SCMP_SYS(swapon),
	SCMP_SYS(umount2),
};

/* The low half of an argument: the kernel looks at no more of an int. */
#define ARG_INT(arg, value) \
	SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, UINT32_MAX, value)
#define ARG_BITS(arg, mask, value) \
	SCMP_CMP64(arg, SCMP_CMP_MASKED_EQ, mask, value)

static int add_lists(scmp_filter_ctx filter)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < EBB_ARRAY_SIZE(allowed); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; r == 0 && i < EBB_ARRAY_SIZE(fatal); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, fatal[i],
				     0);
	return r;
}

/* Calls that are allowed if one argument is as said. */
static int add_arguments(scmp_filter_ctx filter)
{
	const uint32_t self = (uint32_t)getpid();
	const struct {
		int call;
		struct scmp_arg_cmp arg;
	} rules[] = {
		{ SCMP_SYS(clone), ARG_BITS(0, CLONE_THREAD, CLONE_THREAD) },
		{ SCMP_SYS(fallocate),
		  ARG_INT(1, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE) },
		{ SCMP_SYS(ioctl), ARG_INT(1, FIONBIO) },
		{ SCMP_SYS(ioctl), ARG_INT(1, FIONREAD) },
		{ SCMP_SYS(ioctl), ARG_INT(1, TCGETS) },
		{ SCMP_SYS(kill), ARG_INT(0, self) },
		{ SCMP_SYS(mmap), ARG_BITS(2, PROT_EXEC, 0) },
		{ SCMP_SYS(mmap), ARG_BITS(2, PROT_WRITE, 0) },
		{ SCMP_SYS(mprotect), ARG_BITS(2, PROT_EXEC, 0) },
		{ SCMP_SYS(prctl), ARG_INT(0, PR_GET_NAME) },
		{ SCMP_SYS(prctl), ARG_INT(0, PR_SET_NAME) },
		{ SCMP_SYS(prctl), ARG_INT(0, PR_SET_TIMERSLACK) },
		/* Limits can be read, by a pointer to no new ones. */
		{ SCMP_SYS(prlimit64), SCMP_A2_64(SCMP_CMP_EQ, 0) },
		{ SCMP_SYS(process_madvise), ARG_INT(3, MADV_PAGEOUT) },
		{ SCMP_SYS(socket), ARG_INT(0, AF_UNIX) },
		{ SCMP_SYS(socketpair), ARG_INT(0, AF_UNIX) },
		{ SCMP_SYS(tgkill), ARG_INT(0, self) },
	};
	int r = 0;

	for (size_t i = 0; r == 0 && i < EBB_ARRAY_SIZE(rules); i++)
		r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, rules[i].call, 1,
				     rules[i].arg);
	return r;
}

static int load_filter(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int r;

	if (!filter)
		return -ENOMEM;
	/* A search tree; without it the same filter is slower. */
	seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	r = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (r == 0)
		r = add_lists(filter);
	if (r == 0)
		r = add_arguments(filter);
	if (r == 0)
		r = seccomp_load(filter);
	seccomp_release(filter);
	return r;
}

/* Keeps no more than these, and not those that it does not have. */
static int keep_capabilities(const unsigned int *kept, size_t kept_count)
{
	capng_select_t sets = CAPNG_SELECT_ALL;
	bool held[8];

	if (kept_count > EBB_ARRAY_SIZE(held) || capng_get_caps_process() < 0)
		return -EPERM;
	for (size_t i = 0; i < kept_count; i++)
		held[i] = capng_have_capability(CAPNG_PERMITTED, kept[i]);
	if (!capng_have_capability(CAPNG_EFFECTIVE, CAP_SETPCAP))
		sets = CAPNG_SELECT_CAPS | CAPNG_SELECT_AMBIENT;

	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < kept_count; i++)
		if (held[i])
			capng_update(CAPNG_ADD,
				     CAPNG_EFFECTIVE | CAPNG_PERMITTED,
				     kept[i]);
	return capng_apply(sets) < 0 ? -EPERM : 0;
}

int ebb_sandbox_state_locked(void)
{
	static const unsigned int kept[] = { CAP_SYS_PTRACE, CAP_DAC_OVERRIDE,
					     CAP_SYS_NICE, CAP_CHOWN };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -EPERM;
	return keep_capabilities(kept, EBB_ARRAY_SIZE(kept));
}

int ebb_sandbox_listening(void)
{
	static const unsigned int kept[] = { CAP_SYS_PTRACE, CAP_DAC_OVERRIDE,
					     CAP_SYS_NICE };
	int r = keep_capabilities(kept, EBB_ARRAY_SIZE(kept));

	if (r < 0)
		return r;
#ifdef HAVE_SANITIZER
	(void)load_filter;
	return -EOPNOTSUPP;
#else
	return load_filter();
#endif
}
