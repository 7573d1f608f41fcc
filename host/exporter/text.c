/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/exporter/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CAPACITY_MIN = 512,
	LINE_BYTES = 256, /* most lines are shorter */
};

/* Room for so many more bytes and a NUL. */
static bool make_room(struct exp_text *text, size_t bytes)
{
	size_t capacity = text->capacity ? text->capacity : CAPACITY_MIN;
	char *grown;

	if (text->failed || bytes >= EXP_TEXT_BYTES_MAX - text->used) {
		text->failed = true;
		return false;
	}
	while (capacity <= text->used + bytes)
		capacity *= 2;
	if (capacity == text->capacity)
		return true;
	grown = realloc(text->bytes, capacity);
	if (!grown) {
		text->failed = true;
		return false;
	}
	text->bytes = grown;
	text->capacity = capacity;
	return true;
}

static void add_bytes(struct exp_text *text, const char *bytes, size_t count)
{
	if (!make_room(text, count))
		return;
	memcpy(text->bytes + text->used, bytes, count);
	text->used += count;
	text->bytes[text->used] = '\0';
}

void exp_text_add(struct exp_text *text, const char *format, ...)
{
	va_list args, again;
	size_t room;
	int bytes;

	/* It mostly fits, and is then formatted once. */
	if (!make_room(text, LINE_BYTES))
		return;
	room = text->capacity - text->used;
	va_start(args, format);
	va_copy(again, args);
	bytes = vsnprintf(text->bytes + text->used, room, format, args);
	if (bytes < 0)
		text->failed = true;
	else if ((size_t)bytes < room)
		text->used += (size_t)bytes;
	else if (make_room(text, (size_t)bytes)) {
		vsnprintf(text->bytes + text->used, (size_t)bytes + 1, format,
			  again);
		text->used += (size_t)bytes;
	}
	va_end(again);
	va_end(args);
}

void exp_text_put(struct exp_text *text, const char *string)
{
	add_bytes(text, string, strlen(string));
}

void exp_text_number(struct exp_text *text, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do
		digits[--at] = (char)('0' + number % 10);
	while (number /= 10);
	add_bytes(text, digits + at, sizeof(digits) - at);
}

void exp_text_join(struct exp_text *text, const struct exp_text *other)
{
	if (other->failed)
		text->failed = true;
	else if (other->used)
		add_bytes(text, other->bytes, other->used);
}

static void add_escaped(struct exp_text *text, char byte)
{
	unsigned char value = (unsigned char)byte;

	if (byte == '\\' || byte == '"')
		add_bytes(text, (const char[]){ '\\', byte }, 2);
	else if (byte == '\n')
		add_bytes(text, "\\n", 2);
	else if (value < ' ' || value == 0x7f)
		add_bytes(text, "?", 1);
	else
		add_bytes(text, &byte, 1);
}

void exp_text_label(struct exp_text *text, const char *name, const char *value)
{
	exp_text_put(text, text->used ? "," : "");
	exp_text_put(text, name);
	exp_text_put(text, "=\"");
	for (; *value; value++)
		add_escaped(text, *value);
	add_bytes(text, "\"", 1);
}

void exp_text_member(struct exp_text *text, const char *name)
{
	char last = text->used ? text->bytes[text->used - 1] : '{';

	exp_text_add(text, "%s\"%s\":", last == '{' ? "" : ",", name);
}

void exp_text_string(struct exp_text *text, const char *value)
{
	add_bytes(text, "\"", 1);
	for (; *value; value++) {
		unsigned char byte = (unsigned char)*value;

		if (byte == '\\' || byte == '"')
			add_bytes(text, (const char[]){ '\\', *value }, 2);
		else if (byte < ' ' || byte == 0x7f)
			exp_text_add(text, "\\u%04x", byte);
		else
			add_bytes(text, value, 1);
	}
	add_bytes(text, "\"", 1);
}

void exp_text_cut(struct exp_text *text, size_t used)
{
	text->used = used;
	if (text->bytes)
		text->bytes[used] = '\0';
}

void exp_text_reset(struct exp_text *text)
{
	exp_text_cut(text, 0);
}

void exp_text_clear(struct exp_text *text)
{
	free(text->bytes);
	*text = (struct exp_text){ 0 };
}

const char *exp_text_get(const struct exp_text *text)
{
	return text->bytes ? text->bytes : "";
}
