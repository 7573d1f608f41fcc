/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was, and what happened: samples and events, for people who ask later.
 *
 * Theory of operation
 * ===================
 *
 * The problem. Someone sees that a guest became slow at night. Where did the memory go,
 * who asked for it, and why? The books of now do not tell, the journal has words but no
 * curves, and not each host has a Prometheus beside it.
 *
 * Samples (archive.h, samples.h) are what the policy looked at anyway: they are taken
 * from its picture of the moment, once in EBB_FINE_S, so that there is no timer, no
 * system call and no thread for a domain. Hours are kept in full, days coarsely, in a
 * file of a fixed size for each domain. What was not known is kept as not known.
 *
 * Events (diary.h) are what a person would want to be told: each is one line in the
 * journal, with fields, and one of the last EBB_EVENTS_KEPT that ebbd itself knows and
 * streams to those who follow.
 *
 * The clock (wall.h). People ask by the wall clock, so that is what is kept. A clock that
 * is set, and a host that sleeps, are events themselves. Where a clock was set back, what
 * is seen now takes the place of what was seen before at the same time.
 *
 * The disk. It may be full, damaged, or not answer at all, and ebbd has more important
 * things to do. So a worker of its own kind reads and writes, nothing waits for it, what
 * waits for it has a bound, and a file that makes no sense is set aside. There is no
 * fsync(): what a power failure takes are the last samples, and each record says whether
 * it is whole.
 *
 * The event loop's thread alone has it.
 */
#ifndef EBB_HOST_PAST_H
#define EBB_HOST_PAST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/log.h"
#include "host/base/worker.h"
#include "host/control/call.h"
#include "host/history/archive.h"
#include "host/history/diary.h"

struct ebb_past;

/* What ebbctl asks of it; @opaque of the handlers is the struct ebb_past. */
extern const struct ebb_control_handler ebb_past_handlers[];

/**
 * ebb_past_new - begin, with nothing read yet
 * @dir: where it is kept; "": nowhere. One that cannot be used is told of in the log, and
 *	nothing is kept
 * @uri: that is served; outlives it
 *
 * Before system calls are filtered. Returns 0 or -ENOMEM.
 */
int ebb_past_new(const char *dir, const char *uri, struct ebb_workers *workers,
		 struct ebb_past **ret_past);

/* From now on workers may run: begins to read what was kept. Returns 0 or -ENOMEM. */
int ebb_past_begin(struct ebb_past *past);

/* ebbd ends: writes what is not written, by jobs that are not waited for. */
void ebb_past_end(struct ebb_past *past);

/* No job may run. NULL is fine. */
void ebb_past_free(struct ebb_past *past);

/* ---- samples ---- */

/*
 * Whether it is time for a sample of each domain and budget, which are put then, and
 * ebb_past_ticked() is called. To be asked at each look. Without @past it never is.
 */
bool ebb_past_is_time(struct ebb_past *past);

/* How long until it is time, if it is not now. */
uint64_t ebb_past_wait_ms(void);

/*
 * A domain is there from now on. Returns what its samples are put into, until
 * ebb_past_went(), or NULL: none are kept yet; ask again at the next sample.
 */
struct ebb_subject *ebb_past_came(struct ebb_past *past, const char *name,
				  const char *uuid);
void ebb_past_went(struct ebb_subject *domain);
void ebb_past_put_domain(struct ebb_past *past, struct ebb_subject *domain,
			 const struct ebb_fine *fine);
void ebb_past_put_budget(struct ebb_past *past, const char *name,
			 const struct ebb_fine *fine);
void ebb_past_ticked(struct ebb_past *past);

/* ---- events ---- */

/**
 * struct ebb_news - what happened; texts may be NULL
 * @by_person: @uid asked for it
 * @reason: a stable word
 */
struct ebb_news {
	enum ebb_event_kind kind;
	const char *domain;
	const char *uuid;
	const char *budget;
	const char *action;
	const char *reason;
	bool by_person;
	uid_t uid;
	uint64_t asked_bytes;
	uint64_t came_bytes;
};

/*
 * Logs the sentence, with fields, and keeps it as an event, whether it is logged at
 * @level or not. Without @past it is logged.
 */
void ebb_past_tell(struct ebb_past *past, enum ebb_log_level level,
		   const struct ebb_news *news, const char *format, ...)
	__attribute__((__format__(__printf__, 4, 5)));

#endif /* EBB_HOST_PAST_H */
