/* SPDX-License-Identifier: GPL-2.0-only */
/* The tables of the agent's messages. */
#include "protocol/message.h"

#define END                  \
	{                    \
		.name = NULL \
	}

#define FIELD(type_, json, struct_, member, ...)                        \
	{                                                               \
		.name = (json), .type = (type_),                        \
		.offset = offsetof(struct struct_, member), __VA_ARGS__ \
	}
#define U32(json, struct_, member, ...) \
	FIELD(EBB_FIELD_U32, json, struct_, member, __VA_ARGS__)
#define U64(json, struct_, member, ...) \
	FIELD(EBB_FIELD_U64, json, struct_, member, __VA_ARGS__)
#define BOOL(json, struct_, member, ...) \
	FIELD(EBB_FIELD_BOOL, json, struct_, member, __VA_ARGS__)
#define CAPACITY_OF(struct_, member) sizeof(((struct struct_ *)0)->member)
#define STRING(json, struct_, member, ...)             \
	FIELD(EBB_FIELD_STRING, json, struct_, member, \
	      .capacity = CAPACITY_OF(struct_, member), __VA_ARGS__)

#define HELD(struct_)                                                          \
	BOOL("held-known", struct_, held.known, .optional = true),             \
		U64("held-anonymous-bytes", struct_, held.anonymous_bytes,     \
		    .optional = true),                                         \
		U64("held-shared-bytes", struct_, held.shared_bytes,           \
		    .optional = true),                                         \
		U64("held-locked-bytes", struct_, held.locked_bytes,           \
		    .optional = true),                                         \
		U64("held-huge-pool-bytes", struct_, held.huge_pool_bytes,     \
		    .optional = true),                                         \
		U64("held-page-cache-bytes", struct_, held.page_cache_bytes,   \
		    .optional = true),                                         \
		U64("held-slab-bytes", struct_, held.slab_bytes,               \
		    .optional = true),                                         \
		U64("held-page-tables-bytes", struct_, held.page_tables_bytes, \
		    .optional = true),                                         \
		U64("held-fragments-bytes", struct_, held.fragments_bytes,     \
		    .optional = true)

static const struct ebb_field segment_fields[] = {
	U64("gpa", ebb_msg_segment, gpa),
	U64("bytes", ebb_msg_segment, bytes),
	U32("node", ebb_msg_segment, node),
	FIELD(EBB_FIELD_U64_ARRAY, "canaries", ebb_msg_segment, canary_gpas,
	      .count_offset = offsetof(struct ebb_msg_segment, canary_count),
	      .capacity = EBB_CANARY_PER_SEGMENT),
	END,
};

const struct ebb_field ebb_msg_info_fields[] = {
	STRING("agent-version", ebb_msg_info, agent_version),
	STRING("kernel", ebb_msg_info, kernel),
	BOOL("module-loaded", ebb_msg_info, module_loaded),
	STRING("module-reason", ebb_msg_info, module_reason, .optional = true),
	U32("uapi-version", ebb_msg_info, uapi_version, .optional = true),
	FIELD(EBB_FIELD_HEX, "boot-id", ebb_msg_info, boot_id,
	      .capacity = EBB_BOOT_ID_BYTES, .optional = true),
	U64("ring-gpa", ebb_msg_info, ring_gpa, .optional = true),
	U32("ring-bytes", ebb_msg_info, ring_bytes, .optional = true),
	U32("lease-order", ebb_msg_info, lease_order, .optional = true),
	BOOL("page-poisoning", ebb_msg_info, page_poisoning, .optional = true),
	BOOL("reporting-busy", ebb_msg_info, reporting_busy, .optional = true),
	FIELD(EBB_FIELD_STRUCT_ARRAY, "segments", ebb_msg_info, segments,
	      .count_offset = offsetof(struct ebb_msg_info, segment_count),
	      .capacity = EBB_SEGMENT_MAX, .sub = segment_fields,
	      .sub_bytes = sizeof(struct ebb_msg_segment), .optional = true),
	END,
};

const struct ebb_field ebb_msg_facts_fields[] = {
	U64("total-bytes", ebb_msg_facts, total_bytes),
	U64("free-bytes", ebb_msg_facts, free_bytes),
	U64("available-bytes", ebb_msg_facts, available_bytes),
	U64("free-huge-bytes", ebb_msg_facts, free_huge_bytes),
	U64("psi-some-us", ebb_msg_facts, psi_some_us, .optional = true),
	U64("psi-full-us", ebb_msg_facts, psi_full_us, .optional = true),
	U64("allocstall", ebb_msg_facts, allocstall, .optional = true),
	U64("refault", ebb_msg_facts, refault, .optional = true),
	U64("working-set-bytes", ebb_msg_facts, working_set_bytes,
	    .optional = true),
	STRING("working-set-source", ebb_msg_facts, working_set_source,
	       .optional = true),
	HELD(ebb_msg_facts),
	END,
};

const struct ebb_field ebb_msg_challenge_fields[] = {
	FIELD(EBB_FIELD_HEX, "nonce", ebb_msg_challenge, nonce,
	      .capacity = EBB_NONCE_BYTES),
	END,
};

const struct ebb_field ebb_msg_session_start_fields[] = {
	U64("session-id", ebb_msg_session_start, session_id),
	U32("timeout-ms", ebb_msg_session_start, timeout_ms,
	    .max = EBB_SESSION_MAX_MS),
	BOOL("rearm", ebb_msg_session_start, rearm, .optional = true),
	BOOL("gentle", ebb_msg_session_start, gentle, .optional = true),
	END,
};

const struct ebb_field ebb_msg_target_fields[] = {
	U64("bytes", ebb_msg_target, bytes, .optional = true),
	BOOL("auto", ebb_msg_target, automatic, .optional = true),
	FIELD(EBB_FIELD_U64_ARRAY, "node-bytes", ebb_msg_target, node_bytes,
	      .count_offset = offsetof(struct ebb_msg_target, node_count),
	      .capacity = EBB_NODE_MAX, .optional = true),
	U32("timeout-ms", ebb_msg_target, timeout_ms,
	    .max = EBB_TARGET_LEASE_MS),
	BOOL("retry", ebb_msg_target, retry, .optional = true),
	BOOL("urgent", ebb_msg_target, urgent, .optional = true),
	END,
};

const struct ebb_field ebb_msg_target_state_fields[] = {
	U64("asked-bytes", ebb_msg_target_state, asked_bytes),
	U64("effective-bytes", ebb_msg_target_state, effective_bytes),
	STRING("mechanism", ebb_msg_target_state, mechanism),
	STRING("state", ebb_msg_target_state, state),
	STRING("reason", ebb_msg_target_state, reason, .optional = true),
	HELD(ebb_msg_target_state),
	END,
};

const struct ebb_field ebb_msg_compact_state_fields[] = {
	BOOL("running", ebb_msg_compact_state, running),
	STRING("reason", ebb_msg_compact_state, reason, .optional = true),
	END,
};
