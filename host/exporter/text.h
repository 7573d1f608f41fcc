/* SPDX-License-Identifier: GPL-2.0-only */
/* Text that grows, in the exposition format of Prometheus, version 0.0.4, or in JSON. */
#ifndef EBB_HOST_EXPORTER_TEXT_H
#define EBB_HOST_EXPORTER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EXP_TEXT_BYTES_MAX = 32 * 1024 * 1024
};

/**
 * struct exp_text - zeroed: empty
 * @bytes: NUL-terminated, or NULL while it is empty
 * @failed: something did not fit, or there was no memory for it: not to be used
 */
struct exp_text {
	char *bytes;
	size_t used;
	size_t capacity;
	bool failed;
};

void exp_text_add(struct exp_text *text, const char *format, ...)
	__attribute__((__format__(__printf__, 2, 3)));

/* Likewise what is added most, without a format. */
void exp_text_put(struct exp_text *text, const char *string);
void exp_text_number(struct exp_text *text, uint64_t number);

/* All of @other behind it. */
void exp_text_join(struct exp_text *text, const struct exp_text *other);

/**
 * exp_text_label - name="value", after a comma where something is there already
 *
 * The value's '\', '"' and newline are escaped, as the format wants. Other control
 * characters become '?': people read this on terminals.
 */
void exp_text_label(struct exp_text *text, const char *name, const char *value);

/**
 * exp_text_member - "name":, after a comma where something is there already
 *
 * That is so behind all but an opening bracket.
 */
void exp_text_member(struct exp_text *text, const char *name);

/* A string of JSON. The value is UTF-8, as all that was parsed is. */
void exp_text_string(struct exp_text *text, const char *value);

/* Empty again, but for its memory. */
void exp_text_reset(struct exp_text *text);

/* Back to so many of its bytes, after what came behind them turned out wrong. */
void exp_text_cut(struct exp_text *text, size_t used);

void exp_text_clear(struct exp_text *text);

/* What it holds, "" while it is empty. */
const char *exp_text_get(const struct exp_text *text);

#endif /* EBB_HOST_EXPORTER_TEXT_H */
