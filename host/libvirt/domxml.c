/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/libvirt/domxml.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "common/u64.h"

/*
 * What forbids discarding from outside. QEMU refuses it for its own devices
 * (ram_block_discard_disable()); its count cannot be seen from here, so each
 * device that pins guest pages is listed, and unknown ones are found by the
 * process's open files and locked memory (pinned.c).
 *
 * vhost-user: virtiofsd and passt map the memory and pin nothing, others may;
 * peers.c looks at the processes.
 */
static const struct {
	const char *xpath;
	enum ebb_reason_id reason;
	const char *detail;
} refusals[] = {
	{ "/domain/launchSecurity", EBB_REASON_CONFIDENTIAL,
	  "<launchSecurity>" },
	{ "/domain/devices/hostdev[@type='pci']", EBB_REASON_VFIO,
	  "<hostdev type='pci'>" },
	{ "/domain/devices/hostdev[@type='mdev']", EBB_REASON_VFIO,
	  "<hostdev type='mdev'>" },
	{ "/domain/devices/interface[@type='hostdev']", EBB_REASON_VFIO,
	  "<interface type='hostdev'>" },
	{ "/domain/devices/disk[@type='nvme']", EBB_REASON_VFIO,
	  "<disk type='nvme'>" },
	{ "/domain/devices/interface[@type='vdpa']", EBB_REASON_VDPA,
	  "<interface type='vdpa'>" },
	{ "/domain/devices/disk[@type='vhostvdpa']", EBB_REASON_VDPA,
	  "<disk type='vhostvdpa'>" },
	{ "/domain/devices/interface[@type='vhostuser' and "
	  "not(backend/@type='passt')]",
	  EBB_REASON_VHOST_USER, "<interface type='vhostuser'>" },
	{ "/domain/devices/disk[@type='vhostuser']", EBB_REASON_VHOST_USER,
	  "<disk type='vhostuser'>" },
	{ "/domain/devices/video[driver/@name='vhostuser']",
	  EBB_REASON_VHOST_USER, "<video> with vhostuser" },
	{ "/domain/devices/memory[@model='nvdimm']", EBB_REASON_NVDIMM,
	  "<memory model='nvdimm'>" },
	{ "/domain/devices/memory[@model='virtio-pmem']", EBB_REASON_NVDIMM,
	  "<memory model='virtio-pmem'>" },
	{ "/domain/memoryBacking/locked", EBB_REASON_LOCKED_MEMORY,
	  "<locked/>" },
};

/*
 * What an owner asks for who wants memory that is there when it is touched, and a guest
 * that nobody holds up: it costs him density that others have.
 */
static const struct {
	const char *xpath;
	const char *element;
} reservations[] = {
	{ "/domain/memoryBacking/allocation[@mode='immediate']",
	  "<allocation mode='immediate'/>" },
	{ "/domain/memoryBacking/nosharepages", "<nosharepages/>" },
	{ "/domain/memtune/min_guarantee", "<min_guarantee>" },
	{ "/domain/cputune/vcpusched[@scheduler='fifo']",
	  "<vcpusched scheduler='fifo'>" },
	{ "/domain/cputune/vcpusched[@scheduler='rr']",
	  "<vcpusched scheduler='rr'>" },
	{ "/domain/cputune/vcpupin", "<vcpupin>" },
};

static void free_doc(xmlDoc **doc)
{
	xmlFreeDoc(*doc);
}

static void free_context(xmlXPathContext **context)
{
	xmlXPathFreeContext(*context);
}

static void free_object(xmlXPathObject **object)
{
	xmlXPathFreeObject(*object);
}

static bool xml_has(xmlXPathContext *context, const char *xpath)
{
	xmlXPathObject *object ebb_cleanup(free_object) =
		xmlXPathEvalExpression(BAD_CAST xpath, context);

	return object && object->nodesetval && object->nodesetval->nodeNr > 0;
}

