/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/top/terminal.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NCURSES_WIDECHAR 1
#include <curses.h>

#include "host/ctl/text.h"
#include "host/ctl/top/terminfo.h"
#include "host/ctl/top/view.h"

enum {
	/* After Escape, to know whether it begins the sequence of a key. */
	ESCAPE_MS = 50,
	NO_COLOUR = -1,
};

/* By style. */
static const struct {
	short colour;
	attr_t attribute;
} looks[TOP_STYLE_COUNT] = {
	[TOP_PLAIN] = { NO_COLOUR, A_NORMAL },
	[TOP_DIM] = { NO_COLOUR, A_DIM },
	[TOP_BOLD] = { NO_COLOUR, A_BOLD },
	[TOP_HEADING] = { COLOR_CYAN, A_BOLD },
	[TOP_GOOD] = { COLOR_GREEN, A_NORMAL },
	[TOP_WARNING] = { COLOR_YELLOW, A_NORMAL },
	[TOP_BAD] = { COLOR_RED, A_BOLD },
	[TOP_BAR_USED] = { COLOR_BLUE, A_NORMAL },
	[TOP_BAR_FREE] = { COLOR_GREEN, A_NORMAL },
	[TOP_BAR_SWAPPED] = { COLOR_RED, A_NORMAL },
	[TOP_BAR_LENT] = { COLOR_CYAN, A_NORMAL },
	[TOP_BAR_REST] = { NO_COLOUR, A_DIM },
};

static void set_colours(void)
{
	if (!ctl_has_colour(stdout) || !has_colors() || start_color() == ERR)
		return;
	use_default_colors();
	for (short i = 0; i < TOP_STYLE_COUNT; i++)
		if (looks[i].colour != NO_COLOUR)
			init_pair((short)(i + 1), looks[i].colour, -1);
}

const char *top_terminal_open(void)
{
	const char *name = getenv("TERM");
	SCREEN *screen;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return "it needs a terminal. Use --once for a picture as text.";
	if (!name || !*name || strcmp(name, "dumb") == 0)
		return "it needs a terminal that can move its cursor, and TERM "
		       "names none. Set TERM, or use --once for a picture as "
		       "text.";
	/* newterm() leaks where it is not. */
	if (!top_terminfo_knows(name))
		return "the terminal that TERM names is not known here. Set "
		       "TERM to one that is, such as xterm or vt100, or use "
		       "--once for a picture as text.";
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return "the terminal cannot be set up. Use --once for a "
		       "picture as text.";
	/* Of a terminal of paper. */
	if (!tigetstr("cup")) {
		endwin();
		delscreen(screen);
		return "the terminal that TERM names cannot move its cursor. "
		       "Use --once for a picture as text.";
	}
	set_colours();
	cbreak();
	noecho();
	nonl();
	set_escdelay(ESCAPE_MS);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	return NULL;
}

void top_terminal_close(void)
{
	endwin();
}

void top_terminal_size(int *ret_rows, int *ret_columns)
{
	getmaxyx(stdscr, *ret_rows, *ret_columns);
}

/* A block that is turned would be a gap. */
static attr_t attribute_of(const struct top_cell *cell)
{
	attr_t attribute = looks[cell->style].attribute;

	return cell->selected && cell->style < TOP_BAR_USED
		       ? attribute | A_REVERSE
		       : attribute;
}

static short pair_of(const struct top_cell *cell)
{
	bool coloured = looks[cell->style].colour != NO_COLOUR;

	return coloured && COLOR_PAIRS > TOP_STYLE_COUNT
		       ? (short)(cell->style + 1)
		       : 0;
}

void top_terminal_show(const struct top_cells *cells)
{
	const struct top_cell *cell = cells->cells;

	erase();
	for (int row = 0; row < cells->rows; row++) {
		for (int column = 0; column < cells->columns;
		     column++, cell++) {
			wchar_t text[] = { cell->c, 0 };
			cchar_t shown;

			/* The character before it takes this one, too. */
			if (!cell->c ||
			    setcchar(&shown, text, attribute_of(cell),
				     pair_of(cell), NULL) == ERR)
				continue;
			mvadd_wch(row, column, &shown);
		}
	}
	move(cells->rows - 1, 0);
	refresh();
}

/* TOP_KEY_NONE: a key without a meaning here. */
static uint32_t key_of_code(wint_t code)
{
	switch (code) {
	case KEY_UP:
		return TOP_KEY_UP;
	case KEY_DOWN:
		return TOP_KEY_DOWN;
	case KEY_PPAGE:
		return TOP_KEY_PAGE_UP;
	case KEY_NPAGE:
		return TOP_KEY_PAGE_DOWN;
	case KEY_HOME:
		return TOP_KEY_HOME;
	case KEY_END:
		return TOP_KEY_END;
	case KEY_ENTER:
		return TOP_KEY_ENTER;
	case KEY_BACKSPACE:
		return TOP_KEY_BACKSPACE;
	case KEY_RESIZE:
		return TOP_KEY_RESIZE;
	default:
		return TOP_KEY_NONE;
	}
}

static uint32_t key_of_character(wint_t c)
{
	switch (c) {
	case '\r':
	case '\n':
		return TOP_KEY_ENTER;
	case '\033':
		return TOP_KEY_ESCAPE;
	case '\b':
	case 0x7f:
		return TOP_KEY_BACKSPACE;
	default:
		return c;
	}
}

uint32_t top_terminal_key(void)
{
	uint32_t key = TOP_KEY_NONE;
	wint_t c;
	int r;

	do {
		r = get_wch(&c);
		if (r == KEY_CODE_YES)
			key = key_of_code(c);
		else if (r == OK)
			key = key_of_character(c);
	} while (r != ERR && key == TOP_KEY_NONE);
	return key;
}
