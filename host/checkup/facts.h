/* SPDX-License-Identifier: GPL-2.0-only */
/* What the host's kernel says, as far as Ebb depends on it. */
#ifndef EBB_HOST_CHECKUP_FACTS_H
#define EBB_HOST_CHECKUP_FACTS_H

#include <stdbool.h>
#include <stdint.h>

#include "host/budget/budget.h"

/* Of the cgroups that a host has; a hybrid host limits memory by those of version 1. */
enum ebb_cgroup_version {
	EBB_CGROUP_UNKNOWN,
	EBB_CGROUP_V1,
	EBB_CGROUP_V2,
};

/**
 * struct ebb_host_facts - empty or not known: it could not be read
 * @kernel: its release, as "6.1.0-30-amd64"
 * @page_out_error: 0: process_madvise() is there; -ENOSYS: it is not
 * @capabilities: the effective set of ebbd, if @capabilities_known
 * @ksm_error: -ENOENT: the kernel has none; what else it could not be read for; or 0
 * @ksm_saved_bytes: what merging saves now
 * @thp, @shmem_thp: who gets transparent huge pages, as "madvise"; of anonymous and of
 *	shared memory
 * @overcommit: vm.overcommit_memory, if @overcommit_known
 * @commit_limit_bytes, @committed_bytes: matter where @overcommit is 2
 * @reports_free_pages: this host is itself a guest, and its balloon gives its free
 *	pages to the host below it
 */
struct ebb_host_facts {
	char kernel[64];
	int page_out_error;
	bool capabilities_known;
	uint64_t capabilities;
	enum ebb_cgroup_version cgroup_version;
	struct ebb_budget_swap swap;
	int ksm_error;
	bool ksm_runs;
	uint64_t ksm_saved_bytes;
	char thp[16];
	char shmem_thp[16];
	bool overcommit_known;
	uint64_t overcommit;
	uint64_t commit_limit_bytes;
	uint64_t committed_bytes;
	bool reports_free_pages;
};

/**
 * ebb_host_facts_read - ask the kernel
 * @root: before /proc and /sys; "" but for tests
 *
 * From any thread that may wait.
 */
void ebb_host_facts_read(const char *root, struct ebb_host_facts *ret_facts);

#endif /* EBB_HOST_CHECKUP_FACTS_H */
