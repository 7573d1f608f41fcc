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
	FIELD(EBB_FIELD_STRING, "agent-version", ebb_msg_info, agent_version,
	      .capacity = CAPACITY_OF(ebb_msg_info, agent_version)),
	FIELD(EBB_FIELD_STRING, "kernel", ebb_msg_info, kernel,
	      .capacity = CAPACITY_OF(ebb_msg_info, kernel)),
	BOOL("module-loaded", ebb_msg_info, module_loaded),
	FIELD(EBB_FIELD_STRING, "module-reason", ebb_msg_info, module_reason,
	      .capacity = CAPACITY_OF(ebb_msg_info, module_reason),
	      .optional = true),
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
	END,
};
