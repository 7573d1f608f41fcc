/* SPDX-License-Identifier: GPL-2.0-only */
/* The list that a read fills, and what it says once. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/budget/read.h"

void ebb_budget_list_free(struct ebb_budget_list *list)
{
	for (uint32_t i = 0; i < list->count; i++)
		free(list->budgets[i].dir);
	free(list->budgets);
	*list = (struct ebb_budget_list){ 0 };
}

static int grow(struct ebb_budget_list *list)
{
	uint32_t count = list->count;
	struct ebb_budget *larger;

	/* Full at 8, 16, 32 ... */
	if (count > 0 && (count < 8 || count & (count - 1)))
		return 0;
	larger = realloc(list->budgets,
			 (count ? 2 * count : 8) * sizeof(*larger));
	if (!larger)
		return -ENOMEM;
	list->budgets = larger;
	return 0;
}

uint32_t ebb_budget_add(struct ebb_budget_read *read,
			const struct ebb_budget *budget)
{
	struct ebb_budget_list *list = &read->list;

	if (list->count >= EBB_BUDGETS_MAX || grow(list) < 0) {
		free(budget->dir);
		list->left_out++;
		return EBB_BUDGET_NONE;
	}
	list->budgets[list->count] = *budget;
	return list->count++;
}

uint32_t ebb_budget_find(const struct ebb_budget_list *list,
			 enum ebb_budget_kind kind, uint32_t node,
			 uint64_t page_bytes)
{
	for (uint32_t i = 0; i < list->count; i++) {
		const struct ebb_budget *budget = &list->budgets[i];

		if (budget->kind == kind && budget->node == node &&
		    budget->page_bytes == page_bytes)
			return i;
	}
	return EBB_BUDGET_NONE;
}

/* FNV-1a */
static uint64_t hash(const char *text)
{
	uint64_t value = UINT64_C(0xcbf29ce484222325);

	for (; *text; text++)
		value = (value ^ (unsigned char)*text) *
			UINT64_C(0x100000001b3);
	return value;
}

void ebb_budget_trouble(struct ebb_budget_read *read, const char *format, ...)
{
	struct ebb_budget_reader *reader = read->reader;
	struct ebb_budget_list *list = &read->list;
	char text[EBB_BUDGET_TROUBLE_BYTES];
	va_list args;
	uint64_t key;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	key = hash(text);
	for (uint32_t i = 0; i < reader->told_count; i++)
		if (reader->told[i] == key)
			return;
	/* What has no room now is told by a later read. */
	if (list->trouble_count >= EBB_BUDGET_TROUBLES_MAX ||
	    reader->told_count >= EBB_ARRAY_SIZE(reader->told))
		return;
	reader->told[reader->told_count++] = key;
	strcpy(list->troubles[list->trouble_count++], text);
}
