/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/vmstat.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "guest/sysfile.h"

#define REFAULT_BYTES_MIN ((uint64_t)8 << 20)
#define REFAULT_SHARE 256
#define STEAL_SHARE 4

int ebb_vmstat_read(const char *proc_dir, struct ebb_vmstat *ret_vmstat)
{
	struct ebb_vmstat vmstat = { 0 };
	FILE *file ebb_auto_fclose = NULL;
	char path[EBB_SYSFILE_PATH_BYTES], name[EBB_SYSFILE_NAME_BYTES];
	uint64_t value;

	snprintf(path, sizeof(path), "%s/vmstat", proc_dir);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (ebb_sysfile_next(file, name, &value)) {
		if (strncmp(name, "allocstall", 10) == 0)
			vmstat.allocstall += value;
		else if (strncmp(name, "workingset_refault", 18) == 0)
			vmstat.refault += value;
		else if (strcmp(name, "pgsteal_kswapd") == 0)
			vmstat.steal = value;
		else if (strcmp(name, "oom_kill") == 0)
			vmstat.oom_kill = value;
	}
	*ret_vmstat = vmstat;
	return 0;
}

enum ebb_backoff_reason ebb_vmstat_stalled(const struct ebb_vmstat *before,
					   const struct ebb_vmstat *now)
{
	if (now->allocstall <= before->allocstall)
		return EBB_BACKOFF_NONE;
	return now->oom_kill > before->oom_kill ? EBB_BACKOFF_OOM
						: EBB_BACKOFF_ALLOCSTALL;
}

/* Pages that came back because others had to go for the target. */
static bool is_thrashing(const struct ebb_vmstat *before,
			 const struct ebb_vmstat *now, uint64_t limit_pages)
{
	uint64_t refaults = now->refault - before->refault;
	uint64_t limited = now->limited - before->limited;

	refaults -= limited < refaults ? limited : refaults;
	return refaults > limit_pages && now->steal > before->steal &&
	       now->steal - before->steal >= refaults / STEAL_SHARE;
}

enum ebb_backoff_reason ebb_vmstat_judge(const struct ebb_vmstat *before,
					 const struct ebb_vmstat *now,
					 uint64_t total_bytes)
{
	enum ebb_backoff_reason reason = ebb_vmstat_stalled(before, now);
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t limit_bytes = total_bytes / REFAULT_SHARE;

	if (reason != EBB_BACKOFF_NONE || now->refault <= before->refault)
		return reason;
	if (limit_bytes < REFAULT_BYTES_MIN)
		limit_bytes = REFAULT_BYTES_MIN;
	return is_thrashing(before, now, limit_bytes / page_bytes)
		       ? EBB_BACKOFF_PRESSURE
		       : EBB_BACKOFF_NONE;
}
