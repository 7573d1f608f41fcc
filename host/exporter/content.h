/* SPDX-License-Identifier: GPL-2.0-only */
/* The files of the live page, host/exporter/page/, which the program holds. */
#ifndef EBB_HOST_EXPORTER_CONTENT_H
#define EBB_HOST_EXPORTER_CONTENT_H

#include <stddef.h>

/* One of them: the path that it is served at, its type and its bytes. */
struct exp_content {
	const char *path;
	const char *type;
	const unsigned char *bytes;
	size_t count;
};

/* Ended by a NULL path. */
extern const struct exp_content exp_contents[];

#endif /* EBB_HOST_EXPORTER_CONTENT_H */
