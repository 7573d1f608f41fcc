/* SPDX-License-Identifier: GPL-2.0-only */
/* The host's memory as a whole, by /proc/meminfo. */
#include <stdlib.h>
#include <string.h>

#include "common/u64.h"
#include "host/budget/read.h"
#include "host/budget/text.h"

/*
 * Memory in pools of huge pages is not for others, and MemAvailable is without it.
 * "Hugetlb:" counts pools of all sizes, since 4.20; before, none is subtracted, and
 * the marks are a little high.
 */
static uint64_t hugetlb_bytes(const char *text)
{
	uint64_t bytes;

	return ebb_text_field(text, "Hugetlb:", &bytes) == 0 ? bytes : 0;
}

/* Documentation/accounting/psi.rst: "some avg10=0.00 ... total=123", then "full ...". */
static uint64_t stalled_us(const char *root)
{
	char text[EBB_TEXT_BYTES];
	const char *total;

	if (ebb_text_read(text, sizeof(text), "%s/proc/pressure/memory", root) <
		    0 ||
	    strncmp(text, "some ", 5) != 0)
		return 0;
	total = strstr(text, " total=");
	return total ? strtoull(total + 7, NULL, 10) : 0;
}

void ebb_budget_read_host(struct ebb_budget_read *read, uint64_t promised_bytes)
{
	struct ebb_budget budget = { .kind = EBB_BUDGET_HOST, .name = "host" };
	char text[EBB_TEXT_BYTES];
	uint64_t total, available, swap_cache;
	int r = ebb_text_read(text, sizeof(text), "%s/proc/meminfo",
			      read->reader->root);

	if (r < 0) {
		ebb_budget_trouble(read,
				   "/proc/meminfo cannot be read (%s): the "
				   "host's memory is unknown",
				   strerror(-r));
		return;
	}
	if (ebb_text_field(text, "MemTotal:", &total) < 0 ||
	    ebb_text_field(text, "MemAvailable:", &available) < 0 ||
	    total == 0 || available > total) {
		ebb_budget_trouble(read,
				   "/proc/meminfo has no MemTotal and "
				   "MemAvailable that make sense: the host's "
				   "memory is unknown");
		return;
	}
	swap_cache = ebb_budget_swap_cache(text, &ebb_budget_meminfo_names);
	available += ebb_u64_min(swap_cache, total - available);
	read->memory_bytes = total;
	read->list.stalled_us = stalled_us(read->reader->root);
	budget.limit_bytes = ebb_u64_minus(total, hugetlb_bytes(text));
	budget.promised_bytes = ebb_u64_min(promised_bytes, available);
	budget.available_bytes = available - budget.promised_bytes;
	budget.fast_swap_bytes = read->list.swap.fast_free_bytes;
	ebb_budget_marks(budget.limit_bytes, &budget.low_bytes,
			 &budget.high_bytes);
	ebb_budget_add(read, &budget);
}
