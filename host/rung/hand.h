/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ebb's hand on the balloon of one domain: what it holds by it, and the way to it.
 *
 * Theory of operation
 * ===================
 *
 * The problem. A balloon that is left inflated is a guest that cannot grow. So what Ebb
 * holds has one owner at each moment, who reads the guest's statistics and gives it all
 * back in time: the reclaim that inflates it while that runs, and the vm's guard on the
 * event loop else (host/domain/vm_guard.c). They hand this struct on at the beginning
 * and the end of the reclaim's job, which orders their accesses.
 *
 * Neither may wait for a QEMU that hangs. So what is asked of libvirt is a question of
 * an asker's (asker.h), over a line of the domain's own (host/libvirt/balloon.h): one is
 * out at a time, and if its answer never comes that costs this domain its guard, which
 * is told, and no other anything.
 *
 * What is held is known by the record alone. It is set here when the act that writes it
 * is asked for: if that fails, or its answer does not come, it says more than is held,
 * which the next statistics show. What is given back is what was taken at most: the
 * balloon may have been inflated further by somebody else, and that stays.
 */
#ifndef EBB_HOST_HAND_H
#define EBB_HOST_HAND_H

#include "host/interface/status.h"
#include "host/libvirt/balloon.h"
#include "host/libvirt/virt.h"

struct ebb_asker;

enum {
	/* Who does not answer for so long hangs. */
	EBB_HAND_ANSWER_S = 5
};

/**
 * struct ebb_hand
 * @uri: of libvirt
 * @asker, @line: made when they are needed; @line is the question's while one is out
 * @asked_ns: when the question that is out was asked, or the last one
 * @record: what Ebb holds
 */
struct ebb_hand {
	char uri[EBB_URI_BYTES_MAX];
	char uuid[EBB_UUID_TEXT_BYTES];
	struct ebb_asker *asker;
	struct ebb_balloon_line *line;
	uint64_t asked_ns;
	struct ebb_balloon_record record;
};

/**
 * struct ebb_hand_answer - what came of an act
 * @result: as of ebb_balloon_line_act()
 */
struct ebb_hand_answer {
	int result;
	struct ebb_balloon_stats stats;
	char error[EBB_BALLOON_ERROR_BYTES];
};

void ebb_hand_init(struct ebb_hand *hand, const char *uri, const char *uuid);

/*
 * Lets go of the line, not of what is held (blocks, but not for an answer that is out).
 * Fine after ebb_hand_init() alone.
 */
void ebb_hand_release(struct ebb_hand *hand);

static inline bool ebb_hand_holds(const struct ebb_hand *hand)
{
	return hand->record.base_bytes > 0;
}

/* Never waits. Returns 0, -EBUSY (a question is out), -ENOMEM or -EAGAIN. */
int ebb_hand_ask(struct ebb_hand *hand, const struct ebb_balloon_act *act);

bool ebb_hand_is_asked(const struct ebb_hand *hand);

/* Whether the answer is there; waits for it until @until_ns, 0: does not wait. */
bool ebb_hand_take(struct ebb_hand *hand, uint64_t until_ns,
		   struct ebb_hand_answer *ret_answer);

/*
 * ebb_hand_do - asks and waits (blocks, for EBB_HAND_ANSWER_S at most; if a question is
 * out, as long for its answer before that)
 *
 * Returns the act's result, -ETIMEDOUT, or as ebb_hand_ask(); with words in @ret_answer.
 */
int ebb_hand_do(struct ebb_hand *hand, const struct ebb_balloon_act *act,
		struct ebb_hand_answer *ret_answer);

/*
 * What the guest's driver says now (blocks, for some seconds). Its statistics get a
 * period for as long as that takes, and then @period_s again; the end of ebbd waits for
 * that. Returns 0, -ENODATA (it does not answer), -ECANCELED (ebbd ends), or as
 * ebb_hand_do().
 */
int ebb_hand_hear_driver(struct ebb_hand *hand, uint32_t period_s,
			 struct ebb_hand_answer *ret_answer);

/*
 * Whether it answers: likewise, but by what it said within its period if it has one.
 */
int ebb_hand_try_driver(struct ebb_hand *hand, uint32_t period_s,
			struct ebb_hand_answer *ret_answer);

/*
 * Pure. The record where the domain has @memory_bytes now: what was plugged or unplugged
 * since is in none of what the balloon holds. One that cannot be so holds nothing.
 */
struct ebb_balloon_record
ebb_hand_record_now(const struct ebb_balloon_record *record,
		    uint64_t memory_bytes);

/* Pure. What of the balloon is Ebb's. */
uint64_t ebb_hand_held_bytes(const struct ebb_balloon_record *record,
			     const struct ebb_balloon_stats *stats);

/* Pure. Whether it leaves more than it did before Ebb: somebody made it smaller. */
bool ebb_hand_is_above(const struct ebb_balloon_record *record,
		       const struct ebb_balloon_stats *stats);

/* Pure. Gives all back; the balloon stays as it is where ebb_hand_is_above(). */
struct ebb_balloon_act
ebb_hand_give_back(const struct ebb_balloon_record *record,
		   const struct ebb_balloon_stats *stats);

#endif /* EBB_HOST_HAND_H */
