/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Any stream, in any pieces: the lines are those of the stream in one piece,
 * and memory stays bounded.
 *
 * Input: a byte for the longest line, a byte for the size of the pieces, then
 * the stream.
 */
#include <string.h>

#include "protocol/frame.h"
#include "tests/fuzz/fuzz.h"

struct lines {
	uint8_t *bytes;
	size_t used;
	uint64_t dropped;
};

/* A line as it was handed out, with its mark before and a newline after it. */
static void keep_line(struct lines *lines, const char *line, size_t bytes,
		      bool delimited)
{
	lines->bytes[lines->used++] = delimited ? '!' : '.';
	memcpy(lines->bytes + lines->used, line, bytes);
	lines->used += bytes;
	lines->bytes[lines->used++] = '\n';
}

static struct lines cut(const uint8_t *data, size_t bytes, size_t line_max,
			size_t piece)
{
	/* "a\n" becomes ".a\n"; nothing grows more. */
	struct lines lines = { .bytes = malloc(2 * bytes + 2) };
	struct ebb_frame frame;
	const char *line;
	size_t line_bytes;

	FUZZ_ASSERT(lines.bytes);
	ebb_frame_init(&frame, line_max);
	for (size_t at = 0; at < bytes; at += piece) {
		size_t part = bytes - at < piece ? bytes - at : piece;

		FUZZ_ASSERT(ebb_frame_push(&frame, data + at, part) == 0);
		while (ebb_frame_next(&frame, &line, &line_bytes)) {
			FUZZ_ASSERT(line_bytes >= 1 && line_bytes <= line_max);
			FUZZ_ASSERT(!memchr(line, '\n', line_bytes));
			FUZZ_ASSERT(!memchr(line, 0xff, line_bytes));
			keep_line(&lines, line, line_bytes,
				  ebb_frame_was_delimited(&frame));
		}
		FUZZ_ASSERT(frame.used <= line_max + 1);
	}
	lines.dropped = ebb_frame_take_dropped(&frame);
	ebb_frame_clear(&frame);
	return lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct lines whole, pieces;
	size_t line_max, piece;

	if (bytes < 3)
		return 0;
	line_max = 1 + data[0];
	piece = 1 + data[1];
	data += 2;
	bytes -= 2;
	whole = cut(data, bytes, line_max, bytes);
	pieces = cut(data, bytes, line_max, piece);
	FUZZ_ASSERT(whole.used == pieces.used);
	FUZZ_ASSERT(memcmp(whole.bytes, pieces.bytes, whole.used) == 0);
	FUZZ_ASSERT(whole.dropped == pieces.dropped);
	free(whole.bytes);
	free(pieces.bytes);
	return 0;
}
