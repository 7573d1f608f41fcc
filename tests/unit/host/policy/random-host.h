/* SPDX-License-Identifier: GPL-2.0-only */
/* Hosts by chance, for what holds of all: any numbers, also those that make no sense. */
#ifndef EBB_TESTS_RANDOM_HOST_H
#define EBB_TESTS_RANDOM_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include "common/clock.h"
#include "host/policy/policy.h"

/* When hosts are decided about. */
#define NOW (100000 * EBB_NS_PER_S)

enum {
	BUDGETS_MAX = 4,
	DOMAINS_MAX = 12,
};

struct host {
	struct ebb_policy_budget budgets[BUDGETS_MAX];
	struct ebb_policy_domain domains[DOMAINS_MAX];
	struct ebb_policy policy;
};

/* What follows is the same for the same seed. */
void chance_begin(uint64_t seed);

/* 0 to @max; and whether one of @n came. */
uint64_t up_to(uint64_t max);
bool one_in(uint64_t n);

/* Of 1 to @budget_max budgets. */
void make_host(struct host *host, uint32_t budget_max);
void make_domain(struct ebb_policy_domain *domain, uint32_t budget_count);
/* What it has is not known: at least a part of it, or not even how much it may use. */
void forget_memory(struct ebb_policy_domain *domain);

void copy_host(struct host *to, const struct host *from);

#endif /* EBB_TESTS_RANDOM_HOST_H */
