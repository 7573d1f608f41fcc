/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/base/loop.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <libvirt/libvirt.h>

#include "common/clock.h"

_Static_assert((int)EBB_LOOP_READABLE == VIR_EVENT_HANDLE_READABLE &&
		       (int)EBB_LOOP_WRITABLE == VIR_EVENT_HANDLE_WRITABLE &&
		       (int)EBB_LOOP_ERROR == VIR_EVENT_HANDLE_ERROR &&
		       (int)EBB_LOOP_HANGUP == VIR_EVENT_HANDLE_HANGUP,
	       "events are passed on as they are");

struct entry {
	union {
		ebb_loop_watch_fn watch;
		ebb_loop_timer_fn timer;
	} call;
	void *opaque;
	const char *name;
};

/* The loop is one for the process, as libvirt's is. */
static struct {
	int schedstat_fd;
	struct ebb_loop_away longest;
	const char *doing; /* of the callback that runs, or NULL */
} loop = { .schedstat_fd = -1 };

/* How long the thread has waited for a processor; 0 where that is unknown. */
static uint64_t run_delay_ns(void)
{
	char text[128];
	unsigned long long ran_ns, delay_ns;
	ssize_t bytes = pread(loop.schedstat_fd, text, sizeof(text) - 1, 0);

	if (bytes <= 0)
		return 0;
	text[bytes] = '\0';
	return sscanf(text, "%llu %llu", &ran_ns, &delay_ns) == 2 ? delay_ns
								  : 0;
}

struct start {
	uint64_t now_ns;
	uint64_t delay_ns;
};

static struct start note_start(void)
{
	loop.doing = NULL;
	return (struct start){ ebb_now_ns(), run_delay_ns() };
}

/* @name is a literal, so it may outlive its entry. */
static void note_end(struct start start, const char *name)
{
	uint64_t away_ns = ebb_now_ns() - start.now_ns;
	uint64_t delay_ns;

	if (away_ns <= loop.longest.longest_ns)
		return;
	delay_ns = run_delay_ns() - start.delay_ns;
	away_ns = away_ns > delay_ns ? away_ns - delay_ns : 0;
	if (away_ns <= loop.longest.longest_ns)
		return;
	loop.longest = (struct ebb_loop_away){ away_ns,
					       loop.doing ? loop.doing : name };
}

static void on_watch(int watch, int fd, int events, void *opaque)
{
	struct entry entry = *(struct entry *)opaque;
	struct start start = note_start();

	entry.call.watch(watch, fd, events, entry.opaque);
	note_end(start, entry.name);
}

static void on_timer(int timer, void *opaque)
{
	struct entry entry = *(struct entry *)opaque;
	struct start start = note_start();

	entry.call.timer(timer, entry.opaque);
	note_end(start, entry.name);
}

int ebb_loop_init(void)
{
	if (virEventRegisterDefaultImpl() < 0)
		return -ENOMEM;
	loop.schedstat_fd =
		open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	return 0;
}

int ebb_loop_turn(void)
{
	return virEventRunDefaultImpl() < 0 ? -EIO : 0;
}

static struct entry *new_entry(void *opaque, const char *name)
{
	struct entry *entry = calloc(1, sizeof(*entry));

	if (entry)
		*entry = (struct entry){ .opaque = opaque, .name = name };
	return entry;
}

int ebb_loop_watch_named(int fd, int events, ebb_loop_watch_fn fn, void *opaque,
			 const char *name)
{
	struct entry *entry = new_entry(opaque, name);
	int watch;

	if (!entry)
		return -ENOMEM;
	entry->call.watch = fn;
	watch = virEventAddHandle(fd, events, on_watch, entry, free);
	if (watch < 0) {
		free(entry);
		return -ENOMEM;
	}
	return watch;
}

void ebb_loop_watch_set(int watch, int events)
{
	virEventUpdateHandle(watch, events);
}

void ebb_loop_unwatch(int watch)
{
	virEventRemoveHandle(watch);
}

int ebb_loop_timer_named(int period_ms, ebb_loop_timer_fn fn, void *opaque,
			 const char *name)
{
	struct entry *entry = new_entry(opaque, name);
	int timer;

	if (!entry)
		return -ENOMEM;
	entry->call.timer = fn;
	timer = virEventAddTimeout(period_ms, on_timer, entry, free);
	if (timer < 0) {
		free(entry);
		return -ENOMEM;
	}
	return timer;
}

void ebb_loop_timer_set(int timer, int period_ms)
{
	virEventUpdateTimeout(timer, period_ms);
}

void ebb_loop_timer_remove(int timer)
{
	virEventRemoveTimeout(timer);
}

void ebb_loop_doing(const char *name)
{
	loop.doing = name;
}

struct ebb_loop_away ebb_loop_longest(void)
{
	return loop.longest;
}
