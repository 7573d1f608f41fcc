/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of columns. How wide the terminal is decides which are there; what is left of
 * its width is shared out among those that can use it.
 */
#include <config.h>

#include "host/ctl/top/table.h"

#include <string.h>

#include "common/cleanup.h"
#include "host/ctl/text.h"
#include "host/ctl/top/size.h"

enum {
	GAP = 1,
	NODE_INDENT = 2,
};

enum column_id {
	NAME,
	STATE,
	RUNG,
	MEMORY,
	RESIDENT,
	USED,
	FREE,
	FREE_HUGE,
	LENT,
	SWAPPED,
	BALLOON,
	STALLS,
	BAR,
	CURVE,
	REASON,
	COLUMN_COUNT
};

/*
 * @from: columns of a terminal that has room for it
 * @least, @most: its width
 * @share: of what is left
 */
static const struct {
	const char *heading;
	enum top_sort sort;
	bool right;
	int from;
	int least;
	int most;
	int share;
} columns[COLUMN_COUNT] = {
	[NAME] = { "Domain", TOP_SORT_NAME, false, 0, 11, 32, 2 },
	[STATE] = { "State", TOP_SORT_COUNT, false, 120, 10, 10, 0 },
	[RUNG] = { "Rung", TOP_SORT_RUNG, false, 0, 8, 8, 0 },
	[MEMORY] = { "Mem", TOP_SORT_MEMORY, true, 88, 5, 5, 0 },
	[RESIDENT] = { "Resid", TOP_SORT_RESIDENT, true, 0, 5, 5, 0 },
	[USED] = { "Used", TOP_SORT_USED, true, 72, 5, 5, 0 },
	[FREE] = { "Free", TOP_SORT_FREE, true, 0, 5, 5, 0 },
	[FREE_HUGE] = { "Huge", TOP_SORT_COUNT, true, 132, 5, 5, 0 },
	[LENT] = { "Lent", TOP_SORT_LENT, true, 56, 5, 5, 0 },
	[SWAPPED] = { "Swap", TOP_SORT_SWAPPED, true, 60, 5, 5, 0 },
	[BALLOON] = { "Balloon", TOP_SORT_COUNT, true, 140, 7, 7, 0 },
	[STALLS] = { "Stalls", TOP_SORT_COUNT, true, 100, 6, 6, 0 },
	[BAR] = { "Memory", TOP_SORT_COUNT, false, 66, 8, 60, 3 },
	[CURVE] = { "Trend", TOP_SORT_COUNT, false, 76, 7, 60, 2 },
	[REASON] = { "Reason", TOP_SORT_COUNT, false, 68, 8, 40, 3 },
};

/* @at, @width: of each column; a width of 0: it is not there. */
struct layout {
	int at[COLUMN_COUNT];
	int width[COLUMN_COUNT];
};

/* A column more for one that may have it, in turn by shares. */
static int share_out(struct layout *layout, int left)
{
	int given = 0;

	for (int id = 0; id < COLUMN_COUNT; id++) {
		for (int i = 0; i < columns[id].share; i++) {
			if (given == left || layout->width[id] == 0 ||
			    layout->width[id] == columns[id].most)
				break;
			layout->width[id]++;
			given++;
		}
	}
	return given;
}

static const struct top_row *row_at(const struct top_model *model, uint32_t i)
{
	return &model->rows[model->order[i]];
}

static bool has_balloon(const struct top_model *model)
{
	for (uint32_t i = 0; i < model->shown; i++) {
		uint64_t bytes = row_at(model, i)->balloon_bytes;

		if (bytes != TOP_UNKNOWN && bytes > 0)
			return true;
	}
	return false;
}

static void make_layout(const struct top_model *model, int width,
			struct layout *ret_layout)
{
	int left = width, given, at = 0;

	for (int id = 0; id < COLUMN_COUNT; id++) {
		bool there = width >= columns[id].from &&
			     (id != BALLOON || has_balloon(model));

		ret_layout->width[id] = there ? columns[id].least : 0;
		left -= there ? columns[id].least + GAP : 0;
	}
	/* The last one needs no gap after it. */
	left += GAP;
	do {
		given = left > 0 ? share_out(ret_layout, left) : 0;
		left -= given;
	} while (given > 0);
	for (int id = 0; id < COLUMN_COUNT; id++) {
		ret_layout->at[id] = at;
		if (ret_layout->width[id])
			at += ret_layout->width[id] + GAP;
	}
}

