/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/budget/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "host/base/loop.h"
#include "host/budget/text.h"

/* A cgroup with a limit. @number: inotify's; -1: it has no events. */
struct followed {
	char *dir;
	int number;
	bool listed;
};

struct ebb_watch {
	void (*fn)(void *opaque);
	void *opaque;
	struct ebb_pressure pressure;
	int epoll_fd;
	int pressure_watch;
	int inotify_fd;
	int inotify_watch;
	int rest_timer;
	uint32_t count;
	uint32_t left_out;
	struct followed items[EBB_WATCH_CGROUPS_MAX];
};

/* ---- the trigger ---- */

static int write_trigger(int fd, int stall_us, int window_us)
{
	char text[64];
	int length =
		snprintf(text, sizeof(text), "some %d %d", stall_us, window_us);

	/* With the zero byte: the kernel cuts the last one off. */
	return write(fd, text, (size_t)length + 1) < 0 ? -errno : 0;
}

struct ebb_pressure ebb_watch_open_pressure(const char *root)
{
	struct ebb_pressure pressure = { .fd = -1 };
	int window_us = EBB_WATCH_WINDOW_US;
	char path[EBB_TEXT_PATH_BYTES];
	int fd ebb_auto_close = -1;
	int r = -ENAMETOOLONG;

	if (snprintf(path, sizeof(path), "%s/proc/pressure/memory", root) <
	    (int)sizeof(path)) {
		fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
		r = fd < 0 ? -errno : 0;
	}
	if (r == 0)
		r = write_trigger(fd, EBB_WATCH_STALL_US, window_us);
	if (r < 0 && fd >= 0) {
		window_us = EBB_WATCH_SLOW_WINDOW_US;
		r = write_trigger(fd, EBB_WATCH_SLOW_STALL_US, window_us);
	}
	if (r < 0) {
		pressure.error = r;
		return pressure;
	}
	pressure.window_ms = (uint32_t)window_us / 1000;
	pressure.fd = ebb_steal_fd(&fd);
	return pressure;
}

/* ---- telling ---- */

/* What happens while the watch rests is kept by the kernel until then. */
static void set_watches(const struct ebb_watch *watch, int events)
{
	if (watch->pressure_watch >= 0)
		ebb_loop_watch_set(watch->pressure_watch, events);
	if (watch->inotify_watch >= 0)
		ebb_loop_watch_set(watch->inotify_watch, events);
}

static void tell(struct ebb_watch *watch)
{
	set_watches(watch, 0);
	ebb_loop_timer_set(watch->rest_timer, EBB_WATCH_REST_MS);
	watch->fn(watch->opaque);
}

static void on_rested(int timer, void *opaque)
{
	ebb_loop_timer_set(timer, -1);
	set_watches(opaque, EBB_LOOP_READABLE);
}

static void stop_pressure(struct ebb_watch *watch)
{
	if (watch->pressure_watch >= 0)
		ebb_loop_unwatch(watch->pressure_watch);
	ebb_close_fd(&watch->epoll_fd);
	ebb_close_fd(&watch->pressure.fd);
	watch->pressure_watch = watch->epoll_fd = watch->pressure.fd = -1;
}

static void on_pressure(int loop_watch, int fd, int events, void *opaque)
{
	struct ebb_watch *watch = opaque;
	struct epoll_event event = { .events = 0 };

	(void)loop_watch;
	(void)events;
	/* To poll it was to take the event: mostly there is none left. */
	if (epoll_wait(fd, &event, 1, 0) > 0 && event.events & EPOLLERR) {
		stop_pressure(watch);
		watch->pressure.error = -ENODEV;
	}
	tell(watch);
}

static void forget(struct ebb_watch *watch, uint32_t i)
{
	free(watch->items[i].dir);
	watch->items[i] = watch->items[--watch->count];
}

/* The cgroup is gone; one that comes with its name is followed anew. */
static void note_gone(struct ebb_watch *watch, int number)
{
	for (uint32_t i = 0; i < watch->count; i++) {
		if (watch->items[i].number == number) {
			forget(watch, i);
			return;
		}
	}
}

/* Returns whether one of them is a limit that was reached. */
static bool take_events(struct ebb_watch *watch, const char *events,
			size_t bytes)
{
	const struct inotify_event *event;
	bool reached = false;

	for (size_t at = 0; at + sizeof(*event) <= bytes;
	     at += sizeof(*event) + event->len) {
		event = (const struct inotify_event *)(events + at);
		if (event->mask & IN_IGNORED)
			note_gone(watch, event->wd);
		if (event->mask & (IN_MODIFY | IN_Q_OVERFLOW))
			reached = true;
	}
	return reached;
}

static void on_events(int loop_watch, int fd, int events, void *opaque)
{
	struct ebb_watch *watch = opaque;
	char buffer[4096]
		__attribute__((__aligned__(__alignof__(struct inotify_event))));
	bool reached = false;
	ssize_t bytes;

	(void)loop_watch;
	(void)events;
	/* What does not fit is for the next turn. */
	bytes = read(fd, buffer, sizeof(buffer));
	if (bytes > 0)
		reached = take_events(watch, buffer, (size_t)bytes);
	if (reached)
		tell(watch);
}

/* ---- following ---- */

