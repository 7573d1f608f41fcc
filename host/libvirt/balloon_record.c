/* SPDX-License-Identifier: GPL-2.0-only */
/* The record of what Ebb holds by a balloon, as text. Whoever may define domains may
 * write it. */
#include <stdio.h>
#include <stdlib.h>

#include <libxml/tree.h>

#include "common/size.h"
#include "host/libvirt/balloon.h"

enum {
	TEXT_BYTES = 160,
	PERIOD_S_MAX = 86400
};

/* Of KiB. */
#define SIZE_MAX_KIB (UINT64_C(1) << 50)

const char *ebb_balloon_record_print(const struct ebb_balloon_record *record,
				     char *text)
{
	snprintf(
		text, TEXT_BYTES,
		"<held base='%llu' left='%llu' memory='%llu' period='%u' start='%llu'/>",
		(unsigned long long)(record->base_bytes / EBB_KIB),
		(unsigned long long)(record->left_bytes / EBB_KIB),
		(unsigned long long)(record->memory_bytes / EBB_KIB),
		record->period_s, (unsigned long long)record->start_ticks);
	return text;
}

/* 0: it is not there, or no such number. */
static uint64_t number(const xmlNode *element, const char *name)
{
	xmlChar *text = xmlGetNoNsProp((xmlNode *)element, BAD_CAST name);
	unsigned long long value = 0;
	char *end;

	if (text && *text >= '0' && *text <= '9') {
		value = strtoull((const char *)text, &end, 10);
		if (*end || value > SIZE_MAX_KIB)
			value = 0;
	}
	xmlFree(text);
	return value;
}

void ebb_balloon_record_take(const xmlNode *element,
			     struct ebb_balloon_record *ret_record)
{
	uint64_t base_bytes = number(element, "base") * EBB_KIB;
	uint64_t left_bytes = number(element, "left") * EBB_KIB;
	uint64_t memory_bytes = number(element, "memory") * EBB_KIB;
	uint64_t start_ticks = number(element, "start");
	uint64_t period_s = number(element, "period");

	*ret_record = (struct ebb_balloon_record){ 0 };
	if (left_bytes == 0 || left_bytes >= base_bytes ||
	    (memory_bytes && base_bytes > memory_bytes))
		return;
	ret_record->base_bytes = base_bytes;
	ret_record->left_bytes = left_bytes;
	ret_record->memory_bytes = memory_bytes;
	ret_record->start_ticks = start_ticks;
	ret_record->period_s = period_s <= PERIOD_S_MAX ? (uint32_t)period_s
							: 0;
}
