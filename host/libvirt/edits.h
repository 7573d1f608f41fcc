/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A text in lines, and changes of some of them: the new text, or a patch. Pure.
 */
#ifndef EBB_HOST_EDITS_H
#define EBB_HOST_EDITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum {
	/* Memory, its source and access, the channel, the balloon; cells and devices. */
	EBB_EDITS_MAX = 136,
	EBB_EDIT_BYTES = 512,
};

struct ebb_line {
	const char *text;
	size_t bytes; /* without its newline */
};

/**
 * struct ebb_edit - a change of one line
 * @line: index of it
 * @replaces: @text comes in its place, else after it
 * @text: lines, each with its newline; or empty
 */
struct ebb_edit {
	size_t line;
	bool replaces;
	char text[EBB_EDIT_BYTES];
};

/**
 * struct ebb_edits - zeroed: of no text
 * @lines: of the text, which stays valid; the caller frees them
 * @error: the first one
 */
struct ebb_edits {
	struct ebb_line *lines;
	size_t line_count;
	struct ebb_edit items[EBB_EDITS_MAX];
	size_t count;
	int error;
};

/* Takes the text. Returns 0 or -ENOMEM. */
int ebb_edits_split(struct ebb_edits *edits, const char *text);

/* Keeps the error, if it is the first. */
void ebb_edits_fail(struct ebb_edits *edits, int error);

/* A change of @line, without a text yet; NULL after an error. Each line has one at most. */
struct ebb_edit *ebb_edits_add(struct ebb_edits *edits,
			       const struct ebb_line *line, bool replaces);

/* In the order of the lines, as the functions below need them. */
void ebb_edits_sort(struct ebb_edits *edits);

/* Writes the text as it is with the edits. */
void ebb_edits_apply(FILE *file, const struct ebb_edits *edits);

/* Writes a unified diff of @name.xml. */
void ebb_edits_patch(FILE *file, const struct ebb_edits *edits,
		     const char *name);

#endif /* EBB_HOST_EDITS_H */
