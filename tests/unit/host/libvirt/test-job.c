/* SPDX-License-Identifier: GPL-2.0-only */
/* Which jobs of libvirt keep a reclaim from a domain's memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <libvirt/libvirt.h>

#include "host/libvirt/virt.h"

static void test_by_operation(void **state)
{
	static const enum ebb_job jobs[] = {
		[VIR_DOMAIN_JOB_OPERATION_UNKNOWN] = EBB_JOB_MEMORY,
		[VIR_DOMAIN_JOB_OPERATION_START] = EBB_JOB_MEMORY,
		[VIR_DOMAIN_JOB_OPERATION_SAVE] = EBB_JOB_MEMORY,
		[VIR_DOMAIN_JOB_OPERATION_RESTORE] = EBB_JOB_MEMORY,
		[VIR_DOMAIN_JOB_OPERATION_MIGRATION_IN] = EBB_JOB_MEMORY,
		[VIR_DOMAIN_JOB_OPERATION_MIGRATION_OUT] = EBB_JOB_MEMORY,
		[VIR_DOMAIN_JOB_OPERATION_SNAPSHOT] = EBB_JOB_MEMORY,
		[VIR_DOMAIN_JOB_OPERATION_SNAPSHOT_REVERT] = EBB_JOB_MEMORY,
		[VIR_DOMAIN_JOB_OPERATION_DUMP] = EBB_JOB_MEMORY,
		[VIR_DOMAIN_JOB_OPERATION_BACKUP] = EBB_JOB_DISK,
		[10] = EBB_JOB_DISK, /* SNAPSHOT_DELETE */
		[11] = EBB_JOB_MEMORY, /* of a newer libvirt */
	};

	(void)state;
	for (int i = 0; i < 12; i++) {
		assert_int_equal(ebb_job_of(VIR_DOMAIN_JOB_UNBOUNDED, i),
				 jobs[i]);
		assert_int_equal(ebb_job_of(VIR_DOMAIN_JOB_NONE, i),
				 EBB_JOB_NONE);
		assert_int_equal(ebb_job_of(VIR_DOMAIN_JOB_COMPLETED, i),
				 EBB_JOB_NONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_operation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
