/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include "common/size.h"
#include "host/checkup/checks.h"

enum {
	/* Budgets that are told one by one, so that all other checks have room. */
	BUDGETS_TOLD_MAX = 24
};

static void check_swap(const struct ebb_budget_swap *swap,
		       struct ebb_doctor *doctor)
{
	const char *zswap = swap->zswap ? ", compressed by zswap first" : "";

	if (!swap->known)
		ebb_check_add(doctor, "swap", EBB_CHECK_SKIP, NULL,
			      "Swap cannot be read");
	else if (swap->total_bytes == 0)
		ebb_check_add(
			doctor, "swap", EBB_CHECK_WARN,
			"Add swap on a disk that does not rotate: mkswap, swapon",
			"The host has no swap: rung pageout is closed, and what "
			"guests take back must be free in RAM");
	else if (swap->zram_bytes == swap->total_bytes)
		ebb_check_add(
			doctor, "swap", EBB_CHECK_WARN,
			"Add swap on a disk that does not rotate: mkswap, swapon",
			"All %s of swap is zram, which takes memory of the host: "
			"it is no gain, and rung pageout is closed",
			EBB_SIZE(swap->total_bytes));
	else if (swap->free_bytes == 0)
		ebb_check_add(doctor, "swap", EBB_CHECK_WARN,
			      "Add swap, or have guests use less memory",
			      "All %s of swap is full",
			      EBB_SIZE(swap->total_bytes));
	else if (swap->fast_free_bytes == 0)
		ebb_check_add(
			doctor, "swap", EBB_CHECK_WARN,
			"Add swap on a disk that does not rotate: mkswap, swapon",
			"%s of %s of swap is free%s, and none of it is known to "
			"be fast: it does not count as cover",
			EBB_SIZE(swap->free_bytes), EBB_SIZE(swap->total_bytes),
			zswap);
	else
		ebb_check_add(
			doctor, "swap", EBB_CHECK_OK, NULL,
			"%s of %s of swap is free%s, %s of it on fast disks",
			EBB_SIZE(swap->free_bytes), EBB_SIZE(swap->total_bytes),
			zswap, EBB_SIZE(swap->fast_free_bytes));
}

/* Remedies for what a budget lacks, the worst first; NULL: it lacks nothing. */
static const char *remedy_of(const struct ebb_explain_budget *budget)
{
	if (budget->emergency || budget->in_need)
		return "See what guests can give: ebbctl explain. If that is "
		       "too little, stop or move a guest";
	if (!budget->covered)
		return budget->huge_pages
			       ? "Add pages to the pool, or allow more: sysctl "
				 "vm.nr_overcommit_hugepages"
			       : "Add swap on a fast disk, move a guest, or "
				 "set cover-guests in ebbd.conf(5)";
	if (!budget->mins_fit)
		return "Lower the min of guests (ebbctl set DOMAIN --min), or "
		       "move one";
	return NULL;
}

static void check_budget(const struct ebb_explain_budget *budget,
			 struct ebb_doctor *doctor)
{
	const char *remedy = remedy_of(budget);
	const char *name = budget->huge_pages ? "huge-pages" : "memory";

	if (!remedy && budget->for_show)
		ebb_check_add(doctor, name, EBB_CHECK_OK, NULL,
			      "%s: %s of %s available; no guest uses it",
			      budget->name, EBB_SIZE(budget->available_bytes),
			      EBB_SIZE(budget->limit_bytes));
	else if (!remedy)
		ebb_check_add(
			doctor, name, EBB_CHECK_OK, NULL,
			"%s: %s of %s available, %s of cover for a debt of %s",
			budget->name, EBB_SIZE(budget->available_bytes),
			EBB_SIZE(budget->limit_bytes),
			EBB_SIZE(budget->cover_bytes),
			EBB_SIZE(budget->debt_bytes));
	else
		ebb_check_add(doctor, name,
			      budget->emergency ? EBB_CHECK_FAIL
						: EBB_CHECK_WARN,
			      remedy, "%s: %s of %s available; %.300s",
			      budget->name, EBB_SIZE(budget->available_bytes),
			      EBB_SIZE(budget->limit_bytes), budget->text);
}

