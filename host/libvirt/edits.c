/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/libvirt/edits.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONTEXT_LINES = 3
};

int ebb_edits_split(struct ebb_edits *edits, const char *xml)
{
	size_t count = 1;

	for (const char *c = xml; *c; c++)
		count += *c == '\n';
	edits->lines = calloc(count, sizeof(*edits->lines));
	if (!edits->lines)
		return -ENOMEM;
	while (*xml) {
		size_t bytes = strcspn(xml, "\n");

		edits->lines[edits->line_count++] =
			(struct ebb_line){ xml, bytes };
		xml += bytes + (xml[bytes] == '\n');
	}
	return 0;
}

void ebb_edits_fail(struct ebb_edits *edits, int error)
{
	if (edits->error == 0)
		edits->error = error;
}

struct ebb_edit *ebb_edits_add(struct ebb_edits *edits,
			       const struct ebb_line *line, bool replaces)
{
	size_t index = (size_t)(line - edits->lines);
	struct ebb_edit *edit;

	for (size_t i = 0; i < edits->count; i++)
		if (edits->items[i].line == index)
			ebb_edits_fail(edits, -ENOTSUP);
	if (edits->count == EBB_EDITS_MAX)
		ebb_edits_fail(edits, -ENOTSUP);
	if (edits->error < 0)
		return NULL;
	edit = &edits->items[edits->count++];
	*edit = (struct ebb_edit){ .line = index, .replaces = replaces };
	return edit;
}

static int compare_edits(const void *a, const void *b)
{
	const struct ebb_edit *left = a, *right = b;

	return left->line < right->line ? -1 : left->line > right->line;
}

void ebb_edits_sort(struct ebb_edits *edits)
{
	qsort(edits->items, edits->count, sizeof(edits->items[0]),
	      compare_edits);
}

void ebb_edits_apply(FILE *file, const struct ebb_edits *edits)
{
	size_t next = 0;

	for (size_t i = 0; i < edits->line_count; i++) {
		const struct ebb_edit *edit =
			next < edits->count && edits->items[next].line == i
				? &edits->items[next++]
				: NULL;

		if (!edit || !edit->replaces)
			fprintf(file, "%.*s\n", (int)edits->lines[i].bytes,
				edits->lines[i].text);
		if (edit)
			fputs(edit->text, file);
	}
}

/* ---- the patch ---- */

static size_t count_lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static void write_added(FILE *file, const char *text)
{
	while (*text) {
		size_t bytes = strcspn(text, "\n");

		fprintf(file, "+%.*s\n", (int)bytes, text);
		text += bytes + 1;
	}
}

/* Lines @from to @end, which is not among them, with the edits from @first on. */
static void write_lines(FILE *file, const struct ebb_edits *edits, size_t from,
			size_t end, size_t first)
{
	for (size_t i = from; i < end; i++) {
		const struct ebb_edit *edit =
			first < edits->count && edits->items[first].line == i
				? &edits->items[first++]
				: NULL;

		fprintf(file, "%c%.*s\n", edit && edit->replaces ? '-' : ' ',
			(int)edits->lines[i].bytes, edits->lines[i].text);
		if (edit)
			write_added(file, edit->text);
	}
}

static size_t begin_of(const struct ebb_edit *edit)
{
	size_t changed = edit->line + !edit->replaces;

	return changed > CONTEXT_LINES ? changed - CONTEXT_LINES : 0;
}

static size_t end_of(const struct ebb_edits *edits, const struct ebb_edit *edit)
{
	size_t end = edit->line + 1 + CONTEXT_LINES;

	return end < edits->line_count ? end : edits->line_count;
}

void ebb_edits_patch(FILE *file, const struct ebb_edits *edits,
		     const char *name)
{
	size_t more = 0; /* lines that the new file has before a hunk */

	fprintf(file, "--- %s.xml\n+++ %s.xml\n", name, name);
	for (size_t first = 0, last; first < edits->count; first = last) {
		size_t from = begin_of(&edits->items[first]);
		size_t end = 0, added = 0, removed = 0;

		/* Edits whose lines meet are of one hunk. */
		for (last = first;
		     last < edits->count &&
		     (last == first || begin_of(&edits->items[last]) <= end);
		     last++) {
			end = end_of(edits, &edits->items[last]);
			added += count_lines(edits->items[last].text);
			removed += edits->items[last].replaces;
		}
		fprintf(file, "@@ -%zu,%zu +%zu,%zu @@\n", from + 1, end - from,
			from + more + 1, end - from + added - removed);
		write_lines(file, edits, from, end, first);
		/* Below zero it wraps, and back. */
		more += added - removed;
	}
}
