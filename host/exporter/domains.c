/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a guest says as text (its agent's version, its kernel, why it drops a target) is
 * no label: each new word would be a new series in the database of who scrapes, and a
 * guest may say a new one each time. Nor is a number of a node that no guest has: it may
 * say another one each time, too.
 */
#include "host/exporter/domains.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "host/exporter/question.h"
#include "host/exporter/row.h"
#include "host/interface/explain.h"
#include "host/interface/selection.h"
#include "host/interface/status.h"

/* A function for the rows' @known: of a message of type MESSAGE. */
#define KNOWN(function, condition)                \
	static bool function(const void *message) \
	{                                         \
		const MESSAGE *domain = message;  \
                                                  \
		return condition;                 \
	}

/* ---- domain-list ---- */

#define MESSAGE struct ebb_domain_status

KNOWN(is_looked_at, domain->known)
KNOWN(is_running, strcmp(domain->rung, "-") != 0)
KNOWN(has_balloon, domain->balloon_known)
KNOWN(has_resident, domain->resident_known)
KNOWN(has_swapped, domain->resident_known && domain->swapped_known)
KNOWN(has_lent, domain->lent_known)
KNOWN(has_facts, domain->facts_age_ms != UINT32_MAX)
/*
 * A guest that goes on in another process (restored, say) counts on once its agent has
 * said that it is the same. Before, its counters are 0, and would seem to begin anew.
 */
KNOWN(has_counted, domain->known && (domain->facts_age_ms != UINT32_MAX ||
				     domain->reclaim_runs > 0))
KNOWN(has_pool, domain->pool.lent_bytes > 0)
KNOWN(has_target, domain->target.bytes > 0)
KNOWN(has_pause, domain->policy_paused[0])

/* As list and show print it, and what was reserved again, which may fall neither. */
static uint64_t all_reclaimed(const struct ebb_domain_status *domain)
{
	return domain->reclaimed_bytes + domain->pool.reserved_bytes;
}

static void print_reclaimed(const struct exp_row *row, const char *labels,
			    const void *message, struct exp_text *lines)
{
	const MESSAGE *domain = message;

	exp_sample_add(lines, row->name, labels, all_reclaimed(domain));
}

static void print_paused(const struct exp_row *row, const char *labels,
			 const void *message, struct exp_text *lines)
{
	const MESSAGE *domain = message;

	exp_sample_add(lines, row->name, labels,
		       strcmp(domain->policy_paused, "no") != 0);
}

/* A sample of value 1 with one more label. */
static void print_word(const struct exp_row *row, const char *labels,
		       const char *label, const char *word,
		       struct exp_text *lines)
{
	struct exp_text all = { 0 };

	exp_text_put(&all, labels);
	exp_text_label(&all, label, word);
	exp_sample_add(lines, row->name, exp_text_get(&all), 1);
	lines->failed |= all.failed;
	exp_text_clear(&all);
}

static void print_state(const struct exp_row *row, const char *labels,
			const void *message, struct exp_text *lines)
{
	const MESSAGE *domain = message;

	print_word(row, labels, "state", domain->state, lines);
}

static void print_rung(const struct exp_row *row, const char *labels,
		       const void *message, struct exp_text *lines)
{
	const MESSAGE *domain = message;

	print_word(row, labels, "rung", domain->rung, lines);
}

static void print_reasons(const struct exp_row *row, const char *labels,
			  const void *message, struct exp_text *lines)
{
	const MESSAGE *domain = message;

	for (uint32_t i = 0; i < domain->reason_count; i++)
		print_word(row, labels, "reason", domain->reasons[i].name,
			   lines);
}

static void add_words(struct exp_text *object, const char *name,
		      const char *words)
{
	if (!*words)
		return;
	exp_text_member(object, name);
	exp_text_string(object, words);
}

static void add_reason(struct exp_text *object, const struct ebb_reason *reason)
{
	exp_text_add(object, "{");
	add_words(object, "name", reason->name);
	add_words(object, "text", reason->text);
	add_words(object, "remedy", reason->remedy);
	exp_text_add(object, "}");
}

/* What the live page has beside numbers. */
static void add_domain_words(const void *message, struct exp_text *object)
{
	const MESSAGE *domain = message;

	add_words(object, "state", domain->state);
	if (!is_running(domain))
		return;
	add_words(object, "rung", domain->rung);
	add_words(object, "target_reason", domain->target.reason);
	if (has_counted(domain)) {
		exp_text_member(object, "reclaimed_bytes_total");
		exp_text_number(object, all_reclaimed(domain));
	}
	exp_text_member(object, "reasons");
	exp_text_add(object, "[");
	for (uint32_t i = 0; i < domain->reason_count; i++) {
		if (i > 0)
			exp_text_add(object, ",");
		add_reason(object, &domain->reasons[i]);
	}
	exp_text_add(object, "]");
}

/* Numbers of nodes are below this; x86 guests of QEMU have at most 128. */
#define NODES_MAX 128

/* A guest may name a node twice, and a sample that is there twice spoils all others. */
static bool is_first(const struct ebb_domain_status *domain, uint32_t index)
{
	for (uint32_t i = 0; i < index; i++)
		if (domain->nodes[i].node == domain->nodes[index].node)
			return false;
	return true;
}

/* A sample for each node of the guest; @row's offset is in a struct ebb_node_status. */
static void print_nodes(const struct exp_row *row, const char *labels,
			const void *message, struct exp_text *lines)
{
	const MESSAGE *domain = message;

	for (uint32_t i = 0; i < domain->node_count; i++) {
		const struct ebb_node_status *node = &domain->nodes[i];

		if (node->node >= NODES_MAX || !is_first(domain, i))
			continue;
		exp_text_add(
			lines, "%s{%s,node=\"%" PRIu32 "\"} %" PRIu64 "\n",
			row->name, labels, node->node,
			*(const uint64_t *)((const char *)node + row->offset));
	}
}

#define ROW(name_, unit_, field_, known_, help_)                       \
	{                                                              \
		.name = (name_), .help = (help_), .unit = (unit_),     \
		.offset = offsetof(MESSAGE, field_), .known = (known_) \
	}
#define PRINTED(name_, print_, known_, help_)                        \
	{                                                            \
		.name = (name_), .help = (help_), .known = (known_), \
		.print = (print_)                                    \
	}
#define NODE(name_, field_, help_)                                    \
	{                                                             \
		.name = (name_), .help = (help_), .known = has_facts, \
		.print = print_nodes,                                 \
		.offset = offsetof(struct ebb_node_status, field_)    \
	}

static const struct exp_row domain_rows[] = {
	PRINTED("ebb_domain_state_info", print_state, NULL,
		"The state of the domain, as virsh domstate has it; always 1."),
	PRINTED("ebb_domain_rung_info", print_rung, is_running,
		"How memory of the domain can be taken; always 1."),
	PRINTED("ebb_domain_reason_info", print_reasons, is_running,
		"Why a better rung is closed; always 1, once for each reason."),
	ROW("ebb_domain_memory_bytes", EXP_U64, memory_bytes, is_looked_at,
	    "Memory that the domain has, a balloon included."),
	ROW("ebb_domain_balloon_bytes", EXP_U64, balloon_bytes, has_balloon,
	    "What a balloon holds of the domain's memory."),
	ROW("ebb_domain_resident_bytes", EXP_U64, resident_bytes, has_resident,
	    "What the domain has of the host's memory."),
	ROW("ebb_domain_swapped_bytes", EXP_U64, swapped_bytes, has_swapped,
	    "What of the domain's memory is in the host's swap."),
	ROW("ebb_domain_lent_bytes", EXP_U64, lent_bytes, has_lent,
	    "What the domain may take back from the host at any moment, beside what its balloon holds."),
	ROW("ebb_domain_free_bytes", EXP_U64, free_bytes, has_facts,
	    "Memory that is free in the guest, by its own word."),
	ROW("ebb_domain_free_huge_bytes", EXP_U64, free_huge_bytes, has_facts,
	    "Memory that is free in the guest in huge ranges, by its own word."),
	ROW("ebb_domain_available_bytes", EXP_U64, available_bytes, has_facts,
	    "Memory that programs of the guest could have, by its own word."),
	ROW("ebb_domain_facts_age_seconds", EXP_MS, facts_age_ms, has_facts,
	    "How long ago the guest said what is free."),
	NODE("ebb_domain_node_memory_bytes", total_bytes,
	     "Memory of a NUMA node of the guest, by its own word."),
	NODE("ebb_domain_node_free_bytes", free_bytes,
	     "Memory that is free in a NUMA node of the guest."),
	NODE("ebb_domain_node_free_huge_bytes", free_huge_bytes,
	     "Memory that is free in a NUMA node of the guest in huge ranges."),
	PRINTED("ebb_domain_reclaimed_bytes_total", print_reclaimed,
		has_counted,
		"Memory taken of the domain since ebbd or the guest started."),
	ROW("ebb_domain_reclaims_total", EXP_U64, reclaim_runs, has_counted,
	    "Reclaims of the domain since ebbd or the guest started."),
	ROW("ebb_domain_pool_lent_bytes_total", EXP_U64, pool.lent_bytes,
	    has_pool, "Huge pages of a pool that the domain lent."),
	ROW("ebb_domain_pool_reserved_bytes_total", EXP_U64,
	    pool.reserved_bytes, has_pool,
	    "Of these, pages that were reserved for the domain again."),
	ROW("ebb_domain_pool_owed_bytes", EXP_U64, pool.owed_bytes, has_pool,
	    "Huge pages of a pool that the domain may take back."),
	ROW("ebb_domain_target_bytes", EXP_U64, target.bytes, has_target,
	    "What the guest is asked to keep free."),
	ROW("ebb_domain_target_effective_bytes", EXP_U64,
	    target.effective_bytes, has_target,
	    "What the guest pursues of that, by its own word."),
	ROW("ebb_domain_target_drops_total", EXP_U64, target.drop_count,
	    has_facts,
	    "How often the guest dropped its target because it needed memory."),
	ROW("ebb_domain_in_job", EXP_BOOL, in_job, is_looked_at,
	    "Whether a job of libvirt reads the domain's memory."),
	PRINTED("ebb_domain_policy_paused", print_paused, has_pause,
		"Whether a person paused the policy for the domain or for all."),
};
#undef MESSAGE

/* ---- policy-explain ---- */

#define PPM 1000000

#define MESSAGE struct ebb_explain_domain

KNOWN(has_memory, domain->memory_known)
KNOWN(has_min, domain->memory_known || domain->min_bytes > 0)
KNOWN(has_max, domain->max_bytes > 0)
KNOWN(has_working_set, domain->working_set_known)
KNOWN(has_parts, domain->parts_known)
KNOWN(was_decided, domain->last_age_ms != UINT32_MAX)

static void print_policy(const struct exp_row *row, const char *labels,
			 const void *message, struct exp_text *lines)
{
	const MESSAGE *domain = message;
	struct exp_text all = { 0 };

	exp_text_put(&all, labels);
	exp_text_label(&all, "mode", domain->mode);
	print_word(row, exp_text_get(&all), "state", domain->state, lines);
	lines->failed |= all.failed;
	exp_text_clear(&all);
}

static void add_share_words(const void *message, struct exp_text *object)
{
	const MESSAGE *domain = message;

	add_words(object, "mode", domain->mode);
	add_words(object, "policy_state", domain->state);
	add_words(object, "text", domain->text);
	if (!was_decided(domain))
		return;
	add_words(object, "decision_text", domain->last_text);
	add_words(object, "decision_ended", domain->last_ended);
}

/* Of each budget that the domain's memory counts in. */
static void print_parts(const struct exp_row *row, const char *labels,
			const void *message, struct exp_text *lines)
{
	const MESSAGE *domain = message;
	struct exp_text all = { 0 };

	for (uint32_t i = 0; i < domain->part_count; i++) {
		const struct ebb_explain_part *part = &domain->parts[i];

		exp_text_reset(&all);
		exp_text_put(&all, labels);
		exp_text_label(&all, "budget", part->budget);
		exp_text_add(lines, "%s{%s} %" PRIu32 ".%06" PRIu32 "\n",
			     row->name, exp_text_get(&all),
			     part->part_ppm / PPM, part->part_ppm % PPM);
	}
	lines->failed |= all.failed;
	exp_text_clear(&all);
}

static const struct exp_row share_rows[] = {
	PRINTED("ebb_domain_policy_info", print_policy, NULL,
		"The domain's mode, and asked or why nothing is; always 1."),
	ROW("ebb_domain_usable_bytes", EXP_U64, usable_bytes, has_memory,
	    "Memory that the guest may use now, a balloon left out."),
	ROW("ebb_domain_working_set_bytes", EXP_U64, working_set_bytes,
	    has_working_set,
	    "Memory that the guest works with, by its own word."),
	ROW("ebb_domain_min_bytes", EXP_U64, min_bytes, has_min,
	    "The domain is not brought below that by the policy."),
	ROW("ebb_domain_max_bytes", EXP_U64, max_bytes, has_max,
	    "What the domain has above that and does not work with is taken."),
	ROW("ebb_domain_shares", EXP_U32, shares, NULL,
	    "The domain's weight when memory is short."),
	PRINTED("ebb_domain_budget_ratio", print_parts, has_parts,
		"Which part of the domain's memory counts in a budget."),
	ROW("ebb_domain_pending_bytes", EXP_U64, pending_bytes, NULL,
	    "Memory that the policy asked for and that was not answered yet."),
	ROW("ebb_domain_decision_age_seconds", EXP_MS, last_age_ms, was_decided,
	    "How long ago the policy last took memory of it."),
	ROW("ebb_domain_decision_asked_bytes", EXP_U64, last_asked_bytes,
	    was_decided, "What the policy asked for then."),
	ROW("ebb_domain_decision_came_bytes", EXP_U64, last_came_bytes,
	    was_decided, "What came of what the policy asked for then."),
};
#undef MESSAGE

/* ---- a list of either ---- */

/* A kind of list: its rows, and the struct that they are of. */
struct kind {
	enum exp_question question;
	const struct ebb_field *fields;
	size_t message_bytes;
	size_t name_offset, uuid_offset;
	const struct exp_row *rows;
	size_t row_count;
	const char *live_name;
	void (*add_words)(const void *message, struct exp_text *object);
};

/* One element of the live page's list. */
static void add_live(const struct kind *kind, const char *message,
		     struct exp_text *live)
{
	exp_text_add(live, "{");
	add_words(live, "name", message + kind->name_offset);
	add_words(live, "uuid", message + kind->uuid_offset);
	kind->add_words(message, live);
	exp_rows_json(kind->rows, kind->row_count, "ebb_domain_", message,
		      live);
	exp_text_add(live, "}");
}

/* The members that were asked for, whoever sent more. */
static int select_members(const struct kind *kind,
			  struct ebb_selection *ret_selection,
			  struct ebb_msg_error *ret_error)
{
	struct json_object *request = exp_question_request(kind->question);
	int r = request ? ebb_selection_make(kind->fields, request,
					     ret_selection, ret_error)
			: -ENOMEM;

	json_object_put(request);
	return r;
}

static int add_all(const struct kind *kind, const struct json_object *array,
		   struct exp_sheet *sheet, struct exp_text *live,
		   struct ebb_msg_error *ret_error)
{
	ebb_auto_free char *message = malloc(kind->message_bytes);
	size_t count = json_object_array_length(array);
	struct exp_text labels = { 0 };
	struct ebb_selection selection;
	int r = message ? select_members(kind, &selection, ret_error) : -ENOMEM;

	for (size_t i = 0; i < count && r == 0; i++) {
		r = ebb_msg_decode_in_place(json_object_array_get_idx(array, i),
					    selection.fields, message,
					    kind->message_bytes, ret_error);
		if (r < 0)
			break;
		exp_text_reset(&labels);
		exp_text_label(&labels, "domain", message + kind->name_offset);
		exp_text_label(&labels, "uuid", message + kind->uuid_offset);
		exp_sheet_add(sheet, exp_text_get(&labels), message);
		if (live && i > 0)
			exp_text_add(live, ",");
		if (live)
			add_live(kind, message, live);
		if (labels.failed)
			r = -ENOMEM;
	}
	exp_text_clear(&labels);
	return r;
}

static int print_list(const struct kind *kind, const struct json_object *answer,
		      struct exp_text *page, struct exp_text *live,
		      struct ebb_msg_error *ret_error)
{
	size_t live_used = live ? live->used : 0;
	struct json_object *array;
	struct exp_sheet sheet;
	int r;

	snprintf(ret_error->text, sizeof(ret_error->text), "out of memory");
	if (!json_object_object_get_ex(answer, "domains", &array) ||
	    !json_object_is_type(array, json_type_array) ||
	    json_object_array_length(array) > EBB_LIST_MAX) {
		snprintf(ret_error->text, sizeof(ret_error->text),
			 "'domains' is missing, or is no list of at most %d",
			 EBB_LIST_MAX);
		return -EINVAL;
	}
	r = exp_sheet_init(&sheet, kind->rows, kind->row_count);
	if (r < 0)
		return r;
	if (live) {
		exp_text_member(live, kind->live_name);
		exp_text_add(live, "[");
	}
	r = add_all(kind, array, &sheet, live, ret_error);
	if (r == 0)
		exp_sheet_print(&sheet, page);
	if (live && r == 0)
		exp_text_add(live, "]");
	else if (live)
		exp_text_cut(live, live_used);
	exp_sheet_clear(&sheet);
	return r;
}

int exp_domains_print(const struct json_object *answer, struct exp_text *page,
		      struct exp_text *live, struct ebb_msg_error *ret_error)
{
	static const struct kind kind = {
		.question = EXP_DOMAINS,
		.fields = ebb_domain_status_fields,
		.message_bytes = sizeof(struct ebb_domain_status),
		.name_offset = offsetof(struct ebb_domain_status, name),
		.uuid_offset = offsetof(struct ebb_domain_status, uuid),
		.rows = domain_rows,
		.row_count = EBB_ARRAY_SIZE(domain_rows),
		.live_name = "domains",
		.add_words = add_domain_words,
	};

	return print_list(&kind, answer, page, live, ret_error);
}

int exp_shares_print(const struct json_object *answer, struct exp_text *page,
		     struct exp_text *live, struct ebb_msg_error *ret_error)
{
	static const struct kind kind = {
		.question = EXP_POLICY,
		.fields = ebb_explain_domain_fields,
		.message_bytes = sizeof(struct ebb_explain_domain),
		.name_offset = offsetof(struct ebb_explain_domain, name),
		.uuid_offset = offsetof(struct ebb_explain_domain, uuid),
		.rows = share_rows,
		.row_count = EBB_ARRAY_SIZE(share_rows),
		.live_name = "shares",
		.add_words = add_share_words,
	};

	return print_list(&kind, answer, page, live, ret_error);
}
