/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A file system that is dead: it served until a file was open, and answers
 * nothing from then on, as a file server does whose network is gone. Whoever
 * asks it for anything waits until it is unmounted.
 */
#ifndef EBB_TESTS_DEAD_FS_H
#define EBB_TESTS_DEAD_FS_H

#include <stdbool.h>

/**
 * dead_fs_mount - mount it
 * @dir: where; it has one file, "disk"
 *
 * Returns false where this may not or cannot be done.
 */
bool dead_fs_mount(const char *dir);

/* Answers nothing any more, but counts. */
void dead_fs_die(void);

/* What was asked since it died. */
unsigned int dead_fs_asked(void);

/* Who waits for it is let go. */
void dead_fs_unmount(void);

#endif /* EBB_TESTS_DEAD_FS_H */
