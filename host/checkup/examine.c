/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/checkup/examine.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/config.h"

enum {
	/* Of the oldest that is run by the tests, as libvirt counts. */
	LIBVIRT_VERSION_MIN = 9000000,
	/* Budgets that are told one by one, so that all other checks have room. */
	BUDGETS_TOLD_MAX = 24,
};

/* Of what may be committed with vm.overcommit_memory=2, so much is left at least. */
#define COMMIT_LEFT_MIN EBB_GIB

static const char ok[] = "ok";
static const char warn[] = "warn";
static const char fail[] = "fail";
static const char skip[] = "skip";

/* @remedy: or NULL */
static void __attribute__((__format__(__printf__, 5, 6)))
add(struct ebb_doctor *doctor, const char *name, const char *status,
    const char *remedy, const char *format, ...)
{
	struct ebb_check *check;
	va_list args;

	if (doctor->check_count == EBB_ARRAY_SIZE(doctor->checks))
		return;
	check = &doctor->checks[doctor->check_count++];
	*check = (struct ebb_check){ 0 };
	snprintf(check->name, sizeof(check->name), "%s", name);
	snprintf(check->status, sizeof(check->status), "%s", status);
	snprintf(check->remedy, sizeof(check->remedy), "%s",
		 remedy ? remedy : "");
	va_start(args, format);
	vsnprintf(check->text, sizeof(check->text), format, args);
	va_end(args);
}

/* ---- ebbd ---- */

static void check_version(const struct ebb_checkup_picture *picture,
			  struct ebb_doctor *doctor)
{
	if (!*picture->ebbctl_version ||
	    strcmp(picture->ebbctl_version, PACKAGE_VERSION) == 0)
		add(doctor, "version", ok, NULL,
		    "ebbd and ebbctl are of version " PACKAGE_VERSION);
	else
		add(doctor, "version", warn,
		    "Install both from the same packages and restart ebbd: "
		    "systemctl restart ebbd",
		    "ebbd is of version " PACKAGE_VERSION ", ebbctl of %s",
		    picture->ebbctl_version);
}

static void check_config(const struct ebb_checkup_picture *picture,
			 struct ebb_doctor *doctor)
{
	if (*picture->config_error)
		add(doctor, "configuration", fail,
		    "Correct it, then: ebbctl reload. Until then ebbd goes on "
		    "with what it read before, and would not start again",
		    "%s", picture->config_error);
	else
		add(doctor, "configuration", ok, NULL,
		    "The files of the configuration have no mistake");
}

static void check_sandbox(const struct ebb_checkup_start *start,
			  struct ebb_doctor *doctor)
{
	if (start->no_sandbox)
		add(doctor, "sandbox", warn, "Start ebbd without --no-sandbox",
		    "ebbd kept all its privileges, as --no-sandbox says");
	else if (start->sandbox_error < 0)
		add(doctor, "sandbox", warn,
		    "Start ebbd by its unit (systemctl start ebbd), on a "
		    "kernel with seccomp",
		    "ebbd could not give up all privileges that it does not "
		    "need: %s",
		    strerror(-start->sandbox_error));
	else
		add(doctor, "sandbox", ok, NULL,
		    "ebbd gave up the privileges that it does not need");
}

static void check_capabilities(const struct ebb_host_facts *facts,
			       struct ebb_doctor *doctor)
{
	static const struct {
		int number;
		const char *name;
		const char *use;
	} needed[] = {
		{ CAP_SYS_PTRACE, "CAP_SYS_PTRACE",
		  "it cannot reach the memory of guests" },
		{ CAP_DAC_OVERRIDE, "CAP_DAC_OVERRIDE",
		  "it cannot open the files behind the memory of guests" },
		{ CAP_SYS_NICE, "CAP_SYS_NICE", "rung pageout cannot be used" },
	};
	bool complete = true;

	if (!facts->capabilities_known) {
		add(doctor, "privileges", skip, NULL,
		    "The capabilities of ebbd cannot be read");
		return;
	}
	for (size_t i = 0; i < EBB_ARRAY_SIZE(needed); i++) {
		if (facts->capabilities & UINT64_C(1) << needed[i].number)
			continue;
		complete = false;
		add(doctor, "privileges", fail,
		    "Run ebbd as root, by its unit: systemctl start ebbd",
		    "ebbd lacks %s: %s", needed[i].name, needed[i].use);
	}
	if (complete)
		add(doctor, "privileges", ok, NULL,
		    "ebbd has the capabilities that it needs");
}