static void follow(struct ebb_watch *watch, const char *dir)
{
	struct followed item = { .number = -1, .listed = true };
	char path[EBB_TEXT_PATH_BYTES + 16];

	if (watch->count < EBB_WATCH_CGROUPS_MAX)
		item.dir = strdup(dir);
	if (!item.dir) {
		watch->left_out++;
		return;
	}
	snprintf(path, sizeof(path), "%s/memory.events", dir);
	if (watch->inotify_fd >= 0)
		item.number =
			inotify_add_watch(watch->inotify_fd, path, IN_MODIFY);
	watch->items[watch->count++] = item;
}

/* The item of a cgroup, mostly where the last one was; NULL: it is new. */
static struct followed *find(struct ebb_watch *watch, const char *dir,
			     uint32_t guess)
{
	for (uint32_t i = 0; i < watch->count; i++) {
		uint32_t at = (guess + i) % watch->count;

		if (strcmp(watch->items[at].dir, dir) == 0)
			return &watch->items[at];
	}
	return NULL;
}

static void forget_unlisted(struct ebb_watch *watch)
{
	for (uint32_t i = watch->count; i-- > 0;) {
		if (watch->items[i].listed)
			continue;
		if (watch->items[i].number >= 0)
			inotify_rm_watch(watch->inotify_fd,
					 watch->items[i].number);
		forget(watch, i);
	}
}

void ebb_watch_follow(struct ebb_watch *watch,
		      const struct ebb_budget_list *list)
{
	uint32_t guess = 0;

	for (uint32_t i = 0; i < watch->count; i++)
		watch->items[i].listed = false;
	for (uint32_t i = 0; i < list->count; i++) {
		const char *dir = list->budgets[i].dir;
		struct followed *item = dir ? find(watch, dir, guess) : NULL;

		if (item) {
			item->listed = true;
			guess = (uint32_t)(item - watch->items) + 1;
		}
	}
	/* First, so that there is room. */
	forget_unlisted(watch);
	watch->left_out = 0;
	guess = 0;
	for (uint32_t i = 0; i < list->count; i++) {
		const char *dir = list->budgets[i].dir;
		const struct followed *item = dir ? find(watch, dir, guess)
						  : NULL;

		if (item)
			guess = (uint32_t)(item - watch->items) + 1;
		else if (dir)
			follow(watch, dir);
	}
}

struct ebb_watch_sources ebb_watch_sources(const struct ebb_watch *watch)
{
	struct ebb_watch_sources sources = {
		.pressure_error = watch->pressure.error,
		.cgroups_deaf = watch->left_out,
	};

	if (watch->pressure_watch >= 0)
		sources.pressure_window_ms = watch->pressure.window_ms;
	for (uint32_t i = 0; i < watch->count; i++) {
		if (watch->items[i].number >= 0)
			sources.cgroups++;
		else
			sources.cgroups_deaf++;
	}
	return sources;
}

/* ---- life ---- */

static int begin_pressure(struct ebb_watch *watch)
{
	struct epoll_event event = { .events = EPOLLPRI };

	if (watch->pressure.fd < 0)
		return 0;
	watch->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (watch->epoll_fd < 0 || epoll_ctl(watch->epoll_fd, EPOLL_CTL_ADD,
					     watch->pressure.fd, &event) < 0)
		return -errno;
	watch->pressure_watch = ebb_loop_watch(
		watch->epoll_fd, EBB_LOOP_READABLE, on_pressure, watch);
	return watch->pressure_watch < 0 ? watch->pressure_watch : 0;
}

/* Without inotify no cgroup is heard, and it is said so. */
static int begin_events(struct ebb_watch *watch)
{
	watch->inotify_fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (watch->inotify_fd < 0)
		return 0;
	watch->inotify_watch = ebb_loop_watch(
		watch->inotify_fd, EBB_LOOP_READABLE, on_events, watch);
	return watch->inotify_watch < 0 ? watch->inotify_watch : 0;
}

int ebb_watch_new(struct ebb_pressure pressure, void (*fn)(void *opaque),
		  void *opaque, struct ebb_watch **ret_watch)
{
	struct ebb_watch *watch = calloc(1, sizeof(*watch));
	int r;

	if (!watch) {
		ebb_close_fd(&pressure.fd);
		return -ENOMEM;
	}
	watch->fn = fn;
	watch->opaque = opaque;
	watch->pressure = pressure;
	watch->epoll_fd = watch->pressure_watch = -1;
	watch->inotify_fd = watch->inotify_watch = -1;
	watch->rest_timer = ebb_loop_timer(-1, on_rested, watch);
	r = watch->rest_timer < 0 ? watch->rest_timer : begin_pressure(watch);
	if (r == 0)
		r = begin_events(watch);
	if (r < 0) {
		ebb_watch_free(watch);
		return r;
	}
	*ret_watch = watch;
	return 0;
}

void ebb_watch_free(struct ebb_watch *watch)
{
	if (!watch)
		return;
	stop_pressure(watch);
	if (watch->inotify_watch >= 0)
		ebb_loop_unwatch(watch->inotify_watch);
	ebb_close_fd(&watch->inotify_fd);
	if (watch->rest_timer >= 0)
		ebb_loop_timer_remove(watch->rest_timer);
	while (watch->count > 0)
		forget(watch, watch->count - 1);
	free(watch);
}
