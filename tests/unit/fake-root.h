/* SPDX-License-Identifier: GPL-2.0-only */
/* A directory that is like / of a guest. Functions fail the test. */
#ifndef EBB_TESTS_UNIT_FAKE_ROOT_H
#define EBB_TESTS_UNIT_FAKE_ROOT_H

#include <stdbool.h>
#include <stdint.h>

/* Of the tree; empty before fake_root_make(). */
extern char fake_root[];

/* For the group's or each test's fixtures. */
int fake_root_make(void **state);
int fake_root_remove(void **state);

/* Writes a file and makes the directories above it; @path is absolute. */
void fake_root_write(const char *path, const char *text);

/* The number that a file holds; 0 for no number. */
uint64_t fake_root_number(const char *path);

bool fake_root_has(const char *path);
void fake_root_unlink(const char *path);

#endif /* EBB_TESTS_UNIT_FAKE_ROOT_H */
