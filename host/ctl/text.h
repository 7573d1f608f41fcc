/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Text for a terminal.
 *
 * What ebbd tells may come from a guest or from a domain's XML: escape
 * sequences in it could repaint the operator's terminal. So each string is
 * cleaned where it is decoded, by the table that decoded it.
 */
#ifndef EBB_HOST_CTL_TEXT_H
#define EBB_HOST_CTL_TEXT_H

#include <stdbool.h>
#include <stdio.h>
#include <wchar.h>

#include "protocol/message.h"

/**
 * ctl_clean - replace what could steer a terminal by '?'
 * @text: changed in place, never longer than before
 * @keep_lines: leave '\n' and '\t'
 *
 * That is control characters, bytes that are no character of the locale, and
 * marks that turn the direction of writing. Returns @text.
 */
char *ctl_clean(char *text, bool keep_lines);

/*
 * The next character of a text that does not end here. Returns its bytes, at least one;
 * @ret_char is 0 for bytes that are no character.
 */
size_t ctl_next_char(const char *text, wchar_t *ret_char);

/* ctl_clean() on each string of a decoded message; in "xml", lines stay. */
void ctl_clean_message(const struct ebb_field *fields, void *message);

enum {
	CTL_NAMED_BYTES = 1024
};

/**
 * ctl_named - a remedy with the name of the domain for the word DOMAIN
 * @ret_text: for a longer text, cut
 *
 * Returns @ret_text; or @text, where a shell would not take @name for one plain word.
 */
const char *ctl_named(const char *text, const char *name,
		      char ret_text[CTL_NAMED_BYTES]);

/* Columns that a cleaned text takes. */
int ctl_text_width(const char *text);

enum {
	CTL_COLUMNS_MAX = 16
};

/* A column of a table. */
struct ctl_column {
	const char *heading;
	bool right; /* numbers */
};

/**
 * ctl_table_print - aligned columns, no blank at the end of a line
 * @columns: @column_count of them, at most CTL_COLUMNS_MAX
 * @cells: @row_count rows of @column_count cleaned texts each
 */
void ctl_table_print(FILE *file, const struct ctl_column *columns,
		     size_t column_count, const char *const *cells,
		     size_t row_count);

/* "Key             value": a line of a block. */
void ctl_pair_print(FILE *file, const char *key, const char *format, ...)
	__attribute__((__format__(__printf__, 3, 4)));

/* Each line of @text behind @indent blanks. */
void ctl_indent_print(FILE *file, int indent, const char *text);

/* Pretty. On a terminal, what could steer it is written as \uXXXX. */
void ctl_json_print(FILE *file, struct json_object *value);

/* Likewise in one line, so that a script reads line by line. */
void ctl_json_print_line(FILE *file, const struct json_object *value);

/* Whether to colour: a terminal that is not dumb, and no $NO_COLOR. */
bool ctl_has_colour(FILE *file);

#endif /* EBB_HOST_CTL_TEXT_H */
