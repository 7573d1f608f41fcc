/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * An event loop that waits for nothing: hours of a daemon's timers are milliseconds of a test.
 *
 * Theory of operation
 * ===================
 *
 * The clock stands still while there is something to do: a timer that is due, or a job of a
 * worker. When there is nothing, it goes on to the next timer at once. So each timer comes at
 * the nanosecond at which it is due, on a machine that is busy, too, and a job takes no time.
 *
 * Descriptors and workers are as they are. A test links this with $(fake_time_ldflags).
 */
#ifndef EBB_TESTS_FAKE_TIME_H
#define EBB_TESTS_FAKE_TIME_H

#include "host/base/worker.h"

/* The clock stands still while one of these has a job. */
void fake_time_watch_workers(struct ebb_workers *workers);

#endif /* EBB_TESTS_FAKE_TIME_H */
