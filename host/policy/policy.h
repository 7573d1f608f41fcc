/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who gives memory, how much, and why.
 *
 * Theory of operation
 * ===================
 *
 * The problem. Memory runs short in several places at once: the host, a NUMA node,
 * a slice with a limit, a pool of huge pages. Each is a budget. Domains have memory
 * in one or more of them, and each byte that one gives has a cost: a fault for
 * memory that is free in the guest, a refault for memory that it uses seldom, a
 * stall for what it works with.
 *
 * The order. A budget in need is served in stages, each only for what the one before
 * left: free memory, from those with the most of it beyond a cushion; likewise what is
 * free in guests that have nothing but a balloon; idle memory,
 * from those whose shares by page are least, where an idle page counts more than one
 * in use (Waldspurger, Memory Resource Management in VMware ESX Server, 2002); and,
 * when the budget is nearly out of memory, what a domain holds over its share, also of
 * what it works with: its kernel can read that again, the host's would end it. What is
 * lacking then is named. Without need, each domain's mode says what it returns.
 *
 * Idle is what the guest said that it does not work with, less what it came to use since:
 * a word is of one moment, and a guest may begin to work in the next.
 *
 * By a balloon. A guest takes back what it lent by using it; what its balloon holds it
 * has back when it is seen to need it, which may be a second too late. So only a balloon
 * that gives way by itself then is used (host/sharing/member.c), for need alone, whatever
 * the mode or the max, and after what is free elsewhere. It gives slowly, so what it
 * could take is no cover for others. What it holds is owed as what was lent is: it is
 * given back as soon as the guest needs it, and whether the host has it then is not
 * asked, as the guest's kernel would kill in it otherwise. And a guest that had to have it back has its rest, though it was not asked then
 * (ebb_policy_took_back()); that it gave says nothing of whether it can do without.
 *
 * Ahead. A guest that grows takes a small budget within a second, and those that give
 * are asked once in a second at most. So a budget that is becoming less is decided about
 * as it will be in a second, by its pace of late.
 *
 * One rule for the stages. A domain gives clamp(a - b * level, 0, cap): a is what it
 * could give, b how much of a rise of the level protects it. A stage looks for the
 * level at which what all give is what is needed (level.h). So equal domains give
 * alike, more shares never give more, and no byte is asked for twice.
 *
 * The invariants. Nobody is brought below its min, or asked for more than its rung
 * can give. Nothing is asked of a domain that was not heard since it was last asked,
 * that boots, leaves, is paused or in a job, or whose facts are unknown. Nothing is
 * taken that relieves no budget in need. The same input gives the same decisions.
 *
 * Pure: no clock, no file, no log, no allocation. What must be remembered from one
 * decision to the next is in the structures, and belongs to the caller.
 */
#ifndef EBB_HOST_POLICY_H
#define EBB_HOST_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define EBB_POLICY_NONE UINT32_MAX

struct ebb_policy;

enum {
	/* Budgets that the memory of one domain lies in. */
	EBB_POLICY_PARTS_MAX = 8,
	/* Largest debts of a budget that can be told apart. */
	EBB_POLICY_COVER_GUESTS_MAX = 8,
	/* Nothing smaller is asked for: a huge page. */
	EBB_POLICY_STEP_BYTES = 2 << 20,
};

/* ---- budgets ---- */

enum ebb_policy_budget_kind {
	/* Ordinary memory: swap stands behind it. */
	EBB_POLICY_MEMORY,
	/* A pool of huge pages: nothing stands behind it. */
	EBB_POLICY_HUGE_POOL,
};

