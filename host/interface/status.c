/* SPDX-License-Identifier: GPL-2.0-only */
#include "host/interface/status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/interface/array.h"
#include "host/interface/rows.h"

/* Of a struct ebb_target_status that is member @target of a struct. */
#define TARGET(struct_)                                                    \
	OPTIONAL_STRING("target-setting", struct_, target.setting),        \
		OPTIONAL(EBB_FIELD_U64, "target-bytes", struct_,           \
			 target.bytes),                                    \
		OPTIONAL(EBB_FIELD_U64, "target-effective-bytes", struct_, \
			 target.effective_bytes),                          \
		OPTIONAL_STRING("target-state", struct_, target.state),    \
		OPTIONAL_STRING("target-reason", struct_, target.reason),  \
		OPTIONAL_STRING("target-mechanism", struct_,               \
				target.mechanism),                         \
		OPTIONAL(EBB_FIELD_U64, "drop-count", struct_,             \
			 target.drop_count),                               \
		OPTIONAL(EBB_FIELD_U64, "working-set-bytes", struct_,      \
			 target.working_set_bytes),                        \
		OPTIONAL_STRING("working-set-source", struct_,             \
				target.working_set_source)
/* Of a struct ebb_settings_status that is member @settings of a struct. */
#define SETTINGS(struct_)                                                   \
	OPTIONAL_ARRAY("settings", struct_, settings.items, settings.count, \
		       setting_fields),                                     \
		OPTIONAL_STRING("settings-trouble", struct_, settings.trouble)

/* @row: LATER or OPTIONAL */
#define HELD(row, struct_)                                            \
	row(EBB_FIELD_BOOL, "held-known", struct_, held.known),       \
		row(EBB_FIELD_U64, "held-anonymous-bytes", struct_,   \
		    held.anonymous_bytes),                            \
		row(EBB_FIELD_U64, "held-shared-bytes", struct_,      \
		    held.shared_bytes),                               \
		row(EBB_FIELD_U64, "held-locked-bytes", struct_,      \
		    held.locked_bytes),                               \
		row(EBB_FIELD_U64, "held-huge-pool-bytes", struct_,   \
		    held.huge_pool_bytes),                            \
		row(EBB_FIELD_U64, "held-page-cache-bytes", struct_,  \
		    held.page_cache_bytes),                           \
		row(EBB_FIELD_U64, "held-slab-bytes", struct_,        \
		    held.slab_bytes),                                 \
		row(EBB_FIELD_U64, "held-page-tables-bytes", struct_, \
		    held.page_tables_bytes),                          \
		row(EBB_FIELD_U64, "held-fragments-bytes", struct_,   \
		    held.fragments_bytes)

static const struct ebb_field reason_fields[] = {
	STRING("name", struct ebb_reason, name),
	STRING("text", struct ebb_reason, text),
	OPTIONAL_STRING("remedy", struct ebb_reason, remedy),
	OPTIONAL_STRING("xml", struct ebb_reason, xml),
	END,
};

static const struct ebb_field setting_fields[] = {
	STRING("name", struct ebb_setting_status, name),
	STRING("value", struct ebb_setting_status, value),
	STRING("origin", struct ebb_setting_status, origin),
	END,
};

static const struct ebb_field backing_fields[] = {
	STRING("kind", struct ebb_backing_status, kind),
	FIELD(EBB_FIELD_U64, "bytes", struct ebb_backing_status, bytes),
	FIELD(EBB_FIELD_U64, "resident-bytes", struct ebb_backing_status,
	      resident_bytes),
	LATER(EBB_FIELD_U64, "swapped-bytes", struct ebb_backing_status,
	      swapped_bytes),
	LATER(EBB_FIELD_BOOL, "swapped-known", struct ebb_backing_status,
	      swapped_known),
	FIELD(EBB_FIELD_U64, "page-bytes", struct ebb_backing_status,
	      page_bytes),
	FIELD(EBB_FIELD_U32, "verified-segments", struct ebb_backing_status,
	      verified_segments),
	END,
};

static const struct ebb_field node_fields[] = {
	FIELD(EBB_FIELD_U32, "node", struct ebb_node_status, node),
	FIELD(EBB_FIELD_U64, "total-bytes", struct ebb_node_status,
	      total_bytes),
	FIELD(EBB_FIELD_U64, "free-bytes", struct ebb_node_status, free_bytes),
	FIELD(EBB_FIELD_U64, "free-huge-bytes", struct ebb_node_status,
	      free_huge_bytes),
	END,
};