/* The default read-group need not be there: who has no use for it has none. */
static bool misses_read_group(const struct ebb_checkup_picture *picture)
{
	return picture->start.read_group_missing &&
	       strcmp(picture->read_group, EBB_READ_GROUP) != 0;
}

static void check_access(const struct ebb_checkup_picture *picture,
			 struct ebb_doctor *doctor)
{
	const struct ebb_checkup_start *start = &picture->start;
	static const char missing[] =
		"Create the group, or name another in ebbd.conf, and restart "
		"ebbd";
	bool fine = true;

	if (*picture->group && start->group_missing) {
		fine = false;
		add(doctor, "access", warn, missing,
		    "There is no group '%s' (group in ebbd.conf): only root "
		    "can act by ebbctl",
		    picture->group);
	}
	if (*picture->read_group && misses_read_group(picture)) {
		fine = false;
		add(doctor, "access", warn, missing,
		    "There is no group '%s' (read-group in ebbd.conf): nobody "
		    "may look who may not act",
		    picture->read_group);
	}
	if (start->read_error < 0) {
		fine = false;
		add(doctor, "access", warn,
		    "Give the socket a place on another file system, such as "
		    "/run",
		    "Members of group '%s' (read-group in ebbd.conf) cannot "
		    "connect, as its socket takes no access control list: %s",
		    picture->read_group, strerror(-start->read_error));
	}
	if (fine)
		add(doctor, "access", ok, NULL, "Root%s%s may act%s%s",
		    *picture->group ? " and group " : "", picture->group,
		    *picture->read_group && !start->read_group_missing
			    ? ", and who may look is group "
			    : "",
		    start->read_group_missing ? "" : picture->read_group);
}

static void check_policy(const struct ebb_checkup_picture *picture,
			 struct ebb_doctor *doctor)
{
	const struct ebb_explain *head = &picture->budgets;

	if (!picture->budgets_known)
		return;
	if (!head->enabled)
		add(doctor, "policy", warn,
		    "To turn it on: enabled = yes in [policy] of ebbd.conf",
		    "The policy is off: ebbd takes nothing by itself");
	else if (head->dry_run)
		add(doctor, "policy", warn,
		    "To have it act: dry-run = no in [policy] of ebbd.conf, "
		    "and no --dry-run",
		    "The policy decides and takes nothing (dry-run)");
	else if (head->paused)
		add(doctor, "policy", warn,
		    "To have it go on: ebbctl policy resume",
		    "The policy is paused: ebbd takes nothing by itself");
	else if (head->pause_count + head->pauses_left_out > 0)
		add(doctor, "policy", warn,
		    "To see for which: ebbctl policy status",
		    "The policy is on, and paused for %u domains",
		    head->pause_count + head->pauses_left_out);
	else
		add(doctor, "policy", ok, NULL, "The policy is on");
}

/* ---- libvirt ---- */

static void check_libvirt(const struct ebb_checkup_picture *picture,
			  struct ebb_doctor *doctor)
{
	uint64_t version = picture->libvirt_version;
	char text[48] = "libvirt of an unknown version";

	if (!picture->libvirt_connected) {
		add(doctor, "libvirt", fail,
		    "Start it: systemctl start libvirtd (or virtqemud)",
		    "ebbd has no connection to libvirtd (%s)", picture->uri);
		return;
	}
	if (picture->libvirt_silent) {
		add(doctor, "libvirt", fail,
		    "See what it does: systemctl status libvirtd; restart it "
		    "if it hangs",
		    "libvirtd does not answer (%s)", picture->uri);
		return;
	}
	if (version)
		snprintf(text, sizeof(text), "libvirt %u.%u.%u",
			 (unsigned int)(version / 1000000 % 1000),
			 (unsigned int)(version / 1000 % 1000),
			 (unsigned int)(version % 1000));
	if (version && version < LIBVIRT_VERSION_MIN)
		add(doctor, "libvirt", warn, "Use libvirt 9.0 or newer",
		    "%s answers (%s): Ebb is not tested with one so old", text,
		    picture->uri);
	else
		add(doctor, "libvirt", ok, NULL, "%s answers (%s)", text,
		    picture->uri);
}

/* ---- the kernel ---- */

static void check_kernel(const struct ebb_host_facts *facts,
			 struct ebb_doctor *doctor)
{
	const char *release = *facts->kernel ? facts->kernel : "unknown";

	if (facts->page_out_error < 0)
		add(doctor, "kernel", warn, "Use Linux 5.10 or newer",
		    "The kernel (%s) has no process_madvise(): rung pageout "
		    "cannot be used",
		    release);
	else
		add(doctor, "kernel", ok, NULL,
		    "The kernel is %s, and can page out other processes",
		    release);
}