static void draw_cell(struct top_cells *cells, int row,
		      const struct layout *layout, enum column_id id,
		      enum top_style style, const char *text)
{
	if (columns[id].right)
		top_cells_right(cells, row, layout->at[id], layout->width[id],
				style, text);
	else
		top_cells_text(cells, row, layout->at[id], layout->width[id],
			       style, text);
}

static void draw_headings(const struct top_model *model,
			  struct top_cells *cells, int row,
			  const struct layout *layout)
{
	for (int id = 0; id < COLUMN_COUNT; id++) {
		bool sorted = columns[id].sort == model->sort;

		draw_cell(cells, row, layout, (enum column_id)id,
			  sorted ? TOP_HEADING : TOP_BOLD, columns[id].heading);
	}
}

static void draw_size(struct top_cells *cells, int row,
		      const struct layout *layout, enum column_id id,
		      uint64_t bytes, bool old)
{
	char text[TOP_SIZE_BYTES];

	draw_cell(cells, row, layout, id,
		  bytes == TOP_UNKNOWN || bytes == 0 ? TOP_DIM : TOP_PLAIN,
		  top_size_format(bytes, old, text));
}

static void draw_sizes(const struct top_row *domain, struct top_cells *cells,
		       int row, const struct layout *layout)
{
	const struct {
		enum column_id id;
		uint64_t bytes;
		bool old;
	} sizes[] = {
		{ MEMORY, domain->memory_bytes, false },
		{ RESIDENT, domain->resident_bytes, false },
		{ USED, top_row_used(domain), domain->facts_old },
		{ FREE, domain->free_bytes, domain->facts_old },
		{ FREE_HUGE, domain->free_huge_bytes, domain->facts_old },
		{ LENT, domain->lent_bytes, false },
		{ SWAPPED, domain->swapped_bytes, false },
		{ BALLOON, domain->balloon_bytes, false },
	};

	for (size_t i = 0; i < EBB_ARRAY_SIZE(sizes); i++)
		draw_size(cells, row, layout, sizes[i].id, sizes[i].bytes,
			  sizes[i].old);
}

/* How often its tasks had to wait for memory since the list before. */
static void draw_stalls(const struct top_row *domain, struct top_cells *cells,
			int row, const struct layout *layout)
{
	char text[16];

	if (domain->stalls_new == TOP_UNKNOWN)
		strcpy(text, "-");
	else if (domain->stalls_new > 99999)
		strcpy(text, ">99999");
	else
		snprintf(text, sizeof(text), "%u",
			 (unsigned int)domain->stalls_new);
	draw_cell(cells, row, layout, STALLS,
		  domain->stalls_new == TOP_UNKNOWN || !domain->stalls_new
			  ? TOP_DIM
			  : TOP_BAD,
		  text);
}

static void draw_reason(const struct top_row *domain, struct top_cells *cells,
			int row, const struct layout *layout)
{
	if (domain->paused)
		draw_cell(cells, row, layout, REASON, TOP_WARNING,
			  "policy paused");
	else if (*domain->dropped)
		draw_cell(cells, row, layout, REASON, TOP_WARNING,
			  domain->dropped);
	else
		draw_cell(cells, row, layout, REASON,
			  *domain->reason ? TOP_WARNING : TOP_DIM,
			  *domain->reason ? domain->reason : "-");
}

static void draw_domain(const struct top_row *domain, struct top_cells *cells,
			int row, const struct layout *layout)
{
	uint64_t parts[TOP_PART_COUNT];
	char rung[1 + sizeof(domain->rung)];

	draw_cell(cells, row, layout, NAME, TOP_BOLD, domain->name);
	draw_cell(cells, row, layout, STATE,
		  domain->state_old ? TOP_DIM : TOP_PLAIN, domain->state);
	snprintf(rung, sizeof(rung), "%s%s", domain->rung_old ? "~" : "",
		 domain->rung);
	draw_cell(cells, row, layout, RUNG,
		  strcmp(domain->rung, "lease") == 0 ? TOP_GOOD : TOP_PLAIN,
		  rung);
	draw_sizes(domain, cells, row, layout);
	draw_stalls(domain, cells, row, layout);
	if (top_row_parts(domain, parts))
		top_bar_draw(cells, row, layout->at[BAR], layout->width[BAR],
			     parts);
	if (domain->memory_bytes != TOP_UNKNOWN)
		top_curve_draw(cells, row, layout->at[CURVE],
			       layout->width[CURVE], &domain->curve,
			       domain->memory_bytes);
	draw_reason(domain, cells, row, layout);
}

