/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One INI file, read by libinih, whose errors have file and line.
 *
 * What libinih cannot tell is added around it by the reader that hands it the lines:
 * the number of the line (distributions build it without), lines and names of sections
 * that are too long for its buffers, which it would cut silently, and sections that
 * hold no key. The reader also drops leading blanks, which would make libinih take an
 * indented line as more of the value above.
 */
#ifndef EBB_HOST_CONFIG_INI_H
#define EBB_HOST_CONFIG_INI_H

#include <stdio.h>

#include "protocol/message.h"

enum {
	/* Of a section's name; no line is longer. */
	EBB_INI_SECTION_BYTES = 256
};

struct ebb_ini;

/*
 * @section: a header, before the pairs below it
 * @pair: a line; @section is empty above the first header
 */
struct ebb_ini_ops {
	void (*section)(struct ebb_ini *ini, const char *section, void *opaque);
	void (*pair)(struct ebb_ini *ini, const char *section, const char *name,
		     const char *value, void *opaque);
};

/**
 * struct ebb_ini - a file that is being read
 * @line: number of the line that is read
 * @error, @text: the first error; 0: none
 */
struct ebb_ini {
	const char *path;
	int line;
	int error;
	struct ebb_msg_error text;

	/* Of ini.c. */
	FILE *file;
	char section[EBB_INI_SECTION_BYTES];
	const struct ebb_ini_ops *ops;
	void *opaque;
};

/* Notes an error at the line that is being read, unless there is one already. */
void ebb_ini_fail(struct ebb_ini *ini, int error, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/**
 * ebb_ini_read - read a file; the first error ends it
 * @ret_error: "PATH:LINE: ..." or "PATH: ...", filled on failure
 *
 * Returns 0, -EINVAL (a line is wrong), the error of ebb_ini_fail(), -ENOENT or
 * -errno (the file cannot be read).
 */
int ebb_ini_read(const char *path, const struct ebb_ini_ops *ops, void *opaque,
		 struct ebb_msg_error *ret_error);

#endif /* EBB_HOST_CONFIG_INI_H */
