/* SPDX-License-Identifier: GPL-2.0-only */
/* The pictures of top, in terminals of several sizes. */
#include <config.h>

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/ctl/text.h"
#include "host/ctl/top/draw.h"
#include "host/ctl/top/size.h"
#include "tests/unit/host/ctl/top/example.h"

/* A view, and the picture of it as text. */
struct drawing {
	struct top_view *view;
	struct top_cells cells;
	char *text;
	size_t text_bytes;
};

static void set_up(struct drawing *drawing,
		   const struct ebb_domain_status *domains, uint32_t count)
{
	struct json_object *list = example_list(domains, count);
	struct json_object *explain = example_explain();
	struct json_object *events = example_events(1, 3);
	struct ebb_msg_error error;

	*drawing = (struct drawing){ .view = top_view_new(2000) };
	assert_non_null(drawing->view);
	strcpy(drawing->view->host_name, "here");
	strcpy(drawing->view->clock, "12:34:56");
	assert_int_equal(top_model_take(&drawing->view->model, list, &error),
			 0);
	assert_int_equal(top_host_take(&drawing->view->host, explain, &error),
			 0);
	assert_int_equal(top_decisions_take(&drawing->view->decisions, events,
					    &error),
			 0);
	json_object_put(list);
	json_object_put(explain);
	json_object_put(events);
}

static void tear_down(struct drawing *drawing)
{
	top_view_free(drawing->view);
	top_cells_clear(&drawing->cells);
	free(drawing->text);
}

static const char *draw(struct drawing *drawing, int rows, int columns,
			bool utf8)
{
	FILE *file;

	free(drawing->text);
	drawing->cells.utf8 = utf8;
	assert_int_equal(top_cells_resize(&drawing->cells, rows, columns), 0);
	top_draw(drawing->view, &drawing->cells);
	file = open_memstream(&drawing->text, &drawing->text_bytes);
	top_cells_print(&drawing->cells, file);
	fclose(file);
	return drawing->text;
}

/* No line is wider than the terminal, and there are no more than it has. */
static void assert_fits(const char *text, int rows, int columns)
{
	ebb_auto_free char *copy = strdup(text);
	char *rest = copy, *line;
	int count = 0;

	while ((line = strsep(&rest, "\n")) && rest) {
		assert_true(ctl_text_width(line) <= columns);
		count++;
	}
	assert_true(count <= rows);
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static void assert_has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in:\n%s", part, text);
}

static void test_sizes_in_four_columns(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 999, "999B" },
		{ 1000, "1.0K" },
		{ 10 * EBB_KIB, "10K" },
		{ 1023 * EBB_MIB, "1.0G" },
		{ 1536 * EBB_MIB, "1.5G" },
		{ 9999 * EBB_MIB, "9.8G" },
		{ UINT64_MAX - 1, "16E" },
		{ TOP_UNKNOWN, "-" },
	};
	char text[TOP_SIZE_BYTES];

	(void)state;
	for (size_t i = 0; i < EBB_ARRAY_SIZE(cases); i++)
		assert_string_equal(top_size_format(cases[i].bytes, false,
						    text),
				    cases[i].text);
	assert_string_equal(top_size_format(EBB_GIB, true, text), "~1.0G");
	assert_string_equal(top_size_format(TOP_UNKNOWN, true, text), "-");
}

static void test_80x24(void **state)
{
	struct ebb_domain_status domains[] = { example_domain(1),
					       example_domain(2) };
	struct drawing drawing;
	const char *text;

	(void)state;
	domains[1].facts_age_ms = UINT32_MAX;
	domains[1].reason_count = 1;
	strcpy(domains[1].reasons[0].name, "private-memory");
	set_up(&drawing, domains, 2);
	text = draw(&drawing, 24, 80, true);
	assert_fits(text, 24, 80);
	assert_has(text, "ebbctl top  here  2 domains  every 2 s");
	assert_has(text, "12:34:56");
	assert_has(text, "5.0 GiB of 16.0 GiB, no need");
	assert_has(text, "lent          2.0 GiB; cover 4.0 GiB for the largest "
			 "debt, 2.0 GiB; pressure -");
	/* Resident, used, free, lent, swapped. */
	assert_has(text, " lease     1.0G  512M  1.5G  1.0G     0 ");
	assert_has(text, " lease     1.0G     -     -  1.0G     0 ");
	assert_has(text, "vm-0001: asked for it");
	assert_has(text, "q quit  ? help");
	tear_down(&drawing);
}