static void check_pressure(const struct ebb_checkup_picture *picture,
			   struct ebb_doctor *doctor)
{
	int error = picture->pressure_error;

	if (error == 0)
		add(doctor, "pressure", ok, NULL,
		    "The kernel tells ebbd of memory pressure at once (PSI)");
	else if (error == -ENOENT || error == -EOPNOTSUPP)
		add(doctor, "pressure", warn, "Boot the host with psi=1",
		    "The kernel does not tell of memory pressure: ebbd looks "
		    "at what there is each 10 s or sooner");
	else
		add(doctor, "pressure", warn,
		    "Start ebbd by its unit (systemctl start ebbd), with "
		    "CAP_SYS_RESOURCE on kernels before 6.4",
		    "ebbd may not ask to be told of memory pressure: %s",
		    strerror(-error));
}

static void check_cgroups(const struct ebb_checkup_picture *picture,
			  struct ebb_doctor *doctor)
{
	switch (picture->facts.cgroup_version) {
	case EBB_CGROUP_V2:
		break;
	case EBB_CGROUP_V1:
		add(doctor, "cgroups", warn,
		    "Boot the host with systemd.unified_cgroup_hierarchy=1",
		    "Cgroups limit memory by version 1, which does not tell "
		    "when a limit is reached: ebbd looks each 10 s or sooner");
		return;
	case EBB_CGROUP_UNKNOWN:
		add(doctor, "cgroups", skip,
		    "If the host has cgroups, let ebbd see /sys/fs/cgroup",
		    "ebbd sees no cgroups, and so no limit of theirs");
		return;
	}
	if (picture->deaf_cgroups > 0)
		add(doctor, "cgroups", warn, NULL,
		    "Of %u cgroups with a limit ebbd is not told when it is "
		    "reached",
		    picture->deaf_cgroups);
	else
		add(doctor, "cgroups", ok, NULL,
		    "The kernel tells when a cgroup's limit is reached "
		    "(version 2)");
}

static void check_overcommit(const struct ebb_host_facts *facts,
			     struct ebb_doctor *doctor)
{
	uint64_t left_bytes;

	if (!facts->overcommit_known) {
		add(doctor, "overcommit", skip, NULL,
		    "How the kernel commits memory (vm.overcommit_memory) "
		    "cannot be read");
		return;
	}
	if (facts->overcommit != 2) {
		add(doctor, "overcommit", ok, NULL,
		    "Guests may have more memory in all than the host "
		    "(vm.overcommit_memory is %u)",
		    (unsigned int)facts->overcommit);
		return;
	}
	left_bytes =
		facts->commit_limit_bytes > facts->committed_bytes
			? facts->commit_limit_bytes - facts->committed_bytes
			: 0;
	add(doctor, "overcommit", left_bytes < COMMIT_LEFT_MIN ? fail : warn,
	    "Let guests be overcommitted: sysctl vm.overcommit_memory=0",
	    "The kernel commits no more memory than it has "
	    "(vm.overcommit_memory is 2), whatever Ebb frees: %s are left",
	    EBB_SIZE(left_bytes));
}

/* ---- what stands behind guests ---- */

static void check_swap(const struct ebb_budget_swap *swap,
		       struct ebb_doctor *doctor)
{
	const char *zswap = swap->zswap ? ", compressed by zswap first" : "";

