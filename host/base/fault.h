/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Points at which a test may stop or kill ebbd. Compiled in only by
 * --enable-fault-points; else nothing is left of them.
 *
 * $EBB_FAULT is POINT:ACTION[:COUNT], as "granted:kill" or "taken:stop:5": the
 * COUNTth time (1 if absent) that POINT is reached, the process gets SIGKILL or
 * SIGSTOP, or with "exit" leaves by _exit(). Points: "taken", "granted",
 * "punched", "resolved".
 */
#ifndef EBB_HOST_FAULT_H
#define EBB_HOST_FAULT_H

#include <config.h>

#ifdef EBB_FAULT_POINTS
void ebb_fault_point(const char *point);
#else
static inline void ebb_fault_point(const char *point)
{
	(void)point;
}
#endif

#endif /* EBB_HOST_FAULT_H */
