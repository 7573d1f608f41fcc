/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <string.h>

#include "common/size.h"
#include "host/checkup/checks.h"

/* Of what may be committed with vm.overcommit_memory=2, so much is left at least. */
#define COMMIT_LEFT_MIN EBB_GIB

static void check_kernel(const struct ebb_host_facts *facts,
			 struct ebb_doctor *doctor)
{
	const char *release = *facts->kernel ? facts->kernel : "unknown";

	if (facts->page_out_error < 0)
		ebb_check_add(
			doctor, "kernel", EBB_CHECK_WARN,
			"Use Linux 5.10 or newer",
			"The kernel (%s) has no process_madvise(): rung pageout "
			"cannot be used",
			release);
	else
		ebb_check_add(
			doctor, "kernel", EBB_CHECK_OK, NULL,
			"The kernel is %s, and can page out other processes",
			release);
}

static void check_pressure(const struct ebb_checkup_picture *picture,
			   struct ebb_doctor *doctor)
{
	int error = picture->pressure_error;

	if (error == 0)
		ebb_check_add(
			doctor, "pressure", EBB_CHECK_OK, NULL,
			"The kernel tells ebbd of memory pressure at once (PSI)");
	else if (error == -ENOENT || error == -EOPNOTSUPP)
		ebb_check_add(
			doctor, "pressure", EBB_CHECK_WARN,
			"Boot the host with psi=1",
			"The kernel does not tell of memory pressure: ebbd looks "
			"at what there is each 10 s or sooner");
	else
		ebb_check_add(
			doctor, "pressure", EBB_CHECK_WARN,
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
		ebb_check_add(
			doctor, "cgroups", EBB_CHECK_WARN,
			"Boot the host with systemd.unified_cgroup_hierarchy=1",
			"Cgroups limit memory by version 1, which does not tell "
			"when a limit is reached: ebbd looks each 10 s or sooner");
		return;
	case EBB_CGROUP_UNKNOWN:
		ebb_check_add(
			doctor, "cgroups", EBB_CHECK_SKIP,
			"If the host has cgroups, let ebbd see /sys/fs/cgroup",
			"ebbd sees no cgroups, and so no limit of theirs");
		return;
	}
	if (picture->deaf_cgroups > 0)
		ebb_check_add(
			doctor, "cgroups", EBB_CHECK_WARN, NULL,
			"Of %u cgroups with a limit ebbd is not told when it is "
			"reached",
			picture->deaf_cgroups);
	else
		ebb_check_add(
			doctor, "cgroups", EBB_CHECK_OK, NULL,
			"The kernel tells when a cgroup's limit is reached "
			"(version 2)");
}

static void check_overcommit(const struct ebb_host_facts *facts,
			     struct ebb_doctor *doctor)
{
	uint64_t left_bytes;

	if (!facts->overcommit_known) {
		ebb_check_add(
			doctor, "overcommit", EBB_CHECK_SKIP, NULL,
			"How the kernel commits memory (vm.overcommit_memory) "
			"cannot be read");
		return;
	}
	if (facts->overcommit != 2) {
		ebb_check_add(
			doctor, "overcommit", EBB_CHECK_OK, NULL,
			"Guests may have more memory in all than the host "
			"(vm.overcommit_memory is %u)",
			(unsigned int)facts->overcommit);
		return;
	}
	left_bytes =
		facts->commit_limit_bytes > facts->committed_bytes
			? facts->commit_limit_bytes - facts->committed_bytes
			: 0;
	ebb_check_add(
		doctor, "overcommit",
		left_bytes < COMMIT_LEFT_MIN ? EBB_CHECK_FAIL : EBB_CHECK_WARN,
		"Let guests be overcommitted: sysctl vm.overcommit_memory=0",
		"The kernel commits no more memory than it has "
		"(vm.overcommit_memory is 2), whatever Ebb frees: %s are left",
		EBB_SIZE(left_bytes));
}

static void check_hypervisor(const struct ebb_host_facts *facts,
			     struct ebb_doctor *doctor)
{
	if (facts->reports_free_pages)
		ebb_check_add(
			doctor, "hypervisor", EBB_CHECK_WARN,
			"If guests have to grow fast, take "
			"freePageReporting='on' from this machine's own balloon",
			"This host is itself a guest, and gives its free memory "
			"to its own host: a guest that grows again waits for both");
	else
		ebb_check_add(
			doctor, "hypervisor", EBB_CHECK_OK, NULL,
			"Memory that guests give back stays with this host");
}

void ebb_check_kernel(const struct ebb_checkup_picture *picture,
		      struct ebb_doctor *doctor)
{
	check_kernel(&picture->facts, doctor);
	check_pressure(picture, doctor);
	check_cgroups(picture, doctor);
	check_overcommit(&picture->facts, doctor);
	check_hypervisor(&picture->facts, doctor);
}