/* Those that lack something first, as not all may have room. */
static void check_budgets(const struct ebb_checkup_picture *picture,
			  struct ebb_doctor *doctor)
{
	const struct ebb_explain *head = &picture->budgets;
	uint32_t left = BUDGETS_TOLD_MAX, pools = 0;

	if (!picture->budgets_known || head->budget_count == 0) {
		ebb_check_add(
			doctor, "memory", EBB_CHECK_SKIP, NULL,
			"What can run short is not known%s",
			picture->budgets_known && !head->enabled
				? ": ebbd does not look while the policy is off"
				: " yet");
		return;
	}
	for (int turn = 0; turn < 2; turn++)
		for (uint32_t i = 0; i < head->budget_count && left > 0; i++) {
			const struct ebb_explain_budget *budget =
				&head->budgets[i];
			bool lacks = remedy_of(budget) != NULL;

			if (lacks != (turn == 0))
				continue;
			check_budget(budget, doctor);
			left--;
		}
	for (uint32_t i = 0; i < head->budget_count; i++)
		pools += head->budgets[i].huge_pages;
	if (pools == 0)
		ebb_check_add(
			doctor, "huge-pages", EBB_CHECK_OK, NULL,
			"There is no pool of huge pages: all guests have ordinary "
			"memory");
}

static void check_ksm(const struct ebb_host_facts *facts,
		      struct ebb_doctor *doctor)
{
	if (facts->ksm_error == -ENOENT)
		ebb_check_add(doctor, "ksm", EBB_CHECK_OK, NULL,
			      "The kernel has no KSM");
	else if (facts->ksm_error < 0)
		ebb_check_add(doctor, "ksm", EBB_CHECK_SKIP, NULL,
			      "What KSM has merged cannot be read: %s",
			      strerror(-facts->ksm_error));
	else if (facts->ksm_saved_bytes == 0)
		ebb_check_add(doctor, "ksm", EBB_CHECK_OK, NULL,
			      "KSM %s, and has merged nothing",
			      facts->ksm_runs ? "runs" : "does not run");
	else
		ebb_check_add(
			doctor, "ksm", EBB_CHECK_OK, NULL,
			"KSM %s, and saves %s now, of private memory alone: "
			"guests on rung lease have shared memory, and no part in "
			"it",
			facts->ksm_runs ? "runs" : "is stopped",
			EBB_SIZE(facts->ksm_saved_bytes));
}

static const char *tell_private_thp(const char *thp)
{
	if (!*thp)
		return "whether private memory can is not known";
	return strcmp(thp, "never") == 0 ? "private memory cannot"
					 : "private memory can, too";
}

static void check_thp(const struct ebb_host_facts *facts,
		      struct ebb_doctor *doctor)
{
	const char *shared = facts->shmem_thp;

	if (!*shared)
		ebb_check_add(
			doctor, "transparent-huge-pages", EBB_CHECK_SKIP, NULL,
			"The kernel does not say who gets transparent huge pages");
	else if (strcmp(shared, "never") == 0 || strcmp(shared, "deny") == 0)
		ebb_check_add(
			doctor, "transparent-huge-pages", EBB_CHECK_WARN,
			"Allow them: echo advise >/sys/kernel/mm/"
			"transparent_hugepage/shmem_enabled, and see TRANSPARENT "
			"HUGE PAGES in ebbd(8); or use huge pages of hugetlbfs",
			"Shared memory gets no transparent huge pages "
			"(shmem_enabled is %s): guests run slower, and taking "
			"memory back is many times slower",
			shared);
	else
		ebb_check_add(doctor, "transparent-huge-pages", EBB_CHECK_OK,
			      NULL,
			      "Shared memory can have transparent huge pages "
			      "(shmem_enabled is %s), %s",
			      shared, tell_private_thp(facts->thp));
}

void ebb_check_memory(const struct ebb_checkup_picture *picture,
		      struct ebb_doctor *doctor)
{
	check_swap(&picture->facts.swap, doctor);
	check_budgets(picture, doctor);
	check_ksm(&picture->facts, doctor);
	check_thp(&picture->facts, doctor);
}
