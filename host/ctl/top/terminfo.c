/* SPDX-License-Identifier: GPL-2.0-only */
/* Apart from terminal.c, as <term.h> has macros of names as short as "columns". */
#include <config.h>

#include "host/ctl/top/terminfo.h"

#include <unistd.h>

#include <curses.h>
#include <term.h>

bool top_terminfo_knows(const char *name)
{
	int error;

	if (setupterm(name, STDOUT_FILENO, &error) != OK)
		return false;
	del_curterm(cur_term);
	return true;
}
