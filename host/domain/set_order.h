/* SPDX-License-Identifier: GPL-2.0-only */
/* What is to be kept with a domain: its free target, settings of the policy, or both. */
#ifndef EBB_HOST_SET_ORDER_H
#define EBB_HOST_SET_ORDER_H

#include <stdbool.h>

#include "host/domain/refusal.h"
#include "host/interface/settings.h"
#include "host/interface/status.h"
#include "host/interface/target.h"
#include "host/libvirt/domxml.h"

/* What becomes of one setting. */
enum ebb_set_action {
	EBB_SET_NOTHING, /* it stays as it is */
	EBB_SET_VALUE, /* the domain has it */
	EBB_SET_DEFAULT, /* the domain has it no more: ebbd.conf's holds */
};

/**
 * struct ebb_set_order
 * @scope: whether for the domain that runs, for its definition or both
 * @has_target, @target: the free target is to be this
 * @actions, @values: of the settings
 */
struct ebb_set_order {
	enum ebb_scope scope;
	bool has_target;
	struct ebb_target_setting target;
	enum ebb_set_action actions[EBB_SETTING_COUNT];
	struct ebb_policy_settings values;
};

/**
 * struct ebb_set_place - the domain, or the definition, that is to keep it
 * @domxml: its XML
 * @layer, @defaults: what its metadata say now, and ebbd.conf for it
 * @memory_bytes: all that it has, and
 * @usable_bytes: what of that its guest can use; 0: not known
 */
struct ebb_set_place {
	const struct ebb_domxml *domxml;
	const struct ebb_settings *layer;
	const struct ebb_settings *defaults;
	uint64_t memory_bytes;
	uint64_t usable_bytes;
};

/*
 * Whether that cannot hold there: min and max exclude each other, or the free target is
 * more than there is, or nobody can be told it.
 */
bool ebb_set_order_is_refused(const struct ebb_set_order *set,
			      const struct ebb_set_place *place,
			      struct ebb_refusal *ret_refusal);

/* What that changes of the metadata. @changes: EBB_METADATA_CHANGES_MAX. Returns how many */
size_t ebb_set_order_changes(const struct ebb_set_order *set,
			     struct ebb_metadata_change *changes);

/**
 * ebb_set_order_show - answer what was set for the next start
 * @defaults: what holds then of what is set to the default
 * @result: has its settings by ebb_settings_show()
 */
void ebb_set_order_show(const struct ebb_set_order *set,
			const struct ebb_settings *defaults,
			struct ebb_set_result *result);

#endif /* EBB_HOST_SET_ORDER_H */
