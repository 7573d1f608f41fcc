/* SPDX-License-Identifier: GPL-2.0-only */
/* What a hostile guest may not do to a terminal; and tables. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "host/ctl/text.h"
#include "host/interface/status.h"

static void test_clean(void **state)
{
	static const struct {
		const char *text;
		const char *clean;
		const char *clean_lines;
	} cases[] = {
		{ "vm1", "vm1", "vm1" },
		{ "", "", "" },
		{ "\033[2Jx\a", "?[2Jx?", "?[2Jx?" },
		{ "a\nb\tc\rd", "a?b?c?d", "a\nb\tc?d" },
		{ "\x7f", "?", "?" },
		/* C1 controls, as bytes and as UTF-8: CSI. */
		{ "\x9b"
		  "31m",
		  "?31m", "?31m" },
		{ "\xc2\x9b"
		  "31m",
		  "?31m", "?31m" },
		/* Cut short, overlong, surrogate. */
		{ "\xc3", "?", "?" },
		{ "\xc0\x9b", "??", "??" },
		{ "\xed\xa0\x80", "???", "???" },
		/* Right-to-left override and isolate. */
		{ "a\xe2\x80\xae"
		  "b",
		  "a?b", "a?b" },
		{ "\xe2\x81\xa6x", "?x", "?x" },
		/* Letters of other scripts stay. */
		{ "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5",
		  "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5",
		  "gr\xc3\xbc\xc3\x9f \xe6\x97\xa5" },
	};

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++) {
		char text[64];

		strcpy(text, cases[i].text);
		assert_string_equal(ctl_clean(text, false), cases[i].clean);
		strcpy(text, cases[i].text);
		assert_string_equal(ctl_clean(text, true),
				    cases[i].clean_lines);
	}
}

static void test_clean_reaches_each_string(void **state)
{
	struct ebb_domain_status domain = {
		.name = "a\033",
		.kernel = "6.1\a",
		.reason_count = 2,
		.backing_count = 1,
	};

	(void)state;
	strcpy(domain.reasons[1].text, "x\ny");
	strcpy(domain.reasons[1].xml, "<a>\n\033</a>");
	strcpy(domain.reasons[2].text, "\033");
	strcpy(domain.backings[0].kind, "m\033");
	ctl_clean_message(ebb_domain_status_fields, &domain);
	assert_string_equal(domain.name, "a?");
	assert_string_equal(domain.kernel, "6.1?");
	assert_string_equal(domain.reasons[1].text, "x?y");
	assert_string_equal(domain.reasons[1].xml, "<a>\n?</a>");
	assert_string_equal(domain.backings[0].kind, "m?");
	/* Beyond the count is nobody's. */
	assert_string_equal(domain.reasons[2].text, "\033");
}

static void test_table(void **state)
{
	static const struct ctl_column columns[] = {
		{ "Name", false },
		{ "Size", true },
		{ "Reason", false },
	};
	/* A word of five columns in seven bytes; a sign of two columns. */
	static const char street[] = "gr\xc3\xbc\xc3\x9f"
				     "1";
	const char *const cells[] = {
		"a", "1.5 GiB",	     "no-agent", street, "2 B",
		"-", "\xe6\x97\xa5", "3 B",	 "",
	};
	ebb_auto_free char *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	(void)state;
	ctl_table_print(file, columns, 3, cells, 3);
	fclose(file);
	assert_string_equal(text, "Name      Size  Reason\n"
				  "a      1.5 GiB  no-agent\n"
				  "gr\xc3\xbc\xc3\x9f"
				  "1      2 B  -\n"
				  "\xe6\x97\xa5         3 B\n");
}

static void test_empty_table_is_its_heading(void **state)
{
	static const struct ctl_column columns[] = { { "A", false },
						     { "B", true } };
	ebb_auto_free char *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	(void)state;
	ctl_table_print(file, columns, 2, NULL, 0);
	fclose(file);
	assert_string_equal(text, "A  B\n");
}

static void test_indent(void **state)
{
	ebb_auto_free char *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	(void)state;
	ctl_indent_print(file, 2, "<a>\n\n  <b/>\n</a>");
	ctl_indent_print(file, 2, "");
	fclose(file);
	assert_string_equal(text, "  <a>\n\n    <b/>\n  </a>\n");
}

/* On a terminal JSON means the same, and steers nothing. */
static void test_json_on_a_terminal(void **state)
{
	struct json_object *value = json_object_new_object();
	struct json_object *again, *name;
	char text[512] = "";
	char *from;
	int fd = posix_openpt(O_RDWR | O_NOCTTY);
	FILE *file;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(grantpt(fd), 0);
	assert_int_equal(unlockpt(fd), 0);
	file = fopen(ptsname(fd), "w");
	assert_non_null(file);
	json_object_object_add(value, "name",
			       json_object_new_string(
				       "\033\x7f\xc2\x9b\xe2\x80\xae"
				       "\xf3\xa0\x80\x81\xc3\xbc"));
	ctl_json_print(file, value);
	fflush(file);
	/* A terminal gives what was written in pieces. */
	while (!strchr(text, '}'))
		assert_true(read(fd, text + strlen(text),
				 sizeof(text) - 1 - strlen(text)) > 0);
	for (from = text; *from; from++) {
		if (*from != '\n' && *from != '\r')
			assert_true((unsigned char)*from >= ' ' &&
				    *from != '\x7f');
	}
	assert_non_null(strstr(text, "\\u001b\\u007f\\u009b\\u202e"));
	assert_non_null(strstr(text, "\xc3\xbc"));
	again = json_tokener_parse(text);
	assert_true(json_object_object_get_ex(again, "name", &name));
	assert_true(json_object_equal(again, value));
	json_object_put(again);
	json_object_put(value);
	fclose(file);
	close(fd);
}

static int use_utf8(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_clean_reaches_each_string),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_empty_table_is_its_heading),
		cmocka_unit_test(test_indent),
		cmocka_unit_test(test_json_on_a_terminal),
	};

	return cmocka_run_group_tests(tests, use_utf8, NULL);
}