/* An amount and its unit, as libvirt prints them: KiB mostly. Frees both. */
static int scaled_bytes(xmlChar *text, xmlChar *unit, uint64_t *ret_bytes)
{
	static const struct {
		const char *unit;
		uint64_t bytes;
	} units[] = {
		{ "b", 1 },
		{ "bytes", 1 },
		{ "KB", 1000 },
		{ "k", EBB_KIB },
		{ "KiB", EBB_KIB },
		{ "MB", 1000 * 1000 },
		{ "M", EBB_MIB },
		{ "MiB", EBB_MIB },
		{ "GB", 1000 * 1000 * 1000 },
		{ "G", EBB_GIB },
		{ "GiB", EBB_GIB },
		{ "TB", (uint64_t)1000 * 1000 * 1000 * 1000 },
		{ "T", 1024 * EBB_GIB },
		{ "TiB", 1024 * EBB_GIB },
	};
	uint64_t scale = unit ? 0 : EBB_KIB;
	unsigned long long value = 0;
	char *end = NULL;
	int r = 0;

	for (size_t i = 0; unit && i < EBB_ARRAY_SIZE(units); i++)
		if (strcmp((char *)unit, units[i].unit) == 0)
			scale = units[i].bytes;
	errno = 0;
	if (text)
		value = strtoull((char *)text, &end, 10);
	if (!text || end == (char *)text || *end || errno || scale == 0 ||
	    value > INT64_MAX / scale)
		r = -EBADMSG;
	else
		*ret_bytes = value * scale;
	xmlFree(text);
	xmlFree(unit);
	return r;
}

/* <memory unit='KiB'>N</memory> */
static int element_bytes(xmlNode *node, uint64_t *ret_bytes)
{
	return scaled_bytes(xmlNodeGetContent(node),
			    xmlGetProp(node, BAD_CAST "unit"), ret_bytes);
}

/* <cell memory='N' unit='KiB'/> */
static int cell_bytes(xmlNode *cell, uint64_t *ret_bytes)
{
	return scaled_bytes(xmlGetProp(cell, BAD_CAST "memory"),
			    xmlGetProp(cell, BAD_CAST "unit"), ret_bytes);
}

/* Of the one element there. Returns 0 or -EBADMSG. */
static int find_size(xmlXPathContext *context, const char *path,
		     uint64_t *ret_bytes)
{
	xmlXPathObject *found ebb_cleanup(free_object) =
		xmlXPathEvalExpression(BAD_CAST path, context);

	if (!found || !found->nodesetval || found->nodesetval->nodeNr != 1)
		return -EBADMSG;
	return element_bytes(found->nodesetval->nodeTab[0], ret_bytes);
}

/* With all memory devices, whether plugged or not. */
static int find_memory(xmlXPathContext *context, uint64_t *ret_bytes)
{
	return find_size(context, "/domain/memory", ret_bytes);
}

static int parse_cells(xmlXPathContext *context, struct ebb_domxml *domxml)
{
	xmlXPathObject *cells ebb_cleanup(free_object) = xmlXPathEvalExpression(
		BAD_CAST "/domain/cpu/numa/cell", context);
	uint64_t plugged_bytes = 0;
	int r;

	if (cells && cells->nodesetval && cells->nodesetval->nodeNr > 0) {
		if (cells->nodesetval->nodeNr > EBB_MEMORY_PART_MAX)
			return -E2BIG;
		for (int i = 0; i < cells->nodesetval->nodeNr; i++) {
			r = cell_bytes(cells->nodesetval->nodeTab[i],
				       &domxml->cell_bytes[i]);
			if (r < 0)
				return r;
			domxml->cell_count++;
		}
		return 0;
	}

	r = find_memory(context, &domxml->cell_bytes[0]);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < domxml->device_count; i++)
		plugged_bytes += domxml->devices[i].bytes;
	if (plugged_bytes >= domxml->cell_bytes[0])
		return -EBADMSG;
	domxml->cell_bytes[0] -= plugged_bytes;
	domxml->cell_count = 1;
	return 0;
}

static xmlNode *child_named(xmlNode *node, const char *name)
{
	for (xmlNode *child = node->children; child; child = child->next)
		if (child->type == XML_ELEMENT_NODE &&
		    strcmp((const char *)child->name, name) == 0)
			return child;
	return NULL;
}

