/* SPDX-License-Identifier: GPL-2.0-only */
/* What holds for a domain from its next start on, by what Ebb keeps with its definition. */
#ifndef EBB_HOST_NEXT_START_H
#define EBB_HOST_NEXT_START_H

#include "host/interface/status.h"
#include "host/libvirt/metadata.h"

/**
 * ebb_next_start_show - show the settings, and what is wrong with what is kept
 * @metadata: of the definition
 * @defaults: what holds of what it does not say
 * @usable_bytes: that the guest has; 0: not known
 */
void ebb_next_start_show(const struct ebb_metadata *metadata,
			 const struct ebb_settings *defaults,
			 uint64_t usable_bytes,
			 struct ebb_settings_status *ret_status);

#endif /* EBB_HOST_NEXT_START_H */
