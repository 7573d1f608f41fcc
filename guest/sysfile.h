/* SPDX-License-Identifier: GPL-2.0-only */
/* The small files of /proc and /sys, below a root that tests can choose. */
#ifndef EBB_GUEST_SYSFILE_H
#define EBB_GUEST_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	EBB_SYSFILE_PATH_BYTES = 512,
	EBB_SYSFILE_NAME_BYTES = 64,
};

/**
 * ebb_sysfile_read - what a file holds, without its newline
 * @root: "" or the directory of a tree that is like /
 * @path: absolute
 * @ret_text: at least @text_bytes; what does not fit is cut
 *
 * Returns 0 or -errno; -ENAMETOOLONG.
 */
int ebb_sysfile_read(const char *root, const char *path, char *ret_text,
		     size_t text_bytes);

/* As above, of a decimal number; -EINVAL if it is none. */
int ebb_sysfile_read_number(const char *root, const char *path,
			    uint64_t *ret_number);

/* Writes @text by one write(2), to a file that is there. 0 or -errno. */
int ebb_sysfile_write(const char *root, const char *path, const char *text);
int ebb_sysfile_write_number(const char *root, const char *path,
			     uint64_t number);

/**
 * ebb_sysfile_next - the next line "NAME NUMBER" of a table of counters
 * @ret_name: EBB_SYSFILE_NAME_BYTES, NUL-terminated; a longer name is cut
 *
 * Passes over other lines; what follows the number on one is not looked at.
 * Returns false at the end of @file.
 */
bool ebb_sysfile_next(FILE *file, char *ret_name, uint64_t *ret_number);

#endif /* EBB_GUEST_SYSFILE_H */
