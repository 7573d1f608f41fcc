/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/exporter/content.h"

/* Made of the files by host/exporter/Makefile.inc. */
static const unsigned char html[] = {
#include "host/exporter/page/live.html.inc"
};
static const unsigned char css[] = {
#include "host/exporter/page/live.css.inc"
};
static const unsigned char draw_js[] = {
#include "host/exporter/page/draw.js.inc"
};
static const unsigned char live_js[] = {
#include "host/exporter/page/live.js.inc"
};
static const unsigned char icon[] = {
#include "host/exporter/page/icon.svg.inc"
};

const struct exp_content exp_contents[] = {
	{ "/", "text/html; charset=utf-8", html, sizeof(html) },
	{ "/live.css", "text/css; charset=utf-8", css, sizeof(css) },
	{ "/draw.js", "text/javascript; charset=utf-8", draw_js,
	  sizeof(draw_js) },
	{ "/live.js", "text/javascript; charset=utf-8", live_js,
	  sizeof(live_js) },
	{ "/icon.svg", "image/svg+xml", icon, sizeof(icon) },
	{ .path = NULL },
};
