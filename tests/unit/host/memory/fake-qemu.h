/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A process that looks like QEMU's: this program runs itself with "-uuid UUID" on
 * its command line, and the child maps what its role says.
 */
#ifndef EBB_TESTS_UNIT_FAKE_QEMU_H
#define EBB_TESTS_UNIT_FAKE_QEMU_H

#include <sys/types.h>

#include "common/size.h"

#define FAKE_QEMU_UUID "6695eb01-f6a4-8304-79aa-97f2502e193f"

/* Of its files. */
#define FAKE_QEMU_LARGE (64 * EBB_MIB)
#define FAKE_QEMU_SMALL (32 * EBB_MIB)

/* Where its pid file is, "a.pid", and where it has "disk-file". */
extern char fake_qemu_dir[];
extern pid_t fake_qemu_pid;

/*
 * The test's main(): plays QEMU in the child, and calls @run else. Returns its
 * result, or 77 where there is no pidfd.
 */
int fake_qemu_main(int argc, char **argv, int (*run)(void));

/* Returns 's' if the child says that it could not play its role. */
char fake_qemu_start(const char *role);

/* Says go on, and waits until it did. */
void fake_qemu_tell(void);

/* Ends it in order, if it runs. */
void fake_qemu_stop(void);

/* A pid file of that name. */
void fake_qemu_write_pid(const char *name, const char *text);

#endif /* EBB_TESTS_UNIT_FAKE_QEMU_H */
