/* SPDX-License-Identifier: GPL-2.0-only */
/* When a budget is in need, and how soon it can be. Pure. */
#include "common/clock.h"
#include "common/size.h"
#include "host/budget/read.h"

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

void ebb_budget_marks(uint64_t limit_bytes, uint64_t *ret_low_bytes,
		      uint64_t *ret_high_bytes)
{
	/* Divided first: a limit may be any number. */
	*ret_low_bytes =
		most(limit_bytes / 20,
		     ebb_budget_least(512 * EBB_MIB, limit_bytes / 16));
	*ret_high_bytes =
		most(limit_bytes / 40 * 3,
		     ebb_budget_least(768 * EBB_MIB, limit_bytes / 32 * 3));
}

uint32_t ebb_budget_patience_ms(const struct ebb_budget_list *list)
{
	uint64_t patience_ms = EBB_BUDGET_PATIENCE_MS_MAX;

	for (uint32_t i = 0; i < list->count; i++) {
		const struct ebb_budget *budget = &list->budgets[i];
		uint64_t left = ebb_budget_less(budget->available_bytes,
						budget->low_bytes);

		/* A pool is not filled by touching memory: it has no marks. */
		if (budget->process_count > 0 && budget->low_bytes > 0)
			patience_ms = ebb_budget_least(
				patience_ms,
				left / (EBB_BUDGET_FILL_BYTES_PER_S / 1000));
	}
	return (uint32_t)most(patience_ms, EBB_BUDGET_PATIENCE_MS_MIN);
}
