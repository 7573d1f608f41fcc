/* SPDX-License-Identifier: GPL-2.0-only */
/* What the checks of the host read of a kernel, and what they say of it. */
#include <config.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/size.h"
#include "host/checkup/examine.h"
#include "tests/unit/fake-root.h"

/* ---- the kernel ---- */

static void test_facts(void **state)
{
	struct ebb_host_facts facts;

	(void)state;
	fake_root_write("/proc/self/status",
			"Name:\tebbd\nCapPrm:\t0\nCapEff:\t0000000000880002\n");
	fake_root_write("/sys/fs/cgroup/cgroup.controllers", "cpu memory\n");
	fake_root_write("/proc/swaps",
			"Filename Type Size Used Priority\n"
			"/dev/zram0 partition 1048576 1024 -2\n");
	fake_root_write("/sys/kernel/mm/ksm/run", "1\n");
	fake_root_write("/sys/kernel/mm/ksm/pages_sharing", "256\n");
	fake_root_write("/sys/kernel/mm/transparent_hugepage/enabled",
			"always [madvise] never\n");
	fake_root_write("/sys/kernel/mm/transparent_hugepage/shmem_enabled",
			"always within_size advise [never] deny force\n");
	fake_root_write("/proc/sys/vm/overcommit_memory", "2\n");
	fake_root_write("/proc/meminfo", "CommitLimit:    4194304 kB\n"
					 "Committed_AS:   1048576 kB\n");
	fake_root_write("/sys/bus/virtio/devices/virtio0/device", "0x0002\n");
	fake_root_write("/sys/bus/virtio/devices/virtio0/features",
			"1111111100000000\n");
	fake_root_write("/sys/bus/virtio/devices/virtio3/device", "0x0005\n");
	fake_root_write("/sys/bus/virtio/devices/virtio3/features",
			"0110010100000000\n");
	ebb_host_facts_read(fake_root, &facts);
	assert_true(*facts.kernel != '\0');
	assert_true(facts.capabilities_known);
	assert_true(facts.capabilities == 0x880002);
	assert_int_equal(facts.cgroup_version, EBB_CGROUP_V2);
	assert_true(facts.swap.known);
	assert_true(facts.swap.zram_bytes == EBB_GIB);
	assert_true(facts.ksm_error == 0 && facts.ksm_runs);
	assert_true(facts.ksm_saved_bytes >= EBB_MIB);
	assert_string_equal(facts.thp, "madvise");
	assert_string_equal(facts.shmem_thp, "never");
	assert_true(facts.overcommit_known);
	assert_true(facts.overcommit == 2);
	assert_true(facts.commit_limit_bytes == 4 * EBB_GIB);
	assert_true(facts.committed_bytes == EBB_GIB);
	assert_true(facts.reports_free_pages);
}

static void test_nothing_to_read(void **state)
{
	struct ebb_host_facts facts;

	(void)state;
	ebb_host_facts_read(fake_root, &facts);
	assert_false(facts.capabilities_known);
	assert_int_equal(facts.cgroup_version, EBB_CGROUP_UNKNOWN);
	assert_int_equal(facts.ksm_error, -ENOENT);
	assert_string_equal(facts.thp, "");
	assert_string_equal(facts.shmem_thp, "");
	assert_false(facts.overcommit_known);
	assert_false(facts.reports_free_pages);
	fake_root_write("/sys/fs/cgroup/memory/memory.limit_in_bytes", "1\n");
	fake_root_write("/sys/kernel/mm/transparent_hugepage/enabled", "[\n");
	fake_root_write("/proc/self/status", "CapEff:\n");
	fake_root_write("/sys/bus/virtio/devices/virtio0/device", "0x0005\n");
	fake_root_write("/sys/bus/virtio/devices/virtio0/features", "1111\n");
	ebb_host_facts_read(fake_root, &facts);
	assert_false(facts.reports_free_pages);
	assert_int_equal(facts.cgroup_version, EBB_CGROUP_V1);
	assert_string_equal(facts.thp, "");
	assert_false(facts.capabilities_known);
}

/* ---- what is said of it ---- */

/* A host on which all is well. */
static struct ebb_checkup_picture *make_picture(void)
{
	struct ebb_checkup_picture *picture = calloc(1, sizeof(*picture));

