/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/top/view.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "host/ctl/text.h"

struct top_view *top_view_new(uint32_t interval_ms)
{
	struct top_view *view = calloc(1, sizeof(*view));

	if (view) {
		view->interval_ms = interval_ms;
		view->nodes = true;
	}
	return view;
}

void top_view_free(struct top_view *view)
{
	if (view)
		top_model_clear(&view->model);
	free(view);
}

bool top_view_has_details(const struct top_view *view)
{
	const struct top_row *row = top_model_selected(&view->model);

	return row && view->details_known &&
	       strcmp(row->uuid, view->details.uuid) == 0;
}

/* ---- the filter ---- */

static void set_filter(struct top_view *view, const char *text)
{
	snprintf(view->model.filter, sizeof(view->model.filter), "%s", text);
	top_model_arrange(&view->model);
}

/* The last character goes, however many bytes it has. */
static void shorten_filter(struct top_view *view)
{
	char text[sizeof(view->model.filter)];
	size_t last = 0;

	strcpy(text, view->model.filter);
	for (size_t at = 0; text[at];) {
		wchar_t unused;

		last = at;
		at += ctl_next_char(text + at, &unused);
	}
	text[last] = '\0';
	set_filter(view, text);
}

static void lengthen_filter(struct top_view *view, uint32_t key)
{
	char text[2 * sizeof(view->model.filter)];
	char bytes[MB_LEN_MAX + 1] = "";
	mbstate_t state = { 0 };

	if (key < ' ' || key >= TOP_KEY_UP ||
	    wcrtomb(bytes, (wchar_t)key, &state) == (size_t)-1)
		return;
	snprintf(text, sizeof(text), "%s%s", view->model.filter, bytes);
	ctl_clean(text, false);
	if (strlen(text) < sizeof(view->model.filter))
		set_filter(view, text);
}

static void type_key(struct top_view *view, uint32_t key)
{
	switch (key) {
	case TOP_KEY_ENTER:
		view->typing = false;
		break;
	case TOP_KEY_ESCAPE:
		view->typing = false;
		set_filter(view, "");
		break;
	case TOP_KEY_BACKSPACE:
		shorten_filter(view);
		break;
	default:
		lengthen_filter(view, key);
	}
}

/* ---- the pages ---- */

static void set_page(struct top_view *view, enum top_page page)
{
	view->page = page;
	view->scroll = 0;
}

static void scroll(struct top_view *view, int64_t by)
{
	int64_t to = (int64_t)view->scroll + by;

	/* The drawing stops at the end. */
	if (to < 0)
		to = 0;
	view->scroll = to < UINT32_MAX ? (uint32_t)to : UINT32_MAX;
}

static void move(struct top_view *view, int64_t by)
{
	if (view->page == TOP_PAGE_TABLE)
		top_model_move(&view->model, by);
	else
		scroll(view, by);
}

static bool move_key(struct top_view *view, uint32_t key)
{
	int64_t page = view->page_lines > 1 ? view->page_lines - 1 : 1;

	switch (key) {
	case TOP_KEY_UP:
	case 'k':
		move(view, -1);
		return true;
	case TOP_KEY_DOWN:
	case 'j':
		move(view, 1);
		return true;
	case TOP_KEY_PAGE_UP:
		move(view, -page);
		return true;
	case TOP_KEY_PAGE_DOWN:
		move(view, page);
		return true;
	case TOP_KEY_HOME:
	case 'g':
		move(view, -(int64_t)UINT32_MAX);
		return true;
	case TOP_KEY_END:
	case 'G':
		move(view, UINT32_MAX);
		return true;
	default:
		return false;
	}
}

static void turn_sort(struct top_view *view, int by)
{
	int sort =
		((int)view->model.sort + by + TOP_SORT_COUNT) % TOP_SORT_COUNT;

	view->model.sort = (enum top_sort)sort;
	top_model_arrange(&view->model);
}

static void change_interval(struct top_view *view, bool longer)
{
	uint32_t ms = view->interval_ms;

	ms = longer ? ms * 2 : ms / 2;
	if (ms < TOP_INTERVAL_MIN_MS)
		ms = TOP_INTERVAL_MIN_MS;
	if (ms > TOP_INTERVAL_MAX_MS)
		ms = TOP_INTERVAL_MAX_MS;
	view->interval_ms = ms;
}

/* Back from where one is; on the table it takes the filter away. */
static void go_back(struct top_view *view)
{
	if (view->page == TOP_PAGE_TABLE)
		set_filter(view, "");
	else
		set_page(view, TOP_PAGE_TABLE);
}

static enum top_action plain_key(struct top_view *view, uint32_t key)
{
	switch (key) {
	case 'q':
		if (view->page == TOP_PAGE_TABLE)
			return TOP_QUIT;
		set_page(view, TOP_PAGE_TABLE);
		break;
	case TOP_KEY_ESCAPE:
		go_back(view);
		break;
	case TOP_KEY_ENTER:
		if (view->page != TOP_PAGE_TABLE) {
			set_page(view, TOP_PAGE_TABLE);
		} else if (top_model_selected(&view->model)) {
			set_page(view, TOP_PAGE_DETAILS);
			return TOP_ASK_NOW;
		}
		break;
	case '?':
	case 'h':
		set_page(view, view->page == TOP_PAGE_HELP ? TOP_PAGE_TABLE
							   : TOP_PAGE_HELP);
		break;
	case '/':
		set_page(view, TOP_PAGE_TABLE);
		view->typing = true;
		break;
	case '<':
		turn_sort(view, -1);
		break;
	case '>':
	case 's':
		turn_sort(view, 1);
		break;
	case 'r':
		view->model.reverse = !view->model.reverse;
		top_model_arrange(&view->model);
		break;
	case 'n':
		view->nodes = !view->nodes;
		break;
	case ' ':
	case 'p':
		view->paused = !view->paused;
		return view->paused ? TOP_GO_ON : TOP_ASK_NOW;
	case '+':
		change_interval(view, true);
		break;
	case '-':
		change_interval(view, false);
		break;
	default:
		break;
	}
	return TOP_GO_ON;
}

enum top_action top_view_key(struct top_view *view, uint32_t key)
{
	if (view->typing) {
		type_key(view, key);
		return TOP_GO_ON;
	}
	if (move_key(view, key))
		return TOP_GO_ON;
	return plain_key(view, key);
}
