/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/top/details.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "common/size.h"
#include "host/ctl/text.h"
#include "host/interface/held.h"

enum {
	KEY_COLUMNS = 14,
	TEXT_BYTES = 1024,
};

/*
 * A page that is longer than the screen.
 * @line: of the text, that comes next
 * @first: that is drawn at the top
 */
struct page {
	struct top_cells *cells;
	int row;
	int rows;
	uint32_t first;
	uint32_t line;
};

/* The row of the next line, or -1: it is not seen. */
static int next_row(struct page *page)
{
	int64_t at = (int64_t)page->line++ - page->first;

	return at >= 0 && at < page->rows ? page->row + (int)at : -1;
}

/* Bytes of @text that fit into @width columns, up to the last blank if not all. */
static size_t fitting_bytes(const char *text, int width)
{
	size_t at = 0, blank = 0;
	int columns = 0;

	while (text[at] && text[at] != '\n') {
		wchar_t c;
		size_t bytes = ctl_next_char(text + at, &c);
		int wide = c && wcwidth(c) > 0 ? wcwidth(c) : 1;

		if (columns + wide > width)
			return blank ? blank : at ? at : bytes;
		if (text[at] == ' ')
			blank = at;
		columns += wide;
		at += bytes;
	}
	return at;
}

/* A text of several lines, wrapped, with what stands left of its first line. */
static void add_text(struct page *page, enum top_style style, const char *key,
		     int indent, const char *text)
{
	int width = page->cells->columns - indent;
	bool first = true;

	do {
		size_t bytes = fitting_bytes(text, width > 1 ? width : 1);
		int row = next_row(page);

		if (first)
			top_cells_text(page->cells, row, 0, indent, TOP_BOLD,
				       key);
		top_cells_printf(page->cells, row, indent, width, style, "%.*s",
				 (int)bytes, text);
		text += bytes;
		text += *text == ' ' || *text == '\n';
		first = false;
	} while (*text);
}

