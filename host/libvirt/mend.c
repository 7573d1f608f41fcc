/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/libvirt/mend.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>

#include "common/cleanup.h"
#include "protocol/message.h"

enum {
	/* Memory, its source and access, the channel, the balloon; cells and devices. */
	EDITS_MAX = 136,
	CONTEXT_LINES = 3,
	SMALL_PAGE_KIB = 4,
	EDIT_BYTES = 512,
};

struct line {
	const char *text;
	size_t bytes; /* without its newline */
};

/**
 * struct edit - a change of one line
 * @line: index of it
 * @replaces: @text comes in its place, else after it
 * @text: lines, each with its newline; or empty
 */
struct edit {
	size_t line;
	bool replaces;
	char text[EDIT_BYTES];
};

struct mend {
	struct line *lines;
	size_t line_count;
	struct edit edits[EDITS_MAX];
	size_t edit_count;
	int error; /* the first one */
};

/* ---- lines ---- */

static int split(struct mend *mend, const char *xml)
{
	size_t count = 1;

	for (const char *c = xml; *c; c++)
		count += *c == '\n';
	mend->lines = calloc(count, sizeof(*mend->lines));
	if (!mend->lines)
		return -ENOMEM;
	while (*xml) {
		size_t bytes = strcspn(xml, "\n");

		mend->lines[mend->line_count++] = (struct line){ xml, bytes };
		xml += bytes + (xml[bytes] == '\n');
	}
	return 0;
}

static void fail(struct mend *mend, int error)
{
	if (mend->error == 0)
		mend->error = error;
}

/*
 * The line on which the start tag of an element is, and alone; NULL after a failure.
 * @ret_indent: how far it is indented
 */
static const struct line *line_of(struct mend *mend, const xmlNode *node,
				  int *ret_indent)
{
	long number = xmlGetLineNo(node);
	size_t name_bytes = strlen((const char *)node->name);
	const struct line *line;
	size_t indent = 0;

	if (number < 1 || (size_t)number > mend->line_count) {
		fail(mend, -ENOTSUP);
		return NULL;
	}
	line = &mend->lines[number - 1];
	while (indent < line->bytes && line->text[indent] == ' ')
		indent++;
	if (line->bytes < indent + 1 + name_bytes ||
	    line->text[indent] != '<' ||
	    strncmp(line->text + indent + 1, (const char *)node->name,
		    name_bytes) != 0) {
		fail(mend, -ENOTSUP);
		return NULL;
	}
	*ret_indent = (int)indent;
	return line;
}

static bool ends_with(const struct line *line, const char *end)
{
	size_t bytes = strlen(end);

	return line->bytes >= bytes &&
	       strncmp(line->text + line->bytes - bytes, end, bytes) == 0;
}

static struct edit *add_edit(struct mend *mend, const struct line *line,
			     bool replaces)
{
	size_t index = (size_t)(line - mend->lines);
	struct edit *edit;

	for (size_t i = 0; i < mend->edit_count; i++)
		if (mend->edits[i].line == index)
			fail(mend, -ENOTSUP);
	if (mend->edit_count == EDITS_MAX)
		fail(mend, -ENOTSUP);
	if (mend->error < 0)
		return NULL;
	edit = &mend->edits[mend->edit_count++];
	*edit = (struct edit){ .line = index, .replaces = replaces };
	return edit;
}

/* ---- what has to change ---- */

static xmlNode *child_of(const xmlNode *node, const char *name)
{
	xmlNode *child = node ? node->children : NULL;

	while (child && (child->type != XML_ELEMENT_NODE ||
			 strcmp((const char *)child->name, name) != 0))
		child = child->next;
	return child;
}

static bool has(const xmlNode *node, const char *attribute, const char *value)
{
	xmlChar *found = node ? xmlGetProp(node, BAD_CAST attribute) : NULL;
	bool equal = found && strcmp((const char *)found, value) == 0;

	xmlFree(found);
	return equal;
}

static bool starts_with(const char *text, size_t bytes, const char *start)
{
	return bytes >= strlen(start) &&
	       strncmp(text, start, strlen(start)) == 0;
}