/**
 * struct ebb_policy_budget - something that can run short
 * @name: as people know it: "host", "node 1", "machine.slice"
 * @low_bytes: need begins when less than this is available
 * @high_bytes: and ends when this is; at least @low_bytes
 * @falling_bytes_per_s: so fast it was taken of late, in two looks at least. What will be
 *	gone in a second counts as gone, up to @high_bytes. 0 for a pool of huge pages: a
 *	guest that starts takes there at once all that it may
 * @pace_bytes_per_s: the same in the last look alone
 * @fast_swap_bytes: swap that takes what a guest wants back in time; 0: none
 * @cover_guests: how many of the largest debts must be covered at once
 * @for_show: no domain lies in it, so nobody could relieve it: it is never in need
 * @in_need: kept from decision to decision, false at first
 *
 * What follows is written by each decision:
 * @need_bytes: what lacks to what it wants (ebb_policy_wanted_bytes()) while it is in
 *	need
 * @met_bytes: what of it is asked for, now or before
 * @emergency: less than half of @low_bytes is available, or will be soon and less than
 *	@low_bytes is now
 * @debt_bytes: what those in a libvirt job take back, as it reads all they have, and
 *	what the @cover_guests largest debtors among the others may
 * @unknown_debts: domains of which not even the most that they may take back is known:
 *	nothing covers that
 * @cover_bytes: what could be had in time if they do
 * @promised_bytes: of what covers more than that, what this decision lends away
 * @min_bytes: what the mins of its domains add up to, each at most what the domain
 *	may use: over @limit_bytes they cannot all be kept
 * @holder: who holds most over its share, if need is left; else EBB_POLICY_NONE
 * @victim: whom the kernel would kill, likewise
 */
struct ebb_policy_budget {
	const char *name;
	enum ebb_policy_budget_kind kind;
	uint64_t limit_bytes;
	uint64_t available_bytes;
	uint64_t low_bytes;
	uint64_t high_bytes;
	uint64_t falling_bytes_per_s;
	uint64_t pace_bytes_per_s;
	uint64_t fast_swap_bytes;
	uint32_t cover_guests;
	bool for_show;
	bool in_need;

	uint64_t need_bytes;
	uint64_t met_bytes;
	bool emergency;
	uint64_t debt_bytes;
	uint32_t unknown_debts;
	uint64_t cover_bytes;
	uint64_t promised_bytes;
	uint64_t min_bytes;
	uint32_t holder;
	uint32_t victim;
};

/* ---- domains ---- */

enum ebb_policy_phase {
	/* Not known: nothing is asked of it. */
	EBB_POLICY_UNKNOWN,
	/* Its facts are not calm yet: nothing is asked of it. */
	EBB_POLICY_BOOTING,
	/* Asked as the policy finds right. */
	EBB_POLICY_SETTLED,
	/* Cannot give: nothing is asked of these three. */
	EBB_POLICY_PAUSED,
	EBB_POLICY_IN_JOB,
	EBB_POLICY_LEAVING,
	/* An operator took it out: nothing is asked of it. */
	EBB_POLICY_EXEMPT,
};

/* What a domain returns while no budget of its is in need. */
enum ebb_policy_mode {
	/* Nothing. */
	EBB_POLICY_PERFORMANCE,
	/*
	 * What was free for a minute, beyond its cushion, an eighth of it at a time; as
	 * fast as it may go what of that a libvirt job made resident.
	 */
	EBB_POLICY_BALANCED,
	/* All but its working set and its cushion. */
	EBB_POLICY_DENSITY,
};

/* @part: of the domain's memory that counts in the budget, 0 to 1. */
struct ebb_policy_part {
	uint32_t budget;
	double part;
};

/* What the rung of a domain can do. */
struct ebb_policy_rung {
	uint64_t free_bytes; /* of the guest's free memory, at most */
	bool drive; /* make the guest free what it does not work with */
	bool page_out; /* take what it works with, too */
	bool balloon; /* by a balloon: the guest does not take it back by itself */
};

/* Kept from decision to decision; zeroed at first. */
struct ebb_policy_history {
	uint64_t decided_ns; /* when it was last asked; 0: never */
	uint64_t pending_bytes; /* asked for, and not answered yet */
	uint64_t resident_bytes; /* when it was last asked; 0: not known */
	uint64_t window_bytes; /* asked for without a rest of 10 s between */
	uint64_t rest_until_ns; /* it refused, for it needs its memory */
	uint32_t rests;
	uint32_t idle_answers; /* in a row, that moved next to nothing */
	uint64_t stuck_until_ns;
	uint32_t stucks;
};

