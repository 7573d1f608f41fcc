/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One domain among those that memory is shared out to: what was heard and asked of
 * it, and what the policy is to know.
 *
 * It is there from when its vm comes to when that has gone and its last order has
 * ended. The event loop's thread alone has it.
 */
#ifndef EBB_HOST_MEMBER_H
#define EBB_HOST_MEMBER_H

#include <stdbool.h>
#include <stdint.h>

#include "host/base/pace.h"
#include "host/budget/budget.h"
#include "host/domain/reclaim_order.h"
#include "host/domain/sight.h"
#include "host/interface/settings.h"
#include "host/policy/policy.h"
#include "host/policy/words.h"
#include "host/sharing/growth.h"
#include "host/sharing/refill.h"
#include "host/sharing/stall.h"
#include "host/sharing/window.h"

struct ebb_sharing;
struct ebb_subject;

/**
 * struct ebb_member_last - what was decided of it last
 * @ns: when; 0: never
 * @why, @asked_bytes, @words: the decision
 * @dry_run: it was not carried out
 * @told: it was an event
 * @done: it was, and ended
 * @came_bytes: what came of it so far
 * @ended: a stable word: of a reclaim's end or a refusal
 */
struct ebb_member_last {
	uint64_t ns;
	enum ebb_policy_why why;
	uint64_t asked_bytes;
	char words[EBB_POLICY_WORDS_BYTES];
	bool dry_run;
	bool told;
	bool done;
	uint64_t came_bytes;
	char ended[32];
};

/**
 * struct ebb_member_order - what an order of now was decided from
 * @ns: when
 * @for_need: a budget was in need
 * @gentle: nobody waits for it, and its rung can do with that
 * @set: by people. Percents of what a balloon leaves change without them
 */
struct ebb_member_order {
	uint64_t ns;
	bool for_need;
	bool gentle;
	struct ebb_policy_settings set;
};

/**
 * struct ebb_member
 * @number: ascends with each that comes
 * @vm: NULL: it has gone, and an order of its has not ended
 * @subject: whose samples are kept; NULL: none are
 * @stall: what the agent said last of its pressure
 * @exempt: an operator paused the policy for it
 * @ordered: an order of ours has not ended: @order
 * @seldom: it says something only when its agent, or its balloon's driver, is asked, as
 *	there is no ring
 * @asked_facts_ns: when its agent was asked for its working set last
 * @refill: what a libvirt job made resident
 * @growth: what it came to use since it told its working set
 * @swap_full_ns: when nothing more of it went into swap, as that was full; 0: it did
 * @balloon_alarms: of its vm's, those that the policy knows of
 * @ballooned: its balloon took something for the policy, and may hold it
 * @ease_ns: since when nobody needs that; 0: somebody may
 * @parts_known: else it lies in other budgets, too, or may
 * @cover_told: whether its budgets could give it what it may take was looked at
 * @debt_unknown, @debt_unknown_ns: not even the most that it may take back is known, and
 *	since when
 * @debt_told: that this is so for long
 * @stuck_told: that it is stuck was told, and not yet that it is so no more
 * @stuck_pace: of that
 * @told_why, @told_bytes: of the decision that was told last; 0 bytes: none was
 * @part_count, @parts: the budgets it lies in, of the list that was read last
 */
struct ebb_member {
	struct ebb_sharing *sharing;
	uint64_t number;
	struct ebb_vm *vm;
	char name[EBB_NAME_BYTES_MAX];
	char uuid[EBB_UUID_TEXT_BYTES];
	struct ebb_subject *subject;
	struct ebb_stall stall;
	bool exempt;
	bool ordered;
	bool seldom;
	struct ebb_member_order order;
	uint64_t asked_facts_ns;
	struct ebb_window window;
	struct ebb_refill refill;
	struct ebb_growth growth;
	uint64_t swap_full_ns;
	uint32_t balloon_alarms;
	bool ballooned;
	uint64_t ease_ns;
	struct ebb_policy_history history;
	struct ebb_member_last last;
	bool cover_told;
	bool stuck_told;
	struct ebb_pace stuck_pace;
	bool debt_unknown;
	uint64_t debt_unknown_ns;
	bool debt_told;
	enum ebb_policy_why told_why;
	uint64_t told_bytes;
	bool parts_known;
	uint32_t part_count;
	struct ebb_policy_part parts[EBB_POLICY_PARTS_MAX];
};

/* All of them, by ascending number. */
struct ebb_members {
	uint32_t count;
	uint32_t capacity;
	struct ebb_member **items;
};

/* Takes the guest's word, by loads, and sees whether others read its memory. */
void ebb_member_hear(struct ebb_member *member, uint64_t now_ns);

/**
 * ebb_member_picture - what the policy is to know of it now
 * @budget_count: its parts are indexes below that
 */
void ebb_member_picture(const struct ebb_member *member, uint32_t budget_count,
			uint64_t now_ns, struct ebb_policy_domain *ret_domain);

/* Whether @name is its name or its UUID, or empty, for all domains. */
bool ebb_member_is_called(const struct ebb_member *member, const char *name);

/* Whether swap was full a short while ago: nothing of it is paged out until that is over. */
bool ebb_member_is_swap_full(const struct ebb_member *member, uint64_t now_ns);

/*
 * Whether it could be asked if there was a word that is not old, or, where it speaks
 * seldom, that is younger than the last decision about it. It is idle, so its kernel
 * refreshes its facts seldom; or it says nothing unless it is asked; or it hangs.
 */
bool ebb_member_is_silent(const struct ebb_member *member,
			  const struct ebb_policy_domain *domain,
			  uint64_t now_ns);

/*
 * Has it asked, which wakes the guest: not more often than each
 * EBB_MEMBER_ASK_NS, or EBB_MEMBER_ASK_NEED_NS if its budget is in need. Returns whether
 * it was.
 */
#define EBB_MEMBER_ASK_NS (30 * EBB_NS_PER_S)
#define EBB_MEMBER_ASK_NEED_NS (3 * EBB_NS_PER_S)
bool ebb_member_want_facts(struct ebb_member *member, bool in_need,
			   uint64_t now_ns);

/* What came of an order, for the policy. */
void ebb_member_note(struct ebb_member *member,
		     const struct ebb_reclaim_report *report, uint64_t now_ns);

#endif /* EBB_HOST_MEMBER_H */
