/* SPDX-License-Identifier: GPL-2.0-only */
/* What the agent knows of the guest's memory without the module. */
#ifndef EBB_GUEST_FACTS_H
#define EBB_GUEST_FACTS_H

#include "protocol/message.h"

/**
 * ebb_facts_read - meminfo, buddyinfo, pressure/memory and vmstat
 * @proc_dir: "/proc", or a directory that is like it
 * @ret_facts: written only on success
 *
 * A kernel without PSI leaves its fields zero. Returns 0 or -errno of meminfo.
 */
int ebb_facts_read(const char *proc_dir, struct ebb_msg_facts *ret_facts);

#endif /* EBB_GUEST_FACTS_H */
