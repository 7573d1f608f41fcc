/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A hole that is punched in time, or not at all.
 *
 * Theory of operation
 * ===================
 *
 * The problem. A grant is good for some milliseconds; later its range may be
 * the memory of the next kernel. A thread that looks at the clock and then
 * makes the system call can be stopped in between (SIGSTOP, a debugger, a host
 * that is short of CPUs), for as long as the guest needs to boot anew.
 *
 * The invariant. Once a thread that was stopped goes on, no instruction of its
 * program runs before the signals that wait for it are handled (the kernel's
 * exit_to_user_mode_loop()). So a timer of this thread fires at the deadline,
 * and its handler moves a thread that is found between the last check and the
 * system call out of there: the way of restartable sequences (rseq), and of
 * musl's cancellation points. What is left is the time within the call.
 *
 * The alternatives. A second look at the clock after the call knows what went
 * wrong when it is too late. rseq itself restarts upon preemption, not at a
 * time, and forbids system calls in its sequence. A helper that freezes the
 * guest for each punch costs it more than the memory is worth.
 *
 * Where the few instructions are not written for a machine
 * (EBB_LAPSE_IS_EXACT is 0) a look at the flag comes before the call.
 */
#ifndef EBB_HOST_LAPSE_H
#define EBB_HOST_LAPSE_H

#include <signal.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#if defined(__x86_64__) && !defined(__ILP32__)
#define EBB_LAPSE_IS_EXACT 1
#else
#define EBB_LAPSE_IS_EXACT 0
#endif

/**
 * struct ebb_lapse - a deadline of one thread
 * @timer: signals that thread
 * @lapsed: written by the signal's handler; read by the last check
 */
struct ebb_lapse {
	timer_t timer;
	volatile sig_atomic_t lapsed;
};

/**
 * ebb_lapse_init - a deadline of the calling thread, which alone may use it
 * @lapse: stays where it is until ebb_lapse_release()
 *
 * SIGRTMIN becomes its signal, and the calling thread no longer blocks it: a
 * timer whose signal is blocked ends nothing. Returns 0 or -errno of
 * timer_create(2).
 */
int ebb_lapse_init(struct ebb_lapse *lapse);
void ebb_lapse_release(struct ebb_lapse *lapse);

/* From now until ebb_lapse_end(). @deadline_ns: CLOCK_MONOTONIC. 0 or -errno. */
int ebb_lapse_begin(struct ebb_lapse *lapse, uint64_t deadline_ns);
void ebb_lapse_end(struct ebb_lapse *lapse);

/**
 * ebb_lapse_punch - fallocate(PUNCH_HOLE), begun before the deadline
 * @fd: of a file on tmpfs or hugetlbfs, open for writing
 * @offset, @bytes: whole pages of it
 *
 * Returns 0, -ETIME without any effect after the deadline, or -errno of
 * fallocate(2).
 */
int ebb_lapse_punch(struct ebb_lapse *lapse, int fd, off_t offset, off_t bytes);

#endif /* EBB_HOST_LAPSE_H */
