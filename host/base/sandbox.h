/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ebbd gives up as it starts, in stages named for what happened before.
 */
#ifndef EBB_HOST_SANDBOX_H
#define EBB_HOST_SANDBOX_H

/**
 * ebb_sandbox_state_locked - drop capabilities, before any thread is started
 *
 * Keeps those of CAP_SYS_PTRACE, CAP_DAC_OVERRIDE, CAP_SYS_NICE and CAP_CHOWN that
 * the process has, and none for a program that it would start. Without CAP_SETPCAP
 * the bounding set stays as it is, which only says what a program could have.
 *
 * Returns 0, or -EPERM with what was there before.
 */
int ebb_sandbox_state_locked(void);

/**
 * ebb_sandbox_listening - drop CAP_CHOWN, and all system calls not in use
 *
 * The capability is dropped by the calling thread and those it starts later,
 * the system calls by all threads.
 *
 * Returns 0; -EPERM if the capability could not be dropped; -EOPNOTSUPP where
 * the kernel has no filters, under valgrind, and in a build with a sanitizer,
 * whose runtime needs more calls; another error of seccomp(2); or -ENOMEM.
 * Nothing is filtered after an error.
 */
int ebb_sandbox_listening(void);

#endif /* EBB_HOST_SANDBOX_H */