const struct ebb_field ebb_daemon_status_fields[] = {
	STRING("version", struct ebb_daemon_status, version),
	STRING("uri", struct ebb_daemon_status, uri),
	FIELD(EBB_FIELD_BOOL, "libvirt-connected", struct ebb_daemon_status,
	      libvirt_connected),
	FIELD(EBB_FIELD_U32, "domain-count", struct ebb_daemon_status,
	      domain_count),
	FIELD(EBB_FIELD_U32, "lease-count", struct ebb_daemon_status,
	      lease_count),
	LATER(EBB_FIELD_U32, "loop-away-max-us", struct ebb_daemon_status,
	      loop_away_max_us),
	LATER_STRING("loop-away-in", struct ebb_daemon_status, loop_away_in),
	END,
};

#define DOMAIN struct ebb_domain_status
const struct ebb_field ebb_domain_status_fields[] = {
	STRING("name", DOMAIN, name),
	STRING("uuid", DOMAIN, uuid),
	STRING("state", DOMAIN, state),
	LATER(EBB_FIELD_BOOL, "state-old", DOMAIN, state_old),
	STRING("rung", DOMAIN, rung),
	STRING("phase", DOMAIN, phase),
	LATER(EBB_FIELD_BOOL, "known", DOMAIN, known),
	LATER(EBB_FIELD_BOOL, "old", DOMAIN, old),
	LATER(EBB_FIELD_BOOL, "resident-known", DOMAIN, resident_known),
	OPTIONAL(EBB_FIELD_BOOL, "in-job", DOMAIN, in_job),
	LATER_STRING("policy-paused", DOMAIN, policy_paused),
	ARRAY("reasons", DOMAIN, reasons, reason_count, reason_fields),
	OPTIONAL_STRING("agent-version", DOMAIN, agent_version),
	OPTIONAL_STRING("kernel", DOMAIN, kernel),
	OPTIONAL_STRING("channel", DOMAIN, channel),
	FIELD(EBB_FIELD_U64, "memory-bytes", DOMAIN, memory_bytes),
	LATER(EBB_FIELD_BOOL, "balloon-known", DOMAIN, balloon_known),
	LATER(EBB_FIELD_U64, "balloon-bytes", DOMAIN, balloon_bytes),
	OPTIONAL(EBB_FIELD_U64, "balloon-held-bytes", DOMAIN,
		 balloon_held_bytes),
	OPTIONAL(EBB_FIELD_BOOL, "balloon-unread", DOMAIN, balloon_unread),
	FIELD(EBB_FIELD_U64, "resident-bytes", DOMAIN, resident_bytes),
	LATER(EBB_FIELD_U64, "swapped-bytes", DOMAIN, swapped_bytes),
	LATER(EBB_FIELD_BOOL, "swapped-known", DOMAIN, swapped_known),
	LATER(EBB_FIELD_U64, "lent-bytes", DOMAIN, lent_bytes),
	LATER(EBB_FIELD_BOOL, "lent-known", DOMAIN, lent_known),
	FIELD(EBB_FIELD_U64, "free-bytes", DOMAIN, free_bytes),
	FIELD(EBB_FIELD_U64, "free-huge-bytes", DOMAIN, free_huge_bytes),
	FIELD(EBB_FIELD_U64, "available-bytes", DOMAIN, available_bytes),
	FIELD(EBB_FIELD_U32, "facts-age-ms", DOMAIN, facts_age_ms),
	LATER(EBB_FIELD_U64, "allocation-stalls", DOMAIN, allocation_stalls),
	LATER(EBB_FIELD_BOOL, "stalls-known", DOMAIN, stalls_known),
	LATER(EBB_FIELD_U64, "stalled-us", DOMAIN, stalled_us),
	HELD(LATER, DOMAIN),
	LATER(EBB_FIELD_U32, "told-age-ms", DOMAIN, told_age_ms),
	FIELD(EBB_FIELD_U64, "reclaimed-bytes", DOMAIN, reclaimed_bytes),
	LATER(EBB_FIELD_U64, "pool-lent-bytes", DOMAIN, pool.lent_bytes),
	LATER(EBB_FIELD_U64, "pool-owed-bytes", DOMAIN, pool.owed_bytes),
	LATER(EBB_FIELD_U64, "pool-reserved-bytes", DOMAIN,
	      pool.reserved_bytes),
	LATER(EBB_FIELD_U64, "pool-returned-bytes", DOMAIN,
	      pool.returned_bytes),
	FIELD(EBB_FIELD_U64, "reclaim-runs", DOMAIN, reclaim_runs),
	TARGET(DOMAIN),
	SETTINGS(DOMAIN),
	LATER(EBB_FIELD_BOOL, "next-start-known", DOMAIN, next_known),
	OPTIONAL_ARRAY("next-start-settings", DOMAIN, next.items, next.count,
		       setting_fields),
	OPTIONAL_STRING("next-start-target", DOMAIN, next_target),
	OPTIONAL_STRING("next-start-trouble", DOMAIN, next.trouble),
	ARRAY("backings", DOMAIN, backings, backing_count, backing_fields),
	ARRAY("nodes", DOMAIN, nodes, node_count, node_fields),
	END,
};
#undef DOMAIN

