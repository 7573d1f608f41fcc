/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a person sees of top, and what keys change of it. Pure: draw.h makes a picture of
 * it, and top.c fills in what ebbd says.
 */
#ifndef EBB_HOST_CTL_TOP_VIEW_H
#define EBB_HOST_CTL_TOP_VIEW_H

#include "host/ctl/top/decisions.h"
#include "host/ctl/top/host.h"
#include "host/ctl/top/model.h"

enum {
	TOP_INTERVAL_MIN_MS = 1000,
	TOP_INTERVAL_MS = 2000,
	TOP_INTERVAL_MAX_MS = 60 * 1000,
	TOP_TROUBLE_BYTES = 512,
};

/* Keys that are no character. */
enum top_key {
	TOP_KEY_UP = 0x110000,
	TOP_KEY_DOWN,
	TOP_KEY_PAGE_UP,
	TOP_KEY_PAGE_DOWN,
	TOP_KEY_HOME,
	TOP_KEY_END,
	TOP_KEY_ENTER,
	TOP_KEY_ESCAPE,
	TOP_KEY_BACKSPACE,
};

enum top_page {
	TOP_PAGE_TABLE,
	TOP_PAGE_DETAILS, /* of the selected domain */
	TOP_PAGE_HELP,
};

/* What a key asks for beside a new picture. */
enum top_action {
	TOP_GO_ON,
	TOP_ASK_NOW,
	TOP_QUIT,
};

/**
 * struct top_view - see top_view_init()
 * @once: there are no keys
 * @typing: keys go to the filter
 * @first_line: of the table, that is drawn at its top; kept by the drawing
 * @page_lines: so many lines of the table are drawn; kept by the drawing
 * @scroll: of details and help, as @first_line
 * @details: @details_known: all that is known of the domain of that UUID
 * @trouble: why ebbd tells nothing, or empty; @trouble_s: for so long
 * @clock: the time of day of what is shown
 */
struct top_view {
	struct top_model model;
	struct top_host host;
	struct top_decisions decisions;
	enum top_page page;
	bool nodes;
	bool paused;
	bool once;
	bool typing;
	uint32_t first_line;
	uint32_t page_lines;
	uint32_t scroll;
	uint32_t interval_ms;
	bool details_known;
	struct ebb_domain_status details;
	char host_name[65];
	char clock[16];
	char trouble[TOP_TROUBLE_BYTES];
	uint32_t trouble_s;
};

/* NULL without memory. */
struct top_view *top_view_new(uint32_t interval_ms);
void top_view_free(struct top_view *view);

/* @key: a character, or an enum top_key. */
enum top_action top_view_key(struct top_view *view, uint32_t key);

/* @details is of the selected domain. */
bool top_view_has_details(const struct top_view *view);

#endif /* EBB_HOST_CTL_TOP_VIEW_H */
