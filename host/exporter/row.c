/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/exporter/row.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int exp_sheet_init(struct exp_sheet *ret_sheet, const struct exp_row *rows,
		   size_t count)
{
	struct exp_sheet sheet = { .rows = rows, .count = count };

	sheet.lines = calloc(count, sizeof(*sheet.lines));
	if (!sheet.lines)
		return -ENOMEM;
	*ret_sheet = sheet;
	return 0;
}

void exp_sheet_clear(struct exp_sheet *sheet)
{
	for (size_t i = 0; i < sheet->count; i++)
		exp_text_clear(&sheet->lines[i]);
	free(sheet->lines);
	*sheet = (struct exp_sheet){ 0 };
}

static void begin_sample(struct exp_text *lines, const char *name,
			 const char *labels)
{
	exp_text_put(lines, name);
	if (*labels) {
		exp_text_put(lines, "{");
		exp_text_put(lines, labels);
		exp_text_put(lines, "}");
	}
	exp_text_put(lines, " ");
}

void exp_sample_add(struct exp_text *lines, const char *name,
		    const char *labels, uint64_t value)
{
	begin_sample(lines, name, labels);
	exp_text_number(lines, value);
	exp_text_put(lines, "\n");
}

/* Ends without a newline. */
static void add_value(struct exp_text *lines, enum exp_unit unit,
		      const void *field)
{
	uint32_t part;

	switch (unit) {
	case EXP_U64:
		exp_text_number(lines, *(const uint64_t *)field);
		break;
	case EXP_U32:
		exp_text_number(lines, *(const uint32_t *)field);
		break;
	case EXP_MS:
		part = *(const uint32_t *)field;
		exp_text_add(lines, "%" PRIu32 ".%03" PRIu32, part / 1000,
			     part % 1000);
		break;
	case EXP_US:
		part = *(const uint32_t *)field;
		exp_text_add(lines, "%" PRIu32 ".%06" PRIu32, part / 1000000,
			     part % 1000000);
		break;
	case EXP_BOOL:
		exp_text_number(lines, *(const bool *)field);
		break;
	}
}

void exp_sheet_add(struct exp_sheet *sheet, const char *labels,
		   const void *message)
{
	for (size_t i = 0; i < sheet->count; i++) {
		const struct exp_row *row = &sheet->rows[i];
		struct exp_text *lines = &sheet->lines[i];

		if (row->known && !row->known(message))
			continue;
		if (row->print) {
			row->print(row, labels, message, lines);
			continue;
		}
		begin_sample(lines, row->name, labels);
		add_value(lines, row->unit,
			  (const char *)message + row->offset);
		exp_text_put(lines, "\n");
	}
}

void exp_rows_json(const struct exp_row *rows, size_t count, const char *prefix,
		   const void *message, struct exp_text *object)
{
	for (size_t i = 0; i < count; i++) {
		const struct exp_row *row = &rows[i];

		if (row->print || (row->known && !row->known(message)))
			continue;
		exp_text_member(object, row->name + strlen(prefix));
		add_value(object, row->unit,
			  (const char *)message + row->offset);
	}
}

static bool is_counter(const char *name)
{
	static const char end[] = "_total";
	size_t length = strlen(name);

	return length > strlen(end) &&
	       strcmp(name + length - strlen(end), end) == 0;
}

void exp_sheet_print(const struct exp_sheet *sheet, struct exp_text *page)
{
	for (size_t i = 0; i < sheet->count; i++) {
		const struct exp_row *row = &sheet->rows[i];
		const struct exp_text *lines = &sheet->lines[i];

		if (!lines->used && !lines->failed)
			continue;
		exp_text_add(page, "# HELP %s %s\n# TYPE %s %s\n", row->name,
			     row->help, row->name,
			     is_counter(row->name) ? "counter" : "gauge");
		exp_text_join(page, lines);
	}
}
