/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/workingset.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "guest/sysfile.h"

#define WINDOW_US ((uint64_t)60 * 1000 * 1000)
#define RESERVE_BYTES ((uint64_t)64 << 20)
#define LINES_MAX (64 * 1024)

static uint64_t page_bytes(void)
{
	return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* "  SEQ AGE_MS ANON FILE", each count with an 'x' behind it if it is stale. */
static bool parse_generation(const char *line, uint64_t *ret_age_ms,
			     uint64_t *ret_pages)
{
	uint64_t numbers[4];

	for (int i = 0; i < 4; i++) {
		char *end;

		line += strspn(line, " \t");
		if (!isdigit((unsigned char)*line))
			return false;
		numbers[i] = strtoull(line, &end, 10);
		line = *end == 'x' ? end + 1 : end;
		if (!isspace((unsigned char)*line) && *line)
			return false;
	}
	*ret_age_ms = numbers[1];
	*ret_pages = numbers[2] + numbers[3];
	return true;
}

uint64_t ebb_workingset_idle_pages(FILE *file)
{
	uint64_t idle_pages = 0, older_pages = 0;
	bool older = false;
	char line[1024];

	/* Generations come oldest first: one waits here for its successor. */
	for (int i = 0; i < LINES_MAX && fgets(line, sizeof(line), file); i++) {
		uint64_t age_ms, pages;

		if (!parse_generation(line, &age_ms, &pages)) {
			older = false;
			continue;
		}
		if (older && age_ms > EBB_WORKINGSET_IDLE_MS)
			idle_pages += older_pages;
		older = true;
		older_pages = pages;
	}
	return idle_pages;
}

uint64_t ebb_workingset_refault_bytes(const struct ebb_msg_facts *facts,
				      const struct ebb_meminfo *meminfo,
				      uint64_t refault_pages)
{
	uint64_t cache_bytes =
		meminfo->active_file_bytes + meminfo->inactive_file_bytes;
	uint64_t spare_bytes = facts->free_bytes +
			       meminfo->inactive_file_bytes +
			       meminfo->slab_reclaimable_bytes;
	uint64_t refault_bytes = refault_pages * page_bytes();
	uint64_t bytes = facts->total_bytes > spare_bytes
				 ? facts->total_bytes - spare_bytes
				 : 0;

	bytes += refault_bytes < cache_bytes ? refault_bytes : cache_bytes;
	return bytes < facts->total_bytes ? bytes : facts->total_bytes;
}

static bool look_at_generations(const char *root, struct ebb_msg_facts *facts)
{
	char text[EBB_SYSFILE_PATH_BYTES];
	FILE *file ebb_auto_fclose = NULL;
	uint64_t spare_bytes;

	if (ebb_sysfile_read(root, "/sys/kernel/mm/lru_gen/enabled", text,
			     sizeof(text)) < 0 ||
	    strtoul(text, NULL, 0) == 0)
		return false;
	snprintf(text, sizeof(text), "%s/sys/kernel/debug/lru_gen", root);
	file = fopen(text, "re");
	if (!file)
		return false;
	spare_bytes = facts->free_bytes +
		      ebb_workingset_idle_pages(file) * page_bytes();
	facts->working_set_bytes = facts->total_bytes > spare_bytes
					   ? facts->total_bytes - spare_bytes
					   : 0;
	strcpy(facts->working_set_source, "mglru");
	return true;
}

/* Of this window or the one before, whichever has more. */
static uint64_t count_refaults(struct ebb_workingset *workingset,
			       uint64_t refault, uint64_t now_us)
{
	uint64_t pages, most;

	/* Never looked, or the counter is that of another boot. */
	if (workingset->window_us == 0 || refault < workingset->window_refault)
		*workingset =
			(struct ebb_workingset){ .window_us = now_us,
						 .window_refault = refault };
	pages = refault - workingset->window_refault;
	if (now_us - workingset->window_us > WINDOW_US)
		pages /= (now_us - workingset->window_us) / WINDOW_US;
	most = pages > workingset->last_pages ? pages : workingset->last_pages;
	if (now_us - workingset->window_us >= WINDOW_US) {
		workingset->window_us = now_us;
		workingset->window_refault = refault;
		workingset->last_pages = pages;
	}
	return most;
}

void ebb_workingset_look(struct ebb_workingset *workingset, const char *root,
			 uint64_t now_us, uint64_t limited_pages,
			 struct ebb_msg_facts *facts)
{
	uint64_t refault_pages = count_refaults(
		workingset,
		facts->refault > limited_pages ? facts->refault - limited_pages
					       : 0,
		now_us);
	struct ebb_meminfo meminfo = { 0 };
	char proc_dir[EBB_SYSFILE_PATH_BYTES];

	if (look_at_generations(root, facts))
		return;
	snprintf(proc_dir, sizeof(proc_dir), "%s/proc", root);
	ebb_meminfo_read(proc_dir, &meminfo);
	facts->working_set_bytes =
		ebb_workingset_refault_bytes(facts, &meminfo, refault_pages);
	strcpy(facts->working_set_source, "refault");
}

uint64_t ebb_workingset_target_bytes(const struct ebb_msg_facts *facts)
{
	uint64_t needed_bytes = facts->working_set_bytes +
				facts->working_set_bytes / 8 + RESERVE_BYTES;

	if (!facts->working_set_source[0] || needed_bytes >= facts->total_bytes)
		return 0;
	return facts->total_bytes - needed_bytes;
}
