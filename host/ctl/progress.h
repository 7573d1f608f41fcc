/* SPDX-License-Identifier: GPL-2.0-only */
/* The bar that a running reclaim draws. */
#ifndef EBB_HOST_CTL_PROGRESS_H
#define EBB_HOST_CTL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How far it is. */
struct ctl_progress {
	uint64_t bytes;
	uint64_t total_bytes; /* 0: not known */
	uint32_t elapsed_ms;
	bool driving; /* the guest frees memory for it */
	bool waiting; /* for its turn: nothing else is known */
	uint32_t running; /* with @waiting: reclaims of other guests */
	uint32_t ahead; /* with @waiting: that wait before it */
};

enum {
	CTL_PROGRESS_TEXT_BYTES = 256
};

/**
 * ctl_progress_render - one line for a terminal
 * @columns: its width; the last one stays free, so that it never wraps
 * @text: CTL_PROGRESS_TEXT_BYTES
 *
 * "[=====>    ]  50%  512.0 MiB of 1.0 GiB  1.2 GiB/s  0:01 left". Percentage
 * and amount come first, then the rate, then the time left, then "driving"; the
 * bar fills what is left, if that is enough. One that waits has "waiting: 4
 * reclaims run, 2 are ahead". Pure.
 * Returns @text.
 */
const char *ctl_progress_render(const struct ctl_progress *progress,
				unsigned int columns, char *text);

/**
 * ctl_rate_format - bytes in a time as "1.2 GiB/s"
 * @text: at least EBB_SIZE_TEXT_BYTES + 2
 *
 * "-" if no time passed. Returns @text.
 */
const char *ctl_rate_format(uint64_t bytes, uint64_t elapsed_us, char *text,
			    size_t text_bytes);

/* The bar on stderr: draws at most ten times a second. */
struct ctl_bar {
	int64_t drawn_ms; /* CLOCK_MONOTONIC, 0: never */
};

/* Whether stderr is a terminal that can redraw a line. */
bool ctl_bar_is_wanted(void);
void ctl_bar_draw(struct ctl_bar *bar, const struct ctl_progress *progress);

/* Takes the bar away, if there is one. */
void ctl_bar_clear(struct ctl_bar *bar);

#endif /* EBB_HOST_CTL_PROGRESS_H */
