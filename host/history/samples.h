/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file of samples of one subject: a domain or a budget.
 *
 * Theory of operation
 * ===================
 *
 * Two rings in one file of a fixed size. The fine one has a record for each
 * EBB_FINE_S of the last EBB_FINE_COUNT of them, the coarse one a record of the least,
 * the average and the greatest for each EBB_FINE_PER_COARSE of these.
 *
 * The place of a record follows from its time, and its time is in it: so nothing points
 * to the newest, a record of the ring's last round is told from one of this by itself,
 * and a gap costs nothing. A coarse record is always made anew from the fine ones that
 * it is of, whenever one of them is written: so there is no sum that a restart of ebbd
 * could lose, and nothing to be kept in memory until a span is over.
 *
 * Each record has a check of its own. What was half written when the power failed, or was
 * damaged later, is a gap, and no more.
 *
 * When the clock was set back, records of times to come are wiped: they would come up
 * as the truth later. Not so if it is behind them by more than a day: a host whose clock
 * is wrong until it has the time of others would lose all at each boot. They are not
 * shown until then, and what is seen then takes their place.
 *
 * The alternatives. RRDtool does the same, but a file is only good as a whole, needs
 * its library, and updates it by mmap(): a full disk is SIGBUS then. SQLite keeps
 * anything, but neither its size nor how long a write waits (for fsync()) is bounded,
 * and a thousand domains each 10 s are a hundred inserts a second. A log of all
 * domains in one file is the least to write, and has to be read as a whole to show one.
 *
 * In the byte order of the machine: it never leaves it. For workers alone; what is here
 * has no state.
 */
#ifndef EBB_HOST_SAMPLES_H
#define EBB_HOST_SAMPLES_H

#include <stdbool.h>
#include <stdint.h>

#include "host/history/store.h"
#include "host/interface/history.h"
#include "host/interface/rung_id.h"

enum {
	EBB_FINE_S = 10,
	EBB_FINE_COUNT = 2160, /* six hours */
	EBB_FINE_PER_COARSE = 30, /* five minutes */
	EBB_COARSE_COUNT = 2016, /* seven days */
	/* Sizes are kept in pages of this. */
	EBB_SAMPLES_UNIT_BYTES = 4096,
	EBB_SAMPLES_NAME_BYTES = 48,
	EBB_SAMPLES_NO_RUNG = UINT8_MAX,
};

/* Whose samples they are. Of a budget, @uuid is empty. */
struct ebb_subject_key {
	enum ebb_history_kind kind;
	char name[EBB_NAME_BYTES_MAX];
	char uuid[40];
};

/**
 * struct ebb_fine - what was seen at one time
 * @slot: its time since 1970, in EBB_FINE_S
 * @check: of the record on disk
 * @values: by enum ebb_domain_series or ebb_budget_series; sizes in
 *	EBB_SAMPLES_UNIT_BYTES
 * @rung: enum ebb_rung_id, or EBB_SAMPLES_NO_RUNG
 * @known: a bit for each of @values
 */
struct ebb_fine {
	uint32_t slot;
	uint32_t check;
	uint32_t values[EBB_HISTORY_SERIES];
	uint8_t rung;
	uint8_t known;
	uint16_t zero;
};

/* A value in the unit of its series: not more than there is room for. */
uint32_t ebb_samples_pack(enum ebb_history_kind kind, unsigned int series,
			  uint64_t value);

static inline void ebb_fine_set(struct ebb_fine *fine,
				enum ebb_history_kind kind, unsigned int series,
				uint64_t value)
{
	fine->values[series] = ebb_samples_pack(kind, series, value);
	fine->known = (uint8_t)(fine->known | 1U << series);
}

/* Of the directory. @ret_name: EBB_SAMPLES_NAME_BYTES. */
void ebb_samples_name(const struct ebb_subject_key *key, char *ret_name);

/* Whether a file of that name is one of these. */
bool ebb_samples_is_name(const char *name);

/*
 * Whose file it is. Returns 0, -ENODATA (nothing is written yet), -EBADMSG (it makes no
 * sense, or is of another ebbd) or -errno.
 */
int ebb_samples_identify(const struct ebb_store *store, const char *name,
			 struct ebb_subject_key *ret_key);

/**
 * ebb_samples_write - keep records
 * @fines: by ascending slot; no two of one
 * @wipe: records that are later than the last of @fines are of a clock that was set back,
 *	if by no more than a day
 * @ret_set_aside: a file made no sense, and was put out of the way
 *
 * Returns 0 or -errno; then any of them may not be kept.
 */
int ebb_samples_write(const struct ebb_store *store,
		      const struct ebb_subject_key *key,
		      const struct ebb_fine *fines, uint32_t count, bool wipe,
		      bool *ret_set_aside);

/**
 * struct ebb_samples_span - what is asked for
 * @since_ms, @until_ms: from the one on, and before the other
 * @step_ms: a multiple of EBB_FINE_S, or of as much as a coarse record is of
 * @coarse: of these
 */
struct ebb_samples_span {
	uint64_t since_ms;
	uint64_t until_ms;
	uint64_t step_ms;
	bool coarse;
};

/*
 * Makes of what a person asks for, at @now_ms, what is there: not more points than
 * there is room for in an answer, and coarse ones if fine ones do not go back so far.
 */
struct ebb_samples_span
ebb_samples_plan(const struct ebb_history_request *request, uint64_t now_ms);

/**
 * ebb_samples_read - what is kept, and what is not yet
 * @store: may be none
 * @fines: by ascending slot, not written yet
 * @wipe: as of ebb_samples_write(), with which they will be
 * @ret_points: room for ebb_samples_points() of @span
 *
 * A file that makes no sense is as none: who writes next sets it aside. Returns how
 * many points there are, or -errno.
 */
int ebb_samples_read(const struct ebb_store *store,
		     const struct ebb_subject_key *key,
		     const struct ebb_fine *fines, uint32_t count, bool wipe,
		     const struct ebb_samples_span *span,
		     struct ebb_history_point *ret_points);

uint32_t ebb_samples_points(const struct ebb_samples_span *span);

#endif /* EBB_HOST_SAMPLES_H */