	if (!swap->known)
		add(doctor, "swap", skip, NULL, "Swap cannot be read");
	else if (swap->total_bytes == 0)
		add(doctor, "swap", warn,
		    "Add swap on a disk that does not rotate: mkswap, swapon",
		    "The host has no swap: rung pageout is closed, and what "
		    "guests take back must be free in RAM");
	else if (swap->zram_bytes == swap->total_bytes)
		add(doctor, "swap", warn,
		    "Add swap on a disk that does not rotate: mkswap, swapon",
		    "All %s of swap is zram, which takes memory of the host: "
		    "it is no gain, and rung pageout is closed",
		    EBB_SIZE(swap->total_bytes));
	else if (swap->free_bytes == 0)
		add(doctor, "swap", warn,
		    "Add swap, or have guests use less memory",
		    "All %s of swap is full", EBB_SIZE(swap->total_bytes));
	else if (swap->fast_free_bytes == 0)
		add(doctor, "swap", warn,
		    "Add swap on a disk that does not rotate: mkswap, swapon",
		    "%s of %s of swap is free%s, and none of it is known to "
		    "be fast: it does not count as cover",
		    EBB_SIZE(swap->free_bytes), EBB_SIZE(swap->total_bytes),
		    zswap);
	else
		add(doctor, "swap", ok, NULL,
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
		add(doctor, name, ok, NULL,
		    "%s: %s of %s available; no guest uses it", budget->name,
		    EBB_SIZE(budget->available_bytes),
		    EBB_SIZE(budget->limit_bytes));
	else if (!remedy)
		add(doctor, name, ok, NULL,
		    "%s: %s of %s available, %s of cover for a debt of %s",
		    budget->name, EBB_SIZE(budget->available_bytes),
		    EBB_SIZE(budget->limit_bytes),
		    EBB_SIZE(budget->cover_bytes),
		    EBB_SIZE(budget->debt_bytes));
	else
		add(doctor, name, budget->emergency ? fail : warn, remedy,
		    "%s: %s of %s available; %.300s", budget->name,
		    EBB_SIZE(budget->available_bytes),
		    EBB_SIZE(budget->limit_bytes), budget->text);
}

/* Those that lack something first, as not all may have room. */
static void check_budgets(const struct ebb_checkup_picture *picture,
			  struct ebb_doctor *doctor)
{
	const struct ebb_explain *head = &picture->budgets;
	uint32_t left = BUDGETS_TOLD_MAX, pools = 0;

	if (!picture->budgets_known || head->budget_count == 0) {
		add(doctor, "memory", skip, NULL,
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
		add(doctor, "huge-pages", ok, NULL,
		    "There is no pool of huge pages: all guests have ordinary "
		    "memory");
}

static void check_ksm(const struct ebb_host_facts *facts,
		      struct ebb_doctor *doctor)
{
	if (!facts->ksm_known)
		add(doctor, "ksm", ok, NULL, "The kernel has no KSM");
	else if (facts->ksm_saved_bytes == 0)
		add(doctor, "ksm", ok, NULL, "KSM %s, and has merged nothing",
		    facts->ksm_runs ? "runs" : "does not run");
	else
		add(doctor, "ksm", ok, NULL,
		    "KSM %s, and saves %s now, of private memory alone: "
		    "guests on rung lease have shared memory, and no part in "
		    "it",
		    facts->ksm_runs ? "runs" : "is stopped",
		    EBB_SIZE(facts->ksm_saved_bytes));
}

static void check_thp(const struct ebb_host_facts *facts,
		      struct ebb_doctor *doctor)
{
	const char *shared = facts->shmem_thp;

	if (!*shared)
		add(doctor, "transparent-huge-pages", skip, NULL,
		    "The kernel does not say who gets transparent huge pages");
	else if (strcmp(shared, "never") == 0 || strcmp(shared, "deny") == 0)
		add(doctor, "transparent-huge-pages", warn,
		    "Allow them: echo advise >/sys/kernel/mm/"
		    "transparent_hugepage/shmem_enabled, and see TRANSPARENT "
		    "HUGE PAGES in ebbd(8); or use huge pages of hugetlbfs",
		    "Shared memory gets no transparent huge pages "
		    "(shmem_enabled is %s): guests run slower, and taking "
		    "memory back is many times slower",
		    shared);
	else
		add(doctor, "transparent-huge-pages", ok, NULL,
		    "Shared memory can have transparent huge pages "
		    "(shmem_enabled is %s), private memory %s",
		    shared,
		    strcmp(facts->thp, "never") == 0 ? "cannot" : "can, too");
}

void ebb_checkup_examine(const struct ebb_checkup_picture *picture,
			 struct ebb_doctor *ret_doctor)
{
	memset(ret_doctor, 0, sizeof(*ret_doctor));
	strcpy(ret_doctor->name, "host");
	strcpy(ret_doctor->rung, "-");
	check_version(picture, ret_doctor);
	check_config(picture, ret_doctor);
	check_sandbox(&picture->start, ret_doctor);
	check_capabilities(&picture->facts, ret_doctor);
	check_access(picture, ret_doctor);
	check_libvirt(picture, ret_doctor);
	check_kernel(&picture->facts, ret_doctor);
	check_pressure(picture, ret_doctor);
	check_cgroups(picture, ret_doctor);
	check_overcommit(&picture->facts, ret_doctor);
	check_policy(picture, ret_doctor);
	check_swap(&picture->facts.swap, ret_doctor);
	check_budgets(picture, ret_doctor);
	check_ksm(&picture->facts, ret_doctor);
	check_thp(&picture->facts, ret_doctor);
}
