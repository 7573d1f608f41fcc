/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/size.h"

enum {
	BAR_CELLS_MIN = 8,
	BAR_CELLS_MAX = 40,
	COLUMNS_DEFAULT = 80,
	REDRAW_MS = 100,
};

/* The pieces of the line, each with the blanks before it. */
struct pieces {
	char percent[8];
	char amount[64];
	char rate[32];
	char left[32];
	char phase[16];
};

static unsigned int percent_of(const struct ctl_progress *progress)
{
	if (progress->bytes >= progress->total_bytes)
		return 100;
	return (unsigned int)((double)progress->bytes * 100 /
			      (double)progress->total_bytes);
}

const char *ctl_rate_format(uint64_t bytes, uint64_t elapsed_us, char *text,
			    size_t text_bytes)
{
	char size[EBB_SIZE_TEXT_BYTES];
	double rate;

	if (!elapsed_us) {
		snprintf(text, text_bytes, "-");
		return text;
	}
	rate = (double)bytes * 1e6 / (double)elapsed_us;
	ebb_size_format(rate < 0x1p63 ? (uint64_t)rate : INT64_MAX, size,
			sizeof(size));
	snprintf(text, text_bytes, "%s/s", size);
	return text;
}

static void render_left(const struct ctl_progress *progress, char *text,
			size_t text_bytes)
{
	double seconds;

	if (!progress->bytes || progress->bytes >= progress->total_bytes)
		return;
	seconds = (double)progress->elapsed_ms / 1000 *
		  (double)(progress->total_bytes - progress->bytes) /
		  (double)progress->bytes;
	/* Later than a day is no estimate. */
	if (seconds < 24 * 60 * 60)
		snprintf(text, text_bytes, "  %u:%02u left",
			 (unsigned int)seconds / 60,
			 (unsigned int)seconds % 60);
}

static void render_pieces(const struct ctl_progress *progress,
			  struct pieces *pieces)
{
	char bytes[EBB_SIZE_TEXT_BYTES];
	char total[EBB_SIZE_TEXT_BYTES];
	char rate[EBB_SIZE_TEXT_BYTES + 2];

	memset(pieces, 0, sizeof(*pieces));
	ebb_size_format(progress->bytes, bytes, sizeof(bytes));
	ctl_rate_format(progress->bytes, (uint64_t)progress->elapsed_ms * 1000,
			rate, sizeof(rate));
	snprintf(pieces->rate, sizeof(pieces->rate), "  %s", rate);
	if (!progress->total_bytes) {
		snprintf(pieces->amount, sizeof(pieces->amount), "%s", bytes);
		return;
	}
	ebb_size_format(progress->total_bytes, total, sizeof(total));
	snprintf(pieces->percent, sizeof(pieces->percent), "%3u%%",
		 percent_of(progress));
	snprintf(pieces->amount, sizeof(pieces->amount), "  %s of %s", bytes,
		 total);
	render_left(progress, pieces->left, sizeof(pieces->left));
	/* As fast as the guest frees: what was before says nothing of it. */
	if (progress->driving) {
		*pieces->left = '\0';
		snprintf(pieces->phase, sizeof(pieces->phase), "  driving");
	}
}

/* "[===>   ] " of @cells between the brackets. */
static void render_bar(unsigned int percent, size_t cells, char *text)
{
	size_t full = cells * percent / 100;

	memset(text, ' ', cells + 3);
	text[0] = '[';
	memset(text + 1, '=', full);
	if (full < cells)
		text[1 + full] = '>';
	text[1 + cells] = ']';
	text[cells + 3] = '\0';
}

static const char *render_waiting(const struct ctl_progress *progress,
				  size_t room, char *text)
{
	int used = snprintf(text, CTL_PROGRESS_TEXT_BYTES,
			    "waiting: %u reclaim%s", progress->running,
			    progress->running == 1 ? " runs" : "s run");

	if (progress->ahead)
		snprintf(text + used, CTL_PROGRESS_TEXT_BYTES - (size_t)used,
			 ", %u %s ahead", progress->ahead,
			 progress->ahead == 1 ? "is" : "are");
	if (strlen(text) > room)
		text[room] = '\0';
	return text;
}

const char *ctl_progress_render(const struct ctl_progress *progress,
				unsigned int columns, char *text)
{
	size_t room = columns ? columns - 1 : 0;
	char bar[BAR_CELLS_MAX + 4] = "";
	struct pieces pieces;
	size_t used;

	if (progress->waiting)
		return render_waiting(progress, room, text);
	render_pieces(progress, &pieces);
	used = strlen(pieces.percent) + strlen(pieces.amount);
	if (used + strlen(pieces.rate) > room)
		*pieces.rate = '\0';
	used += strlen(pieces.rate);
	if (!*pieces.rate || used + strlen(pieces.left) > room)
		*pieces.left = '\0';
	used += strlen(pieces.left);
	if (used + strlen(pieces.phase) > room)
		*pieces.phase = '\0';
	used += strlen(pieces.phase);
	if (progress->total_bytes && used + BAR_CELLS_MIN + 3 <= room) {
		size_t cells = room - used - 3;

		if (cells > BAR_CELLS_MAX)
			cells = BAR_CELLS_MAX;
		render_bar(percent_of(progress), cells, bar);
	}
	snprintf(text, CTL_PROGRESS_TEXT_BYTES, "%s%s%s%s%s%s", bar,
		 pieces.percent, pieces.amount, pieces.rate, pieces.left,
		 pieces.phase);
	if (strlen(text) > room)
		text[room] = '\0';
	return text;
}

bool ctl_bar_is_wanted(void)
{
	const char *terminal = getenv("TERM");

	return isatty(STDERR_FILENO) && terminal && *terminal &&
	       strcmp(terminal, "dumb") != 0;
}

static unsigned int terminal_columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return COLUMNS_DEFAULT;
	return size.ws_col;
}

void ctl_bar_draw(struct ctl_bar *bar, const struct ctl_progress *progress)
{
	char text[CTL_PROGRESS_TEXT_BYTES];
	struct timespec now;
	int64_t now_ms;

	clock_gettime(CLOCK_MONOTONIC, &now);
	now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
	if (bar->drawn_ms && now_ms - bar->drawn_ms < REDRAW_MS)
		return;
	bar->drawn_ms = now_ms;
	fprintf(stderr, "\r%s\033[K",
		ctl_progress_render(progress, terminal_columns(), text));
}

void ctl_bar_clear(struct ctl_bar *bar)
{
	if (bar->drawn_ms)
		fputs("\r\033[K", stderr);
	bar->drawn_ms = 0;
}
