/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The event loop, and how long it was away.
 *
 * Theory of operation
 * ===================
 *
 * One thread runs libvirt's event loop, owns all state, and must never wait:
 * while it does, every domain, every request and the end of ebbd wait with it.
 * So each callback is measured. The time that the thread was ready to run but
 * had no processor is the machine's and not counted (schedstat of the thread).
 * A callback that takes longer than EBB_LOOP_AWAY_MS_MAX is a defect:
 * ebbd logs it with its name, and answers who asks for the daemon's status
 * with the longest one.
 *
 * The loop is libvirt's (host/libvirt/loop.c), which its connection needs
 * anyway; nobody else knows that, so rooms below libvirt/ can use it.
 *
 * All functions but ebb_loop_init() are for the loop's thread.
 */
#ifndef EBB_HOST_LOOP_H
#define EBB_HOST_LOOP_H

#include <stdint.h>

enum {
	EBB_LOOP_AWAY_MS_MAX = 50
};

/* What a descriptor is watched for; errors and hang-ups are always told. */
enum ebb_loop_events {
	EBB_LOOP_READABLE = 1 << 0,
	EBB_LOOP_WRITABLE = 1 << 1,
	EBB_LOOP_ERROR = 1 << 2,
	EBB_LOOP_HANGUP = 1 << 3,
};

typedef void (*ebb_loop_watch_fn)(int watch, int fd, int events, void *opaque);
typedef void (*ebb_loop_timer_fn)(int timer, void *opaque);

/**
 * struct ebb_loop_away - the callback that kept the loop longest
 * @longest_ns: how long, without waiting for a processor
 * @name: of its function, or as it said of itself
 */
struct ebb_loop_away {
	uint64_t longest_ns;
	const char *name;
};

/* On the thread that will run the loop. Returns 0 or -ENOMEM. */
int ebb_loop_init(void);

/* Waits for the next events and calls back. Returns 0 or -EIO. */
int ebb_loop_turn(void);

/*
 * Calls @fn for @events of @fd, until ebb_loop_unwatch(), which a callback may
 * call for itself. Returns a number from 0 on for the watch, or -ENOMEM.
 */
#define ebb_loop_watch(fd, events, fn, opaque) \
	ebb_loop_watch_named(fd, events, fn, opaque, #fn)
int ebb_loop_watch_named(int fd, int events, ebb_loop_watch_fn fn, void *opaque,
			 const char *name);
void ebb_loop_watch_set(int watch, int events);
void ebb_loop_unwatch(int watch);

/*
 * Calls @fn each @period_ms, at once the first time with 0, never with -1.
 * Returns a number from 0 on for the timer, or -ENOMEM.
 */
#define ebb_loop_timer(period_ms, fn, opaque) \
	ebb_loop_timer_named(period_ms, fn, opaque, #fn)
int ebb_loop_timer_named(int period_ms, ebb_loop_timer_fn fn, void *opaque,
			 const char *name);
void ebb_loop_timer_set(int timer, int period_ms);
void ebb_loop_timer_remove(int timer);

/*
 * For a callback that works for others: what it does now has this name, a
 * literal, in the report.
 */
void ebb_loop_doing(const char *name);

/* Of all callbacks so far; all zero before the first. */
struct ebb_loop_away ebb_loop_longest(void);

#endif /* EBB_HOST_LOOP_H */