static void test_wide(void **state)
{
	struct ebb_domain_status domain = example_domain(1);
	struct drawing drawing;
	const char *text;

	(void)state;
	domain.reason_count = 1;
	strcpy(domain.reasons[0].name, "a-reason-that-is-rather-long");
	set_up(&drawing, &domain, 1);
	text = draw(&drawing, 60, 200, true);
	assert_fits(text, 60, 200);
	assert_has(text, "a-reason-that-is-rather-long");
	assert_null(strstr(text, "Balloon"));
	assert_has(text,
		   "no need, cover 4.0 GiB for the largest debt, 2.0 GiB");
	assert_has(text, "lent          1.0 GiB; pressure -");
	tear_down(&drawing);
}

static void test_balloon_that_holds(void **state)
{
	struct ebb_domain_status domain = example_domain(1);
	struct drawing drawing;
	const char *text;

	(void)state;
	domain.balloon_known = true;
	domain.balloon_bytes = 300 * EBB_MIB;
	strcpy(domain.phase, "telling");
	set_up(&drawing, &domain, 1);
	text = draw(&drawing, 60, 200, true);
	assert_has(text, "Balloon");
	assert_has(text, " 300M ");
	assert_has(text, "running");
	tear_down(&drawing);
}

static void test_small(void **state)
{
	struct ebb_domain_status domain = example_domain(1);
	struct drawing drawing;
	const char *text;

	(void)state;
	set_up(&drawing, &domain, 1);
	text = draw(&drawing, 10, 40, true);
	assert_fits(text, 10, 40);
	assert_has(text, "vm-0001");
	assert_has(text, "1.5G");
	/* Smaller than that, it says so, and draws nothing outside. */
	for (int rows = 1; rows < 12; rows++)
		for (int columns = 1; columns < 45; columns++)
			assert_fits(draw(&drawing, rows, columns, true), rows,
				    columns);
	assert_has(draw(&drawing, 4, 40, true), "at least 36x8");
	tear_down(&drawing);
}

static void test_ascii(void **state)
{
	struct ebb_domain_status domain = example_domain(1);
	struct drawing drawing;
	const char *text;

	(void)state;
	domain.swapped_bytes = 100 * EBB_MIB;
	domain.lent_bytes -= 100 * EBB_MIB;
	set_up(&drawing, &domain, 1);
	text = draw(&drawing, 24, 200, false);
	for (const char *c = text; *c; c++)
		assert_true((unsigned char)*c < 0x80);
	/* Used, free, swapped and lent. */
	assert_has(text, "##");
	assert_has(text, "==");
	assert_has(text, "s-");
	tear_down(&drawing);
}

static void test_nodes(void **state)
{
	struct ebb_domain_status domains[] = { example_domain(1),
					       example_domain(2) };
	struct drawing drawing;
	const char *text;

	(void)state;
	domains[0].node_count = 2;
	domains[0].nodes[1] = domains[0].nodes[0];
	domains[0].nodes[1].node = 7;
	set_up(&drawing, domains, 2);
	text = draw(&drawing, 24, 80, true);
	assert_has(text, "  node 0");
	assert_has(text, "  node 7");
	drawing.view->nodes = false;
	assert_has_not(draw(&drawing, 24, 80, true), "node 7");
	tear_down(&drawing);
}

static void test_scrolls_to_the_selected(void **state)
{
	struct ebb_domain_status *domains = calloc(1000, sizeof(*domains));
	struct drawing drawing;
	const char *text;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		domains[i] = example_domain(i);
		domains[i].node_count = 1 + i % 3;
	}
	set_up(&drawing, domains, 1000);
	for (int64_t by = -3; by <= 3; by += 2) {
		top_model_move(&drawing.view->model, by * 111);
		text = draw(&drawing, 24, 80, true);
		assert_fits(text, 24, 80);
		assert_has(text,
			   top_model_selected(&drawing.view->model)->name);
	}
	top_model_move(&drawing.view->model, 2000);
	assert_has(draw(&drawing, 24, 80, true), "vm-0999");
	top_model_move(&drawing.view->model, -2000);
	assert_has(draw(&drawing, 24, 80, true), "vm-0000");
	tear_down(&drawing);
	free(domains);
}

static void test_details(void **state)
{
	struct ebb_domain_status domain = example_domain(1);
	struct drawing drawing;
	const char *text;

	(void)state;
	set_up(&drawing, &domain, 1);
	drawing.view->page = TOP_PAGE_DETAILS;
	text = draw(&drawing, 30, 80, true);
	assert_has(text, "nothing: it keeps its cushion");
	assert_has(text, "ebbd is asked");
	domain.reason_count = 1;
	domain.swapped_known = false;
	strcpy(domain.reasons[0].name, "no-channel");
	memset(domain.reasons[0].text, 'x', sizeof(domain.reasons[0].text) - 1);
	drawing.view->details = domain;
	drawing.view->details_known = true;
	text = draw(&drawing, 30, 80, true);
	assert_fits(text, 30, 80);
	assert_has(text, "swapped not known");
	assert_has(text, "no-channel:");
	/* It ends where the text does. */
	drawing.view->scroll = UINT32_MAX;
	text = draw(&drawing, 12, 60, true);
	assert_has(text, "xxx");
	assert_true(drawing.view->scroll < 100);
	/* Of another domain nothing is said. */
	drawing.view->details.uuid[0] = '9';
	assert_has(draw(&drawing, 30, 80, true), "ebbd is asked");
	tear_down(&drawing);
}