/* Another value of an attribute that is on the line of the start tag. */
static void set_attribute(struct mend *mend, const xmlNode *node,
			  const char *attribute, const char *from,
			  const char *to)
{
	int indent;
	const struct line *line = line_of(mend, node, &indent);
	struct edit *edit = line ? add_edit(mend, line, true) : NULL;
	char old[2][64];

	if (!edit)
		return;
	snprintf(old[0], sizeof(old[0]), " %s='%s'", attribute, from);
	snprintf(old[1], sizeof(old[1]), " %s=\"%s\"", attribute, from);
	for (size_t i = 0; i < line->bytes; i++)
		for (int quote = 0; quote < 2; quote++) {
			size_t rest = line->bytes - i;

			if (!starts_with(line->text + i, rest, old[quote]))
				continue;
			rest -= strlen(old[quote]);
			if (snprintf(edit->text, sizeof(edit->text),
				     "%.*s %s='%s'%.*s\n", (int)i, line->text,
				     attribute, to, (int)rest,
				     line->text + line->bytes - rest) >=
			    (int)sizeof(edit->text))
				fail(mend, -ENOTSUP);
			return;
		}
	fail(mend, -ENOTSUP);
}

static void remove_element(struct mend *mend, const xmlNode *node)
{
	int indent;
	const struct line *line = node ? line_of(mend, node, &indent) : NULL;

	if (line && !ends_with(line, "/>"))
		fail(mend, -ENOTSUP);
	else if (line)
		add_edit(mend, line, true);
}

/* libvirt prints each size in KiB. A page as small as any is none of hugetlbfs. */
static bool is_huge(const xmlNode *page)
{
	xmlChar *size = xmlGetProp(page, BAD_CAST "size");
	bool huge = size && has(page, "unit", "KiB") &&
		    strtoull((const char *)size, NULL, 10) > SMALL_PAGE_KIB;

	xmlFree(size);
	return huge;
}

/*
 * Whether all memory is of hugetlbfs. Pages with a nodeset are those of some cells: the
 * others have ordinary memory, unless there are pages for the rest.
 */
static bool is_all_huge(const xmlNode *backing)
{
	const xmlNode *hugepages = child_of(backing, "hugepages");
	const xmlNode *page = child_of(hugepages, "page");
	bool rest = hugepages && !page;

	for (; page; page = page->next) {
		if (page->type != XML_ELEMENT_NODE)
			continue;
		if (!is_huge(page))
			return false;
		rest |= !xmlHasProp(page, BAD_CAST "nodeset");
	}
	return rest;
}

/* Shared memory without a source of its own would be a file where libvirt keeps them. */
static bool needs_source(const xmlNode *backing)
{
	const xmlNode *source = child_of(backing, "source");

	return source ? !has(source, "type", "memfd") : !is_all_huge(backing);
}

static bool is_shared(const xmlNode *backing)
{
	return has(child_of(backing, "access"), "mode", "shared");
}

static void add_memory_backing(struct mend *mend, const xmlNode *domain)
{
	const xmlNode *before = child_of(domain, "currentMemory");
	const struct line *line;
	struct edit *edit;
	int indent;

	if (!before)
		before = child_of(domain, "memory");
	line = before ? line_of(mend, before, &indent) : NULL;
	if (!line || (!ends_with(line, "</currentMemory>") &&
		      !ends_with(line, "</memory>"))) {
		fail(mend, -ENOTSUP);
		return;
	}
	edit = add_edit(mend, line, false);
	if (edit)
		snprintf(edit->text, sizeof(edit->text),
			 "%*s<memoryBacking>\n"
			 "%*s<source type='memfd'/>\n"
			 "%*s<access mode='shared'/>\n"
			 "%*s</memoryBacking>\n",
			 indent, "", indent + 2, "", indent + 2, "", indent,
			 "");
}

