/* SPDX-License-Identifier: GPL-2.0-only */
#include "guest/split.h"

static void emit(struct ebb_split *split, bool whole, ebb_split_fn fn,
		 void *opaque)
{
	size_t used = split->used;

	split->used = 0;
	if (used > 0)
		fn(split->bytes, used, whole, opaque);
}

/* Returns whether @byte is the last of an object. */
static bool take(struct ebb_split *split, char byte)
{
	if (split->escaped) {
		split->escaped = false;
	} else if (split->quote) {
		if (byte == '\\')
			split->escaped = true;
		else if (byte == split->quote)
			split->quote = 0;
	} else if (byte == '"' || byte == '\'') {
		split->quote = byte;
	} else if (byte == '{' || byte == '[') {
		split->depth++;
	} else if (byte == '}' || byte == ']') {
		return --split->depth == 0;
	}
	return false;
}

void ebb_split_push(struct ebb_split *split, const char *data,
		    size_t data_bytes, ebb_split_fn fn, void *opaque)
{
	for (size_t i = 0; i < data_bytes; i++) {
		char byte = data[i];
		bool ended = false;

		if (byte == '\xff') {
			emit(split, false, fn, opaque);
			split->depth = 0;
			split->quote = 0;
			split->escaped = split->passing = false;
		} else if (split->depth > 0 || byte == '{' || byte == '[') {
			if (split->depth == 0)
				emit(split, false, fn, opaque);
			ended = take(split, byte);
		}
		split->bytes[split->used++] = byte;
		if (ended) {
			emit(split, !split->passing, fn, opaque);
			split->passing = false;
		} else if (split->used == sizeof(split->bytes)) {
			split->passing = split->depth > 0;
			emit(split, false, fn, opaque);
		}
	}
	if (split->depth == 0 || split->passing)
		emit(split, false, fn, opaque);
}
