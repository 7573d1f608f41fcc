/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/libvirt/metadata.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/xmlsave.h>

#include "common/cleanup.h"
#include "host/interface/nearest.h"
#include "host/interface/plain.h"

static void free_doc(xmlDoc **doc)
{
	xmlFreeDoc(*doc);
}

static void free_text(xmlChar **text)
{
	xmlFree(*text);
}

#define auto_doc ebb_cleanup(free_doc)
#define auto_text ebb_cleanup(free_text)

/* ---- reading ---- */

static void tell_odd(struct ebb_metadata *metadata, const char *name,
		     const char *trouble)
{
	struct ebb_msg_error *odd = &metadata->odd_settings;
	char plain[41];

	if (odd->text[0])
		return;
	snprintf(plain, sizeof(plain), "%s", name);
	ebb_plain(plain);
	snprintf(odd->text, sizeof(odd->text), "%s: %.180s", plain, trouble);
}

static void tell_unknown(struct ebb_metadata *metadata, const char *name)
{
	const char *names[EBB_METADATA_CHANGES_MAX] = { EBB_METADATA_TARGET };
	const char *near;
	char text[80];

	for (int i = 0; i < EBB_SETTING_COUNT; i++)
		names[1 + i] = ebb_setting_name((enum ebb_setting)i);
	near = ebb_nearest(name, names, EBB_ARRAY_SIZE(names));
	snprintf(text, sizeof(text), "unknown attribute%s%s%s",
		 near ? ": did you mean '" : "", near ? near : "",
		 near ? "'?" : "");
	tell_odd(metadata, name, text);
}

/* What forbids something is not dropped for a word in it that is not known. */
static void take_odd(struct ebb_metadata *metadata, enum ebb_setting setting,
		     const char *value, const char *trouble)
{
	struct ebb_settings *settings = &metadata->settings;

	tell_odd(metadata, ebb_setting_name(setting), trouble);
	if (setting != EBB_SETTING_RUNGS)
		return;
	settings->values.rungs = ebb_rungs_named_in(value);
	strcpy(settings->origins[setting].text, "domain");
}

static void take_attribute(struct ebb_metadata *metadata, const char *name,
			   const char *value)
{
	struct ebb_settings *settings = &metadata->settings;
	int setting = ebb_setting_find(name);
	struct ebb_msg_error error;

	if (strcmp(name, EBB_METADATA_TARGET) == 0)
		ebb_target_parse(value, &metadata->target,
				 &metadata->odd_target);
	else if (setting < 0)
		tell_unknown(metadata, name);
	else if (ebb_setting_parse((enum ebb_setting)setting, value,
				   &settings->values, &error) < 0)
		take_odd(metadata, (enum ebb_setting)setting, value,
			 error.text);
	else
		strcpy(settings->origins[setting].text, "domain");
}

void ebb_metadata_take_none(struct ebb_metadata *ret_metadata)
{
	*ret_metadata = (struct ebb_metadata){ 0 };
	strcpy(ret_metadata->odd_target.text, "there is more than one");
	strcpy(ret_metadata->odd_settings.text,
	       "there is more than one <policy>");
}

int ebb_metadata_take(const xmlNode *element, struct ebb_metadata *ret_metadata)
{
	struct ebb_metadata metadata = { 0 };
	struct ebb_msg_error error;

	for (xmlAttr *attribute = element->properties; attribute;
	     attribute = attribute->next) {
		xmlChar *value auto_text =
			xmlNodeGetContent((xmlNode *)attribute);

		if (!value)
			return -ENOMEM;
		/* One with a prefix is another's. */
		if (!attribute->ns)
			take_attribute(&metadata, (const char *)attribute->name,
				       (const char *)value);
	}
	if (ebb_settings_check(&metadata.settings.values, 0, &error) < 0)
		tell_odd(&metadata, "min", error.text);
	*ret_metadata = metadata;
	return 0;
}

/* libvirt prints no DTD; without one there are no entities either. */
static int parse_element(const char *text, xmlDoc **ret_doc)
{
	xmlDoc *doc auto_doc = xmlReadMemory(
		text, (int)strlen(text), "metadata.xml", NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);

	if (!doc || doc->intSubset || !xmlDocGetRootElement(doc))
		return -EBADMSG;
	*ret_doc = ebb_steal_ptr(doc);
	return 0;
}

int ebb_metadata_parse(const char *element, struct ebb_metadata *ret_metadata)
{
	xmlDoc *doc auto_doc = NULL;
	int r;

	if (!element) {
		*ret_metadata = (struct ebb_metadata){ 0 };
		return 0;
	}
	r = parse_element(element, &doc);
	if (r < 0)
		return r;
	return ebb_metadata_take(xmlDocGetRootElement(doc), ret_metadata);
}

/* ---- writing ---- */

/* libvirt adds the namespace, and fails on one that is there. */
static int copy_attributes(const xmlNode *from, xmlNode *to)
{
	for (xmlAttr *attribute = from->properties; attribute;
	     attribute = attribute->next) {
		xmlChar *value auto_text =
			xmlNodeGetContent((xmlNode *)attribute);

		if (attribute->ns)
			continue;
		if (!value || !xmlSetProp(to, attribute->name, value))
			return -ENOMEM;
	}
	return 0;
}

static int change_attributes(xmlNode *node,
			     const struct ebb_metadata_change *changes,
			     size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const xmlChar *name = BAD_CAST changes[i].name;

		if (!changes[i].value[0])
			xmlUnsetProp(node, name);
		else if (!xmlSetProp(node, name, BAD_CAST changes[i].value))
			return -ENOMEM;
	}
	return 0;
}

static int print_node(xmlDoc *doc, xmlNode *node, char **ret_text)
{
	xmlBuffer *buffer = xmlBufferCreate();
	char *text = NULL;

	if (!buffer)
		return -ENOMEM;
	if (xmlNodeDump(buffer, doc, node, 0, 0) >= 0)
		text = strdup((const char *)xmlBufferContent(buffer));
	xmlBufferFree(buffer);
	if (!text)
		return -ENOMEM;
	*ret_text = text;
	return 0;
}

int ebb_metadata_edit(const char *element,
		      const struct ebb_metadata_change *changes, size_t count,
		      char **ret_element)
{
	xmlDoc *old auto_doc = NULL, *doc auto_doc = NULL;
	xmlNode *node;
	int r = 0;

	if (element)
		r = parse_element(element, &old);
	if (r < 0)
		return r;
	doc = xmlNewDoc(BAD_CAST "1.0");
	node = doc ? xmlNewDocNode(doc, NULL, BAD_CAST "policy", NULL) : NULL;
	if (!node)
		return -ENOMEM;
	xmlDocSetRootElement(doc, node);
	if (old)
		r = copy_attributes(xmlDocGetRootElement(old), node);
	if (r == 0)
		r = change_attributes(node, changes, count);
	if (r < 0)
		return r;
	if (node->properties)
		return print_node(doc, node, ret_element);
	*ret_element = NULL;
	return 0;
}