/* By the guest's word alone: the host does not know what of a node it has. */
static void draw_node(const struct top_row *domain, const struct top_node *node,
		      struct top_cells *cells, int row,
		      const struct layout *layout)
{
	uint64_t used = node->total_bytes > node->free_bytes
				? node->total_bytes - node->free_bytes
				: 0;
	uint64_t parts[TOP_PART_COUNT] = {
		[TOP_PART_USED] = used,
		[TOP_PART_FREE] = node->free_bytes < node->total_bytes
					  ? node->free_bytes
					  : node->total_bytes,
	};

	top_cells_printf(cells, row, layout->at[NAME] + NODE_INDENT,
			 layout->width[NAME] - NODE_INDENT, TOP_PLAIN,
			 "node %u", node->node);
	draw_size(cells, row, layout, MEMORY, node->total_bytes, false);
	draw_size(cells, row, layout, USED, used, domain->facts_old);
	draw_size(cells, row, layout, FREE, node->free_bytes,
		  domain->facts_old);
	draw_size(cells, row, layout, FREE_HUGE, node->free_huge_bytes,
		  domain->facts_old);
	top_bar_draw(cells, row, layout->at[BAR], layout->width[BAR], parts);
}

static uint32_t node_lines(const struct top_view *view,
			   const struct top_row *domain)
{
	return view->nodes && domain->node_count > 1 ? domain->node_count : 0;
}

uint32_t top_table_lines(const struct top_view *view)
{
	uint32_t lines = 0;

	for (uint32_t i = 0; i < view->model.shown; i++)
		lines += 1 + node_lines(view, row_at(&view->model, i));
	return lines;
}

/* So that the selected domain is seen, and no line below the last one. */
static void scroll_to_selected(struct top_view *view)
{
	const struct top_model *model = &view->model;
	uint32_t lines = top_table_lines(view), line = 0, below;

	for (uint32_t i = 0; i < model->position && i < model->shown; i++)
		line += 1 + node_lines(view, row_at(model, i));
	below = line + 1;
	if (model->position < model->shown)
		below += node_lines(view, row_at(model, model->position));
	if (below > view->first_line + view->page_lines)
		view->first_line = below - view->page_lines;
	if (lines < view->first_line + view->page_lines)
		view->first_line =
			lines > view->page_lines ? lines - view->page_lines : 0;
	/* Last: a domain of more nodes than there is room for begins at the top. */
	if (line < view->first_line)
		view->first_line = line;
}

static void draw_nothing(const struct top_view *view, struct top_cells *cells,
			 int row)
{
	if (*view->model.filter)
		top_cells_printf(cells, row, 0, cells->columns, TOP_DIM,
				 "No domain has '%s' in its name, state, rung "
				 "or reason.",
				 view->model.filter);
	else if (view->model.rows)
		top_cells_text(cells, row, 0, cells->columns, TOP_DIM,
			       "No domain is running.");
}

void top_table_draw(struct top_view *view, struct top_cells *cells, int row,
		    int rows)
{
	const struct top_model *model = &view->model;
	struct layout layout;
	int64_t line;

	make_layout(model, cells->columns, &layout);
	draw_headings(model, cells, row++, &layout);
	view->page_lines = rows > 1 ? (uint32_t)rows - 1 : 0;
	scroll_to_selected(view);
	line = -(int64_t)view->first_line;
	if (model->shown == 0)
		draw_nothing(view, cells, row);
	for (uint32_t i = 0; i < model->shown && line < view->page_lines; i++) {
		const struct top_row *domain = row_at(model, i);
		uint32_t nodes = node_lines(view, domain);

		if (line >= 0) {
			draw_domain(domain, cells, row + (int)line, &layout);
			if (i == model->position)
				top_cells_select(cells, row + (int)line);
		}
		line++;
		for (uint32_t n = 0; n < nodes; n++, line++)
			if (line >= 0 && line < view->page_lines)
				draw_node(domain, &domain->nodes[n], cells,
					  row + (int)line, &layout);
	}
}
