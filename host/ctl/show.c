/* SPDX-License-Identifier: GPL-2.0-only */
/* ebbctl show DOMAIN: all that ebbd knows of a domain. */
#include <config.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/size.h"
#include "host/ctl/client.h"
#include "host/ctl/target.h"
#include "host/ctl/text.h"
#include "host/interface/held.h"
#include "host/interface/status.h"

static void print_facts(const struct ebb_domain_status *domain)
{
	if (domain->facts_age_ms == UINT32_MAX) {
		ctl_pair_print(stdout, "Free", "%s",
			       domain->known ? "not known: no agent answered"
					     : "not known yet");
		return;
	}
	ctl_pair_print(stdout, "Free", "%s, of it in huge ranges %s",
		       EBB_SIZE(domain->free_bytes),
		       EBB_SIZE(domain->free_huge_bytes));
	ctl_pair_print(stdout, "Available", "%s",
		       EBB_SIZE(domain->available_bytes));
	ctl_pair_print(stdout, "Facts from", "%.1f s ago",
		       (double)domain->facts_age_ms / 1000);
}

/* What is other from the next start on. */
static void print_next(const struct ebb_domain_status *domain)
{
	const struct ebb_settings_status *next = &domain->next;
	const char *key = "Next start";

	if (*domain->next_target) {
		ctl_pair_print(stdout, key, "free target %s",
			       domain->next_target);
		key = "";
	}
	for (uint32_t i = 0; i < next->count; i++) {
		ctl_pair_print(stdout, key, "%s %s (%s)", next->items[i].name,
			       next->items[i].value, next->items[i].origin);
		key = "";
	}
	if (*next->trouble)
		ctl_pair_print(stdout, key, "%s", next->trouble);
}

static void print_policy(const struct ebb_domain_status *domain)
{
	if (strcmp(domain->policy_paused, "domain") == 0)
		ctl_pair_print(stdout, "Policy",
			       "paused for it: ebbctl policy resume %s",
			       domain->name);
	else if (strcmp(domain->policy_paused, "all") == 0)
		ctl_pair_print(stdout, "Policy",
			       "paused: ebbctl policy resume");
}

static void print_identity(const struct ebb_domain_status *domain)
{
	ctl_pair_print(stdout, "Name", "%s", domain->name);
	ctl_pair_print(stdout, "UUID", "%s", domain->uuid);
	ctl_pair_print(stdout, "State", "%s%s", domain->state,
		       domain->state_old
			       ? " (the last known: libvirtd does not answer)"
			       : "");
}

/* It does not run: there is no guest, only what it is defined to have. */
static void print_defined(const struct ebb_domain_status *domain)
{
	print_identity(domain);
	ctl_pair_print(stdout, "Memory", "%s",
		       domain->known ? EBB_SIZE(domain->memory_bytes)
				     : "not known");
	if (domain->next_known)
		print_next(domain);
	else
		ctl_pair_print(stdout, "Next start", "not known");
	print_policy(domain);
}

static void print_head(const struct ebb_domain_status *domain)
{
	print_identity(domain);
	ctl_pair_print(stdout, "Rung", "%s%s", domain->rung,
		       domain->old ? " (old: it is looked at anew)" : "");
	if (*domain->phase)
		ctl_pair_print(stdout, "Phase", "%s", domain->phase);
	if (*domain->agent_version)
		ctl_pair_print(stdout, "Agent", "%s", domain->agent_version);
	if (*domain->channel)
		ctl_pair_print(stdout, "Channel", "%s", domain->channel);
	if (*domain->kernel)
		ctl_pair_print(stdout, "Guest kernel", "%s", domain->kernel);
	ctl_pair_print(stdout, "Memory", "%s",
		       domain->known ? EBB_SIZE(domain->memory_bytes)
				     : "not known yet");
	if (domain->balloon_known && domain->balloon_bytes)
		ctl_pair_print(stdout, "Balloon",
			       "%s of it, which the guest cannot use",
			       EBB_SIZE(domain->balloon_bytes));
	if (domain->balloon_held_bytes)
		ctl_pair_print(stdout, "",
			       "%s of that for Ebb, until the guest needs "
			       "it%s",
			       EBB_SIZE(domain->balloon_held_bytes),
			       domain->balloon_unread
				       ? "; not guarded now: QEMU or libvirtd "
					 "does not answer"
				       : "");
	ctl_pair_print(stdout, "Resident", "%s",
		       domain->resident_known ? EBB_SIZE(domain->resident_bytes)
					      : "not known");
	if (domain->swapped_known)
		ctl_pair_print(stdout, "Swapped", "%s",
			       EBB_SIZE(domain->swapped_bytes));
	else
		ctl_pair_print(stdout, "Swapped", "not known");
	ctl_pair_print(stdout, "Lent", "%s",
		       domain->lent_known ? EBB_SIZE(domain->lent_bytes)
					  : "not known");
	if (domain->in_job)
		ctl_pair_print(stdout, "Job",
			       "libvirt reads its memory; what is lent may "
			       "become resident");
	print_facts(domain);
	ctl_pair_print(stdout, "Reclaimed", "%s in %" PRIu64 " run%s",
		       EBB_SIZE(domain->reclaimed_bytes), domain->reclaim_runs,
		       domain->reclaim_runs == 1 ? "" : "s");
	if (domain->pool.lent_bytes || domain->pool.owed_bytes)
		ctl_pair_print(stdout, "Huge pages",
			       "lent %s; owed %s, reserved again %s, taken "
			       "back %s",
			       EBB_SIZE(domain->pool.lent_bytes),
			       EBB_SIZE(domain->pool.owed_bytes),
			       EBB_SIZE(domain->pool.reserved_bytes),
			       EBB_SIZE(domain->pool.returned_bytes));
	ctl_target_print(&domain->target);
	ctl_settings_print(&domain->settings);
	print_next(domain);
	print_policy(domain);
}

