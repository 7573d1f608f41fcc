/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Ebb in the simulator: its policy, its window of a minute, its marks and how soon it
 * looks are those of ebbd, and so are the rests of what nobody waits for; how else looks
 * and orders are paced is copied from host/sharing/. So what a mode does at once in ebbd
 * it does at once here, and what takes its turns, or its time, does so here. No event
 * tells that the low mark is passed, as none does there.
 */
#include "tests/sim/ebb.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/size.h"
#include "host/budget/budget.h"
#include "host/lease/gentle.h"
#include "host/sharing/window.h"

/* Looks: in need at least, and after an answer while others wait for their turn. */
#define NEED_PERIOD_S 1.0
#define MORE_PERIOD_S 1.0
#define NEED_GAP_S 0.25
/* The guests' words are taken so often. */
#define HEAR_PERIOD_S 2.0
/* An agent is asked for its working set, which says something for a while. */
#define WANT_PERIOD_S 30.0
#define WORKING_SET_S 60.0
/* Of one guest, by second: what is free, and what it frees when it is driven. */
#define LEASE_BYTES_S (4.0 * EBB_GIB)
#define DRIVE_BYTES_S (400.0 * EBB_MIB)
/* A reclaim that moves nothing for so long ends. */
#define GIVE_S 10.0
/* And one that is gentle after so long. */
#define GENTLE_S 30.0
/* Clocks begin after 0, which is "never". */
#define START_S 1000.0

enum {
	ORDERS_MAX = 8,
	GENTLE_MAX = 64,
	WANT_MAX = 16,
};

/*
 * What is known and asked of one guest.
 * @ordered_s: when
 * @next_s: when the next piece of what is gentle is taken
 * @drives: it frees memory, and does not rest
 */
struct member {
	struct ebb_window window;
	double wanted_s;
	double working_set_s;
	double working_set_bytes;
	bool ordered;
	bool driven;
	bool gentle;
	bool drives;
	double ordered_s;
	double next_s;
	double moved_s;
};

/**
 * struct state
 * @heeds: a guest that is under pressure refuses, whatever that is the pressure of
 * @orders, @gentle_orders: under way
 * @more: decisions were left, as there were orders enough
 * @next, @next_want: whose turn it is
 */
struct state {
	enum ebb_policy_mode mode;
	bool heeds;
	struct ebb_policy policy;
	struct ebb_policy_budget budget;
	struct ebb_policy_domain *domains;
	struct ebb_policy_decision *decisions;
	struct member *members;
	uint32_t orders;
	uint32_t gentle_orders;
	bool more;
	uint32_t next;
	uint32_t next_want;
	double looked_s;
	double look_s;
	double heard_s;
};

static uint64_t to_ns(double s)
{
	return (uint64_t)((s + START_S) * (double)EBB_NS_PER_S);
}

static void *begin(struct sim_host *host, enum ebb_policy_mode mode)
{
	struct state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->mode = mode;
	state->domains = calloc(host->guest_count, sizeof(*state->domains));
	state->decisions = calloc(host->guest_count, sizeof(*state->decisions));
	state->members = calloc(host->guest_count, sizeof(*state->members));
	if (!state->domains || !state->decisions || !state->members) {
		sim_ebb_end(state);
		return NULL;
	}
	for (uint32_t i = 0; i < host->guest_count; i++) {
		state->members[i].window.old_ns = 30 * EBB_NS_PER_S;
		state->members[i].wanted_s = -WANT_PERIOD_S;
		state->members[i].working_set_s = -WORKING_SET_S;
	}
	state->heard_s = -HEAR_PERIOD_S;
	state->budget = (struct ebb_policy_budget){
		.name = "host",
		.limit_bytes = (uint64_t)host->total_bytes,
		.cover_guests = 1,
	};
	ebb_budget_marks(state->budget.limit_bytes, &state->budget.low_bytes,
			 &state->budget.high_bytes);
	state->policy = (struct ebb_policy){
		.budgets = &state->budget,
		.budget_count = 1,
		.domains = state->domains,
		.domain_count = host->guest_count,
	};
	return state;
}

void *sim_ebb_begin_performance(struct sim_host *host)
{
	return begin(host, EBB_POLICY_PERFORMANCE);
}

void *sim_ebb_begin_balanced(struct sim_host *host)
{
	return begin(host, EBB_POLICY_BALANCED);
}

