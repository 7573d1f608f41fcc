/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "guest/meminfo.h"
#include "guest/vmstat.h"

static FILE *open_fact(const char *proc_dir, const char *name)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", proc_dir, name);
	return fopen(path, "re");
}

/* "Node 0, zone  Normal  N N N ...": blocks of order 0, 1, 2, ... */
static void read_buddyinfo(const char *proc_dir, struct ebb_msg_facts *facts)
{
	FILE *file ebb_auto_fclose = open_fact(proc_dir, "buddyinfo");
	uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	char line[1024];

	while (file && fgets(line, sizeof(line), file)) {
		char *at = strstr(line, "zone");
		char *end;

		if (!at)
			continue;
		at += strlen("zone");
		at += strspn(at, " ");
		at += strcspn(at, " ");
		for (unsigned int order = 0; order < 32; order++, at = end) {
			uint64_t blocks = strtoull(at, &end, 10);

			if (end == at)
				break;
			if (order >= EBB_LEASE_ORDER_MIN)
				facts->free_huge_bytes += (blocks * page_bytes)
							  << order;
		}
	}
}

static void read_pressure(const char *proc_dir, struct ebb_msg_facts *facts)
{
	FILE *file ebb_auto_fclose = open_fact(proc_dir, "pressure/memory");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		const char *total = strstr(line, "total=");

		if (!total)
			continue;
		total += strlen("total=");
		if (strncmp(line, "some", 4) == 0)
			facts->psi_some_us = strtoull(total, NULL, 10);
		else if (strncmp(line, "full", 4) == 0)
			facts->psi_full_us = strtoull(total, NULL, 10);
	}
}

static void read_vmstat(const char *proc_dir, struct ebb_msg_facts *facts)
{
	struct ebb_vmstat vmstat;

	if (ebb_vmstat_read(proc_dir, &vmstat) < 0)
		return;
	facts->allocstall = vmstat.allocstall;
	facts->refault = vmstat.refault;
}

static struct ebb_msg_held held_by(const struct ebb_meminfo *meminfo,
				   uint64_t free_huge_bytes)
{
	return (struct ebb_msg_held){
		.known = true,
		.anonymous_bytes = meminfo->anonymous_bytes,
		.shared_bytes = meminfo->shared_bytes,
		.locked_bytes = meminfo->locked_bytes,
		.huge_pool_bytes = meminfo->huge_pool_bytes,
		.page_cache_bytes = meminfo->active_file_bytes +
				    meminfo->inactive_file_bytes,
		.slab_bytes = meminfo->slab_bytes,
		.page_tables_bytes = meminfo->page_tables_bytes,
		.fragments_bytes =
			meminfo->free_bytes > free_huge_bytes
				? meminfo->free_bytes - free_huge_bytes
				: 0,
	};
}

int ebb_facts_read(const char *proc_dir, struct ebb_msg_facts *ret_facts)
{
	struct ebb_msg_facts facts = { 0 };
	struct ebb_meminfo meminfo;
	int r = ebb_meminfo_read(proc_dir, &meminfo);

	if (r < 0)
		return r;
	facts.total_bytes = meminfo.total_bytes;
	facts.free_bytes = meminfo.free_bytes;
	facts.available_bytes = meminfo.available_bytes;
	read_buddyinfo(proc_dir, &facts);
	facts.held = held_by(&meminfo, facts.free_huge_bytes);
	read_pressure(proc_dir, &facts);
	read_vmstat(proc_dir, &facts);
	*ret_facts = facts;
	return 0;
}
