/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/lease/lapse.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <pthread.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef sigev_notify_thread_id
#define sigev_notify_thread_id _sigev_un._tid
#endif

#define PUNCH_MODE (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)

#if EBB_LAPSE_IS_EXACT
/*
 * The system call's result, or -ETIME. A thread that is interrupted from
 * ebb_lapse_check up to the call itself has not made it; the kernel also goes
 * back there where it begins a call anew (SA_RESTART).
 */
long ebb_lapse_call(int fd, int mode, off_t offset, off_t bytes,
		    const volatile sig_atomic_t *lapsed);
extern const char ebb_lapse_check[], ebb_lapse_called[], ebb_lapse_late[];

_Static_assert(sizeof(sig_atomic_t) == 4, "cmpl compares it");
_Static_assert(SYS_fallocate == 285 && ETIME == 62, "as below");

__asm__(".pushsection .text\n"
	".globl ebb_lapse_call, ebb_lapse_check\n"
	".globl ebb_lapse_called, ebb_lapse_late\n"
	".hidden ebb_lapse_call, ebb_lapse_check\n"
	".hidden ebb_lapse_called, ebb_lapse_late\n"
	".type ebb_lapse_call, @function\n"
	"ebb_lapse_call:\n"
	".cfi_startproc\n"
	"	movq %rcx, %r10\n"
	"	movl $285, %eax\n"
	"ebb_lapse_check:\n"
	"	cmpl $0, (%r8)\n"
	"	jne ebb_lapse_late\n"
	"	syscall\n"
	"ebb_lapse_called:\n"
	"	ret\n"
	"ebb_lapse_late:\n"
	"	movq $-62, %rax\n"
	"	ret\n"
	".cfi_endproc\n"
	".size ebb_lapse_call, . - ebb_lapse_call\n"
	".popsection\n");

static void leave_call(ucontext_t *context)
{
	greg_t *at = &context->uc_mcontext.gregs[REG_RIP];

	if (*at >= (greg_t)(uintptr_t)ebb_lapse_check &&
	    *at < (greg_t)(uintptr_t)ebb_lapse_called)
		*at = (greg_t)(uintptr_t)ebb_lapse_late;
}
#else
static long ebb_lapse_call(int fd, int mode, off_t offset, off_t bytes,
			   const volatile sig_atomic_t *lapsed)
{
	if (*lapsed)
		return -ETIME;
	return fallocate(fd, mode, offset, bytes) < 0 ? -errno : 0;
}

static void leave_call(ucontext_t *context)
{
	(void)context;
}
#endif

static void on_lapse(int number, siginfo_t *info, void *context)
{
	struct ebb_lapse *lapse = info->si_value.sival_ptr;

	(void)number;
	if (info->si_code != SI_TIMER)
		return;
	lapse->lapsed = true;
	leave_call(context);
}

int ebb_lapse_init(struct ebb_lapse *lapse)
{
	struct sigaction action = {
		.sa_sigaction = on_lapse,
		.sa_flags = SA_SIGINFO | SA_RESTART,
	};
	struct sigevent event = {
		.sigev_notify = SIGEV_THREAD_ID,
		.sigev_signo = SIGRTMIN,
		.sigev_value.sival_ptr = lapse,
	};
	sigset_t signals;

	lapse->lapsed = true;
	event.sigev_notify_thread_id = (pid_t)syscall(SYS_gettid);
	sigemptyset(&action.sa_mask);
	if (sigaction(SIGRTMIN, &action, NULL) < 0 ||
	    timer_create(CLOCK_MONOTONIC, &event, &lapse->timer) < 0)
		return -errno;
	/* The worker that this runs on has blocked what nobody asked for. */
	sigemptyset(&signals);
	sigaddset(&signals, SIGRTMIN);
	return -pthread_sigmask(SIG_UNBLOCK, &signals, NULL);
}

void ebb_lapse_release(struct ebb_lapse *lapse)
{
	timer_delete(lapse->timer);
}

static int set_timer(struct ebb_lapse *lapse, uint64_t deadline_ns)
{
	const struct itimerspec at = {
		.it_value.tv_sec = (time_t)(deadline_ns / 1000000000),
		.it_value.tv_nsec = (long)(deadline_ns % 1000000000),
	};

	return timer_settime(lapse->timer, TIMER_ABSTIME, &at, NULL) < 0
		       ? -errno
		       : 0;
}

int ebb_lapse_begin(struct ebb_lapse *lapse, uint64_t deadline_ns)
{
	int r;

	lapse->lapsed = false;
	r = set_timer(lapse, deadline_ns);
	if (r < 0)
		lapse->lapsed = true;
	return r;
}

void ebb_lapse_end(struct ebb_lapse *lapse)
{
	set_timer(lapse, 0);
	lapse->lapsed = true;
}

int ebb_lapse_punch(struct ebb_lapse *lapse, int fd, off_t offset, off_t bytes)
{
	return (int)ebb_lapse_call(fd, PUNCH_MODE, offset, bytes,
				   &lapse->lapsed);
}