void *sim_ebb_begin_density(struct sim_host *host)
{
	return begin(host, EBB_POLICY_DENSITY);
}

void *sim_ebb_begin_heeding(struct sim_host *host)
{
	struct state *state = begin(host, EBB_POLICY_BALANCED);

	if (state)
		state->heeds = true;
	return state;
}

void sim_ebb_end(void *opaque)
{
	struct state *state = opaque;

	if (!state)
		return;
	free(state->domains);
	free(state->decisions);
	free(state->members);
	free(state);
}

/* ---- what is heard ---- */

/* The liar's word is its own. */
static double told_free_bytes(const struct sim_guest *guest)
{
	return guest->kind == SIM_LIAR ? guest->usable_bytes
				       : sim_guest_free_bytes(guest);
}

static double told_working_set_bytes(const struct sim_guest *guest)
{
	return guest->kind == SIM_LIAR
		       ? 0
		       : guest->working_set_bytes + sim_guest_hot_bytes(guest);
}

static void hear_all(struct state *state, const struct sim_host *host)
{
	state->heard_s = host->now_s;
	for (uint32_t i = 0; i < host->guest_count; i++) {
		const struct sim_guest *guest = &host->guests[i];
		struct ebb_vm_word word = {
			.stamp_ns = to_ns(host->now_s - guest->began_s) -
				    to_ns(0) + 1,
			.free_bytes = (uint64_t)told_free_bytes(guest),
			.free_huge_bytes = (uint64_t)told_free_bytes(guest),
		};

		/* A guest that was killed is another kernel. */
		memcpy(word.boot_id, &guest->kills, sizeof(guest->kills));
		ebb_window_hear(&state->members[i].window, &word,
				to_ns(host->now_s));
	}
}

static bool is_working_set_known(const struct member *member, double now_s)
{
	return now_s - member->working_set_s < WORKING_SET_S;
}

/* As ebb_member_picture() has it. */
static void see(const struct state *state, const struct sim_host *host,
		uint32_t i, struct ebb_policy_domain *domain)
{
	const struct sim_guest *guest = &host->guests[i];
	const struct member *member = &state->members[i];
	uint64_t now_ns = to_ns(host->now_s), lent_bytes;

	*domain = (struct ebb_policy_domain){
		.name = guest->name,
		.shares = guest->shares,
		.mode = state->mode,
		.phase = ebb_window_has_booted(&member->window, now_ns)
				 ? EBB_POLICY_SETTLED
				 : EBB_POLICY_BOOTING,
		.usable_bytes = (uint64_t)guest->usable_bytes,
		.resident_bytes = (uint64_t)guest->resident_bytes,
		.swapped_bytes = (uint64_t)guest->swapped_bytes,
		.heard_ns = member->window.heard_ns,
		.free_bytes = member->window.free_bytes,
		.working_set_known = is_working_set_known(member, host->now_s),
		.working_set_bytes = (uint64_t)member->working_set_bytes,
		.rung = { .drive = true },
		.part_count = 1,
		.parts = { { .budget = 0, .part = 1 } },
		.history = guest->history,
	};
	domain->lasting_bytes = ebb_window_lasting(&member->window, now_ns,
						   &domain->free_since_ns);
	lent_bytes = ebb_policy_lent_bytes(domain);
	if (member->window.free_huge_bytes > lent_bytes)
		domain->rung.free_bytes =
			member->window.free_huge_bytes - lent_bytes;
}

/* Some agents at each look, by turns, of those whose working set decides. */
static void want_working_sets(struct state *state, struct sim_host *host)
{
	uint32_t left = WANT_MAX, first = state->next_want;

	if (!state->budget.in_need && state->mode != EBB_POLICY_DENSITY)
		return;
	for (uint32_t i = 0; i < host->guest_count && left > 0; i++) {
		uint32_t index = (first + i) % host->guest_count;
		struct member *member = &state->members[index];

		if (state->domains[index].phase != EBB_POLICY_SETTLED ||
		    member->ordered ||
		    is_working_set_known(member, host->now_s) ||
		    host->now_s - member->wanted_s < WANT_PERIOD_S)
			continue;
		member->wanted_s = member->working_set_s = host->now_s;
		member->working_set_bytes =
			told_working_set_bytes(&host->guests[index]);
		state->next_want = index + 1;
		left--;
	}
}

/* ---- looks and orders ---- */

