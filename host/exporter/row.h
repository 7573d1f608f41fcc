/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Metrics by table.
 *
 * A row makes a metric of a member of a message that ebbd sent, as ebbctl decodes it.
 * The format wants all samples of a metric together, and domains are decoded one by
 * one, as all at once would be many megabytes: so a sheet keeps the lines of each row
 * apart until all have come.
 *
 * What is not known has no sample: 0 would be taken for a fact.
 */
#ifndef EBB_HOST_EXPORTER_ROW_H
#define EBB_HOST_EXPORTER_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "host/exporter/text.h"

/* Of the C member. The name of the metric ends with what the number is in. */
enum exp_unit {
	EXP_U64,
	EXP_U32,
	EXP_MS, /* uint32_t, shown in seconds */
	EXP_US, /* likewise */
	EXP_BOOL, /* shown as 0 or 1 */
};

/**
 * struct exp_row - a metric
 * @name: ends in "_total" if it is a counter, as the format wants
 * @help: one sentence
 * @unit, @offset: of the member that is the value
 * @known: whether there is a value; NULL: always
 * @print: prints the samples instead, if it is not NULL
 */
struct exp_row {
	const char *name;
	const char *help;
	enum exp_unit unit;
	size_t offset;
	bool (*known)(const void *message);
	void (*print)(const struct exp_row *row, const char *labels,
		      const void *message, struct exp_text *lines);
};

/* Rows and the lines that there are of each; the counts are the same. */
struct exp_sheet {
	const struct exp_row *rows;
	size_t count;
	struct exp_text *lines;
};

/* Returns 0 or -ENOMEM. */
int exp_sheet_init(struct exp_sheet *ret_sheet, const struct exp_row *rows,
		   size_t count);
void exp_sheet_clear(struct exp_sheet *sheet);

/**
 * exp_sheet_add - the samples of one message
 * @labels: by exp_text_label(), or ""
 * @message: the struct that the rows' offsets are of
 */
void exp_sheet_add(struct exp_sheet *sheet, const char *labels,
		   const void *message);

/**
 * exp_rows_json - the members of a JSON object, for the live page
 * @prefix: of the rows' names, which the members lack
 * @object: begun by '{'
 *
 * Rows that print their samples themselves are left out.
 */
void exp_rows_json(const struct exp_row *rows, size_t count, const char *prefix,
		   const void *message, struct exp_text *object);

/* All metrics that have a sample, each with its HELP and TYPE. */
void exp_sheet_print(const struct exp_sheet *sheet, struct exp_text *page);

/* One sample: for who prints some of a row's own. */
void exp_sample_add(struct exp_text *lines, const char *name,
		    const char *labels, uint64_t value);

#endif /* EBB_HOST_EXPORTER_ROW_H */
