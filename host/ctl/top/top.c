/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ebbctl top: all domains, as they are now.
 *
 * Theory of operation
 * ===================
 *
 * The problem. A person looks on while guests and ebbd do what they do, over a slow line
 * maybe, with a thousand domains maybe, and presses keys. Neither an ebbd that is slow or
 * away nor a name that a guest made up may freeze the keys or spoil the terminal; nor
 * may looking on cost ebbd what it has to do.
 *
 * The parts:
 *   top.c       waits in one place, for keys, for ebbd's answer and for the time
 *   terminal.c  ncurses
 *   round.c     what is asked of ebbd, one question at a time, and when
 * and pure:
 *   model.c, host.c, decisions.c   what is known
 *   view.c      what a person chose to see, by keys
 *   draw.c, table.c, details.c     a picture of it, of cells
 *
 * All text is cleaned where it is decoded, and again where it becomes a cell.
 */
#include <config.h>

#include <errno.h>
#include <langinfo.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "host/ctl/ctl.h"
#include "host/ctl/text.h"
#include "host/ctl/top/draw.h"
#include "host/ctl/top/round.h"
#include "host/ctl/top/terminal.h"

enum {
	/* Of a picture that goes to a file. */
	ONCE_COLUMNS = 132,
	ONCE_COLUMNS_MAX = 1000,
};

struct top {
	struct top_view *view;
	struct top_round round;
	struct top_cells cells;
};

static volatile sig_atomic_t ended;

static void on_end(int number)
{
	(void)number;
	ended = 1;
}

/* SIGWINCH is for ncurses, which knows then that poll(2) was interrupted for it. */
static void catch_signals(sigset_t *ret_mask)
{
	static const int signals[] = { SIGINT, SIGQUIT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_end };
	sigset_t blocked;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGWINCH);
	for (size_t i = 0; i < EBB_ARRAY_SIZE(signals); i++) {
		sigaddset(&blocked, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	/* They are let in only by ppoll(): none is lost before it sleeps. */
	sigprocmask(SIG_BLOCK, &blocked, ret_mask);
}

/* ---- a picture on a terminal ---- */

static int show(struct top *top)
{
	int rows, columns;

	top_terminal_size(&rows, &columns);
	if (top_cells_resize(&top->cells, rows, columns) < 0)
		return -ENOMEM;
	top_draw(top->view, &top->cells);
	top_terminal_show(&top->cells);
	return 0;
}

/* Returns true: a person wants to quit. */
static bool take_keys(struct top *top)
{
	uint32_t key;

	while ((key = top_terminal_key()) != TOP_KEY_NONE) {
		switch (top_view_key(top->view, key)) {
		case TOP_QUIT:
			return true;
		case TOP_ASK_NOW:
			top->round.is_hurried = true;
			break;
		case TOP_GO_ON:
			break;
		}
	}
	return false;
}

static void set_timeout(const struct top *top, struct timespec *ret_timeout)
{
	int ms = top_round_timeout_ms(&top->round, top->view);

	/* While it is paused, too, the time of a trouble goes on. */
	if (ms < 0)
		ms = TOP_INTERVAL_MAX_MS;
	ret_timeout->tv_sec = ms / 1000;
	ret_timeout->tv_nsec = (long)(ms % 1000) * 1000000;
}

/* Returns 0: it was ended by a key or a signal; or -errno. */
static int loop(struct top *top, const sigset_t *mask)
{
	for (;;) {
		struct pollfd fds[] = {
			{ .fd = STDIN_FILENO, .events = POLLIN },
			{ .fd = top->round.asking.fd, .events = POLLIN },
		};
		struct timespec timeout;
		int r = show(top);

		if (r < 0)
			return r;
		set_timeout(top, &timeout);
		if (ppoll(fds, EBB_ARRAY_SIZE(fds), &timeout, mask) < 0 &&
		    errno != EINTR)
			return -errno;
		if (ended || fds[0].revents & (POLLHUP | POLLERR) ||
		    take_keys(top))
			return 0;
		if (top->round.question != TOP_ASK_NOTHING)
			top_round_turn(&top->round, top->view);
		else if (top_round_timeout_ms(&top->round, top->view) == 0)
			top_round_begin(&top->round, top->view);
	}
}

static int run_live(const struct ctl_args *args, struct top *top)
{
	const char *trouble = top_terminal_open();
	sigset_t mask;
	int r;

	if (trouble)
		return ctl_error(args, CTL_USAGE, "Usage", "top: %s", trouble);
	catch_signals(&mask);
	r = loop(top, &mask);
	top_terminal_close();
	if (r < 0)
		return ctl_error(args, CTL_FAILED, "GenericError", "top: %s",
				 strerror(-r));
	return CTL_DONE;
}

/* ---- a picture as text ---- */

static int once_columns(void)
{
	const char *text = getenv("COLUMNS");
	struct winsize size;
	long columns = text ? strtol(text, NULL, 10) : 0;

	if (columns >= TOP_COLUMNS_MIN && columns <= ONCE_COLUMNS_MAX)
		return (int)columns;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
	    size.ws_col >= TOP_COLUMNS_MIN)
		return size.ws_col;
	return ONCE_COLUMNS;
}

static int run_once(const struct ctl_args *args, struct top *top)
{
	bool done = top_round_begin(&top->round, top->view);

	while (!done) {
		struct pollfd fd = { .fd = top->round.asking.fd,
				     .events = POLLIN };

		poll(&fd, 1, top_round_timeout_ms(&top->round, top->view));
		done = top_round_turn(&top->round, top->view);
	}
	if (*top->view->trouble &&
	    top->round.asking.asked == EBB_ASKED_UNREACHABLE)
		return ctl_error(args, CTL_UNREACHABLE, "Unreachable", "%s",
				 top->view->trouble);
	if (*top->view->trouble)
		return ctl_error(args, CTL_FAILED, "GenericError", "%s",
				 top->view->trouble);
	top->view->once = true;
	if (top_cells_resize(&top->cells, top_rows_wanted(top->view),
			     once_columns()) < 0)
		return ctl_error(args, CTL_FAILED, "GenericError",
				 "out of memory");
	top_draw(top->view, &top->cells);
	top_cells_print(&top->cells, stdout);
	return CTL_DONE;
}

int ctl_top(const struct ctl_args *args)
{
	struct top top = { 0 };
	int status;

	if (ctl_given(args, CTL_OPT_JSON))
		return ctl_usage(args, "top has no JSON. Use list --json and "
				       "explain --json.");
	top.view = top_view_new(args->interval_ms ? args->interval_ms
						  : (uint32_t)TOP_INTERVAL_MS);
	if (!top.view)
		return ctl_error(args, CTL_FAILED, "GenericError",
				 "out of memory");
	top.cells.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	gethostname(top.view->host_name, sizeof(top.view->host_name) - 1);
	ctl_clean(top.view->host_name, false);
	top_round_init(&top.round, args->socket, args->uri);
	status = ctl_given(args, CTL_OPT_ONCE) ? run_once(args, &top)
					       : run_live(args, &top);
	top_round_clear(&top.round);
	top_cells_clear(&top.cells);
	top_view_free(top.view);
	return status;
}