static bool is_gentle(const struct ebb_policy_decision *decision)
{
	return decision->budget == EBB_POLICY_NONE;
}

static uint32_t *count_of(struct state *state, bool gentle)
{
	return gentle ? &state->gentle_orders : &state->orders;
}

static void order(struct state *state, struct sim_host *host,
		  const struct ebb_policy_decision *decision)
{
	struct ebb_policy_domain *domain = &state->domains[decision->domain];
	struct sim_guest *guest = &host->guests[decision->domain];
	struct member *member = &state->members[decision->domain];

	ebb_policy_asked(domain, decision->bytes, to_ns(host->now_s));
	guest->history = domain->history;
	guest->pending_bytes = (double)decision->bytes;
	guest->given_bytes = 0;
	member->ordered = true;
	member->driven = ebb_policy_is_driven(domain, decision);
	member->gentle = is_gentle(decision);
	member->drives = false;
	member->ordered_s = member->next_s = member->moved_s = host->now_s;
	++*count_of(state, member->gentle);
	state->next = decision->domain + 1;
	host->decisions++;
}

static bool is_full(struct state *state,
		    const struct ebb_policy_decision *decision)
{
	bool gentle = is_gentle(decision);

	return *count_of(state, gentle) >= (gentle ? GENTLE_MAX : ORDERS_MAX);
}

/* Behind who was ordered last. */
static void carry_out(struct state *state, struct sim_host *host,
		      uint32_t count)
{
	uint32_t first = 0;

	while (first < count && state->decisions[first].domain < state->next)
		first++;
	state->more = false;
	for (uint32_t i = 0; i < count; i++) {
		const struct ebb_policy_decision *decision =
			&state->decisions[(first + i) % count];

		if (is_full(state, decision))
			state->more = true;
		else
			order(state, host, decision);
	}
}

static void answered(struct state *state, struct sim_host *host, uint32_t i,
		     enum ebb_policy_answer answer)
{
	struct sim_guest *guest = &host->guests[i];
	struct ebb_policy_domain domain = { .history = guest->history };
	double gap_s = state->budget.in_need ? NEED_GAP_S : MORE_PERIOD_S;

	ebb_policy_answered(&domain, answer, (uint64_t)guest->given_bytes,
			    to_ns(host->now_s));
	guest->history = domain.history;
	guest->pending_bytes = 0;
	state->members[i].ordered = false;
	--*count_of(state, state->members[i].gentle);
	if (state->budget.in_need || state->more)
		state->look_s = fmin(state->look_s, state->looked_s + gap_s);
}

/* As host/sharing/withdraw.c does. */
static void withdraw(struct state *state, struct sim_host *host, uint32_t i)
{
	const struct member *member = &state->members[i];

	if (member->ordered && member->gentle && !member->drives)
		answered(state, host, i, EBB_POLICY_CANCELLED);
}

static void withdraw_for_need(struct state *state, struct sim_host *host)
{
	if (!ebb_policy_is_short(&state->budget))
		return;
	for (uint32_t i = 0; i < host->guest_count; i++)
		withdraw(state, host, i);
}

static void withdraw_uncovered(struct state *state, struct sim_host *host)
{
	for (uint32_t i = 0; i < host->guest_count; i++)
		if (!ebb_policy_is_at_ease(&state->policy, &state->domains[i]))
			withdraw(state, host, i);
}

/* How soon the host may be in need, or more so. */
static double patience_s(const struct state *state, const struct sim_host *host)
{
	struct ebb_budget budget = {
		.kind = EBB_BUDGET_HOST,
		.process_count = host->guest_count,
		.limit_bytes = state->budget.limit_bytes,
		.available_bytes = state->budget.available_bytes,
		.low_bytes = state->budget.low_bytes,
		.high_bytes = state->budget.high_bytes,
	};
	const struct ebb_budget_list list = { .budgets = &budget, .count = 1 };

	return ebb_budget_patience_ms(&list) / 1000.0;
}

