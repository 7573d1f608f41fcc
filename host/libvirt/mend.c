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
#include "host/libvirt/edits.h"
#include "protocol/message.h"

enum {
	SMALL_PAGE_KIB = 4
};

/* ---- lines of elements ---- */

/*
 * The line on which the start tag of an element is, and alone; NULL after a failure.
 * @ret_indent: how far it is indented
 */
static const struct ebb_line *line_of(struct ebb_edits *edits,
				      const xmlNode *node, int *ret_indent)
{
	long number = xmlGetLineNo(node);
	size_t name_bytes = strlen((const char *)node->name);
	const struct ebb_line *line;
	size_t indent = 0;

	if (number < 1 || (size_t)number > edits->line_count) {
		ebb_edits_fail(edits, -ENOTSUP);
		return NULL;
	}
	line = &edits->lines[number - 1];
	while (indent < line->bytes && line->text[indent] == ' ')
		indent++;
	if (line->bytes < indent + 1 + name_bytes ||
	    line->text[indent] != '<' ||
	    strncmp(line->text + indent + 1, (const char *)node->name,
		    name_bytes) != 0) {
		ebb_edits_fail(edits, -ENOTSUP);
		return NULL;
	}
	*ret_indent = (int)indent;
	return line;
}

static bool ends_with(const struct ebb_line *line, const char *end)
{
	size_t bytes = strlen(end);

	return line->bytes >= bytes &&
	       strncmp(line->text + line->bytes - bytes, end, bytes) == 0;
}

/* ---- the changes ---- */

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
static void set_attribute(struct ebb_edits *edits, const xmlNode *node,
			  const char *attribute, const char *from,
			  const char *to)
{
	int indent;
	const struct ebb_line *line = line_of(edits, node, &indent);
	struct ebb_edit *edit = line ? ebb_edits_add(edits, line, true) : NULL;
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
				ebb_edits_fail(edits, -ENOTSUP);
			return;
		}
	ebb_edits_fail(edits, -ENOTSUP);
}