const struct ebb_field ebb_domain_request_fields[] = {
	STRING("domain", struct ebb_domain_request, domain),
	OPTIONAL_STRING("uri", struct ebb_domain_request, uri),
	END,
};

const struct ebb_field ebb_host_request_fields[] = {
	OPTIONAL_STRING("version", struct ebb_host_request, version),
	END,
};

const struct ebb_field ebb_reload_result_fields[] = {
	STRING("restart", struct ebb_reload_result, restart),
	END,
};

const struct ebb_field ebb_set_request_fields[] = {
	STRING("domain", struct ebb_set_request, domain),
	OPTIONAL_STRING("uri", struct ebb_set_request, uri),
	OPTIONAL_STRING("free-target", struct ebb_set_request, free_target),
	OPTIONAL_STRING("mode", struct ebb_set_request,
			settings[EBB_SETTING_MODE]),
	OPTIONAL_STRING("min", struct ebb_set_request,
			settings[EBB_SETTING_MIN]),
	OPTIONAL_STRING("max", struct ebb_set_request,
			settings[EBB_SETTING_MAX]),
	OPTIONAL_STRING("shares", struct ebb_set_request,
			settings[EBB_SETTING_SHARES]),
	OPTIONAL_STRING("rungs", struct ebb_set_request,
			settings[EBB_SETTING_RUNGS]),
	OPTIONAL_STRING("reserved", struct ebb_set_request,
			settings[EBB_SETTING_RESERVED]),
	OPTIONAL_STRING("scope", struct ebb_set_request, scope),
	END,
};

const struct ebb_field ebb_set_result_fields[] = {
	STRING("name", struct ebb_set_result, name),
	TARGET(struct ebb_set_result),
	SETTINGS(struct ebb_set_result),
	OPTIONAL_STRING("note", struct ebb_set_result, note),
	END,
};

const struct ebb_field ebb_deflate_result_fields[] = {
	FIELD(EBB_FIELD_U64, "given-bytes", struct ebb_deflate_result,
	      given_bytes),
	END,
};

const struct ebb_field ebb_reclaim_request_fields[] = {
	STRING("domain", struct ebb_reclaim_request, domain),
	OPTIONAL_STRING("uri", struct ebb_reclaim_request, uri),
	OPTIONAL(EBB_FIELD_U64, "bytes", struct ebb_reclaim_request, bytes),
	OPTIONAL(EBB_FIELD_BOOL, "all", struct ebb_reclaim_request, all),
	OPTIONAL(EBB_FIELD_BOOL, "no-compact", struct ebb_reclaim_request,
		 no_compact),
	OPTIONAL(EBB_FIELD_BOOL, "free-only", struct ebb_reclaim_request,
		 free_only),
	OPTIONAL(EBB_FIELD_BOOL, "gentle", struct ebb_reclaim_request, gentle),
	OPTIONAL(EBB_FIELD_BOOL, "dry-run", struct ebb_reclaim_request,
		 dry_run),
	OPTIONAL(EBB_FIELD_U32, "timeout-ms", struct ebb_reclaim_request,
		 timeout_ms),
	END,
};

const struct ebb_field ebb_reclaim_progress_fields[] = {
	FIELD(EBB_FIELD_U64, "reclaimed-bytes", struct ebb_reclaim_progress,
	      reclaimed_bytes),
	FIELD(EBB_FIELD_U64, "target-bytes", struct ebb_reclaim_progress,
	      target_bytes),
	FIELD(EBB_FIELD_U64, "resident-bytes", struct ebb_reclaim_progress,
	      resident_bytes),
	FIELD(EBB_FIELD_U32, "elapsed-ms", struct ebb_reclaim_progress,
	      elapsed_ms),
	OPTIONAL(EBB_FIELD_U64, "driven-bytes", struct ebb_reclaim_progress,
		 driven_bytes),
	OPTIONAL_STRING("phase", struct ebb_reclaim_progress, phase),
	OPTIONAL(EBB_FIELD_U32, "running", struct ebb_reclaim_progress,
		 running),
	OPTIONAL(EBB_FIELD_U32, "ahead", struct ebb_reclaim_progress, ahead),
	END,
};