static void look(struct state *state, struct sim_host *host)
{
	const struct ebb_policy_budget before = state->budget;
	uint32_t count;

	hear_all(state, host);
	state->budget.available_bytes =
		(uint64_t)fmax(0, sim_host_available_bytes(host));
	if (state->looked_s > 0)
		ebb_policy_note_fall(&state->budget, &before,
				     to_ns(host->now_s) -
					     to_ns(state->looked_s));
	withdraw_for_need(state, host);
	for (uint32_t i = 0; i < host->guest_count; i++)
		see(state, host, i, &state->domains[i]);
	count = ebb_policy_decide(&state->policy, to_ns(host->now_s),
				  state->decisions);
	withdraw_uncovered(state, host);
	carry_out(state, host, count);
	want_working_sets(state, host);
	state->looked_s = host->now_s;
	state->look_s = host->now_s + patience_s(state, host);
	if (state->budget.in_need)
		state->look_s =
			fmin(state->look_s, state->looked_s + NEED_PERIOD_S);
}

/* Piece by piece, with the rests that ebbd makes. Returns what came. */
static double take_pieces(struct member *member, struct sim_guest *guest,
			  double until_s)
{
	double spread_s = EBB_GENTLE_SPREAD_MS / 1000.0, taken_bytes = 0;
	double left_bytes = guest->pending_bytes - guest->given_bytes;
	double piece_bytes =
		(double)ebb_gentle_piece_bytes((uint64_t)guest->pending_bytes);

	while (member->next_s < until_s && left_bytes > 0) {
		double bytes = sim_host_take(
			guest, fmin(left_bytes, piece_bytes), false);
		struct ebb_gentle_piece piece = {
			.came_bytes = (uint64_t)bytes,
			.left_bytes = (uint64_t)(left_bytes - bytes),
			.work_ns = (uint64_t)(bytes / LEASE_BYTES_S *
					      (double)EBB_NS_PER_S),
			.left_ns = to_ns(fmax(member->ordered_s + spread_s -
						      member->next_s,
					      0)) -
				   to_ns(0),
		};

		if (bytes <= 0)
			break;
		taken_bytes += bytes;
		left_bytes -= bytes;
		member->next_s +=
			(double)(piece.work_ns + ebb_gentle_rest_ns(&piece)) /
			(double)EBB_NS_PER_S;
	}
	return taken_bytes;
}

/* What is free comes at once or in pieces, and the rest as the guest frees it. */
static void give(struct state *state, struct sim_host *host, uint32_t i,
		 double step_s)
{
	struct sim_guest *guest = &host->guests[i];
	struct member *member = &state->members[i];
	double left_bytes = guest->pending_bytes - guest->given_bytes;
	double free_bytes = fmax(0, sim_guest_free_bytes(guest) -
					    sim_guest_lent_bytes(guest));
	double rate = free_bytes > 0 ? LEASE_BYTES_S : DRIVE_BYTES_S;
	double until_s = host->now_s + step_s, taken_bytes = 0;
	bool moves = guest->kind != SIM_STUCK, rests = false;

	if (!member->ordered)
		return;
	if (state->heeds && guest->kind == SIM_LIMITED) {
		answered(state, host, i, EBB_POLICY_REFUSED);
		return;
	}
	member->drives = free_bytes <= 0 && member->driven;
	if (moves && member->gentle && free_bytes > 0) {
		member->next_s = fmax(member->next_s, host->now_s);
		taken_bytes = take_pieces(member, guest, until_s);
		rests = member->next_s >= until_s;
	} else if (moves) {
		taken_bytes = sim_host_take(
			guest, fmin(left_bytes, rate * step_s), member->driven);
	}
	guest->given_bytes += taken_bytes;
	if (taken_bytes > 0)
		member->moved_s = host->now_s;
	/* Nothing is left but what it works with, or what is free. */
	if (guest->given_bytes >= guest->pending_bytes - 1)
		answered(state, host, i, EBB_POLICY_GAVE);
	else if (moves && taken_bytes <= 0 && !rests)
		answered(state, host, i,
			 member->driven ? EBB_POLICY_REFUSED : EBB_POLICY_GAVE);
	else if (host->now_s - member->moved_s >= GIVE_S ||
		 (member->gentle &&
		  host->now_s - member->ordered_s >= GENTLE_S))
		answered(state, host, i, EBB_POLICY_GAVE);
}

void sim_ebb_tick(struct sim_host *host, void *opaque, double step_s)
{
	struct state *state = opaque;

	for (uint32_t i = 0; i < host->guest_count; i++)
		give(state, host, i, step_s);
	if (host->now_s - state->heard_s >= HEAR_PERIOD_S)
		hear_all(state, host);
	if (host->now_s >= state->look_s)
		look(state, host);
}