/* Of virtio-mem, what libvirt counts as the guest's now. */
static uint64_t parse_current(xmlNode *target, uint64_t bytes)
{
	xmlNode *current = child_named(target, "current");
	uint64_t current_bytes;

	return current && element_bytes(current, &current_bytes) == 0
		       ? current_bytes
		       : bytes;
}

/* Of virtio-mem, what is plugged once all that is requested is. */
static uint64_t parse_plugged(xmlNode *target, uint64_t bytes)
{
	xmlNode *requested = child_named(target, "requested");
	xmlNode *current = child_named(target, "current");
	uint64_t requested_bytes, current_bytes;

	if (!requested || !current ||
	    element_bytes(requested, &requested_bytes) < 0 ||
	    element_bytes(current, &current_bytes) < 0 ||
	    requested_bytes != current_bytes || current_bytes > bytes)
		return bytes;
	return current_bytes;
}

static int parse_device(xmlNode *memory, struct ebb_domxml *domxml,
			uint64_t *present_bytes)
{
	xmlNode *target = child_named(memory, "target");
	xmlNode *size = target ? child_named(target, "size") : NULL;
	xmlNode *address = child_named(memory, "address");
	xmlNode *target_address = target ? child_named(target, "address")
					 : NULL;
	xmlChar *base = NULL;
	uint64_t bytes;
	int r;

	if (!size)
		return -EBADMSG;
	r = element_bytes(size, &bytes);
	if (r < 0)
		return r;
	/* A dimm's base is in <address>, virtio-mem's in <target>. */
	if (target_address)
		base = xmlGetProp(target_address, BAD_CAST "base");
	if (!base && address)
		base = xmlGetProp(address, BAD_CAST "base");
	if (domxml->device_count == EBB_MEMORY_PART_MAX) {
		xmlFree(base);
		return -E2BIG;
	}
	domxml->devices[domxml->device_count].bytes = bytes;
	domxml->devices[domxml->device_count].plugged_bytes =
		parse_plugged(target, bytes);
	domxml->devices[domxml->device_count].virtio_mem =
		child_named(target, "requested") != NULL;
	*present_bytes += parse_current(target, bytes);
	domxml->devices[domxml->device_count].base_gpa =
		base ? strtoull((char *)base, NULL, 0) : 0;
	domxml->device_count++;
	xmlFree(base);
	return 0;
}

/* @present_bytes: of all of them, what libvirt counts as the guest's now. */
static int parse_devices(xmlXPathContext *context, struct ebb_domxml *domxml,
			 uint64_t *present_bytes)
{
	xmlXPathObject *found ebb_cleanup(free_object) = xmlXPathEvalExpression(
		BAD_CAST "/domain/devices/memory[@model='dimm' or "
			 "@model='virtio-mem']",
		context);
	int r;

	for (int i = 0;
	     found && found->nodesetval && i < found->nodesetval->nodeNr; i++) {
		r = parse_device(found->nodesetval->nodeTab[i], domxml,
				 present_bytes);
		if (r < 0)
			return r;
	}
	return 0;
}

/* libvirt prints no DTD; without one there are no entities either. */
static xmlDoc *read_doc(const char *xml)
{
	xmlDoc *doc = xmlReadMemory(xml, (int)strlen(xml), "domain.xml", NULL,
				    XML_PARSE_NONET | XML_PARSE_NOERROR |
					    XML_PARSE_NOWARNING);

	if (doc && doc->intSubset) {
		xmlFreeDoc(doc);
		return NULL;
	}
	return doc;
}

static bool find_left(xmlXPathContext *context, uint64_t *ret_bytes)
{
	return find_size(context, "/domain/currentMemory", ret_bytes) == 0;
}

static void parse_period(xmlXPathContext *context, struct ebb_domxml *domxml)
{
	xmlXPathObject *found ebb_cleanup(free_object) = xmlXPathEvalExpression(
		BAD_CAST "number(/domain/devices/memballoon/stats/@period)",
		context);

	if (found && found->floatval >= 1 && found->floatval <= INT32_MAX)
		domxml->balloon_period_s = (uint32_t)found->floatval;
}

/* <currentMemory> of a domain that runs is what its balloon leaves it. */
static void parse_balloon(xmlXPathContext *context, uint64_t present_bytes,
			  struct ebb_domxml *domxml)
{
	uint64_t left_bytes;