#define RESULT struct ebb_reclaim_result
const struct ebb_field ebb_reclaim_result_fields[] = {
	FIELD(EBB_FIELD_U64, "asked-bytes", RESULT, asked_bytes),
	FIELD(EBB_FIELD_U64, "reclaimed-bytes", RESULT, reclaimed_bytes),
	FIELD(EBB_FIELD_U64, "resident-before-bytes", RESULT,
	      resident_before_bytes),
	FIELD(EBB_FIELD_U64, "resident-after-bytes", RESULT,
	      resident_after_bytes),
	OPTIONAL(EBB_FIELD_U64, "swapped-before-bytes", RESULT,
		 swapped_before_bytes),
	OPTIONAL(EBB_FIELD_U64, "swapped-after-bytes", RESULT,
		 swapped_after_bytes),
	LATER(EBB_FIELD_BOOL, "swapped-known", RESULT, swapped_known),
	FIELD(EBB_FIELD_U64, "punched-bytes", RESULT, punched_bytes),
	FIELD(EBB_FIELD_U64, "estimate-min-bytes", RESULT, estimate_min_bytes),
	FIELD(EBB_FIELD_U64, "estimate-max-bytes", RESULT, estimate_max_bytes),
	FIELD(EBB_FIELD_U32, "batches", RESULT, batches),
	FIELD(EBB_FIELD_U32, "failed-slots", RESULT, failed_slots),
	FIELD(EBB_FIELD_U64, "elapsed-us", RESULT, elapsed_us),
	FIELD(EBB_FIELD_BOOL, "dry-run", RESULT, dry_run),
	OPTIONAL(EBB_FIELD_U64, "driven-bytes", RESULT, driven_bytes),
	OPTIONAL(EBB_FIELD_U64, "refused-bytes", RESULT, refused_bytes),
	OPTIONAL_STRING("refused-reason", RESULT, refused_reason),
	HELD(OPTIONAL, RESULT),
	OPTIONAL(EBB_FIELD_U64, "balloon-held-bytes", RESULT,
		 balloon_held_bytes),
	STRING("ended", RESULT, ended),
	OPTIONAL_STRING("uncompacted-reason", RESULT, uncompacted_reason),
	OPTIONAL_STRING("note", RESULT, note),
	END,
};
#undef RESULT

static const struct ebb_field check_fields[] = {
	STRING("name", struct ebb_check, name),
	STRING("status", struct ebb_check, status),
	STRING("text", struct ebb_check, text),
	OPTIONAL_STRING("remedy", struct ebb_check, remedy),
	OPTIONAL_STRING("xml", struct ebb_check, xml),
	END,
};

const struct ebb_field ebb_doctor_fields[] = {
	STRING("name", struct ebb_doctor, name),
	STRING("rung", struct ebb_doctor, rung),
	ARRAY("checks", struct ebb_doctor, checks, check_count, check_fields),
	END,
};

const struct ebb_field ebb_fix_fields[] = {
	LATER_STRING("uri", struct ebb_fix, uri),
	STRING("name", struct ebb_fix, name),
	STRING("patch", struct ebb_fix, patch),
	END,
};

void ebb_settings_show(const struct ebb_settings *settings,
		       struct ebb_settings_status *ret_status)
{
	ret_status->count = EBB_SETTING_COUNT;
	for (int i = 0; i < EBB_SETTING_COUNT; i++) {
		struct ebb_setting_status *item = &ret_status->items[i];

		snprintf(item->name, sizeof(item->name), "%s",
			 ebb_setting_name((enum ebb_setting)i));
		ebb_setting_format((enum ebb_setting)i, &settings->values,
				   item->value);
		snprintf(item->origin, sizeof(item->origin), "%s",
			 settings->origins[i].text);
	}
}

static int decode_domain(const struct json_object *object, void *ret_item,
			 const void *opaque, struct ebb_msg_error *ret_error)
{
	(void)opaque;
	return ebb_msg_decode(object, ebb_domain_status_fields, ret_item,
			      sizeof(struct ebb_domain_status), ret_error);
}

bool ebb_state_is_off(const char *state)
{
	return strcmp(state, "shut off") == 0;
}

int ebb_status_list_decode(const struct json_object *object,
			   struct ebb_status_list *ret_list,
			   struct ebb_msg_error *ret_error)
{
	struct ebb_status_list list = { 0 };
	void *domains;
	int r = ebb_array_decode(object, "domains", EBB_LIST_MAX,
				 sizeof(*list.domains), decode_domain, NULL,
				 &domains, &list.domain_count, ret_error);

	if (r < 0)
		return r;
	list.domains = domains;
	*ret_list = list;
	return 0;
}

struct json_object *ebb_status_list_encode(const struct ebb_status_list *list)
{
	struct json_object *object = json_object_new_object();
	struct json_object *array = json_object_new_array();
	int r = object && array ? 0 : -ENOMEM;

	for (uint32_t i = 0; r == 0 && i < list->domain_count; i++)
		r = ebb_array_append(array,
				     ebb_msg_encode(ebb_domain_status_fields,
						    &list->domains[i]));
	if (r == 0)
		r = ebb_array_add(object, "domains", json_object_get(array));
	json_object_put(array);
	if (r == 0)
		return object;
	json_object_put(object);
	return NULL;
}
