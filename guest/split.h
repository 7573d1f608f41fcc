/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A stream of JSON to its objects, as qemu-ga's own parser cuts it: by brackets,
 * not by lines. Several may stand in one line, one may have many lines.
 *
 * All bytes come out again, in order: a whole object by itself, what is between
 * objects and what is too long for one of ours as it comes. 0xFF, which no UTF-8
 * text contains, ends whatever came before it, as it does in qemu-ga.
 *
 * Pure: the caller reads the file descriptor.
 */
#ifndef EBB_GUEST_SPLIT_H
#define EBB_GUEST_SPLIT_H

#include <stdbool.h>
#include <stddef.h>

#include "protocol/limits.h"

/* @whole: one object or array; else some bytes. */
typedef void (*ebb_split_fn)(const char *data, size_t data_bytes, bool whole,
			     void *opaque);

/* Zeroed: a stream begins. */
struct ebb_split {
	char bytes[EBB_MESSAGE_BYTES_MAX];
	size_t used;
	unsigned int depth; /* of open brackets */
	char quote; /* of the string that we are in, or 0 */
	bool escaped; /* the last byte was a backslash in it */
	bool passing; /* too long: the rest of it comes in pieces */
};

/* Calls @fn for what is complete with @data. */
void ebb_split_push(struct ebb_split *split, const char *data,
		    size_t data_bytes, ebb_split_fn fn, void *opaque);

#endif /* EBB_GUEST_SPLIT_H */
