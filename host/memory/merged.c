/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/memory/merged.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "common/cleanup.h"

int ebb_merged_bytes(pid_t pid, uint64_t *ret_bytes)
{
	FILE *file ebb_auto_fclose = NULL;
	uint64_t count;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ksm_merging_pages", (int)pid);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	if (fscanf(file, "%" SCNu64, &count) != 1)
		return -EBADMSG;
	*ret_bytes = count * (uint64_t)sysconf(_SC_PAGESIZE);
	return 0;
}
