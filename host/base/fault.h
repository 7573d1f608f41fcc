/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Points at which a test may stop, kill or hold ebbd. They are in ebbd-faults
 * only (tests/Makefile.inc); in ebbd nothing is left of them.
 *
 * $EBB_FAULT is POINT:ACTION[:COUNT], as "granted:kill" or "taken:stop:5": the
 * COUNTth time (1 if absent) that POINT is reached, the process gets SIGKILL or
 * SIGSTOP, or with "exit" leaves by _exit().
 *
 * $EBB_FAULT_HOLD names a file. While it says "POINT COUNT", the COUNTth time
 * that POINT is reached from then on, it is made to say "held POINT", and the
 * thread, and that alone, waits until the file is removed.
 *
 * With the action "fail" of ebb_fault_fails(), from the COUNTth time on what
 * follows fails: "turn:fail:5", the event loop.
 *
 * $EBB_FAULT_SPEED is how much faster than the machine's the clock of the policy
 * runs, and how much sooner a guest counts as booted: a test of minutes need not wait
 * for them.
 *
 * $EBB_FAULT_TRACE names a file that gets a line for each point that is reached:
 * CLOCK_MONOTONIC in microseconds, and the point.
 *
 * Points, in the order from an alarm to the memory:
 *
 *	alarm		a budget may run short
 *	look		the budgets are going to be read
 *	decided		they were, and it is decided who gives
 *	ordered		a domain is to give
 *	demanded	the guest is asked for what it has free
 *	taken		slots are TAKEN, which the guest will grant
 *	granted		before the clock is looked at for the last time
 *	checked		after that, and before the punch
 *	punched		before the slots are DONE or FAILED
 *	resolved	all of a batch is
 */
#ifndef EBB_HOST_FAULT_H
#define EBB_HOST_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#ifdef EBB_FAULT_POINTS
void ebb_fault_point(const char *point);
bool ebb_fault_fails(const char *point);
uint32_t ebb_fault_speed(void);
#else
static inline void ebb_fault_point(const char *point)
{
	(void)point;
}

static inline bool ebb_fault_fails(const char *point)
{
	(void)point;
	return false;
}

static inline uint32_t ebb_fault_speed(void)
{
	return 1;
}
#endif

#endif /* EBB_HOST_FAULT_H */
