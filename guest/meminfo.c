/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/meminfo.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "guest/sysfile.h"

#define LINE(text, member)                                 \
	{                                                  \
		text, offsetof(struct ebb_meminfo, member) \
	}

static const struct {
	const char *name;
	size_t offset;
} lines[] = {
	LINE("MemTotal:", total_bytes),
	LINE("MemFree:", free_bytes),
	LINE("MemAvailable:", available_bytes),
	LINE("Active(file):", active_file_bytes),
	LINE("Inactive(file):", inactive_file_bytes),
	LINE("AnonPages:", anonymous_bytes),
	LINE("Shmem:", shared_bytes),
	LINE("Unevictable:", locked_bytes),
	LINE("Hugetlb:", huge_pool_bytes),
	LINE("Slab:", slab_bytes),
	LINE("PageTables:", page_tables_bytes),
	LINE("SReclaimable:", slab_reclaimable_bytes),
	LINE("SwapFree:", swap_free_bytes),
};

int ebb_meminfo_read(const char *proc_dir, struct ebb_meminfo *ret_meminfo)
{
	struct ebb_meminfo meminfo = { 0 };
	FILE *file ebb_auto_fclose = NULL;
	char path[EBB_SYSFILE_PATH_BYTES], name[EBB_SYSFILE_NAME_BYTES];
	uint64_t kib;

	snprintf(path, sizeof(path), "%s/meminfo", proc_dir);
	file = fopen(path, "re");
	if (!file)
		return -errno;
	while (ebb_sysfile_next(file, name, &kib)) {
		kib *= 1024;
		for (size_t i = 0; i < EBB_ARRAY_SIZE(lines); i++)
			if (strcmp(name, lines[i].name) == 0)
				memcpy((char *)&meminfo + lines[i].offset, &kib,
				       sizeof(kib));
	}
	*ret_meminfo = meminfo;
	return 0;
}

uint64_t ebb_meminfo_gainable(const struct ebb_meminfo *meminfo, bool swap)
{
	uint64_t file_bytes =
		meminfo->active_file_bytes + meminfo->inactive_file_bytes;
	uint64_t swap_bytes = meminfo->swap_free_bytes;

	file_bytes -= file_bytes < EBB_MEMINFO_RESERVE_BYTES
			      ? file_bytes
			      : EBB_MEMINFO_RESERVE_BYTES;
	if (!swap)
		return file_bytes;
	if (swap_bytes > meminfo->anonymous_bytes + meminfo->shared_bytes)
		swap_bytes = meminfo->anonymous_bytes + meminfo->shared_bytes;
	return file_bytes + swap_bytes;
}
