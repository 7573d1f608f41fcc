/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/budget/budget.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/budget/process.h"

int ebb_budget_reader_new(const char *root,
			  struct ebb_budget_reader **ret_reader)
{
	struct ebb_budget_reader *reader = calloc(1, sizeof(*reader));

	if (reader)
		reader->root = strdup(root);
	if (!reader || !reader->root) {
		free(reader);
		return -ENOMEM;
	}
	ebb_bounds_init(&reader->bounds);
	*ret_reader = reader;
	return 0;
}

void ebb_budget_reader_free(struct ebb_budget_reader *reader)
{
	if (!reader)
		return;
	ebb_bounds_free(&reader->bounds);
	ebb_cgroups_free(&reader->groups);
	free(reader->root);
	free(reader);
}

void ebb_budget_look_at_nodes(struct ebb_budget_reader *reader,
			      struct ebb_workers *workers)
{
	ebb_bounds_look(&reader->bounds, reader->root, workers);
}

int ebb_budget_read(struct ebb_budget_reader *reader, uint64_t promised_bytes,
		    struct ebb_budget_process *processes,
		    uint32_t process_count, struct ebb_budget_list *ret_list)
{
	struct ebb_budget_read read = { .reader = reader };
	struct ebb_cgroups groups = { 0 };

	ebb_budget_read_swap(&read);
	ebb_budget_read_host(&read, promised_bytes);
	ebb_budget_read_pools(&read);
	ebb_budget_read_nodes(&read);
	if (__builtin_popcountll(read.nodes) > 1 &&
	    ebb_bounds_read(&reader->bounds, reader->root, processes,
			    process_count) < 0) {
		ebb_budget_list_free(&read.list);
		return -ENOMEM;
	}
	ebb_cgroups_begin(&groups, &reader->groups, &read, process_count);
	for (uint32_t i = 0; i < process_count; i++)
		ebb_budget_read_process(&read, &groups, &processes[i]);
	ebb_budget_bound_marks(&read.list, processes, process_count);
	ebb_cgroups_end(&groups);
	reader->groups = groups;
	*ret_list = read.list;
	return 0;
}
