/* SPDX-License-Identifier: GPL-2.0-only */
/* A free target and what became of it, as lines of a block. */
#ifndef EBB_HOST_CTL_TARGET_H
#define EBB_HOST_CTL_TARGET_H

#include "host/interface/status.h"

/* To stdout; nothing of what there is not. @target is cleaned. */
/* A line for each setting of the policy, with where it comes from. */
void ctl_settings_print(const struct ebb_settings_status *settings);

void ctl_target_print(const struct ebb_target_status *target);

#endif /* EBB_HOST_CTL_TARGET_H */
