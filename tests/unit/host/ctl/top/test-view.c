/* SPDX-License-Identifier: GPL-2.0-only */
/* What keys do in top, and which events it shows. */
#include <config.h>

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "host/ctl/top/view.h"
#include "tests/unit/host/ctl/top/example.h"

static struct top_view *make_view(void)
{
	struct ebb_domain_status domains[] = { example_domain(1),
					       example_domain(2),
					       example_domain(3) };
	struct json_object *list = example_list(domains, 3);
	struct top_view *view = top_view_new(2000);
	struct ebb_msg_error error;

	assert_non_null(view);
	assert_int_equal(top_model_take(&view->model, list, &error), 0);
	json_object_put(list);
	return view;
}

/* All of them ask for nothing. */
static void press(struct top_view *view, const char *keys)
{
	for (; *keys; keys++)
		assert_int_equal(top_view_key(view, (unsigned char)*keys),
				 TOP_GO_ON);
}

static void test_moves(void **state)
{
	struct top_view *view = make_view();

	(void)state;
	press(view, "j");
	assert_int_equal(top_view_key(view, TOP_KEY_DOWN), TOP_GO_ON);
	assert_int_equal(view->model.position, 2);
	press(view, "k");
	assert_int_equal(view->model.position, 1);
	top_view_key(view, TOP_KEY_END);
	assert_int_equal(view->model.position, 2);
	top_view_key(view, TOP_KEY_HOME);
	assert_int_equal(view->model.position, 0);
	view->page_lines = 2;
	top_view_key(view, TOP_KEY_PAGE_DOWN);
	assert_int_equal(view->model.position, 1);
	top_view_free(view);
}

static void test_filter_is_typed(void **state)
{
	struct top_view *view = make_view();

	(void)state;
	press(view, "/0002q");
	/* q is a letter here. */
	assert_string_equal(view->model.filter, "0002q");
	assert_int_equal(view->model.shown, 0);
	top_view_key(view, TOP_KEY_BACKSPACE);
	assert_int_equal(view->model.shown, 1);
	top_view_key(view, TOP_KEY_ENTER);
	assert_false(view->typing);
	assert_string_equal(view->model.filter, "0002");
	top_view_key(view, TOP_KEY_ESCAPE);
	assert_string_equal(view->model.filter, "");
	assert_int_equal(view->model.shown, 3);

	/* A character goes as a whole; what steers a terminal does not come in. */
	press(view, "/");
	top_view_key(view, 0x65e5);
	top_view_key(view, 0x9b);
	top_view_key(view, 0x202e);
	assert_string_equal(view->model.filter, "\u65e5??");
	for (int i = 0; i < 3; i++)
		top_view_key(view, TOP_KEY_BACKSPACE);
	assert_string_equal(view->model.filter, "");
	top_view_key(view, TOP_KEY_BACKSPACE);
	for (int i = 0; i < 1000; i++)
		top_view_key(view, 'x');
	assert_int_equal(strlen(view->model.filter),
			 sizeof(view->model.filter) - 1);
	top_view_free(view);
}

static void test_pages(void **state)
{
	struct top_view *view = make_view();

	(void)state;
	assert_int_equal(top_view_key(view, TOP_KEY_ENTER), TOP_ASK_NOW);
	assert_int_equal(view->page, TOP_PAGE_DETAILS);
	press(view, "jj");
	assert_int_equal(view->scroll, 2);
	assert_int_equal(view->model.position, 0);
	press(view, "q");
	assert_int_equal(view->page, TOP_PAGE_TABLE);
	press(view, "?");
	assert_int_equal(view->page, TOP_PAGE_HELP);
	assert_int_equal(view->scroll, 0);
	press(view, "h");
	assert_int_equal(view->page, TOP_PAGE_TABLE);
	assert_int_equal(top_view_key(view, 'q'), TOP_QUIT);
	/* Without a domain there are no details. */
	press(view, "/none");
	top_view_key(view, TOP_KEY_ENTER);
	assert_int_equal(top_view_key(view, TOP_KEY_ENTER), TOP_GO_ON);
	assert_int_equal(view->page, TOP_PAGE_TABLE);
	top_view_free(view);
}

static void test_other_keys(void **state)
{
	struct top_view *view = make_view();

	(void)state;
	press(view, "<");
	assert_int_equal(view->model.sort, TOP_SORT_COUNT - 1);
	press(view, ">>");
	assert_int_equal(view->model.sort, TOP_SORT_NAME + 1);
	press(view, "r");
	assert_true(view->model.reverse);
	press(view, "n");
	assert_false(view->nodes);
	press(view, "p");
	assert_true(view->paused);
	assert_int_equal(top_view_key(view, 'p'), TOP_ASK_NOW);
	assert_false(view->paused);
	press(view, "+");
	assert_int_equal(view->interval_ms, 4000);
	press(view, "----");
	assert_int_equal(view->interval_ms, TOP_INTERVAL_MIN_MS);
	press(view, "++++++++++");
	assert_int_equal(view->interval_ms, TOP_INTERVAL_MAX_MS);
	press(view, "\001z");
	top_view_key(view, UINT32_MAX);
	top_view_free(view);
}

static void take_events(struct top_decisions *decisions, uint64_t first,
			uint32_t count)
{
	struct json_object *value = example_events(first, count);
	struct ebb_msg_error error;

	assert_int_equal(top_decisions_take(decisions, value, &error), 0);
	json_object_put(value);
}

static void test_events_are_added(void **state)
{
	struct top_decisions decisions = { 0 };

	(void)state;
	assert_null(top_decisions_get(&decisions, 0));
	take_events(&decisions, 1, 3);
	assert_int_equal(decisions.after, 3);
	take_events(&decisions, 4, TOP_DECISIONS);
	assert_int_equal(decisions.count, TOP_DECISIONS + 3);
	assert_string_equal(top_decisions_get(&decisions, 0)->text,
			    "vm-0001: asked for it");
	assert_non_null(top_decisions_get(&decisions, TOP_DECISIONS - 1));
	assert_null(top_decisions_get(&decisions, TOP_DECISIONS));
	/* They were asked for anew: none is there twice. */
	decisions.after = 0;
	take_events(&decisions, 1, 2);
	assert_null(top_decisions_get(&decisions, 2));
}

static int set_locale(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_filter_is_typed),
		cmocka_unit_test(test_pages),
		cmocka_unit_test(test_other_keys),
		cmocka_unit_test(test_events_are_added),
	};

	return cmocka_run_group_tests(tests, set_locale, NULL);
}