static void change_memory_backing(struct mend *mend, const xmlNode *backing)
{
	bool source = needs_source(backing);
	bool access = !is_shared(backing);
	const struct line *line;
	struct edit *edit;
	int indent;

	if (!source && !access)
		return;
	line = line_of(mend, backing, &indent);
	if (!line || ends_with(line, "/>")) {
		fail(mend, -ENOTSUP);
		return;
	}
	edit = add_edit(mend, line, false);
	if (!edit)
		return;
	indent += 2;
	snprintf(edit->text, sizeof(edit->text), "%*s%s%*s%s",
		 source ? indent : 0, "",
		 source ? "<source type='memfd'/>\n" : "", access ? indent : 0,
		 "", access ? "<access mode='shared'/>\n" : "");
	if (access)
		remove_element(mend, child_of(backing, "access"));
	if (source)
		remove_element(mend, child_of(backing, "source"));
}

static void mend_cells(struct mend *mend, const xmlNode *domain)
{
	const xmlNode *numa = child_of(child_of(domain, "cpu"), "numa");

	for (const xmlNode *cell = numa ? numa->children : NULL; cell;
	     cell = cell->next)
		if (cell->type == XML_ELEMENT_NODE &&
		    has(cell, "memAccess", "private"))
			set_attribute(mend, cell, "memAccess", "private",
				      "shared");
}

/* An NVDIMM's access is to its owner's file: it is left alone. */
static void mend_devices(struct mend *mend, const xmlNode *devices)
{
	for (const xmlNode *node = devices->children; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE &&
		    strcmp((const char *)node->name, "memory") == 0 &&
		    (has(node, "model", "dimm") ||
		     has(node, "model", "virtio-mem")) &&
		    has(node, "access", "private"))
			set_attribute(mend, node, "access", "private",
				      "shared");
}

static void mend_memory(struct mend *mend, const xmlNode *domain)
{
	const xmlNode *backing = child_of(domain, "memoryBacking");

	mend_cells(mend, domain);
	if (backing)
		change_memory_backing(mend, backing);
	else
		add_memory_backing(mend, domain);
}

static void mend_channel(struct mend *mend, const xmlNode *devices)
{
	const struct line *line;
	struct edit *edit;
	int indent;

	for (const xmlNode *node = devices->children; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE &&
		    strcmp((const char *)node->name, "channel") == 0 &&
		    has(child_of(node, "target"), "name", EBB_CHANNEL_NAME))
			return;
	line = line_of(mend, devices, &indent);
	if (!line || ends_with(line, "/>")) {
		fail(mend, -ENOTSUP);
		return;
	}
	edit = add_edit(mend, line, false);
	if (edit)
		snprintf(edit->text, sizeof(edit->text),
			 "%*s<channel type='unix'>\n"
			 "%*s<target type='virtio' name='" EBB_CHANNEL_NAME
			 "'/>\n"
			 "%*s</channel>\n",
			 indent + 2, "", indent + 4, "", indent + 2, "");
}

static void mend_balloon(struct mend *mend, const xmlNode *devices)
{
	const xmlNode *balloon = child_of(devices, "memballoon");

	if (has(balloon, "freePageReporting", "on"))
		set_attribute(mend, balloon, "freePageReporting", "on", "off");
}

static int compare_edits(const void *a, const void *b)
{
	const struct edit *left = a, *right = b;

	return left->line < right->line ? -1 : left->line > right->line;
}

/* Returns 0, with no edit where nothing lacks, or an error. */
static int find_edits(struct mend *mend, const char *xml)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), "domain.xml", NULL,
				    XML_PARSE_NONET | XML_PARSE_NOERROR |
					    XML_PARSE_NOWARNING);
	const xmlNode *domain = doc ? xmlDocGetRootElement(doc) : NULL;
	const xmlNode *devices = child_of(domain, "devices");

	if (!domain || doc->intSubset ||
	    strcmp((const char *)domain->name, "domain") != 0 || !devices) {
		xmlFreeDoc(doc);
		return -EBADMSG;
	}
	mend_memory(mend, domain);
	mend_devices(mend, devices);
	mend_channel(mend, devices);
	mend_balloon(mend, devices);
	xmlFreeDoc(doc);
	qsort(mend->edits, mend->edit_count, sizeof(mend->edits[0]),
	      compare_edits);
	return mend->error;
}