	assert_non_null(picture);
	*picture = (struct ebb_checkup_picture){
		.facts = {
			.kernel = "6.18.0",
			.capabilities_known = true,
			.capabilities = UINT64_MAX,
			.cgroup_version = EBB_CGROUP_V2,
			.swap = { .known = true,
				  .total_bytes = 4 * EBB_GIB,
				  .free_bytes = 4 * EBB_GIB,
				  .fast_free_bytes = 4 * EBB_GIB },
			.thp = "madvise",
			.shmem_thp = "advise",
			.overcommit_known = true,
		},
		.ebbctl_version = PACKAGE_VERSION,
		.uri = "qemu:///system",
		.libvirt_connected = true,
		.libvirt_version = 9000000,
		.read_group = "ebb",
		.budgets_known = true,
		.budgets = { .enabled = true,
			     .budget_count = 1,
			     .budgets = { { .name = "host",
					    .limit_bytes = 16 * EBB_GIB,
					    .available_bytes = 8 * EBB_GIB,
					    .cover_bytes = 8 * EBB_GIB,
					    .covered = true,
					    .mins_fit = true } } },
	};
	return picture;
}

static struct ebb_doctor doctor;

/* Examines and frees. */
static void examine(struct ebb_checkup_picture *picture)
{
	ebb_checkup_examine(picture, &doctor);
	free(picture);
}

static const struct ebb_check *find(const char *name, const char *text)
{
	for (uint32_t i = 0; i < doctor.check_count; i++)
		if (strcmp(doctor.checks[i].name, name) == 0 &&
		    strstr(doctor.checks[i].text, text))
			return &doctor.checks[i];
	fail_msg("no %s with '%s'", name, text);
	return NULL;
}

/* The check of @name that says @text has the status; a bad one has a remedy. */
static void expect(const char *name, const char *status, const char *text)
{
	const struct ebb_check *check = find(name, text);

	assert_string_equal(check->status, status);
	if (strcmp(status, "fail") == 0)
		assert_true(*check->remedy != '\0');
}

static void test_all_is_well(void **state)
{
	(void)state;
	examine(make_picture());
	assert_string_equal(doctor.name, "host");
	for (uint32_t i = 0; i < doctor.check_count; i++) {
		assert_string_equal(doctor.checks[i].status, "ok");
		assert_string_equal(doctor.checks[i].remedy, "");
	}
	expect("libvirt", "ok", "libvirt 9.0.0 answers (qemu:///system)");
	expect("memory", "ok", "host: 8.0 GiB of 16.0 GiB available");
	expect("kernel", "ok", "6.18.0");
	expect("access", "ok", "Root may act, and who may look is group ebb");
}

static void test_ebbd(void **state)
{
	struct ebb_checkup_picture *picture = make_picture();

	(void)state;
	strcpy(picture->ebbctl_version, "9.9");
	strcpy(picture->config_error, "ebbd.conf:3: 'socke' is not known");
	picture->start = (struct ebb_checkup_start){
		.sandbox_error = -EPERM,
		.group_missing = true,
		.read_group_missing = true,
		.read_error = -EOPNOTSUPP,
	};
	strcpy(picture->group, "ops");
	strcpy(picture->read_group, "lookers");
	picture->facts.capabilities = 1 << 1;
	picture->budgets.enabled = false;
	examine(picture);
	expect("version", "warn", "ebbctl of 9.9");
	expect("configuration", "fail", "ebbd.conf:3: 'socke' is not known");
	expect("sandbox", "warn", "Operation not permitted");
	expect("privileges", "fail", "CAP_SYS_PTRACE");
	expect("privileges", "fail", "CAP_SYS_NICE");
	expect("access", "warn", "no group 'ops'");
	expect("access", "warn", "no group 'lookers'");
	expect("access", "warn", "cannot connect");
	expect("policy", "warn", "is off");

	picture = make_picture();
	picture->start.no_sandbox = true;
	picture->start.read_group_missing = true;
	picture->facts.capabilities_known = false;
	picture->budgets.paused = true;
	examine(picture);
	expect("sandbox", "warn", "--no-sandbox");
	expect("access", "ok", "Root may act");
	expect("privileges", "skip", "cannot be read");
	expect("policy", "warn", "paused");
}

static void test_libvirt(void **state)
{
	struct ebb_checkup_picture *picture = make_picture();

	(void)state;
	picture->libvirt_silent = true;
	examine(picture);
	expect("libvirt", "fail", "does not answer");
	picture = make_picture();
	picture->libvirt_connected = false;
	examine(picture);
	expect("libvirt", "fail", "no connection");
	picture = make_picture();
	picture->libvirt_version = 8006001;
	examine(picture);
	expect("libvirt", "warn", "libvirt 8.6.1");
	picture = make_picture();
	picture->libvirt_version = 0;
	examine(picture);
	expect("libvirt", "ok", "unknown version");
}

