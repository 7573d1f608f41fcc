/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes of a stream to lines of the guest agent protocol, and nothing else.
 *
 * Theory of operation
 * ===================
 *
 * The stream is cut at '\n'. A byte 0xFF, which no UTF-8 text contains, drops
 * what came before it on the line: a client sends it to flush what an earlier
 * one left behind, and an agent puts it before the answer to
 * guest-sync-delimited (qemu-ga-ref).
 *
 * The invariant: memory is bounded by @line_bytes_max whatever comes. A line
 * that is longer is dropped whole, up to its newline or an 0xFF, and counted
 * once; the stream goes on with the next line. '\r' before '\n' and empty
 * lines are dropped.
 *
 * Pure: the caller reads and writes the file descriptor.
 */
#ifndef EBB_PROTOCOL_FRAME_H
#define EBB_PROTOCOL_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct ebb_frame - a reader's state
 *
 * Treat as opaque. Zero-initialised is not valid: use ebb_frame_init().
 */
struct ebb_frame {
	char *bytes;
	size_t start; /* what was dropped before it is still there */
	size_t used;
	size_t capacity;
	size_t line_bytes_max;
	size_t scanned;
	size_t taken; /* bytes of the line that was last handed out */
	bool skipping;
	bool delimited; /* an 0xFF stood before the line */
	uint64_t dropped_lines;
};

/* @line_bytes_max: the longest line, without its newline. Cannot fail. */
void ebb_frame_init(struct ebb_frame *frame, size_t line_bytes_max);
void ebb_frame_clear(struct ebb_frame *frame);

/* Forgets what was read so far; a new peer begins. */
void ebb_frame_reset(struct ebb_frame *frame);

/**
 * ebb_frame_push - bytes as they came from the stream
 *
 * All lines that are complete must be taken with ebb_frame_next() before the
 * next push. Returns 0 or -ENOMEM (nothing of @data was kept).
 */
int ebb_frame_push(struct ebb_frame *frame, const void *data,
		   size_t data_bytes);

/**
 * ebb_frame_next - the next complete line
 * @ret_line: valid until the next call of any function of the frame
 * @ret_line_bytes: its length, 1 to line_bytes_max; no newline, no NUL
 *
 * Returns true if there is one.
 */
bool ebb_frame_next(struct ebb_frame *frame, const char **ret_line,
		    size_t *ret_line_bytes);

/* Whether an 0xFF stood before the line that was last handed out. */
bool ebb_frame_was_delimited(const struct ebb_frame *frame);

/* Lines that were dropped for their length since the last call. */
uint64_t ebb_frame_take_dropped(struct ebb_frame *frame);

#endif /* EBB_PROTOCOL_FRAME_H */
