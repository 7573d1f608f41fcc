/* SPDX-License-Identifier: GPL-2.0-only */
#include "tests/unit/host/policy/random-host.h"

#include "common/size.h"
#include "tests/random.h"

#define S EBB_NS_PER_S

static const char *const budget_names[BUDGETS_MAX] = { "host", "node 1",
						       "machine.slice",
						       "2 MiB pages" };
static const char *const domain_names[DOMAINS_MAX] = {
	"d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10", "d11"
};

static uint64_t random_state;

void chance_begin(uint64_t seed)
{
	random_state = seed;
}

uint64_t up_to(uint64_t max)
{
	uint64_t number = next_random(&random_state);

	return max == UINT64_MAX ? number : number % (max + 1);
}

bool one_in(uint64_t n)
{
	return up_to(n - 1) == 0;
}

static void make_budget(struct ebb_policy_budget *budget)
{
	*budget = (struct ebb_policy_budget){
		.name = "budget 0",
		.kind = one_in(5) ? EBB_POLICY_HUGE_POOL : EBB_POLICY_MEMORY,
		.limit_bytes = 64 * EBB_GIB,
		.low_bytes = up_to(4 * EBB_GIB),
		.fast_swap_bytes = one_in(2) ? 0 : up_to(64 * EBB_GIB),
		.cover_guests = (uint32_t)up_to(3),
		.in_need = one_in(2),
	};
	budget->high_bytes = budget->low_bytes + up_to(4 * EBB_GIB);
	if (budget->kind == EBB_POLICY_MEMORY && one_in(2))
		budget->falling_bytes_per_s = one_in(4) ? up_to(UINT64_MAX)
							: up_to(2 * EBB_GIB);
	budget->available_bytes = one_in(3) ? up_to(budget->low_bytes)
					    : up_to(16 * EBB_GIB);
}

static void make_parts(struct ebb_policy_domain *domain, uint32_t budget_count)
{
	for (uint32_t i = 0; i < budget_count; i++)
		if (i == 0 || one_in(2))
			domain->parts[domain->part_count++] =
				(struct ebb_policy_part){
					.budget = i,
					.part = one_in(2) ? 1
							  : (double)up_to(100) /
								    100,
				};
}

static void make_history(struct ebb_policy_history *history)
{
	if (one_in(3)) {
		history->decided_ns = NOW - up_to(100 * S);
		history->window_bytes = up_to(EBB_GIB);
	}
	if (one_in(8)) {
		history->pending_bytes = up_to(EBB_GIB);
		history->resident_bytes = up_to(8 * EBB_GIB);
	}
	if (one_in(8))
		history->rest_until_ns = NOW - 100 * S + up_to(200 * S);
	if (one_in(8)) {
		history->idle_answers = (uint32_t)up_to(5);
		history->stuck_until_ns = NOW - 100 * S + up_to(200 * S);
	}
}

void forget_memory(struct ebb_policy_domain *domain)
{
	if (domain->phase == EBB_POLICY_SETTLED)
		domain->phase = EBB_POLICY_UNKNOWN;
	domain->memory_unknown = true;
	domain->resident_bytes = up_to(domain->resident_bytes);
	domain->swapped_bytes = up_to(domain->swapped_bytes);
	if (one_in(4))
		domain->usable_bytes = domain->balloon_bytes =
			domain->claimed_bytes = domain->resident_bytes =
				domain->swapped_bytes = 0;
}

void make_domain(struct ebb_policy_domain *domain, uint32_t budget_count)
{
	uint64_t usable_bytes = up_to(16 * EBB_GIB);

	*domain = (struct ebb_policy_domain){
		.name = "domain 0",
		.min_bytes = one_in(2) ? 0 : up_to(usable_bytes),
		.max_bytes = one_in(3) ? up_to(usable_bytes) : 0,
		.shares = 1 + (uint32_t)up_to(999),
		.mode = (enum ebb_policy_mode)up_to(2),
		.phase = one_in(4) ? (enum ebb_policy_phase)up_to(6)
				   : EBB_POLICY_SETTLED,
		.usable_bytes = usable_bytes,
		.resident_bytes = up_to(usable_bytes),
		.heard_ns = one_in(8) ? 0 : NOW - up_to(100 * S),
		/* So may this be. */
		.free_bytes = one_in(4) ? up_to(UINT64_MAX)
					: up_to(usable_bytes),
		.lasting_bytes = up_to(usable_bytes),
		.free_since_ns = one_in(4) ? 0 : NOW - up_to(200 * S),
		.working_set_known = !one_in(4),
		/* Its word, which may be any. */
		.working_set_bytes = one_in(4) ? up_to(UINT64_MAX)
					       : up_to(usable_bytes),
		.available_bytes = one_in(4) ? 0 : up_to(2 * usable_bytes),
		.rung = { .free_bytes = up_to(usable_bytes),
			  .drive = one_in(2),
			  .page_out = one_in(4),
			  .balloon = one_in(4) },
	};
	if (one_in(2))
		domain->refilled_bytes = up_to(usable_bytes);
	domain->swapped_bytes = up_to(usable_bytes - domain->resident_bytes);
	if (one_in(8)) {
		domain->balloon_bytes = up_to(16 * EBB_GIB);
		domain->claimed_bytes = up_to(domain->balloon_bytes);
	}
	make_parts(domain, budget_count);
	make_history(&domain->history);
	if (one_in(64))
		forget_memory(domain);
	if (one_in(64)) {
		domain->part_count = 0;
		domain->parts_unknown = true;
	}
}

void make_host(struct host *host, uint32_t budget_max)
{
	*host = (struct host){ 0 };
	host->policy = (struct ebb_policy){
		.budgets = host->budgets,
		.budget_count = 1 + (uint32_t)up_to(budget_max - 1),
		.domains = host->domains,
		.domain_count = (uint32_t)up_to(DOMAINS_MAX),
	};
	for (uint32_t i = 0; i < host->policy.budget_count; i++)
		make_budget(&host->budgets[i]);
	for (uint32_t i = 0; i < host->policy.budget_count; i++)
		host->budgets[i].name = budget_names[i];
	for (uint32_t i = 0; i < host->policy.domain_count; i++)
		make_domain(&host->domains[i], host->policy.budget_count);
	for (uint32_t i = 0; i < host->policy.domain_count; i++)
		host->domains[i].name = domain_names[i];
}

void copy_host(struct host *to, const struct host *from)
{
	*to = *from;
	to->policy.budgets = to->budgets;
	to->policy.domains = to->domains;
}
