/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "host/ctl/text.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

enum {
	KEY_COLUMNS = 16,
	COLUMN_GAP = 2,
};

/* Marks that turn the direction of what follows, seen or unseen. */
static bool turns_direction(wchar_t c)
{
	return c == 0x061c || c == 0x200e || c == 0x200f ||
	       (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static bool is_harmless(wchar_t c)
{
	return iswprint((wint_t)c) && !turns_direction(c);
}

size_t ctl_next_char(const char *text, wchar_t *ret_char)
{
	mbstate_t state = { 0 };
	size_t bytes = mbrtowc(ret_char, text, strlen(text), &state);

	if (bytes == 0 || bytes == (size_t)-1 || bytes == (size_t)-2) {
		*ret_char = 0;
		return 1;
	}
	return bytes;
}

char *ctl_clean(char *text, bool keep_lines)
{
	const char *from = text;
	char *to = text;

	while (*from) {
		wchar_t c;
		size_t bytes = ctl_next_char(from, &c);

		if (is_harmless(c) ||
		    (keep_lines && (*from == '\n' || *from == '\t'))) {
			memmove(to, from, bytes);
			to += bytes;
		} else {
			*to++ = '?';
		}
		from += bytes;
	}
	*to = '\0';
	return text;
}

void ctl_clean_message(const struct ebb_field *fields, void *message)
{
	for (; fields->name; fields++) {
		char *field = (char *)message + fields->offset;
		uint32_t count = 1;

		switch (fields->type) {
		case EBB_FIELD_STRING:
			ctl_clean(field,
				  strcmp(fields->name, "xml") == 0 ||
					  strcmp(fields->name, "patch") == 0);
			break;
		case EBB_FIELD_STRUCT_ARRAY:
			memcpy(&count, (char *)message + fields->count_offset,
			       sizeof(count));
			/* fall through */
		case EBB_FIELD_STRUCT:
			for (uint32_t i = 0; i < count; i++)
				ctl_clean_message(
					fields->sub,
					field + i * fields->sub_bytes);
			break;
		case EBB_FIELD_U32:
		case EBB_FIELD_U64:
		case EBB_FIELD_BOOL:
		case EBB_FIELD_HEX:
		case EBB_FIELD_U64_ARRAY:
			break;
		}
	}
}

static bool is_plain(const char *name)
{
	return *name && *name != '-' &&
	       !name[strspn(name, "abcdefghijklmnopqrstuvwxyz"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789._+:@-")];
}

const char *ctl_named(const char *text, const char *name,
		      char ret_text[CTL_NAMED_BYTES])
{
	static const char word[] = "DOMAIN";
	size_t used = 0;

	if (!is_plain(name))
		return text;
	*ret_text = '\0';
	while (*text && used < CTL_NAMED_BYTES) {
		const char *next = strstr(text, word);
		int before = next ? (int)(next - text) : (int)strlen(text);

		used += (size_t)snprintf(ret_text + used,
					 CTL_NAMED_BYTES - used, "%.*s%s",
					 before, text, next ? name : "");
		text += before + (next ? (int)strlen(word) : 0);
	}
	return ret_text;
}

int ctl_text_width(const char *text)
{
	int width = 0;

	while (*text) {
		wchar_t c;

		text += ctl_next_char(text, &c);
		if (wcwidth(c) > 0)
			width += wcwidth(c);
	}
	return width;
}

static void print_padding(FILE *file, int columns)
{
	if (columns > 0)
		fprintf(file, "%*s", columns, "");
}

/* @next: what comes before this cell, so that it is owed only if one comes. */
static void print_cell(FILE *file, const struct ctl_column *column,
		       const char *text, int width, int *owed)
{
	int fill = width - ctl_text_width(text);

	if (!*text) {
		*owed += width;
		return;
	}
	print_padding(file, *owed + (column->right ? fill : 0));
	fputs(text, file);
	*owed = column->right ? 0 : fill;
}

static void print_row(FILE *file, const struct ctl_column *columns,
		      size_t column_count, const char *const *cells,
		      const int *widths)
{
	int owed = 0;

	for (size_t i = 0; i < column_count; i++) {
		print_cell(file, &columns[i], cells[i], widths[i], &owed);
		owed += COLUMN_GAP;
	}
	fputc('\n', file);
}

void ctl_table_print(FILE *file, const struct ctl_column *columns,
		     size_t column_count, const char *const *cells,
		     size_t row_count)
{
	const char *headings[CTL_COLUMNS_MAX];
	int widths[CTL_COLUMNS_MAX];

	assert(column_count <= CTL_COLUMNS_MAX);
	for (size_t i = 0; i < column_count; i++) {
		headings[i] = columns[i].heading;
		widths[i] = ctl_text_width(headings[i]);
		for (size_t row = 0; row < row_count; row++) {
			int width =
				ctl_text_width(cells[row * column_count + i]);

			if (widths[i] < width)
				widths[i] = width;
		}
	}
	print_row(file, columns, column_count, headings, widths);
	for (size_t row = 0; row < row_count; row++)
		print_row(file, columns, column_count,
			  &cells[row * column_count], widths);
}

void ctl_pair_print(FILE *file, const char *key, const char *format, ...)
{
	va_list args;

	fprintf(file, "%-*s", KEY_COLUMNS, key);
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	fputc('\n', file);
}

void ctl_indent_print(FILE *file, int indent, const char *text)
{
	while (*text) {
		int bytes = (int)strcspn(text, "\n");

		if (bytes)
			fprintf(file, "%*s%.*s", indent, "", bytes, text);
		fputc('\n', file);
		text += bytes;
		if (*text)
			text++;
	}
}

/* Outside of strings JSON has but ASCII, so an escape means the same. */
static void print_escaped(FILE *file, const char *text)
{
	while (*text) {
		wchar_t c;
		size_t bytes = ctl_next_char(text, &c);

		if (*text == '\n' || is_harmless(c))
			fwrite(text, 1, bytes, file);
		else if (c > 0xffff)
			fprintf(file, "\\u%04x\\u%04x",
				0xd7c0 + ((unsigned int)c >> 10),
				0xdc00 | ((unsigned int)c & 0x3ff));
		else
			fprintf(file, "\\u%04x", c ? (unsigned int)c : 0xfffd);
		text += bytes;
	}
	fputc('\n', file);
}

static void print_json(FILE *file, const struct json_object *value, int flags)
{
	/* It keeps the text with the object. */
	const char *text = json_object_to_json_string_ext(
		(struct json_object *)value,
		flags | JSON_C_TO_STRING_NOSLASHESCAPE);

	if (isatty(fileno(file)))
		print_escaped(file, text);
	else
		fprintf(file, "%s\n", text);
}

void ctl_json_print(FILE *file, struct json_object *value)
{
	print_json(file, value,
		   JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
}

void ctl_json_print_line(FILE *file, const struct json_object *value)
{
	print_json(file, value, JSON_C_TO_STRING_PLAIN);
}

bool ctl_has_colour(FILE *file)
{
	const char *no_colour = getenv("NO_COLOR");
	const char *terminal = getenv("TERM");

	return isatty(fileno(file)) && !(no_colour && *no_colour) && terminal &&
	       *terminal && strcmp(terminal, "dumb") != 0;
}