/* Of one decision. The policy's own. */
struct ebb_policy_scratch {
	bool asked; /* may be asked at all */
	uint64_t allowance_bytes; /* of this decision, but in an emergency */
	uint64_t ready_bytes; /* free, and can be taken at once */
	uint64_t take_bytes; /* decided so far */
	uint64_t give_bytes; /* that could be given until the stage that was last */
	uint32_t budget;
	uint8_t why;
	/* Of one stage: it gives clamp(a - b * level, 0, cap). */
	double part, a, b, cap;
};

/**
 * struct ebb_policy_domain - a domain as the policy sees it
 * @min_bytes: never less; @max_bytes: never more for long, 0: no such limit
 * @shares: its weight; 0 is taken as 1
 * @memory_unknown: what the host provides is not known: @resident_bytes and
 *	@swapped_bytes are what it has at least, and @usable_bytes is the most that it may
 *	use, or 0, as @balloon_bytes, if that is not known either
 * @usable_bytes: what the guest may use: its memory as it is plugged, without what
 *	a balloon holds
 * @balloon_bytes: that, 0 also if it is not known
 * @claimed_bytes: of @balloon_bytes, what it may have back at any moment, as what it
 *	lent: Ebb had the balloon take it, or nobody did and the guest alone says so
 * @resident_bytes, @swapped_bytes: what the host provides
 * @heard_ns: when the guest said what follows; 0: it did not
 * @available_bytes: what it could free without swapping, @free_bytes among that; 0: not
 *	known
 * @lasting_bytes: of @free_bytes, what was free at each moment since @free_since_ns;
 *	0: not known
 * @refilled_bytes: of what it has free, what a libvirt job made resident and it gave
 *	before
 * @working_set_known: else it is not driven
 * @parts_unknown: it lies in other budgets than @parts, too, or may: without need
 *	nothing is taken, as what it lends there would have no cover. Without any part it
 *	may lie in each of them, as a whole
 */
struct ebb_policy_domain {
	const char *name;
	uint64_t min_bytes;
	uint64_t max_bytes;
	uint32_t shares;
	enum ebb_policy_mode mode;
	enum ebb_policy_phase phase;
	bool memory_unknown;
	uint64_t usable_bytes;
	uint64_t balloon_bytes;
	uint64_t claimed_bytes;
	uint64_t resident_bytes;
	uint64_t swapped_bytes;
	uint64_t heard_ns;
	uint64_t free_bytes;
	uint64_t available_bytes;
	uint64_t lasting_bytes;
	uint64_t free_since_ns;
	uint64_t refilled_bytes;
	bool working_set_known;
	uint64_t working_set_bytes;
	struct ebb_policy_rung rung;
	bool parts_unknown;
	uint32_t part_count;
	struct ebb_policy_part parts[EBB_POLICY_PARTS_MAX];
	struct ebb_policy_history history;
	struct ebb_policy_scratch scratch;
};

/* What it may take back at any moment, without asking. */
uint64_t ebb_policy_lent_bytes(const struct ebb_policy_domain *domain);

/*
 * What it may take back at most, whatever it says of its balloon and however little is
 * known of it; 0 also where ebb_policy_is_debt_known() is false.
 */
uint64_t ebb_policy_debt_bytes(const struct ebb_policy_domain *domain);
bool ebb_policy_is_debt_known(const struct ebb_policy_domain *domain);

/*
 * The first domain of a budget's debt whose memory is not known, one of which nothing
 * is known before others; or EBB_POLICY_NONE.
 */
uint32_t ebb_policy_unknown_debtor(const struct ebb_policy *policy,
				   uint32_t budget);

/* Free memory that is left to it: the larger of 64 MiB and a sixteenth. */
uint64_t ebb_policy_cushion_bytes(const struct ebb_policy_domain *domain);

/* ---- decisions ---- */

enum ebb_policy_why {
	/* A budget is in need: */
	EBB_POLICY_FREE, /* it has free memory beyond its cushion */
	EBB_POLICY_BALLOON, /* likewise, and its balloon must hold that */
	EBB_POLICY_IDLE, /* it does not work with it */
	EBB_POLICY_OVER_SHARE, /* it holds more than its share */
	/* None is: */
	EBB_POLICY_UNUSED, /* its mode returns what it does not use */
	EBB_POLICY_OVER_MAX, /* it holds more than its max */
};

