/* SPDX-License-Identifier: GPL-2.0-only */
#include <config.h>

#include "tests/unit/host/ctl/top/example.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/size.h"

struct ebb_domain_status example_domain(uint32_t number)
{
	struct ebb_domain_status domain = {
		.state = "running",
		.rung = "lease",
		.phase = "ready",
		.known = true,
		.resident_known = true,
		.policy_paused = "no",
		.memory_bytes = 2 * EBB_GIB,
		.balloon_known = true,
		.resident_bytes = EBB_GIB,
		.swapped_known = true,
		.lent_bytes = EBB_GIB,
		.lent_known = true,
		.free_bytes = 1536 * EBB_MIB,
		.free_huge_bytes = 1200 * EBB_MIB,
		.available_bytes = 1700 * EBB_MIB,
		.facts_age_ms = 300,
		.node_count = 1,
		.nodes = { { 0, 2 * EBB_GIB, 1536 * EBB_MIB, 1200 * EBB_MIB } },
	};

	snprintf(domain.name, sizeof(domain.name), "vm-%04u", number);
	snprintf(domain.uuid, sizeof(domain.uuid),
		 "00000000-0000-0000-0000-%012u", number);
	return domain;
}

struct json_object *example_list(const struct ebb_domain_status *domains,
				 uint32_t count)
{
	struct ebb_status_list list = { .domain_count = count };
	struct json_object *value;

	list.domains = malloc((count + 1) * sizeof(*domains));
	memcpy(list.domains, domains, count * sizeof(*domains));
	value = ebb_status_list_encode(&list);
	free(list.domains);
	return value;
}

struct json_object *example_explain(void)
{
	static const struct ebb_explain explain = {
		.enabled = true,
		.budget_count = 1,
		.budgets = { { .name = "host",
			       .limit_bytes = 16 * EBB_GIB,
			       .available_bytes = 5 * EBB_GIB,
			       .covered = true,
			       .debt_bytes = 2 * EBB_GIB,
			       .cover_bytes = 4 * EBB_GIB,
			       .mins_fit = true } },
	};
	static const struct ebb_explain_domain domain = {
		.name = "vm-0001",
		.uuid = "00000000-0000-0000-0000-000000000001",
		.text = "vm-0001: nothing: it keeps its cushion",
		.last_age_ms = UINT32_MAX,
		.asked_age_ms = UINT32_MAX,
	};
	struct json_object *value =
		ebb_msg_encode(ebb_explain_fields, &explain);
	struct json_object *array = json_object_new_array();

	json_object_array_add(array, ebb_msg_encode(ebb_explain_domain_fields,
						    &domain));
	json_object_object_add(value, "domains", array);
	return value;
}

struct json_object *example_events(uint64_t first, uint32_t count)
{
	struct ebb_events events = {
		.next = first + count - 1,
		.event_count = count,
	};
	struct json_object *value;

	events.events = calloc(count + 1, sizeof(*events.events));
	for (uint32_t i = 0; i < count; i++)
		events.events[i] = (struct ebb_event){
			.number = first + i,
			.time_ms = (first + i) * 1000,
			.kind = "decision",
			.domain = "vm-0001",
			.text = "asked for it",
			.uid = UINT32_MAX,
		};
	value = ebb_events_encode(&events);
	ebb_events_clear(&events);
	return value;
}