static void remove_element(struct ebb_edits *edits, const xmlNode *node)
{
	int indent;
	const struct ebb_line *line = node ? line_of(edits, node, &indent)
					   : NULL;

	if (line && !ends_with(line, "/>"))
		ebb_edits_fail(edits, -ENOTSUP);
	else if (line)
		ebb_edits_add(edits, line, true);
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

static void add_memory_backing(struct ebb_edits *edits, const xmlNode *domain)
{
	const xmlNode *before = child_of(domain, "currentMemory");
	const struct ebb_line *line;
	struct ebb_edit *edit;
	int indent;

	if (!before)
		before = child_of(domain, "memory");
	line = before ? line_of(edits, before, &indent) : NULL;
	if (!line || (!ends_with(line, "</currentMemory>") &&
		      !ends_with(line, "</memory>"))) {
		ebb_edits_fail(edits, -ENOTSUP);
		return;
	}
	edit = ebb_edits_add(edits, line, false);
	if (edit)
		snprintf(edit->text, sizeof(edit->text),
			 "%*s<memoryBacking>\n"
			 "%*s<source type='memfd'/>\n"
			 "%*s<access mode='shared'/>\n"
			 "%*s</memoryBacking>\n",
			 indent, "", indent + 2, "", indent + 2, "", indent,
			 "");
}

static void change_memory_backing(struct ebb_edits *edits,
				  const xmlNode *backing)
{
	bool source = needs_source(backing);
	bool access = !is_shared(backing);
	const struct ebb_line *line;
	struct ebb_edit *edit;
	int indent;

	if (!source && !access)
		return;
	line = line_of(edits, backing, &indent);
	if (!line || ends_with(line, "/>")) {
		ebb_edits_fail(edits, -ENOTSUP);
		return;
	}
	edit = ebb_edits_add(edits, line, false);
	if (!edit)
		return;
	indent += 2;
	snprintf(edit->text, sizeof(edit->text), "%*s%s%*s%s",
		 source ? indent : 0, "",
		 source ? "<source type='memfd'/>\n" : "", access ? indent : 0,
		 "", access ? "<access mode='shared'/>\n" : "");
	if (access)
		remove_element(edits, child_of(backing, "access"));
	if (source)
		remove_element(edits, child_of(backing, "source"));
}

static void mend_cells(struct ebb_edits *edits, const xmlNode *domain)
{
	const xmlNode *numa = child_of(child_of(domain, "cpu"), "numa");

	for (const xmlNode *cell = numa ? numa->children : NULL; cell;
	     cell = cell->next)
		if (cell->type == XML_ELEMENT_NODE &&
		    has(cell, "memAccess", "private"))
			set_attribute(edits, cell, "memAccess", "private",
				      "shared");
}

/* An NVDIMM's access is to its owner's file: it is left alone. */
static void mend_devices(struct ebb_edits *edits, const xmlNode *devices)
{
	for (const xmlNode *node = devices->children; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE &&
		    strcmp((const char *)node->name, "memory") == 0 &&
		    (has(node, "model", "dimm") ||
		     has(node, "model", "virtio-mem")) &&
		    has(node, "access", "private"))
			set_attribute(edits, node, "access", "private",
				      "shared");
}

static void mend_memory(struct ebb_edits *edits, const xmlNode *domain)
{
	const xmlNode *backing = child_of(domain, "memoryBacking");

	mend_cells(edits, domain);
	if (backing)
		change_memory_backing(edits, backing);
	else
		add_memory_backing(edits, domain);
}

static void mend_channel(struct ebb_edits *edits, const xmlNode *devices)
{
	const struct ebb_line *line;
	struct ebb_edit *edit;
	int indent;

	for (const xmlNode *node = devices->children; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE &&
		    strcmp((const char *)node->name, "channel") == 0 &&
		    has(child_of(node, "target"), "name", EBB_CHANNEL_NAME))
			return;
	line = line_of(edits, devices, &indent);
	if (!line || ends_with(line, "/>")) {
		ebb_edits_fail(edits, -ENOTSUP);
		return;
	}
	edit = ebb_edits_add(edits, line, false);
	if (edit)
		snprintf(edit->text, sizeof(edit->text),
			 "%*s<channel type='unix'>\n"
			 "%*s<target type='virtio' name='" EBB_CHANNEL_NAME
			 "'/>\n"
			 "%*s</channel>\n",
			 indent + 2, "", indent + 4, "", indent + 2, "");
}

static void mend_balloon(struct ebb_edits *edits, const xmlNode *devices)
{
	const xmlNode *balloon = child_of(devices, "memballoon");

	if (has(balloon, "freePageReporting", "on"))
		set_attribute(edits, balloon, "freePageReporting", "on", "off");
}

/* Returns 0, with no edit where nothing lacks, or an error. */
static int find_edits(struct ebb_edits *edits, const char *xml)
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
	mend_memory(edits, domain);
	mend_devices(edits, devices);
	mend_channel(edits, devices);
	mend_balloon(edits, devices);
	xmlFreeDoc(doc);
	ebb_edits_sort(edits);
	return edits->error;
}

/* ---- the proof ---- */

/* The edits made what they should: nothing is left to be done. */
static int prove(const struct ebb_edits *edits)
{
	struct ebb_edits again = { 0 };
	char *text ebb_auto_free = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);
	int r;

	if (!file)
		return -ENOMEM;
	ebb_edits_apply(file, edits);
	if (fclose(file) == EOF)
		return -ENOMEM;
	r = ebb_edits_split(&again, text);
	if (r == 0)
		r = find_edits(&again, text);
	free(again.lines);
	if (r == -ENOMEM)
		return r;
	return r < 0 || again.count > 0 ? -ENOTSUP : 0;
}

int ebb_mend_definition(const char *xml, const char *name, char *ret_patch,
			size_t patch_bytes)
{
	struct ebb_edits *edits ebb_auto_free = calloc(1, sizeof(*edits));
	struct ebb_line *lines ebb_auto_free = NULL;
	char *text ebb_auto_free = NULL;
	size_t bytes;
	FILE *file;
	int r;

	if (!edits || ebb_edits_split(edits, xml) < 0)
		return -ENOMEM;
	lines = edits->lines;
	r = find_edits(edits, xml);
	if (r < 0)
		return r;
	if (edits->count == 0)
		return -EALREADY;
	r = prove(edits);
	if (r < 0)
		return r;
	file = open_memstream(&text, &bytes);
	if (!file)
		return -ENOMEM;
	ebb_edits_patch(file, edits, name);
	if (fclose(file) == EOF)
		return -ENOMEM;
	if (bytes >= patch_bytes)
		return -ENOBUFS;
	memcpy(ret_patch, text, bytes + 1);
	return 0;
}
