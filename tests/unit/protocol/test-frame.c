/* SPDX-License-Identifier: GPL-2.0-only */
/* Streams cut into lines, in one piece and byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "protocol/frame.h"

enum {
	LINE_MAX_BYTES = 8
};

/* The lines of a stream, as "<line>" each, with '!' before one after 0xFF. */
static char cut[4096];
static uint64_t dropped;

static void take_lines(struct ebb_frame *frame)
{
	const char *line;
	size_t bytes;

	while (ebb_frame_next(frame, &line, &bytes)) {
		assert_true(bytes >= 1 && bytes <= LINE_MAX_BYTES);
		snprintf(cut + strlen(cut), sizeof(cut) - strlen(cut),
			 "%s<%.*s>", ebb_frame_was_delimited(frame) ? "!" : "",
			 (int)bytes, line);
	}
	/* What is kept is less than a line, whatever came. */
	assert_true(frame->used <= LINE_MAX_BYTES + 1);
	assert_false(ebb_frame_was_delimited(frame));
}

static void cut_in_pieces(const char *stream, size_t bytes, size_t piece)
{
	struct ebb_frame frame;

	ebb_frame_init(&frame, LINE_MAX_BYTES);
	cut[0] = '\0';
	for (size_t at = 0; at < bytes; at += piece) {
		size_t part = bytes - at < piece ? bytes - at : piece;

		assert_int_equal(ebb_frame_push(&frame, stream + at, part), 0);
		take_lines(&frame);
	}
	dropped = ebb_frame_take_dropped(&frame);
	assert_int_equal(ebb_frame_take_dropped(&frame), 0);
	ebb_frame_clear(&frame);
}

static const struct {
	const char *stream;
	const char *lines;
	uint64_t dropped;
} streams[] = {
	{ "", "", 0 },
	{ "abc", "", 0 },
	{ "abc\n", "<abc>", 0 },
	{ "abc\ndef\n", "<abc><def>", 0 },
	{ "abc\r\ndef\r\n", "<abc><def>", 0 },
	{ "a\rb\n", "<a\rb>", 0 },
	{ "\n\n\r\n\na\n\n", "<a>", 0 },
	{ "12345678\n", "<12345678>", 0 },
	{ "123456789\n", "", 1 },
	{ "123456789\nabc\n", "<abc>", 1 },
	{ "1234567890123456789012345\nabc\n", "<abc>", 1 },
	{ "123456789\n123456789\nabc\n", "<abc>", 2 },
	{ "junk\xff"
	  "abc\n",
	  "!<abc>", 0 },
	{ "\xff\xff\xff"
	  "abc\ndef\n",
	  "!<abc><def>", 0 },
	{ "\xff\nabc\n", "!<abc>", 0 },
	{ "abc\n\xff", "<abc>", 0 },
	{ "abc\n\xff"
	  "def\n",
	  "<abc>!<def>", 0 },
	/* A sentinel ends what is dropped for its length. */
	{ "12345678901234567890\xff"
	  "abc\ndef\n",
	  "!<abc><def>", 1 },
	{ "\xff"
	  "123456789\nabc\n",
	  "<abc>", 1 },
};

static void test_streams(void **state)
{
	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(streams); i++)
		for (size_t piece = 1; piece < 40; piece++) {
			cut_in_pieces(streams[i].stream,
				      strlen(streams[i].stream), piece);
			if (strcmp(cut, streams[i].lines) != 0)
				fail_msg("stream %zu in pieces of %zu: %s", i,
					 piece, cut);
			assert_int_equal(dropped, streams[i].dropped);
		}
}

/* Random bytes of a small alphabet: pieces make no difference. */
static void test_pieces_make_no_difference(void **state)
{
	static const char alphabet[] = "ab\n\n\r\xff"
				       "cdefgh";
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 2000; round++) {
		char stream[64], whole[sizeof(cut)];
		uint64_t whole_dropped;

		for (size_t i = 0; i < sizeof(stream); i++) {
			seed = seed * 1664525 + 1013904223;
			stream[i] =
				alphabet[(seed >> 16) % (sizeof(alphabet) - 1)];
		}
		cut_in_pieces(stream, sizeof(stream), sizeof(stream));
		strcpy(whole, cut);
		whole_dropped = dropped;
		for (size_t piece = 1; piece < sizeof(stream); piece += 6) {
			cut_in_pieces(stream, sizeof(stream), piece);
			assert_string_equal(cut, whole);
			assert_int_equal(dropped, whole_dropped);
		}
	}
}

static void test_memory_is_bounded(void **state)
{
	struct ebb_frame frame;
	char junk[1000];
	const char *line;
	size_t bytes;

	(void)state;
	memset(junk, 'x', sizeof(junk));
	ebb_frame_init(&frame, LINE_MAX_BYTES);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(ebb_frame_push(&frame, junk, sizeof(junk)), 0);
		assert_false(ebb_frame_next(&frame, &line, &bytes));
	}
	assert_true(frame.capacity <= sizeof(junk) + LINE_MAX_BYTES + 1);
	assert_int_equal(ebb_frame_take_dropped(&frame), 1);
	assert_int_equal(ebb_frame_push(&frame, "\nab\n", 4), 0);
	assert_true(ebb_frame_next(&frame, &line, &bytes));
	assert_int_equal(bytes, 2);
	ebb_frame_clear(&frame);
}

static void test_reset_forgets(void **state)
{
	struct ebb_frame frame;
	const char *line;
	size_t bytes;

	(void)state;
	ebb_frame_init(&frame, LINE_MAX_BYTES);
	assert_int_equal(ebb_frame_push(&frame,
					"\xff"
					"123456789",
					10),
			 0);
	assert_false(ebb_frame_next(&frame, &line, &bytes));
	ebb_frame_reset(&frame);
	assert_int_equal(ebb_frame_push(&frame, "abc\n", 4), 0);
	assert_true(ebb_frame_next(&frame, &line, &bytes));
	assert_memory_equal(line, "abc", 3);
	assert_false(ebb_frame_was_delimited(&frame));
	ebb_frame_clear(&frame);
	/* A cleared one is as new. */
	assert_int_equal(ebb_frame_push(&frame, "d\n", 2), 0);
	assert_true(ebb_frame_next(&frame, &line, &bytes));
	ebb_frame_clear(&frame);
}

/* Were what is left moved for each line, this would take minutes. */
static void test_many_lines_at_once(void **state)
{
	enum {
		LINES = 2 << 20
	};
	char *lines = malloc(LINES);
	struct ebb_frame frame;
	const char *line;
	size_t bytes;

	(void)state;
	assert_non_null(lines);
	memset(lines, '\n', LINES);
	memset(lines, 0xff, LINES / 2);
	lines[LINES - 2] = 'x';
	ebb_frame_init(&frame, LINE_MAX_BYTES);
	assert_int_equal(ebb_frame_push(&frame, lines, LINES), 0);
	free(lines);
	assert_true(ebb_frame_next(&frame, &line, &bytes));
	assert_memory_equal(line, "x", 1);
	assert_false(ebb_frame_next(&frame, &line, &bytes));
	ebb_frame_clear(&frame);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_pieces_make_no_difference),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_many_lines_at_once),
		cmocka_unit_test(test_reset_forgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