	domxml->balloon_deflates = xml_has(
		context, "/domain/devices/memballoon[@autodeflate='on']");
	domxml->balloon_device = xml_has(
		context,
		"/domain/devices/memballoon[starts-with(@model, 'virtio')]");
	parse_period(context, domxml);
	if (!find_left(context, &left_bytes))
		return;
	for (uint32_t i = 0; i < domxml->cell_count; i++)
		present_bytes += domxml->cell_bytes[i];
	domxml->balloon_known = true;
	domxml->balloon_bytes = ebb_u64_minus(present_bytes, left_bytes);
}

uint64_t ebb_domxml_memory_bytes(const struct ebb_domxml *domxml)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < domxml->cell_count; i++)
		bytes += domxml->cell_bytes[i];
	for (uint32_t i = 0; i < domxml->device_count; i++)
		bytes += domxml->devices[i].bytes;
	return bytes > 0 ? bytes : domxml->bound_bytes;
}

uint64_t ebb_domxml_unplugged_bytes(const struct ebb_domxml *domxml)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < domxml->device_count; i++)
		bytes += domxml->devices[i].bytes -
			 domxml->devices[i].plugged_bytes;
	return bytes;
}

uint64_t ebb_domxml_balloon_bytes(const struct ebb_domxml *domxml,
				  uint64_t left_bytes)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < domxml->cell_count; i++)
		bytes += domxml->cell_bytes[i];
	for (uint32_t i = 0; i < domxml->device_count; i++)
		if (!domxml->devices[i].virtio_mem)
			bytes += domxml->devices[i].bytes;
	return ebb_u64_minus(bytes, left_bytes);
}

bool ebb_domxml_has_virtio_mem(const struct ebb_domxml *domxml)
{
	for (uint32_t i = 0; i < domxml->device_count; i++)
		if (domxml->devices[i].virtio_mem)
			return true;
	return false;
}

static int parse_metadata(xmlXPathContext *context,
			  struct ebb_metadata *ret_metadata)
{
	xmlXPathObject *found ebb_cleanup(free_object) = NULL;

	if (xmlXPathRegisterNs(context, BAD_CAST EBB_METADATA_PREFIX,
			       BAD_CAST EBB_METADATA_URI) != 0)
		return -ENOMEM;
	found = xmlXPathEvalExpression(
		BAD_CAST "/domain/metadata/" EBB_METADATA_PREFIX ":policy",
		context);
	if (!found || !found->nodesetval || found->nodesetval->nodeNr == 0)
		return 0;
	if (found->nodesetval->nodeNr > 1) {
		ebb_metadata_take_none(ret_metadata);
		return 0;
	}
	return ebb_metadata_take(found->nodesetval->nodeTab[0], ret_metadata);
}

void ebb_domxml_take_definition(struct ebb_domxml *domxml, const char *xml)
{
	xmlDoc *doc ebb_cleanup(free_doc) = read_doc(xml);
	xmlXPathContext *context ebb_cleanup(free_context) =
		doc ? xmlXPathNewContext(doc) : NULL;
	uint64_t left_bytes;

	domxml->next = (struct ebb_metadata){ 0 };
	domxml->next_known = context &&
			     parse_metadata(context, &domxml->next) == 0;
	domxml->balloon_asked_known = true;
	domxml->balloon_asked_bytes = 0;
	if (context && !domxml->balloon_deflates &&
	    find_left(context, &left_bytes))
		domxml->balloon_asked_bytes =
			ebb_domxml_balloon_bytes(domxml, left_bytes);
}

static int parse_record(xmlXPathContext *context, struct ebb_domxml *domxml)
{
	xmlXPathObject *found ebb_cleanup(free_object) = NULL;

	if (xmlXPathRegisterNs(context, BAD_CAST EBB_BALLOON_PREFIX,
			       BAD_CAST EBB_BALLOON_URI) != 0)
		return -ENOMEM;
	found = xmlXPathEvalExpression(
		BAD_CAST "/domain/metadata/" EBB_BALLOON_PREFIX ":held",
		context);
	if (found && found->nodesetval && found->nodesetval->nodeNr == 1)
		ebb_balloon_record_take(found->nodesetval->nodeTab[0],
					&domxml->balloon_record);
	return 0;
}

