/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Small files of the kernel's, below a root. Pure but for the reading.
 *
 * A number is accepted only whole: digits, then the end of its line. One that does
 * not fit 64 bits is not a number.
 */
#ifndef EBB_HOST_BUDGET_TEXT_H
#define EBB_HOST_BUDGET_TEXT_H

#include <stddef.h>
#include <stdint.h>

enum {
	EBB_TEXT_PATH_BYTES = 1024,
	/* More than any file that is read whole: meminfo, memory.stat. */
	EBB_TEXT_BYTES = 16 * 1024,
};

/* "max" in a cgroup's file. */
#define EBB_TEXT_NO_LIMIT UINT64_MAX

/**
 * ebb_text_read - read a file whole
 * @text: ends with a zero byte
 *
 * The name is a format. Returns how many bytes, -ENAMETOOLONG, -EFBIG (it does not
 * fit, or holds a zero byte) or -errno.
 */
int ebb_text_read(char *text, size_t text_bytes, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* A line that is a number or "max". Returns 0 or -EBADMSG. */
int ebb_text_number(const char *text, uint64_t *ret_value);

/* A file that is such a line. Returns 0, -EBADMSG or as ebb_text_read(). */
int ebb_text_read_number(uint64_t *ret_value, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));

/**
 * ebb_text_field - the number after a word, as in meminfo and memory.stat
 * @key: the word, with its colon if it has one
 * @ret_value: in bytes if it is in kB; written only on success
 *
 * Returns 0, -ENOENT (no such word) or -EBADMSG (no such number).
 */
int ebb_text_field(const char *text, const char *key, uint64_t *ret_value);

/**
 * ebb_text_nodes - a list of NUMA nodes, as "0-1,4"
 * @ret_nodes: a bit for each
 *
 * Returns 0, -EBADMSG, or -ERANGE: a node is beyond EBB_BUDGET_NODES_MAX.
 */
int ebb_text_nodes(const char *text, uint64_t *ret_nodes);

#endif /* EBB_HOST_BUDGET_TEXT_H */
