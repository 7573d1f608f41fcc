/* SPDX-License-Identifier: GPL-2.0-only */
#include "protocol/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SENTINEL '\xff'

void ebb_frame_init(struct ebb_frame *frame, size_t line_bytes_max)
{
	*frame = (struct ebb_frame){ .line_bytes_max = line_bytes_max };
}

void ebb_frame_clear(struct ebb_frame *frame)
{
	free(frame->bytes);
	ebb_frame_init(frame, frame->line_bytes_max);
}

void ebb_frame_reset(struct ebb_frame *frame)
{
	frame->start = 0;
	frame->used = 0;
	frame->scanned = 0;
	frame->taken = 0;
	frame->skipping = false;
	frame->delimited = false;
}

/*
 * Drops the first @count bytes. They are not moved for each line: many short
 * ones would cost the square of their number.
 */
static void drop(struct ebb_frame *frame, size_t count)
{
	frame->start += count;
	frame->used -= count;
	frame->scanned = 0;
}

int ebb_frame_push(struct ebb_frame *frame, const void *data, size_t data_bytes)
{
	size_t needed;
	char *bytes;

	if (data_bytes == 0)
		return 0;
	if (frame->taken > 0) {
		drop(frame, frame->taken);
		frame->taken = 0;
		frame->delimited = false;
	}
	if (frame->used > 0 && frame->start > 0)
		memmove(frame->bytes, frame->bytes + frame->start, frame->used);
	frame->start = 0;
	needed = frame->used + data_bytes;
	if (needed > frame->capacity) {
		bytes = realloc(frame->bytes, needed);
		if (!bytes)
			return -ENOMEM;
		frame->bytes = bytes;
		frame->capacity = needed;
	}
	memcpy(frame->bytes + frame->used, data, data_bytes);
	frame->used = needed;
	return 0;
}

/* A line that is too long is dropped as it comes, and counted once. */
static void skip_overlong(struct ebb_frame *frame, size_t line_bytes)
{
	if (line_bytes <= frame->line_bytes_max)
		return;
	if (!frame->skipping)
		frame->dropped_lines++;
	frame->skipping = true;
	drop(frame, frame->scanned);
}

bool ebb_frame_next(struct ebb_frame *frame, const char **ret_line,
		    size_t *ret_line_bytes)
{
	if (frame->taken > 0) {
		drop(frame, frame->taken);
		frame->taken = 0;
		frame->delimited = false;
	}
	while (frame->scanned < frame->used) {
		const char *line = frame->bytes + frame->start;
		char byte = line[frame->scanned++];
		size_t length = frame->scanned - 1;

		if (byte == SENTINEL) {
			skip_overlong(frame, length);
			drop(frame, frame->scanned);
			frame->skipping = false;
			frame->delimited = true;
			continue;
		}
		if (byte != '\n')
			continue;
		skip_overlong(frame, length);
		if (frame->skipping) {
			/* The newline went with what was dropped, or ends it. */
			drop(frame, frame->scanned);
			frame->skipping = false;
			frame->delimited = false;
			continue;
		}
		if (length > 0 && line[length - 1] == '\r')
			length--;
		if (length == 0) {
			drop(frame, frame->scanned);
			continue;
		}
		*ret_line = line;
		*ret_line_bytes = length;
		frame->taken = frame->scanned;
		return true;
	}
	skip_overlong(frame, frame->scanned);
	return false;
}

bool ebb_frame_was_delimited(const struct ebb_frame *frame)
{
	return frame->taken > 0 && frame->delimited;
}

uint64_t ebb_frame_take_dropped(struct ebb_frame *frame)
{
	uint64_t dropped = frame->dropped_lines;

	frame->dropped_lines = 0;
	return dropped;
}
