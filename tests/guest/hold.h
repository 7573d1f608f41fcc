/* SPDX-License-Identifier: GPL-2.0-only */
/* A program that is done, and leaves a process behind that keeps what it has. */
#ifndef EBB_TESTS_GUEST_HOLD_H
#define EBB_TESTS_GUEST_HOLD_H

/**
 * hold - return when all is there, and leave who has it
 * @prepare: called in a child, which then only waits: its end frees all
 * @what: for @prepare
 *
 * Prints the child's pid. Does not return if @prepare did not.
 */
void hold(void (*prepare)(const void *what), const void *what);

#endif /* EBB_TESTS_GUEST_HOLD_H */