static void parse_reservations(xmlXPathContext *context,
			       struct ebb_domxml *domxml)
{
	size_t used = 0;

	for (size_t i = 0; i < EBB_ARRAY_SIZE(reservations); i++)
		if (xml_has(context, reservations[i].xpath))
			used += (size_t)snprintf(
				domxml->reserved + used,
				sizeof(domxml->reserved) - used, "%s%s",
				used ? ", " : "", reservations[i].element);
}

/* What the parts that cannot be kept apart come to. */
static void take_bound(xmlXPathContext *context, struct ebb_domxml *ret_domxml)
{
	uint64_t bytes;

	*ret_domxml = (struct ebb_domxml){ 0 };
	if (find_memory(context, &bytes) == 0)
		ret_domxml->bound_bytes = bytes;
}

/* Of all cells, not of some; and a page of 4 KiB, as libvirt prints it, is none of it. */
#define OF_HUGETLBFS                                                 \
	"/domain/memoryBacking[not(source)]/hugepages[not(page) or " \
	"(page[not(@nodeset)] and not(page[@unit != 'KiB' or @size <= 4]))]"

int ebb_domxml_parse(const char *xml, struct ebb_domxml *ret_domxml,
		     struct ebb_reason_list *reasons)
{
	xmlDoc *doc ebb_cleanup(free_doc) = read_doc(xml);
	xmlXPathContext *context ebb_cleanup(free_context) = NULL;
	struct ebb_domxml domxml = { 0 };
	uint64_t present_bytes = 0;
	int r;

	if (!doc)
		return -EBADMSG;
	context = xmlXPathNewContext(doc);
	if (!context)
		return -ENOMEM;
	if (!xml_has(context, "/domain"))
		return -EBADMSG;

	r = parse_devices(context, &domxml, &present_bytes);
	if (r == 0)
		r = parse_cells(context, &domxml);
	if (r == -E2BIG)
		take_bound(context, ret_domxml);
	if (r == 0)
		parse_balloon(context, present_bytes, &domxml);
	if (r == 0)
		r = parse_metadata(context, &domxml.metadata);
	if (r == 0)
		r = parse_record(context, &domxml);
	if (r < 0)
		return r;

	domxml.shared =
		xml_has(context,
			"/domain/memoryBacking/access[@mode='shared']") ||
		xml_has(context, "/domain/cpu/numa/cell[@memAccess='shared']");
	domxml.of_files =
		domxml.shared &&
		!xml_has(context,
			 "/domain/memoryBacking/source[@type='memfd']") &&
		!xml_has(context, OF_HUGETLBFS);
	domxml.own_channel = xml_has(context,
				     "/domain/devices/channel[@type='unix' and "
				     "target/@name='" EBB_CHANNEL_NAME "']");
	domxml.qga_channel = xml_has(
		context,
		"/domain/devices/channel[target/@name='" QGA_CHANNEL_NAME "']");
	domxml.own_closed = xml_has(context, "/domain/devices/channel/target["
					     "@name='" EBB_CHANNEL_NAME
					     "' and @state='disconnected']");
	domxml.qga_closed = xml_has(context, "/domain/devices/channel/target["
					     "@name='" QGA_CHANNEL_NAME
					     "' and @state='disconnected']");
	domxml.vhost_user =
		xml_has(context,
			"/domain/devices/filesystem[driver/@type='virtiofs']") ||
		xml_has(context,
			"/domain/devices/interface"
			"[@type='vhostuser' and backend/@type='passt']");
	domxml.free_page_reporting = xml_has(
		context, "/domain/devices/memballoon[@freePageReporting='on']");

	parse_reservations(context, &domxml);

	for (size_t i = 0; i < EBB_ARRAY_SIZE(refusals); i++)
		if (xml_has(context, refusals[i].xpath))
			ebb_reason_add(reasons, refusals[i].reason, "%s",
				       refusals[i].detail);
	*ret_domxml = domxml;
	return 0;
}
