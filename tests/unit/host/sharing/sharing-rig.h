/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The loop that shares memory out, with the workers as they are, a clock that waits for
 * nothing (fake-time.h), and domains and budgets that are played. A test links this with
 * $(sharing_rig_ldflags).
 */
#ifndef EBB_TESTS_SHARING_RIG_H
#define EBB_TESTS_SHARING_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/base/loop.h"
#include "host/sharing/state.h"
#include "tests/unit/host/control/fake-call.h"

enum {
	GUESTS = 3,
	MINUTE_S = 60,
	GENEROUS_S = 6000,
};

/* A domain, and the last order of it. */
struct guest {
	int index;
	bool silent; /* it says nothing new, but when it is asked */
	uint64_t woken_ns;
	bool unfound; /* its process is not known */
	bool closed; /* it has no lease */
	bool reporting; /* on rung report: it speaks only when it is asked */
	bool ballooned; /* on rung balloon: likewise its driver */
	bool plain; /* its balloon does not deflate by itself */
	uint32_t alarms; /* times that it needed what that held */
	bool paged; /* on rung pageout: the host's books speak of it */
	bool hangs; /* it does not answer, either */
	bool young; /* it boots */
	bool in_job; /* of libvirt's */
	uint32_t jobs_ended;
	uint32_t asked_job;
	bool held; /* its reclaim does not end */
	bool queued; /* likewise, and does not begin */
	bool resting; /* its reclaim is gentle, and rests for ever */
	bool mute; /* its agent does not tell its working set */
	bool boasts; /* it tells the largest number that can be told */
	bool filed_nowhere; /* its memory is in no files: what it has is read */
	bool usage_known;
	uint64_t free_bytes;
	uint64_t resident_bytes;
	uint64_t swapped_bytes;
	uint64_t balloon_bytes;
	enum ebb_reclaim_end end;
	const char *reason; /* of that; NULL: none */
	uint32_t orders;
	uint64_t ordered_ns; /* the last one */
	uint32_t withdrawn;
	uint32_t hurried; /* gentle ones */
	uint32_t given_back; /* by its balloon, unasked */
	bool pending;
	struct ebb_reclaim_order order;
	uint32_t asked_facts;
	uint64_t working_set_ns; /* when it was told; 0: never */
};

/**
 * struct sharing_rig - all but @state_dir is set anew before each test
 * @begun_ns: the test
 * @state_dir: where pauses are kept; empty: nowhere
 * @known_to_libvirt: libvirt knows the last guest, and no other, though it does not run
 * @out_of_memory: where a domain becomes text
 */
struct sharing_rig {
	struct ebb_config config;
	struct ebb_sharing *sharing;
	struct guest guests[GUESTS];
	uint64_t begun_ns;
	char state_dir[64];
	bool known_to_libvirt;
	bool out_of_memory;

	/* Workers read it: see set_available(). */
	struct {
		uint64_t available_bytes;
		bool unreadable; /* the budgets are */
		bool unplaced; /* it is unknown which nodes the guests lie in */
		uint32_t reads;
		uint32_t slices; /* budgets beside the host */
	} host;

	/* Lines in the log, by what they tell of, and the last text of some. */
	struct {
		uint32_t infos, debugs; /* orders of web1 */
		uint32_t failures;
		uint32_t needs_began, needs_ended, covers_lost, covers_back;
		uint32_t newcomers; /* that are not covered */
		char newcomer[512];
		uint32_t unknowns; /* domains whose debt is not known */
		char unknown[1024];
	} log;
};

extern struct sharing_rig rig;

/* ---- the guests: sharing-guests.c ---- */

struct ebb_vm *vm_of(struct guest *guest);

void end_job(struct guest *guest);

/* An order that is held or queued. */
void end_order(struct guest *guest, enum ebb_reclaim_end end, uint64_t bytes);

/* ---- the host ---- */

void set_available(uint64_t bytes);
void set_unplaced(bool unplaced);
void set_unreadable(bool unreadable);

/* It is in need, and pressure tells so. */
void fall_short(void);

/* How often the budgets were read. */
uint32_t count_reads(void);

/* ---- ebbd ---- */

void start(bool dry_run);

/* What was asked of workers is done before. */
void end_ebbd(void);

/* A domain runs, or does no more. */
void come(int index);
void go(int index);

/* Starts ebbd, which asks the first guest and still waits for it. */
struct guest *start_with_order(void);

/* Answers are in fake_call. */
void call(const char *command, const char *arguments);

/*
 * A member of what is explained of web1, and proof that a snapshot of the explanation is
 * decided alike.
 */
const char *explained(const char *member);

/* A member of a budget. */
const char *of_budget(struct json_object *budgets, uint32_t index,
		      const char *member);

/* ---- time ---- */

#define UNTIL(is_so)                                            \
	do {                                                    \
		uint64_t since_ns_ = ebb_now_ns();              \
		while (!(is_so)) {                              \
			assert_true(ebb_now_ns() - since_ns_ <  \
				    GENEROUS_S * EBB_NS_PER_S); \
			ebb_loop_turn();                        \
		}                                               \
	} while (0)

/* So many seconds. */
void pass(int s);

/* ---- for main() ---- */

#define SHARING_TEST(name) \
	cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int set_up(void **state);
int tear_down(void **state);
int set_up_group(void **state);
int tear_down_group(void **state);

#endif /* EBB_TESTS_SHARING_RIG_H */