static void test_help(void **state)
{
	struct ebb_domain_status domain = example_domain(1);
	struct drawing drawing;
	const char *text;

	(void)state;
	set_up(&drawing, &domain, 1);
	drawing.view->page = TOP_PAGE_HELP;
	text = draw(&drawing, 40, 80, true);
	assert_fits(text, 40, 80);
	assert_has(text, "lent: the guest may take it back at any time");
	assert_has(text, "See ebbctl(1).");
	tear_down(&drawing);
}

static void test_what_goes_wrong_is_shown(void **state)
{
	struct ebb_domain_status domain = example_domain(1);
	struct drawing drawing;
	const char *text;

	(void)state;
	set_up(&drawing, &domain, 1);
	strcpy(drawing.view->trouble, "ebbd does not answer");
	drawing.view->trouble_s = 7;
	drawing.view->host.explain.paused = true;
	drawing.view->host.explain.budgets[0].covered = false;
	drawing.view->host.explain.budgets[0].in_need = true;
	drawing.view->host.explain.budgets[0].need_bytes = EBB_GIB;
	text = draw(&drawing, 24, 80, true);
	assert_has(text, "ebbd does not answer");
	assert_has(text, "for 7 s");
	assert_has(text, "in need, needs 1.0 GiB");
	assert_has(text, "the largest debt, 2.0 GiB: too little");
	assert_has(text, "The policy is paused");
	assert_has(text, "vm-0001");
	tear_down(&drawing);
}

static void test_nothing_is_known_yet(void **state)
{
	struct drawing drawing = { .view = top_view_new(2000) };

	(void)state;
	assert_has(draw(&drawing, 24, 80, true), "is not known yet");
	tear_down(&drawing);
}

static void test_text_is_cut_with_a_mark(void **state)
{
	struct top_cells cells = { .utf8 = true };
	char *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	(void)state;
	assert_int_equal(top_cells_resize(&cells, 4, 6), 0);
	assert_int_equal(top_cells_text(&cells, 0, 0, 6, TOP_PLAIN, "123456"),
			 6);
	assert_int_equal(top_cells_text(&cells, 1, 0, 6, TOP_PLAIN, "1234567"),
			 6);
	/* A character of two columns does not fit, and a half of one does not stay. */
	top_cells_text(&cells, 2, 0, 6, TOP_PLAIN, "\u65e5\u672c\u8a9e\u65e5");
	top_cells_text(&cells, 3, 0, 3, TOP_PLAIN, "a\033\u0301b");
	top_cells_print(&cells, file);
	fclose(file);
	assert_string_equal(text, "123456\n"
				  "12345\u2026\n"
				  "\u65e5\u672c \u2026\n"
				  "a?b\n");
	free(text);
	top_cells_clear(&cells);
}

static void test_curve_has_the_newest_at_the_right(void **state)
{
	struct top_curve curve = { 0 };
	struct top_cells cells = { 0 };

	(void)state;
	for (uint64_t i = 0; i < TOP_SAMPLES + 5; i++)
		top_curve_add(&curve, 0);
	top_curve_add(&curve, 50);
	top_curve_add(&curve, TOP_UNKNOWN);
	top_curve_add(&curve, 100);
	assert_int_equal(top_cells_resize(&cells, 1, 4), 0);
	top_curve_draw(&cells, 0, 0, 4, &curve, 100);
	assert_int_equal(cells.cells[0].c, '_');
	assert_int_equal(cells.cells[1].c, '=');
	assert_int_equal(cells.cells[2].c, ' ');
	assert_int_equal(cells.cells[3].c, '#');
	top_cells_clear(&cells);
}

static int set_locale(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_in_four_columns),
		cmocka_unit_test(test_80x24),
		cmocka_unit_test(test_wide),
		cmocka_unit_test(test_balloon_that_holds),
		cmocka_unit_test(test_small),
		cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_nodes),
		cmocka_unit_test(test_scrolls_to_the_selected),
		cmocka_unit_test(test_details),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_what_goes_wrong_is_shown),
		cmocka_unit_test(test_nothing_is_known_yet),
		cmocka_unit_test(test_text_is_cut_with_a_mark),
		cmocka_unit_test(test_curve_has_the_newest_at_the_right),
	};

	return cmocka_run_group_tests(tests, set_locale, NULL);
}
