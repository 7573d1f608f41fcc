/* SPDX-License-Identifier: GPL-2.0-only */
/* A stream is cut as qemu-ga cuts it, and no byte is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "guest/split.h"

static struct ebb_split split;
static char got[512]; /* whole objects as <...>, other bytes as they are */
static char all[4 * EBB_MESSAGE_BYTES_MAX];
static size_t all_bytes;
static int wholes;

static void on_part(const char *data, size_t data_bytes, bool whole,
		    void *opaque)
{
	(void)opaque;
	assert_true(all_bytes + data_bytes <= sizeof(all));
	memcpy(all + all_bytes, data, data_bytes);
	all_bytes += data_bytes;
	wholes += whole;
	if (data_bytes > 64)
		return;
	if (whole)
		strcat(got, "<");
	strncat(got, data, data_bytes);
	if (whole)
		strcat(got, ">");
}

static void push(const char *text)
{
	ebb_split_push(&split, text, strlen(text), on_part, NULL);
}

static int begin(void **state)
{
	(void)state;
	memset(&split, 0, sizeof(split));
	memset(got, 0, sizeof(got));
	all_bytes = 0;
	wholes = 0;
	return 0;
}

static void objects_are_cut_by_brackets(void **state)
{
	(void)state;
	push("{\"a\":1}{\"b\":[2,{}]}\n");
	assert_string_equal(got, "<{\"a\":1}><{\"b\":[2,{}]}>\n");
	begin(NULL);
	push("{\"a\":\n");
	assert_string_equal(got, "");
	push(" 1\n}");
	assert_string_equal(got, "<{\"a\":\n 1\n}>");
}

static void brackets_in_strings_are_none(void **state)
{
	(void)state;
	push("{\"a\":\"}\\\"}\",'b':'}\\'\"'} x");
	assert_string_equal(got, "<{\"a\":\"}\\\"}\",'b':'}\\'\"'}> x");
}

/* A client that gave up flushes what it left half. */
static void ff_ends_what_came_before(void **state)
{
	(void)state;
	push("{\"half\":\"");
	push("\xff{\"a\":1}");
	assert_string_equal(got, "{\"half\":\"\xff<{\"a\":1}>");
}

static void what_is_too_long_comes_in_pieces(void **state)
{
	size_t bytes = EBB_MESSAGE_BYTES_MAX * 2 + 100;
	char *text = malloc(bytes);

	(void)state;
	memset(text, 'x', bytes);
	memcpy(text, "{\"a\":\"", 6);
	memcpy(text + bytes - 2, "\"}", 2);
	for (size_t i = 0; i < bytes; i += 1000)
		ebb_split_push(&split, text + i,
			       bytes - i < 1000 ? bytes - i : 1000, on_part,
			       NULL);
	assert_int_equal(wholes, 0);
	assert_int_equal(all_bytes, bytes);
	assert_memory_equal(all, text, bytes);
	push("{\"b\":2}");
	assert_int_equal(wholes, 1);
	free(text);
}

static void no_byte_is_lost(void **state)
{
	static const char bytes[] = "{}[]\"'\\\xff\n x:,1";
	unsigned int random = 7;
	char sent[20000];

	(void)state;
	for (size_t i = 0; i < sizeof(sent); i++) {
		random = random * 1103515245 + 12345;
		sent[i] = bytes[(random >> 16) % (sizeof(bytes) - 1)];
	}
	for (size_t i = 0, step = 1; i < sizeof(sent); i += step) {
		step = 1 + i % 7;
		if (step > sizeof(sent) - i)
			step = sizeof(sent) - i;
		ebb_split_push(&split, sent + i, step, on_part, NULL);
		got[0] = '\0';
	}
	push("\xff");
	assert_int_equal(all_bytes, sizeof(sent) + 1);
	assert_memory_equal(all, sent, sizeof(sent));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(objects_are_cut_by_brackets, begin),
		cmocka_unit_test_setup(brackets_in_strings_are_none, begin),
		cmocka_unit_test_setup(ff_ends_what_came_before, begin),
		cmocka_unit_test_setup(what_is_too_long_comes_in_pieces, begin),
		cmocka_unit_test_setup(no_byte_is_lost, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
