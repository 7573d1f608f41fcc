/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/limit.h"

bool ebb_limit_allows(const struct ebb_limit *limit, uint64_t now_us)
{
	return now_us >= limit->next_us;
}

bool ebb_limit_ended(struct ebb_limit *limit, uint64_t now_us,
		     uint64_t lacked_bytes, uint64_t gained_bytes)
{
	bool in_vain = gained_bytes < lacked_bytes / 16;

	if (!in_vain || limit->wait_ms == 0)
		limit->wait_ms = EBB_LIMIT_MIN_MS;
	else if (limit->wait_ms < EBB_LIMIT_MAX_MS / 2)
		limit->wait_ms *= 2;
	else
		limit->wait_ms = EBB_LIMIT_MAX_MS;
	limit->next_us = now_us + (uint64_t)limit->wait_ms * 1000;
	return !in_vain;
}
