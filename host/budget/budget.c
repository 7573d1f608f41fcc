/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/budget/budget.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "host/budget/read.h"

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
	*ret_reader = reader;
	return 0;
}

void ebb_budget_reader_free(struct ebb_budget_reader *reader)
{
	if (!reader)
		return;
	free(reader->root);
	free(reader);
}

int ebb_budget_read(struct ebb_budget_reader *reader, uint64_t promised_bytes,
		    struct ebb_budget_process *processes,
		    uint32_t process_count, struct ebb_budget_list *ret_list)
{
	struct ebb_budget_read read = { .reader = reader };

	ebb_budget_read_host(&read, promised_bytes);
	for (uint32_t i = 0; i < process_count; i++) {
		struct ebb_budget_process *process = &processes[i];

		*process = (struct ebb_budget_process){
			.pid = process->pid,
			.huge_page_bytes = process->huge_page_bytes,
		};
		if (read.list.count > 0 && process->huge_page_bytes == 0)
			process->parts[process->part_count++] =
				(struct ebb_budget_part){ 0, 1 };
	}
	*ret_list = read.list;
	return 0;
}