static void test_kernel(void **state)
{
	struct ebb_checkup_picture *picture = make_picture();

	(void)state;
	picture->facts.page_out_error = -ENOSYS;
	picture->pressure_error = -ENOENT;
	picture->facts.cgroup_version = EBB_CGROUP_V1;
	picture->facts.overcommit = 2;
	picture->facts.commit_limit_bytes = 8 * EBB_GIB;
	picture->facts.committed_bytes = 2 * EBB_GIB;
	strcpy(picture->facts.shmem_thp, "never");
	picture->facts.ksm_runs = true;
	picture->facts.ksm_saved_bytes = EBB_GIB;
	examine(picture);
	expect("kernel", "warn", "process_madvise()");
	expect("pressure", "warn", "does not tell");
	expect("cgroups", "warn", "version 1");
	expect("overcommit", "warn", "6.0 GiB are left");
	expect("transparent-huge-pages", "warn", "shmem_enabled is never");
	expect("ksm", "ok", "saves 1.0 GiB");

	picture = make_picture();
	picture->pressure_error = -EACCES;
	picture->deaf_cgroups = 3;
	picture->facts.overcommit = 2;
	picture->facts.commit_limit_bytes = EBB_GIB;
	picture->facts.committed_bytes = 2 * EBB_GIB;
	picture->facts.shmem_thp[0] = '\0';
	picture->facts.ksm_error = -ENOENT;
	picture->facts.reports_free_pages = true;
	examine(picture);
	expect("pressure", "warn", "may not ask");
	expect("cgroups", "warn", "Of 3 cgroups");
	expect("overcommit", "fail", "0 B are left");
	expect("transparent-huge-pages", "skip", "does not say");
	expect("ksm", "ok", "no KSM");
	expect("hypervisor", "warn", "itself a guest");

	picture = make_picture();
	picture->facts.thp[0] = '\0';
	picture->facts.ksm_error = -EACCES;
	examine(picture);
	expect("transparent-huge-pages", "ok",
	       "private memory can is not known");
	expect("ksm", "skip", "cannot be read");
}

static void test_swap(void **state)
{
	struct ebb_checkup_picture *picture = make_picture();

	(void)state;
	picture->facts.swap = (struct ebb_budget_swap){ .known = true };
	examine(picture);
	expect("swap", "warn", "has no swap");
	picture = make_picture();
	picture->facts.swap.fast_free_bytes = 0;
	picture->facts.swap.zswap = true;
	examine(picture);
	expect("swap", "warn",
	       "compressed by zswap first, and none of it is known to be fast");
	picture = make_picture();
	picture->facts.swap.fast_free_bytes = 0;
	picture->facts.swap.zram_bytes = picture->facts.swap.total_bytes;
	examine(picture);
	expect("swap", "warn", "is zram");
	picture = make_picture();
	picture->facts.swap.free_bytes = 0;
	picture->facts.swap.fast_free_bytes = 0;
	examine(picture);
	expect("swap", "warn", "is full");
	picture = make_picture();
	picture->facts.swap.known = false;
	examine(picture);
	expect("swap", "skip", "cannot be read");
}

static void test_budgets(void **state)
{
	struct ebb_checkup_picture *picture = make_picture();
	struct ebb_explain *head = &picture->budgets;

	(void)state;
	/* More than can be told: what lacks something comes first. */
	head->budget_count = EBB_EXPLAIN_BUDGETS_MAX;
	for (uint32_t i = 1; i < head->budget_count; i++) {
		head->budgets[i] = head->budgets[0];
		snprintf(head->budgets[i].name, sizeof(head->budgets[i].name),
			 "slice%u", i);
	}
	strcpy(head->budgets[63].name, "node 1");
	head->budgets[63].in_need = true;
	head->budgets[63].emergency = true;
	strcpy(head->budgets[63].text, "needs 1.0 GiB");
	head->budgets[62].huge_pages = true;
	head->budgets[62].covered = false;
	head->budgets[61].mins_fit = false;
	examine(picture);
	expect("memory", "fail",
	       "node 1: 8.0 GiB of 16.0 GiB available; needs "
	       "1.0 GiB");
	expect("huge-pages", "warn", "slice62");
	expect("memory", "warn", "slice61");
	/* And leaves room for the rest. */
	expect("transparent-huge-pages", "ok", "shmem_enabled is advise");
	assert_true(doctor.check_count <
		    sizeof(doctor.checks) / sizeof(doctor.checks[0]));

	picture = make_picture();
	picture->budgets_known = false;
	examine(picture);
	expect("memory", "skip", "not known yet");
	picture = make_picture();
	picture->budgets.budget_count = 0;
	picture->budgets.enabled = false;
	examine(picture);
	expect("memory", "skip", "while the policy is off");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_facts, fake_root_make,
						fake_root_remove),
		cmocka_unit_test_setup_teardown(
			test_nothing_to_read, fake_root_make, fake_root_remove),
		cmocka_unit_test(test_all_is_well),
		cmocka_unit_test(test_ebbd),
		cmocka_unit_test(test_libvirt),
		cmocka_unit_test(test_kernel),
		cmocka_unit_test(test_swap),
		cmocka_unit_test(test_budgets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