static void print_nodes(const struct ebb_domain_status *domain)
{
	static const struct ctl_column columns[] = {
		{ "Node", true },
		{ "Total", true },
		{ "Free", true },
		{ "Free huge", true },
	};
	enum {
		COLUMNS = EBB_ARRAY_SIZE(columns)
	};
	struct ebb_size_text sizes[EBB_NODE_MAX][COLUMNS];
	const char *cells[EBB_NODE_MAX * COLUMNS];

	if (!domain->node_count)
		return;
	for (uint32_t i = 0; i < domain->node_count; i++) {
		const struct ebb_node_status *node = &domain->nodes[i];
		const char **row = &cells[i * COLUMNS];

		snprintf(sizes[i][0].text, sizeof(sizes[i][0].text), "%u",
			 node->node);
		row[0] = sizes[i][0].text;
		row[1] = ebb_size_text(node->total_bytes, &sizes[i][1]);
		row[2] = ebb_size_text(node->free_bytes, &sizes[i][2]);
		row[3] = ebb_size_text(node->free_huge_bytes, &sizes[i][3]);
	}
	putchar('\n');
	ctl_table_print(stdout, columns, COLUMNS, cells, domain->node_count);
}

static void print_held(const struct ebb_domain_status *domain)
{
	static const struct ctl_column columns[] = {
		{ "Held by", false },
		{ "Size", true },
	};
	struct ebb_size_text sizes[EBB_HELD_PARTS];
	const char *cells[EBB_HELD_PARTS * EBB_ARRAY_SIZE(columns)];

	if (!domain->held.known) {
		if (*domain->agent_version)
			puts("\nWhat holds the guest's memory is not known: its "
			     "agent is an older one, or was not asked yet.");
		return;
	}
	printf("\nWhat holds the guest's memory, as its agent said %.1f s "
	       "ago:\n",
	       (double)domain->told_age_ms / 1000);
	for (unsigned int i = 0; i < EBB_HELD_PARTS; i++) {
		uint64_t bytes;

		cells[2 * i] = ebb_held_part(&domain->held, i, &bytes);
		cells[2 * i + 1] = ebb_size_text(bytes, &sizes[i]);
	}
	ctl_table_print(stdout, columns, EBB_ARRAY_SIZE(columns), cells,
			EBB_HELD_PARTS);
}

static void print_backings(const struct ebb_domain_status *domain)
{
	static const struct ctl_column columns[] = {
		{ "Backing", false }, { "Size", true }, { "Resident", true },
		{ "Swapped", true },  { "Page", true }, { "Verified", true },
	};
	enum {
		COLUMNS = EBB_ARRAY_SIZE(columns)
	};
	struct ebb_size_text sizes[EBB_BACKING_MAX][COLUMNS];
	const char *cells[EBB_BACKING_MAX * COLUMNS];

	if (!domain->backing_count)
		return;
	for (uint32_t i = 0; i < domain->backing_count; i++) {
		const struct ebb_backing_status *backing = &domain->backings[i];
		const char **row = &cells[i * COLUMNS];

		row[0] = backing->kind;
		row[1] = ebb_size_text(backing->bytes, &sizes[i][1]);
		row[2] = ebb_size_text(backing->resident_bytes, &sizes[i][2]);
		row[3] = backing->swapped_known
				 ? ebb_size_text(backing->swapped_bytes,
						 &sizes[i][3])
				 : "-";
		row[4] = ebb_size_text(backing->page_bytes, &sizes[i][4]);
		snprintf(sizes[i][5].text, sizeof(sizes[i][5].text), "%u",
			 backing->verified_segments);
		row[5] = sizes[i][5].text;
	}
	putchar('\n');
	ctl_table_print(stdout, columns, COLUMNS, cells, domain->backing_count);
}

static void print_reasons(const struct ebb_domain_status *domain)
{
	if (!domain->reason_count)
		return;
	puts("\nWhy the better rungs are closed:");
	for (uint32_t i = 0; i < domain->reason_count; i++) {
		const struct ebb_reason *reason = &domain->reasons[i];
		char text[CTL_NAMED_BYTES];

		printf("  %s: %s\n", reason->name, reason->text);
		if (*reason->remedy)
			printf("      Remedy: %s\n",
			       ctl_named(reason->remedy, domain->name, text));
		ctl_indent_print(stdout, 6, reason->xml);
	}
}

int ctl_show(const struct ctl_args *args)
{
	struct ebb_domain_status domain;
	struct json_object *value;
	int status = ctl_ask_domain(args, "domain-show", &value);

	if (status != CTL_DONE)
		return status;
	status = ctl_answer_decode(args, value, ebb_domain_status_fields,
				   &domain, sizeof(domain));
	if (status == CTL_DONE && ctl_given(args, CTL_OPT_JSON)) {
		ctl_json_print(stdout, value);
	} else if (status == CTL_DONE && ebb_state_is_off(domain.state)) {
		print_defined(&domain);
		print_reasons(&domain);
	} else if (status == CTL_DONE) {
		print_head(&domain);
		print_nodes(&domain);
		print_held(&domain);
		print_backings(&domain);
		print_reasons(&domain);
	}
	json_object_put(value);
	return status;
}