/* ---- what comes of it ---- */

static void write_mended(FILE *file, const struct mend *mend)
{
	size_t next = 0;

	for (size_t i = 0; i < mend->line_count; i++) {
		const struct edit *edit =
			next < mend->edit_count && mend->edits[next].line == i
				? &mend->edits[next++]
				: NULL;

		if (!edit || !edit->replaces)
			fprintf(file, "%.*s\n", (int)mend->lines[i].bytes,
				mend->lines[i].text);
		if (edit)
			fputs(edit->text, file);
	}
}

/* The edits made what they should: nothing is left to be done. */
static int prove(const struct mend *mend)
{
	struct mend again = { 0 };
	char *text ebb_auto_free = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);
	int r;

	if (!file)
		return -ENOMEM;
	write_mended(file, mend);
	if (fclose(file) == EOF)
		return -ENOMEM;
	r = split(&again, text);
	if (r == 0)
		r = find_edits(&again, text);
	free(again.lines);
	if (r == -ENOMEM)
		return r;
	return r < 0 || again.edit_count > 0 ? -ENOTSUP : 0;
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
static void write_lines(FILE *file, const struct mend *mend, size_t from,
			size_t end, size_t first)
{
	for (size_t i = from; i < end; i++) {
		const struct edit *edit =
			first < mend->edit_count && mend->edits[first].line == i
				? &mend->edits[first++]
				: NULL;

		fprintf(file, "%c%.*s\n", edit && edit->replaces ? '-' : ' ',
			(int)mend->lines[i].bytes, mend->lines[i].text);
		if (edit)
			write_added(file, edit->text);
	}
}

static size_t begin_of(const struct edit *edit)
{
	size_t changed = edit->line + !edit->replaces;

	return changed > CONTEXT_LINES ? changed - CONTEXT_LINES : 0;
}

static size_t end_of(const struct mend *mend, const struct edit *edit)
{
	size_t end = edit->line + 1 + CONTEXT_LINES;

	return end < mend->line_count ? end : mend->line_count;
}

static void write_patch(FILE *file, const struct mend *mend, const char *name)
{
	size_t more = 0; /* lines that the new file has before a hunk */

	fprintf(file, "--- %s.xml\n+++ %s.xml\n", name, name);
	for (size_t first = 0, last; first < mend->edit_count; first = last) {
		size_t from = begin_of(&mend->edits[first]);
		size_t end = 0, added = 0, removed = 0;

		/* Edits whose lines meet are of one hunk. */
		for (last = first;
		     last < mend->edit_count &&
		     (last == first || begin_of(&mend->edits[last]) <= end);
		     last++) {
			end = end_of(mend, &mend->edits[last]);
			added += count_lines(mend->edits[last].text);
			removed += mend->edits[last].replaces;
		}
		fprintf(file, "@@ -%zu,%zu +%zu,%zu @@\n", from + 1, end - from,
			from + more + 1, end - from + added - removed);
		write_lines(file, mend, from, end, first);
		/* Below zero it wraps, and back. */
		more += added - removed;
	}
}

int ebb_mend_definition(const char *xml, const char *name, char *ret_patch,
			size_t patch_bytes)
{
	struct mend *mend ebb_auto_free = calloc(1, sizeof(*mend));
	struct line *lines ebb_auto_free = NULL;
	char *text ebb_auto_free = NULL;
	size_t bytes;
	FILE *file;
	int r;

	if (!mend || split(mend, xml) < 0)
		return -ENOMEM;
	lines = mend->lines;
	r = find_edits(mend, xml);
	if (r < 0)
		return r;
	if (mend->edit_count == 0)
		return -EALREADY;
	r = prove(mend);
	if (r < 0)
		return r;
	file = open_memstream(&text, &bytes);
	if (!file)
		return -ENOMEM;
	write_patch(file, mend, name);
	if (fclose(file) == EOF)
		return -ENOMEM;
	if (bytes >= patch_bytes)
		return -ENOBUFS;
	memcpy(ret_patch, text, bytes + 1);
	return 0;
}
