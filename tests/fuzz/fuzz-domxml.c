/* SPDX-License-Identifier: GPL-2.0-only */
/* Any text as a domain's XML. */
#include <errno.h>
#include <string.h>

#include "host/libvirt/domxml.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct ebb_reason_list reasons = { 0 };
	struct ebb_domxml domxml;
	char *xml = malloc(bytes + 1);
	int r;

	FUZZ_ASSERT(xml);
	memcpy(xml, data, bytes);
	xml[bytes] = '\0';
	r = ebb_domxml_parse(xml, &domxml, &reasons);
	free(xml);
	FUZZ_ASSERT(r == 0 || r == -EBADMSG || r == -E2BIG);
	FUZZ_ASSERT(reasons.count <= EBB_REASON_COUNT);
	if (r < 0)
		return 0;
	FUZZ_ASSERT(domxml.cell_count >= 1);
	FUZZ_ASSERT(domxml.cell_count <= EBB_MEMORY_PART_MAX);
	FUZZ_ASSERT(domxml.device_count <= EBB_MEMORY_PART_MAX);
	FUZZ_ASSERT(domxml.metadata.target.kind <= EBB_TARGET_AUTO);
	FUZZ_ASSERT(domxml.metadata.target.percent <= EBB_TARGET_PERCENT_MAX);
	FUZZ_ASSERT(domxml.metadata.target.bytes <= INT64_MAX);
	FUZZ_ASSERT(domxml.metadata.target.kind == EBB_TARGET_NONE ||
		    !domxml.metadata.odd_target.text[0]);
	FUZZ_ASSERT(domxml.metadata.settings.values.shares <= EBB_SHARES_MAX);
	FUZZ_ASSERT(domxml.metadata.settings.values.min.percent <= 100);
	FUZZ_ASSERT(domxml.metadata.settings.values.max.bytes <= INT64_MAX);
	for (uint32_t i = 0; i < domxml.cell_count; i++)
		FUZZ_ASSERT(domxml.cell_bytes[i] <= INT64_MAX);
	return 0;
}
