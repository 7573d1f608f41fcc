/* SPDX-License-Identifier: GPL-2.0-only */
/* When a budget is in need, and how soon it can be. Pure. */
#include "common/clock.h"
#include "common/size.h"
#include "common/u64.h"
#include "host/budget/read.h"

void ebb_budget_marks(uint64_t limit_bytes, uint64_t *ret_low_bytes,
		      uint64_t *ret_high_bytes)
{
	/* Divided first: a limit may be any number. */
	*ret_low_bytes = ebb_u64_max(
		limit_bytes / 20, ebb_u64_min(512 * EBB_MIB, limit_bytes / 16));
	*ret_high_bytes =
		ebb_u64_max(limit_bytes / 40 * 3,
			    ebb_u64_min(768 * EBB_MIB, limit_bytes / 32 * 3));
}

/* What the guests of a cgroup have and can take; false: of one it is not known. */
static bool sum_guests(const struct ebb_budget_process *processes,
		       uint32_t process_count, uint32_t budget,
		       double *ret_resident_bytes, double *ret_growth_bytes)
{
	double resident = 0, growth = 0;

	for (uint32_t i = 0; i < process_count; i++) {
		const struct ebb_budget_process *process = &processes[i];

		/* It may be in any that was left out. */
		if (process->parts_left_out > 0)
			return false;
		for (uint32_t k = 0; k < process->part_count; k++) {
			const struct ebb_budget_part *part = &process->parts[k];

			if (part->budget != budget)
				continue;
			if (!process->memory_known)
				return false;
			resident +=
				part->part * (double)process->resident_bytes;
			growth += part->part * (double)process->growth_bytes;
		}
	}
	*ret_resident_bytes = resident;
	*ret_growth_bytes = growth;
	return true;
}

static double least_of(double a, double b)
{
	return a < b ? a : b;
}

static void bound_marks(struct ebb_budget *budget, double resident_bytes,
			double growth_bytes)
{
	double limit = (double)budget->limit_bytes;
	double others =
		limit - (double)budget->available_bytes - resident_bytes;
	double margin = least_of(limit / 64, (double)(64 * EBB_MIB));

	if (others / 8 > margin)
		margin = others / 8;
	budget->low_bytes = (uint64_t)least_of((double)budget->low_bytes,
					       growth_bytes + margin);
	budget->high_bytes = (uint64_t)least_of((double)budget->high_bytes,
						growth_bytes + margin * 3 / 2);
}

void ebb_budget_bound_marks(struct ebb_budget_list *list,
			    const struct ebb_budget_process *processes,
			    uint32_t process_count)
{
	double resident, growth;

	for (uint32_t i = 0; i < list->count; i++) {
		struct ebb_budget *budget = &list->budgets[i];

		if (budget->kind == EBB_BUDGET_CGROUP &&
		    budget->process_count > 0 &&
		    sum_guests(processes, process_count, i, &resident, &growth))
			bound_marks(budget, resident, growth);
	}
}

uint32_t ebb_budget_patience_ms(const struct ebb_budget_list *list)
{
	uint64_t patience_ms = EBB_BUDGET_PATIENCE_MS_MAX;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct ebb_budget *budget = &list->budgets[i];
		uint64_t left = ebb_u64_minus(budget->available_bytes,
					      budget->low_bytes);

		/* A pool is not filled by touching memory: it has no marks. */
		if (budget->process_count > 0 && budget->low_bytes > 0)
			patience_ms = ebb_u64_min(
				patience_ms,
				left / (EBB_BUDGET_FILL_BYTES_PER_S / 1000));
	}
	return (uint32_t)ebb_u64_max(patience_ms, EBB_BUDGET_PATIENCE_MS_MIN);
}