static void __attribute__((__format__(__printf__, 3, 4)))
add_pair(struct page *page, const char *key, const char *format, ...)
{
	char text[TEXT_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	add_text(page, TOP_PLAIN, key, KEY_COLUMNS, text);
}

static const char *size_or(bool known, uint64_t bytes, char *text)
{
	if (!known)
		return "not known";
	return ebb_size_format(bytes, text, EBB_SIZE_TEXT_BYTES);
}

/* The text of a size, or that it is not known; lives as long as the block. */
#define SIZE_OR(known, bytes) \
	size_or((known), (bytes), (char[EBB_SIZE_TEXT_BYTES]){ "" })

/* ---- a domain ---- */

static void add_decision(struct page *page,
			 const struct ebb_explain_domain *domain)
{
	add_pair(page, "Now", "%s", domain->text);
	if (domain->last_age_ms == UINT32_MAX)
		return;
	add_pair(page, "Last", "%" PRIu32 " s ago: %s",
		 domain->last_age_ms / 1000, domain->last_text);
	if (domain->last_dry_run)
		add_pair(page, "", "not carried out: dry run");
	else if (*domain->last_ended)
		add_pair(page, "", "%s of %s came: %s",
			 EBB_SIZE(domain->last_came_bytes),
			 EBB_SIZE(domain->last_asked_bytes),
			 domain->last_ended);
	else
		add_pair(page, "", "under way");
}

static void add_sizes(struct page *page, const struct ebb_domain_status *domain)
{
	bool facts = domain->facts_age_ms != UINT32_MAX;

	add_pair(page, "Memory", "%s, resident %s, lent %s",
		 SIZE_OR(domain->known, domain->memory_bytes),
		 SIZE_OR(domain->resident_known, domain->resident_bytes),
		 SIZE_OR(domain->lent_known, domain->lent_bytes));
	add_pair(page, "", "swapped %s, balloon %s",
		 SIZE_OR(domain->resident_known && domain->swapped_known,
			 domain->swapped_bytes),
		 SIZE_OR(domain->balloon_known, domain->balloon_bytes));
	add_pair(page, "Free", "%s, in huge ranges %s, available %s",
		 SIZE_OR(facts, domain->free_bytes),
		 SIZE_OR(facts, domain->free_huge_bytes),
		 SIZE_OR(facts, domain->available_bytes));
	if (facts)
		add_pair(page, "", "%.1f s ago",
			 (double)domain->facts_age_ms / 1000);
	add_pair(page, "Reclaimed", "%s in %" PRIu64 " run%s",
		 EBB_SIZE(domain->reclaimed_bytes), domain->reclaim_runs,
		 domain->reclaim_runs == 1 ? "" : "s");
	if (domain->target.bytes)
		add_pair(page, "Free target", "%s, keeps %s%s%s",
			 EBB_SIZE(domain->target.bytes),
			 EBB_SIZE(domain->target.effective_bytes),
			 *domain->target.reason ? ": " : "",
			 domain->target.reason);
}

static void add_pressure(struct page *page,
			 const struct ebb_domain_status *domain)
{
	if (!domain->stalls_known) {
		add_pair(page, "Pressure", "not known");
		return;
	}
	add_pair(page, "Pressure",
		 "%" PRIu64 " allocations had to wait since it booted",
		 domain->allocation_stalls);
	if (domain->stalled_us)
		add_pair(page, "",
			 "some task waited for memory for %.1f s in all",
			 (double)domain->stalled_us / 1e6);
}

static void add_held(struct page *page, const struct ebb_domain_status *domain)
{
	char text[EBB_HELD_TEXT_BYTES];

	if (!domain->held.known) {
		add_pair(page, "Held by", "not known");
		return;
	}
	add_pair(page, "Held by", "%s", ebb_held_text(&domain->held, text));
	add_pair(page, "", "%.1f s ago", (double)domain->told_age_ms / 1000);
}

static void add_reasons(struct page *page,
			const struct ebb_domain_status *domain)
{
	for (uint32_t i = 0; i < domain->reason_count; i++) {
		const struct ebb_reason *reason = &domain->reasons[i];
		char text[CTL_NAMED_BYTES];

		add_pair(page, i ? "" : "Reasons", "%s: %s", reason->name,
			 reason->text);
		if (*reason->remedy)
			add_pair(page, "", "Remedy: %s",
				 ctl_named(reason->remedy, domain->name, text));
	}
}

static void add_domain(struct page *page,
		       const struct ebb_domain_status *domain)
{
	add_pair(page, "UUID", "%s", domain->uuid);
	add_pair(page, "State", "%s%s%s%s", domain->state,
		 domain->state_old ? " (the last known)" : "",
		 *domain->phase ? ", " : "", domain->phase);
	add_pair(page, "Rung", "%s%s", domain->rung,
		 domain->old ? " (old: it is looked at anew)" : "");
	if (*domain->agent_version)
		add_pair(page, "Agent", "%s on %s, kernel %s",
			 domain->agent_version, domain->channel,
			 domain->kernel);
	add_sizes(page, domain);
	add_pressure(page, domain);
	add_held(page, domain);
	add_reasons(page, domain);
}

/* What is below the end is not scrolled to. */
static void end_page(struct top_view *view, const struct page *page)
{
	uint32_t rows = (uint32_t)page->rows;
	uint32_t last = page->line > rows ? page->line - rows : 0;

	view->page_lines = rows;
	if (view->scroll > last)
		view->scroll = last;
}

static void draw_domain(const struct top_view *view, struct page *page)
{
	const struct top_row *row = top_model_selected(&view->model);
	const struct ebb_explain_domain *decision = &view->host.domain;

	if (!row) {
		add_text(page, TOP_DIM, "", 0, "The domain has ended.");
		return;
	}
	add_text(page, TOP_HEADING, "", 0, row->name);
	if (strcmp(decision->uuid, row->uuid) == 0)
		add_decision(page, decision);
	if (top_view_has_details(view))
		add_domain(page, &view->details);
	else
		add_text(page, TOP_DIM, "", 0, "ebbd is asked ...");
}

/* First out of sight, to learn how long it is. */
static void
draw_page(struct top_view *view, struct top_cells *cells, int row, int rows,
	  void (*draw)(const struct top_view *view, struct page *page))
{
	struct page page = {
		.cells = cells, .row = row, .rows = rows, .first = UINT32_MAX
	};

	draw(view, &page);
	end_page(view, &page);
	page.first = view->scroll;
	page.line = 0;
	draw(view, &page);
}

void top_details_draw(struct top_view *view, struct top_cells *cells, int row,
		      int rows)
{
	draw_page(view, cells, row, rows, draw_domain);
}

/* ---- help ---- */

static const struct {
	const char *keys;
	const char *text;
} helps[] = {
	{ "q", "quit; from here and from details: back to the table" },
	{ "Up Down", "the selected domain; also k, j, page keys, Home, End" },
	{ "Enter", "all about the selected domain, and back" },
	{ "/", "only domains with that text in name, state, rung or reason; "
	       "Esc takes it away" },
	{ "< >", "the column to sort by; r turns the order" },
	{ "n", "NUMA nodes of guests that have several, or not" },
	{ "p", "pause: ask ebbd nothing until p is pressed again" },
	{ "+ -", "double or halve the interval" },
	{ "h ?", "this help" },
};

static const struct {
	enum top_part part;
	const char *text;
} legend[] = {
	{ TOP_PART_USED, "resident and in use, as far as the guest says" },
	{ TOP_PART_FREE, "resident, and free in the guest" },
	{ TOP_PART_SWAPPED, "in the swap of the host" },
	{ TOP_PART_LENT, "lent: the guest may take it back at any time" },
	{ TOP_PART_REST, "the rest: held by a balloon, or not known" },
};

static void draw_legend(struct page *page)
{
	for (size_t i = 0; i < sizeof(legend) / sizeof(*legend); i++) {
		enum top_part part = legend[i].part;
		int row = next_row(page);

		for (int column = 0; column < 4; column++)
			top_cells_put(page->cells, row, column,
				      top_part_style(part),
				      top_part_char(page->cells, part));
		top_cells_text(page->cells, row, 10, page->cells->columns - 10,
			       TOP_PLAIN, legend[i].text);
	}
}

static void draw_help(const struct top_view *view, struct page *page)
{
	(void)view;
	add_text(page, TOP_HEADING, "", 0, "Keys");
	for (size_t i = 0; i < sizeof(helps) / sizeof(*helps); i++)
		add_text(page, TOP_PLAIN, helps[i].keys, 10, helps[i].text);
	add_text(page, TOP_HEADING, "", 0, "The bar of a domain is its memory");
	draw_legend(page);
	add_text(
		page, TOP_PLAIN, "", 0,
		"Sizes are in powers of 1024. '-' is not known; '~' marks what "
		"is of a while ago. The curve is what was resident, one column "
		"for each reading. See ebbctl(1).");
}

void top_help_draw(struct top_view *view, struct top_cells *cells, int row,
		   int rows)
{
	draw_page(view, cells, row, rows, draw_help);
}