/**
 * struct ebb_policy_decision - one domain is to give
 * @budget: that needs it, or EBB_POLICY_NONE
 * @bytes: a multiple of EBB_POLICY_STEP_BYTES, over 0
 * @why: of the last stage that took of it
 * @give_bytes: what it could have given until then, at least @bytes
 */
struct ebb_policy_decision {
	uint32_t domain;
	uint32_t budget;
	enum ebb_policy_why why;
	uint64_t bytes;
	uint64_t give_bytes;
};

struct ebb_policy {
	struct ebb_policy_budget *budgets;
	uint32_t budget_count;
	struct ebb_policy_domain *domains;
	uint32_t domain_count;
};

/**
 * ebb_policy_decide - who is to give, and how much
 * @now_ns: by the clock of all other times here
 * @ret_decisions: room for one of each domain, which has at most one
 *
 * Changes what budgets keep and the results in them; of domains the scratch alone:
 * ebb_policy_asked() says what was carried out. Takes time in proportion to
 * domains x budgets in need.
 *
 * Returns the number of decisions.
 */
uint32_t ebb_policy_decide(struct ebb_policy *policy, uint64_t now_ns,
			   struct ebb_policy_decision *ret_decisions);

/*
 * Whether it takes what the guest uses, so that the guest must free it first. A domain
 * whose working set is not known is not driven.
 */
bool ebb_policy_is_driven(const struct ebb_policy_domain *domain,
			  const struct ebb_policy_decision *decision);

/*
 * Whether a decision about the budget as it is now finds it in need: under @low_bytes,
 * or, if it was in need, under @high_bytes, now or soon.
 */
bool ebb_policy_is_short(const struct ebb_policy_budget *budget);

/**
 * ebb_policy_note_fall - how fast what is available in a budget becomes less
 * @before: the budget as it was seen @elapsed_ns ago
 *
 * Writes what @budget says of that. What falls in one look and not in the next was taken
 * at once, by a guest that starts, and does not go on. What guests grow by is hidden while
 * others give, so what was seen of it fades only by half in a second.
 */
void ebb_policy_note_fall(struct ebb_policy_budget *budget,
			  const struct ebb_policy_budget *before,
			  uint64_t elapsed_ns);

/* What @budget wants to have available while it is in need. */
uint64_t ebb_policy_wanted_bytes(const struct ebb_policy_budget *budget);

/* Whether the last decision found a budget of the domain's in need. */
bool ebb_policy_is_in_need(const struct ebb_policy *policy,
			   const struct ebb_policy_domain *domain);

/*
 * Whether the last decision found none of the domain's budgets in need, and what is lent
 * in them covered: then it may lend without need.
 */
bool ebb_policy_is_at_ease(const struct ebb_policy *policy,
			   const struct ebb_policy_domain *domain);

/* Whether the debts of a budget are covered: else nothing is lent without need. */
bool ebb_policy_is_covered(const struct ebb_policy_budget *budget);

/* Whether the mins of its domains can all be kept. */
bool ebb_policy_mins_fit(const struct ebb_policy_budget *budget);

/* ---- what came of it ---- */

enum ebb_policy_answer {
	EBB_POLICY_GAVE, /* all that it could, which may be nothing */
	EBB_POLICY_REFUSED, /* it needs its memory: it is left alone for a while */
	EBB_POLICY_UNASKED, /* something else was in the way: that says nothing of it */
	EBB_POLICY_CANCELLED, /* likewise; what did not come may be asked for at once */
};

/* @bytes are asked of it now. */
void ebb_policy_asked(struct ebb_policy_domain *domain, uint64_t bytes,
		      uint64_t now_ns);

/* That ended, and @bytes came. What it has and may use is as it is now. */
void ebb_policy_answered(struct ebb_policy_domain *domain,
			 enum ebb_policy_answer answer, uint64_t bytes,
			 uint64_t now_ns);

/* It needed what a balloon held of it, and has it back: as if it had refused. */
void ebb_policy_took_back(struct ebb_policy_history *history, uint64_t now_ns);

/* Whether it did not move though it was asked again and again. */
bool ebb_policy_is_stuck(const struct ebb_policy_domain *domain);

#endif /* EBB_HOST_POLICY_H */
