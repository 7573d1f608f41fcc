/* SPDX-License-Identifier: GPL-2.0-only */
/* The terminal: keys in, pictures out. The only file that knows ncurses. */
#ifndef EBB_HOST_CTL_TOP_TERMINAL_H
#define EBB_HOST_CTL_TOP_TERMINAL_H

#include "host/ctl/top/cells.h"

enum {
	/* Beside a character or an enum top_key. */
	TOP_KEY_NONE = 0,
	TOP_KEY_RESIZE = 0x120000,
};

/*
 * Takes the terminal of standard input and output. Returns NULL, or why it cannot; then
 * nothing is to be closed.
 */
const char *top_terminal_open(void);
void top_terminal_close(void);

void top_terminal_size(int *ret_rows, int *ret_columns);
void top_terminal_show(const struct top_cells *cells);

/* The next key that was pressed, or TOP_KEY_NONE. Does not wait. */
uint32_t top_terminal_key(void);

#endif /* EBB_HOST_CTL_TOP_TERMINAL_H */
